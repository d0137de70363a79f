//! Labs about messages between programs.

use super::experiment::Lab;

mod framing;
mod servers;
mod sockets;

/// Its labs, in the order in which one would take them.
pub const LABS: &[Lab] = &[framing::LAB, sockets::LAB, servers::LAB];
