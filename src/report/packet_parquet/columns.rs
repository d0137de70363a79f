//! The columns: their names, their types and where their values come from. docs/parquet.md tells what they mean.

use super::row::{Ip, Row};
use crate::application::dns::codes::{RESPONSE_CODES, TYPES};
use crate::application::{Dns, Http, Tls};
use crate::bytes::Codes;
use crate::capture::pair::Pair;
use crate::dissect::Header;
use crate::internet::protocols::PROTOCOLS;
use crate::report::text::Text;
use crate::transport::tcp::Flags;
use crate::transport::udp::HEADER_BYTES;

/// The type of a column, and its value in a row; none is a null, and so is a text to which nothing was added.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// Nanoseconds since 1970, UTC.
    Time(fn(&Row<'_>) -> Option<i64>),
    /// A number of 64 bits.
    Long(fn(&Row<'_>) -> Option<i64>),
    /// A number without a sign, of so many bits.
    Number(i8, fn(&Row<'_>) -> Option<u32>),
    Flag(fn(&Row<'_>) -> Option<bool>),
    Text(for<'t> fn(&Row<'_>, &'t mut Text) -> Option<&'t mut Text>),
}

use Value::{Flag, Long, Number, Time};

/// A name for readers of tables, and the value.
pub(super) type Column = (&'static str, Value);

pub(super) const COLUMNS: &[Column] = &[
    ("number", Long(|row| Some(row.packet.number as i64))),
    ("time", Time(|row| row.packet.frame.time)),
    ("interface", Value::Text(|row, text| Some(text.escaped(row.packet.frame.interface.as_bytes())))),
    ("direction", Value::Text(|row, text| Some(text.str(row.packet.frame.way?.word())))),
    ("link_type", Number(32, |row| Some(row.packet.frame.link.number()))),
    ("captured_bytes", Number(32, |row| Some(row.packet.frame.bytes.len() as u32))),
    ("original_bytes", Number(32, |row| Some(row.packet.frame.original_length))),
    ("layers", Value::Text(|row, text| Some(layers(row, text)))),
    ("source_mac", Value::Text(|row, text| Some(text.mac(row.ethernet?.source)))),
    ("destination_mac", Value::Text(|row, text| Some(text.mac(row.ethernet?.destination)))),
    ("vlan", Number(16, |row| row.vlans[0].map(u32::from))),
    ("inner_vlan", Number(16, |row| row.vlans[1].map(u32::from))),
    ("ether_type", Number(16, |row| row.ether_type.map(u32::from))),
    ("arp_operation", Number(16, |row| Some(row.arp?.operation.into()))),
    ("arp_sender_address", Value::Text(|row, text| Some(text.ipv4(row.arp?.sender_protocol)))),
    ("arp_target_address", Value::Text(|row, text| Some(text.ipv4(row.arp?.target_protocol)))),
    ("ip_version", Number(8, |row| Some(if matches!(row.ip?, Ip::V4(_)) { 4 } else { 6 }))),
    ("source_address", Value::Text(|row, text| Some(text.ip(row.addresses()?.0)))),
    ("destination_address", Value::Text(|row, text| Some(text.ip(row.addresses()?.1)))),
    ("source_ipv4", Number(32, |row| Some(row.addresses_v4()?.0.into()))),
    ("destination_ipv4", Number(32, |row| Some(row.addresses_v4()?.1.into()))),
    ("ttl", Number(8, |row| Some(ip(row, |v4| v4.ttl, |v6| v6.hop_limit)?.into()))),
    ("dscp", Number(8, |row| Some(ip(row, |v4| v4.dscp, |v6| v6.dscp)?.into()))),
    ("ecn", Number(8, |row| Some(ip(row, |v4| v4.ecn, |v6| v6.ecn)?.into()))),
    ("fragment_offset_bytes", Number(16, |row| Some(row.fragment?.0.into()))),
    ("more_fragments", Flag(|row| Some(row.fragment?.1))),
    ("ip_checksum", Value::Text(|row, text| Some(text.str(row.ip_checksum?.word())))),
    ("protocol", Number(8, |row| Some(row.datagram?.protocol.into()))),
    ("protocol_name", Value::Text(|row, text| Some(code(text, row.datagram?.protocol.into(), PROTOCOLS, "")))),
    ("source_port", Number(16, |row| Some(row.ports()?.0.into()))),
    ("destination_port", Number(16, |row| Some(row.ports()?.1.into()))),
    ("flow", Long(flow)),
    ("payload_bytes", Number(32, payload)),
    ("transport_checksum", Value::Text(|row, text| Some(text.str(row.transport_checksum?.word())))),
    ("tcp_flags", Value::Text(|row, text| Some(text.format(format_args!("{}", row.tcp?.flags))))),
    ("tcp_syn", Flag(|row| flag(row, Flags::SYN))),
    ("tcp_ack", Flag(|row| flag(row, Flags::ACK))),
    ("tcp_fin", Flag(|row| flag(row, Flags::FIN))),
    ("tcp_rst", Flag(|row| flag(row, Flags::RST))),
    ("tcp_psh", Flag(|row| flag(row, Flags::PSH))),
    ("tcp_urg", Flag(|row| flag(row, Flags::URG))),
    ("tcp_ece", Flag(|row| flag(row, Flags::ECE))),
    ("tcp_cwr", Flag(|row| flag(row, Flags::CWR))),
    ("tcp_ae", Flag(|row| flag(row, Flags::AE))),
    ("tcp_sequence_number", Number(32, |row| Some(row.tcp?.sequence))),
    ("tcp_acknowledgment_number", Number(32, acknowledgment)),
    ("tcp_relative_sequence_number", Number(32, |row| Some(row.tcp.and(row.packet.relative)?.sequence))),
    ("tcp_relative_acknowledgment_number", Number(32, |row| row.tcp.and(row.packet.relative)?.acknowledgment)),
    ("tcp_window", Number(16, |row| Some(row.tcp?.window.into()))),
    ("tcp_mss_bytes", Number(16, |row| Some(row.tcp?.options.mss?.into()))),
    ("tcp_window_scale", Number(8, |row| Some(row.tcp?.options.window_scale?.into()))),
    ("icmp_type", Number(8, |row| Some(row.icmp?.kind.into()))),
    ("icmp_code", Number(8, |row| Some(row.icmp?.code.into()))),
    ("application", Value::Text(|row, text| Some(text.str(row.message?.header.key())))),
    ("dns_identifier", Number(16, |row| Some(dns(row)?.identifier.into()))),
    ("dns_response", Flag(|row| Some(dns(row)?.response))),
    ("dns_name", Value::Text(dns_name)),
    ("dns_type", Value::Text(dns_type)),
    ("dns_response_code", Value::Text(dns_response_code)),
    ("tls_server_name", Value::Text(|row, text| Some(text.escaped(row.bytes(tls(row)?.hello.server_name))))),
    ("http_method", Value::Text(|row, text| Some(text.escaped(row.bytes(http(row)?.method))))),
    ("http_host", Value::Text(|row, text| Some(text.escaped(row.bytes(http(row)?.host))))),
    ("http_target", Value::Text(|row, text| Some(text.escaped(row.bytes(http(row)?.target))))),
    ("http_status", Number(16, |row| Some(http(row)?.status?.into()))),
    ("analysis", Value::Text(|row, text| Some(notes(row, text)))),
    ("duplicate_ack", Number(32, |row| Some(row.packet.finding.duplicate).filter(|number| *number > 0))),
    ("tcp_rtt_ns", Long(|row| i64::try_from(row.packet.finding.round_trip_ns?).ok())),
    ("tcp_initial_rtt_ns", Long(|row| i64::try_from(row.packet.finding.handshake_ns?).ok())),
    ("fault", Value::Text(fault)),
];

/// The name of a code, or the number behind `prefix`.
fn code<'t>(text: &'t mut Text, number: u64, codes: Codes, prefix: &str) -> &'t mut Text {
    match codes.name(number) {
        Some(name) => text.str(name),
        None => text.str(prefix).number(number),
    }
}

fn ip(row: &Row<'_>, v4: fn(&crate::internet::Ipv4) -> u8, v6: fn(&crate::internet::Ipv6) -> u8) -> Option<u8> {
    Some(match row.ip? {
        Ip::V4(header) => v4(header),
        Ip::V6(header) => v6(header),
    })
}

fn flag(row: &Row<'_>, flag: Flags) -> Option<bool> {
    Some(row.tcp?.flags.contains(flag))
}

/// A number that both directions of a conversation share, the same in every capture.
fn flow(row: &Row<'_>) -> Option<i64> {
    let datagram = row.datagram?;
    let (pair, _) = Pair::of(datagram.source, datagram.destination);
    Some((pair.hash_with(datagram.protocol.into()) >> 1) as i64)
}

/// Bytes on the wire behind the header of TCP or UDP.
fn payload(row: &Row<'_>) -> Option<u32> {
    match (row.tcp, row.udp) {
        (Some(_), _) => Some(row.datagram?.tcp?.1),
        (None, Some(udp)) => u32::from(udp.length).checked_sub(HEADER_BYTES as u32),
        (None, None) => None,
    }
}

fn acknowledgment(row: &Row<'_>) -> Option<u32> {
    row.tcp.filter(|tcp| tcp.flags.contains(Flags::ACK)).map(|tcp| tcp.acknowledgment)
}

fn dns<'p>(row: &Row<'p>) -> Option<&'p Dns> {
    match &row.message?.header {
        Header::Dns(dns) | Header::Mdns(dns) | Header::Llmnr(dns) => Some(dns),
        _ => None,
    }
}

fn tls<'p>(row: &Row<'p>) -> Option<&'p Tls> {
    if let Header::Tls(tls) = &row.message?.header { Some(tls) } else { None }
}

fn http<'p>(row: &Row<'p>) -> Option<&'p Http> {
    if let Header::Http(http) = &row.message?.header { Some(http) } else { None }
}

