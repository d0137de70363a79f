//! Labs about ports and connections.

use crate::lab::experiment::Lab;

mod backlog;
mod close;
mod handshake;
pub mod reuse;
mod simultaneous;

/// Its labs, in the order in which one would take them.
pub const LABS: &[Lab] = &[handshake::LAB, close::LAB, simultaneous::LAB, backlog::LAB];
