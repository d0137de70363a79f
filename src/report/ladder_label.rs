//! A frame in the few words that fit on a ladder's arrow.

use std::net::Ipv4Addr;

use super::palette::Ink;
use super::paragraph::{columns, cut};
use crate::bytes::Escaped;
use crate::capture::Packet;
use crate::capture::analysis::Notes;
use crate::capture::flows::Relative;
use crate::dissect::{Data, Header, Layer};
use crate::internet::{Icmp, icmp};
use crate::lab::observation::{Language, Words};
use crate::link::{Arp, arp};
use crate::transport::tcp::{Flags, Tcp};

/// What a frame is, shortest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What must be said: `[SYN ACK]`, `ARP who has 10.0.0.2?`.
    pub head: String,
    /// What is said instead where the head has no room: `who has 10.0.0.2?`.
    pub short: Option<String>,
    /// What may be left out, the most important first; shown in this order.
    pub details: Vec<String>,
    /// The layer that the label speaks of.
    pub ink: Ink,
}

impl Label {
    fn new(ink: Ink, head: String) -> Self {
        Label { head, short: None, details: Vec::new(), ink }
    }

    /// Says where the datagram goes on to from the host that its frame is for; that is more than its ports are.
    pub fn bound_for(&mut self, destination: Ipv4Addr, language: Language) {
        let way = FOR.get(language);
        let ports = self.head.strip_prefix("UDP ").map(str::to_owned);
        if let Some(ports) = ports {
            self.head = format!("UDP {way} {destination}");
            self.details.insert(0, ports);
        } else if !self.head.ends_with(&format!(" {destination}")) {
            self.details.insert(0, format!("{way} {destination}"));
        }
    }

    /// The whole label.
    pub fn full(&self) -> String {
        self.fitting(usize::MAX)
    }

    /// As much of the label as fits in `room` columns; the head is cut when not even a short one fits.
    pub fn fitting(&self, room: usize) -> String {
        let mut text = self.head.clone();
        if let Some(short) = self.short.as_ref().filter(|_| columns(&text) > room) {
            text.clone_from(short);
        }
        for detail in &self.details {
            if columns(&text) + 1 + columns(detail) > room {
                break;
            }
            text = format!("{text} {detail}");
        }
        cut(&text, room)
    }
}

const FOR: Words = Words { en: "for", zh: "去往" };
const FRAGMENT: Words = Words { en: "fragment at", zh: "分片 偏移" };
const TYPE: Words = Words { en: "type", zh: "类型" };
const OPERATION: Words = Words { en: "operation", zh: "操作" };
const BYTE: Words = Words { en: "byte", zh: "字节" };
const BYTES: Words = Words { en: "bytes", zh: "字节" };
const PROBE: Words = Words { en: "probe", zh: "探测" };
const UPDATE: Words = Words { en: "window update", zh: "窗口更新" };

/// The label of a frame: of the innermost header that says what the frame is for.
pub fn label(packet: &Packet<'_>, language: Language) -> Label {
    let own: Vec<&Layer> = packet.layers.iter().filter(|layer| !layer.quoted).collect();
    let transport = own.iter().rev().find(|layer| matches!(layer.header, Header::Tcp(_) | Header::Udp(_)));
    let data = own.iter().find(|layer| matches!(layer.header, Header::Data(Data::Payload | Data::FragmentPayload)));
    let payload = match (transport, data) {
        (Some(transport), _) => packet.carried(transport),
        (None, Some(data)) => packet.bytes(data),
        (None, None) => &[],
    };
    let piece = own.iter().find_map(|layer| match &layer.header {
        Header::Ipv4(ip) if ip.is_fragment() => {
            let length = usize::from(ip.total_length).saturating_sub(ip.header_length.into());
            Some(fragment("IPv4", ip.fragment_offset, length, language))
        }
        Header::Fragment(part) if part.is_fragment() => {
            Some(fragment("IPv6", part.fragment_offset, packet.carried(layer).len(), language))
        }
        _ => None,
    });
    let label = piece.or_else(|| {
        own.iter().rev().find_map(|layer| match &layer.header {
            Header::Tcp(header) => Some(tcp(header, packet, payload, language)),
            Header::Udp(udp) => Some(with_payload(
                Label::new(Ink::Transport, format!("UDP {} → {}", udp.source, udp.destination)),
                payload,
                language,
            )),
            Header::Icmp(icmp) | Header::Icmpv6(icmp) => Some(icmp_label(icmp, language)),
            Header::Arp(arp) => Some(arp_label(arp, language)),
            Header::Ipv4(ip) => Some(with_payload(
                Label::new(Ink::Internet, format!("IPv4 {} → {}", ip.source, ip.destination)),
                payload,
                language,
            )),
            Header::Ethernet(ethernet) => Some(Label {
                details: vec![bytes(payload.len(), language)],
                ..Label::new(Ink::Link, format!("{} → {}", ethernet.source, ethernet.destination))
            }),
            _ => None,
        })
    });
    label.unwrap_or_else(|| Label::new(Ink::Faint, bytes(packet.frame.bytes.len(), language)))
}

fn tcp(tcp: &Tcp, packet: &Packet<'_>, payload: &[u8], language: Language) -> Label {
    let ink = if tcp.flags.contains(Flags::RST) { Ink::Bad } else { Ink::Transport };
    let mut label = Label::new(ink, format!("[{}]", tcp.flags));
    if !payload.is_empty() {
        label.details.push(bytes(payload.len(), language));
    }
    // Linux asks whether a window is still closed as it asks whether a peer is still there.
    let probes = Notes::KEEP_ALIVE.or(Notes::ZERO_WINDOW_PROBE);
    for (notes, words) in [(probes, PROBE), (Notes::WINDOW_UPDATE, UPDATE)] {
        label.details.extend(packet.finding.notes.any(notes).then(|| words.get(language).to_owned()));
    }
    if tcp.window == 0 && !tcp.flags.contains(Flags::RST) {
        label.details.push("win 0".to_owned());
    }
    if let Some(Relative { sequence, acknowledgment }) = packet.relative {
        label.details.push(format!("seq {sequence}"));
        label.details.extend(acknowledgment.map(|number| format!("ack {number}")));
    }
    if tcp.options.sack_count > 0 {
        label.details.push("sack".to_owned());
    }
    if !payload.is_empty() {
        label.details.push(quoted(payload));
    }
    label
}

