//! Names that people know from Wireshark, for those who write them here.

/// What Wireshark calls a field or a protocol, and what it is called here, by the former.
const NAMES: &[(&str, &str)] = &[
    ("arp.dst.hw_mac", "arp.target_hardware_address"),
    ("arp.dst.proto_ipv4", "arp.target_protocol_address"),
    ("arp.opcode", "arp.operation"),
    ("arp.src.hw_mac", "arp.sender_hardware_address"),
    ("arp.src.proto_ipv4", "arp.sender_protocol_address"),
    ("dns.a", "dns.address"),
    ("dns.aaaa", "dns.address"),
    ("dns.cname", "dns.canonical_name"),
    ("dns.flags.rcode", "dns.response_code"),
    ("dns.flags.response", "dns.response"),
    ("dns.id", "dns.identifier"),
    ("dns.qry.name", "dns.name"),
    ("dns.qry.type", "dns.type"),
    ("dns.resp.name", "dns.name"),
    ("dns.resp.ttl", "dns.ttl"),
    ("dns.resp.type", "dns.type"),
    ("eth", "ethernet"),
    ("eth.addr", "ethernet.source or ethernet.destination"),
    ("eth.dst", "ethernet.destination"),
    ("eth.src", "ethernet.source"),
    ("eth.type", "ethernet.type"),
    ("frame.cap_len", "frame.captured_bytes"),
    ("frame.interface_name", "frame.interface"),
    ("frame.len", "frame.original_bytes"),
    ("frame.time_delta", "frame.since_previous_ns"),
    ("frame.time_epoch", "frame.time_ns"),
    ("frame.time_relative", "frame.since_first_ns"),
    ("http.request.method", "http.method"),
    ("http.request.uri", "http.target"),
    ("http.response.code", "http.status_code"),
    ("icmp.seq", "icmp.sequence_number"),
    ("ip", "ipv4"),
    ("ip.addr", "ipv4.source or ipv4.destination"),
    ("ip.checksum", "ipv4.checksum"),
    ("ip.dsfield.dscp", "ipv4.dscp"),
    ("ip.dst", "ipv4.destination"),
    ("ip.flags.df", "ipv4.dont_fragment"),
    ("ip.flags.mf", "ipv4.more_fragments"),
    ("ip.frag_offset", "ipv4.fragment_offset_bytes"),
    ("ip.id", "ipv4.identification"),
    ("ip.len", "ipv4.total_length"),
    ("ip.proto", "ipv4.protocol"),
    ("ip.src", "ipv4.source"),
    ("ip.ttl", "ipv4.ttl"),
    ("ip.version", "ipv4.version"),
    ("ipv6.addr", "ipv6.source or ipv6.destination"),
    ("ipv6.dst", "ipv6.destination"),
    ("ipv6.flow", "ipv6.flow_label"),
    ("ipv6.hlim", "ipv6.hop_limit"),
    ("ipv6.nxt", "ipv6.next_header"),
    ("ipv6.plen", "ipv6.payload_length"),
    ("ipv6.src", "ipv6.source"),
    ("tcp.ack_raw", "tcp.acknowledgment_number"),
    ("tcp.analysis.ack_rtt", "tcp.rtt_ns"),
    ("tcp.analysis.duplicate_ack_num", "tcp.duplicate_ack"),
    ("tcp.analysis.initial_rtt", "tcp.initial_rtt_ns"),
    ("tcp.dstport", "tcp.destination_port"),
    ("tcp.flags.ack", "tcp.ack"),
    ("tcp.flags.cwr", "tcp.cwr"),
    ("tcp.flags.ece", "tcp.ece"),
    ("tcp.flags.fin", "tcp.fin"),
    ("tcp.flags.push", "tcp.psh"),
    ("tcp.flags.reset", "tcp.rst"),
    ("tcp.flags.syn", "tcp.syn"),
    ("tcp.flags.urg", "tcp.urg"),
    ("tcp.hdr_len", "tcp.data_offset_bytes"),
    ("tcp.options.mss_val", "tcp.maximum_segment_size"),
    ("tcp.options.timestamp.tsecr", "tcp.timestamp_echo_reply"),
    ("tcp.options.timestamp.tsval", "tcp.timestamp_value"),
    ("tcp.options.wscale.shift", "tcp.shift_count"),
    ("tcp.port", "tcp.source_port or tcp.destination_port"),
    ("tcp.seq", "tcp.relative_sequence_number"),
    ("tcp.seq_raw", "tcp.sequence_number"),
    ("tcp.srcport", "tcp.source_port"),
    ("tcp.window_size_value", "tcp.window"),
    ("tls.handshake.extensions_server_name", "tls.server_name"),
    ("tls.handshake.type", "tls.handshake_type"),
    ("tls.record.content_type", "tls.content_type"),
    ("tls.record.version", "tls.record_version"),
    ("udp.dstport", "udp.destination_port"),
    ("udp.port", "udp.source_port or udp.destination_port"),
    ("udp.srcport", "udp.source_port"),
    ("vlan.id", "vlan.identifier"),
];

/// What is called `name` in Wireshark; none where that is not known, or the same.
pub(super) fn own(name: &str) -> Option<&'static str> {
    NAMES.binary_search_by_key(&name, |(abroad, _)| abroad).ok().and_then(|at| NAMES.get(at)).map(|(_, own)| *own)
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::*;

    #[test]
    fn every_name_from_abroad_is_unknown_here_and_leads_to_one_that_is_known() {
        assert!(NAMES.is_sorted());
        for (abroad, own) in NAMES {
            let hint = Place::of(abroad, 0..abroad.len()).expect_err(abroad).hint.unwrap();
            assert!(hint.starts_with(&format!("what Wireshark calls {abroad} is {own} here")), "{hint}");
            for own in own.split(" or ") {
                assert!(Place::of(own, 0..own.len()).is_ok(), "{own}");
            }
        }
    }
}
