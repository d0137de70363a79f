//! Any bytes as a frame: no panic, no gap, no overlap, silence sees the same, and everything prints.
//!
//! The first two bytes are the link type's number, the third says what else is known of the frame.

#![no_main]

use std::fmt::Write;

use libfuzzer_sys::fuzz_target;
use netlab::bytes::{Escaped, Fields, Silent, Value, hex};
use netlab::dissect::{Origin, dissect};
use netlab::link::LinkType;

fuzz_target!(|input: &[u8]| {
    let [high, low, extra, frame @ ..] = input else { return };
    let origin = Origin {
        link: LinkType::from_number(u32::from(u16::from_be_bytes([*high, *low]))),
        original_length: frame.len() as u32 + u32::from(extra >> 1) * 16,
        checksum_pending: extra & 1 != 0,
    };
    let (mut layers, mut fields) = (Vec::new(), Fields::default());
    dissect(&origin, frame, &mut fields, &mut layers);

    let mut bit = 0;
    let mut text = String::new();
    for field in &fields.0 {
        assert_eq!(field.bits.start, bit, "gap or overlap before {}", field.name);
        bit = field.bits.end();
        match field.value {
            Value::Bytes => write!(text, "{}", hex::Spaced(field.bits.of(frame))),
            Value::Text => write!(text, "{}", Escaped(field.bits.of(frame))),
            value => write!(text, "{value}"),
        }
        .unwrap();
    }
    assert_eq!(bit as usize, frame.len() * 8, "the end is not covered");
    assert!(!text.chars().any(char::is_control));

    let mut silent = Vec::new();
    dissect(&origin, frame, Silent, &mut silent);
    assert_eq!(silent.len(), layers.len());
    for (quiet, loud) in silent.iter().zip(&layers) {
        assert_eq!((&quiet.header, &quiet.bytes, quiet.checksum), (&loud.header, &loud.bytes, loud.checksum));
        assert_eq!((quiet.fault, quiet.note, quiet.quoted), (loud.fault, loud.note, loud.quoted));
    }
});
