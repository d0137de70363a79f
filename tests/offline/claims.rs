//! `netlab claims` without privilege: the list, the choice, and what can do without a private network.

use serde_json::Value;

use crate::cli::netlab;
use crate::json_keys::assert_documented;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = netlab().arg("claims").args(arguments).env("LC_ALL", "C").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A statement begins a line; what does not fit hangs below it.
fn names(list: &str) -> Vec<&str> {
    let first = |line: &str| !line.starts_with(' ') && !line.is_empty();
    list.lines().filter(|line| first(line)).map(|line| line.split(' ').next().unwrap()).collect()
}

#[test]
fn the_list_names_every_statement_and_tries_none() {
    let (status, list, _) = run(&["--list"]);
    assert_eq!(status, Some(0));
    let all = names(&list);
    assert_eq!(all.len(), netlab::lab::claims::claims().count());
    let (_, link, _) = run(&["--list", "--layer", "link"]);
    assert!(names(&link).iter().all(|name| all.contains(name)) && names(&link).len() < all.len());
}

#[test]
fn an_article_and_a_layer_that_do_not_exist_are_refused_with_those_that_do() {
    for (arguments, expected) in [(["--article", "A9"], "A0, A1, A2, A3, A4"), (["--layer", "session"], "transport")] {
        let (status, out, error) = run(&arguments);
        assert_eq!((status, out.as_str()), (Some(2), ""));
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_statement_about_loopback_is_tried_by_anybody() {
    let (status, document, error) = run(&["connect-ex-111", "--json"]);
    assert_eq!(status, Some(0), "{error}");
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_documented("claims", &document);
    let claim = &document["claims"][0];
    assert_eq!((&claim["verdict"], &claim["article"]), (&"holds".into(), &"A2".into()));
    assert_eq!(claim["measured"], "connect: 111 ECONNREFUSED");
}

#[test]
fn chinese_is_spoken_when_asked_for_and_the_sum_is_right() {
    let (_, text, _) = run(&["connect-ex-111", "listen-returns", "--lang", "zh"]);
    assert!(text.contains("✔ 成立") && text.trim_end().ends_with("共 2 条: 2 条成立"), "{text}");
}
