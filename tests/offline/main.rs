//! Tests without privilege and without a network.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod analysis;
mod capture;
mod capture_comments;
mod capture_files;
mod capture_packed;
mod capture_rows;
mod claims;
mod cli;
mod filter;
mod columns;
mod condition;
mod decode;
mod direction;
mod explain;
mod fields;
mod fragments;
mod fuzzing;
#[path = "../shared/fragmented.rs"]
mod fragmented;
mod golden;
mod headers;
mod hostile;
#[path = "../shared/json_keys.rs"]
mod json_keys;
mod layering;
mod names;
mod oracle;
mod reuse;
mod probe;
mod sockets;
mod special;
mod subnet;
mod subnet_model;
mod top;
#[path = "../shared/traffic.rs"]
mod traffic;
#[path = "../shared/tcp_traffic.rs"]
mod tcp_traffic;
mod tshark;
mod times;
mod tshark_messages;
mod tshark_tally;
