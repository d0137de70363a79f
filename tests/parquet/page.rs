//! docs/parquet.md: its columns are those of the files, and its queries can be asked.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::captures::rows;
use crate::queries::CHECKS;

crate::tests![
    the_page_lists_every_column_in_order_with_its_type,
    every_query_of_the_page_is_checked,
    every_column_has_a_value_somewhere
];

const PAGE: &str = include_str!("../../docs/parquet.md");

/// The queries with their headings.
fn queries() -> Vec<(&'static str, &'static str)> {
    let section = |section: &'static str| {
        let (title, rest) = section.split_once('\n')?;
        let (_, query) = rest.split_once("```sql\n")?;
        Some((title, query.split_once("```")?.0))
    };
    PAGE.split("\n### ").filter_map(section).collect()
}

/// DuckDB's answer to the query below a heading.
pub fn answer(title: &str) -> Vec<Value> {
    let (_, query) = queries().into_iter().find(|(other, _)| *other == title).unwrap_or_else(|| panic!("no {title}"));
    let rows = rows(query);
    assert!(!rows.is_empty(), "{title}: the captures hold nothing of the kind");
    rows
}

fn the_page_lists_every_column_in_order_with_its_type() {
    let listed = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let listed: Vec<(&str, &str)> = listed.map(|(name, rest)| (name, rest.split_once(" | ").unwrap().0)).collect();
    let found = rows("DESCRIBE FROM 'captures/mixed.parquet'");
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let found: Vec<_> = found.iter().map(|row| (text(row, "column_name"), text(row, "column_type"))).collect();
    assert_eq!(found.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect::<Vec<_>>(), listed);
}

fn every_query_of_the_page_is_checked() {
    let written: BTreeSet<&str> = queries().into_iter().map(|(title, _)| title).collect();
    let checked: BTreeSet<&str> = CHECKS.iter().map(|(title, _)| *title).collect();
    assert_eq!(written, checked);
    assert_eq!(PAGE.matches("```sql").count(), CHECKS.len(), "a query without a heading of its own");
}

/// Where made-up traffic has none, nobody would see that a column stays empty.
fn every_column_has_a_value_somewhere() {
    let counts = rows("SELECT count(COLUMNS(*)) FROM 'captures/*.parquet'");
    let counts = counts[0].as_object().unwrap();
    let empty: Vec<&String> = counts.iter().filter(|(_, count)| **count == 0).map(|(name, _)| name).collect();
    assert!(empty.is_empty(), "{empty:?}");
}
