//! Any bytes as frames of netlab's own programs. The first byte says whether it was cut.

#![no_main]

#[path = "../check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [how, message @ ..] = input else { return };
    check::message(6, 4747, *how, message);
});