fn fragment(version: &str, offset: u16, length: usize, language: Language) -> Label {
    let mut label = Label::new(Ink::Internet, format!("{version} {} {offset}", FRAGMENT.get(language)));
    label.details.push(bytes(length, language));
    label
}

fn with_payload(mut label: Label, payload: &[u8], language: Language) -> Label {
    label.details.push(bytes(payload.len(), language));
    if !payload.is_empty() {
        label.details.push(quoted(payload));
    }
    label
}

fn bytes(length: usize, language: Language) -> String {
    format!("{length} {}", if length == 1 { BYTE } else { BYTES }.get(language))
}

/// The start of a payload as text.
fn quoted(payload: &[u8]) -> String {
    match payload.get(..PREVIEW) {
        Some(start) if start.len() < payload.len() => format!("\"{}…\"", Escaped(start)),
        _ => format!("\"{}\"", Escaped(payload)),
    }
}

/// Bytes of a payload that an arrow shows.
const PREVIEW: usize = 16;

fn icmp_label(icmp: &Icmp, language: Language) -> Label {
    let v4 = icmp.version == icmp::Version::V4;
    let types = if v4 { icmp::TYPES } else { icmp::TYPES_V6 };
    let code = match icmp.kind {
        3 if v4 => icmp::UNREACHABLE.name(icmp.code.into()),
        11 if v4 => icmp::TIME_EXCEEDED.name(icmp.code.into()),
        _ => None,
    };
    let mut label = match (types.name(icmp.kind.into()), code) {
        (_, Some(reason)) if icmp.kind == 3 => Label::new(Ink::Internet, format!("ICMP {reason}")),
        (Some(name), _) => Label::new(Ink::Internet, format!("ICMP {name}")),
        (None, _) => Label::new(Ink::Internet, format!("ICMP {} {}", TYPE.get(language), icmp.kind)),
    };
    label.details.extend(code.filter(|_| icmp.kind == 11).map(str::to_owned));
    if let (icmp::Message::Error { parameter, .. }, true, (3, 4)) = (icmp.message, v4, (icmp.kind, icmp.code)) {
        label.details.push(format!("mtu {parameter}"));
    }
    label
}

fn arp_label(arp: &Arp, language: Language) -> Label {
    let (head, short) = match arp.operation {
        arp::REQUEST => {
            let question = match language {
                Language::English => format!("who has {}?", arp.target_protocol),
                Language::Chinese => format!("谁是 {}?", arp.target_protocol),
            };
            (format!("ARP {question}"), Some(question))
        }
        arp::REPLY => {
            let (owner, mac) = (arp.sender_protocol, arp.sender_hardware);
            match language {
                Language::English => (format!("ARP {owner} is at {mac}"), Some(format!("ARP {owner} is here"))),
                Language::Chinese => (format!("ARP {owner} 在 {mac}"), Some(format!("ARP {owner} 在这里"))),
            }
        }
        other => (format!("ARP {} {other}", OPERATION.get(language)), None),
    };
    Label { short, ..Label::new(Ink::Link, head) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_left_out_from_the_end_until_the_label_fits() {
        let details = ["5 bytes", "seq 1", "ack 1"].map(str::to_owned).to_vec();
        let label = Label { details, ..Label::new(Ink::Transport, "[PSH ACK]".to_owned()) };
        assert_eq!(label.full(), "[PSH ACK] 5 bytes seq 1 ack 1");
        assert_eq!(label.fitting(25), "[PSH ACK] 5 bytes seq 1");
        assert_eq!(label.fitting(12), "[PSH ACK]");
        assert_eq!(label.fitting(5), "[PSH…");
    }

    #[test]
    fn a_datagram_for_another_network_says_so_before_its_ports() {
        let mut label = Label::new(Ink::Transport, "UDP 9000 → 53".to_owned());
        label.bound_for(Ipv4Addr::new(192, 0, 2, 9), Language::English);
        assert_eq!(label.full(), "UDP for 192.0.2.9 9000 → 53");
        let mut label = Label::new(Ink::Transport, "[SYN]".to_owned());
        label.bound_for(Ipv4Addr::new(192, 0, 2, 9), Language::English);
        assert_eq!(label.full(), "[SYN] for 192.0.2.9");
    }

    #[test]
    fn a_label_in_chinese_takes_two_columns_for_a_sign() {
        let label =
            Label { details: vec![bytes(5, Language::Chinese)], ..Label::new(Ink::Transport, "[ACK]".to_owned()) };
        assert_eq!((label.fitting(12), label.fitting(11)), ("[ACK] 5 字节".to_owned(), "[ACK]".to_owned()));
    }

    #[test]
    fn a_head_without_room_gives_way_to_a_short_one() {
        let short = Some("who has 10.0.0.2?".to_owned());
        let label = Label { short, ..Label::new(Ink::Link, "ARP who has 10.0.0.2?".to_owned()) };
        assert_eq!(label.fitting(21), "ARP who has 10.0.0.2?");
        assert_eq!(label.fitting(20), "who has 10.0.0.2?");
        assert_eq!(label.fitting(10), "who has 1…");
    }
}
