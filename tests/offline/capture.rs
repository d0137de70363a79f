//! `netlab capture -r`: how stored frames are shown.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use netlab::bytes::hex;
use netlab::capture::Frame;
use netlab::capture::files::write::{About, Format, Writer};
use netlab::link::LinkType;
use netlab::link::received::Way;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use serde_json::Value;

use crate::cli::netlab;
use crate::golden;
use crate::json_keys;
use crate::traffic::{Seen, Traffic};

/// How long anything may take that should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file in a folder of its own, which goes with it.
pub struct Trace {
    pub path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Trace {
    pub fn named(name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        Trace { path, _folder: folder }
    }

    pub fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

/// The first `count` frames of made-up traffic, as if seen on eth0.
pub fn generated(format: Format, count: usize) -> Vec<u8> {
    let about =
        About { application: "netlab".into(), system: "Linux".into(), snap_length: 262_144, ..About::default() };
    let mut writer = Writer::create(Vec::new(), format, about).unwrap();
    for (number, Seen { time_ns, frame }) in Traffic::new(1).take(count).enumerate() {
        let way = [Way::In, Way::Out, Way::ToOther, Way::Broadcast, Way::Multicast][number % 5];
        let frame = Frame {
            time: Some(time_ns as i64),
            interface: "eth0",
            way: Some(way),
            link: LinkType::Ethernet,
            bytes: &frame,
            original_length: frame.len() as u32,
            checksum_pending: false,
            comment: "",
        };
        writer.frame(&frame).unwrap();
    }
    writer.finish(&[]).unwrap();
    writer.into_inner()
}

fn run(arguments: &[&str]) -> Output {
    netlab().arg("capture").args(arguments).output().unwrap()
}

fn shown(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Golden frames that between them use every way to show something.
const LOOKS: [&str; 25] = [
    "arp_request",
    "arp_reply",
    "icmp_port_unreachable",
    "icmp_echo_request",
    "icmpv6_neighbour_solicitation",
    "ipv4_fragment_first",
    "ipv4_fragment_last",
    "ipv4_cut_by_capture",
    "ipv6_hop_by_hop",
    "sll2_vlan",
    "raw_ipv4",
    "tcp_bad_checksum",
    "tcp_checksum_pending",
    "tcp_data",
    "tcp_syn",
    "tcp_sack",
    "udp",
    "udp_length_too_long",
    "unknown_link_type",
    "vlan_stacked",
    "gre",
    "ip_in_ip",
    "llc_spanning_tree",
    "ethernet_cut",
    "empty",
];

/// Frames of every kind that the golden frames know, or those of [`LOOKS`].
pub fn golden_frames(only_looks: bool) -> Trace {
    let mut writer = Writer::create(Vec::new(), Format::Pcapng, About::default()).unwrap();
    let name = |golden: &golden::Golden| golden.path.file_stem().unwrap().to_string_lossy().into_owned();
    let wanted = |golden: &golden::Golden| !only_looks || LOOKS.contains(&name(golden).as_str());
    for (number, golden) in golden::all().into_iter().filter(wanted).enumerate() {
        let way = [None, Some(Way::In), Some(Way::Out)][number % 3];
        let frame = Frame {
            time: Some(1_700_000_000_000_000_000 + number as i64 * 1_234_567),
            interface: "eth0",
            way,
            link: golden.origin.link,
            bytes: &golden.frame,
            original_length: golden.origin.original_length,
            checksum_pending: false,
            comment: "",
        };
        writer.frame(&frame).unwrap();
    }
    writer.finish(&[]).unwrap();
    Trace::named("every.pcapng", &writer.into_inner())
}

/// Compares with tests/offline/golden/capture/NAME.txt; `scripts/update-golden` writes it anew.
fn compare(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/offline/golden/capture").join(format!("{name}.txt"));
    if std::env::var_os("NETLAB_UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
    } else if fs::read_to_string(&path).unwrap_or_default() != found {
        panic!("run scripts/update-golden and look at what changed: {}\n{found}", path.display());
    }
}

#[test]
fn every_kind_of_frame_looks_as_it_did() {
    let trace = golden_frames(true);
    assert_eq!(shown(&["-r", trace.path(), "-q"]).lines().count(), LOOKS.len());
    let looks =
        [("layers", &[][..]), ("line", &["-q"]), ("fields", &["-v"]), ("bytes", &["-x"]), ("dump", &["-q", "-X"])];
    for (name, options) in looks {
        compare(name, &shown(&[&["-r", trace.path()], options].concat()));
    }
}

#[test]
fn the_bytes_of_a_frame_can_be_read_back_from_what_is_shown() {
    let trace = golden_frames(false);
    let mut frames: Vec<Vec<u8>> = Vec::new();
    for line in shown(&["-r", trace.path(), "-X"]).lines() {
        if line.starts_with('#') {
            frames.push(Vec::new());
        }
        let Some((offset, row)) = line.strip_prefix("    ").and_then(|line| line.split_once(": ")) else { continue };
        let Ok(offset) = u64::from_str_radix(offset, 16) else { continue };
        let bytes = frames.last_mut().unwrap();
        assert_eq!(offset, bytes.len() as u64);
        let digits = row.split("  ").next().unwrap().replace(' ', "");
        bytes.extend(hex::parse_commented(&digits).unwrap());
    }
    assert_eq!(frames, golden::all().into_iter().map(|golden| golden.frame).collect::<Vec<_>>());
}

#[test]
fn the_clock_can_be_chosen() {
    let trace = Trace::named("two.pcap", &generated(Format::Pcap, 3));
    let times = |which: &str| {
        let text = shown(&["-r", trace.path(), "-q", "-t", which]);
        text.lines().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = times("first");
    assert_eq!(first[0], "+0.000000");
    let seconds = |text: &str| (text.trim_start_matches('+').parse::<f64>().unwrap() * 1e6).round() as i64;
    let previous = times("previous");
    assert_eq!(seconds(&previous[1]) + seconds(&previous[2]), seconds(&first[2]));
    assert!(times("utc")[0].starts_with("2023-11-14T22:13:20.000"));
    assert!(times("epoch")[0].starts_with("1700000000.000"));
}

#[test]
fn relative_numbers_begin_with_the_connection_and_absolute_ones_are_those_of_the_header() {
    let trace = Trace::named("t.pcap", &generated(Format::Pcap, 1));
    assert!(shown(&["-r", trace.path(), "-q"]).contains(" seq 0 "));
    assert!(shown(&["-r", trace.path()]).contains("(relative 0)"));
    let absolute = shown(&["-r", trace.path(), "-q", "-S"]);
    assert!(absolute.contains(" seq ") && !absolute.contains(" seq 0 "), "{absolute}");
    assert!(!shown(&["-r", trace.path(), "-S"]).contains("relative"));
}

#[test]
fn a_cut_file_shows_every_whole_frame_then_one_error_and_exits_with_2() {
    let mut file = generated(Format::Pcapng, 10);
    file.truncate(file.len() - 150);
    let trace = Trace::named("cut.pcapng", &file);
    let output = run(&["-r", trace.path(), "-q"]);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(2));
    assert!((8..10).contains(&out.lines().count()), "{out}");
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(err.contains("cut.pcapng: the file is cut short: a packet block at byte "), "{err}");
}

#[test]
fn what_cannot_be_read_is_an_error_that_names_it() {
    let trace = Trace::named("x.pcap", b"no capture");
    for (arguments, expected) in [
        (vec!["-r", "/no/such/file"], "open /no/such/file: no such file or directory (ENOENT)"),
        (vec!["-r", trace.path()], "not a capture file"),
        (vec!["-r", trace.path(), "eth0"], "hint: with -r there is no interface"),
        (vec![], "required"),
        (vec!["no-such-if0"], "find interface no-such-if0: no such device (ENODEV)\nhint: there are: lo"),
    ] {
        let output = run(&arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn what_is_copied_reads_the_same_and_a_file_is_not_copied_onto_itself() {
    let trace = Trace::named("a.pcapng", &generated(Format::Pcapng, 50));
    let copy = trace.path.with_file_name("b.pcapng");
    assert_eq!(shown(&["-r", trace.path(), "-w", copy.to_str().unwrap()]), "");
    let both = [trace.path(), copy.to_str().unwrap()].map(|path| shown(&["-r", path, "--json"]));
    assert_eq!(both[0], both[1]);
    let before = fs::read(&trace.path).unwrap();
    assert_eq!(run(&["-r", trace.path(), "-w", trace.path()]).status.code(), Some(2));
    assert_eq!(fs::read(&trace.path).unwrap(), before);
}

#[test]
#[cfg(feature = "parquet")]
fn one_file_is_not_written_twice_whatever_it_is_called() {
    let trace = Trace::named("a.pcapng", &generated(Format::Pcapng, 5));
    let folder = trace.path.parent().unwrap();
    let new = folder.join("new");
    let dotted = folder.join(".").join("new");
    let linked = folder.join("linked");
    std::os::unix::fs::symlink(folder, &linked).unwrap();
    let name = |path: &Path| path.to_str().unwrap().to_owned();
    for other in [name(&new), name(&dotted), name(&linked.join("new"))] {
        let output = run(&["-r", trace.path(), "-w", &name(&new), "--parquet", &other]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains("name the same file"), "{other}: {said}");
        assert!(!new.exists());
    }
}

#[test]
fn files_pass_through_pipes() {
    let file = generated(Format::Pcap, 20);
    let mut child = netlab();
    child.args(["capture", "-r", "-", "-w", "-", "-c", "7"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&file).unwrap();
    let mut copy = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut copy).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let trace = Trace::named("copy.pcapng", &copy);
    assert_eq!(shown(&["-r", trace.path(), "-q"]).lines().count(), 7);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let trace = Trace::named("long.pcap", &generated(Format::Pcap, 5000));
    for look in [
        &["-q"][..],
        &["-v"],
        &["-x"],
        &["--json"],
        &["-w", "-"],
        #[cfg(feature = "parquet")]
        &["--parquet", "-"],
    ] {
        let mut child = netlab();
        child.args(["capture", "-r", trace.path()]).args(look).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        drop(child.stdout.take());
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), ""), "{look:?}");
    }
}

#[test]
fn every_key_of_the_json_is_documented_and_every_layer_too() {
    let trace = golden_frames(false);
    let text = shown(&["-r", trace.path(), "--json"]);
    assert!(text.is_ascii());
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md")).unwrap();
    for line in text.lines() {
        let mut packet: Value = serde_json::from_str(line).unwrap();
        for layer in packet["layers"].as_array_mut().unwrap() {
            let fields = layer["fields"].take();
            let kind = layer["layer"].as_str().unwrap();
            assert!(document.contains(&format!("`{kind}`")), "docs/json.md does not know the layer {kind}");
            let snake = |key: &String| key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            assert!(fields.as_object().unwrap().keys().all(snake), "{fields}");
            layer["fields"] = Value::Bool(true);
        }
        json_keys::assert_documented("capture", &packet);
    }
}

#[test]
fn every_field_of_the_json_is_one_that_v_prints() {
    let trace = golden_frames(false);
    let snake = |c: char| if c.is_ascii_alphanumeric() || c == '\n' { c.to_ascii_lowercase() } else { '_' };
    let fields: String = shown(&["-r", trace.path(), "-v"]).chars().map(snake).collect();
    let mut keys = BTreeSet::new();
    for line in shown(&["-r", trace.path(), "--json"]).lines() {
        let packet: Value = serde_json::from_str(line).unwrap();
        for layer in packet["layers"].as_array().unwrap() {
            keys.extend(layer["fields"].as_object().unwrap().keys().cloned());
        }
    }
    for key in keys {
        let name = key.strip_suffix("_name").or(key.strip_suffix("_bytes")).unwrap_or(&key);
        assert!(fields.contains(name), "{key}");
    }
}

#[test]
fn foreign_names_and_bytes_reach_the_terminal_escaped() {
    let mut writer = Writer::create(Vec::new(), Format::Pcapng, About::default()).unwrap();
    let bytes: Vec<u8> = [vec![0; 12], vec![0x88, 0xb5], b"\x1b[2J\x9b31m evil text".repeat(3)].concat();
    let frame = Frame {
        time: None,
        interface: "e\x1b]0;x\x07\u{9b}",
        way: None,
        link: LinkType::Ethernet,
        bytes: &bytes,
        original_length: bytes.len() as u32,
        checksum_pending: false,
        comment: "",
    };
    writer.frame(&frame).unwrap();
    writer.finish(&[]).unwrap();
    let trace = Trace::named("evil.pcapng", &writer.into_inner());
    for look in [&[][..], &["-q"], &["-v"], &["-x"], &["--json"]] {
        let text = shown(&[&["-r", trace.path()], look].concat());
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{look:?}: {text:?}");
    }
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    let trace = Trace::named("c.pcap", &generated(Format::Pcap, 40));
    for look in [&[][..], &["-q"], &["-v"], &["-x"]] {
        let plain = shown(&[&["-r", trace.path()], look].concat());
        let coloured = shown(&[&["-r", trace.path(), "--color", "always"], look].concat());
        let mut stripped = String::new();
        for (at, part) in coloured.split('\x1b').enumerate() {
            stripped.push_str(if at == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(stripped, plain);
    }
}

#[test]
fn made_up_traffic_is_read_without_a_fault_but_for_the_damage_that_was_made() {
    for packet in Traffic::new(9).take(3000) {
        let (layers, _) = golden::read(&netlab::dissect::Origin::ethernet(&packet.frame), &packet.frame);
        for layer in layers {
            assert!(layer.fault.is_none(), "{} {:?}", layer.header.name(), layer.fault);
        }
    }
    let first: Vec<_> = Traffic::new(9).take(50).map(|seen| seen.frame).collect();
    let second: Vec<_> = Traffic::new(9).take(50).map(|seen| seen.frame).collect();
    assert_eq!(first, second, "the same seed gives the same frames");
}

/// Sends SIGTERM until `child` has ended, and gives its death or exit status.
fn terminate(mut child: std::process::Child) -> std::process::ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("the signals are ignored");
        }
        kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
        std::thread::yield_now();
    }
}

#[test]
fn a_fifo_that_nobody_opens_on_the_other_side_does_not_hold_the_process() {
    let trace = Trace::named("t.pcap", &generated(Format::Pcap, 1));
    let fifo = trace.path.with_file_name("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let fifo = fifo.to_str().unwrap();
    for arguments in [&["-r", fifo][..], &["-r", trace.path(), "-w", fifo]] {
        let child = netlab().arg("capture").args(arguments).spawn().unwrap();
        let (deadline, call) = (Instant::now() + PATIENCE, format!("/proc/{}/syscall", child.id()));
        let opening = format!("{} ", libc::SYS_openat);
        let name = format!("/proc/{}/comm", child.id());
        let mut seen = 0;
        // Seen again and again: opening anything else is over by then.
        while seen < 1000 {
            assert!(Instant::now() < deadline, "it never opens the FIFO");
            let waits = fs::read_to_string(&call).unwrap().starts_with(&opening);
            seen = if waits && fs::read_to_string(&name).unwrap() == "netlab\n" { seen + 1 } else { 0 };
        }
        assert_eq!(terminate(child).signal(), Some(libc::SIGTERM), "{arguments:?}");
    }
}

#[test]
fn a_second_signal_ends_a_capture_whose_output_nobody_reads() {
    let trace = Trace::named("long.pcap", &generated(Format::Pcap, 5000));
    let mut child = netlab();
    child.args(["capture", "-v", "-r", trace.path()]).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0]).unwrap();
    assert_eq!(terminate(child).signal(), Some(libc::SIGTERM));
}

#[test]
fn a_file_that_is_no_capture_leaves_the_output_as_it_was() {
    let trace = Trace::named("no.pcap", b"no capture");
    let (old, new) = (trace.path.with_file_name("old.pcap"), trace.path.with_file_name("new.pcap"));
    fs::write(&old, b"precious").unwrap();
    for output in [&old, &new] {
        assert_eq!(run(&["-r", trace.path(), "-w", output.to_str().unwrap()]).status.code(), Some(2));
    }
    assert_eq!((fs::read(&old).unwrap().as_slice(), new.exists()), (&b"precious"[..], false));
}

#[test]
fn a_file_is_read_without_any_right() {
    let trace = golden_frames(true);
    let mut child = netlab();
    child.args(["capture", "-q", "-r", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&fs::read(trace.path()).unwrap()).unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    for line in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(line), "{line}: {status}");
    }
    drop(input);
    std::io::copy(&mut out, &mut std::io::sink()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
#[cfg(not(feature = "parquet"))]
fn without_parquet_it_says_how_to_build_a_netlab_that_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table.parquet");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example.pcapng");
    let output = run(&["-r", example, "--parquet", table.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let expected = "netlab: this netlab was built without Parquet\nhint: cargo build --release --features parquet\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    assert!(!table.exists());
}

#[test]
fn options_without_an_effect_beside_others_are_refused() {
    let trace = golden_frames(false);
    let read = ["-r", trace.path()];
    for (arguments, said) in [
        (&[&read[..], &["--fields", "tcp.window", "--flows"]].concat()[..], "--fields is about single frames"),
        (&[&read[..], &["-X", "--follow"]].concat(), "-X is about single frames"),
        (&[&read[..], &["-x", "--endpoints"]].concat(), "-x is about single frames"),
        (&[&read[..], &["-v", "--flows"]].concat(), "-v is about single frames"),
        (&[&read[..], &["-X", "--json"]].concat(), "-X prints bytes as people read them"),
        (&["-d", "--process", "port", "80"], "cannot be used with '--process'"),
        (&["-d", "--flows", "port", "80"], "cannot be used with '--flows'"),
        (&["-d", "--json", "port", "80"], "-d prints a program, which is no JSON"),
        (&["lo", "--process", "--fields", "tcp.window"], "'--process' cannot be used with '--fields"),
        (&[&read[..], &["--fields", "tcp.window,"]].concat(), "a name is missing"),
        (&[&read[..], &["--where", "tcp\x1b[31m"]].concat(), "invalid value 'tcp\\x1b[31m'"),
        (&[&read[..], &["--follow=/dev/null"]].concat(), "create files in /dev/null: not a directory (ENOTDIR)"),
    ] {
        let output = netlab().arg("capture").args(arguments).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}: {errors}");
        assert!(errors.contains(said) && !errors.contains('\x1b'), "{arguments:?}: {errors}");
    }
    assert!(!shown(&["-r", trace.path(), "-x", "--follow"]).is_empty());
}

#[test]
fn times_since_the_frame_before_have_the_digits_of_their_file() {
    let frame = [0; 60];
    let mut writer = Writer::create(Vec::new(), Format::Pcapng, About::default()).unwrap();
    for time in [1_000_000_001, 1_000_005_001, 1_000_005_009] {
        writer.frame(&Frame { time: Some(time), ..Frame::ethernet(&frame) }).unwrap();
    }
    writer.finish(&[]).unwrap();
    let trace = Trace::named("times.pcapng", &writer.into_inner());
    let text = shown(&["-r", trace.path(), "-q", "-t", "previous"]);
    let times: Vec<&str> = text.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(times, ["+0.000000000", "+0.000005000", "+0.000000008"]);
}
