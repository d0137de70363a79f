//! Any text as a condition: no panic, errors point into the text, and what can be read can be asked of any packet.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netlab::capture::frame::Frame;
use netlab::capture::{Condition, Dissector};

/// A question for example.org.
const FRAME: &[u8] = b"\x02\xfc\0\0\0\x02\x02\xfc\0\0\0\x01\x08\0\x45\0\0\x39\x1c\x46\x40\0\x40\x11\xb2\x4a\
    \xac\x10\x0a\x01\xac\x10\x0a\x02\x9c\x40\0\x35\0\x25\0\0\
    \x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01";

fuzz_target!(|input: &[u8]| {
    let Ok(text) = str::from_utf8(input) else { return };
    match Condition::parse(text) {
        Ok(condition) => {
            condition.holds(&Dissector::new(true).read(Frame::ethernet(FRAME)));
        }
        Err(error) => {
            assert!(text.get(error.span.clone()).is_some(), "{:?}", error.span);
            assert!(!error.render(text).to_string().is_empty());
        }
    }
});
