//! `netlab capture --names`: what the capture itself tells of names.

use serde_json::Value;

use crate::capture::Trace;
use crate::cli::netlab;
use crate::fragmented::{B, B6, Whole};
use crate::fragments::trace;
use crate::json_keys::assert_documented;

#[track_caller]
fn shown(trace: &Trace, arguments: &[&str]) -> String {
    let output = netlab().args(["capture", "-r", trace.path()]).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn labels(name: &str) -> Vec<u8> {
    name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).chain([0]).collect()
}

/// A record; its name is written out.
fn record(name: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let mut record = labels(name);
    record.extend(kind.to_be_bytes());
    record.extend([0, 1, 0, 0, 0, 60]);
    record.extend((data.len() as u16).to_be_bytes());
    record.extend(data);
    record
}

/// An answer to a question about `name`, to none where that is empty.
fn answer(name: &str, kind: u16, records: &[Vec<u8>]) -> Vec<u8> {
    let mut message = vec![0, 1, 0x81, 0x80, 0, u8::from(!name.is_empty()), 0, records.len() as u8, 0, 0, 0, 0];
    if !name.is_empty() {
        message.extend(labels(name));
        message.extend(kind.to_be_bytes());
        message.extend([0, 1]);
    }
    message.extend(records.concat());
    message
}

fn datagram(ports: [u16; 2], data: &[u8]) -> Vec<u8> {
    Whole::udp(false, 1, ports, data).frames(65_528).remove(0)
}

fn segment(v6: bool, data: &[u8]) -> Vec<u8> {
    let segment = Whole::tcp(v6, 2, 1, data);
    segment.frame(0, false, &segment.payload)
}

/// The last line of `-q --names` of what these datagrams tell and a segment to port 80 behind them.
#[track_caller]
fn called(told: &[Vec<u8>], arguments: &[&str]) -> String {
    let trace = trace(&[told, &[segment(false, b"x")]].concat());
    let line = shown(&trace, &[&["-q", "--names"], arguments].concat()).lines().last().unwrap().to_owned();
    line.split(" TCP").next().unwrap().rsplit("→ ").next().unwrap().to_owned()
}

fn told_by_dns(name: &str, records: &[Vec<u8>]) -> String {
    called(&[datagram([53, 40_000], &answer(name, 1, records))], &[])
}

#[test]
fn an_address_is_shown_by_the_name_that_was_asked_for_in_every_look() {
    let told = datagram([53, 40_000], &answer("www.example.org", 1, &[record("www.example.org", 1, &B.octets())]));
    let trace = trace(&[told, segment(false, b"x")]);
    let looks: [(&[&str], &str); 6] = [
        (&["-q"], "192.0.2.1:40000 → www.example.org:80 TCP"),
        (&[], "IPv4      192.0.2.1 → 198.51.100.2 www.example.org   ttl 64"),
        (&["--flows"], "www.example.org:80"),
        (&["--endpoints"], "198.51.100.2 www.example.org"),
        (&["--json"], "\"destination_name\":\"www.example.org\""),
        (&["--json", "--flows"], "\"name\": \"www.example.org\""),
    ];
    for (look, text) in looks {
        let plain = shown(&trace, look);
        assert!(!plain.contains(text), "{look:?}: {plain}");
        let named = shown(&trace, &[look, &["--names"]].concat());
        assert!(named.contains(text), "{look:?}: {named}");
    }
    let lines = shown(&trace, &["--json", "--names"]);
    let mut packet: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    packet["layers"].as_array_mut().unwrap().iter_mut().for_each(|layer| layer["fields"] = Value::Null);
    assert_documented("capture", &packet);
    let tables = shown(&trace, &["--json", "--flows", "--endpoints", "--names"]);
    let document: Value = serde_json::from_str(&tables).unwrap();
    let called = |row: &Value| row["name"].as_str().map(str::to_owned);
    let names: Vec<_> = document["endpoints"].as_array().unwrap().iter().filter_map(called).collect();
    assert_eq!(names, ["www.example.org"]);
    assert_documented("capture", &document);
}

#[test]
fn an_alias_stands_for_what_it_leads_to_and_every_address_of_an_answer_is_known() {
    let alias = record("www.example.org", 5, &labels("edge.cdn.example"));
    let mut records = vec![alias];
    records.extend((1..=6).map(|last| record("edge.cdn.example", 1, &[10, 0, 0, last])));
    records.push(record("edge.cdn.example", 1, &B.octets()));
    assert_eq!(told_by_dns("www.example.org", &records), "www.example.org:80");
}

#[test]
fn names_are_learnt_backwards_and_from_the_relatives_of_dns() {
    let pointer = [record("2.100.51.198.in-addr.arpa", 12, &labels("host.example"))];
    let backwards = datagram([53, 40_000], &answer("2.100.51.198.in-addr.arpa", 12, &pointer));
    assert_eq!(called(&[backwards], &[]), "host.example:80");
    let own = answer("", 1, &[record("printer.local", 1, &B.octets())]);
    assert_eq!(called(&[datagram([5353, 5353], &own)], &[]), "printer.local:80");
    let neighbour = answer("nas", 1, &[record("nas", 1, &B.octets())]);
    assert_eq!(called(&[datagram([5355, 40_000], &neighbour)], &[]), "nas:80");
}

