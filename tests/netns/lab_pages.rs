//! docs/labs: a page for every lab, written from a real run (`scripts/update-docs`) and checked against one. Times,
//! ports, sequence numbers and the order of what happens at the same time differ from run to run; what is said, what is
//! taught and the kinds of frames do not.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use netlab::lab::catalog::labs;
use netlab::lab::experiment::Lab;
use serde_json::Value;

crate::tests![every_page_is_about_something_that_exists];

fn path(name: &str) -> PathBuf {
    // The test may run as somebody who cannot look into the checkout.
    let folder = std::env::var_os("NETLAB_LAB_PAGES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/labs"), PathBuf::from);
    folder.join(format!("{name}.md"))
}

fn output(lab: &Lab, arguments: &[&str]) -> String {
    let mut command = crate::netlab();
    command.args(["lab", "run", lab.name]).args(arguments).env("LC_ALL", "C");
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

fn write(lab: &Lab) {
    let mut page = format!("# {}\n\n{}\n", lab.title.en, lab.explanation.en);
    write!(page, "\n```text\n$ netlab lab run {}\n{}```\n", lab.name, output(lab, &[])).unwrap();
    write!(page, "\n## {}\n\n{}\n", lab.title.zh, lab.explanation.zh).unwrap();
    let chinese = output(lab, &["--lang", "zh"]);
    write!(page, "\n```text\n$ netlab lab run {} --lang zh\n{chinese}```\n", lab.name).unwrap();
    std::fs::write(path(lab.name), page).unwrap();
}

/// What a run says that its page must say too.
fn essence(run: &Value) -> Vec<String> {
    let texts = |value: &Value| ["en", "zh"].map(|language| value[language].as_str().unwrap().to_owned());
    let mut all = Vec::new();
    for value in [&run["title"], &run["explanation"]] {
        all.extend(texts(value));
    }
    for finding in run["findings"].as_array().unwrap() {
        all.extend(texts(&finding["statement"]));
    }
    for event in run["events"].as_array().unwrap() {
        match event["event"].as_str().unwrap() {
            "note" => all.extend(texts(&event["text"])),
            "call" => all.push(event["call"].as_str().unwrap().to_owned()),
            "frame" => all.extend(kind(event["label"].as_str().unwrap())),
            _ => {}
        }
    }
    all
}

/// What a label says of the kind of frame: TCP flags, or the protocol.
fn kind(label: &str) -> Option<String> {
    match label.strip_prefix('[') {
        Some(flags) => flags.split_once(']').map(|(flags, _)| format!("[{flags}]")),
        None => label.split(' ').next().map(str::to_owned),
    }
}

/// Without white space, and without the lanes that stand between the lines of a note.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '│').collect()
}

/// Runs the lab: everything that it teaches was seen, every text is there in both languages, and its page says the same.
pub fn a_run_shows_what_the_lab_teaches_and_its_page_says(lab: &Lab) {
    if std::env::var_os("NETLAB_UPDATE_DOCS").is_some() {
        write(lab);
    }
    let run: Value = serde_json::from_str(&output(lab, &["--json"])).unwrap();
    assert_holds(lab, &run);
    let page = std::fs::read_to_string(path(lab.name))
        .unwrap_or_else(|error| panic!("{}: {error}; scripts/update-docs writes it", path(lab.name).display()));
    assert!(!page.contains('✘'), "the page of {} shows something that was not seen", lab.name);
    // Lines are broken to the terminal on the page.
    let said = squeezed(&page);
    let missing: BTreeSet<String> = essence(&run).into_iter().filter(|text| !said.contains(&squeezed(text))).collect();
    assert!(missing.is_empty(), "docs/labs/{}.md does not say (scripts/update-docs): {missing:#?}", lab.name);
    let findings = run["findings"].as_array().unwrap().len();
    assert_eq!(page.matches('✔').count(), 2 * findings, "{}: findings in two languages", lab.name);
}

fn assert_holds(lab: &Lab, run: &Value) {
    let findings = run["findings"].as_array().unwrap();
    assert!(!findings.is_empty(), "{} teaches nothing", lab.name);
    let notes = run["events"].as_array().unwrap().iter().filter(|event| event["event"] == "note");
    let texts = findings.iter().map(|finding| &finding["statement"]).chain(notes.map(|note| &note["text"]));
    for text in texts.chain([&run["title"], &run["explanation"]]) {
        let [en, zh] = ["en", "zh"].map(|language| text[language].as_str().unwrap());
        assert!(!en.is_empty() && en.is_ascii() && !zh.is_ascii(), "{}: not in both languages: {text}", lab.name);
    }
    for finding in findings {
        let (statement, measured) = (&finding["statement"]["en"], &finding["measured"]);
        assert!(finding["seen"] == true, "{}: not seen: {statement} ({measured})", lab.name);
    }
}

fn every_page_is_about_something_that_exists() {
    for entry in std::fs::read_dir(path("x").parent().unwrap()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = name.strip_suffix(".md").expect("pages are Markdown").to_owned();
        assert!(labs().any(|lab| lab.name == name), "there is no lab {name}");
    }
}
