//! Labs about ports and connections.

use crate::lab::experiment::Lab;

mod backlog;
mod close;
mod handshake;
mod ports;
mod reset;
pub mod reuse;
mod simultaneous;
mod sticky;
mod time_wait;
mod udp;

/// Its labs, in the order in which one would take them.
pub const LABS: &[Lab] = &[
    handshake::LAB,
    close::LAB,
    simultaneous::LAB,
    time_wait::LAB,
    reset::LAB,
    backlog::LAB,
    sticky::LAB,
    udp::LAB,
    ports::LAB,
];
