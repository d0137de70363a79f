//! Any bytes as a frame: no panic, no gap, no overlap, silence sees the same, and everything prints.
//!
//! The first two bytes are the link type's number, the third says what else is known of the frame.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use netlab::bytes::{Fields, Silent};
use netlab::capture::Dissector;
use netlab::capture::frame::Frame;
use netlab::dissect::{Origin, dissect};
use netlab::link::LinkType;
use netlab::report::headers::Numbers;
use netlab::report::packet::{self, Clock, Look};
use netlab::report::text::Text;
use netlab::report::{Palette, packet_json, packet_line};

thread_local! {
    /// Its tables are used again for every frame, as the program does.
    static DISSECTOR: RefCell<Dissector> = RefCell::new(Dissector::new(true));
}

/// Every look of a frame: none panics, none lets a control character through.
fn show(origin: &Origin, bytes: &[u8]) {
    let Origin { link, original_length, checksum_pending } = *origin;
    let frame = Frame { link, original_length, checksum_pending, ..Frame::ethernet(bytes) };
    let (clock, numbers, palette) = (Clock::SinceFirst, Numbers::Relative, Palette::PLAIN);
    let mut text = Text::default();
    DISSECTOR.with_borrow_mut(|dissector| {
        let packet = dissector.read(frame);
        packet::write(&mut text, &packet, &Look { fields: true, hex: true, clock, numbers, palette });
        packet_line::write(&mut text, &packet, clock, numbers, palette);
        packet_json::write(&mut text, &packet);
    });
    let text = String::from_utf8(text.0).expect("reports are UTF-8");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

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
    for field in &fields.0 {
        assert_eq!(field.bits.start, bit, "gap or overlap before {}", field.name);
        bit = field.bits.end();
    }
    assert_eq!(bit as usize, frame.len() * 8, "the end is not covered");
    show(&origin, frame);

    let mut silent = Vec::new();
    dissect(&origin, frame, Silent, &mut silent);
    assert_eq!(silent.len(), layers.len());
    for (quiet, loud) in silent.iter().zip(&layers) {
        assert_eq!((&quiet.header, &quiet.bytes, quiet.checksum), (&loud.header, &loud.bytes, loud.checksum));
        assert_eq!((quiet.fault, quiet.note, quiet.quoted), (loud.fault, loud.note, loud.quoted));
    }
});
