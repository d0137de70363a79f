//! A captured frame as one line of JSON (keys: docs/json.md).
//!
//! The fields of a layer are an object: the field's name in snake case → its value. A field that stands there several
//! times (options) is an array. All text is ASCII: what is not is written as `\u…`.

use std::net::IpAddr;

use super::fragments;
use super::text::Text;
use crate::bytes::{Codes, Field, Value, Verdict, field};
use crate::capture::Packet;
use crate::capture::analysis::Finding;
use crate::capture::names::Names;
use crate::dissect::{Header, Layer};
use crate::kernel::process::Process;

/// Adds the line of one packet.
pub fn write(text: &mut Text, packet: &Packet<'_>) {
    let frame = &packet.frame;
    text.str("{\"number\":").number(packet.number);
    if let Some(time) = frame.time {
        text.str(",\"time_ns\":").signed(time);
    }
    if let Some(time) = packet.since_first {
        text.str(",\"since_first_ns\":").signed(time);
    }
    if !frame.interface.is_empty() {
        text.str(",\"interface\":");
        string(text, frame.interface.as_bytes());
    }
    if let Some(way) = frame.way {
        text.str(",\"direction\":\"").str(way.word()).str("\"");
    }
    processes(text, ",\"source_processes\":[", packet.parties.source);
    processes(text, ",\"destination_processes\":[", packet.parties.destination);
    text.str(",\"link_type\":").number(frame.link.number());
    text.str(",\"captured_bytes\":").number(frame.bytes.len() as u64);
    text.str(",\"original_bytes\":").number(frame.original_length);
    if !frame.comment.is_empty() {
        text.str(",\"comment\":");
        string(text, frame.comment.as_bytes());
    }
    fragments::json(text, packet.fragments);
    text.str(",\"layers\":[");
    for (at, layer) in packet.layers.iter().enumerate() {
        if at > 0 {
            text.str(",");
        }
        self::layer(text, packet, layer);
    }
    text.str("]}\n");
}

fn processes(text: &mut Text, key: &str, processes: Option<&[Process]>) {
    let Some(processes) = processes else { return };
    text.str(key);
    for (at, Process { pid, name }) in processes.iter().enumerate() {
        text.str(if at == 0 { "{\"pid\":" } else { ",{\"pid\":" }).number(*pid).str(",\"name\":");
        string(text, name.as_bytes());
        text.str("}");
    }
    text.str("]");
}

fn layer(text: &mut Text, packet: &Packet<'_>, layer: &Layer) {
    text.str("{\"layer\":\"").str(layer.header.key());
    text.str("\",\"offset_bytes\":").number(packet.offset(layer.bytes.start));
    text.str(",\"length_bytes\":").number(packet.bytes(layer).len() as u64);
    if packet.whole(layer.bytes.start).is_some() {
        text.str(",\"reassembled\":true");
    }
    if layer.quoted {
        text.str(",\"quoted\":true");
    }
    if let Some(verdict) = layer.checksum {
        self::verdict(text, verdict);
    }
    if let Some(fault) = &layer.fault {
        text.str(",\"fault\":");
        string(text, fault.to_string().as_bytes());
    }
    if let Some(note) = layer.note {
        text.str(",\"note\":");
        string(text, note.as_bytes());
    }
    if let (Header::Tcp(_), false, Some(relative)) = (&layer.header, layer.quoted, packet.relative) {
        text.str(",\"relative_sequence_number\":").number(relative.sequence);
        if let Some(number) = relative.acknowledgment {
            text.str(",\"relative_acknowledgment_number\":").number(number);
        }
    }
    if let (Header::Tcp(_), false) = (&layer.header, layer.quoted) {
        noted(text, packet.finding);
    }
    match &layer.header {
        Header::Ipv4(ip) => host_names(text, packet.names, ip.source.into(), ip.destination.into()),
        Header::Ipv6(ip) => host_names(text, packet.names, ip.source.into(), ip.destination.into()),
        _ => {}
    }
    text.str(",\"fields\":");
    fields(text, packet.fields(layer), packet.bytes);
    text.str("}");
}

/// What the ends of a datagram are called, as far as they are.
fn host_names(text: &mut Text, names: Option<&Names>, source: IpAddr, destination: IpAddr) {
    for (key, address) in [(",\"source_name\":", source), (",\"destination_name\":", destination)] {
        if let Some(name) = names.and_then(|names| names.of(address)) {
            text.str(key);
            string(text, name.as_bytes());
        }
    }
}

fn noted(text: &mut Text, finding: Finding) {
    for (number, (.., key)) in finding.notes.each().enumerate() {
        text.str(if number == 0 { ",\"analysis\":[\"" } else { ",\"" }).str(key).str("\"");
    }
    if !finding.notes.is_empty() {
        text.str("]");
    }
    if let Some(ns) = finding.round_trip_ns {
        text.str(",\"rtt_ns\":").number(ns);
    }
    if let Some(ns) = finding.handshake_ns {
        text.str(",\"initial_rtt_ns\":").number(ns);
    }
    if finding.duplicate > 0 {
        text.str(",\"duplicate_ack\":").number(finding.duplicate);
    }
}

fn verdict(text: &mut Text, verdict: Verdict) {
    text.str(",\"checksum_verdict\":\"").str(verdict.word()).str("\"");
    if let Verdict::Bad(right) = verdict {
        text.str(",\"right_checksum\":").number(right);
    }
}

