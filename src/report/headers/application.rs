//! What programs say to each other, in a line each.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::coded;
use crate::application::dns::codes::{OPERATIONS, RESPONSE_CODES, TYPES};
use crate::application::dns::{Answer, KEPT};
use crate::application::tls::codes::{ALERTS, CIPHER_SUITES, CONTENT_TYPES, HANDSHAKES, LEVELS, VERSIONS};
use crate::application::{Dhcp, Dns, Http, Nlf, Ntp, Ssh, Tls, dhcp, nlf, ntp};
use crate::bytes::Bits;
use crate::report::clock::utc;
use crate::report::text::Text;

/// Most bytes of a text that are shown on a line.
const SHOWN: usize = 96;

/// A question or its answer: `A www.example.org?`, `A www.example.org = 192.0.2.1`.
pub(in crate::report) fn dns(text: &mut Text, header: &Dns, frame: &[u8]) {
    if header.operation != 0 {
        coded(text, header.operation.into(), OPERATIONS, |text| text.str("operation ").number(header.operation));
        text.str(" ");
    }
    if let Some(question) = header.question {
        kind(text, question.kind);
        text.str(" ").name(header.name(frame, question.name));
    }
    if !header.response {
        text.str(if header.question.is_some() { "?" } else { "message" });
        return others(text, "question", header.counts[0].saturating_sub(1));
    }
    if header.question.is_none() {
        text.str("answer");
    }
    if header.response_code != 0 || header.counts[1] == 0 {
        text.str(": ");
        let code = header.response_code.into();
        coded(text, code, RESPONSE_CODES, |text| text.str("response code ").number(code));
    }
    let lead = if header.question.is_some() { " = " } else { " " };
    for (at, answer) in header.answers.iter().flatten().enumerate() {
        text.str(if at == 0 { lead } else { ", " });
        if header.question.is_none_or(|question| question.kind != answer.kind) {
            kind(text, answer.kind);
            text.str(" ");
        }
        if header.question.is_none() {
            text.name(header.name(frame, answer.name)).str(" ");
        }
        self::answer(text, header, *answer, frame);
    }
    others(text, "answer", header.counts[1].saturating_sub(KEPT as u16));
    if header.truncated {
        text.str(" truncated");
    }
}

fn others(text: &mut Text, what: &str, count: u16) {
    if count > 0 {
        text.str(" and ").number(count).str(" more ").str(what).str(if count == 1 { "" } else { "s" });
    }
}

fn kind(text: &mut Text, kind: u16) {
    coded(text, kind.into(), TYPES, |text| text.str("TYPE").number(kind));
}

/// What an answer says.
fn answer(text: &mut Text, header: &Dns, answer: Answer, frame: &[u8]) {
    let start = answer.data as usize;
    let data = frame.get(start..start + usize::from(answer.length)).unwrap_or_default();
    let name = |skip| header.name(frame, answer.data + skip);
    match (answer.kind, data) {
        (1, [a, b, c, d]) => drop(text.ipv4(Ipv4Addr::new(*a, *b, *c, *d))),
        (28, data) if data.len() == 16 => {
            text.ipv6(Ipv6Addr::from(data.first_chunk().copied().unwrap_or_default()));
        }
        (2 | 5 | 6 | 12 | 39, _) => drop(text.name(name(0))),
        (15, [high, low, ..]) => {
            text.number(u16::from_be_bytes([*high, *low])).str(" ").name(name(2));
        }
        (16, [length, rest @ ..]) => {
            text.str("\"").escaped(&rest[..rest.len().min((*length).into()).min(SHOWN)]).str("\"");
        }
        (33, [_, _, _, _, high, low, ..]) => {
            text.name(name(6)).str(":").number(u16::from_be_bytes([*high, *low]));
        }
        (64 | 65, [high, low, ..]) => {
            text.number(u16::from_be_bytes([*high, *low])).str(" ").name(name(2));
        }
        _ => drop(text.length(answer.length)),
    }
}

pub(in crate::report) fn dhcp(text: &mut Text, header: &Dhcp, frame: &[u8]) {
    let options = &header.options;
    match options.message {
        Some(kind) => coded(text, kind.into(), dhcp::options::MESSAGES, |text| text.str("message ").number(kind)),
        None => coded(text, header.operation.into(), dhcp::OPERATIONS, |text| text.str("BOOTP")),
    }
    text.str("  client ").mac(header.hardware);
    if !options.host_name.of(frame).is_empty() {
        text.str(" \"");
        piece(text, options.host_name, frame);
        text.str("\"");
    }
    for (words, address) in
        [("  has ", Some(header.client)), ("  asks for ", options.requested), ("  gets ", Some(header.your))]
    {
        if let Some(address) = address.filter(|address| !address.is_unspecified()) {
            text.str(words).ipv4(address);
        }
    }
    if let Some(seconds) = options.lease_s {
        text.str("  for ").number(seconds).str(" s");
    }
    if let Some(server) = options.server {
        text.str("  server ").ipv4(server);
    }
    if !header.relay.is_unspecified() {
        text.str("  by relay ").ipv4(header.relay);
    }
}

