//! tshark as the oracle: the same frames, field by field; and it reads what netlab writes.

use std::collections::BTreeMap;
use std::process::Command;

use netlab::capture::files::write::Format;
use serde_json::Value;

use crate::capture::{Trace, generated};
use crate::cli::netlab;

const FRAMES: usize = 4000;

/// What `program` prints. These programs are part of the test's tools, not of the machine's luck.
pub fn oracle(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("TZ", "UTC0").output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; install it: apt-get install tshark"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The values of `fields` for each frame; several values of one field are separated by commas.
pub fn dissected(path: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let mut arguments = vec!["-n", "-r", path, "-T", "fields", "-E", "separator=;", "-E", "occurrence=a"];
    for preference in [
        "ip.check_checksum:TRUE",
        "ip.defragment:FALSE",
        "ipv6.defragment:FALSE",
        "tcp.check_checksum:TRUE",
        "udp.check_checksum:TRUE",
        "tcp.desegment_tcp_streams:FALSE",
    ] {
        arguments.extend(["-o", preference]);
    }
    for field in fields {
        arguments.extend(["-e", field]);
    }
    let text = oracle("tshark", &arguments);
    text.lines().map(|line| line.split(';').map(str::to_owned).collect()).collect()
}

fn packets(path: &str) -> Vec<Value> {
    let output = netlab().args(["capture", "-r", path, "--json", "--no-reassembly"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All layers of one kind.
pub fn layers<'a>(packet: &'a Value, kind: &str) -> Vec<&'a Value> {
    packet["layers"].as_array().unwrap().iter().filter(|layer| layer["layer"] == kind).collect()
}

/// A value as decimal digits or text, booleans as tshark prints them, several separated by commas.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(set) => u8::from(*set).to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Object(_) => panic!("{value}"),
    }
}

/// A field of the first layer of a kind.
pub fn field(packet: &Value, layer: &str, name: &str) -> String {
    layers(packet, layer).first().map_or(String::new(), |layer| plain(&layer["fields"][name]))
}

/// tshark's number for what is known about a checksum.
fn status(packet: &Value, layer: &str) -> String {
    let Some(layer) = layers(packet, layer).first().copied() else { return String::new() };
    match layer["checksum_verdict"].as_str().unwrap() {
        "bad" => "0",
        "good" => "1",
        "unverifiable" => "2",
        "zero_means_none" => "3",
        other => panic!("{other}"),
    }
    .to_owned()
}

/// tshark's hex and padded numbers as decimal; text stays.
fn normal(text: &str) -> String {
    let one = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).unwrap().to_string(),
        None => text.to_owned(),
    };
    text.split(',').map(one).collect::<Vec<_>>().join(",")
}

