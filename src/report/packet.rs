//! A captured frame, layer by layer: what the eye should see first is the layers.
//!
//! The line on top says which frame, when, where and how long; each layer has a line of its own. What belongs below a
//! layer's line is in `packet_fields` and `packet_hex`; the one-line form in [`super::packet_line`].

use super::clock::{self, Clock};
use super::headers::{self, Numbers};
use super::layer::{INDENT, ink};
use super::palette::{Ink, Palette};
use super::text::Text;
use super::{fragments, packet_fields, packet_hex};
use crate::capture::Packet;
use crate::capture::analysis::Finding;
use crate::capture::packet::Parties;
use crate::capture::reassembly::Fragment;
use crate::dissect::{Header, Layer};
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

/// Width of the column with the layers' names.
const NAME: usize = 10;
/// Adds one packet: a line for the frame and one for each layer.
pub fn write(text: &mut Text, packet: &Packet<'_>, look: &Look) {
    text.ink(look.palette, Ink::Strong, |text| text.str("#").number(packet.number)).str("  ");
    clock::time(text, packet, look.clock);
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
