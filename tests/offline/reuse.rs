//! `netlab reuse-demo` on this machine's loopback, as a user runs it.

use serde_json::Value;

use crate::cli::netlab;
use crate::json_keys::assert_documented;

#[test]
fn the_demonstration_runs_on_loopback_without_privilege() {
    let output = netlab().args(["reuse-demo", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_documented("reuse-demo", &document);
    let cells = document["matrix"].as_array().unwrap().iter().map(|row| row["cells"].as_array().unwrap().len());
    assert_eq!(cells.sum::<usize>(), 72);
    // Where no private namespace can be made, the reason is told instead.
    assert_ne!(document["trials"].is_null(), document["not_tried"].is_null());
}

#[test]
fn a_narrow_terminal_and_colour_change_no_word() {
    let text = |arguments: &[&str]| {
        let output = netlab().args(["reuse-demo", "--lang", "en"]).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let plain = text(&[]);
    let coloured = text(&["--color", "always"]);
    assert!(!plain.contains('\x1b') && coloured.contains("\x1b[32m"));
    for heading in ["1. A server that does not set SO_REUSEADDR\n", "3. Every case: 72 restarts", "5. What follows"] {
        assert!(plain.contains(heading), "{plain}");
    }
}
