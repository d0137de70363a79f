//! Results to text: pure functions from data to a writer. Nothing here opens, reads or waits for anything.

pub mod accounting;
pub mod arp;
pub mod arp_json;
pub mod bits;
pub mod cells;
pub mod claims;
pub mod clock;
pub mod columns;
pub mod diagram;
pub mod explain;
pub mod fields;
pub mod flows;
pub mod follow;
mod fragments;
pub mod headers;
mod hosts;
pub mod interfaces;
pub mod json;
pub mod lab_html;
pub mod lab_json;
pub mod lab_pcap;
#[cfg(test)]
mod lab_sample;
pub mod lab_svg;
mod lab_svg_arrow;
pub mod lab_words;
pub mod ladder;
mod ladder_arrow;
pub mod ladder_label;
pub mod ladder_step;
mod layer;
pub mod packet;
mod packet_fields;
pub mod packet_hex;
pub mod packet_json;
pub mod packet_line;
#[cfg(feature = "parquet")]
pub mod packet_parquet;
pub mod palette;
pub mod paragraph;
pub mod probe;
pub mod probe_json;
pub mod progress;
pub mod quantity;
pub mod reuse;
pub mod sockets;
pub mod subnet;
pub mod table;
pub mod tally;
pub mod text;
#[cfg(feature = "top")]
pub mod top;

pub use palette::Palette;
pub use paragraph::Paragraph;
