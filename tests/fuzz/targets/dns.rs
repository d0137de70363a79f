//! Any bytes as a message of DNS, mDNS or LLMNR. The first byte says which of them, over which transport, and whether it was cut.

#![no_main]

#[path = "../check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [how, message @ ..] = input else { return };
    let (protocol, port) = [(17, 53), (17, 5353), (17, 5355), (6, 53)][usize::from(how >> 1 & 3)];
    check::message(protocol, port, *how, message);
});
