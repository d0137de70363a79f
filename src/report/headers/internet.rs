//! The internet layer's headers in a line each.

use std::net::IpAddr;

use super::coded;
use crate::bytes::Codes;
use crate::capture::names::Names;
use crate::internet::extension::ROUTING_TYPES;
use crate::internet::groups::IGMP_TYPES;
use crate::internet::icmp::{self, Message, Version};
use crate::internet::protocols::PROTOCOLS;
use crate::internet::{Ah, Esp, Fragment, Gre, Icmp, Igmp, Ipv4, Ipv6, Options, Routing};
use crate::report::hosts;
use crate::report::text::Text;

pub(super) fn ipv4(text: &mut Text, header: &Ipv4, names: Option<&Names>) {
    ends(text, names, header.source.into(), header.destination.into());
    text.str("   ttl ").number(header.ttl).str("  id 0x").hex(header.identification.into(), 4);
    if header.dont_fragment {
        text.str(" DF");
    }
    if header.is_fragment() {
        text.str("  ");
        piece(text, header.fragment_offset, header.more_fragments);
    }
    congestion(text, header.dscp, header.ecn);
    if header.header_length > 20 {
        text.str("  options ").length(header.header_length - 20);
    }
    text.str("  ").length(header.total_length);
    unnamed(text, header.protocol);
}

pub(super) fn ipv6(text: &mut Text, header: &Ipv6, names: Option<&Names>) {
    ends(text, names, header.source.into(), header.destination.into());
    text.str("   hops ").number(header.hop_limit);
    if header.flow_label > 0 {
        text.str("  flow 0x").hex(header.flow_label.into(), 5);
    }
    congestion(text, header.dscp, header.ecn);
    text.str("  ").length(header.payload_length).str(" behind");
    unnamed(text, header.next_header);
}

fn ends(text: &mut Text, names: Option<&Names>, source: IpAddr, destination: IpAddr) {
    hosts::beside(text, names, source);
    text.str(" → ");
    hosts::beside(text, names, destination);
}

/// The protocol of a datagram where no header below names it.
fn unnamed(text: &mut Text, protocol: u8) {
    let read = matches!(protocol, 0 | 1 | 2 | 4 | 6 | 17 | 41 | 43 | 44 | 47 | 50 | 51 | 58 | 60);
    if !read {
        text.str("  carries ");
        coded(text, protocol.into(), PROTOCOLS, |text| text.str("protocol ").number(protocol));
    }
}

fn congestion(text: &mut Text, dscp: u8, ecn: u8) {
    if dscp > 0 {
        text.str("  dscp ").number(dscp);
    }
    match ecn {
        1 => {
            text.str("  ECT(1)");
        }
        2 => {
            text.str("  ECT(0)");
        }
        3 => {
            text.str("  CE");
        }
        _ => {}
    }
}

/// Which piece of a datagram a fragment is.
pub(in crate::report) fn piece(text: &mut Text, offset: u16, more: bool) {
    text.str(match (offset, more) {
        (0, true) => "first fragment",
        // RFC 6946: the only one.
        (0, false) => "atomic fragment",
        (_, true) => "fragment",
        (_, false) => "last fragment",
    });
    text.str(" at ").number(offset);
}

pub(super) fn fragment(text: &mut Text, header: Fragment) {
    piece(text, header.fragment_offset, header.more_fragments);
    text.str("  id 0x").hex(header.identification.into(), 8);
}

pub(super) fn options(text: &mut Text, header: &Options) {
    text.length(header.length);
    if let Some(value) = header.router_alert {
        text.str("  router alert ").number(value);
    }
    if let Some(length) = header.jumbo {
        text.str("  jumbo payload ").length(length);
    }
    if let Some(address) = header.home_address {
        text.str("  home address ").ipv6(address);
    }
}

