//! Any bytes as a frame.
//!
//! The first two bytes are the link type's number, the third says what else is known of the frame.

#![no_main]

#[path = "../check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;
use netlab::dissect::Origin;
use netlab::link::LinkType;

fuzz_target!(|input: &[u8]| {
    let [high, low, extra, frame @ ..] = input else { return };
    let origin = Origin {
        link: LinkType::from_number(u32::from(u16::from_be_bytes([*high, *low]))),
        original_length: frame.len() as u32 + u32::from(extra >> 1) * 16,
        checksum_pending: extra & 1 != 0,
    };
    check::check(&origin, frame);
});
