//! Labs about datagrams between networks.

use super::experiment::Lab;

mod route;
mod subnet;

/// Its labs, in the order in which one would take them.
pub const LABS: &[Lab] = &[subnet::LAB, route::LAB];
