//! A captured frame on one line.

use std::net::IpAddr;

use super::clock::{Clock, time};
use super::fragments;
use super::headers::internet::{icmp_message, piece};
use super::headers::link::{arp_packet, carried, llc_header};
use super::headers::transport::{ends, flags, options};
use super::headers::{self, Numbers};
use super::hosts;
use super::packet::{parties, place};
use super::palette::{Ink, Palette};
use super::text::Text;
use crate::bytes::{Fault, Verdict};
use crate::capture::Packet;
use crate::capture::flows::Relative;
use crate::capture::reassembly::Fragment;
use crate::dissect::{Data, Header, Layer, UNFINISHED};
use crate::internet::Icmp;
use crate::transport::Tcp;
use crate::transport::tcp::Flags;

/// Adds the line of one packet: when, where, from whom to whom, and what the innermost header says.
pub fn write(text: &mut Text, packet: &Packet<'_>, clock: Clock, numbers: Numbers, palette: Palette) {
    text.str("#").number(packet.number).str(" ");
    time(text, packet, clock);
    text.str(" ");
    place(text, packet);
    let relative = packet.relative.filter(|_| numbers == Numbers::Relative);
    let mut line =
        Line { text, packet, relative, addresses: None, named: false, data: None, message: None, further: 0 };
    for layer in packet.layers {
        line.layer(layer);
    }
    line.end();
    for layer in packet.layers {
        troubles(text, layer, palette);
    }
    noted(text, packet, palette);
    for fragment in packet.fragments {
        text.str("  [");
        fragments::describe(text, fragment, palette);
        text.str("]");
    }
    parties(text, packet);
    text.str("\n");
}

/// A line under way: addresses wait until it is known whether ports belong to them.
struct Line<'l, 'p> {
    text: &'l mut Text,
    packet: &'l Packet<'p>,
    relative: Option<Relative>,
    addresses: Option<(IpAddr, IpAddr)>,
    /// Whether something was said about what the frame carries.
    named: bool,
    /// Bytes of the payload on the wire.
    data: Option<u64>,
    /// The first message between programs.
    message: Option<&'p Layer>,
    /// Messages behind it.
    further: u64,
}

