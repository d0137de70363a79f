//! `netlab capture -r --direction`: the way that files tell.

use netlab::capture::Frame;
use netlab::capture::files::write::{About, Format, Writer};
use netlab::link::LinkType;
use netlab::link::received::Way;
use serde_json::Value;

use crate::capture::{Trace, generated};
use crate::cli::netlab;

/// Exit status, directions of what is shown, what is said beside it.
fn run(trace: &Trace, arguments: &[&str]) -> (Option<i32>, Vec<String>, String) {
    let output = netlab().args(["capture", "--json", "-r", trace.path()]).args(arguments).output().unwrap();
    let direction = |line: &str| {
        let packet: Value = serde_json::from_str(line).unwrap();
        packet["direction"].as_str().unwrap_or("unknown").to_owned()
    };
    let shown = String::from_utf8(output.stdout).unwrap().lines().map(direction).collect();
    (output.status.code(), shown, String::from_utf8(output.stderr).unwrap())
}

/// Frames that went these ways, with cooked headers that tell it or without.
fn file(format: Format, link: LinkType, ways: &[Option<Way>]) -> Trace {
    let mut writer = Writer::create(Vec::new(), format, About::default()).unwrap();
    for way in ways {
        let mut bytes = [0; 60];
        let at = if link == LinkType::LinuxSll { 1 } else { 10 };
        bytes[at] = way.map_or(9, Way::packet_type);
        let way = way.filter(|_| link == LinkType::Ethernet);
        writer.frame(&Frame { time: Some(0), way, link, ..Frame::ethernet(&bytes) }).unwrap();
    }
    writer.finish(&[]).unwrap();
    Trace::named("t", &writer.into_inner())
}

const WAYS: [Option<Way>; 4] = [Some(Way::In), Some(Way::Out), Some(Way::Multicast), Some(Way::ToOther)];

#[test]
fn the_way_is_told_by_flags_or_by_a_cooked_header() {
    for (format, link) in [
        (Format::Pcapng, LinkType::Ethernet),
        (Format::Pcapng, LinkType::LinuxSll2),
        (Format::Pcap, LinkType::LinuxSll2),
        (Format::Pcap, LinkType::LinuxSll),
    ] {
        let trace = file(format, link, &WAYS);
        for (way, expected) in [
            ("in", &["in", "multicast", "to-other"][..]),
            ("out", &["out"]),
            ("both", &["in", "out", "multicast", "to-other"]),
        ] {
            let (code, shown, told) = run(&trace, &["-Q", way]);
            assert_eq!((code, told.as_str()), (Some(0), ""));
            assert_eq!(shown, expected, "{format:?} {link:?}");
        }
    }
}

#[test]
fn frames_of_which_nothing_is_known_are_counted() {
    let trace = file(Format::Pcapng, LinkType::Ethernet, &[None, Some(Way::In), None]);
    let (code, shown, told) = run(&trace, &["--direction", "in"]);
    assert_eq!((code, shown.len()), (Some(0), 1));
    assert_eq!(told, "netlab: 2 frames left out: nothing says which way they went\n");
}

#[test]
fn a_file_that_knows_no_directions_is_no_answer() {
    let trace = Trace::named("t.pcap", &generated(Format::Pcap, 5));
    let (code, shown, told) = run(&trace, &["--direction", "out"]);
    assert_eq!((code, shown.len()), (Some(2), 0));
    assert!(told.contains("no frame says which way it went") && told.contains("hint:"), "{told}");
    assert_eq!(run(&trace, &["--direction", "both"]).1.len(), 5);
}

#[test]
fn what_a_filter_does_not_want_is_not_asked_for_its_way() {
    let trace = Trace::named("t.pcap", &generated(Format::Pcap, 5));
    let (code, shown, told) = run(&trace, &["--direction", "out", "less 1"]);
    assert_eq!((code, shown.len(), told.as_str()), (Some(0), 0, ""));
}
