//! Any text as a filter: no panic, and what compiles is a program that the kernel would take.
//!
//! The first byte says for which link type and how.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netlab::capture::filter::{LIMIT, Metadata, Options, Source, compile};
use netlab::link::LinkType;

fuzz_target!(|input: &[u8]| {
    let [how, text @ ..] = input else { return };
    let Ok(text) = str::from_utf8(text) else { return };
    let links = [LinkType::Ethernet, LinkType::LinuxSll2, LinkType::RawIp, LinkType::Null];
    let source = if how & 4 == 0 { Source::Stored } else { Source::Live };
    let options = Options { any_vlan: how & 8 != 0, look_up: false, ..Options::new(source) };
    match compile(text, links[usize::from(how & 3)], options) {
        Err(error) => assert!(!error.render(text).to_string().is_empty()),
        Ok(program) => {
            let count = program.instructions().len();
            assert!((1..=LIMIT).contains(&count));
            for (at, instruction) in program.instructions().iter().enumerate() {
                assert!(at + 1 + usize::from(instruction.jump_true) < count + 1);
                assert!(at + 1 + usize::from(instruction.jump_false) < count + 1);
            }
            program.run(input, &Metadata::of_length(input.len() as u32));
            assert_eq!(program.listing().to_string().lines().count(), count);
        }
    }
});
