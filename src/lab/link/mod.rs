//! Labs about frames on one link.

use super::experiment::Lab;

mod arp;
mod frame;
mod layers;
mod switch;

/// Its labs, in the order in which one would take them.
pub const LABS: &[Lab] = &[layers::LAB, frame::LAB, arp::LAB, switch::LAB];
