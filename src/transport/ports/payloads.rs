//! What to say to a UDP port so that its usual service answers: one small, harmless question per protocol.
//!
//! A port without a row gets an empty datagram, which a closed port answers with ICMP all the same.

/// A question to the service that usually has a port.
#[derive(Clone, Copy, Debug)]
pub struct Payload {
    /// The port.
    pub port: u16,
    /// The question in words, with where its form is written down.
    pub about: &'static str,
    /// The datagram.
    pub bytes: &'static [u8],
    /// Whether the answer comes from a port of its own choice.
    pub from_elsewhere: bool,
}

/// The datagram for the `attempt`th try (from 1) at `port`; where a service has several, they take turns.
pub fn payload(port: u16, attempt: u8) -> &'static [u8] {
    let rows = rows(port);
    let turn = usize::from(attempt.saturating_sub(1)).checked_rem(rows.len());
    turn.and_then(|turn| rows.get(turn)).map_or(b"", |row| row.bytes)
}

/// Whether the service of `port` answers from another port, as TFTP does (RFC 1350 §4).
pub fn answers_from_elsewhere(port: u16) -> bool {
    rows(port).iter().any(|row| row.from_elsewhere)
}

fn rows(port: u16) -> &'static [Payload] {
    let first = PAYLOADS.partition_point(|row| row.port < port);
    let end = PAYLOADS.partition_point(|row| row.port <= port);
    PAYLOADS.get(first..end).unwrap_or_default()
}

const fn row(port: u16, about: &'static str, bytes: &'static [u8]) -> Payload {
    Payload { port, about, bytes, from_elsewhere: false }
}

const fn elsewhere(port: u16, about: &'static str, bytes: &'static [u8]) -> Payload {
    Payload { port, about, bytes, from_elsewhere: true }
}

/// `head`, then zeros up to `N` bytes.
const fn padded<const N: usize>(head: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    let (start, _) = bytes.split_at_mut(head.len());
    start.copy_from_slice(head);
    bytes
}

/// An NTP client's question: leap 0, version 4, mode 3, everything else unknown, a transmit time that the answer repeats.
const NTP: [u8; 48] = {
    let mut bytes: [u8; 48] = padded(b"\x23\x00\x06\xec");
    bytes[40] = 0x80;
    bytes[47] = 1;
    bytes
};

/// A QUIC long header of a version reserved to be unknown, which obliges a server to name those it knows.
const QUIC: [u8; 1200] = padded(b"\xc0\x0a\x0a\x0a\x0a\x08netlab-d\x08netlab-s");

