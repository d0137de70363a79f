//! Segments of any kind in any order: what is said is in order, and with what is missing it adds up.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use netlab::capture::Dissector;
use netlab::capture::frame::Frame;
use netlab::capture::streams::{Piece, Said, Streams};

/// Who speaks of which connection, and the low byte of the sequence number of what it says next.
type Expected = HashMap<(u64, u16), u8>;

/// A segment whose bytes are the low bytes of their sequence numbers.
fn frame(control: u8, sequence: u32, acknowledgment: u32, length: u16) -> Vec<u8> {
    let flags = control & 0x1f & !8;
    let first = sequence.wrapping_add(u32::from(control & 2 != 0));
    let mut frame = vec![0; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend((40 + length).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 1]);
    let ports = [1000 + u16::from(control >> 6), 80];
    let [from, to] = if control & 0x20 == 0 { ports } else { [ports[1], ports[0]] };
    frame.extend([from.to_be_bytes(), to.to_be_bytes()].concat());
    frame.extend([sequence.to_be_bytes(), acknowledgment.to_be_bytes()].concat());
    frame.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend((0..u32::from(length)).map(|at| first.wrapping_add(at) as u8));
    frame
}

fn check(said: &[Said], expected: &mut Expected) {
    for Said { connection, from, pieces, .. } in said {
        for piece in pieces {
            let who = (*connection, from.1);
            match piece {
                Piece::Missing(bytes) => {
                    assert!(*bytes > 0);
                    expected.entry(who).and_modify(|next| *next = next.wrapping_add(*bytes as u8));
                }
                Piece::Data(data) => {
                    assert!(!data.is_empty());
                    let next = expected.entry(who).or_insert(data[0]);
                    for byte in data {
                        assert_eq!(byte, next, "out of order");
                        *next = next.wrapping_add(1);
                    }
                }
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let (mut streams, mut dissector) = (Streams::within(0), Dissector::new(false));
    let mut expected = Expected::new();
    let (segments, _) = data.as_chunks::<6>();
    for [control, a, b, c, d, length] in segments {
        let far = if control & 8 == 0 { 1 } else { 0x0101_0101 };
        let [sequence, acknowledgment] =
            [[*a, *b], [*c, *d]].map(|pair| u32::from(u16::from_be_bytes(pair)).wrapping_mul(far));
        let bytes = frame(*control, sequence, acknowledgment, u16::from(*length) * 5);
        check(&streams.see(&dissector.read(Frame::ethernet(&bytes))), &mut expected);
    }
    check(&streams.finish(), &mut expected);
});
