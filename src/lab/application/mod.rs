//! Labs about messages between programs.

use super::experiment::Lab;

/// Its labs, in the order in which one would take them.
pub const LABS: &[Lab] = &[];
