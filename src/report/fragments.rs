//! Fragments, and the datagrams that they make whole.

use super::palette::{Ink, Palette};
use super::text::Text;
use crate::capture::reassembly::Fragment;
use crate::internet::fragments::State;
use crate::internet::icmp::Version;

/// Frames that are named one by one.
const NAMED: usize = 8;

/// Adds what a fragment is and what became of its datagram.
pub(super) fn describe(text: &mut Text, fragment: &Fragment, palette: Palette) {
    if fragment.completes() {
        text.str("reassembled ").number(fragment.whole.end - fragment.whole.start).str(" bytes from");
        frames(text, &fragment.taken.frames);
    } else {
        let (first, last) = (fragment.bytes.start, fragment.bytes.end.saturating_sub(1));
        match fragment.bytes.len() {
            0 => text.str("no bytes at ").number(first),
            1 => text.str("byte ").number(first),
            _ => text.str("bytes ").number(first).str("–").number(last),
        };
        text.str(" of id 0x");
        text.hex(fragment.identification.into(), if fragment.version == Version::V4 { 4 } else { 8 });
    }
    match fragment.taken.state {
        State::Waiting { held, of: Some(of) } => {
            text.str(", ").number(held).str(" of ").number(of).str(" bytes are here");
        }
        State::Waiting { held, of: None } => {
            text.str(", ").number(held).str(" bytes are here");
        }
        State::Repeated(number) => {
            text.str("  ").ink(palette, Ink::Warn, |text| text.str("the same as in #").number(number));
        }
        State::Refused(refusal) => {
            text.str("  ").ink(palette, Ink::Warn, |text| text.format(format_args!("not used: {refusal}")));
        }
        State::Whole => {}
    }
    if fragment.taken.overlap {
        text.str("  ").ink(palette, Ink::Warn, |text| text.str("fragments overlap: what came first is kept"));
    }
}

fn frames(text: &mut Text, numbers: &[u64]) {
    for number in numbers.iter().take(NAMED) {
        text.str(" #").number(*number);
    }
    if let (Some(last), true) = (numbers.last(), numbers.len() > NAMED) {
        text.str(" … #").number(*last).str(" (").number(numbers.len() as u64).str(" frames)");
    }
}

/// Adds the fragments of a frame to its JSON.
pub(super) fn json(text: &mut Text, fragments: &[Fragment]) {
    for (at, fragment) in fragments.iter().enumerate() {
        text.str(if at == 0 { ",\"fragments\":[" } else { "," });
        text.str("{\"state\":\"").str(fragment.word());
        text.str("\",\"identification\":").number(fragment.identification);
        text.str(",\"datagram_offset_bytes\":").number(fragment.bytes.start);
        text.str(",\"datagram_length_bytes\":").number(fragment.bytes.end - fragment.bytes.start);
        state(text, fragment);
        text.str(if fragment.taken.overlap { ",\"overlap\":true}" } else { "}" });
    }
    if !fragments.is_empty() {
        text.str("]");
    }
}

fn state(text: &mut Text, fragment: &Fragment) {
    match fragment.taken.state {
        State::Waiting { held, of } => {
            text.str(",\"held_bytes\":").number(held);
            if let Some(of) = of {
                text.str(",\"whole_bytes\":").number(of);
            }
        }
        State::Whole => {
            text.str(",\"whole_bytes\":").number(fragment.whole.end - fragment.whole.start);
            for (at, number) in fragment.taken.frames.iter().enumerate() {
                text.str(if at == 0 { ",\"frames\":[" } else { "," }).number(*number);
            }
            text.str("]");
        }
        State::Repeated(number) => {
            text.str(",\"same_as_frame\":").number(number);
        }
        State::Refused(refusal) => {
            text.format(format_args!(",\"reason\":\"{refusal}\""));
        }
    }
}