/// Every row, sorted by port.
pub const PAYLOADS: &[Payload] = &[
    row(7, "echo (RFC 862)", b"netlab"),
    row(13, "the time of day (RFC 867)", b"\r\n"),
    row(17, "the quote of the day (RFC 865)", b"\r\n"),
    row(19, "characters (RFC 864)", b"\r\n"),
    row(37, "the time (RFC 868)", b"\r\n"),
    row(
        53,
        "the name servers of the root (RFC 1035 §4.1)",
        b"\x6e\x6c\x01\x00\0\x01\0\0\0\0\0\0\x00\0\x02\0\x01",
    ),
    row(
        53,
        "the server's version, version.bind TXT CH (RFC 4892)",
        b"\x6e\x6c\x00\x00\0\x01\0\0\0\0\0\0\x07version\x04bind\x00\0\x10\0\x03",
    ),
    elsewhere(69, "read a file that is not there (RFC 1350 §5)", b"\0\x01netlab.probe\0octet\0"),
    row(
        111,
        "the null procedure of the port mapper (RFC 1833 §3, RFC 5531)",
        b"\x6e\x65\x74\x6c\0\0\0\0\0\0\0\x02\0\x01\x86\xa0\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ),
    row(123, "the time (RFC 5905 §7.3)", &NTP),
    row(
        137,
        "the names of the node, a status request for * (RFC 1002 §4.2.17)",
        b"\x6e\x6c\0\0\0\x01\0\0\0\0\0\0\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01",
    ),
    row(
        161,
        "sysDescr of the community public, SNMPv1 (RFC 1157)",
        b"\x30\x29\x02\x01\0\x04\x06public\xa0\x1c\x02\x04\x6e\x65\x74\x6c\x02\x01\0\x02\x01\0\x30\x0e\x30\x0c\
          \x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x05\0",
    ),
    row(
        161,
        "the engine's name, SNMPv3 discovery (RFC 3414 §4)",
        b"\x30\x3a\x02\x01\x03\x30\x0f\x02\x02\x6e\x6c\x02\x03\0\xff\xe3\x04\x01\x04\x02\x01\x03\
          \x04\x10\x30\x0e\x04\0\x02\x01\0\x02\x01\0\x04\0\x04\0\x04\0\
          \x30\x12\x04\0\x04\0\xa0\x0c\x02\x02\x6e\x6c\x02\x01\0\x02\x01\0\x30\0",
    ),
    row(177, "whether a display manager is willing (XDMCP 1.1)", b"\0\x01\0\x02\0\x01\0"),
    row(
        389,
        "the root entry, connectionless LDAP (RFC 4511 §4.5)",
        b"\x30\x25\x02\x01\x01\x63\x20\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\
          \x87\x0bobjectClass\x30\0",
    ),
    row(443, "the versions of QUIC (RFC 9000 §6)", &QUIC),
    row(
        500,
        "IKE of a version to come, which is answered with the known one (RFC 7296 §2.5)",
        b"netlab-i\0\0\0\0\0\0\0\0\0\x30\x22\x08\0\0\0\0\0\0\0\x1c",
    ),
    row(
        520,
        "the whole routing table, RIP (RFC 2453 §3.9.1)",
        b"\x01\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10",
    ),
    row(623, "presence ping of remote management (ASF 2.0 §3.2.4.2)", b"\x06\0\xff\x06\0\0\x11\xbe\x80\x01\0\0"),
    row(853, "the versions of QUIC, DNS over QUIC (RFC 9250)", &QUIC),
    row(1194, "the hard reset that opens an OpenVPN session", b"\x38netlab-o\0\0\0\0\0"),
    row(1434, "the instances of an SQL server (MC-SQLR 2.2.2)", b"\x03"),
    elsewhere(
        1900,
        "the root devices, SSDP (UPnP Device Architecture 2.0 §1.3.2)",
        b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n",
    ),
    row(
        2049,
        "the null procedure of NFS 3 (RFC 1813 §3.3.0)",
        b"\x6e\x65\x74\x6c\0\0\0\0\0\0\0\x02\0\x01\x86\xa3\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ),
    row(2152, "echo of a GTP tunnel (3GPP TS 29.281 §7.2.1)", b"\x32\x01\0\x04\0\0\0\0\0\0\0\0"),
    row(3478, "binding, STUN (RFC 8489 §5)", b"\0\x01\0\0\x21\x12\xa4\x42netlab-stun1"),
    row(
        4500,
        "IKE behind NAT, of a version to come (RFC 3948 §2.2, RFC 7296 §2.5)",
        b"\0\0\0\0netlab-i\0\0\0\0\0\0\0\0\0\x30\x22\x08\0\0\0\0\0\0\0\x1c",
    ),
    row(
        5060,
        "the options of a SIP server (RFC 3261 §11)",
        b"OPTIONS sip:netlab@invalid SIP/2.0\r\nVia: SIP/2.0/UDP netlab.invalid;branch=z9hG4bKnetlab;rport\r\n\
          Max-Forwards: 70\r\nTo: <sip:netlab@invalid>\r\nFrom: <sip:netlab@netlab.invalid>;tag=netlab\r\n\
          Call-ID: netlab@netlab.invalid\r\nCSeq: 1 OPTIONS\r\nContact: <sip:netlab@netlab.invalid>\r\n\
          Accept: application/sdp\r\nContent-Length: 0\r\n\r\n",
    ),
    row(5351, "the external address, NAT-PMP (RFC 6886 §3.2)", b"\0\0"),
    row(
        5353,
        "the service types, DNS-SD over mDNS (RFC 6763 §9, RFC 6762 §5.1)",
        b"\x6e\x6c\0\0\0\x01\0\0\0\0\0\0\x09_services\x07_dns-sd\x04_udp\x05local\0\0\x0c\x80\x01",
    ),
    row(5683, "the resources, CoAP (RFC 7252 §3, RFC 6690)", b"\x40\x01\x6e\x6c\xbb.well-known\x04core"),
    row(
        6881,
        "ping of the distributed hash table (BEP 5)",
        b"d1:ad2:id20:netlab-netlab-netlabe1:q4:ping1:t2:nl1:y1:qe",
    ),
    row(11211, "the version, memcached over UDP", b"\x6e\x6c\0\0\0\x01\0\0version\r\n"),
    row(27015, "information, Source engine", b"\xff\xff\xff\xff\x54Source Engine Query\0"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks BER (X.690 §8.1) and fails where a length does not fit; definite short lengths are all that is used here.
    fn check_ber(mut bytes: &[u8]) {
        while let [tag, length, rest @ ..] = bytes {
            assert!(*length < 0x80 && usize::from(*length) <= rest.len(), "tag {tag:#x} of length {length}");
            let (content, next) = rest.split_at(usize::from(*length));
            if tag & 0x20 != 0 {
                check_ber(content);
            }
            bytes = next;
        }
        assert!(bytes.is_empty());
    }

    /// Walks the one question of a DNS message (RFC 1035 §4.1.2) and fails unless it ends with the message.
    fn check_dns(bytes: &[u8]) {
        assert_eq!(bytes[4..12], [0, 1, 0, 0, 0, 0, 0, 0], "one question, nothing else");
        let mut rest = &bytes[12..];
        while rest[0] != 0 {
            rest = &rest[usize::from(rest[0]) + 1..];
        }
        assert_eq!(rest.len(), 5, "root label, type, class");
    }

    #[test]
    fn rows_are_sorted_and_small() {
        assert!(PAYLOADS.is_sorted_by_key(|row| row.port));
        assert!(PAYLOADS.iter().all(|row| !row.bytes.is_empty() && row.bytes.len() <= 1200 && !row.about.is_empty()));
    }

    #[test]
    fn a_port_without_a_row_gets_an_empty_datagram_and_several_rows_take_turns() {
        assert_eq!(payload(514, 1), b"");
        assert_eq!(payload(514, 0), b"");
        assert_ne!(payload(53, 1), payload(53, 2));
        assert_eq!(payload(53, 1), payload(53, 3));
        assert!(answers_from_elsewhere(69) && !answers_from_elsewhere(53));
    }

    #[test]
    fn snmp_and_ldap_are_well_formed_ber_also_inside_their_security_parameters() {
        for row in PAYLOADS.iter().filter(|row| [161, 389].contains(&row.port)) {
            check_ber(row.bytes);
        }
        let v3 = payload(161, 2);
        let inside = v3.windows(2).position(|pair| pair == [0x30, 0x0e]).unwrap();
        check_ber(&v3[inside..inside + 16]);
    }

    #[test]
    fn names_of_dns_like_questions_end_where_the_message_ends() {
        for row in PAYLOADS.iter().filter(|row| [53, 137, 5353].contains(&row.port)) {
            check_dns(row.bytes);
        }
    }

    #[test]
    fn fixed_formats_have_their_lengths() {
        let length = |port| payload(port, 1).len();
        assert_eq!(length(123), 48);
        assert_eq!((length(111), length(2049)), (40, 40));
        assert_eq!((length(500), length(4500)), (28, 32));
        assert_eq!((length(3478), length(520), length(623)), (20, 24, 12));
        assert_eq!(length(443), 1200);
    }
}
