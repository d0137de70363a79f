//! Capture files that are compressed, and several read as one.

use std::fs;
use std::path::Path;
use std::process::Command;

use netlab::capture::files::write::Format;

use crate::capture::{Trace, generated};
use crate::cli::netlab;

const FRAMES: usize = 3000;

/// What is shown of capture files.
fn shown(files: &[&Path]) -> String {
    let mut command = netlab();
    command.args(["capture", "-q"]);
    for file in files {
        command.arg("-r").arg(file);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs `gzip` or `zstd` on a file; what it prints.
fn tool(name: &str, arguments: &[&str], file: &Path) -> Vec<u8> {
    let output = Command::new(name).args(arguments).arg(file).output();
    let output = output.unwrap_or_else(|error| panic!("{name} is needed (apt-get install {name}): {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn what_other_tools_compressed_is_read_whatever_its_name() {
    let trace = Trace::named("plain", &generated(Format::Pcapng, FRAMES));
    let expected = shown(&[&trace.path]);
    assert_eq!(expected.lines().count(), FRAMES);
    for (name, arguments) in [("gzip", ["-c", "-9"]), ("zstd", ["-c", "-3"]), ("zstd", ["-c", "-19"])] {
        let packed = Trace::named("packed", &tool(name, &arguments, &trace.path));
        assert!(shown(&[&packed.path]) == expected, "{name} {arguments:?}");
    }
}

#[test]
fn what_is_written_compressed_other_tools_read() {
    let trace = Trace::named("in.pcapng", &generated(Format::Pcapng, FRAMES));
    for (ending, name) in [("pcapng.gz", "gzip"), ("pcap.gz", "gzip"), ("pcapng.zst", "zstd"), ("pcap.zst", "zstd")] {
        let plain = trace.path.with_file_name("plain").with_extension(ending.split('.').next().unwrap());
        let packed = trace.path.with_file_name(format!("packed.{ending}"));
        for to in [&plain, &packed] {
            assert!(netlab().args(["capture", "-r", trace.path(), "-w"]).arg(to).status().unwrap().success());
        }
        assert!(tool(name, &["-dc"], &packed) == fs::read(&plain).unwrap(), "{ending}");
        assert!(packed.metadata().unwrap().len() < plain.metadata().unwrap().len(), "{ending}");
        assert!(shown(&[&packed]) == shown(&[&plain]), "{ending}");
    }
}

#[test]
fn a_compressed_file_that_is_cut_short_shows_what_there_is_and_says_so() {
    let trace = Trace::named("plain", &generated(Format::Pcapng, FRAMES));
    let all = shown(&[&trace.path]);
    for (name, arguments) in [("gzip", ["-c", "-6"]), ("zstd", ["-c", "-3"])] {
        let mut packed = tool(name, &arguments, &trace.path);
        packed.truncate(packed.len() * 2 / 3);
        let cut = Trace::named("cut", &packed);
        let output = netlab().args(["capture", "-q", "-r", cut.path()]).output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(2), "{name}: {err}");
        assert!(err.contains("is cut short") && err.contains(cut.path()), "{name}: {err}");
        assert!(all.starts_with(&out) && out.lines().count() > FRAMES / 3, "{name}: {}", out.lines().count());
    }
}

#[test]
fn a_row_of_compressed_files_is_read_as_one() {
    let trace = Trace::named("in.pcapng", &generated(Format::Pcapng, FRAMES));
    let like = trace.path.with_file_name("row.pcapng.gz");
    let arguments = ["capture", "-r", trace.path(), "--rotate-size", "200kB", "-w", like.to_str().unwrap()];
    assert!(netlab().args(arguments).status().unwrap().success());
    let folder = trace.path.parent().unwrap();
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("row-"));
    assert!(files.len() > 2, "{files:?}");
    files.sort();
    files.reverse();
    let files: Vec<&Path> = files.iter().map(std::path::PathBuf::as_path).collect();
    let expected = shown(&[&trace.path]);
    assert_eq!(shown(&files).lines().count(), FRAMES);
    assert!(shown(&files) == expected, "the order of the files does not matter, that of the times does");
}

#[test]
fn standard_input_cannot_be_two_files() {
    let output = netlab().args(["capture", "-r", "-", "-r", "-"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("can be read once"), "{output:?}");
}
