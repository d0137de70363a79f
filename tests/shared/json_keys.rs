//! That docs/json.md describes every key that a command prints.

use std::collections::BTreeSet;

use serde_json::Value;

/// Fails with the keys of `printed`, at any depth, that the section `command` of docs/json.md does not describe. Keys
/// are described in the first column of its tables.
#[track_caller]
pub fn assert_documented(command: &str, printed: &Value) {
    let mut keys = BTreeSet::new();
    collect(printed, &mut keys);
    assert!(!keys.is_empty(), "nothing was printed");
    let known = documented(command);
    let missing: Vec<_> = keys.iter().filter(|key| !known.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "docs/json.md does not describe these keys of {command}: {missing:?}");
}

fn documented(command: &str) -> BTreeSet<&'static str> {
    const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md"));
    let title = format!("## {command}\n");
    let (_, section) = DOCUMENT.split_once(&title).unwrap_or_else(|| panic!("docs/json.md has no section {command}"));
    let section = section.split("\n## ").next().unwrap();
    let first_columns = section.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    first_columns.flat_map(|column| column.split('`').skip(1).step_by(2)).collect()
}

fn collect(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                keys.insert(key.clone());
                collect(value, keys);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, keys)),
        _ => {}
    }
}
