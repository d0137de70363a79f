//! What frames mean together: conversations, and notes on the TCP segments that do not come as one would wish.
//!
//! **Invariant:** memory is bounded, whatever is captured and for however long.

pub mod conversations;
pub mod notes;
pub mod segment;
pub mod tcp;
mod timing;

pub use conversations::{Conversation, Conversations};
pub use notes::Notes;
pub use tcp::Finding;
