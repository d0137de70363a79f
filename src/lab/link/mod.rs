//! Labs about frames on one link.

use super::experiment::Lab;

mod arp;
mod layers;
mod switch;

/// Its labs, in the order in which one would take them.
pub const LABS: &[Lab] = &[layers::LAB, arp::LAB, switch::LAB];
