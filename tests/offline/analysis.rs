//! The analysis of TCP connections beside tshark's: the same notes on the same frames.

use std::collections::{BTreeMap, BTreeSet};

use netlab::capture::analysis::notes::SENT_AGAIN;
use netlab::capture::analysis::{Notes, segment};
use netlab::capture::files::write::{About, Format, Writer};
use netlab::capture::streams::{Piece, Streams};
use netlab::capture::{Dissector, Frame};

use serde_json::Value;

use crate::capture::Trace;
use crate::cli::netlab;
use crate::fragmented::Whole;
use crate::json_keys::assert_documented;
use crate::tcp_traffic::connections;
use crate::tshark::{dissected, oracle};

/// tshark's field for each note; its "retransmission" covers the fast and the spurious.
const FIELDS: [(Notes, &str); 15] = [
    (Notes::PREVIOUS_LOST, "tcp.analysis.lost_segment"),
    (Notes::ACKED_LOST, "tcp.analysis.ack_lost_segment"),
    (Notes::RETRANSMISSION, "tcp.analysis.retransmission"),
    (Notes::FAST_RETRANSMISSION, "tcp.analysis.fast_retransmission"),
    (Notes::SPURIOUS_RETRANSMISSION, "tcp.analysis.spurious_retransmission"),
    (Notes::OUT_OF_ORDER, "tcp.analysis.out_of_order"),
    (Notes::DUPLICATE_ACK, "tcp.analysis.duplicate_ack"),
    (Notes::ZERO_WINDOW, "tcp.analysis.zero_window"),
    (Notes::ZERO_WINDOW_PROBE, "tcp.analysis.zero_window_probe"),
    (Notes::ZERO_WINDOW_PROBE_ACK, "tcp.analysis.zero_window_probe_ack"),
    (Notes::WINDOW_FULL, "tcp.analysis.window_full"),
    (Notes::WINDOW_UPDATE, "tcp.analysis.window_update"),
    (Notes::KEEP_ALIVE, "tcp.analysis.keep_alive"),
    (Notes::KEEP_ALIVE_ACK, "tcp.analysis.keep_alive_ack"),
    (Notes::PORTS_REUSED, "tcp.analysis.reused_ports"),
];

fn ethernet(time: u64, bytes: &[u8]) -> Frame<'_> {
    Frame { time: Some(time as i64), ..Frame::ethernet(bytes) }
}

pub fn trace(frames: &[(u64, Vec<u8>)]) -> Trace {
    let about =
        About { application: "netlab".into(), system: "Linux".into(), snap_length: 262_144, ..About::default() };
    let mut writer = Writer::create(Vec::new(), Format::Pcapng, about).unwrap();
    for (time, bytes) in frames {
        writer.frame(&ethernet(*time, bytes)).unwrap();
    }
    writer.finish(&[]).unwrap();
    Trace::named("connections.pcapng", &writer.into_inner())
}

#[test]
fn tshark_notes_the_same_on_every_segment() {
    let frames = connections(60);
    let trace = trace(&frames);
    let theirs = dissected(trace.path(), &FIELDS.map(|(_, field)| field));
    let mut dissector = Dissector::new(false).analysing(1 << 20);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut different = Vec::new();
    for (number, ((time, bytes), theirs)) in frames.iter().zip(&theirs).enumerate() {
        let notes = dissector.read(ethernet(*time, bytes)).finding.notes;
        let ours: Vec<&str> =
            FIELDS.iter().filter(|(note, _)| notes.contains(*note)).map(|(_, field)| *field).collect();
        let mut theirs: Vec<&str> =
            FIELDS.iter().zip(theirs).filter(|(_, value)| !value.is_empty()).map(|((_, field), _)| *field).collect();
        if theirs.iter().any(|field| field.contains("fast") || field.contains("spurious")) {
            theirs.retain(|field| *field != "tcp.analysis.retransmission");
        }
        for field in &theirs {
            *seen.entry(field).or_default() += 1;
        }
        if ours != theirs {
            different.push(format!("frame {}: {ours:?} / {theirs:?}", number + 1));
        }
    }
    let never: Vec<_> = FIELDS.iter().filter(|(_, field)| !seen.contains_key(field)).collect();
    assert!(
        different.is_empty(),
        "{} of {}: {:#?} {seen:#?}",
        different.len(),
        frames.len(),
        &different[..different.len().min(30)]
    );
    assert!(never.is_empty(), "never noted: {never:?}");
}

