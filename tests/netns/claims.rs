//! `netlab claims`: every statement gets the verdict that its text explains, and docs/claims.md (written by
//! `scripts/update-docs`) says the same. What was measured differs from run to run.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::json_keys::assert_documented;

crate::tests![
    every_statement_gets_the_verdict_that_its_text_explains_and_the_page_says_so,
    statements_are_chosen_by_name_article_and_layer,
    a_name_that_is_none_and_a_choice_of_nothing_are_refused,
    text_fits_eighty_columns_in_both_languages,
    the_list_has_straight_columns,
    ctrl_c_ends_the_trials_with_what_was_found
];

fn claims(arguments: &[&str]) -> std::process::Output {
    crate::netlab().arg("claims").args(arguments).env("LC_ALL", "C").output().unwrap()
}

fn text(arguments: &[&str]) -> String {
    String::from_utf8(claims(arguments).stdout).unwrap()
}

fn document(arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["--json"];
    all.extend(arguments);
    let document: Value = serde_json::from_slice(&claims(&all).stdout).unwrap();
    assert_documented("claims", &document);
    document["claims"].as_array().unwrap().clone()
}

fn path() -> PathBuf {
    // The test may run as somebody who cannot look into the checkout.
    std::env::var_os("NETLAB_LAB_PAGES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/claims.md"),
        |folder| PathBuf::from(folder).with_file_name("claims.md"),
    )
}

const INTRODUCTION: &str = "# Statements about networks, tried

Five teaching articles (A0 to A4) say much about networks that is right, dated, or wrong. `netlab claims` tries each
statement on the kernel that it runs on. The verdict follows from what was measured just then: **holds**, **holds when**
(so under a condition, and not without it) or **refuted**. Below is a real run; your kernel may measure other numbers.
";

fn write() {
    let mut page = INTRODUCTION.to_owned();
    write!(page, "\n```text\n$ netlab claims --explain\n{}```\n", text(&["--explain"])).unwrap();
    let chinese = text(&["--explain", "--lang", "zh"]);
    write!(page, "\n## 中文\n\n```text\n$ netlab claims --explain --lang zh\n{chinese}```\n").unwrap();
    std::fs::write(path(), page).unwrap();
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

fn every_statement_gets_the_verdict_that_its_text_explains_and_the_page_says_so() {
    if std::env::var_os("NETLAB_UPDATE_DOCS").is_some() {
        write();
    }
    let claims = document(&[]);
    let said = squeezed(&std::fs::read_to_string(path()).unwrap());
    for claim in &claims {
        let id = claim["id"].as_str().unwrap();
        assert!(
            claim["as_explained"] == true,
            "{id}: {} ({} {})",
            claim["verdict"],
            claim["measured"],
            claim["reason"]
        );
        assert!(claim["verdict"] != "unclear", "{id}");
        let measured = claim["measured"].as_str().unwrap();
        assert!(claim["verdict"] == "not_tried" || !measured.is_empty(), "{id} measured nothing");
        for words in [&claim["statement"], &claim["explanation"], &claim["condition"]] {
            for language in ["en", "zh"].into_iter().filter(|_| !words.is_null()) {
                let words = words[language].as_str().unwrap();
                assert!(said.contains(&squeezed(words)), "docs/claims.md does not say (scripts/update-docs): {words}");
            }
        }
    }
    let ids: BTreeSet<&str> = claims.iter().map(|claim| claim["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), claims.len());
    assert!(ids.len() >= LEAST, "{} statements", ids.len());
}

/// Statements that are tried at least.
const LEAST: usize = 95;

fn statements_are_chosen_by_name_article_and_layer() {
    let ids = |arguments: &[&str]| -> Vec<String> {
        document(arguments).iter().map(|claim| claim["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&["and-result", "ethernet-header-18"]), ["ethernet-header-18", "and-result"]);
    assert_eq!(ids(&["and-result", "ethernet-header-18", "--layer", "link"]), ["ethernet-header-18"]);
    assert_eq!(ids(&["and-result", "mac-burnt-in", "--article", "A1"]), ["mac-burnt-in"]);
}

fn a_name_that_is_none_and_a_choice_of_nothing_are_refused() {
    for arguments in [&["no-such-statement"][..], &["and-result", "--layer", "link"]] {
        let output = claims(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("netlab claims --list"), "{arguments:?}");
    }
    let errors = String::from_utf8(claims(&["mac-burned-in"]).stderr).unwrap();
    assert!(errors.contains("hint: did you mean mac-burnt-in?"), "{errors}");
}

fn the_list_has_straight_columns() {
    let list = text(&["--list"]);
    // A statement begins with a capital or a quotation mark behind the articles, and goes on below itself.
    let start = |line: &str| line.len() - line.trim_start().len();
    let (rows, goes_on): (Vec<&str>, Vec<&str>) =
        list.lines().filter(|line| !line.is_empty()).partition(|line| start(line) == 0);
    let column = start(goes_on[0]);
    assert!(goes_on.iter().all(|line| start(line) == column), "{list}");
    assert!(rows.iter().all(|line| line[..column].ends_with("  ") && !line[column..].starts_with(' ')), "{list}");
}

fn ctrl_c_ends_the_trials_with_what_was_found() {
    let mut command = crate::netlab();
    command.arg("claims").env("LC_ALL", "C").stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    // Until it has taken over the signals, one would simply end it.
    let status = format!("/proc/{}/status", child.id());
    let taken = || {
        let status = std::fs::read_to_string(&status).unwrap();
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:\t")).unwrap();
        u64::from_str_radix(blocked, 16).unwrap() & 1 << (Signal::SIGINT as i32 - 1) != 0
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while !taken() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(1));
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let errors = String::from_utf8(output.stderr).unwrap();
    let done = errors.strip_prefix("netlab: left after ").and_then(|rest| rest.split(' ').next()).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("{done} statements: ")), "{text}");
}

fn text_fits_eighty_columns_in_both_languages() {
    // A sign of East Asian writing takes two columns.
    let columns = |line: &str| line.chars().map(|c| if ('\u{2e80}'..'\u{fb00}').contains(&c) { 2 } else { 1 }).sum();
    for language in ["en", "zh"] {
        let text = text(&["and-result", "every-host-hears", "--explain", "--lang", language]);
        let longest: usize = text.lines().map(columns).max().unwrap();
        assert!((60..=80).contains(&longest), "{longest} columns:\n{text}");
        let list = self::text(&["--list", "--lang", language]);
        assert!(list.lines().map(columns).max().unwrap() <= 80, "{list}");
    }
}