pub(super) fn routing(text: &mut Text, header: &Routing) {
    let kind = u64::from(header.routing_type);
    coded(text, kind, ROUTING_TYPES, |text| text.str("type ").number(kind));
    text.str("  segments left ").number(header.segments_left);
    if let Some(address) = header.final_destination {
        text.str("  at last ").ipv6(address);
    }
}

pub(super) fn gre(text: &mut Text, header: &Gre) {
    super::link::carried(text, header.protocol);
    if let Some(key) = header.key {
        text.str("  key 0x").hex(key.into(), 8);
    }
    if let Some(number) = header.sequence_number {
        text.str("  seq ").number(number);
    }
}

pub(super) fn ah(text: &mut Text, header: Ah) {
    text.str("spi 0x").hex(header.spi.into(), 8).str("  seq ").number(header.sequence_number);
}

pub(super) fn esp(text: &mut Text, header: Esp) {
    text.str("spi 0x").hex(header.spi.into(), 8).str("  seq ").number(header.sequence_number);
}

pub(super) fn igmp(text: &mut Text, header: Igmp) {
    let kind = u64::from(header.kind);
    coded(text, kind, IGMP_TYPES, |text| text.str("type 0x").hex(kind, 2));
    if !header.group.is_unspecified() {
        text.str("  ").ipv4(header.group);
    }
}

/// Kind, code and what the message adds.
pub(in crate::report) fn icmp_message(text: &mut Text, header: &Icmp) {
    let kinds = if header.version == Version::V4 { icmp::TYPES } else { icmp::TYPES_V6 };
    coded(text, header.kind.into(), kinds, |text| text.str("type ").number(header.kind));
    let codes = match (header.version, header.kind) {
        (Version::V4, 3) => icmp::UNREACHABLE,
        (Version::V4, 5) => icmp::REDIRECTS,
        (Version::V4, 11) | (Version::V6, 3) => icmp::TIME_EXCEEDED,
        (Version::V4, 12) => icmp::PARAMETER_PROBLEMS,
        (Version::V6, 1) => icmp::UNREACHABLE_V6,
        (Version::V6, 4) => icmp::PARAMETER_PROBLEMS_V6,
        _ => Codes::NONE,
    };
    match codes.name(header.code.into()) {
        Some(name) => {
            text.str(": ").str(name);
        }
        None if header.code > 0 => {
            text.str("  code ").number(header.code);
        }
        None => {}
    }
    message(text, header);
}

fn message(text: &mut Text, header: &Icmp) {
    match header.message {
        Message::Query { identifier, sequence_number } => {
            text.str(" id ").number(identifier).str(" seq ").number(sequence_number);
        }
        Message::Error { parameter, .. } => match (header.version, header.kind) {
            (Version::V4, 3) if header.code == 4 => {
                text.str(" next-hop mtu ").number(parameter);
            }
            (Version::V6, 2) => {
                text.str(" mtu ").number(parameter);
            }
            (Version::V4, 12) | (Version::V6, 4) => {
                text.str(" at byte ").number(parameter);
            }
            _ => {}
        },
        Message::Redirect(gateway) => {
            text.str(" through ").ipv4(gateway);
        }
        Message::RedirectV6 { target, destination } => {
            text.str(" ").ipv6(destination).str(" through ").ipv6(target);
        }
        Message::NeighbourSolicitation(target) => {
            text.str(" who has ").ipv6(target).str("?");
        }
        Message::NeighbourAdvertisement { target, router, solicited, overrides } => {
            text.str(" ").ipv6(target).str(" is here");
            for (set, word) in [(router, "router"), (solicited, "solicited"), (overrides, "override")] {
                if set {
                    text.str(" ").str(word);
                }
            }
        }
        Message::RouterAdvertisement(lifetime) => {
            text.str(" lifetime ").number(lifetime).str(" s");
        }
        Message::Group(group) if !group.is_unspecified() => {
            text.str(" ").ipv6(group);
        }
        Message::Group(_) | Message::Other => {}
    }
}
