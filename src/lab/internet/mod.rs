//! Labs about datagrams between networks.

use super::experiment::Lab;

mod fragment;
mod route;
mod subnet;

/// Its labs, in the order in which one would take them.
pub const LABS: &[Lab] = &[subnet::LAB, route::LAB, fragment::LAB];
