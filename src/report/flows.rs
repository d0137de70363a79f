//! Conversations as a table and as JSON.

use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::Palette;
use super::hosts;
use super::palette::Ink;
use super::quantity::{Bytes, Count, Time};
use super::table::{Cell, Column, Table};
use crate::bytes::order;
use crate::capture::analysis::Conversations;
use crate::capture::analysis::conversations::{Conversation, Forgotten};
use crate::capture::analysis::tcp::{Connection, Progress, RoundTrips};
use crate::capture::names::Names;
use crate::internet::protocols;

/// Conversations in the table: more than anybody reads, and few enough to be laid out in little memory.
const ROWS: usize = 1000;

const COLUMNS: [Column; 11] = [
    Column::left("PROTO"),
    Column::left("FROM"),
    Column::left("TO"),
    Column::right("FRAMES →"),
    Column::right("←"),
    Column::right("BYTES →"),
    Column::right("←"),
    Column::right("LASTED"),
    Column::right("RTT"),
    Column::left("STATE"),
    Column::left("NOTED"),
];

/// Writes the conversations as a table, the largest first, and what is not in it.
///
/// # Errors
/// What the writer refused.
pub fn table(
    out: &mut (impl Write + ?Sized),
    conversations: &Conversations,
    names: Option<&Names>,
    palette: Palette,
    width: Option<u16>,
) -> io::Result<()> {
    let mut table = Table::new(COLUMNS);
    let list = largest_first(conversations);
    for conversation in list.iter().take(ROWS) {
        table.row(cells(conversation, names));
    }
    if !table.is_empty() {
        table.write(out, palette, width)?;
    }
    let Forgotten { conversations: forgotten, frames, bytes } = conversations.forgotten;
    let word = if list.len() == 1 { "conversation" } else { "conversations" };
    write!(out, "{} {word}", Count(list.len() as u64))?;
    writeln!(out, "{}", if list.len() > ROWS { ", the largest above; --json has all of them" } else { "" })?;
    if forgotten > 0 {
        let text = format!(
            "{} more made room ({} frames, {}): a larger --memory keeps them",
            Count(forgotten),
            Count(frames),
            Bytes(bytes)
        );
        writeln!(out, "{}", palette.paint(Ink::Warn, text))?;
    }
    Ok(())
}

fn largest_first(conversations: &Conversations) -> Vec<&Conversation> {
    let mut list: Vec<&Conversation> = conversations.list().iter().collect();
    // Of equals the one that began first comes first.
    order::by_key(&mut list, |conversation| {
        std::cmp::Reverse(conversation.sent.iter().map(|sent| sent.bytes).sum::<u64>())
    });
    list
}

fn cells(conversation: &Conversation, names: Option<&Names>) -> [Cell; 11] {
    let [there, back] = conversation.sent;
    let [from, to] = conversation.ends.map(|(address, port)| Cell::new(named_end(names, address, port)));
    let lasted = conversation.times.map(|(first, last)| duration(last.saturating_sub(first)));
    let connection = conversation.connection.as_ref();
    [
        Cell::ink(Ink::Transport, protocol(conversation.protocol)),
        from,
        to,
        Cell::new(Count(there.frames)),
        Cell::new(Count(back.frames)),
        Cell::new(Bytes(there.bytes)),
        Cell::new(Bytes(back.bytes)),
        lasted.map(|lasted| Cell::new(Time(lasted))).unwrap_or_default(),
        connection.and_then(round_trip).map(|ns| Cell::new(Time(Duration::from_nanos(ns)))).unwrap_or_default(),
        connection.map(|connection| state(connection.progress)).unwrap_or_default(),
        noted(conversation),
    ]
}

/// That of the handshake; where it was not captured, both halves as far as they are known.
pub(super) fn round_trip(connection: &Connection) -> Option<u64> {
    let means = connection.round_trips.iter().filter_map(RoundTrips::mean_ns);
    connection.handshake_ns.or_else(|| means.reduce(u64::saturating_add))
}

