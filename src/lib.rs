//! netlab: see every layer of the network on your own machine, and prove it.
//!
//! The layers of RFC 1122 are the architecture: a layer's folder holds its headers **and** what can be done at that
//! layer. A module uses those above it in this list, never those below (tests/offline/layering.rs reads the sources
//! and fails on a wrong import):
//!
//! - [`bytes`]: bytes without protocol knowledge: the reader that records every field, checksums, hex, escaping.
//! - [`kernel`]: what the kernel is asked and told: errors, namespaces, signals, netlink, sysctls.
//! - [`link`]: one wire: Ethernet, VLAN, ARP, interfaces, the capture ring.
//! - [`internet`]: addresses and datagrams: IPv4, IPv6, ICMP, subnets, the path of a datagram.
//! - [`transport`]: ports and connections: TCP, UDP, probing, the kernel's sockets.
//! - [`application`]: messages between programs.
//! - [`dissect`]: the one table of what follows what.
//! - [`capture`]: live and stored captures.
//! - [`lab`]: experiments on real kernels.
//! - [`report`]: results to text and JSON; pure functions from data to a writer.
//! - [`cli`]: one subcommand per file: arguments → plan → run → outcome.

pub mod bytes;
pub mod kernel;
pub mod link;
pub mod internet;
pub mod transport;
pub mod application;
pub mod dissect;
pub mod capture;
pub mod lab;
pub mod report;
pub mod cli;
