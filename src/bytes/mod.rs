//! Bytes without protocol knowledge: reading them, summing them, showing them.
//!
//! **Invariant:** nothing here knows what a protocol is, and nothing here panics, whatever the bytes are.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod amounts;
pub mod checksum;
pub mod codes;
#[cfg(test)]
pub mod dice;
pub mod escape;
pub mod field;
pub mod hex;
pub mod mac;
pub mod name;
mod nearest;
pub mod order;
pub mod reader;
pub mod room;
mod text;

pub use checksum::{Sum, Verdict};
pub use codes::Codes;
pub use escape::Escaped;
pub use field::{Bits, Field, Fields, Record, Silent, Value};
pub use mac::Mac;
pub use name::Name;
pub use nearest::{did_you_mean, nearest};
pub use reader::{Fault, Part, Reader};
