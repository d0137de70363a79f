//! Fragments put together: beside tshark, and as the program shows them.

use std::collections::BTreeSet;

use netlab::capture::files::write::{About, Format, Writer};
use netlab::capture::{Dissector, Frame};
use serde_json::Value;

use crate::capture::Trace;
use crate::cli::netlab;
use crate::fragmented::{Whole, traffic};
use crate::json_keys::assert_documented;
use crate::tshark::{oracle, plain};

/// A capture of these frames, a millisecond apart.
pub fn trace(frames: &[Vec<u8>]) -> Trace {
    let about =
        About { application: "netlab".into(), system: "Linux".into(), snap_length: 262_144, ..About::default() };
    let mut writer = Writer::create(Vec::new(), Format::Pcapng, about).unwrap();
    for (at, bytes) in frames.iter().enumerate() {
        writer.frame(&Frame { time: Some(at as i64 * 1_000_000), ..Frame::ethernet(bytes) }).unwrap();
    }
    writer.finish(&[]).unwrap();
    Trace::named("fragments.pcapng", &writer.into_inner())
}

/// What the program prints, and what it notes.
fn run(arguments: &[&str], path: &str) -> (String, String) {
    let output = netlab().args(["capture", "-r", path]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn packets(path: &str) -> Vec<Value> {
    run(&["--json"], path).0.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The frame's transport, as tshark shows it: in a fragment only where it completes the datagram.
fn ours(packet: &Value) -> [String; 7] {
    let piece = &packet["fragments"][0];
    let whole = piece["state"] == "whole";
    let layers = packet["layers"].as_array().unwrap().iter();
    let shown: Vec<&Value> = layers.filter(|layer| piece.is_null() || layer["reassembled"] == true).collect();
    let of = |kind: &str, field: &str| {
        shown.iter().find(|layer| layer["layer"] == kind).map_or(String::new(), |layer| plain(&layer["fields"][field]))
    };
    let name = of("dns", "name").split(',').next().unwrap_or_default().trim_end_matches('.').to_owned();
    let good = |kind| shown.iter().find(|layer| layer["layer"] == kind).map(|layer| &layer["checksum_verdict"]);
    let sum = good("udp").map_or(String::new(), |verdict| u8::from(verdict == "good").to_string());
    let length = if whole { plain(&piece["whole_bytes"]) } else { String::new() };
    [
        of("udp", "source_port"),
        of("udp", "length"),
        sum,
        name,
        of("icmp", "sequence_number"),
        of("tcp", "sequence_number"),
        length,
    ]
}

fn theirs(line: &str) -> ([String; 7], BTreeSet<String>) {
    let fields: Vec<&str> = line.split(';').collect();
    let [port, length, sum, name, icmp, tcp, v4, v6, frames4, frames6] = fields[..] else { panic!("{line}") };
    let all = [port, length, sum, name, icmp, tcp, if v4.is_empty() { v6 } else { v4 }].map(str::to_owned);
    (all, frames4.split(',').chain(frames6.split(',')).filter(|number| !number.is_empty()).map(str::to_owned).collect())
}

#[test]
fn tshark_finds_the_same_datagrams_in_the_same_frames() {
    let trace = trace(&traffic(600));
    let fields = [
        "udp.srcport",
        "udp.length",
        "udp.checksum.status",
        "dns.qry.name",
        "icmp.seq",
        "tcp.seq_raw",
        "ip.reassembled.length",
        "ipv6.reassembled.length",
        "ip.fragment",
        "ipv6.fragment",
    ];
    let mut arguments = vec!["-n", "-r", trace.path(), "-T", "fields", "-E", "separator=;", "-E", "occurrence=a"];
    for preference in
        ["ip.defragment:TRUE", "ipv6.defragment:TRUE", "udp.check_checksum:TRUE", "tcp.desegment_tcp_streams:FALSE"]
    {
        arguments.extend(["-o", preference]);
    }
    for field in fields {
        arguments.extend(["-e", field]);
    }
    let text = oracle("tshark", &arguments);
    let packets = packets(trace.path());
    assert_eq!(text.lines().count(), packets.len());
    let repeated: BTreeSet<String> =
        packets.iter().filter(|p| p["fragments"][0]["state"] == "repeated").map(|p| plain(&p["number"])).collect();
    let (mut whole, mut names) = (0, 0);
    for (packet, line) in packets.iter().zip(text.lines()) {
        let mut keys = packet.clone();
        for layer in keys["layers"].as_array_mut().unwrap() {
            layer["fields"].take();
        }
        assert_documented("capture", &keys);
        let (values, frames) = theirs(line);
        assert_eq!(ours(packet), values, "frame {}", packet["number"]);
        names += usize::from(!values[3].is_empty());
        let own: BTreeSet<String> =
            packet["fragments"][0]["frames"].as_array().into_iter().flatten().map(plain).collect();
        assert_eq!(own, frames.difference(&repeated).cloned().collect(), "frame {}", packet["number"]);
        whole += usize::from(!own.is_empty());
    }
    assert!(whole > 100 && names > 100 && repeated.len() > 20, "{whole} {names} {}", repeated.len());
}

/// A question in three fragments, the first of which comes last, a datagram that misses one, and one that is whole.
fn example() -> Trace {
    let question = Whole::dns(false, 0x3a5f, "long.example", 20).frames(128);
    let lost = Whole::udp(true, 7, [1000, 2000], &[1; 300]).frames(200);
    let alone = Whole::udp(false, 9, [1000, 2000], b"hello").frames(1000);
    trace(&[question[2].clone(), question[1].clone(), lost[1].clone(), question[0].clone(), alone[0].clone()])
}

#[test]
fn the_frame_that_completes_a_datagram_shows_the_whole_and_the_others_say_what_they_bring() {
    let trace = example();
    let (text, notes) = run(&[], trace.path());
    for line in [
        "    Datagram  bytes 256–357 of id 0x3a5f, 102 of 358 bytes are here",
        "    Datagram  bytes 128–255 of id 0x3a5f, 230 of 358 bytes are here",
        "    Datagram  bytes 200–307 of id 0x00000007, 108 of 308 bytes are here",
        "    Datagram  reassembled 358 bytes from #1 #2 #4",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}\n{text}");
    }
    let (_, whole) = text.split_once("reassembled 358 bytes").unwrap();
    assert!(whole.contains("\n    UDP       53 domain → 40000   358 bytes\n    DNS       "), "{whole}");
    assert_eq!(notes, "netlab: datagrams in fragments: 1 put together, 1 incomplete at the end\n");
    let (text, notes) = run(&["--no-reassembly"], trace.path());
    assert!(!text.contains("Datagram") && notes.is_empty(), "{text}{notes}");
}

#[test]
fn a_line_a_column_a_condition_and_the_bytes_are_those_of_the_whole() {
    let trace = example();
    let (text, _) = run(&["-q"], trace.path());
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[3].contains("192.0.2.1:53 → 198.51.100.2:40000 UDP 350 bytes  DNS"), "{text}");
    assert!(lines[3].ends_with("  [reassembled 358 bytes from #1 #2 #4]"), "{text}");
    let fields = ["--fields", "frame.number,dns.name,udp.checksum_verdict,frame.reassembled_bytes"];
    let (text, _) = run(&[&fields[..], &["--where", "dns and frame.fragment == whole"]].concat(), trace.path());
    assert!(text.starts_with("4\tlong.example") && text.ends_with("\tgood\t358\n"), "{text}");
    let (text, _) = run(&["-v", "-x", "--where", "dns and frame.fragment == whole"], trace.path());
    let (_, whole) = text.split_once("UDP ").unwrap();
    assert!(whole.contains("\n           0  00 35"), "offsets count from the datagram's payload: {whole}");
    assert!(whole.contains("\n        0008  12 34 81 80"), "{whole}");
}

#[test]
fn summaries_count_the_whole_and_a_segment_in_fragments_is_followed() {
    let first = Whole::tcp(false, 1, 1, b"GET / HTTP/1.1\r\n\r\n");
    let frames = [first.frames(1000), Whole::tcp(false, 2, 19, &[b'x'; 400]).frames(200)].concat();
    let trace = trace(&frames);
    let (text, _) = run(&["--follow"], trace.path());
    assert!(text.contains(&"x".repeat(400)) && !text.contains("not captured"), "{text}");
    let (text, _) = run(&["--flows", "--json"], trace.path());
    let flows: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(flows["flows"].as_array().unwrap().len(), 1, "{flows}");
    assert_eq!(flows["flows"][0]["ends"][0]["frames"], frames.len());
    let (text, _) = run(&["-q", "--analyze"], trace.path());
    assert!(!text.contains("retransmission") && !text.contains("not captured"), "{text}");
    let (text, _) = run(&["--follow", "--where", "tcp"], trace.path());
    assert!(text.contains("GET / HTTP/1.1"), "{text}");
}

#[test]
fn fragments_that_are_not_used_are_counted_and_odd_ones_have_their_words() {
    let whole = Whole::udp(false, 7, [1000, 2000], &[1; 400]);
    let frames = [
        whole.frame(0, true, &[1; 64]),
        whole.frame(64, true, &[1; 20]),
        whole.frame(128, true, &[]),
        whole.frame(408, false, &[1; 1]),
    ];
    let (text, noted) = run(&[], trace(&frames).path());
    for said in [
        "not used: it is not the last and its length is no multiple of 8",
        "no bytes at 128 of id 0x0007",
        "byte 408 of id",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(
        noted,
        "netlab: datagrams in fragments: 0 put together, 1 incomplete at the end, 2 fragments not used\n"
    );
    let alone = Whole::udp(true, 8, [1000, 2000], b"hello").frames(1000);
    let (text, noted) = run(&["--no-reassembly"], trace(&alone).path());
    assert!(text.contains("atomic fragment at 0") && !text.contains("first") && noted.is_empty(), "{text}{noted}");
}

#[test]
fn a_ladder_draws_fragments_and_the_segment_that_is_whole_with_the_last() {
    for (v6, version) in [(false, "IPv4"), (true, "IPv6")] {
        let first = Whole::tcp(v6, 1, 1, b"GET / HTTP/1.1\r\n\r\n");
        let mut frames = [first.frames(1000), Whole::tcp(v6, 2, 19, &[b'x'; 400]).frames(200)].concat();
        frames.extend(Whole::echo(3, 1, b"hello").frames(1000));
        let trace = trace(&frames);
        let (text, noted) = run(&["--ladder"], trace.path());
        assert!(text.contains(&format!("#2 {version} fragment at 0 200 bytes ─")), "{text}");
        assert!(text.contains(&format!("#3 {version} fragment at 200 200 bytes ─")), "{text}");
        assert!(text.contains("#4 [PSH ACK] 400 bytes seq 19 "), "{text}");
        assert_eq!(noted, "netlab: 1 frame not drawn, of other connections or of none: a filter chooses another\n");
        frames.swap(1, 2);
        let (_, noted) = run(&["--ladder"], super::fragments::trace(&frames).path());
        assert!(
            noted.contains("1 frame not drawn, fragments of segments that are drawn where they are whole"),
            "{noted}"
        );
    }
}

#[test]
fn a_ladder_ends_where_another_connection_begins_between_the_same_ports() {
    let syn = |identification, sequence| {
        let mut segment = Whole::tcp(false, identification, sequence, b"");
        segment.payload[13] = 0x02;
        segment.frames(1000).remove(0)
    };
    let data = |identification, sequence| Whole::tcp(false, identification, sequence, b"hello").frames(1000).remove(0);
    let trace = trace(&[syn(1, 100), syn(2, 100), data(3, 101), syn(4, 7000), data(5, 7001)]);
    let (text, noted) = run(&["--ladder"], trace.path());
    let arrows: Vec<&str> =
        ["#1 ", "#2 ", "#3 ", "#4 ", "#5 "].into_iter().filter(|arrow| text.contains(arrow)).collect();
    assert_eq!(arrows, ["#1 ", "#2 ", "#3 "], "{text}");
    let rest = "of later connections between these ports: --where 'frame.number >= 4' draws the next";
    assert_eq!(noted, format!("netlab: 2 frames not drawn, {rest}\n"));
    let (text, noted) = run(&["--ladder", "--where", "frame.number >= 4"], trace.path());
    assert!(text.contains("#4 [SYN] seq 0 ") && text.contains("#5 ") && noted.is_empty(), "{text}{noted}");
}

#[test]
fn what_is_written_are_the_fragments_as_they_were() {
    let frames = traffic(20);
    let trace = trace(&frames);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.pcapng");
    run(&["-w", copy.to_str().unwrap(), "-q"], trace.path());
    let bytes = |path: &str| oracle("tshark", &["-n", "-r", path, "-o", "ip.defragment:FALSE", "-x"]);
    assert_eq!(bytes(copy.to_str().unwrap()), bytes(trace.path()));
}

#[test]
fn ipv4_keeps_what_came_first_and_ipv6_gives_the_datagram_up() {
    let overlapping = |v6| {
        let whole = Whole::udp(v6, 5, [1000, 2000], &[7; 300]);
        let piece = |from: usize, to: usize, more| whole.frame(from, more, &whole.payload[from..to]);
        trace(&[piece(0, 96, true), piece(80, 200, true), piece(80, 200, true), piece(200, 308, false)])
    };
    let (text, notes) = run(&[], overlapping(false).path());
    assert!(text.contains("reassembled 308 bytes from #1 #2 #4  fragments overlap: what came first is kept"), "{text}");
    assert!(text.contains("the same as in #1") && notes.is_empty(), "{text}");
    let (text, notes) = run(&[], overlapping(true).path());
    assert!(text.contains("not used: it overlaps another, so the datagram is given up (RFC 5722)"), "{text}");
    let given_up = "1 given up because fragments overlap (IPv6, RFC 5722), 3 fragments not used\n";
    assert!(notes.ends_with(given_up), "{notes}");
}

/// Frames of `datagram` inside something that has number `number`: tunnels by addresses and by key, a session, a label, a tag.
fn encapsulated(datagram: &[u8], number: u8) -> Vec<Vec<u8>> {
    let outer = |protocol: u8, last: u8, payload: &[u8]| {
        let length = (20 + payload.len() as u16).to_be_bytes();
        let mut outer = vec![8, 0, 0x45, 0, length[0], length[1], 0, number, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1];
        outer.extend([10, 0, 0, last]);
        [&outer, payload].concat()
    };
    let length = (2 + datagram.len() as u16).to_be_bytes();
    let behind = [
        outer(4, number, datagram),
        outer(47, 9, &[&[0x20, 0, 8, 0, 0, 0, 0, number][..], datagram].concat()),
        [&[0x88, 0x64, 0x11, 0, 0, number, length[0], length[1], 0, 0x21][..], datagram].concat(),
        [&[0x88, 0x47, 0, 0, number << 4 | 1, 64][..], datagram].concat(),
        [&[0x81, 0, 0, number, 8, 0][..], datagram].concat(),
    ];
    behind.iter().map(|behind| [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1][..], behind].concat()).collect()
}

#[test]
fn fragments_of_different_tunnels_make_no_datagram_together() {
    let fragments = Whole::dns(false, 7, "example.org", 20).frames(200);
    assert_eq!(fragments.len(), 2);
    let of = |fragment: &[u8], number| encapsulated(&fragment[14..], number);
    let kinds = of(&fragments[0], 1).len();
    for kind in 0..kinds {
        let mut dissector = Dissector::new(true).reassembling();
        let mut word = |fragment: usize, number| {
            let frame = of(&fragments[fragment], number).swap_remove(kind);
            dissector.read(Frame::ethernet(&frame)).fragments.last().map(netlab::capture::reassembly::Fragment::word)
        };
        let words = [word(0, 1), word(1, 2), word(1, 1), word(0, 2)];
        assert_eq!(words, ["waiting", "waiting", "whole", "whole"].map(Some), "kind {kind}");
    }
}
