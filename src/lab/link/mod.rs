//! Labs about frames on one link.

use super::experiment::Lab;

mod arp;

/// Its labs, in the order in which one would take them.
pub const LABS: &[Lab] = &[arp::LAB];
