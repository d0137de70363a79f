//! `capture --fields`: the same columns as tshark prints, one line for each packet whatever is in it.

use std::process::Command;

use netlab::capture::files::write::Format;

use crate::capture::{Trace, generated, golden_frames};
use crate::cli::netlab;

/// A column of ours, and tshark's for the same.
const COLUMNS: [(&str, &str); 16] = [
    ("frame.number", "frame.number"),
    ("frame.original_bytes", "frame.len"),
    ("ethernet.source", "eth.src"),
    ("ipv4.source", "ip.src"),
    ("ipv4.ttl", "ip.ttl"),
    ("ipv6.destination", "ipv6.dst"),
    ("tcp.source_port", "tcp.srcport"),
    ("tcp.window", "tcp.window_size_value"),
    ("tcp.shift_count", "tcp.options.wscale.shift"),
    ("udp.length", "udp.length"),
    ("dns.canonical_name", "dns.cname"),
    ("dns.address", "dns.a"),
    ("tls.server_name", "tls.handshake.extensions_server_name"),
    ("tls.alpn", "tls.handshake.extensions_alpn_str"),
    ("http.host", "http.host"),
    ("dhcp.parameter_request", "dhcp.option.request_list_item"),
];

fn columns(path: &str, arguments: &[&str]) -> String {
    let output = netlab().args(["capture", "-r", path, "--fields"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn columns_with_tabs_are_what_tshark_prints() {
    let trace = Trace::named("mixed.pcapng", &generated(Format::Pcapng, 2000));
    let mut command = Command::new("tshark");
    command.args(["-n", "-r", trace.path(), "-T", "fields", "-E", "occurrence=a"]);
    command.args(["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"]);
    let theirs = command.args(COLUMNS.iter().flat_map(|(_, theirs)| ["-e", theirs])).output().unwrap();
    let theirs = String::from_utf8(theirs.stdout).unwrap();
    let names = COLUMNS.map(|(ours, _)| ours).join(",");
    let ours = columns(trace.path(), &[&names]);
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!((ours.lines().count(), theirs.lines().count()), (2000, 2000));
    for (column, names) in COLUMNS.iter().enumerate() {
        let there = ours.lines().any(|line| !line.split('\t').nth(column).unwrap().is_empty());
        assert!(there, "{names:?} is in no frame");
    }
}

#[test]
fn comma_separated_values_begin_with_the_names_and_quote_what_needs_it() {
    let trace = golden_frames(false);
    let text = columns(trace.path(), &["frame.number,tls.alpn,dns.text,http.header", "--csv"]);
    assert!(text.starts_with("frame.number,tls.alpn,dns.text,http.header\n1,,,\n"), "{text}");
    for line in ["\"h2,http/1.1\",,", ",\"v=spf1 -all,\\x1b[2J\",", ",X-Other: a:b"] {
        assert!(text.lines().any(|own| own.ends_with(line)), "{line}");
    }
}

#[test]
fn a_packet_is_one_line_whatever_its_bytes_are() {
    let trace = golden_frames(false);
    let all = netlab::capture::condition::names().filter(|name| name.contains('.')).collect::<Vec<_>>().join(",");
    let text = columns(trace.path(), &[&all]);
    let frames = columns(trace.path(), &["frame.number"]).lines().count();
    assert_eq!(text.lines().count(), frames);
    let wide = all.split(',').count();
    assert!(text.lines().all(|line| line.split('\t').count() == wide));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
}
