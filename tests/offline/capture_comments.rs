//! What pcapng files say to people: comments beside frames and of the whole, filters, losses.

use std::process::Command;

use netlab::capture::files::write::{About, Format, Writer};
use netlab::capture::{Counted, Frame};
use netlab::link::LinkType;
use serde_json::Value;

use crate::capture::Trace;
use crate::cli::netlab;

/// Frames with these comments, a second apart, with times of their own from `start` on.
fn commented(start: i64, comments: &[&str], about: About, counted: &[Counted]) -> Vec<u8> {
    let mut writer = Writer::create(Vec::new(), Format::Pcapng, about).unwrap();
    writer.describe("eth0", LinkType::Ethernet).unwrap();
    for (at, comment) in comments.iter().enumerate() {
        let time = Some(start + at as i64 * 1_000_000_000);
        writer.frame(&Frame { time, interface: "eth0", comment, ..Frame::ethernet(&[0; 60]) }).unwrap();
    }
    writer.finish(counted).unwrap();
    writer.into_inner()
}

/// What `netlab capture` prints, and what it says beside that.
fn capture(arguments: &[&str]) -> (String, String) {
    let output = netlab().arg("capture").args(arguments).output().unwrap();
    let texts = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{}", texts[1]);
    texts.into()
}

/// The comments as tshark reads them.
fn as_tshark_reads_them(trace: &Trace) -> Vec<String> {
    let output =
        Command::new("tshark").args(["-r", trace.path(), "-T", "fields", "-e", "frame.comment"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn comments_beside_frames_are_shown_chosen_and_kept_in_copies() {
    let trace = Trace::named("a.pcapng", &commented(0, &["first", "", "two\nlines"], About::default(), &[]));
    let (shown, _) = capture(&["-r", trace.path()]);
    assert!(shown.contains("\n    Comment   first\n    Ethernet"), "{shown}");
    assert!(shown.contains("\n    Comment   two\n              lines\n    Ethernet"), "{shown}");
    assert_eq!(shown.matches("Comment").count(), 2);
    let (lines, _) = capture(&["-r", trace.path(), "--json"]);
    let comments: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["comment"].clone()).collect();
    assert_eq!(comments, [Value::from("first"), Value::Null, Value::from("two\nlines")]);
    let chosen = ["-r", trace.path(), "--where", "frame.comment ~ \"LINES\"", "--fields", "frame.number,frame.comment"];
    assert_eq!(capture(&chosen).0, "3\ttwo\\nlines\n");
    let copy = Trace::named("b.pcapng", &[]);
    capture(&["-r", trace.path(), "-w", copy.path()]);
    let read = as_tshark_reads_them(&copy);
    assert_eq!((read.len(), &read[0], &read[1]), (3, &"first".to_owned(), &String::new()));
    assert_eq!(capture(&["-r", copy.path()]).0, shown);
}

#[test]
fn comments_stay_beside_their_frames_when_files_are_merged() {
    let odd = Trace::named("odd.pcapng", &commented(0, &["0 s", "1 s"], About::default(), &[]));
    let even = Trace::named("even.pcapng", &commented(500_000_000, &["0.5 s", "1.5 s"], About::default(), &[]));
    let (shown, _) = capture(&["-r", odd.path(), "-r", even.path(), "--fields", "frame.comment"]);
    assert_eq!(shown, "0 s\n0.5 s\n1 s\n1.5 s\n");
}

#[test]
fn long_comments_are_cut_between_letters_and_several_stay_several() {
    let long = "é".repeat(31_000);
    let trace = Trace::named("a.pcapng", &commented(0, &[&format!("{long}\nsecond")], About::default(), &[]));
    let read = capture(&["-r", trace.path(), "--fields", "frame.comment"]).0;
    assert_eq!(read, format!("{}\\nsecond\n", "é".repeat(30_000)));
    assert_eq!(as_tshark_reads_them(&trace), [format!("{},second", "é".repeat(30_000))]);
}

#[test]
fn several_comments_of_one_frame_are_read_one_below_the_other() {
    let file = commented(0, &["ab"], About::default(), &[]);
    let at = file.windows(8).position(|bytes| bytes == b"\x01\0\x02\0ab\0\0").unwrap();
    let option = file[at..at + 8].to_vec();
    let start = at - 60 - 28;
    let length = u32::from_le_bytes(file[start + 4..start + 8].try_into().unwrap());
    let mut twice = file.clone();
    twice.splice(at..at, option);
    for place in [start + 4, start + length as usize + 4] {
        twice[place..place + 4].copy_from_slice(&(length + 8).to_le_bytes());
    }
    let trace = Trace::named("twice.pcapng", &twice);
    assert_eq!(capture(&["-r", trace.path(), "--fields", "frame.comment"]).0, "ab\\nab\n");
    assert_eq!(as_tshark_reads_them(&trace), ["ab,ab"]);
}

#[test]
fn what_a_file_says_of_itself_is_told_and_escaped() {
    let about = About { comment: "from the\x1b[2J lab".into(), filter: "tcp port 80".into(), ..About::default() };
    let lost = Counted { interface: "eth0".into(), seen: 9, dropped: 4, missed: 1, ..Counted::default() };
    let trace = Trace::named("a.pcapng", &commented(0, &[""], about, &[lost]));
    let (_, said) = capture(&["-r", trace.path(), "-q"]);
    for part in [
        "a.pcapng: comment: from the\\x1b[2J lab\n",
        "a.pcapng: eth0: captured with the filter tcp port 80\n",
        "a.pcapng: eth0: the interface lost 1 frame of this capture\n",
        "a.pcapng: eth0: the kernel lost 4 frames of this capture\n",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let silent = Trace::named("b.pcapng", &commented(0, &["beside a frame"], About::default(), &[Counted::default()]));
    assert_eq!(capture(&["-r", silent.path(), "-q"]).1, "");
}

#[test]
fn a_comment_of_the_whole_file_needs_a_format_that_has_a_place_for_it() {
    let trace = Trace::named("a.pcapng", &commented(0, &[""], About::default(), &[]));
    let copy = Trace::named("b.pcapng", &[]);
    capture(&["-r", trace.path(), "-w", copy.path(), "--comment", "seen on a Friday"]);
    assert!(capture(&["-r", copy.path(), "-q"]).1.ends_with("b.pcapng: comment: seen on a Friday\n"));
    let classic = trace.path.with_file_name("b.pcap");
    let arguments = ["capture", "-r", trace.path(), "-w", classic.to_str().unwrap(), "--comment", "x"];
    let output = netlab().args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!classic.exists());
}
