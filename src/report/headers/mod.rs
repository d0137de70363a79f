//! What each kind of header says, in one line: a function per header, and a row in the table.

pub(super) mod application;
pub(super) mod internet;
pub(super) mod link;
pub(super) mod transport;

use super::palette::{Ink, Palette};
use super::text::Text;
use crate::bytes::{Codes, Fault, Verdict};
use crate::capture::Packet;
use crate::dissect::{Data, Header, Layer};

/// Which TCP sequence numbers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Counted from the start of the connection.
    Relative,
    /// As they are in the header.
    Absolute,
}

/// Most bytes of a payload that are shown on its line.
const PREVIEW: usize = 48;

/// Adds what the header of `layer` says.
pub(super) fn describe(text: &mut Text, packet: &Packet<'_>, layer: &Layer, numbers: Numbers) {
    if !is_whole(layer) {
        // What was not read has a default value, which is nothing to show. The fault behind it tells the rest.
        text.length(packet.bytes(layer).len() as u64);
        return;
    }
    let relative = packet.relative.filter(|_| !layer.quoted && numbers == Numbers::Relative);
    match &layer.header {
        Header::Ethernet(header) => link::ethernet(text, header),
        Header::Llc(header) => link::llc_header(text, *header),
        Header::Snap(header) => link::snap(text, *header),
        Header::Cooked(header) => link::cooked_header(text, header),
        Header::Loopback(header) => link::loopback_header(text, *header),
        Header::Vlan(header) => link::vlan(text, *header),
        Header::Mpls(header) => link::mpls(text, *header),
        Header::Pppoe(header) => link::pppoe(text, *header),
        Header::Ppp(header) => link::ppp_header(text, *header),
        Header::Arp(header) => link::arp_packet(text, header),
        Header::Ipv4(header) => internet::ipv4(text, header, packet.names),
        Header::Ipv6(header) => internet::ipv6(text, header, packet.names),
        Header::HopByHop(header) | Header::DestinationOptions(header) => internet::options(text, header),
        Header::Routing(header) => internet::routing(text, header),
        Header::Fragment(header) => internet::fragment(text, *header),
        Header::Gre(header) => internet::gre(text, header),
        Header::Ah(header) => internet::ah(text, *header),
        Header::Esp(header) => internet::esp(text, *header),
        Header::Icmp(header) | Header::Icmpv6(header) => internet::icmp_message(text, header),
        Header::IcmpExtension(_) => {
            text.length(packet.bytes(layer).len() as u64);
        }
        Header::Igmp(header) => internet::igmp(text, *header),
        Header::Tcp(header) => transport::tcp(text, header, relative),
        Header::Udp(header) => transport::udp(text, *header),
        header => application(text, header, packet, layer),
    }
}

/// Adds what a program's message says, or what bytes there are without one.
fn application(text: &mut Text, header: &Header, packet: &Packet<'_>, layer: &Layer) {
    let frame = packet.bytes;
    match header {
        Header::Dns(header) | Header::Mdns(header) | Header::Llmnr(header) => application::dns(text, header, frame),
        Header::Dhcp(header) => application::dhcp(text, header, frame),
        Header::Ntp(header) => application::ntp(text, header),
        Header::Tls(header) => application::tls(text, header, frame),
        Header::Http(header) => application::http(text, header, frame),
        Header::Ssh(header) => application::ssh(text, *header, frame),
        Header::Nlf(header) => application::nlf(text, header, frame),
        Header::Data(data) => payload(text, *data, packet.bytes(layer), layer),
        _ => {}
    }
}

/// Whether the fixed part of the header was read to its end.
#[inline]
pub(super) fn is_whole(layer: &Layer) -> bool {
    let least = match &layer.header {
        Header::Ethernet(_) => 14,
        Header::Cooked(_) => 16,
        Header::Ipv4(_) | Header::Tcp(_) => 20,
        Header::Ipv6(_) => 40,
        Header::Arp(_) | Header::Udp(_) | Header::Fragment(_) | Header::Esp(_) => 8,
        Header::Snap(_) => 5,
        Header::Pppoe(_) => 6,
        Header::Ah(_) => 12,
        Header::Llc(_) => 3,
        Header::Ppp(_) => 1,
        Header::Data(_) => 0,
        Header::Dns(_) | Header::Mdns(_) | Header::Llmnr(_) => 12,
        Header::Dhcp(_) => 240,
        Header::Ntp(_) => 48,
        Header::Tls(_) => 5,
        Header::Nlf(nlf) if nlf.version > 0 => 14,
        Header::Nlf(_) => 10,
        _ => 4,
    };
    layer.fault.is_none() || layer.bytes.end - layer.bytes.start >= least
}

/// The name of a code point, or what `otherwise` adds.
fn coded(text: &mut Text, code: u64, codes: Codes, otherwise: impl FnOnce(&mut Text) -> &mut Text) {
    match codes.name(code) {
        Some(name) => {
            text.str(name);
        }
        None => {
            otherwise(text);
        }
    }
}

/// Bytes without a header: how many, and their start as text where it is text, otherwise as hex.
fn payload(text: &mut Text, data: Data, bytes: &[u8], layer: &Layer) {
    text.length(length(bytes, layer));
    if data == Data::Padding && bytes.iter().all(|byte| *byte == 0) {
        return;
    }
    let start = bytes.get(..PREVIEW).unwrap_or(bytes);
    if start.is_empty() {
        return;
    }
    let printable = start.iter().filter(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t')).count();
    text.str("   ");
    let shown = if printable * 8 >= start.len() * 7 {
        text.str("\"").escaped(start).str("\"");
        start.len()
    } else {
        let start = start.get(..PREVIEW / 3).unwrap_or(start);
        text.spaced(start);
        start.len()
    };
    if shown < bytes.len() {
        text.str(" …");
    }
}

/// The length of a layer of bytes on the wire, of which the capture may hold only the start.
pub(super) fn length(bytes: &[u8], layer: &Layer) -> u64 {
    match layer.fault {
        Some(Fault::Short { need, .. }) => need as u64,
        _ => bytes.len() as u64,
    }
}

/// What is to be said about a checksum, if it is anything but good.
pub(super) fn checksum(text: &mut Text, layer: &Layer, palette: Palette) {
    match layer.checksum {
        Some(Verdict::Bad(right)) => {
            text.str("  ").ink(palette, Ink::Bad, |text| text.str("checksum wrong, right is 0x").hex(right.into(), 4));
        }
        Some(Verdict::NotFilledIn) => {
            text.str("  ").ink(palette, Ink::Faint, |text| text.str("checksum left to the network card"));
        }
        _ => {}
    }
}
