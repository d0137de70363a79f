//! Messages between programs.