fn duration(ns: i64) -> Duration {
    Duration::from_nanos(u64::try_from(ns).unwrap_or(0))
}

fn noted(conversation: &Conversation) -> Cell {
    let sent_again: u64 = conversation.sent.iter().map(|sent| sent.sent_again).sum();
    let gaps: u64 = conversation.sent.iter().map(|sent| sent.gaps).sum();
    let mut cell = Cell::default();
    if sent_again > 0 {
        cell = cell.and(Ink::Warn, format_args!("{} sent again", Count(sent_again)));
    }
    if gaps > 0 {
        cell = cell.plain(if sent_again > 0 { ", " } else { "" });
        cell = cell.and(Ink::Warn, format_args!("{} not captured", Count(gaps)));
    }
    cell
}

fn state(progress: Progress) -> Cell {
    match state_words(progress) {
        (words, Some(ink)) => Cell::ink(ink, words),
        (words, None) => Cell::new(words),
    }
}

/// A state in words, and in which ink.
pub(super) fn state_words(progress: Progress) -> (&'static str, Option<Ink>) {
    match progress {
        Progress::Reset => ("reset", Some(Ink::Bad)),
        Progress::SynSent => ("no answer", Some(Ink::Warn)),
        Progress::Open => ("open", None),
        Progress::SynReceived => ("half open", None),
        Progress::Established => ("established", Some(Ink::Good)),
        Progress::Closing => ("closing", None),
        Progress::Closed => ("closed", None),
    }
}

pub(super) fn protocol(number: u8) -> String {
    protocols::PROTOCOLS.name(number.into()).map_or_else(|| format!("protocol {number}"), str::to_owned)
}

/// An address with its port, where it has one.
pub(super) fn end(address: IpAddr, port: u16) -> String {
    match (address, port) {
        (address, 0) => address.to_string(),
        (IpAddr::V4(address), port) => format!("{address}:{port}"),
        (IpAddr::V6(address), port) => format!("[{address}]:{port}"),
    }
}

/// The same with the name of the address in its place, where it has one.
fn named_end(names: Option<&Names>, address: IpAddr, port: u16) -> String {
    match (hosts::name(names, address), port) {
        (None, port) => end(address, port),
        (Some(name), 0) => name,
        (Some(name), port) => format!("{name}:{port}"),
    }
}

/// The conversations as a document, the largest first.
pub fn document(conversations: &Conversations, names: Option<&Names>) -> Value {
    let Forgotten { conversations: forgotten, frames, bytes } = conversations.forgotten;
    json!({
        "flows": largest_first(conversations).into_iter().map(|conversation| flow(conversation, names)).collect::<Vec<_>>(),
        "forgotten": { "flows": forgotten, "frames": frames, "bytes": bytes },
    })
}

fn flow(conversation: &Conversation, names: Option<&Names>) -> Value {
    let connection = conversation.connection.as_ref();
    let ends = (0..2).map(|end| {
        let ((address, port), sent) = (conversation.ends[end], conversation.sent[end]);
        let trips = connection.map(|connection| connection.round_trips[end]).filter(|trips| trips.count > 0);
        let mut end = json!({
            "address": address,
            "port": (port != 0).then_some(port),
            "frames": sent.frames,
            "bytes": sent.bytes,
            "sent_again": connection.map(|_| sent.sent_again),
            "not_captured": connection.map(|_| sent.gaps),
            "round_trip": trips.map(|trips| json!({
                "count": trips.count, "min_ns": trips.min_ns, "mean_ns": trips.mean_ns(), "max_ns": trips.max_ns,
            })),
        });
        if let Some(name) = names.and_then(|names| names.of(address)) {
            end["name"] = name.into();
        }
        end
    });
    json!({
        "protocol": protocol(conversation.protocol).to_ascii_lowercase(),
        "ends": ends.collect::<Vec<_>>(),
        "first_ns": conversation.times.map(|(first, _)| first),
        "last_ns": conversation.times.map(|(_, last)| last),
        "handshake_ns": connection.and_then(|connection| connection.handshake_ns),
        "state": connection.map(|connection| connection.progress),
    })
}
