//! What all frames come to together, beside tshark's statistics. docs/agreement.md tells what differs and why.

use std::collections::BTreeMap;

use netlab::capture::files::write::Format;
use serde_json::Value;

use crate::analysis::trace;
use crate::capture::{Trace, generated, golden_frames};
use crate::cli::netlab;
use crate::tcp_traffic::connections;
use crate::tshark::{dissected, layers, oracle};

const FRAMES: usize = 4000;

fn mixed() -> Trace {
    Trace::named("mixed.pcapng", &generated(Format::Pcapng, FRAMES))
}

/// What tshark prints for a `-z` statistic, fragments left as they are.
fn statistic(path: &str, name: &str) -> String {
    let apart = ["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"];
    oracle("tshark", &[&["-n", "-q", "-r", path, "-z", name], &apart[..]].concat())
}

/// The same frames in netlab's one document.
fn document(path: &str, arguments: &[&str]) -> Value {
    let mut command = netlab();
    command.args(["capture", "-r", path, "--no-reassembly", "--json"]).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

/// A conversation: its ends, what each sent, when it began behind the first frame, how long it took in steps of 100 µs.
type Conversation = ([(String, u64, String); 2], u64, u64);

fn conversation(mut sent: [(String, u64, String); 2], start_ns: u64, lasted: u64) -> Conversation {
    sent.sort();
    (sent, start_ns, lasted)
}

/// The same but for how tshark rounds the duration.
fn same(ours: &Conversation, theirs: &Conversation) -> bool {
    (&ours.0, ours.1) == (&theirs.0, theirs.1) && ours.2.abs_diff(theirs.2) <= 1
}

/// tshark's, whose bytes from ten thousand on are thousands, rounded down.
fn their_conversations(text: &str) -> Vec<Conversation> {
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows = rows.filter(|words| words.get(1) == Some(&"<->"));
    let rows = rows.map(|words| {
        let [a, _, b, to_a, to_a_bytes, unit_a, to_b, to_b_bytes, unit_b, .., start, seconds] = words[..] else {
            panic!("{words:?}");
        };
        let (whole, fraction) = start.split_once('.').unwrap();
        let start_ns = whole.parse::<u64>().unwrap() * 1_000_000_000 + fraction.parse::<u64>().unwrap();
        let lasted = seconds.replace('.', "").parse().unwrap();
        let sent = |end: &str, frames: &str, bytes: &str, unit: &str| {
            (end.to_owned(), frames.parse().unwrap(), format!("{bytes} {unit}"))
        };
        conversation([sent(a, to_b, to_b_bytes, unit_b), sent(b, to_a, to_a_bytes, unit_a)], start_ns, lasted)
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

fn rounded(bytes: u64) -> String {
    match bytes {
        ..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// Ours of a protocol; fragments that have no ports are not among tshark's.
fn our_conversations(document: &Value, protocol: &str, first_ns: u64) -> Vec<Conversation> {
    let flows = document["flows"].as_array().unwrap().iter();
    let flows = flows.filter(|flow| flow["protocol"] == protocol && !flow["ends"][0]["port"].is_null());
    let rows = flows.map(|flow| {
        let sent = [0, 1].map(|end| {
            let end = &flow["ends"][end];
            let name = format!("{}:{}", end["address"].as_str().unwrap(), end["port"]);
            (name, number(&end["frames"]), rounded(number(&end["bytes"])))
        });
        let (first, last) = (number(&flow["first_ns"]), number(&flow["last_ns"]));
        conversation(sent, first - first_ns, (last - first) / 100_000)
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

#[test]
fn conversations_have_the_same_frames_bytes_beginning_and_duration() {
    for (trace, protocols) in [(mixed(), &["tcp", "udp"][..]), (trace(&connections(60)), &["tcp"])] {
        let document = document(trace.path(), &["--flows", "--io", "1h"]);
        let first_ns = number(&document["start_ns"]);
        for protocol in protocols {
            let theirs = their_conversations(&statistic(trace.path(), &format!("conv,{protocol}")));
            assert!(theirs.len() >= 60, "{}", theirs.len());
            let ours = our_conversations(&document, protocol, first_ns);
            let different: Vec<_> =
                ours.iter().zip(&theirs).filter(|(ours, theirs)| !same(ours, theirs)).take(3).collect();
            assert!(different.is_empty(), "{protocol}: {different:#?}");
            assert_eq!(ours.len(), theirs.len());
        }
    }
}

#[test]
fn addresses_sent_and_received_the_same() {
    let trace = mixed();
    let document = document(trace.path(), &["--endpoints"]);
    let ends = document["endpoints"].as_array().unwrap().iter().map(|end| {
        let volumes = ["sent", "received"].map(|way| [number(&end[way]["frames"]), number(&end[way]["bytes"])]);
        (end["address"].as_str().unwrap().to_owned(), volumes)
    });
    let mut theirs: BTreeMap<String, [[u64; 2]; 2]> = BTreeMap::new();
    for text in ["endpoints,ip", "endpoints,ipv6"].map(|name| statistic(trace.path(), name)) {
        let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        for words in rows.filter(|words| words.len() == 7) {
            let numbers: Vec<u64> = words[3..].iter().filter_map(|word| word.parse().ok()).collect();
            if let [sent, sent_bytes, received, received_bytes] = numbers[..] {
                theirs.insert(words[0].to_owned(), [[sent, sent_bytes], [received, received_bytes]]);
            }
        }
    }
    assert!(theirs.len() > 500, "{}", theirs.len());
    assert_eq!(ends.collect::<BTreeMap<_, _>>(), theirs);
}

/// Frames and bytes of a protocol, by what it is inside of.
type Hierarchy = BTreeMap<String, [u64; 2]>;

/// Protocols that both tell apart: tshark's name and ours.
const PROTOCOLS: [(&str, &str); 14] = [
    ("eth", "ethernet"),
    ("ieee8021ad", "vlan"),
    ("vlan", "vlan"),
    ("arp", "arp"),
    ("ip", "ipv4"),
    ("ipv6", "ipv6"),
    ("icmp", "icmp"),
    ("icmpv6", "icmpv6"),
    ("tcp", "tcp"),
    ("udp", "udp"),
    ("dns", "dns"),
    ("mdns", "mdns"),
    ("dhcp", "dhcp"),
    ("ntp", "ntp"),
];

fn their_hierarchy(text: &str) -> Hierarchy {
    let (mut path, mut hierarchy): (Vec<Option<&str>>, _) = (Vec::new(), Hierarchy::new());
    for line in text.lines().filter(|line| line.contains(" frames:")) {
        let depth = (line.len() - line.trim_start().len()) / 2;
        let (name, volume) = line.trim().split_once(' ').unwrap();
        let numbers: Vec<u64> = volume.split([':', ' ']).filter_map(|word| word.parse().ok()).collect();
        path.truncate(depth);
        path.push(PROTOCOLS.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours));
        let Some(known) = path.iter().copied().collect::<Option<Vec<_>>>() else { continue };
        add(&mut hierarchy, known.join("/"), [numbers[0], numbers[1]]);
    }
    hierarchy
}

fn add(hierarchy: &mut Hierarchy, path: String, [frames, bytes]: [u64; 2]) {
    let sum = hierarchy.entry(path).or_default();
    *sum = [sum[0] + frames, sum[1] + bytes];
}

/// tshark's tree has no places for the extension headers of IPv6.
const WITHOUT_PLACE: [&str; 4] = ["hop_by_hop", "destination_options", "routing", "fragment"];

fn our_hierarchy(nodes: &Value, outside: &str, hierarchy: &mut Hierarchy) {
    for node in nodes.as_array().unwrap() {
        let layer = node["layer"].as_str().unwrap();
        let path = if outside.is_empty() { layer.to_owned() } else { format!("{outside}/{layer}") };
        if WITHOUT_PLACE.contains(&layer) {
            our_hierarchy(&node["inside"], outside, hierarchy);
        } else if PROTOCOLS.iter().any(|(_, ours)| *ours == layer) {
            add(hierarchy, path.clone(), [number(&node["frames"]), number(&node["bytes"])]);
            our_hierarchy(&node["inside"], &path, hierarchy);
        }
    }
}

#[test]
fn protocols_are_inside_each_other_in_as_many_frames_and_bytes() {
    let trace = mixed();
    let mut ours = Hierarchy::new();
    our_hierarchy(&document(trace.path(), &["--protocols"])["protocols"], "", &mut ours);
    let theirs = their_hierarchy(&statistic(trace.path(), "io,phs"));
    assert_eq!(ours, theirs);
    for path in ["ethernet/arp", "ethernet/vlan/vlan/ipv6/tcp", "ethernet/ipv6/udp/dns", "ethernet/ipv4/udp/ntp"] {
        assert!(theirs.contains_key(path), "{path}: {theirs:?}");
    }
}

#[test]
fn stretches_of_time_have_the_same_frames_and_bytes() {
    let trace = mixed();
    for (theirs, ours) in [("io,stat,0.1", "100ms"), ("io,stat,0.01", "10ms")] {
        let text = statistic(trace.path(), theirs);
        let rows = text.lines().filter(|line| line.contains("<>"));
        let theirs: Vec<[u64; 2]> = rows
            .map(|row| {
                let cells: Vec<&str> = row.split('|').map(str::trim).collect();
                [cells[2].parse().unwrap(), cells[3].parse().unwrap()]
            })
            .collect();
        let document = document(trace.path(), &["--io", ours]);
        let intervals = document["intervals"].as_array().unwrap().iter();
        let ours: Vec<_> = intervals.map(|stretch| ["frames", "bytes"].map(|key| number(&stretch[key]))).collect();
        assert!(theirs.len() >= 4);
        assert_eq!(ours, theirs);
    }
}

/// Ours, tshark's number for what it found, and why the two are not the same.
const VERDICTS: [(&str, &str, &str); 9] = [
    ("bad", "0", ""),
    ("good", "1", ""),
    ("good", "2", "tshark does not check what an ICMP error quotes"),
    ("none", "1", "the header broke off behind its checksum, in options that go beyond the frame"),
    ("not_filled_in", "0", "tshark does not know sums that are left to the network card"),
    ("unverifiable", "1", "IP says more bytes than there are: tshark sums those that there are"),
    ("unverifiable", "2", ""),
    ("zero_means_none", "3", ""),
    ("zero_means_none", "4", "IPv6 allows it only in tunnels: tshark calls it illegal, netlab remarks on it"),
];

#[test]
fn verdicts_on_odd_checksums_differ_from_tsharks_only_where_that_is_told() {
    let trace = golden_frames(false);
    let theirs = dissected(trace.path(), &["tcp.checksum.status", "udp.checksum.status"]);
    let output = netlab().args(["capture", "-r", trace.path(), "--no-reassembly", "--json"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let packets: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(packets.len(), theirs.len());
    let mut verdicts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (packet, theirs) in packets.iter().zip(theirs) {
        for (layer, status) in ["tcp", "udp"].iter().zip(theirs) {
            // What a tunnel or an ICMP error carries is a second header.
            if let ([ours], 1) = (&layers(packet, layer)[..], status.len()) {
                let verdict = ours["checksum_verdict"].as_str().unwrap_or("none");
                *verdicts.entry((verdict.to_owned(), status)).or_default() += 1;
            }
        }
    }
    let pairs: Vec<(&str, &str)> = verdicts.keys().map(|(ours, theirs)| (ours.as_str(), theirs.as_str())).collect();
    assert_eq!(pairs, VERDICTS.map(|(ours, theirs, _)| (ours, theirs)), "{verdicts:?}");
    let page = include_str!("../../docs/agreement.md");
    for (.., why) in VERDICTS.iter().filter(|(.., why)| !why.is_empty()) {
        assert!(page.contains(why), "docs/agreement.md does not tell that {why}");
    }
}