/// Nanoseconds of what tshark prints in seconds.
fn nanoseconds(seconds: &str) -> Option<u64> {
    let (whole, part) = seconds.split_once('.')?;
    Some(whole.parse::<u64>().unwrap() * 1_000_000_000 + part.parse::<u64>().unwrap())
}

/// tshark times from the first sending of what was sent again; that may be the wrong one, so here it is not timed.
#[test]
fn tshark_times_the_same_acknowledgements_of_what_was_sent_once() {
    let frames = connections(60);
    let trace = trace(&frames);
    let theirs = dissected(trace.path(), &["tcp.analysis.ack_rtt", "tcp.analysis.initial_rtt", "tcp.stream"]);
    let mut dissector = Dissector::new(false).timing(1 << 20);
    let (mut sent_again, mut opened) = (BTreeSet::new(), BTreeSet::new());
    let (mut timed, mut ambiguous) = (0, 0);
    for (number, ((time, bytes), theirs)) in frames.iter().zip(&theirs).enumerate() {
        let packet = dissector.read(ethernet(*time, bytes));
        let finding = packet.finding;
        let (tcp, length) = segment::datagram(&packet).unwrap().tcp.unwrap();
        let next = tcp.sequence.wrapping_add(length);
        if finding.notes.any(SENT_AGAIN.or(Notes::OUT_OF_ORDER)) {
            sent_again.insert((tcp.source, next));
        }
        let rtt = nanoseconds(&theirs[0]);
        if finding.round_trip_ns.is_none() && sent_again.contains(&(tcp.destination, tcp.acknowledgment)) {
            ambiguous += usize::from(rtt.is_some());
        } else {
            assert_eq!(finding.round_trip_ns, rtt, "frame {}", number + 1);
            timed += usize::from(rtt.is_some());
        }
        // tshark repeats the initial round trip on frames that follow.
        let initial = nanoseconds(&theirs[1]).filter(|_| opened.insert(theirs[2].clone()));
        assert_eq!(finding.handshake_ns, initial, "frame {}", number + 1);
    }
    assert!(timed > 500 && ambiguous > 10 && opened.len() > 50, "{timed} {ambiguous} {}", opened.len());
}

fn document(arguments: &[&str], path: &str) -> Value {
    let output = netlab().args(["capture", "-r", path, "--json"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn tshark_counts_the_same_frames_in_every_conversation() {
    let trace = trace(&connections(60));
    let text = oracle("tshark", &["-n", "-q", "-r", trace.path(), "-z", "conv,tcp"]);
    let words = text.lines().filter(|line| line.contains(" <-> ")).map(|line| line.split_whitespace().collect());
    let mut theirs: Vec<[String; 4]> = words
        .map(|words: Vec<&str>| {
            // Between the ends and the frames of each direction stands how many bytes they had, with a unit.
            let numbers: Vec<&str> = words[3..].iter().copied().filter(|word| word.parse::<u64>().is_ok()).collect();
            [words[0], words[2], numbers[2], numbers[0]].map(str::to_owned)
        })
        .collect();
    let document = document(&["--flows"], trace.path());
    assert_documented("capture", &document);
    let end = |end: &Value| format!("{}:{}", end["address"].as_str().unwrap(), end["port"]);
    let flows = document["flows"].as_array().unwrap().iter();
    let mut ours: Vec<[String; 4]> = flows
        .map(|flow| {
            let [a, b] = [&flow["ends"][0], &flow["ends"][1]];
            [end(a), end(b), a["frames"].to_string(), b["frames"].to_string()]
        })
        .collect();
    theirs.sort();
    ours.sort();
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 60);
}

#[test]
fn the_other_summaries_are_documented_and_add_up() {
    let frames = connections(5);
    let trace = trace(&frames);
    let document = document(&["--endpoints", "--protocols", "--io", "1s"], trace.path());
    assert_documented("capture", &document);
    let count = frames.len() as u64;
    let sum = |values: &Value, part: &dyn Fn(&Value) -> u64| values.as_array().unwrap().iter().map(part).sum::<u64>();
    assert_eq!(sum(&document["endpoints"], &|end| end["sent"]["frames"].as_u64().unwrap()), count);
    assert_eq!(sum(&document["intervals"], &|interval| interval["frames"].as_u64().unwrap()), count);
    let ethernet = &document["protocols"][0];
    assert_eq!((ethernet["layer"].as_str(), ethernet["frames"].as_u64()), (Some("ethernet"), Some(count)));
    assert_eq!(ethernet["inside"][0]["inside"][0]["layer"], "tcp");
}

#[test]
fn a_followed_connection_says_what_its_ends_said() {
    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example.pcapng");
    let output = netlab().args(["capture", "-r", EXAMPLE, "--follow"]).output().unwrap();
    let expected = "── #1 192.0.2.1:32000 → 192.0.2.2:80\nGET / HTTP/1.1\nHost: 192.0.2.2\n\n\
                    ── #1 192.0.2.2:80 → 192.0.2.1:32000\nHTTP/1.1 200 OK\nContent-Length: 15\nConnection: close\n\n\
                    hello, network\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    let output = netlab().args(["capture", "-r", EXAMPLE, "--follow", "--json"]).output().unwrap();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        assert_documented("capture", &serde_json::from_str(line).unwrap());
    }
}

#[test]
fn each_side_of_a_connection_is_saved_in_a_file_of_its_own() {
    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example.pcapng");
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("sides");
    let option = format!("--follow={}", folder.display());
    let output = netlab().args(["capture", "-r", EXAMPLE, &option]).output().unwrap();
    let (client, server) = ("00001-192.0.2.1.32000-192.0.2.2.80.bin", "00001-192.0.2.2.80-192.0.2.1.32000.bin");
    let expected = format!("{0}/{client}  35 bytes\n{0}/{server}  73 bytes\n", folder.display());
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read(folder.join(client)).unwrap(), b"GET / HTTP/1.1\r\nHost: 192.0.2.2\r\n\r\n");
    assert!(std::fs::read(folder.join(server)).unwrap().ends_with(b"\r\n\r\nhello, network\n"));
    let output = netlab().args(["capture", "-r", EXAMPLE, &option]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("EEXIST"), "what is there stays as it is");
    let option = format!("--follow={}", parent.path().join("json").display());
    let output = netlab().args(["capture", "-r", EXAMPLE, "--json", &option]).output().unwrap();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        assert_documented("capture", &serde_json::from_str(line).unwrap());
    }
}

