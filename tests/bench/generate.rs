//! Writes a capture of made-up traffic, the same for the same numbers: `generate FRAMES [SEED] > FILE.pcap`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../shared/traffic.rs"]
mod traffic;

use std::io::{BufWriter, Write};

fn main() {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<u64>().expect("FRAMES [SEED]"));
    let count = numbers.next().expect("FRAMES [SEED]");
    let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let words = |out: &mut dyn Write, words: &[u32]| {
        for word in words {
            out.write_all(&word.to_le_bytes()).expect("write");
        }
    };
    words(&mut out, &[0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1]);
    for seen in traffic::Traffic::new(numbers.next().unwrap_or(1)).take(count as usize) {
        let (seconds, rest) = (seen.time_ns / 1_000_000_000, seen.time_ns % 1_000_000_000 / 1000);
        let length = seen.frame.len() as u32;
        words(&mut out, &[seconds as u32, rest as u32, length, length]);
        out.write_all(&seen.frame).expect("write");
    }
    out.flush().expect("write");
}
