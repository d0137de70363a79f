//! Results to text: pure functions from data to a writer. Nothing here opens, reads or waits for anything.

pub mod arp;
pub mod arp_json;
pub mod bits;
pub mod headers;
pub mod interfaces;
pub mod json;
pub mod ladder;
mod ladder_label;
pub mod packet;
mod packet_fields;
mod packet_hex;
pub mod packet_json;
pub mod packet_line;
pub mod palette;
pub mod paragraph;
pub mod probe;
pub mod quantity;
pub mod reuse;
pub mod sockets;
pub mod subnet;
pub mod table;
pub mod text;

pub use palette::Palette;
pub use paragraph::Paragraph;
