//! The page of a lab in a real browser: opened, stepped, read back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod driver;

use std::process::Command;

use driver::Browser;
use serde_json::{Value, json};

fn page(folder: &std::path::Path, arguments: &[&str]) -> String {
    let file = folder.join("page.html");
    let output = Command::new(env!("CARGO_BIN_EXE_netlab"))
        .args(["lab", "run"])
        .args(arguments)
        .arg("--html")
        .arg(&file)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    format!("file://{}", file.display())
}

const STATES: &str =
    "return [...document.querySelectorAll('#board .states')].map(e => e.innerText.replace(/\\s+/g, ' '))";

#[test]
fn the_page_of_the_handshake_steps_through_the_states_of_both_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start();
    browser.open(&page(folder.path(), &["handshake"]));

    // From the keyboard alone: each press is a step, and the states are those of RFC 9293's figure.
    let mut passed: Vec<Value> = Vec::new();
    let steps = browser.run("return document.querySelectorAll('.step').length").as_u64().unwrap();
    for step in 1..=steps {
        browser.press("\u{e014}");
        assert_eq!(browser.run("return location.hash"), json!(format!("#step={step}")));
        let states = browser.run(STATES);
        if passed.last() != Some(&states) {
            passed.push(states);
        }
    }
    let expected = [
        json!(["CLOSED", "CLOSED"]),
        json!(["CLOSED", "LISTEN"]),
        json!(["SYN-SENT", "LISTEN SYN-RECEIVED"]),
        json!(["ESTABLISHED", "LISTEN SYN-RECEIVED"]),
        json!(["ESTABLISHED", "LISTEN ESTABLISHED"]),
    ];
    assert_eq!(passed, expected);
    browser.press("\u{e012}");
    assert_eq!(browser.run("return location.hash"), json!(format!("#step={}", steps - 1)));

    // What is said aloud is what is shown.
    let said = browser.run("return document.getElementById('said').innerText");
    let current = browser.run("return document.querySelector('[aria-current]').getAttribute('aria-label')");
    assert_eq!(said, current);
    browser.assert_no_complaint();
}

#[test]
fn a_field_of_a_header_tells_its_value_when_it_has_the_focus() {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start();
    browser.open(&page(folder.path(), &["handshake", "--lang", "zh"]));
    browser.run("[...document.querySelectorAll('.step')].find(step => step.textContent.includes('[SYN ACK]')).click()");
    browser.run("[...document.querySelectorAll('.bit')].find(bit => /^source port:/.test(bit.ariaLabel)).focus()");
    let field = browser.run("return document.getElementById('field').innerText");
    assert!(field.as_str().unwrap().starts_with("source port = 8080"), "{field}");
    assert_eq!(browser.run("return document.documentElement.lang"), json!("zh"));
    // Nothing of the page is wider than the window.
    assert_eq!(browser.run("return document.documentElement.scrollWidth <= innerWidth"), json!(true));
    browser.assert_no_complaint();
}

#[test]
fn what_peers_sent_is_text_and_nothing_else() {
    use netlab::lab::fate::Told;
    use netlab::lab::observation::{Event, Frame, Language, Observation, Station, What};
    use netlab::report::lab_words::Heading;

    let evil = "</script><script>document.title='evil'</script><img src=x onerror=\"document.title='evil'\">";
    let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5];
    bytes.extend(evil.as_bytes());
    let event = |what| Event { at: std::time::Duration::ZERO, what, states: Vec::new() };
    let station = |name: &str| Station { name: name.to_owned(), addresses: Vec::new(), macs: Vec::new() };
    let observation = Observation {
        hosts: vec![station(evil), station("b")],
        events: vec![
            event(What::Return { host: 0, call: evil.to_owned(), result: evil.to_owned() }),
            event(What::Frame(Frame {
                number: 1,
                from: 0,
                to: vec![1],
                fate: Told::Forwarded,
                bytes,
                damaged: None,
                whole: None,
            })),
        ],
        ..Observation::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    let mut out = std::fs::File::create(&file).unwrap();
    netlab::report::lab_html::write(
        &mut out,
        Heading { title: evil, explanation: evil },
        &observation,
        Language::English,
    )
    .unwrap();
    let mut browser = Browser::start();
    browser.open(&format!("file://{}#step=2", file.display()));
    assert!(browser.run("return document.title").as_str().unwrap().ends_with("netlab"));
    assert_eq!(browser.run("return document.images.length"), json!(0));
    assert!(browser.run("return document.getElementById('layers').innerText").as_str().unwrap().contains("</script>"));
    browser.assert_no_complaint();
}
