//! Messages between programs.

pub mod announcement;
pub mod frames;
