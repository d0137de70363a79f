//! The import rule: a module uses those to its left, never those to its right; an outside crate has a home.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules in layer order, lowest first.
const ORDER: [&str; 11] =
    ["bytes", "kernel", "link", "internet", "transport", "application", "dissect", "capture", "lab", "report", "cli"];

/// Outside crates that only the named modules may use. Why a crate has more than one home is told in
/// docs/architecture.md.
const HOMES: &[(&str, &[&str])] = &[
    ("anyhow", &["cli"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("comfy_table", &["report"]),
    ("anstyle", &["report"]),
    ("maud", &["report"]),
    ("ratatui_core", &["report", "cli"]),
    ("unicode_width", &["report"]),
    ("serde_json", &["application", "report", "cli"]),
    ("netlink_packet_core", &["kernel"]),
    ("netlink_packet_route", &["kernel"]),
    ("netlink_sys", &["kernel"]),
    ("libc", &["kernel", "link"]),
    ("nix", &["kernel", "link", "transport", "lab", "cli"]),
    ("pnet", &["link", "internet", "transport"]),
    ("memchr", &["application", "internet"]),
    ("parquet", &["report"]),
    ("ipnet", &["transport"]),
    ("socket2", &["transport", "lab"]),
    ("toml", &["lab"]),
    ("flate2", &["link", "capture"]),
    ("ruzstd", &["capture"]),
    ("sha2", &["application"]),
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 20, "the sources were not found");
    found
}

/// The top-level module that a file belongs to; none for lib.rs and main.rs.
fn module(path: &Path) -> Option<usize> {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
    ORDER.iter().position(|name| *name == first.trim_end_matches(".rs"))
}

/// The code of a file: without comments, and without its `#[cfg(test)]` module, which may use anything.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Whether `text` holds `word` as the start of a path: not as the tail of a longer name.
fn mentions(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

/// The modules of this crate that `text` names, as `crate::x`, also inside `use crate::{x, y::z}`.
fn imported(text: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let group = if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let end = group
                .find(|c| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    depth == 0
                })
                .unwrap_or(group.len());
            let mut level = 0;
            group[..end]
                .split(|c| {
                    level += i32::from(c == '{') - i32::from(c == '}');
                    c == ',' && level == 0
                })
                .collect::<Vec<_>>()
        } else {
            vec![rest]
        };
        for item in group {
            let name: String = item.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            names.extend(ORDER.iter().find(|module| **module == name));
        }
    }
    names
}

#[test]
fn a_module_imports_only_from_its_left() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(own) = module(&path) else { continue };
        for name in imported(&code(&text)) {
            if ORDER.iter().position(|m| *m == name).unwrap() > own {
                wrong.push(format!("{} ({}) uses {name}", path.display(), ORDER[own]));
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the layer order:\n{}", wrong.join("\n"));
}

#[test]
fn the_check_sees_plain_and_grouped_imports() {
    assert_eq!(imported("use crate::bytes::Reader;"), ["bytes"]);
    assert_eq!(imported("use crate::{link::{a, b}, report};"), ["link", "report"]);
    assert_eq!(imported("fn f() { crate::cli::main() }"), ["cli"]);
}

#[test]
fn an_outside_crate_is_used_only_at_home() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(own) = module(&path) else { continue };
        let text = code(&text);
        for (name, homes) in HOMES {
            if mentions(&text, &format!("{name}::")) && !homes.contains(&ORDER[own]) {
                wrong.push(format!("{} uses {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "crates away from home:\n{}", wrong.join("\n"));
}

#[test]
fn pnet_builds_frames_and_never_receives_them() {
    for (path, text) in sources() {
        assert!(
            !code(&text).contains("pnet::transport"),
            "{} uses pnet::transport, which panics on short packets",
            path.display()
        );
    }
}

#[test]
fn the_library_prints_nothing_by_itself() {
    for (path, text) in sources() {
        let text = code(&text);
        for macro_name in ["println!", "eprintln!", "dbg!", "print!(", "todo!", "unimplemented!"] {
            assert!(!mentions(&text, macro_name), "{} uses {macro_name}", path.display());
        }
    }
}

/// The lines of code with the word `unsafe`, from 0, in whatever form; lint names, other words and comments do not count.
fn uses_of_unsafe(lines: &[&str]) -> Vec<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let has = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        let mut found = code.match_indices("unsafe");
        found.any(|(at, word)| !code[..at].ends_with(part) && !code[at + word.len()..].starts_with(part))
    };
    (0..lines.len()).filter(|number| has(lines[*number])).collect()
}

/// Whether the comment directly above a line gives the reason. Attributes and the beginning of the same `let` may stand
/// between.
fn has_reason(lines: &[&str], number: usize) -> bool {
    let above = lines[..number].iter().rev().map(|line| line.trim());
    let comment = above.skip_while(|line| line.starts_with("#[") || line.ends_with(" ="));
    comment.take_while(|line| line.starts_with("//")).any(|line| line.starts_with("// SAFETY:"))
}

#[test]
fn unsafe_stays_in_its_two_rooms_and_gives_its_reason() {
    let mut seen = 0;
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for number in uses_of_unsafe(&lines) {
            let room = module(&path).map(|m| ORDER[m]);
            assert!(matches!(room, Some("kernel" | "link")), "{}:{} is unsafe", path.display(), number + 1);
            assert!(has_reason(&lines, number), "{}:{} gives no SAFETY reason", path.display(), number + 1);
            seen += 1;
        }
    }
    assert!(seen > 10, "the check saw only {seen} uses of unsafe");
}

#[test]
fn the_check_sees_every_form_of_unsafe_and_wants_the_reason_directly_above() {
    for code in ["unsafe { f() }", "unsafe fn f() {}", "pub unsafe extern \"C\" fn f();", "#[unsafe(no_mangle)]"] {
        assert_eq!(uses_of_unsafe(&[code]), [0], "{code}");
        assert!(has_reason(&["// SAFETY: it is", "// so.", "#[inline]", code], 3), "{code}");
        assert!(!has_reason(&["// SAFETY: of another", "f();", code], 2), "{code}");
        assert!(!has_reason(&["// It is so.", code], 1), "{code}");
    }
    assert!(has_reason(&["// SAFETY: it is so.", "let x =", "    unsafe { f() };"], 2));
    for code in ["#![allow(unsafe_code)]", "// unsafe { }", "\"style-src 'unsafe-inline'\""] {
        assert!(uses_of_unsafe(&[code]).is_empty(), "{code}");
    }
}
