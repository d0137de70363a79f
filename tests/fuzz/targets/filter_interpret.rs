//! Any bytes as a program and a packet: it ends, and without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netlab::capture::filter::{Metadata, run};
use netlab::link::packet_socket::Instruction;

fuzz_target!(|input: &[u8]| {
    let [count, rest @ ..] = input else { return };
    let (program, packet) = rest.split_at((usize::from(*count) * 8).min(rest.len()));
    let program: Vec<Instruction> = program
        .as_chunks::<8>()
        .0
        .iter()
        .map(|[c0, c1, jump_true, jump_false, constant @ ..]| Instruction {
            code: u16::from_le_bytes([*c0, *c1]),
            jump_true: *jump_true,
            jump_false: *jump_false,
            constant: u32::from_le_bytes(*constant),
        })
        .collect();
    run(&program, packet, &Metadata::of_length(packet.len() as u32));
});