impl<'p> Line<'_, 'p> {
    #[inline]
    fn layer(&mut self, layer: &'p Layer) {
        if layer.header.is_application() {
            return self.message(layer);
        }
        if !headers::is_whole(layer) {
            self.name(layer.header.name());
            self.text.str(" ");
            return;
        }
        match &layer.header {
            Header::Ethernet(_)
            | Header::Llc(_)
            | Header::Snap(_)
            | Header::Cooked(_)
            | Header::Loopback(_)
            | Header::Ppp(_)
            | Header::HopByHop(_)
            | Header::DestinationOptions(_)
            | Header::Routing(_)
            | Header::Ah(_) => {}
            Header::Vlan(vlan) => {
                self.text.str("vlan ").number(vlan.identifier).str(" ");
            }
            Header::Arp(header) => {
                self.name("ARP ");
                arp_packet(self.text, header);
                self.text.str(" ");
            }
            Header::Ipv4(ip) => {
                self.datagram(ip.source.into(), ip.destination.into());
                if ip.is_fragment() && !self.is_whole(layer) {
                    self.fragment(ip.fragment_offset, ip.more_fragments);
                }
            }
            Header::Ipv6(ip) => self.datagram(ip.source.into(), ip.destination.into()),
            Header::Fragment(_) if self.is_whole(layer) => {}
            Header::Fragment(header) => self.fragment(header.fragment_offset, header.more_fragments),
            Header::Tcp(header) => self.tcp(header, layer),
            Header::Udp(header) => {
                self.ports(header.source, header.destination);
                self.name("UDP ");
            }
            Header::Icmp(header) => self.icmp("ICMP ", header),
            Header::Icmpv6(header) => self.icmp("ICMPv6 ", header),
            Header::Data(Data::FragmentPayload) if self.packet.is_put_together(layer) => {}
            Header::Data(data) => self.data(*data, layer),
            other => {
                let name = other.name();
                self.flush();
                self.name(name);
                self.text.str(" ");
            }
        }
    }

    /// Whether the fragment that a layer says this is completes its datagram.
    fn is_whole(&self, layer: &Layer) -> bool {
        self.packet.fragment(layer).is_some_and(Fragment::completes)
    }

    fn name(&mut self, name: &str) {
        self.flush();
        self.text.str(name);
        self.named = true;
    }

    /// Says the addresses that waited for ports in vain.
    fn flush(&mut self) {
        if let Some((source, destination)) = self.addresses.take() {
            let names = self.packet.names;
            hosts::instead(self.text, names, source);
            self.text.str(" → ");
            hosts::instead(self.text, names, destination);
            self.text.str(" ");
        }
    }

    #[inline]
    fn datagram(&mut self, source: IpAddr, destination: IpAddr) {
        if self.addresses.is_some() {
            self.flush();
            self.text.str("carries ");
        }
        self.addresses = Some((source, destination));
    }

    fn fragment(&mut self, offset: u16, more: bool) {
        if offset > 0 {
            self.flush();
        }
        let waiting = self.addresses.take();
        piece(self.text, offset, more);
        self.text.str(" ");
        self.addresses = waiting;
        self.named = true;
    }

    #[inline]
    fn ports(&mut self, source: u16, destination: u16) {
        let addresses = self.addresses.take();
        ends(self.text, self.packet.names, addresses, (source, destination));
        self.text.str(" ");
    }

    #[inline]
    fn tcp(&mut self, header: &Tcp, layer: &Layer) {
        self.ports(header.source, header.destination);
        self.name("TCP ");
        let relative = self.relative.filter(|_| !layer.quoted);
        let ack = header.flags.contains(Flags::ACK).then_some(header.acknowledgment);
        let (sequence, ack) = relative.map_or((header.sequence, ack), |r| (r.sequence, r.acknowledgment));
        flags(self.text, header.flags);
        self.text.str(" seq ").number(sequence);
        if let Some(ack) = ack {
            self.text.str(" ack ").number(ack);
        }
        self.text.str(" win ").number(header.window);
        options(self.text, &header.options);
        self.text.str(" ");
        self.data = Some(0);
    }

    fn icmp(&mut self, name: &str, header: &Icmp) {
        self.name(name);
        icmp_message(self.text, header);
        self.text.str(" ");
        if header.is_error() || matches!(header.message, crate::internet::icmp::Message::Error { .. }) {
            self.text.str("about ");
        }
    }

    #[inline]
    fn data(&mut self, data: Data, layer: &Layer) {
        match data {
            Data::Unread if self.message.is_none() => {}
            Data::Payload | Data::FragmentPayload | Data::Ciphertext | Data::Unread if !layer.quoted => {
                let bytes = headers::length(self.packet.bytes(layer), layer);
                self.data = Some(self.data.unwrap_or(0) + bytes);
            }
            _ => {}
        }
    }

    fn message(&mut self, layer: &'p Layer) {
        let missing = match layer.fault {
            Some(Fault::Short { field: UNFINISHED, need, have }) => need.saturating_sub(have),
            _ => 0,
        };
        self.data = Some(self.data.unwrap_or(0) + (self.packet.bytes(layer).len() + missing) as u64);
        self.further += u64::from(self.message.is_some());
        self.message.get_or_insert(layer);
    }

    fn end(&mut self) {
        if self.addresses.is_some() {
            self.flush();
            self.named = true;
        }
        if !self.named {
            self.unnamed();
        }
        match self.data {
            Some(bytes) => {
                self.text.length(bytes);
            }
            // Every other piece ends with the space that separates it from the next.
            None => {
                self.text.truncate(self.text.len().saturating_sub(1));
            }
        }
        if let Some(layer) = self.message {
            self.text.str("  ").str(layer.header.name()).str(" ");
            headers::describe(self.text, self.packet, layer, Numbers::Relative);
            if self.further > 0 {
                self.text.str("  and ").number(self.further).str(" more");
            }
        }
    }

    /// A frame of which no header above the link was read.
    fn unnamed(&mut self) {
        let layers = self.packet.layers;
        if let Some(Layer { header: Header::Ethernet(ethernet), .. }) = layers.first() {
            self.text.mac(ethernet.source).str(" → ").mac(ethernet.destination).str(" ");
        }
        match layers.iter().rev().find(|layer| !matches!(layer.header, Header::Data(_))).map(|layer| &layer.header) {
            Some(Header::Ethernet(ethernet)) => carried(self.text, ethernet.type_or_length),
            Some(Header::Vlan(vlan)) => carried(self.text, vlan.type_or_length),
            Some(Header::Cooked(cooked)) => carried(self.text, cooked.protocol),
            Some(Header::Llc(llc)) => llc_header(self.text, *llc),
            Some(header) => {
                self.text.str(header.name());
            }
            None => {
                self.text.str("link type ").number(self.packet.frame.link.number());
            }
        }
        self.text.str(" ");
    }
}

/// What the analysis notes, in brackets.
#[inline]
fn noted(text: &mut Text, packet: &Packet<'_>, palette: Palette) {
    let finding = packet.finding;
    if finding.round_trip_ns.or(finding.handshake_ns).is_some() {
        text.str("  ").ink(palette, Ink::Faint, |text| text.str("[").round_trips(finding).str("]"));
    }
    if finding.notes.is_empty() {
        return;
    }
    text.str("  ").ink(palette, Ink::Warn, |text| text.str("[").notes(packet.finding).str("]"));
}

/// What is wrong with a layer, in brackets.
#[inline]
fn troubles(text: &mut Text, layer: &Layer, palette: Palette) {
    if matches!(layer.checksum, Some(Verdict::Bad(_))) && !layer.quoted {
        trouble(text, "wrong checksum in ", layer, palette);
    }
    match &layer.fault {
        Some(Fault::Short { .. }) => trouble(text, "cut short: ", layer, palette),
        Some(_) => trouble(text, "malformed: ", layer, palette),
        None => {}
    }
}

fn trouble(text: &mut Text, what: &str, layer: &Layer, palette: Palette) {
    text.str("  ").ink(palette, Ink::Bad, |text| text.str("[").str(what).str(layer.header.name()).str("]"));
}
