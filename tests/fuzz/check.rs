//! What must hold for any bytes: no panic, no gap, no overlap, silence sees the same, and everything prints.

use std::cell::RefCell;

use netlab::bytes::{Field, Fields, Silent};
use netlab::capture::condition::Place;
use netlab::capture::frame::Frame;
use netlab::capture::names::Names;
use netlab::capture::{Dissector, Packet};
use netlab::dissect::{Origin, dissect};
use netlab::report::clock::Clock;
use netlab::report::columns::{self, Style};
use netlab::report::headers::Numbers;
use netlab::report::packet::{self, Look};
use netlab::report::text::Text;
use netlab::report::{Palette, packet_json, packet_line};

thread_local! {
    /// Its tables are used again for every frame, as the program does.
    static DISSECTOR: RefCell<Dissector> = RefCell::new(Dissector::new(true).reassembling().naming(Names::default()));
    static PLACES: Vec<Place> = ["frame.number", "dns.name", "http.header", "tls.alpn", "payload.payload"]
        .map(|name| Place::of(name, 0..0).expect("a name of the list"))
        .to_vec();
}

/// Every look of a frame: none panics, none lets a control character through.
fn show(origin: &Origin, bytes: &[u8]) {
    let Origin { link, original_length, checksum_pending } = *origin;
    let frame = Frame { link, original_length, checksum_pending, ..Frame::ethernet(bytes) };
    DISSECTOR.with_borrow_mut(|dissector| shown(&dissector.read(frame)));
}

/// Fails unless the fields cover what the packet shows, and every look of it is harmless.
pub fn shown(packet: &Packet<'_>) {
    covered(packet.fields, packet.bytes);
    let (clock, numbers, palette) = (Clock::SinceFirst, Numbers::Relative, Palette::PLAIN);
    let mut text = Text::default();
    packet::write(&mut text, packet, &Look { fields: true, hex: true, clock, numbers, palette });
    packet_line::write(&mut text, packet, clock, numbers, palette);
    packet_json::write(&mut text, packet);
    PLACES.with(|places| columns::write(&mut text, packet, places, Style::Csv));
    let text = String::from_utf8(text.into_bytes()).expect("reports are UTF-8");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

/// Fails unless the fields cover the bytes with no gap and no overlap.
fn covered(fields: &[Field], bytes: &[u8]) {
    let mut bit = 0;
    for field in fields {
        assert_eq!(field.bits.start, bit, "gap or overlap before {}", field.name);
        bit = field.bits.end();
    }
    assert_eq!(bit as usize, bytes.len() * 8, "the end is not covered");
}

/// Fails unless all of it holds for `frame`.
pub fn check(origin: &Origin, frame: &[u8]) {
    let (mut layers, mut fields) = (Vec::new(), Fields::default());
    dissect(origin, frame, &mut fields, &mut layers);

    covered(&fields.0, frame);
    show(origin, frame);

    let mut silent = Vec::new();
    dissect(origin, frame, Silent, &mut silent);
    assert_eq!(silent.len(), layers.len());
    for (quiet, loud) in silent.iter().zip(&layers) {
        assert_eq!((&quiet.header, &quiet.bytes, quiet.checksum), (&loud.header, &loud.bytes, loud.checksum));
        assert_eq!((quiet.fault, quiet.note, quiet.quoted), (loud.fault, loud.note, loud.quoted));
    }
}

/// The same for what a program sends from a server's port; the first bit of `cut` says that the capture cut it short.
#[allow(dead_code)]
pub fn message(protocol: u8, port: u16, cut: u8, payload: &[u8]) {
    let header: &[u8] =
        if protocol == 17 { &[0; 8] } else { &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0] };
    let mut frame = vec![0; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend((20 + header.len() as u16 + payload.len() as u16).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    frame.extend(port.to_be_bytes());
    frame.extend([0x9c, 0x40]);
    frame.extend(&header[4..]);
    if protocol == 17 {
        let length = (8 + payload.len() as u16).to_be_bytes();
        frame[38..40].copy_from_slice(&length);
    }
    frame.extend(payload);
    let mut origin = Origin::ethernet(&frame);
    if cut & 1 != 0 {
        let kept = frame.len() - payload.len() / 2;
        frame.truncate(kept);
        origin.original_length = (kept + payload.len() / 2) as u32;
    }
    check(&origin, &frame);
}
