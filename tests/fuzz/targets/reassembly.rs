//! Fragments of any kind in any order: memory is bounded, what is shown covers the whole, silence sees the same.
#![no_main]

#[path = "../check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;
use netlab::capture::frame::Frame;
use netlab::capture::{Dissector, Packet};

/// What datagrams carry.
const PROTOCOLS: [u8; 8] = [17, 6, 1, 4, 44, 41, 60, 58];

/// A fragment: what `control` says of its kind, where it belongs (in units of eight bytes), and its bytes.
fn frame(control: u8, units: u16, identification: u8, bytes: &[u8]) -> Vec<u8> {
    let (v6, more) = (control & 1 != 0, u16::from(control >> 1 & 1));
    let protocol = PROTOCOLS[usize::from(control >> 2 & 7)];
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    if control & 0x80 != 0 {
        frame.extend([0x81, 0, 0, 5]);
    }
    if v6 {
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        frame.extend((8 + bytes.len() as u16).to_be_bytes());
        frame.extend([44, 64]);
        frame.extend([[0xfe; 16], [0xfd; 16]].concat());
        frame.extend([protocol, 0]);
        frame.extend((units << 3 | more).to_be_bytes());
        frame.extend([0, 0, 0, identification]);
    } else {
        frame.extend([8, 0, 0x45, 0]);
        frame.extend((20 + bytes.len() as u16).to_be_bytes());
        frame.extend([0, identification]);
        frame.extend((units & 0x1fff | more << 13).to_be_bytes());
        frame.extend([64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    }
    frame.extend(bytes);
    frame
}

fn same(loud: &Packet<'_>, quiet: &Packet<'_>) {
    assert_eq!(loud.layers.len(), quiet.layers.len());
    for (loud, quiet) in loud.layers.iter().zip(quiet.layers) {
        assert_eq!((&loud.header, &loud.bytes, loud.checksum), (&quiet.header, &quiet.bytes, quiet.checksum));
    }
}

fuzz_target!(|data: &[u8]| {
    let mut loud = Dissector::new(true).reassembling().analysing(0);
    let mut quiet = Dissector::new(false).reassembling().analysing(0);
    let (mut rest, mut time) = (data, 0i64);
    while let Some(([control, high, low, length, identification, wait], tail)) = rest.split_first_chunk() {
        let (bytes, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        time = time.wrapping_add(i64::from(*wait) << 28);
        // Large offsets are rare in what is put together, so they need their own bit.
        let units = if control & 0x40 == 0 { u16::from(*low % 64) } else { u16::from_be_bytes([*high, *low]) };
        let bytes = if control & 0x20 == 0 { bytes.repeat(8) } else { bytes.to_vec() };
        let bytes = frame(*control, units, identification % 4, &bytes);
        let frame = Frame { time: Some(time), ..Frame::ethernet(&bytes) };
        let packet = loud.read(frame);
        check::shown(&packet);
        same(&packet, &quiet.read(frame));
        assert!(packet.bytes.len() <= bytes.len() + 4 * 65_535);
    }
});
