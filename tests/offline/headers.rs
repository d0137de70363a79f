//! What every header file keeps to.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

fn all_sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// The numbers of a table's rows: what stands between `(` and `, "` on each.
fn numbers(table: &str) -> Vec<u32> {
    table
        .split('(')
        .filter_map(|row| row.split_once(", \""))
        .filter_map(|(number, _)| match number.trim().strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.trim().parse().ok(),
        })
        .collect()
}

#[test]
fn every_code_table_is_sorted_and_without_doubles() {
    let (mut tables, mut rows) = (0, 0);
    for (path, text) in all_sources() {
        let code = text.split("#[cfg(test)]").next().unwrap();
        for table in code.split("Codes(&[").skip(1) {
            let table = table.split("])").next().unwrap();
            let numbers = numbers(table);
            if numbers.len() != table.matches(", \"").count() {
                // A table of named constants has its own test, next to it.
                assert!(text.contains("is_sorted()"), "{} has a table that nobody checks", path.display());
                continue;
            }
            for pair in numbers.windows(2) {
                assert!(pair[0] < pair[1], "{}: {} stands before {}", path.display(), pair[0], pair[1]);
            }
            tables += 1;
            rows += numbers.len();
        }
    }
    assert!(tables > 30 && rows > 400, "only {tables} tables with {rows} rows were found");
}

#[test]
fn files_that_read_foreign_bytes_deny_what_could_panic() {
    let mut readers = 0;
    for (path, text) in all_sources() {
        if !text.contains("&mut Reader<") {
            continue;
        }
        readers += 1;
        let denies = ["clippy::indexing_slicing", "clippy::arithmetic_side_effects"];
        let head = text.split("\nuse ").next().unwrap();
        assert!(head.contains("#![deny(") && denies.iter().all(|lint| head.contains(lint)), "{}", path.display());
    }
    assert!(readers > 15, "only {readers} files were found");
}
