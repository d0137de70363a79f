//! What a capture comes to, as tables and as JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Palette;
use super::hosts;
use super::palette::Ink;
use super::quantity::{Bytes, Count};
use super::table::{Cell, Column, Table};
use crate::bytes::order;
use crate::capture::names::Names;
use crate::capture::tally::endpoints::Share;
use crate::capture::tally::protocols::Node;
use crate::capture::tally::{Endpoints, Intervals, Protocols, Volume};

/// Writes the addresses as a table, the busiest first.
///
/// # Errors
/// What the writer refused.
pub fn endpoints(
    out: &mut (impl Write + ?Sized),
    endpoints: &Endpoints,
    names: Option<&Names>,
    palette: Palette,
    width: Option<u16>,
) -> io::Result<()> {
    let columns = [
        Column::left("ADDRESS"),
        Column::right("FRAMES SENT"),
        Column::right("RECEIVED"),
        Column::right("BYTES SENT"),
        Column::right("RECEIVED"),
    ];
    let mut table = Table::new(columns);
    let row = |name: Cell, share: &Share| {
        let (sent, received) = (share.sent, share.received);
        [
            name,
            Cell::new(Count(sent.frames)),
            Cell::new(Count(received.frames)),
            Cell::new(Bytes(sent.bytes)),
            Cell::new(Bytes(received.bytes)),
        ]
    };
    let shares = endpoints.busiest_first();
    for (address, share) in &shares {
        let name = hosts::name(names, *address).map_or_else(String::new, |name| format!(" {name}"));
        table.row(row(Cell::ink(Ink::Internet, address).plain(name), share));
    }
    if endpoints.others != Share::default() {
        table.row(row(Cell::ink(Ink::Warn, "(no room: a larger --memory)"), &endpoints.others));
    }
    if !table.is_empty() {
        table.write(out, palette, width)?;
    }
    let word = if shares.len() == 1 { "address" } else { "addresses" };
    writeln!(out, "{} {word}", Count(shares.len() as u64))
}

/// The addresses as a document.
pub fn endpoints_document(endpoints: &Endpoints, names: Option<&Names>) -> Value {
    let rows = endpoints.busiest_first().into_iter().map(|(address, share)| {
        let mut row = json!({ "address": address, "sent": share.sent, "received": share.received });
        if let Some(name) = names.and_then(|names| names.of(address)) {
            row["name"] = name.into();
        }
        row
    });
    json!({ "endpoints": rows.collect::<Vec<_>>(), "others": endpoints.others })
}

/// Writes the protocols as a tree, with their share of all frames.
///
/// # Errors
/// What the writer refused.
pub fn protocols(
    out: &mut (impl Write + ?Sized),
    protocols: &Protocols,
    palette: Palette,
    width: Option<u16>,
) -> io::Result<()> {
    let columns = [Column::left("PROTOCOL"), Column::right("FRAMES"), Column::right("SHARE"), Column::right("BYTES")];
    let mut table = Table::new(columns);
    let total: u64 = protocols.roots.iter().map(|node| node.volume.frames).sum();
    let mut rows = Vec::new();
    flatten(&protocols.roots, 0, &mut rows);
    for (depth, node) in &rows {
        let share = node.volume.frames as f64 * 100.0 / total.max(1) as f64;
        // A table drops the spaces in front of a cell; these are not for breaking.
        let indent = "\u{a0}\u{a0}".repeat(*depth);
        table.row([
            Cell::new(indent).and(Ink::Strong, node.name),
            Cell::new(Count(node.volume.frames)),
            Cell::new(format_args!("{share:.1} %")),
            Cell::new(Bytes(node.volume.bytes)),
        ]);
    }
    if table.is_empty() { writeln!(out, "no frames") } else { table.write(out, palette, width) }
}

fn flatten<'a>(nodes: &'a [Node], depth: usize, rows: &mut Vec<(usize, &'a Node)>) {
    let mut nodes: Vec<&Node> = nodes.iter().collect();
    order::by_key(&mut nodes, |node| std::cmp::Reverse(node.volume.frames));
    for node in nodes {
        rows.push((depth, node));
        flatten(&node.inside, depth + 1, rows);
    }
}

/// Writes a line for each stretch of time, with a bar for its bytes.
///
/// # Errors
/// What the writer refused.
pub fn intervals(
    out: &mut (impl Write + ?Sized),
    intervals: &Intervals,
    palette: Palette,
    width: Option<u16>,
) -> io::Result<()> {
    let most = intervals.volumes.iter().map(|volume| volume.bytes).max().unwrap_or(0).max(1);
    // Time, frames and bytes take the first columns.
    let room = usize::from(width.unwrap_or(80)).saturating_sub(36).clamp(10, 100);
    let title = format!("{:>12}  {:>9}  {:>9}", "FROM", "FRAMES", "BYTES");
    writeln!(out, "{}", palette.paint(Ink::Faint, title))?;
    for (number, Volume { frames, bytes }) in intervals.volumes.iter().enumerate() {
        let from = number as f64 * intervals.length as f64 / 1e9;
        let decimals = if intervals.length % 1_000_000_000 == 0 { 0 } else { 3 };
        let from = format!("{from:.decimals$} s");
        // Rounded up: where there was anything there is a bar.
        let bar = "█".repeat((u128::from(*bytes) * room as u128).div_ceil(most.into()) as usize);
        let bar = palette.paint(Ink::Link, bar).to_string();
        let line = format!("{from:>12}  {:>9}  {:>9}  {bar}", Count(*frames).to_string(), Bytes(*bytes).to_string());
        writeln!(out, "{}", line.trim_end())?;
    }
    if intervals.elsewhen.frames > 0 {
        let text = format!("{} frames without a time or from before the first", Count(intervals.elsewhen.frames));
        writeln!(out, "{}", palette.paint(Ink::Warn, text))?;
    }
    Ok(())
}

/// The stretches of time as a document.
pub fn intervals_document(intervals: &Intervals) -> Value {
    json!({
        "interval_ns": intervals.length,
        "start_ns": intervals.start,
        "intervals": intervals.volumes,
        "elsewhen": intervals.elsewhen,
    })
}

/// The protocols as a document.
pub fn protocols_document(protocols: &Protocols) -> Value {
    json!({ "protocols": protocols.roots })
}
