//! docs/json.md names every key that is printed.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// Fails for every key of `document` that the section `## netlab COMMAND` of docs/json.md does not have as `` `key` ``.
pub fn every_key(command: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md");
    let text = std::fs::read_to_string(path).unwrap();
    let heading = format!("\n## netlab {command}\n");
    let section = text.split_once(&heading).unwrap_or_else(|| panic!("docs/json.md has no section netlab {command}")).1;
    let section = section.split("\n## ").next().unwrap();
    let mut keys = BTreeSet::new();
    collect(document, &mut keys);
    let missing: Vec<&String> = keys.iter().filter(|key| !section.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/json.md, netlab {command}: {missing:?} missing");
}

fn collect(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                keys.insert(key.clone());
                collect(value, keys);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, keys)),
        _ => {}
    }
}