/// Where the name of the first question stands, and its type; or of the first answer where no question is repeated.
fn asked(dns: &Dns) -> Option<(u32, u16)> {
    let answer = || dns.answers[0].map(|answer| (answer.name, answer.kind));
    dns.question.map(|question| (question.name, question.kind)).or_else(answer)
}

fn dns_name<'t>(row: &Row<'_>, text: &'t mut Text) -> Option<&'t mut Text> {
    let dns = dns(row)?;
    Some(text.name(dns.name(row.packet.bytes, asked(dns)?.0)))
}

fn dns_type<'t>(row: &Row<'_>, text: &'t mut Text) -> Option<&'t mut Text> {
    Some(code(text, asked(dns(row)?)?.1.into(), TYPES, "TYPE"))
}

fn dns_response_code<'t>(row: &Row<'_>, text: &'t mut Text) -> Option<&'t mut Text> {
    let dns = dns(row).filter(|dns| dns.response)?;
    Some(code(text, dns.response_code.into(), RESPONSE_CODES, ""))
}

/// The keys of the headers from the outermost on.
fn layers<'t>(row: &Row<'_>, text: &'t mut Text) -> &'t mut Text {
    let headers = row.headers().filter(|layer| !matches!(layer.header, Header::Data(_)));
    for (at, layer) in headers.enumerate() {
        text.str(if at == 0 { "" } else { ":" }).str(layer.header.key());
    }
    text
}

fn notes<'t>(row: &Row<'_>, text: &'t mut Text) -> &'t mut Text {
    for (at, (.., key)) in row.packet.finding.notes.each().enumerate() {
        text.str(if at == 0 { "" } else { "," }).str(key);
    }
    text
}

/// Of the first layer with one.
fn fault<'t>(row: &Row<'_>, text: &'t mut Text) -> Option<&'t mut Text> {
    let (layer, fault) = row.headers().find_map(|layer| Some((layer, layer.fault?)))?;
    Some(text.str(layer.header.key()).format(format_args!(": {fault}")))
}