pub(in crate::report) fn ntp(text: &mut Text, header: &Ntp) {
    text.str("version ").number(header.version).str(" ");
    coded(text, header.mode.into(), ntp::MODES, |text| text.str("mode ").number(header.mode));
    if header.mode > 5 {
        return;
    }
    if matches!(header.mode, 2 | 4 | 5) {
        text.str("  stratum ").number(header.stratum).str("  reference ");
        match header.stratum {
            0 | 1 => text.escaped(header.reference.split(|byte| *byte == 0).next().unwrap_or_default()),
            _ => text.ipv4(header.reference.into()),
        };
    }
    // Seconds between 1900 and 1970. The first of the two eras that a clock of today can mean begins in 1900.
    let since_1970 = (header.transmitted >> 32) as i64 - 2_208_988_800;
    if since_1970 > 0 {
        let microseconds = ((header.transmitted & 0xffff_ffff) * 1_000_000) >> 32;
        text.str("  sent ");
        utc(text, (since_1970 * 1_000_000 + microseconds as i64) * 1000);
    }
}

pub(in crate::report) fn tls(text: &mut Text, header: &Tls, frame: &[u8]) {
    if let Some(kind) = header.hello.message {
        coded(text, kind.into(), HANDSHAKES, |text| text.str("handshake ").number(kind));
        return hello(text, header, frame);
    }
    coded(text, header.content.into(), CONTENT_TYPES, |text| text.str("type ").number(header.content));
    match header.alert {
        Some((level, alert)) => {
            text.str(": ");
            coded(text, level.into(), LEVELS, |text| text.str("level ").number(level));
            text.str(", ");
            coded(text, alert.into(), ALERTS, |text| text.number(alert));
        }
        None if header.length > 1 => drop(text.str("  ").length(header.length)),
        None => {}
    }
}

fn hello(text: &mut Text, header: &Tls, frame: &[u8]) {
    let hello = &header.hello;
    if !hello.server_name.of(frame).is_empty() {
        text.str("  server name ");
        piece(text, hello.server_name, frame);
    }
    if hello.version > 0 {
        text.str("  ");
        coded(text, hello.version.into(), VERSIONS, |text| text.str("version 0x").hex(hello.version.into(), 4));
    }
    if let Some(suite) = hello.cipher_suite {
        text.str("  ");
        coded(text, suite.into(), CIPHER_SUITES, |text| text.str("cipher suite 0x").hex(suite.into(), 4));
    }
    let mut protocols = hello.alpn.of(frame);
    let mut lead = "  ALPN ";
    while let Some((length, rest)) = protocols.split_first() {
        let Some((name, rest)) = rest.split_at_checked((*length).into()) else { return };
        text.str(std::mem::replace(&mut lead, ", ")).escaped(name);
        protocols = rest;
    }
}

pub(in crate::report) fn http(text: &mut Text, header: &Http, frame: &[u8]) {
    if let Some(status) = header.status {
        text.number(status);
        labelled(text, " ", header.reason, frame);
    } else if header.method.of(frame).is_empty() {
        text.str("head");
    } else {
        piece(text, header.method, frame);
        labelled(text, " ", header.target, frame);
    }
    labelled(text, "  host ", header.host, frame);
    labelled(text, "  type ", header.content_type, frame);
    if let Some(length) = header.content_length {
        text.str("  content ").length(length);
    }
}

pub(in crate::report) fn ssh(text: &mut Text, header: Ssh, frame: &[u8]) {
    text.str("version");
    labelled(text, " ", header.protocol, frame);
    labelled(text, "  ", header.software, frame);
    labelled(text, "  ", header.comments, frame);
}

pub(in crate::report) fn nlf(text: &mut Text, header: &Nlf, frame: &[u8]) {
    if header.version > 0 {
        text.str("version ").number(header.version).str("  ");
    }
    if header.kind == 0 {
        // The header itself goes on in a later segment.
        text.str("frame");
        return;
    }
    coded(text, header.kind.into(), nlf::TYPES, |text| text.str("type ").number(header.kind));
    text.str("  stream ").number(header.stream);
    if header.error_output {
        text.str("  error output");
    }
    if header.batch {
        text.str("  batch");
    }
    text.str("  ").length(header.length);
    if !header.message.of(frame).is_empty() {
        text.str("  \"");
        piece(text, header.message, frame);
        text.str("\"");
    }
}

/// Words and the text that belongs to them, unless that is empty.
fn labelled(text: &mut Text, words: &str, bits: Bits, frame: &[u8]) {
    if !bits.of(frame).is_empty() {
        text.str(words);
        piece(text, bits, frame);
    }
}

/// Foreign text, escaped; a long one is cut.
fn piece(text: &mut Text, bits: Bits, frame: &[u8]) {
    let bytes = bits.of(frame);
    text.escaped(bytes.get(..SHOWN).unwrap_or(bytes));
    if bytes.len() > SHOWN {
        text.str("…");
    }
}
