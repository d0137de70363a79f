//! The link layer's headers in a line each.

use super::coded;
use crate::bytes::Mac;
use crate::link::ether_type::{self, ETHER_TYPES};
use crate::link::{
    Arp, Cooked, Ethernet, Llc, Loopback, Mpls, Ppp, Pppoe, Snap, Vlan, arp, cooked, llc, loopback, ppp,
};
use crate::report::text::Text;

pub(super) fn ethernet(text: &mut Text, header: &Ethernet) {
    macs(text, header.source, header.destination);
    text.str("   ");
    carried(text, header.type_or_length);
}

fn macs(text: &mut Text, source: Mac, destination: Mac) {
    text.mac(source).str(" → ").mac(destination);
    if destination.is_broadcast() {
        text.str(" (everybody)");
    }
}

/// What an ether type or 802.3 length field announces.
pub(in crate::report) fn carried(text: &mut Text, type_or_length: u16) {
    if type_or_length <= ether_type::LAST_LENGTH {
        text.str("802.3, ").length(type_or_length);
        return;
    }
    coded(text, type_or_length.into(), ETHER_TYPES, |text| text.str("type 0x").hex(type_or_length.into(), 4));
}

pub(super) fn vlan(text: &mut Text, header: Vlan) {
    text.number(header.identifier);
    if header.priority > 0 {
        text.str("  priority ").number(header.priority);
    }
    if header.drop_eligible {
        text.str("  drop eligible");
    }
    text.str("   ");
    carried(text, header.type_or_length);
}

/// What stands in for a link header that was not captured.
pub(super) fn cooked_header(text: &mut Text, header: &Cooked) {
    let kind = u64::from(header.packet_type);
    coded(text, kind, cooked::PACKET_TYPES, |text| text.str("packet type ").number(kind));
    if let Some(address) = header.address {
        text.str("  from ").mac(address);
    }
    text.str("   ");
    carried(text, header.protocol);
}

/// The service access points, from and to.
pub(in crate::report) fn llc_header(text: &mut Text, header: Llc) {
    for (at, point) in [header.source_service & 0xfe, header.destination_service].into_iter().enumerate() {
        if at > 0 {
            text.str(" → ");
        }
        coded(text, point.into(), llc::SERVICE_ACCESS_POINTS, |text| text.str("0x").hex(point.into(), 2));
    }
}

pub(super) fn snap(text: &mut Text, header: Snap) {
    if let Some(number) = header.ether_type() {
        return carried(text, number);
    }
    let [a, b, c] = header.organization.map(u64::from);
    text.str("organization ").hex(a, 2).str(":").hex(b, 2).str(":").hex(c, 2);
    text.str("  protocol 0x").hex(header.protocol.into(), 4);
}

pub(super) fn loopback_header(text: &mut Text, header: Loopback) {
    let family = u64::from(header.family);
    coded(text, family, loopback::FAMILIES, |text| text.str("family ").number(family));
}

pub(super) fn mpls(text: &mut Text, header: Mpls) {
    text.str("label ").number(header.label).str("  ttl ").number(header.ttl);
    if header.traffic_class > 0 {
        text.str("  class ").number(header.traffic_class);
    }
    if header.bottom_of_stack {
        text.str("  bottom of stack");
    }
}

pub(super) fn pppoe(text: &mut Text, header: Pppoe) {
    let code = u64::from(header.code);
    coded(text, code, ppp::PPPOE_CODES, |text| text.str("code ").number(code));
    text.str("  session 0x").hex(header.session.into(), 4);
}

pub(super) fn ppp_header(text: &mut Text, header: Ppp) {
    let protocol = u64::from(header.protocol);
    coded(text, protocol, ppp::PROTOCOLS, |text| text.str("protocol 0x").hex(protocol, 4));
}

/// The question or the answer in words; other kinds with all four addresses.
pub(in crate::report) fn arp_packet(text: &mut Text, header: &Arp) {
    let Arp { sender_hardware, sender_protocol, target_hardware, target_protocol, .. } = *header;
    match (header.is_ipv4_over_ethernet(), header.operation) {
        (true, arp::REQUEST) if sender_protocol == target_protocol => {
            text.str("announcement: ").ipv4(sender_protocol).str(" is at ").mac(sender_hardware);
        }
        (true, arp::REQUEST) => {
            text.str("who has ").ipv4(target_protocol).str("? ");
            if sender_protocol.is_unspecified() {
                text.str("probe by ").mac(sender_hardware);
            } else {
                text.str("tell ").ipv4(sender_protocol).str(" at ").mac(sender_hardware);
            }
        }
        (true, arp::REPLY) => {
            text.ipv4(sender_protocol).str(" is at ").mac(sender_hardware);
        }
        (true, operation) => {
            coded(text, operation.into(), arp::OPERATIONS, |text| text.str("operation ").number(operation));
            text.str("  ").mac(sender_hardware).str(" ").ipv4(sender_protocol);
            text.str(" → ").mac(target_hardware).str(" ").ipv4(target_protocol);
        }
        (false, operation) => {
            coded(text, operation.into(), arp::OPERATIONS, |text| text.str("operation ").number(operation));
            text.str("  hardware ")
                .number(header.hardware_type)
                .str("  protocol 0x")
                .hex(header.protocol_type.into(), 4);
        }
    }
}
