//! Limits of a capture, and rows of files in place of one.

use std::fs;
use std::path::Path;

use netlab::capture::files::write::{About, Format, Writer};
use netlab::capture::{Frame, Source, Stored};

use crate::capture::{Trace, generated};
use crate::cli::netlab;

/// A frame of 1000 bytes every second from 1970-01-01T00:00:05 on, with its number in the first byte.
fn one_a_second(count: u8) -> Trace {
    let mut writer = Writer::create(Vec::new(), Format::Pcapng, About::default()).unwrap();
    for number in 0..count {
        let mut bytes = vec![0; 1000];
        bytes[0] = number;
        let time = Some((5 + i64::from(number)) * 1_000_000_000);
        writer.frame(&Frame { time, interface: "eth0", ..Frame::ethernet(&bytes) }).unwrap();
    }
    writer.finish(&[]).unwrap();
    Trace::named("in.pcapng", &writer.into_inner())
}

/// Runs `capture -r … -w row.ENDING` with these arguments; the names of the files and the frames' numbers in each.
fn row(trace: &Trace, ending: &str, arguments: &[&str]) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let like = folder.path().join(format!("row.{ending}"));
    let mut command = netlab();
    command.args(["capture", "-r", trace.path(), "-w", like.to_str().unwrap()]).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), numbers(path))).collect()
}

/// The numbers of the frames in a file, which must be whole.
fn numbers(path: &Path) -> Vec<u8> {
    let mut stored = Stored::open(fs::File::open(path).unwrap()).unwrap();
    let mut numbers = Vec::new();
    while let Some(frame) = stored.next().unwrap() {
        numbers.push(frame.bytes[0]);
    }
    numbers
}

#[test]
fn a_row_by_time_turns_at_multiples_of_the_time() {
    for ending in ["pcapng", "pcap"] {
        let files = row(&one_a_second(20), ending, &["--rotate-every", "10s"]);
        let name = |number: u8, second: u8| format!("row-0000{number}-19700101T0000{second:02}Z.{ending}");
        let expected =
            [(name(1, 5), (0..5).collect()), (name(2, 10), (5..15).collect()), (name(3, 20), (15..20).collect())];
        assert_eq!(files, expected);
    }
}

#[test]
fn a_row_by_size_has_no_larger_file_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let trace = Trace::named("big.pcapng", &generated(Format::Pcapng, 3000));
    let like = folder.path().join("row.pcapng");
    let arguments = ["-r", trace.path(), "-w", like.to_str().unwrap(), "--rotate-size", "100kB"];
    assert!(netlab().arg("capture").args(arguments).status().unwrap().success());
    let mut files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 5, "{}", files.len());
    let sizes: Vec<u64> = files.iter().map(|path| path.metadata().unwrap().len()).collect();
    assert!(sizes.iter().all(|size| *size <= 100_000), "{sizes:?}");
    let frames: usize = files.iter().map(|path| numbers(path).len()).sum();
    assert_eq!(frames, 3000);
}

#[test]
fn only_the_newest_files_of_a_row_are_kept() {
    let kept = row(&one_a_second(40), "pcapng", &["--rotate-every", "10s", "--rotate-size", "5kB", "--keep", "2"]);
    let numbers: Vec<u8> = kept.iter().flat_map(|(_, numbers)| numbers.clone()).collect();
    assert_eq!(kept.len(), 2);
    assert_eq!((numbers.first(), numbers.last()), (Some(&(40 - numbers.len() as u8)), Some(&39)), "{kept:?}");
}

#[test]
fn a_row_takes_no_name_that_is_taken() {
    let trace = one_a_second(1);
    let taken = trace.path.with_file_name("row-00001-19700101T000005Z.pcap");
    fs::write(&taken, "mine").unwrap();
    let like = trace.path.with_file_name("row.pcap");
    let arguments = ["-r", trace.path(), "-w", like.to_str().unwrap(), "--rotate-size", "1MB"];
    let output = netlab().arg("capture").args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("(EEXIST)"), "{output:?}");
    assert_eq!(fs::read(&taken).unwrap(), b"mine");
}

#[test]
fn a_row_that_cannot_be_is_told_before_anything_is_read() {
    let trace = one_a_second(1);
    for (arguments, expected) in [
        (
            ["-w", "/no/such/row.pcap", "--rotate-size", "1MB"],
            "create files in /no/such: no such file or directory (ENOENT)",
        ),
        (["-w", "-", "--rotate-size", "1MB"], "standard output is one file"),
        (["-w", "x.pcap", "--keep", "2"], "--rotate-size or --rotate-every"),
        (["-w", "x.pcap", "--rotate-size", "many"], "expected a size such as"),
        (["-w", "x.pcap", "--rotate-every", "10"], "expected a time such as"),
    ] {
        let output = netlab().args(["capture", "-r", trace.path()]).args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_capture_of_a_size_ends_with_the_frame_that_reaches_it() {
    let trace = one_a_second(20);
    for (size, frames) in [("1", 1), ("1000", 1), ("1001", 2), ("5kB", 5), ("1MB", 20)] {
        let output = netlab().args(["capture", "-q", "-r", trace.path(), "--size", size]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), frames, "{size}");
    }
}
