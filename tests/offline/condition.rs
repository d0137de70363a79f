//! `capture --where` and the list of names that it takes: the same frames as tshark's display filters find.

use std::process::Command;

use netlab::capture::files::write::Format;
use serde_json::Value;

use crate::capture::{Trace, generated};
use crate::cli::netlab;
use crate::json_keys;

/// A condition of ours, and tshark's for the same.
const PAIRS: [(&str, &str); 34] = [
    ("tcp", "tcp"),
    ("not tcp", "not tcp"),
    ("tcp.window == 0", "tcp.window_size_value == 0"),
    ("tcp.syn", "tcp.flags.syn == 1"),
    ("tcp.syn and not tcp.ack", "tcp.flags.syn == 1 and tcp.flags.ack == 0"),
    ("tcp.psh == true || arp", "tcp.flags.push == 1 || arp"),
    ("tcp.destination_port < 100 and tcp.source_port > 40000", "tcp.dstport < 100 and tcp.srcport > 40000"),
    ("tcp.data_offset_bytes >= 40", "tcp.hdr_len >= 40"),
    ("tcp.maximum_segment_size == 1460", "tcp.options.mss_val == 1460"),
    ("tcp.left_edge", "tcp.options.sack_le"),
    ("tcp.checksum_verdict == bad", "tcp.checksum.status == \"Bad\""),
    ("ipv4.ttl <= 64", "ip.ttl <= 64"),
    ("ipv4.total_length != 52", "ip.len != 52"),
    ("ipv4.source == 192.0.2.7", "ip.src == 192.0.2.7"),
    ("ipv4.source == 192.0.2.0/25", "ip.src == 192.0.2.0/25"),
    ("ipv4.source > 192.0.2.200", "ip.src > 192.0.2.200"),
    ("ipv4.destination != 198.51.100.0/24", "ip.dst != 198.51.100.0/24"),
    ("ipv4.protocol == udp", "ip.proto == 17"),
    ("ipv4.more_fragments or ipv4.fragment_offset_bytes > 0", "ip.flags.mf == 1 or ip.frag_offset > 0"),
    ("ipv6.source == 2001:db8::/32", "ipv6.src == 2001:db8::/32"),
    ("ethernet.destination == ff:ff:ff:ff:ff:ff", "eth.dst == ff:ff:ff:ff:ff:ff"),
    ("arp.operation == request", "arp.opcode == 1"),
    ("vlan.identifier == 100", "vlan.id == 100 or ieee8021ad.id == 100"),
    ("icmp.type == \"echo request\"", "icmp.type == 8"),
    ("dns.name ~ \"HOST1\"", "dns.qry.name matches \"host1\" and not mdns"),
    ("dns.response_code == \"no such name\"", "dns.flags.rcode == 3 and not mdns"),
    ("dns.address == 192.0.2.2", "dns.a == 192.0.2.2"),
    ("mdns.unicast_response", "dns.qry.qu == 1"),
    (
        "dhcp.message_type == OFFER and dhcp.lease_time > 3600",
        "dhcp.option.dhcp == 2 and dhcp.option.ip_address_lease_time > 3600",
    ),
    ("ntp.mode == client", "ntp.flags.mode == 3"),
    ("tls.server_name ~ \"host9\"", "tls.handshake.extensions_server_name contains \"host9\""),
    ("http.status_code >= 400", "http.response.code >= 400"),
    ("http.host == \"host5.example.org\" or ssh", "http.host == \"host5.example.org\" or ssh.protocol"),
    (
        "(frame.number > 100 and frame.number <= 200) and frame.original_bytes > 1000",
        "frame.number > 100 and frame.number <= 200 and frame.len > 1000",
    ),
];

/// The numbers of the frames that `capture` shows.
fn ours(path: &str, condition: &str) -> Vec<u64> {
    let output = netlab().args(["capture", "-r", path, "-q", "--where", condition]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let number = |line: &str| line[1..].split(' ').next().unwrap().parse().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(number).collect()
}

fn theirs(path: &str, filter: &str) -> Vec<u64> {
    let preferences = ["ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.check_checksum:TRUE"];
    let mut command = Command::new("tshark");
    command.args(["-n", "-r", path, "-T", "fields", "-e", "frame.number", "-Y", filter]);
    command.args(preferences.iter().flat_map(|preference| ["-o", preference]));
    let output = command.args(["-o", "tcp.desegment_tcp_streams:FALSE"]).output().unwrap();
    assert!(output.status.success(), "{filter}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn conditions_find_the_frames_that_tshark_finds() {
    let trace = Trace::named("mixed.pcapng", &generated(Format::Pcapng, 2000));
    for (condition, filter) in PAIRS {
        let found = ours(trace.path(), condition);
        assert_eq!(found, theirs(trace.path(), filter), "{condition} / {filter}");
        assert!(!found.is_empty() && found.len() < 2000, "{condition} chooses nothing: {}", found.len());
    }
}

#[test]
fn what_is_written_is_what_meets_the_condition_and_a_count_counts_it() {
    let trace = Trace::named("mixed.pcapng", &generated(Format::Pcapng, 400));
    let some = Trace::named("some.pcapng", &[]);
    let arguments = ["capture", "-r", trace.path(), "-w", some.path(), "-c", "3", "--where", "udp and not dns"];
    let output = netlab().args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(ours(some.path(), "udp and not dns"), [1, 2, 3]);
    assert_eq!(ours(some.path(), "frame.number"), [1, 2, 3]);
}

#[test]
fn a_wrong_condition_is_pointed_at_and_no_file_is_touched() {
    let trace = Trace::named("mixed.pcapng", &generated(Format::Pcapng, 4));
    let arguments = ["capture", "-r", trace.path(), "-w", trace.path(), "--where", "tcp.widow == 0"];
    let output = netlab().args(arguments).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("no field is called tcp.widow\n  tcp.widow == 0\n  ^^^^^^^^^\n"), "{told}");
    assert!(told.contains("did you mean tcp.window?"), "{told}");
    assert_eq!(ours(trace.path(), "frame.number").len(), 4);
}

#[test]
fn every_name_of_the_list_can_be_asked_for() {
    let output = netlab().args(["explain", "fields", "--json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    json_keys::assert_documented("explain", &document);
    let fields = document["fields"].as_array().unwrap();
    assert!(fields.len() > 500, "{}", fields.len());
    for field in fields {
        let name = field["name"].as_str().unwrap().replace("LAYER", "ipv4");
        assert!(netlab::capture::Condition::parse(&name).is_ok(), "{name}");
    }
    let some = netlab().args(["explain", "fields", "ntp.st"]).output().unwrap();
    assert_eq!(
        String::from_utf8(some.stdout).unwrap().split_whitespace().collect::<Vec<_>>(),
        ["NTP", "RFC", "5905", "ntp.stratum", "8", "bits", "number"]
    );
    let none = netlab().args(["explain", "fields", "dnss"]).output().unwrap();
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8(none.stderr).unwrap().contains("did you mean dns"));
}
