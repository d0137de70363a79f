//! Labs about ports and connections.

use crate::lab::experiment::Lab;

mod backlog;
mod buffers;
pub(in crate::lab) mod close;
mod close_wait;
mod corrupt;
mod dead_peer;
mod half_close;
pub(in crate::lab) mod handshake;
mod lossy;
mod ports;
mod nagle;
mod reset;
pub mod reuse;
mod simultaneous;
mod sticky;
mod syn_flood;
mod time_wait;
mod udp;
mod zero_window;

/// Its labs, in the order in which one would take them.
pub const LABS: &[Lab] = &[
    handshake::LAB,
    close::LAB,
    simultaneous::LAB,
    half_close::LAB,
    time_wait::LAB,
    reuse::LAB,
    close_wait::LAB,
    reset::LAB,
    backlog::LAB,
    syn_flood::LAB,
    dead_peer::LAB,
    lossy::LAB,
    corrupt::LAB,
    sticky::LAB,
    nagle::LAB,
    buffers::LAB,
    zero_window::LAB,
    udp::LAB,
    ports::LAB,
];