#[test]
fn a_server_is_called_what_the_client_asks_tls_for_and_a_client_what_it_tells_dhcp() {
    let mut extension = vec![0, 0, 0, 14, 0, 12, 0, 0, 9];
    extension.extend(b"a.example");
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0x13, 1, 1, 0, 0, extension.len() as u8]);
    hello.extend(extension);
    let mut record = vec![22, 3, 1, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    record.extend(hello);
    assert_eq!(called(&[segment(false, &record)], &["--decode", "80=tls"]), "a.example:80");

    let mut message = vec![1, 1, 6, 0];
    message.resize(236, 0);
    message.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 3, 50, 4]);
    message.extend(B.octets());
    message.extend(b"\x0c\x06laptop\xff");
    assert_eq!(called(&[datagram([68, 67], &message)], &[]), "laptop:80");
}

#[test]
fn an_ipv6_address_loses_its_brackets_with_its_number() {
    let told = answer("six.example", 28, &[record("six.example", 28, &B6.octets())]);
    let trace = trace(&[datagram([53, 40_000], &told), segment(true, b"x")]);
    assert!(shown(&trace, &["-q", "--names"]).contains("[2001:db8::1]:40000 → six.example:80 TCP"));
}

#[test]
fn questions_refusals_and_what_is_no_name_teach_nothing() {
    let number = format!("{B}:80");
    let mut refused = answer("www.example.org", 1, &[record("www.example.org", 1, &B.octets())]);
    refused[3] = 0x83;
    assert_eq!(called(&[datagram([53, 40_000], &refused)], &[]), number);
    refused[2..4].copy_from_slice(&[1, 0]);
    assert_eq!(called(&[datagram([40_000, 53], &refused)], &[]), number);
    for evil in ["10.0.0.9", "a\x1b[2J", "two words", "a\u{202e}b"] {
        assert_eq!(told_by_dns(evil, &[record(evil, 1, &B.octets())]), number, "{evil:?}");
    }
}

/// What is called by a name in a file that was written with names of what these frames tell.
fn written(frames: &[Vec<u8>], name: &str, arguments: &[&str]) -> (tempfile::TempDir, std::path::PathBuf) {
    let (from, folder) = (trace(frames), tempfile::tempdir().unwrap());
    let path = folder.path().join(name);
    shown(&from, &[&["--names", "-w", path.to_str().unwrap()], arguments].concat());
    (folder, path)
}

fn read_back(path: &std::path::Path, arguments: &[&str]) -> String {
    let output = netlab().args(["capture", "-q", "-r"]).arg(path).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn told_then_used() -> [Vec<u8>; 2] {
    let answer = answer("www.example.org", 1, &[record("www.example.org", 1, &B.octets())]);
    [datagram([53, 40_000], &answer), segment(false, b"x")]
}

#[test]
fn a_file_keeps_the_names_that_were_learnt_for_whoever_asks_for_them() {
    let (_folder, path) = written(&told_then_used(), "t.pcapng", &["--where", "tcp"]);
    assert!(read_back(&path, &["--names"]).contains("192.0.2.1:40000 → www.example.org:80 TCP"));
    assert!(read_back(&path, &[]).contains("192.0.2.1:40000 → 198.51.100.2:80 TCP"));
    let again = path.with_file_name("again.pcapng.zst");
    read_back(&path, &["--names", "-w", again.to_str().unwrap()]);
    assert!(read_back(&again, &["--names"]).contains("www.example.org:80"));
    let copy = path.with_file_name("copy.pcapng");
    read_back(&again, &["--names", "-w", copy.to_str().unwrap(), "-c", "1"]);
    assert!(read_back(&copy, &["--names"]).contains("www.example.org:80"), "a copy of a copy");
    let without = path.with_file_name("without.pcapng");
    read_back(&path, &["-w", without.to_str().unwrap()]);
    assert!(!read_back(&without, &["--names"]).contains("www.example.org"));
}

#[test]
fn every_file_of_a_row_begins_with_the_names_that_are_known() {
    let [told, used] = told_then_used();
    let frames = [&[told][..], &vec![used; 40]].concat();
    let (folder, _) = written(&frames, "t.pcapng", &["--rotate-size", "1500"]);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 2, "{files:?}");
    for file in &files[1..] {
        let lines = read_back(file, &["--names"]);
        assert!(lines.lines().next().unwrap().contains("www.example.org:80"), "{}: {lines}", file.display());
    }
}

#[test]
fn names_leave_room_for_frames_in_every_file_of_a_row() {
    let told = (0..300u16).map(|number| {
        let name = format!("{}.example.org", "x".repeat(60));
        let address = [10, 0, (number >> 8) as u8, number as u8];
        datagram([53, 40_000], &answer(&name, 1, &[record(&name, 1, &address)]))
    });
    let frames: Vec<Vec<u8>> = told.chain(vec![segment(false, b"x"); 100]).collect();
    let (folder, _) = written(&frames, "t.pcapng", &["--rotate-size", "16kB"]);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!((4..20).contains(&files.len()), "{}", files.len());
    assert!(files.iter().all(|file| file.metadata().unwrap().len() <= 16_000));
    let read: usize = files.iter().map(|file| read_back(file, &[]).lines().count()).sum();
    assert_eq!(read, frames.len());
}

#[test]
fn tshark_reads_the_names_and_classic_pcap_holds_none() {
    let (_folder, path) = written(&told_then_used(), "t.pcapng", &["--where", "tcp"]);
    let hosts = std::process::Command::new("tshark").arg("-r").arg(&path).args(["-q", "-z", "hosts"]).output().unwrap();
    let hosts = String::from_utf8_lossy(&hosts.stdout).into_owned();
    assert!(hosts.lines().any(|line| line == "198.51.100.2\twww.example.org"), "{hosts}");
    let pcap = path.with_file_name("t.pcap");
    let refused = netlab().args(["capture", "--names", "-r"]).arg(&path).arg("-w").arg(&pcap).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no place for names\nhint: "));
    assert!(!pcap.exists());
}