/// tshark's field, and the same out of a packet of ours.
pub type Row = (&'static str, fn(&Value) -> String);

/// Rows whose value is a field of ours under another name.
macro_rules! rows {
    ($($theirs:literal $layer:literal $name:literal)*) => { [$(($theirs, (|p| field(p, $layer, $name)) as fn(&Value) -> String)),*] };
}

const FIELDS: [Row; 45] = rows! {
    "eth.src" "ethernet" "source"
    "eth.dst" "ethernet" "destination"
    "arp.opcode" "arp" "operation"
    "arp.src.hw_mac" "arp" "sender_hardware_address"
    "arp.dst.hw_mac" "arp" "target_hardware_address"
    "arp.src.proto_ipv4" "arp" "sender_protocol_address"
    "arp.dst.proto_ipv4" "arp" "target_protocol_address"
    "ip.src" "ipv4" "source"
    "ip.dst" "ipv4" "destination"
    "ip.ttl" "ipv4" "ttl"
    "ip.id" "ipv4" "identification"
    "ip.len" "ipv4" "total_length"
    "ip.hdr_len" "ipv4" "header_length_bytes"
    "ip.proto" "ipv4" "protocol"
    "ip.flags.df" "ipv4" "dont_fragment"
    "ip.flags.mf" "ipv4" "more_fragments"
    "ip.dsfield.dscp" "ipv4" "dscp"
    "ipv6.src" "ipv6" "source"
    "ipv6.dst" "ipv6" "destination"
    "ipv6.hlim" "ipv6" "hop_limit"
    "ipv6.plen" "ipv6" "payload_length"
    "ipv6.nxt" "ipv6" "next_header"
    "ipv6.flow" "ipv6" "flow_label"
    "ipv6.hopopts.nxt" "hop_by_hop" "next_header"
    "ipv6.dstopts.nxt" "destination_options" "next_header"
    "tcp.srcport" "tcp" "source_port"
    "tcp.dstport" "tcp" "destination_port"
    "tcp.seq_raw" "tcp" "sequence_number"
    "tcp.ack_raw" "tcp" "acknowledgment_number"
    "tcp.window_size_value" "tcp" "window"
    "tcp.hdr_len" "tcp" "data_offset_bytes"
    "tcp.urgent_pointer" "tcp" "urgent_pointer"
    "tcp.options.mss_val" "tcp" "maximum_segment_size"
    "tcp.options.wscale.shift" "tcp" "shift_count"
    "tcp.options.timestamp.tsval" "tcp" "timestamp_value"
    "tcp.options.timestamp.tsecr" "tcp" "timestamp_echo_reply"
    "udp.srcport" "udp" "source_port"
    "udp.dstport" "udp" "destination_port"
    "udp.length" "udp" "length"
    "icmp.type" "icmp" "type"
    "icmp.code" "icmp" "code"
    "icmpv6.type" "icmpv6" "type"
    "icmpv6.code" "icmpv6" "code"
    "icmpv6.echo.identifier" "icmpv6" "identifier"
    "icmpv6.echo.sequence_number" "icmpv6" "sequence_number"
};

/// Rows that have to be worked out.
const WORKED_OUT: [Row; 16] = [
    ("frame.len", |p| plain(&p["original_bytes"])),
    ("frame.cap_len", |p| plain(&p["captured_bytes"])),
    ("frame.time_epoch", |p| {
        let time = p["time_ns"].as_u64().unwrap();
        format!("{}.{:09}", time / 1_000_000_000, time % 1_000_000_000)
    }),
    ("ip.frag_offset", |p| match field(p, "ipv4", "fragment_offset_bytes").parse::<u64>() {
        // tshark counts units of eight bytes.
        Ok(bytes) => (bytes / 8).to_string(),
        Err(_) => String::new(),
    }),
    ("ip.checksum.status", |p| status(p, "ipv4")),
    ("tcp.checksum.status", |p| status(p, "tcp")),
    ("udp.checksum.status", |p| status(p, "udp")),
    ("icmp.checksum.status", |p| status(p, "icmp")),
    ("icmpv6.checksum.status", |p| status(p, "icmpv6")),
    ("tcp.flags", flags),
    ("tcp.len", |p| {
        let behind = p["layers"].as_array().unwrap().iter().skip_while(|layer| layer["layer"] != "tcp");
        let lengths: Vec<u64> = behind.map(|layer| layer["length_bytes"].as_u64().unwrap()).collect();
        lengths.split_first().map_or(String::new(), |(_, payload)| payload.iter().sum::<u64>().to_string())
    }),
    ("tcp.seq", |p| relative(p, "relative_sequence_number")),
    ("tcp.ack", |p| relative(p, "relative_acknowledgment_number")),
    ("tcp.options.sack_perm", |p| {
        let kinds = field(p, "tcp", "option_kind");
        if kinds.split(',').any(|kind| kind == "4") { "0402".to_owned() } else { String::new() }
    }),
    ("tcp.options.sack.count", |p| match field(p, "tcp", "left_edge") {
        edges if edges.is_empty() => edges,
        edges => edges.split(',').count().to_string(),
    }),
    ("vlan.id", |p| {
        // The service tag, which is the outer of two, has a field of its own in tshark.
        let tags = layers(p, "vlan");
        let inner = if tags.len() > 1 { &tags[1..] } else { &tags[..] };
        inner.iter().map(|tag| plain(&tag["fields"]["identifier"])).collect::<Vec<_>>().join(",")
    }),
];

fn flags(packet: &Value) -> String {
    let Some(tcp) = layers(packet, "tcp").first().copied() else { return String::new() };
    let bits = ["ae", "cwr", "ece", "urg", "ack", "psh", "rst", "syn", "fin"];
    bits.iter().fold(0, |sum, bit| sum << 1 | u32::from(tcp["fields"][*bit] == true)).to_string()
}

fn relative(packet: &Value, key: &str) -> String {
    let Some(tcp) = layers(packet, "tcp").first().copied() else { return String::new() };
    // Without ACK tshark shows the number all the same, and leaves it 0.
    tcp.get(key).map_or("0".to_owned(), plain)
}

#[test]
fn tshark_reads_the_same_fields_in_every_frame() {
    assert_same(&FIELDS.into_iter().chain(WORKED_OUT).collect::<Vec<_>>());
}

/// Fails unless the values of `rows` are tshark's in every frame, and each is there in some.
pub fn assert_same(rows: &[Row]) {
    let trace = Trace::named("mixed.pcapng", &generated(Format::Pcapng, FRAMES));
    let theirs = dissected(trace.path(), &rows.iter().map(|row| row.0).collect::<Vec<_>>());
    let ours = packets(trace.path());
    assert_eq!((theirs.len(), ours.len()), (FRAMES, FRAMES));
    let mut different: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, (theirs, ours)) in theirs.iter().zip(&ours).enumerate() {
        for ((name, value), theirs) in rows.iter().zip(theirs) {
            let (ours, theirs) = (value(ours), normal(theirs));
            *compared.entry(name).or_default() += usize::from(!theirs.is_empty());
            if ours != theirs {
                different.entry(name).or_default().push(format!("frame {}: {ours} / {theirs}", number + 1));
            }
        }
    }
    let report: Vec<String> = different
        .iter()
        .map(|(name, frames)| {
            format!("{name}: {} frames, such as {}", frames.len(), frames[..frames.len().min(3)].join("; "))
        })
        .collect();
    assert!(report.is_empty(), "ours / tshark's:\n{}", report.join("\n"));
    let never: Vec<_> = rows.iter().filter(|(name, _)| compared[name] == 0).map(|(name, _)| name).collect();
    assert!(never.is_empty(), "these fields were never there to compare: {never:?}");
}

