//! The captures that are asked about, and what reads them: DuckDB and netlab itself.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use netlab::capture::files::write::{About, Format, Writer};
use netlab::capture::{Dissector, Frame};
use netlab::dissect::Header;
use netlab::link::received::Way;
use netlab::transport::tcp::Flags;
use serde_json::Value;

use crate::netlab;
use crate::tcp_traffic::connections;
use crate::traffic::{Seen, Traffic};

/// Frames of the mixed capture.
pub const MIXED: usize = 6000;

/// A folder with captures, and in its folder `captures` a table of each.
pub static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("captures")).unwrap();
    let mixed = Traffic::new(1).take(MIXED).map(|Seen { time_ns, frame }| (time_ns, frame));
    for (name, frames) in [("mixed", mixed.collect()), ("connections", connections(60)), ("silence", silence())] {
        let (from, to) = (folder.path().join(format!("{name}.pcapng")), folder.path().join(format!("captures/{name}")));
        write(&from, &frames);
        let mut command = netlab();
        command.args(["capture", "--analyze", "-r"]).arg(&from).arg("--parquet").arg(to.with_extension("parquet"));
        assert_eq!(succeeded(command), "", "nothing is shown beside a table");
    }
    folder
});

/// SYNs alone, and the start of a frame.
fn silence() -> Vec<(u64, Vec<u8>)> {
    let mut dissector = Dissector::new(false);
    let mut is_syn = |frame: &[u8]| {
        let packet = dissector.read(Frame::ethernet(frame));
        packet.layers.iter().any(|layer| matches!(&layer.header, Header::Tcp(tcp) if tcp.flags == Flags::SYN))
    };
    let mut frames: Vec<_> = Traffic::new(2).take(1000).map(|Seen { time_ns, frame }| (time_ns, frame)).collect();
    let cut = frames[0].1[..20].to_vec();
    frames.retain(|(_, frame)| is_syn(frame));
    frames.insert(0, (frames[0].0, cut));
    frames
}

fn write(path: &Path, frames: &[(u64, Vec<u8>)]) {
    let mut writer = Writer::create(Vec::new(), Format::Pcapng, About::default()).unwrap();
    for (time, bytes) in frames {
        writer
            .frame(&Frame { time: Some(*time as i64), interface: "eth0", way: Some(Way::In), ..Frame::ethernet(bytes) })
            .unwrap();
    }
    writer.finish(&[]).unwrap();
    fs::write(path, writer.into_inner()).unwrap();
}

/// The path of a capture.
pub fn capture(name: &str) -> PathBuf {
    FOLDER.path().join(name)
}

/// What a program prints that must go well.
pub fn succeeded(mut command: Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What netlab prints of the captures together.
pub fn shown(arguments: &[&str]) -> String {
    let mut command = netlab();
    command.arg("capture");
    for name in ["connections.pcapng", "mixed.pcapng", "silence.pcapng"] {
        command.arg("-r").arg(capture(name));
    }
    command.args(arguments);
    succeeded(command)
}

/// The one document that netlab prints of the captures.
pub fn document(arguments: &[&str]) -> Value {
    serde_json::from_str(&shown(&[arguments, &["--json"]].concat())).unwrap()
}

/// The columns of each line that netlab prints of the captures.
pub fn columns(fields: &str, arguments: &[&str]) -> Vec<Vec<String>> {
    let text = shown(&[&["--fields", fields], arguments].concat());
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// The rows that DuckDB answers, asked in `folder`.
pub fn rows_in(folder: &Path, query: &str) -> Vec<Value> {
    let python = std::env::var_os("NETLAB_PYTHON").expect("scripts/test-parquet says which Python has DuckDB");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parquet/query.py");
    let mut child = Command::new(python);
    let child = child.arg(script).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(query.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "DuckDB refuses:\n{query}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The rows that DuckDB answers about the captures.
pub fn rows(query: &str) -> Vec<Value> {
    rows_in(FOLDER.path(), query)
}
