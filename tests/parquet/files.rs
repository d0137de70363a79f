//! The file itself: how it begins and ends, what stands in it, what can go wrong.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::json;

use crate::captures::{MIXED, capture, rows, rows_in, succeeded};
use crate::netlab;

crate::tests![
    several_captures_become_more_rows_than_a_group_has_in_the_order_of_time,
    rows_are_the_frames_that_filter_and_condition_let_through,
    a_table_goes_through_a_pipe,
    a_full_disk_is_an_error_with_its_name,
    a_capture_is_not_overwritten_by_its_table,
    a_damaged_capture_leaves_the_table_that_was_there,
    texts_and_numbers_are_those_of_the_columns_of_fields,
    a_flow_has_the_number_that_it_had_in_tables_written_before,
];

fn several_captures_become_more_rows_than_a_group_has_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = netlab();
    command.arg("capture");
    for _ in 0..12 {
        command.arg("-r").arg(capture("mixed.pcapng"));
    }
    command.arg("--parquet").arg(folder.path().join("all.parquet"));
    succeeded(command);
    let groups = "SELECT count(DISTINCT row_group_id)::INT AS groups, max(row_group_num_rows)::INT AS most \
                  FROM parquet_metadata('all.parquet')";
    assert_eq!(rows_in(folder.path(), groups), [json!({ "groups": 2, "most": 65_536 })]);
    let order = "SELECT count(*) AS rows, count(*) FILTER (time < before) AS late, count(*) FILTER (number <> place) AS off \
                 FROM (SELECT time, lag(time) OVER () AS before, number, row_number() OVER () AS place FROM 'all.parquet')";
    assert_eq!(rows_in(folder.path(), order), [json!({ "rows": 12 * MIXED, "late": 0, "off": 0 })]);
}

fn rows_are_the_frames_that_filter_and_condition_let_through() {
    let folder = tempfile::tempdir().unwrap();
    for (name, more) in [("alone", &[][..]), ("shown", &["--fields", "frame.number"][..])] {
        let mut command = netlab();
        command.args(["capture", "-r"]).arg(capture("mixed.pcapng")).args([
            "tcp",
            "--where",
            "tcp.syn and not tcp.ack",
        ]);
        command.args(more).arg("--parquet").arg(folder.path().join(name).with_extension("parquet"));
        let shown = succeeded(command);
        let query = format!("SELECT number, tcp_flags FROM '{name}.parquet'");
        let rows = rows_in(folder.path(), &query);
        assert!(rows.len() > 20 && rows.iter().all(|row| row["tcp_flags"].as_str().unwrap().starts_with("SYN")));
        if name == "shown" {
            let numbers: Vec<String> = rows.iter().map(|row| row["number"].to_string()).collect();
            assert_eq!(shown.lines().collect::<Vec<_>>(), numbers);
        }
    }
    assert_eq!(
        fs::read(folder.path().join("alone.parquet")).unwrap(),
        fs::read(folder.path().join("shown.parquet")).unwrap()
    );
}

fn a_table_goes_through_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table.parquet");
    let to = |path: &Path| {
        let mut command = netlab();
        command.args(["capture", "-r"]).arg(capture("mixed.pcapng")).arg("--parquet").arg(path);
        let output = command.output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    assert!(to(&table).is_empty());
    assert!(to(Path::new("-")) == fs::read(&table).unwrap());
    let mut command = netlab();
    command.args(["capture", "-r"]).arg(capture("mixed.pcapng")).args(["--parquet", "-"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()), "a closed pipe ends quietly");
    for beside in ["-q", "--flows"] {
        let mut command = netlab();
        let output = command.args(["capture", "-r"]).arg(capture("mixed.pcapng")).args(["--parquet", "-", beside]);
        let output = output.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{beside} would be mixed with the table");
        assert!(output.stdout.is_empty());
    }
}

fn a_full_disk_is_an_error_with_its_name() {
    let mut command = netlab();
    command.args(["capture", "-r"]).arg(capture("mixed.pcapng")).args(["--parquet", "/dev/full"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "netlab: write /dev/full: no space left on device (ENOSPC)\n"
    );
}

fn refused(arguments: &[&str]) -> String {
    let output = netlab().arg("capture").args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stderr).unwrap()
}

