//! Live and stored captures.

pub mod accounting;
pub mod analysis;
pub mod batch;
pub mod calendar;
pub mod condition;
pub mod dissector;
pub mod files;
pub mod filter;
pub mod flows;
pub mod frame;
mod interfaces;
pub mod live;
pub mod names;
pub mod owners;
pub mod packet;
pub mod pair;
pub mod queue;
pub mod reading;
pub mod reassembly;
pub mod restored;
pub mod streams;
pub mod taker;
pub mod tally;
pub mod watch;

pub use accounting::{Accounting, Counted};
pub use condition::Condition;
pub use dissector::Dissector;
pub use files::{FileError, Stored};
pub use frame::{Frame, Source};
pub use live::Live;
pub use packet::Packet;
