//! Live and stored captures.

pub mod accounting;
pub mod analysis;
pub mod files;
pub mod filter;
pub mod flows;
pub mod frame;
pub mod live;
pub mod packet;
pub mod pair;
pub mod tally;

pub use accounting::Accounting;
pub use files::{FileError, Stored};
pub use frame::{Frame, Source};
pub use live::Live;
pub use packet::{Dissector, Packet};
