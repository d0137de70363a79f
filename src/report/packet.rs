//! A captured frame, layer by layer: what the eye should see first is the layers.
//!
//! The line on top says which frame, when, where and how long; each layer has a line of its own. What belongs below a
//! layer's line is in `packet_fields` and `packet_hex`; the one-line form in [`super::packet_line`].

use super::fragments;
use super::headers::{self, Numbers};
use super::packet_fields;
use super::packet_hex;
use super::palette::{Ink, Palette};
use super::text::Text;
use crate::capture::Packet;
use crate::capture::analysis::Finding;
use crate::capture::calendar::Moment;
use crate::capture::frame::Nanoseconds;
use crate::capture::packet::Parties;
use crate::capture::reassembly::Fragment;
use crate::dissect::{Data, Header, Layer};
use crate::kernel::process::Process;

/// How packets are to look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Below each layer, every field with its bits.
    pub fields: bool,
    /// Below each layer, its bytes.
    pub hex: bool,
    /// Which times are shown.
    pub clock: Clock,
    /// Which TCP sequence numbers are shown.
    pub numbers: Numbers,
    /// Colours.
    pub palette: Palette,
}

/// Which time of a frame is shown: to the microsecond, and those other than [`Clock::SinceFirst`] to the nanosecond where
/// there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Seconds since the first frame.
    SinceFirst,
    /// Seconds since the frame before.
    SincePrevious,
    /// Date and time, UTC.
    Utc,
    /// Date and time of a place where clocks are so many seconds ahead of UTC.
    Local(i32),
    /// Seconds since 1970.
    Epoch,
}

/// Width of the column with the layers' names.
const NAME: usize = 10;
/// Spaces in front of a layer.
pub(super) const INDENT: &str = "    ";

/// Adds one packet: a line for the frame and one for each layer.
pub fn write(text: &mut Text, packet: &Packet<'_>, look: &Look) {
    text.ink(look.palette, Ink::Strong, |text| text.str("#").number(packet.number)).str("  ");
    time(text, packet, look.clock);
    text.str("  ");
    place(text, packet);
    length(text, packet);
    parties(text, packet);
    text.str("\n");
    if !packet.frame.comment.is_empty() {
        comment(text, packet.frame.comment, look.palette);
    }
    layers(text, packet, look);
}

/// Adds a line for each layer, and below it what `look` asks for.
pub fn layers(text: &mut Text, packet: &Packet<'_>, look: &Look) {
    for layer in packet.layers {
        if let Some(fragment) = packet.made_whole(layer) {
            datagram(text, fragment, look.palette);
        }
        let (mark, name) = (if layer.quoted { "· " } else { "" }, layer.header.name());
        text.str(INDENT).str(mark).ink(look.palette, ink(&layer.header), |text| text.str(name));
        text.fill(mark.chars().count() + name.len(), NAME);
        headers::describe(text, packet, layer, look.numbers);
        remarks(text, layer, look.palette);
        if matches!(layer.header, Header::Tcp(_)) && !layer.quoted {
            analysis(text, packet.finding, look.palette);
        }
        text.str("\n");
        if look.fields {
            packet_fields::write(text, packet, layer, look.palette);
        }
        if look.hex {
            packet_hex::write(text, packet, layer, look.palette);
        }
        if let Some(fragment) = packet.fragment(layer).filter(|fragment| !fragment.completes()) {
            datagram(text, fragment, look.palette);
        }
    }
}

/// What somebody wrote beside the frame, each line in a line of its own.
#[cold]
fn comment(text: &mut Text, comment: &str, palette: Palette) {
    for (at, line) in comment.lines().enumerate() {
        let name = if at == 0 { "Comment" } else { "" };
        text.str(INDENT).ink(palette, Ink::Faint, |text| text.str(name));
        text.fill(name.len(), NAME).escaped(line.as_bytes()).str("\n");
    }
}

/// What the analysis of a segment found out.
fn analysis(text: &mut Text, finding: Finding, palette: Palette) {
    if finding.round_trip_ns.or(finding.handshake_ns).is_some() {
        text.str("  ").ink(palette, Ink::Faint, |text| text.round_trips(finding));
    }
    if !finding.notes.is_empty() {
        text.str("  ").ink(palette, Ink::Warn, |text| text.notes(finding));
    }
}

fn datagram(text: &mut Text, fragment: &Fragment, palette: Palette) {
    const WORD: &str = "Datagram";
    text.str(INDENT).ink(palette, Ink::Internet, |text| text.str(WORD)).fill(WORD.len(), NAME);
    fragments::describe(text, fragment, palette);
    text.str("\n");
}

