//! What the kernel is asked and told: errors with their errno, namespaces, signals, netlink, sysctls.
//!
//! `unsafe` is allowed in this room and in [`crate::link`] alone, each use with its `// SAFETY:`.

pub mod capability;
pub mod attempt;
pub mod child;
pub mod confinement;
pub mod connection;
pub mod counters;
pub mod errno;
pub mod error;
pub mod error_queue;
pub mod ethtool;
pub mod fork;
pub mod helper;
pub mod limits;
pub mod event;
pub mod namespace;
pub mod netlink;
pub mod path_mtu;
pub mod process;
pub mod sandbox;
pub mod screen;
pub mod settings;
pub mod signal;
pub mod sock_diag;
pub mod sysctl;
pub mod terminal;
pub mod zone;

pub use error::OsError;