/// The fields in the order of their first appearance, those of the same name together.
fn fields(text: &mut Text, fields: &[Field], frame: &[u8]) {
    let repeated = perhaps_repeated(fields);
    let mut order: Vec<usize> = (0..fields.len()).filter(|at| repeated & look(&fields[*at]) != 0).collect();
    order.sort_by_key(|at| (fields[*at].name, *at));
    text.str("{");
    let mut first = true;
    for (at, field) in fields.iter().enumerate() {
        let same = if repeated & look(field) == 0 { &[at] } else { named(&order, fields, field.name) };
        if same.first() != Some(&at) {
            continue;
        }
        text.str(if std::mem::take(&mut first) { "" } else { "," });
        key(text, field);
        several(text, same, |text, at| value(text, &fields[at], frame));
        if let Value::Code(_, codes, _) = field.value {
            names(text, fields, same, codes);
        }
    }
    text.str("}");
}

/// The fields called `name`, among those in the order of their names.
fn named<'o>(order: &'o [usize], fields: &[Field], name: &str) -> &'o [usize] {
    let start = order.partition_point(|other| fields[*other].name < name);
    let same = &order[start..];
    &same[..same.partition_point(|other| fields[*other].name == name)]
}

/// What the names look like that several fields may have: in most layers each has its own, and nothing is put together.
fn perhaps_repeated(fields: &[Field]) -> u64 {
    let (mut once, mut more) = (0, 0);
    for field in fields {
        more |= once & look(field);
        once |= look(field);
    }
    more
}

/// One of 64 bits, the same for the same name.
fn look(field: &Field) -> u64 {
    match field.name.as_bytes() {
        [.., before, last] => 1 << ((field.name.len() ^ usize::from(before ^ last << 2)) % 64),
        _ => 1,
    }
}

/// One value as it is, several as an array.
fn several(text: &mut Text, items: &[usize], mut add: impl FnMut(&mut Text, usize)) {
    if let [only] = items {
        return add(text, *only);
    }
    for (at, item) in items.iter().enumerate() {
        text.str(if at == 0 { "[" } else { "," });
        add(text, *item);
    }
    text.str("]");
}

/// The names of code points beside their numbers: `"protocol":6,"protocol_name":"TCP"`; null for those without.
fn names(text: &mut Text, fields: &[Field], same: &[usize], codes: Codes) {
    let name = |at: usize| match fields[at].value {
        Value::Code(code, _, _) => codes.name(code),
        _ => None,
    };
    if same.iter().all(|at| name(*at).is_none()) {
        return;
    }
    text.str(",\"");
    snake(text, fields[same[0]].name);
    text.str("_name\":");
    several(text, same, |text, at| match name(at) {
        Some(name) => string(text, name.as_bytes()),
        None => {
            text.str("null");
        }
    });
}

fn key(text: &mut Text, field: &Field) {
    text.str("\"");
    snake(text, field.name);
    text.str(field.value.unit()).str("\":");
}

fn snake(text: &mut Text, name: &str) {
    for byte in field::snake(name) {
        text.put([byte], 1);
    }
}

fn value(text: &mut Text, field: &Field, frame: &[u8]) {
    match field.value {
        Value::Number(number) | Value::Hex(number, _) | Value::Code(number, _, _) => {
            text.number(number);
        }
        Value::Units(number, unit) => {
            text.number(number.saturating_mul(unit.into()));
        }
        Value::Flag(set) => {
            text.str(if set { "true" } else { "false" });
        }
        Value::Mac(mac) => {
            text.str("\"").mac(mac).str("\"");
        }
        Value::Ipv4(address) => {
            text.str("\"").ipv4(address).str("\"");
        }
        Value::Ipv6(address) => {
            text.str("\"").ipv6(address).str("\"");
        }
        Value::Signed(number) => {
            text.signed(number);
        }
        Value::Text | Value::Piece { .. } => string(text, field.content(frame)),
        Value::Name(_) => {
            let name = field.name(frame).map_or_else(String::new, |name| name.to_string());
            string(text, name.as_bytes());
        }
        Value::Bytes => {
            text.str("\"");
            text.packed(field.bits.of(frame)).str("\"");
        }
    }
}

/// A JSON string in ASCII; bytes that are no UTF-8 become U+FFFD.
fn string(text: &mut Text, bytes: &[u8]) {
    text.str("\"");
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        text.raw(bytes);
    } else {
        String::from_utf8_lossy(bytes).chars().for_each(|character| escaped(text, character));
    }
    text.str("\"");
}

fn escaped(text: &mut Text, character: char) {
    match character {
        '"' | '\\' => {
            text.put([b'\\', character as u8], 2);
        }
        ' '..='~' => {
            text.put([character as u8], 1);
        }
        other => {
            for unit in other.encode_utf16(&mut [0; 2]) {
                text.str("\\u").hex((*unit).into(), 4);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Bits;

    #[test]
    fn a_string_is_json_whatever_the_bytes_are() {
        let all: Vec<u8> = (0..=255).chain("\u{9b}你\u{1f600}".bytes()).collect();
        let mut text = Text::default();
        string(&mut text, &all);
        assert!(text.bytes().iter().all(|byte| matches!(byte, b' '..=b'~')));
        let back: String = serde_json::from_slice(text.bytes()).unwrap();
        assert_eq!(back, String::from_utf8_lossy(&all));
    }

    #[test]
    fn fields_of_one_name_are_together_and_codes_have_their_names_beside_them() {
        let kinds = Codes(&[(2, "mss")]);
        let field = |name, value| Field { name, value, bits: Bits::default() };
        let list = [
            field("kind", Value::Code(2, kinds, 0)),
            field("header length", Value::Units(5, 4)),
            field("kind", Value::Code(9, kinds, 0)),
        ];
        let mut text = Text::default();
        fields(&mut text, &list, &[]);
        let expected = r#"{"kind":[2,9],"kind_name":["mss",null],"header_length_bytes":20}"#;
        assert_eq!(String::from_utf8(text.into_bytes()).unwrap(), expected);
    }
}