#[test]
fn what_was_not_captured_is_said_of_a_file_too() {
    let mut frames = connections(9);
    let mut number = 0;
    frames.retain(|_| {
        number += 1;
        number % 7 != 0
    });
    let trace = trace(&frames);
    let output = netlab().args(["capture", "-r", trace.path(), "--follow"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let missing: u64 =
        text.lines().filter_map(|line| line.strip_prefix('[')?.split(' ').next()?.parse::<u64>().ok()).sum();
    let folder = tempfile::tempdir().unwrap();
    let option = format!("--follow={}", folder.path().display());
    let output = netlab().args(["capture", "-r", trace.path(), "--json", &option]).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let sides: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(sides.iter().map(|side| side["missing_bytes"].as_u64().unwrap()).sum::<u64>(), missing);
    assert!(missing > 0);
    for side in sides {
        assert_eq!(std::fs::metadata(side["file"].as_str().unwrap()).unwrap().len(), side["bytes"].as_u64().unwrap());
    }
}

#[test]
fn what_comes_with_a_syn_is_said_from_its_first_byte() {
    let mut first = Whole::tcp(false, 1, 100, b"early ");
    first.payload[13] = 0x02;
    let frames = [first.frames(1000), Whole::tcp(false, 2, 107, b"late").frames(1000)].concat();
    let (mut streams, mut dissector) = (Streams::within(0), Dissector::new(false));
    let said = frames.iter().flat_map(|frame| streams.see(&dissector.read(Frame::ethernet(frame))));
    let pieces: Vec<Piece> = said.flat_map(|said| said.pieces).collect();
    assert_eq!(pieces, [Piece::Data(b"early ".to_vec()), Piece::Data(b"late".to_vec())]);
}

#[test]
fn notes_stand_on_the_frames_they_concern() {
    let trace = trace(&connections(3));
    let output = netlab().args(["capture", "-r", trace.path(), "-q", "--analyze"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().any(|line| line.ends_with("[duplicate ack #2]")), "{text}");
    let output = netlab().args(["capture", "-r", trace.path(), "--json", "--analyze"]).output().unwrap();
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let noted = |line: &&Value| line["layers"][2]["analysis"] == serde_json::json!(["duplicate_ack"]);
    assert!(lines.iter().filter(noted).any(|line| line["layers"][2]["duplicate_ack"] == 2));
    assert!(text.contains("  [rtt ") && text.contains(", initial rtt "), "{text}");
    assert!(lines.iter().any(|line| line["layers"][2]["rtt_ns"].is_u64()));
    let fields = ["-r", trace.path(), "--fields", "tcp.rtt_ns", "--where", "tcp.initial_rtt_ns > 0"];
    let output = netlab().arg("capture").args(fields).arg("--analyze").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().count() == 3 && text.lines().all(|ns| ns.parse::<u64>().is_ok()), "{text}");
    let again = netlab().arg("capture").args(fields).output().unwrap();
    assert_eq!(String::from_utf8(again.stdout).unwrap(), text, "a name that asks for the analysis switches it on");
}

#[test]
fn conditions_on_the_analysis_choose_the_same_packets_wherever_they_go() {
    let trace = trace(&connections(3));
    let path = trace.path.with_file_name("taken.pcapng");
    let count = |arguments: &[&str]| {
        let output = netlab().args(["capture", "-r"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for condition in [
        "tcp.rtt_ns > 0",
        "tcp.analysis == duplicate_ack",
        "tcp.rtt_ns > 0.1µs",
        "tcp.duplicate_ack >= 2",
        "tcp.analysis ~ \"window\"",
    ] {
        let shown = count(&[trace.path(), "-q", "--where", condition]).lines().count();
        assert!(shown > 0, "{condition}: {shown}");
        count(&[trace.path(), "-w", path.to_str().unwrap(), "--where", condition]);
        assert_eq!(count(&[path.to_str().unwrap(), "-q"]).lines().count(), shown, "{condition}, written");
        let flows: Value =
            serde_json::from_str(&count(&[trace.path(), "--flows", "--json", "--where", condition])).unwrap();
        let ends = flows["flows"].as_array().unwrap().iter().flat_map(|flow| flow["ends"].as_array().unwrap());
        assert_eq!(
            ends.map(|end| end["frames"].as_u64().unwrap()).sum::<u64>(),
            shown as u64,
            "{condition}, summed up"
        );
    }
    assert_eq!(count(&[trace.path(), "-q", "--where", "quoted.tcp.analysis or quoted.tcp.rtt_ns"]), "");
}

#[test]
fn a_ladder_takes_the_place_of_no_file_but_an_older_ladder() {
    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example.pcapng");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (input, file) = (path("in.svg"), path("out.svg"));
    std::fs::copy(EXAMPLE, &input).unwrap();
    let ladder = |arguments: &[&str], file: &str| {
        let output = netlab().arg("capture").args(arguments).arg(format!("--ladder={file}")).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = ladder(&["-r", &input], &input);
    assert!(code == Some(2) && said.contains("-r and --ladder name the same file"), "{said}");
    assert_eq!(std::fs::read(&input).unwrap(), std::fs::read(EXAMPLE).unwrap());
    let (code, said) = ladder(&["-r", EXAMPLE, "-w", &file], &file);
    assert!(code == Some(2) && said.contains("-w and --ladder name the same file"), "{said}");
    assert_eq!(ladder(&["-r", EXAMPLE, "port", "80"], &file).0, Some(0));
    let drawn = std::fs::read(&file).unwrap();
    assert_eq!(ladder(&["-r", EXAMPLE, "udp"], &file).0, Some(1));
    assert_eq!(ladder(&["-r", "/dev/null"], &file).0, Some(2));
    assert_eq!(std::fs::read(&file).unwrap(), drawn);
}

#[test]
fn a_captured_connection_is_drawn_as_a_ladder() {
    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example.pcapng");
    let output = netlab().args(["capture", "-r", EXAMPLE, "--ladder"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().any(|line| line.contains("#3 [SYN] seq 0 ─") && line.ends_with("─▶│")), "{text}");
    assert!(
        text.contains("#6 [PSH ACK] 35 bytes seq 1 ack 1"),
        "a message of a known protocol has its length too: {text}"
    );
    let folder = tempfile::tempdir().unwrap();
    for (name, start) in [("x.html", "<!DOCTYPE html>"), ("x.svg", "<svg ")] {
        let path = folder.path().join(name);
        let option = format!("--ladder={}", path.display());
        assert!(netlab().args(["capture", "-r", EXAMPLE, &option]).output().unwrap().status.success());
        assert!(std::fs::read_to_string(path).unwrap().starts_with(start));
    }
    for option in ["--ladder", "--follow"] {
        let output = netlab().args(["capture", "-r", EXAMPLE, option, "udp"]).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{option}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "netlab: no TCP connection was seen\n");
    }
}
