//! Results to text: pure functions from data to a writer. Nothing here opens, reads or waits for anything.

pub mod arp;
pub mod arp_json;
pub mod bits;
pub mod cells;
pub mod claims;
pub mod diagram;
pub mod explain;
pub mod headers;
pub mod interfaces;
pub mod json;
pub mod lab_html;
pub mod lab_json;
pub mod lab_pcap;
pub mod lab_svg;
pub mod lab_words;
pub mod ladder;
pub mod ladder_label;
pub mod ladder_step;
pub mod packet;
mod packet_fields;
mod packet_hex;
pub mod packet_json;
pub mod packet_line;
pub mod palette;
pub mod paragraph;
pub mod probe;
pub mod probe_json;
pub mod quantity;
pub mod reuse;
pub mod sockets;
pub mod subnet;
pub mod table;
pub mod text;

pub use palette::Palette;
pub use paragraph::Paragraph;