/// The colour of a layer.
pub fn ink(header: &Header) -> Ink {
    match header {
        Header::Ethernet(_)
        | Header::Llc(_)
        | Header::Snap(_)
        | Header::Cooked(_)
        | Header::Loopback(_)
        | Header::Vlan(_)
        | Header::Mpls(_)
        | Header::Pppoe(_)
        | Header::Ppp(_)
        | Header::Arp(_) => Ink::Link,
        Header::Tcp(_) | Header::Udp(_) => Ink::Transport,
        Header::Data(Data::Payload | Data::FragmentPayload | Data::Ciphertext) => Ink::Application,
        Header::Data(_) => Ink::Faint,
        header if header.is_application() => Ink::Application,
        _ => Ink::Internet,
    }
}

/// What is wrong or unusual with a layer, behind its description.
fn remarks(text: &mut Text, layer: &Layer, palette: Palette) {
    headers::checksum(text, layer, palette);
    if let Some(fault) = &layer.fault {
        text.str("  ").ink(palette, Ink::Bad, |text| text.format(format_args!("{fault}")));
    }
    if let Some(note) = layer.note {
        text.str("  ").ink(palette, Ink::Warn, |text| text.str(note));
    }
}

/// Interface and direction, where they are known, with the spaces behind them.
pub(super) fn place(text: &mut Text, packet: &Packet<'_>) {
    if !packet.frame.interface.is_empty() {
        text.escaped(packet.frame.interface.as_bytes()).str(" ");
    }
    if let Some(way) = packet.frame.way {
        text.str(way.word()).str(" ");
    }
    if !packet.frame.interface.is_empty() || packet.frame.way.is_some() {
        text.str(" ");
    }
}

/// The processes at the ends of its way that are on this machine, with spaces in front: `process 812 curl → 99 nginx`.
#[inline]
pub(super) fn parties(text: &mut Text, packet: &Packet<'_>) {
    let Parties { source, destination } = packet.parties;
    if source.or(destination).is_none() {
        return;
    }
    text.str("  process ");
    for (at, processes) in [source, destination].into_iter().flatten().enumerate() {
        text.str(if at == 0 { "" } else { " → " });
        for (at, Process { pid, name }) in processes.iter().enumerate() {
            text.str(if at == 0 { "" } else { ", " }).number(*pid).str(" ").escaped(name.as_bytes());
        }
        text.str(if processes.is_empty() { "unknown" } else { "" });
    }
}

fn length(text: &mut Text, packet: &Packet<'_>) {
    let (captured, original) = (packet.frame.bytes.len() as u64, u64::from(packet.frame.original_length));
    text.number(captured);
    if captured < original {
        text.str(" of ").number(original);
    }
    text.str(if original == 1 { " byte" } else { " bytes" });
}

/// The time that `clock` asks for; `-` where the frame has none.
pub(super) fn time(text: &mut Text, packet: &Packet<'_>, clock: Clock) {
    let (value, sign) = match clock {
        Clock::SinceFirst => (packet.since_first, "+"),
        // The first frame has none before it.
        Clock::SincePrevious => (packet.since_previous.or(packet.frame.time.map(|_| 0)), "+"),
        Clock::Utc | Clock::Local(_) | Clock::Epoch => (packet.frame.time, ""),
    };
    let Some(value) = value else {
        text.str("-");
        return;
    };
    match clock {
        Clock::Utc => return utc(text, value),
        Clock::Local(ahead) => return local(text, value, ahead),
        _ => {}
    }
    text.str(if value < 0 { "-" } else { sign });
    let value = value.unsigned_abs();
    text.number(value / SECOND).str(".");
    match clock {
        Clock::SinceFirst => text.decimal(value / 1000 % 1_000_000, 6),
        _ => fraction(text, value % SECOND),
    };
}

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// Part of a second: six digits, nine where there are nanoseconds.
fn fraction(text: &mut Text, nanoseconds: u64) -> &mut Text {
    match nanoseconds % 1000 {
        0 => text.decimal(nanoseconds / 1000, 6),
        _ => text.decimal(nanoseconds, 9),
    }
}

/// `2026-01-31T23:59:59.000001Z`, RFC 3339.
pub(super) fn utc(text: &mut Text, time: Nanoseconds) {
    date(text, time);
    text.str("Z");
}

/// `2026-01-31T18:59:59.000001-05:00`, RFC 3339; seconds too where a place kept its own time.
fn local(text: &mut Text, time: Nanoseconds, ahead: i32) {
    date(text, time.saturating_add(i64::from(ahead) * SECOND as i64));
    let (sign, ahead) = (if ahead < 0 { "-" } else { "+" }, u64::from(ahead.unsigned_abs()));
    text.str(sign).decimal(ahead / 3600, 2).str(":").decimal(ahead / 60 % 60, 2);
    if ahead % 60 > 0 {
        text.str(":").decimal(ahead % 60, 2);
    }
}

fn date(text: &mut Text, time: Nanoseconds) {
    let Moment { year, month, day, hour, minute, second, nanosecond } = Moment::of(time);
    text.decimal(year, 4).str("-").decimal(month, 2).str("-").decimal(day, 2).str("T");
    text.decimal(hour, 2).str(":").decimal(minute, 2).str(":").decimal(second, 2).str(".");
    fraction(text, nanosecond);
}
