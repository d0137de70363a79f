//! Experiments on real kernels: each runs, returns an [`Observation`] as data, and checks what it teaches.
//!
//! The engine: [`stage`] builds hosts as namespaces and joins them by a [`fabric`] in user space, through which every
//! frame passes and where [`fate`] decides what becomes of it. [`program`]s run on threads inside the hosts. Between
//! the frames [`sockets`] asks both kernels for the states. An experiment is one file in the folder of its layer
//! ([`link`], [`internet`], [`transport`], [`application`]) and one row there; [`catalog`] lists them all.

mod brake;
pub mod catalog;
pub mod claims;
pub mod connection;
pub mod endpoint;
pub mod experiment;
pub mod fabric;
pub mod fate;
pub mod forged;
pub mod line;
pub mod observation;
pub mod packets;
pub mod place;
pub mod plan;
pub mod program;
pub mod recorded;
pub mod room;
pub mod segments;
pub mod sockets;
pub mod stage;
pub mod states;
pub mod tcp;
mod thinking;
pub mod topology;
pub mod udp;

pub mod application;
pub mod internet;
pub mod link;
pub mod transport;

pub use observation::{Event, Finding, Observation, What, Words};
pub use stage::Stage;
