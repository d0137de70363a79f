//! `netlab capture` with a filter: files, programs, errors.

use std::path::Path;
use std::process::Command;

use super::ethernet;
use crate::cli::netlab;

/// A capture file of these frames, one second apart.
fn capture(path: &Path, frames: &[Vec<u8>]) {
    let mut file = [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1].map(u32::to_ne_bytes).concat();
    for (second, frame) in frames.iter().enumerate() {
        let length = frame.len() as u32;
        file.extend([second as u32, 0, length, length].map(u32::to_ne_bytes).concat());
        file.extend(frame);
    }
    std::fs::write(path, file).unwrap();
}

fn output(arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = netlab().arg("capture").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn a_filtered_file_is_the_file_that_tcpdump_writes() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    capture(Path::new(&path("all.pcap")), &ethernet()[..2000]);
    for filter in ["tcp port 80 or 443", "vlan 5", "not ip and not ip6", "host 10.0.0.1 and less 100"] {
        let written =
            Command::new("tcpdump").args(["-r", &path("all.pcap"), "-w", &path("theirs.pcap"), filter]).output();
        assert!(written.expect("this test needs tcpdump: apt-get install tcpdump").status.success());
        let words: Vec<&str> = filter.split(' ').collect();
        let (_, errors, status) = output(&[&["-r", &path("all.pcap"), "-w", &path("ours.pcap")], &words[..]].concat());
        assert_eq!((errors.as_str(), status), ("", Some(0)), "{filter}");
        // Behind the file header, where the two may say different things about themselves.
        let [ours, theirs] = ["ours.pcap", "theirs.pcap"].map(|name| std::fs::read(path(name)).unwrap()[24..].to_vec());
        assert!(!theirs.is_empty() && ours == theirs, "{filter}");
    }
}

#[test]
fn a_count_counts_the_frames_that_match() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("all.pcap");
    capture(&path, &ethernet()[..500]);
    let (lines, _, status) = output(&["-r", path.to_str().unwrap(), "-q", "-c", "3", "udp"]);
    assert_eq!((lines.lines().count(), status), (3, Some(0)), "{lines}");
}

#[test]
fn programs_are_printed_as_tcpdump_prints_them() {
    for (ours, theirs) in [("-dd", "-dd"), ("-ddd", "-ddd")] {
        let expression = "tcp[tcpflags] & tcp-syn != 0 or arp";
        let wanted = Command::new("tcpdump").args([theirs, "-y", "EN10MB", expression]).output().unwrap().stdout;
        assert_eq!(output(&[ours, expression]).0, String::from_utf8(wanted).unwrap());
    }
    let (listing, ..) = output(&["-d", "ip", "proto", "6"]);
    let first = listing.lines().next().unwrap();
    assert!(first.starts_with("(000) ldh      [12] ") && first.ends_with("; ether type"), "{listing}");
    assert!(listing.contains("jeq      #0x6             jt 4    jf 5     ; TCP?"), "{listing}");
    assert!(output(&["-d", "--live", "vlan"]).0.contains("[vlanp]"));
    assert!(output(&["-d", "-y", "raw", "ip"]).0.contains("IP version"));
}

#[test]
fn a_wrong_filter_is_shown_with_a_caret_and_nothing_is_read() {
    let (out, errors, status) = output(&["-r", "/nonexistent", "tcp", "port", "htp"]);
    assert_eq!((out.as_str(), status), ("", Some(2)));
    assert_eq!(errors, "netlab: filter: no service is called htp\n  tcp port htp\n           ^^^\n");
}