fn a_capture_is_not_overwritten_by_its_table() {
    let (folder, whole) = (tempfile::tempdir().unwrap(), fs::read(capture("mixed.pcapng")).unwrap());
    let path = folder.path().join("mixed.pcapng");
    fs::write(&path, &whole).unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(refused(&["-r", path, "--parquet", path]), "netlab: -r and --parquet name the same file\n");
    let both = folder.path().join("both");
    let both_twice = ["-r", path, "-w", both.to_str().unwrap(), "--parquet", both.to_str().unwrap()];
    assert_eq!(refused(&both_twice), "netlab: -w and --parquet name the same file\n");
    assert!(!both.exists(), "what is refused leaves no file");
    assert!(fs::read(path).unwrap() == whole);
}

fn a_damaged_capture_leaves_the_table_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let (capture, table) = (folder.path().join("bad.pcap"), folder.path().join("table.parquet"));
    fs::write(&capture, "no capture").unwrap();
    fs::write(&table, "what was there").unwrap();
    refused(&["-r", capture.to_str().unwrap(), "--parquet", table.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&table).unwrap(), "what was there");
}

/// Columns of a table, and the fields of `--fields` with the same values wherever a frame has one such header.
const SAME: [(&str, &str); 18] = [
    ("number", "frame.number"),
    ("epoch_ns(time)", "frame.time_ns"),
    ("interface", "frame.interface"),
    ("captured_bytes", "frame.captured_bytes"),
    ("original_bytes", "frame.original_bytes"),
    ("source_mac", "ethernet.source"),
    ("destination_mac", "ethernet.destination"),
    ("arp_sender_address", "arp.sender_protocol_address"),
    ("arp_target_address", "arp.target_protocol_address"),
    ("arp_operation", "arp.operation"),
    ("tcp_sequence_number", "tcp.sequence_number"),
    ("tcp_window", "tcp.window"),
    ("tcp_window_scale", "tcp.shift_count"),
    ("tcp_mss_bytes", "tcp.maximum_segment_size"),
    ("tcp_relative_sequence_number", "tcp.relative_sequence_number"),
    ("tls_server_name", "tls.server_name"),
    ("http_target", "http.target"),
    ("dns_identifier", "dns.identifier"),
];

fn texts_and_numbers_are_those_of_the_columns_of_fields() {
    let selected: Vec<String> = SAME
        .iter()
        .enumerate()
        .map(|(at, (column, _))| format!("coalesce(({column})::VARCHAR, '') AS c{at}"))
        .collect();
    // Of messages between programs a table has the first of a frame, and all three dialects of DNS in the same columns.
    let query = format!(
        "SELECT {} FROM 'captures/mixed.parquet' WHERE application IS NULL OR application NOT IN ('mdns', 'llmnr') \
         ORDER BY number",
        selected.join(", ")
    );
    let rows = rows(&query);
    let mut command = netlab();
    command.args(["capture", "-r"]).arg(capture("mixed.pcapng"));
    let fields: Vec<&str> = SAME.iter().map(|(_, field)| *field).collect();
    command.args(["--where", "not mdns and not llmnr", "--fields", &fields.join(",")]);
    let text = succeeded(command);
    assert!(text.lines().count() > MIXED / 2);
    assert_eq!(text.lines().count(), rows.len());
    for (line, row) in text.lines().zip(&rows) {
        for (at, (ours, (column, _))) in line.split('\t').zip(SAME).enumerate() {
            let first = ours.split(',').next().unwrap();
            assert_eq!(row[format!("c{at}")], first, "{column} in {line}");
        }
    }
}

fn a_flow_has_the_number_that_it_had_in_tables_written_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = netlab();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example.pcapng");
    command.args(["capture", "-r", example, "--parquet"]).arg(folder.path().join("table.parquet")).arg("tcp");
    succeeded(command);
    let rows = rows_in(folder.path(), "SELECT DISTINCT flow FROM 'table.parquet'");
    assert_eq!(rows, [json!({ "flow": 8_078_040_251_083_434_254_i64 })]);
}