#[test]
fn tshark_and_capinfos_read_what_is_written() {
    for (format, name) in [(Format::Pcapng, "copy.pcapng"), (Format::Pcap, "copy.pcap")] {
        let trace = Trace::named("source.pcapng", &generated(Format::Pcapng, 100));
        let copy = trace.path.with_file_name(name);
        let copy = copy.to_str().unwrap();
        let output = netlab().args(["capture", "-r", trace.path(), "-w", copy]).output().unwrap();
        assert!(output.status.success());
        let facts = oracle("capinfos", &["-M", copy]);
        let fact = |name: &str| {
            let line =
                facts.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{facts}"));
            line.split_once([':', '=']).unwrap().1.trim().to_owned()
        };
        assert_eq!(fact("Number of packets"), "100");
        assert_eq!(fact("File encapsulation"), "ether");
        assert_eq!(fact("File timestamp precision"), "nanoseconds (9)");
        let same = ["frame.time_epoch", "frame.len", "frame.cap_len", "eth.src", "eth.dst", "eth.type"];
        assert_eq!(dissected(copy, &same), dissected(trace.path(), &same));
        if format == Format::Pcapng {
            assert_eq!(fact("Name"), "eth0");
            // Ours come as in, out, to-other, broadcast, multicast in turn: direction, then kind of reception.
            let ways = dissected(
                copy,
                &["frame.interface_name", "frame.packet_flags_direction", "frame.packet_flags_reception_type"],
            );
            let told: Vec<_> =
                ways[..5].iter().map(|way| way.join(" ")).map(|way| way.replace("0x0000000", "")).collect();
            assert_eq!(told, ["eth0 1 1", "eth0 2 0", "eth0 1 4", "eth0 1 3", "eth0 1 2"]);
        }
    }
}
