//! Live captures: what was sent is what is shown, and the counts add up.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use netlab::bytes::Mac;
use netlab::capture::{Source, Stored};
use netlab::kernel::namespace::Host;
use netlab::kernel::netlink::Netlink;
use netlab::link::packet_socket::{Instruction, Kind, Named, PacketSocket};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::netlab;
use crate::topology::{INTERFACE, PATIENCE, Pair, host, pair, pair_with_ipv6, routed};

crate::tests![
    what_each_end_says_is_saved_in_files_made_inside_the_sandbox,
    what_is_sent_is_shown_in_order_and_nothing_else,
    a_count_stops_at_exactly_that_many,
    ctrl_c_under_load_shows_every_frame_that_was_seen,
    ctrl_c_under_load_leaves_a_file_that_lacks_no_frame_before_its_last,
    frames_that_do_not_meet_the_condition_are_counted_beside_those_that_do,
    frames_that_the_output_is_too_slow_for_are_counted_and_the_ring_goes_on,
    frames_that_the_ring_has_no_room_for_are_counted,
    several_interfaces_are_merged_in_the_order_of_their_times,
    after_its_duration_a_capture_ends_and_the_counts_add_up,
    a_row_of_files_holds_every_frame,
    of_frames_that_are_only_written_as_many_as_were_asked_for_are_in_every_kind_of_file,
    another_namespace_is_entered_by_a_process_or_a_path,
    a_namespace_that_is_not_there_says_how_to_name_one,
    strict_makes_loss_a_no_and_stats_tell_where,
    a_capture_under_way_holds_no_right_in_any_of_its_threads,
    what_is_written_reads_back_the_same,
    all_interfaces_together_show_the_name_of_each,
    a_small_snapshot_keeps_the_true_length,
    what_is_written_of_a_small_snapshot_is_what_tcpdump_reads,
    a_tag_that_the_kernel_took_out_is_shown,
    loopback_shows_each_frame_once_and_knows_that_checksums_are_pending,
    a_datagram_that_the_kernel_sends_in_fragments_is_shown_whole,
    a_chosen_reader_is_used_on_another_port,
    names_are_those_of_the_hosts_file_read_before_the_sandbox_and_of_answers_seen,
    one_direction_alone_is_taken_from_an_interface_or_from_all,
    on_loopback_either_direction_shows_each_frame_once,
    an_interface_that_goes_down_ends_the_capture_and_is_told,
    an_interface_that_goes_away_ends_the_capture_and_is_told,
    an_interface_that_is_down_is_refused,
    a_missing_privilege_names_the_capability_and_the_cure,
    a_reader_that_closes_the_pipe_ends_the_capture_quietly,
    a_file_is_written_to_a_pipe_as_frames_come,
    what_is_refused_leaves_the_file_as_it_was,
    two_interfaces_of_one_kind_fit_into_a_classic_file,
];

/// An ether type for experiments (IEEE 802, local experimental 1), which nobody else sends.
const EXPERIMENT: [u8; 2] = [0x88, 0xb5];

/// A running `netlab capture`. Its lines are read by threads, so that it never waits for this test.
pub struct Capture {
    child: Child,
    out: mpsc::Receiver<String>,
    err: mpsc::Receiver<String>,
}

fn lines(from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn next(lines: &mpsc::Receiver<String>) -> String {
    lines.recv_timeout(PATIENCE).expect("a line in time")
}

/// The lines up to the end, which must come in time.
fn rest(lines: &mpsc::Receiver<String>) -> Vec<String> {
    let next = || match lines.recv_timeout(PATIENCE) {
        Ok(line) => Some(line),
        Err(mpsc::RecvTimeoutError::Disconnected) => None,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the capture neither speaks nor ends"),
    };
    std::iter::from_fn(next).collect()
}

impl Capture {
    /// Starts on `host` and waits until frames are captured.
    pub fn start(host: &Host, arguments: &[&str]) -> Self {
        let mut command = netlab();
        command.arg("capture").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = host.run(move || command.spawn().unwrap());
        let (out, err) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        let first = next(&err);
        assert!(first.contains("capturing on"), "{first}");
        Capture { child, out, err }
    }

    pub fn next(&self) -> String {
        next(&self.out)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.next()).unwrap()
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    pub fn interrupt(&self) {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGINT).unwrap();
    }

    /// Waits for the end: the lines not read yet, everything on standard error, the exit status.
    pub fn end(mut self) -> (Vec<String>, String, Option<i32>) {
        let (out, err) = (rest(&self.out), rest(&self.err).join("\n"));
        (out, err, self.child.wait().unwrap().code())
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // One that has ended by itself needs no more.
        let _ = self.child.kill();
    }
}

/// The counts of a summary such as `5 frames seen: 3 shown, 2 dropped by the kernel`.
fn counts(summary: &str) -> (usize, usize, usize) {
    let [seen, shown, dropped] = first_numbers(summary);
    (seen, shown, dropped)
}

fn first_numbers<const N: usize>(summary: &str) -> [usize; N] {
    let line = summary.lines().find(|line| line.contains(" seen: ")).unwrap_or_else(|| panic!("no summary: {summary}"));
    let numbers: Vec<usize> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    *numbers.first_chunk().unwrap_or_else(|| panic!("too few counts: {summary}"))
}

/// A socket on `host` that sends frames as they are.
fn sender(host: &Host, interface: &str) -> PacketSocket {
    let name = interface.to_owned();
    host.run(move || {
        let index = Netlink::open().unwrap().link(&name).unwrap().index;
        let socket = PacketSocket::open(&Named { name, index }, Kind::WithLinkHeader, "testing").unwrap();
        socket.filter(&[Instruction::take(0)]).unwrap();
        socket.start().unwrap();
        socket
    })
}

fn send(socket: &PacketSocket, frame: &[u8]) {
    assert_eq!(nix::unistd::write(socket, frame).unwrap(), frame.len());
}

fn frame(destination: Mac, behind: &[u8]) -> Vec<u8> {
    let mut frame = [destination.0, Pair::LEFT_MAC.0].concat();
    frame.extend_from_slice(behind);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// An experimental frame with `number` in its first payload byte.
fn numbered(number: u8) -> Vec<u8> {
    frame(Pair::RIGHT_MAC, &[EXPERIMENT[0], EXPERIMENT[1], number])
}

fn payload(packet: &Value) -> String {
    packet["layers"].as_array().unwrap().last().unwrap()["fields"]["payload"].as_str().unwrap().to_owned()
}

fn what_is_sent_is_shown_in_order_and_nothing_else() {
    let pair = pair();
    let capture = Capture::start(&pair.right, &[INTERFACE, "--json"]);
    let socket = sender(&pair.left, INTERFACE);
    send(&socket, &numbered(1));
    send(&socket, &frame(Mac::BROADCAST, &[EXPERIMENT[0], EXPERIMENT[1], 2]));
    send(&socket, &frame(Mac([1, 0, 0x5e, 0, 0, 1]), &[EXPERIMENT[0], EXPERIMENT[1], 3]));
    send(&socket, &frame(Mac([2, 0xfc, 0, 0, 0, 9]), &[EXPERIMENT[0], EXPERIMENT[1], 4]));
    for (number, direction) in [(1, "in"), (2, "broadcast"), (3, "multicast"), (4, "to-other")] {
        let packet = capture.json();
        assert_eq!(packet["number"], number);
        assert_eq!(packet["direction"], direction);
        assert_eq!(packet["interface"], INTERFACE);
        assert!(payload(&packet).starts_with(&format!("{number:02x}00")), "{packet}");
    }
    capture.interrupt();
    let (rest, summary, code) = capture.end();
    assert_eq!((rest.as_slice(), code), ([].as_slice(), Some(0)), "{summary}");
    assert_eq!(counts(&summary), (4, 4, 0));
}

fn a_count_stops_at_exactly_that_many() {
    let pair = pair();
    let capture = Capture::start(&pair.right, &[INTERFACE, "-q", "-c", "2"]);
    let socket = sender(&pair.left, INTERFACE);
    for number in 0..5 {
        send(&socket, &numbered(number));
    }
    let (lines, summary, code) = capture.end();
    assert_eq!((lines.len(), code), (2, Some(0)), "{summary}");
    assert_eq!(counts(&summary).1, 2);
}

fn ctrl_c_under_load_shows_every_frame_that_was_seen() {
    let pair = pair();
    let capture = Capture::start(&pair.right, &[INTERFACE, "-q"]);
    let socket = sender(&pair.left, INTERFACE);
    let enough = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&enough);
    let load = std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            send(&socket, &numbered(7));
        }
    });
    for _ in 0..1000 {
        capture.next();
    }
    capture.interrupt();
    let (rest, summary, code) = capture.end();
    enough.store(true, Ordering::Relaxed);
    load.join().unwrap();
    let (seen, shown, dropped) = counts(&summary);
    assert_eq!(rest.len() + 1000, shown, "every frame counted as shown is a line: {summary}");
    assert_eq!((seen, code), (shown + dropped, Some(0)), "{summary}");
}

/// Frames are numbered, so that the file itself says whether one is missing.
fn ctrl_c_under_load_leaves_a_file_that_lacks_no_frame_before_its_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.pcapng");
    let pair = pair();
    for condition in [None, Some("ethernet.destination == ff:ff:ff:ff:ff:ff"), None] {
        let mut arguments = vec![INTERFACE, "-w", path.to_str().unwrap(), "--ring", "64"];
        arguments.extend(condition.map(|condition| ["--where", condition]).into_iter().flatten());
        let capture = Capture::start(&pair.right, &arguments);
        let (sent, (_, summary, code)) = under_load(&pair, || {
            let patience = Instant::now() + PATIENCE;
            while std::fs::metadata(&path).unwrap().len() < 1 << 20 {
                assert!(Instant::now() < patience, "the file does not grow");
                std::thread::yield_now();
            }
            // timeout(1) signals a process and then its group: that is one wish, said twice.
            capture.interrupt();
            capture.interrupt();
            capture.end()
        });
        let file = File::open(&path).unwrap();
        let mut stored = Stored::open(BufReader::new(file)).unwrap();
        let mut numbers = Vec::new();
        while let Some(frame) = stored.next().unwrap() {
            numbers.push(u64::from_be_bytes(*frame.bytes[14..].first_chunk().unwrap()));
        }
        let step = if condition.is_some() { 2 } else { 1 };
        let (seen, shown, _) = counts(&summary);
        assert_eq!((numbers.len(), code), (shown, Some(0)), "{summary}");
        assert!(summary.contains(" 0 dropped by the kernel") && !summary.contains("too slow"), "{summary}");
        assert!(numbers.iter().copied().eq((0..).step_by(step).take(shown)), "one is missing: {summary}");
        assert!(seen.abs_diff(shown * step) < step && seen as u64 <= sent, "{seen} of {sent}: {summary}");
    }
}

/// Sends numbered frames, every other one to all stations, while `work` is done; how many were sent.
fn under_load<T>(pair: &Pair, work: impl FnOnce() -> T) -> (u64, T) {
    let socket = sender(&pair.left, INTERFACE);
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut number = 0;
            while !enough.load(Ordering::Relaxed) {
                let to = if number % 2 == 0 { Mac::BROADCAST } else { Pair::RIGHT_MAC };
                send(&socket, &frame(to, &[&EXPERIMENT[..], &u64::to_be_bytes(number)].concat()));
                number += 1;
            }
            number
        });
        let result = work();
        enough.store(true, Ordering::Relaxed);
        (load.join().unwrap(), result)
    })
}

fn frames_that_do_not_meet_the_condition_are_counted_beside_those_that_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chosen.pcapng");
    let pair = pair();
    let condition = ["--where", "ethernet.destination == ff:ff:ff:ff:ff:ff"];
    for output in [["-q", "-S"], ["-w", path.to_str().unwrap()]] {
        let capture = Capture::start(&pair.right, &[&[INTERFACE], &output[..], &condition[..]].concat());
        let socket = sender(&pair.left, INTERFACE);
        for number in 0..30 {
            let to = if number % 3 == 0 { Mac::BROADCAST } else { Pair::RIGHT_MAC };
            send(&socket, &frame(to, &[EXPERIMENT[0], EXPERIMENT[1], number]));
        }
        capture.interrupt();
        let (lines, summary, code) = capture.end();
        let [seen, shown, passed_over, dropped] = first_numbers(&summary);
        assert_eq!((seen, shown, passed_over, dropped, code), (30, 10, 20, 0, Some(0)), "{summary}");
        assert!(summary.contains("20 passed over by --where"), "{summary}");
        assert_eq!(lines.len(), if output[0] == "-q" { 10 } else { 0 });
    }
}

/// Nobody reads standard output, so the queue of 1 MiB fills: what it has no room for must be in the counts.
fn frames_that_the_output_is_too_slow_for_are_counted_and_the_ring_goes_on() {
    const SENT: usize = 60_000;
    let pair = pair();
    let mut command = netlab();
    command.args(["capture", INTERFACE, "-x", "--queue", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pair.right.run(move || command.spawn().unwrap());
    let err = lines(child.stderr.take().unwrap());
    assert!(next(&err).contains("capturing on"));
    let socket = sender(&pair.left, INTERFACE);
    for _ in 0..SENT {
        send(&socket, &numbered(7));
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let out = lines(child.stdout.take().unwrap());
    let shown_lines = rest(&out).iter().filter(|line| line.starts_with('#')).count();
    let summary = rest(&err).join("\n");
    assert_eq!(child.wait().unwrap().code(), Some(0), "{summary}");
    let [seen, shown, dropped, overrun] = first_numbers(&summary);
    assert_eq!((shown_lines, seen), (shown, shown + dropped + overrun), "{summary}");
    assert_eq!(seen, SENT, "{summary}");
    assert!(overrun > 0 && summary.contains("dropped because the output was too slow"), "{summary}");
    assert!(summary.contains("hint: a larger --queue"), "{summary}");
}

/// A reader that gets no time to read lets the smallest ring fill: what the kernel drops must be in the counts.
fn frames_that_the_ring_has_no_room_for_are_counted() {
    const SENT: usize = 60_000;
    let pair = pair();
    let capture = Capture::start(&pair.right, &[INTERFACE, "-q", "--ring", "2"]);
    let socket = sender(&pair.left, INTERFACE);
    let process = Pid::from_raw(capture.child.id() as i32);
    kill(process, Signal::SIGSTOP).unwrap();
    for _ in 0..SENT {
        send(&socket, &numbered(7));
    }
    kill(process, Signal::SIGCONT).unwrap();
    capture.interrupt();
    let (lines, summary, code) = capture.end();
    let (seen, shown, dropped) = counts(&summary);
    assert_eq!((lines.len(), seen, code), (shown, shown + dropped, Some(0)), "{summary}");
    assert_eq!(seen, SENT, "{summary}");
    assert!(dropped > 0 && summary.contains("hint: a larger --ring"), "{summary}");
}

fn several_interfaces_are_merged_in_the_order_of_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.pcapng");
    let file = path.to_str().unwrap();
    let network = routed();
    let capture = Capture::start(
        &network.router,
        &["-i", "left", "-i", "right", "--json", "-w", file, "ether", "proto", "0x88b5"],
    );
    let sockets = [sender(&network.left, INTERFACE), sender(&network.right, INTERFACE)];
    for round in 0..50 {
        for socket in &sockets {
            send(socket, &frame(Mac::BROADCAST, &[EXPERIMENT[0], EXPERIMENT[1], round]));
        }
    }
    let shown: Vec<Value> = (0..100).map(|_| capture.json()).collect();
    capture.interrupt();
    let (rest, summary, code) = capture.end();
    assert_eq!((rest.len(), counts(&summary), code), (0, (100, 100, 0), Some(0)), "{summary}");
    assert!(shown.is_sorted_by_key(|packet| packet["time_ns"].as_i64()), "in the order of their times");
    let names: Vec<_> = shown.iter().map(|packet| packet["interface"].as_str().unwrap()).collect();
    assert_eq!(names, ["left", "right"].repeat(50));
    let read = netlab().args(["capture", "-r", file, "--json"]).output().unwrap();
    let stored: Vec<Value> =
        String::from_utf8(read.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(stored, shown);
}

fn after_its_duration_a_capture_ends_and_the_counts_add_up() {
    let pair = pair();
    for load in [false, true] {
        let capture = Capture::start(&pair.right, &[INTERFACE, "-q", "--duration", "300ms"]);
        let socket = sender(&pair.left, INTERFACE);
        send(&socket, &numbered(1));
        let enough = AtomicBool::new(!load);
        let (lines, summary, code) = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    send(&socket, &numbered(7));
                }
            });
            let end = capture.end();
            enough.store(true, Ordering::Relaxed);
            end
        });
        let (seen, shown, dropped) = counts(&summary);
        assert_eq!((lines.len(), seen, code), (shown, shown + dropped, Some(0)), "{summary}");
        assert!(if load { seen > 1 } else { seen == 1 }, "{summary}");
    }
}

fn a_row_of_files_holds_every_frame() {
    let folder = tempfile::tempdir().unwrap();
    let like = folder.path().join("row.pcapng");
    let pair = pair();
    let arguments = [INTERFACE, "-c", "200", "-w", like.to_str().unwrap(), "--rotate-size", "4kB"];
    let capture = Capture::start(&pair.right, &arguments);
    let socket = sender(&pair.left, INTERFACE);
    for number in 0..200 {
        send(&socket, &numbered(number));
    }
    let (_, summary, code) = capture.end();
    assert_eq!((counts(&summary).1, code), (200, Some(0)), "{summary}");
    let mut files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 3, "{files:?}");
    let read = |path: &std::path::PathBuf| {
        let output = netlab().args(["capture", "--json", "-r", path.to_str().unwrap()]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let packets: Vec<Value> = files
        .iter()
        .flat_map(|path| read(path).lines().map(|l| serde_json::from_str(l).unwrap()).collect::<Vec<_>>())
        .collect();
    let numbers: Vec<String> = packets.iter().map(|packet| payload(packet)[..2].to_owned()).collect();
    assert_eq!(numbers, (0..200).map(|number| format!("{number:02x}")).collect::<Vec<_>>());
    assert!(packets.iter().all(|packet| packet["interface"] == INTERFACE));
}

/// They are handed on by batches, and the last of them is cut.
fn of_frames_that_are_only_written_as_many_as_were_asked_for_are_in_every_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.pcapng", "b.pcap", "c.pcapng.zst", "d.pcap.gz"] {
        let pair = pair();
        let path = folder.path().join(name);
        let file = path.to_str().unwrap();
        let capture = Capture::start(&pair.right, &[INTERFACE, "-c", "150", "-w", file]);
        let socket = sender(&pair.left, INTERFACE);
        for number in 0..200 {
            send(&socket, &numbered(number));
        }
        let (_, summary, code) = capture.end();
        assert_eq!((counts(&summary).1, code), (150, Some(0)), "{summary}");
        let output = netlab().args(["capture", "--json", "-r", file]).output().unwrap();
        let stored = String::from_utf8(output.stdout).unwrap();
        let packets: Vec<Value> = stored.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let numbers: Vec<_> = packets.iter().map(|packet| payload(packet)[..2].to_owned()).collect();
        assert_eq!(numbers, (0..150).map(|number| format!("{number:02x}")).collect::<Vec<_>>(), "{name}");
        assert!(packets.iter().all(|packet| packet["direction"].is_string() == name.contains("pcapng")), "{name}");
    }
}

fn another_namespace_is_entered_by_a_process_or_a_path() {
    let pair = pair();
    let elsewhere = host("elsewhere", false);
    let mut sleeper = pair.right.run(|| std::process::Command::new("sleep").arg("60").spawn().unwrap());
    let process = sleeper.id().to_string();
    for namespace in [process.clone(), format!("/proc/{process}/ns/net")] {
        let capture = Capture::start(&elsewhere, &[INTERFACE, "-q", "-c", "1", "--netns", &namespace]);
        send(&sender(&pair.left, INTERFACE), &numbered(1));
        let (lines, summary, code) = capture.end();
        assert_eq!((lines.len(), code), (1, Some(0)), "{summary}");
    }
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
}

fn a_namespace_that_is_not_there_says_how_to_name_one() {
    let output = netlab().args(["capture", "lo", "--netns", "no-such"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("open /run/netns/no-such: no such file or directory (ENOENT)\nhint: "), "{told}");
}

fn strict_makes_loss_a_no_and_stats_tell_where() {
    let pair = pair();
    for (pause, expected) in [(false, 0), (true, 1)] {
        let capture = Capture::start(&pair.right, &[INTERFACE, "-q", "--ring", "2", "--strict", "--stats"]);
        let process = Pid::from_raw(capture.child.id() as i32);
        let socket = sender(&pair.left, INTERFACE);
        send(&socket, &numbered(1));
        capture.next();
        if pause {
            kill(process, Signal::SIGSTOP).unwrap();
            (0..30_000).for_each(|_| send(&socket, &numbered(7)));
            kill(process, Signal::SIGCONT).unwrap();
        }
        capture.interrupt();
        let (_, summary, code) = capture.end();
        assert_eq!(code, Some(expected), "{summary}");
        assert_eq!(counts(&summary).2 > 0, pause, "{summary}");
        assert!(summary.contains(" frames/s, ") && summary.contains("eth0: "), "{summary}");
        assert!(!summary.contains('\r'), "no line is written over where there is no terminal");
    }
}

/// What the kernel says of every thread of a process.
fn statuses(process: u32) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("status")).unwrap()).collect()
}

fn a_capture_under_way_holds_no_right_in_any_of_its_threads() {
    const NOTHING: [&str; 4] =
        ["CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"];
    let folder = tempfile::tempdir().unwrap();
    let row = folder.path().join("row.pcap");
    let row = ["-w", row.to_str().unwrap(), "--rotate-size", "1MB"];
    let pair = pair();
    for (more, confined) in [([].as_slice(), true), (&row, true), (&["--no-sandbox"], false)] {
        let capture = Capture::start(&pair.right, &[&[INTERFACE, "-q", "--stats"], more].concat());
        send(&sender(&pair.left, INTERFACE), &numbered(1));
        capture.next();
        let statuses = statuses(capture.child.id());
        assert!(statuses.len() >= 3, "main, signals, one interface: {}", statuses.len());
        for status in &statuses {
            assert_eq!(NOTHING.iter().all(|line| status.contains(line)), confined, "{status}");
        }
        capture.interrupt();
        let (_, summary, code) = capture.end();
        assert_eq!(code, Some(0), "{summary}");
        assert_eq!(summary.contains("sandbox: no capabilities, no new privileges"), confined, "{summary}");
    }
}

fn what_is_written_reads_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["trace.pcapng", "trace.pcap"] {
        let pair = pair();
        let path = folder.path().join(name);
        let file = path.to_str().unwrap();
        let capture =
            Capture::start(&pair.right, &[INTERFACE, "-c", "3", "--json", "-w", file, "ether", "proto", "0x88b5"]);
        let socket = sender(&pair.left, INTERFACE);
        for number in 0..3 {
            send(&socket, &numbered(number));
        }
        let (live, summary, code) = capture.end();
        assert_eq!((live.len(), code), (3, Some(0)), "{summary}");
        let output = netlab().args(["capture", "--json", "-r", file]).output().unwrap();
        let stored = String::from_utf8(output.stdout).unwrap();
        for (live, stored) in live.iter().zip(stored.lines()) {
            let (mut live, stored): (Value, Value) =
                (serde_json::from_str(live).unwrap(), serde_json::from_str(stored).unwrap());
            if name == "trace.pcap" {
                // The classic format knows no interfaces and no directions.
                live.as_object_mut().unwrap().remove("interface");
                live.as_object_mut().unwrap().remove("direction");
            }
            assert_eq!(live, stored);
        }
        assert_eq!(stored.lines().count(), 3);
        let told = String::from_utf8(output.stderr).unwrap();
        let filter = format!("{INTERFACE}: captured with the filter ether proto 0x88b5\n");
        assert_eq!(told.ends_with(&filter), name == "trace.pcapng", "the classic format has no place for it: {told}");
    }
}

fn what_is_refused_leaves_the_file_as_it_was() {
    let network = routed();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.pcap");
    std::fs::write(&path, "kept").unwrap();
    let file = path.to_str().unwrap();
    for option in ["--ladder=a.txt", "--top"] {
        let mut command = netlab();
        command.args(["capture", "left", option, "-w", file]);
        let output = network.router.run(move || command.output().unwrap());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(std::fs::read(&path).unwrap(), b"kept", "{said}");
    }
}

fn two_interfaces_of_one_kind_fit_into_a_classic_file() {
    let network = routed();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.pcap");
    let file = path.to_str().unwrap();
    let capture = Capture::start(
        &network.router,
        &["-i", "left", "-i", "right", "-c", "2", "-w", file, "ether", "proto", "0x88b5"],
    );
    send(&sender(&network.left, INTERFACE), &frame(Mac::BROADCAST, &EXPERIMENT));
    send(&sender(&network.right, INTERFACE), &frame(Mac::BROADCAST, &EXPERIMENT));
    let (_, said, code) = capture.end();
    assert_eq!(code, Some(0), "{said}");
    let output = netlab().args(["capture", "-q", "-r", file]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2);
}

fn all_interfaces_together_show_the_name_of_each() {
    let network = routed();
    let capture = Capture::start(&network.router, &["any", "--json"]);
    send(&sender(&network.left, INTERFACE), &frame(Mac::BROADCAST, &EXPERIMENT));
    let first = capture.json();
    send(&sender(&network.right, INTERFACE), &frame(Mac::BROADCAST, &EXPERIMENT));
    let second = capture.json();
    assert_eq!((&first["interface"], &second["interface"]), (&"left".into(), &"right".into()));
    assert_eq!(first["link_type"], 276);
    assert_eq!(first["layers"][0]["layer"], "cooked");
    capture.interrupt();
    assert_eq!(capture.end().2, Some(0));
}

fn a_small_snapshot_keeps_the_true_length() {
    let pair = pair();
    let capture = Capture::start(&pair.right, &[INTERFACE, "--json", "-c", "1", "--snaplen", "20"]);
    send(&sender(&pair.left, INTERFACE), &numbered(1));
    let packet = capture.json();
    assert_eq!((&packet["captured_bytes"], &packet["original_bytes"]), (&20.into(), &60.into()));
    assert_eq!(capture.end().2, Some(0));
}

fn what_is_written_of_a_small_snapshot_is_what_tcpdump_reads() {
    let folder = tempfile::tempdir().unwrap();
    for (interface, name) in [("any", "a.pcapng"), ("any", "a.pcap"), (INTERFACE, "b.pcapng"), (INTERFACE, "b.pcap")] {
        let pair = pair();
        let path = folder.path().join(name);
        let file = path.to_str().unwrap();
        let capture = Capture::start(&pair.right, &[interface, "-s", "64", "-c", "1", "-w", file]);
        let mut tagged = frame(Pair::RIGHT_MAC, &[0x81, 0x00, 0x60, 100, EXPERIMENT[0], EXPERIMENT[1], 9]);
        tagged.resize(200, 0);
        send(&sender(&pair.left, INTERFACE), &tagged);
        let (_, summary, code) = capture.end();
        assert_eq!(code, Some(0), "{summary}");
        // Root of a user namespace cannot become the user that tcpdump wants to be; nobody need not.
        let mut reader = std::process::Command::new("unshare");
        let read = reader.args(["--user", "tcpdump", "-nr", file]).output().unwrap();
        let told = String::from_utf8_lossy(&read.stderr).into_owned();
        assert!(read.status.success() && !told.contains("invalid"), "{name}: {told}");
        // The bytes below the line of a frame are indented.
        let lines = String::from_utf8_lossy(&read.stdout).lines().filter(|line| !line.starts_with('\t')).count();
        assert_eq!(lines, 1, "{name}");
    }
}

fn a_tag_that_the_kernel_took_out_is_shown() {
    let pair = pair();
    let capture = Capture::start(&pair.right, &[INTERFACE, "--json", "-c", "1"]);
    let tagged = frame(Pair::RIGHT_MAC, &[0x81, 0x00, 0x60, 100, EXPERIMENT[0], EXPERIMENT[1], 9]);
    send(&sender(&pair.left, INTERFACE), &tagged);
    let packet = capture.json();
    assert_eq!(packet["layers"][1]["layer"], "vlan", "{packet}");
    assert_eq!(packet["layers"][1]["fields"]["identifier"], 100);
    assert_eq!(packet["layers"][1]["fields"]["priority"], 3);
    assert_eq!(packet["original_bytes"], 60);
    assert!(payload(&packet).starts_with("0900"), "{packet}");
    assert_eq!(capture.end().2, Some(0));
}

fn loopback_shows_each_frame_once_and_knows_that_checksums_are_pending() {
    for interface in ["lo", "any"] {
        let host = host("alone", false);
        let capture = Capture::start(&host, &[interface, "--json"]);
        host.run(|| {
            let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
            let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
            for _ in 0..3 {
                sender.send_to(b"hello", receiver.local_addr().unwrap()).unwrap();
            }
        });
        for _ in 0..3 {
            let packet = capture.json();
            assert_eq!((&packet["direction"], &packet["interface"]), (&"in".into(), &"lo".into()));
            assert_eq!(packet["layers"][2]["checksum_verdict"], "not_filled_in", "{packet}");
        }
        capture.interrupt();
        let (rest, summary, _) = capture.end();
        assert_eq!((rest.len(), counts(&summary)), (0, (3, 3, 0)));
    }
}

fn what_each_end_says_is_saved_in_files_made_inside_the_sandbox() {
    let (pair, folder) = (pair(), tempfile::tempdir().unwrap());
    let option = format!("--follow={}", folder.path().join("new").display());
    let capture = Capture::start(&pair.right, &[INTERFACE, &option, "--stats", "tcp"]);
    let listener = pair.right.run(|| TcpListener::bind("192.0.2.2:8080").unwrap());
    let mut client = pair.left.run(|| TcpStream::connect("192.0.2.2:8080").unwrap());
    let (mut server, _) = listener.accept().unwrap();
    client.write_all(b"question").unwrap();
    server.read_exact(&mut [0; 8]).unwrap();
    server.write_all(b"answer").unwrap();
    client.read_exact(&mut [0; 6]).unwrap();
    capture.interrupt();
    let (lines, summary, _) = capture.end();
    let said: Vec<String> =
        lines.iter().map(|line| std::fs::read_to_string(line.split("  ").next().unwrap()).unwrap()).collect();
    assert_eq!(said, ["question", "answer"], "{lines:?} {summary}");
    assert!(lines[0].contains("00001-192.0.2.1.") && lines[0].ends_with("-192.0.2.2.8080.bin  8 bytes"), "{lines:?}");
}

fn a_datagram_that_the_kernel_sends_in_fragments_is_shown_whole() {
    let pair = pair_with_ipv6();
    let condition = ["--where", "udp and frame.fragment == whole", "--json", "-c", "2"];
    let capture = Capture::start(&pair.right, &[&[INTERFACE][..], &condition].concat());
    pair.left.run(|| {
        for (own, other) in [("192.0.2.1:0", "192.0.2.2:9"), ("[2001:db8::1]:0", "[2001:db8::2]:9")] {
            UdpSocket::bind(own).unwrap().send_to(&[b'x'; 4000], other).unwrap();
        }
    });
    for (kind, fragments) in [("ipv4", 3), ("ipv6", 3)] {
        let packet = capture.json();
        assert_eq!(packet["layers"][1]["layer"], kind);
        let piece = &packet["fragments"][0];
        assert_eq!(piece["whole_bytes"], 4008, "{packet}");
        assert_eq!(piece["frames"].as_array().unwrap().len(), fragments);
        let layers = packet["layers"].as_array().unwrap();
        let udp = layers.iter().find(|layer| layer["layer"] == "udp").unwrap();
        assert_eq!((&udp["reassembled"], &udp["checksum_verdict"]), (&true.into(), &"good".into()));
    }
    assert_eq!(capture.end().2, Some(0));
}

fn a_chosen_reader_is_used_on_another_port() {
    let pair = pair();
    let capture = Capture::start(&pair.right, &[INTERFACE, "-q", "--decode", "5300=dns", "-c", "1", "udp"]);
    let question = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01";
    pair.left.run(|| UdpSocket::bind("192.0.2.1:0").unwrap().send_to(question, "192.0.2.2:5300").map(drop).unwrap());
    let line = capture.next();
    assert!(line.ends_with("DNS A example.org?"), "{line}");
    assert_eq!(capture.end().2, Some(0));
}

fn names_are_those_of_the_hosts_file_read_before_the_sandbox_and_of_answers_seen() {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap();
    let row =
        |line: &str| line.split_once("127.0.0.1").map(|(_, name)| name.split_whitespace().next().unwrap().to_owned());
    let local = hosts.lines().find_map(row).expect("/etc/hosts has a name for 127.0.0.1");
    let host = host("alone", false);
    let capture = Capture::start(&host, &["lo", "-q", "--names", "-c", "2", "udp"]);
    let answer = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x03www\x07example\x03org\0\0\x01\0\x01\
                   \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x02";
    host.run(|| {
        let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
        socket.send_to(answer, "127.0.0.1:5300").unwrap();
        socket.send_to(b"x", "127.0.0.1:5300").unwrap();
    });
    let lines = [capture.next(), capture.next()];
    assert!(lines[0].contains(&format!("{local}:53 → {local}:5300 UDP")), "{lines:?}");
    assert!(lines[0].ends_with("DNS A www.example.org = 192.0.2.2"), "{lines:?}");
    assert_eq!(capture.end().2, Some(0));
}

fn one_direction_alone_is_taken_from_an_interface_or_from_all() {
    for interface in [INTERFACE, "any"] {
        for (way, filter, expected) in [
            ("in", "len > 0", &[("in", 1), ("broadcast", 3)][..]),
            ("out", "len > 0", &[("out", 2), ("out", 4)]),
            ("out", "greater 100", &[("out", 4)]),
            ("both", "len > 0", &[("in", 1), ("out", 2), ("broadcast", 3), ("out", 4)]),
        ] {
            let pair = pair();
            let capture = Capture::start(&pair.right, &[interface, "--json", "--direction", way, filter]);
            let (left, right) = (sender(&pair.left, INTERFACE), sender(&pair.right, INTERFACE));
            send(&left, &numbered(1));
            send(&right, &numbered(2));
            send(&left, &frame(Mac::BROADCAST, &[EXPERIMENT[0], EXPERIMENT[1], 3]));
            let mut long = numbered(4);
            long.resize(200, 0);
            send(&right, &long);
            for (direction, number) in expected {
                let packet = capture.json();
                assert_eq!(packet["direction"], *direction, "{interface} {way} {filter}");
                assert!(payload(&packet).starts_with(&format!("{number:02x}")), "{packet}");
            }
            capture.interrupt();
            let (rest, summary, code) = capture.end();
            assert_eq!((rest.len(), code), (0, Some(0)), "{interface} {way} {filter}: {rest:?}");
            assert_eq!(counts(&summary), (expected.len(), expected.len(), 0), "{interface} {way} {filter}");
        }
    }
}

fn on_loopback_either_direction_shows_each_frame_once() {
    for interface in ["lo", "any"] {
        for way in ["in", "out"] {
            let host = host("alone", false);
            let capture = Capture::start(&host, &[interface, "--json", "-Q", way]);
            host.run(|| {
                let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
                receiver.send_to(b"hello", receiver.local_addr().unwrap()).unwrap();
            });
            assert_eq!(capture.json()["direction"], way);
            capture.interrupt();
            assert_eq!(counts(&capture.end().1), (1, 1, 0), "{interface} {way}");
        }
    }
}

fn an_interface_that_goes_down_ends_the_capture_and_is_told() {
    let pair = pair();
    let capture = Capture::start(&pair.right, &[INTERFACE, "-q"]);
    send(&sender(&pair.left, INTERFACE), &numbered(1));
    pair.right.run(|| Netlink::open().unwrap().set_up(INTERFACE, false).unwrap());
    let (lines, summary, code) = capture.end();
    assert_eq!((lines.len(), counts(&summary), code), (1, (1, 1, 0), Some(2)), "{summary}");
    assert!(summary.contains("eth0: network is down (ENETDOWN)"), "{summary}");
}

fn an_interface_that_goes_away_ends_the_capture_and_is_told() {
    let pair = pair();
    let capture = Capture::start(&pair.right, &[INTERFACE]);
    pair.left.run(|| Netlink::open().unwrap().delete_link(INTERFACE).unwrap());
    let (_, summary, code) = capture.end();
    assert_eq!(code, Some(2));
    assert!(summary.contains("eth0: network is down (ENETDOWN)"), "{summary}");
}

fn an_interface_that_is_down_is_refused() {
    let pair = pair();
    pair.right.run(|| Netlink::open().unwrap().set_up(INTERFACE, false).unwrap());
    let output = pair.right.run(|| netlab().args(["capture", INTERFACE]).output().unwrap());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("must be up"), "{output:?}");
}

fn a_missing_privilege_names_the_capability_and_the_cure() {
    let host = host("alone", false);
    let output = host.run(|| {
        let program = netlab().get_program().to_owned();
        let mut without = std::process::Command::new("setpriv");
        without.args(["--bounding-set", "-net_raw", "--inh-caps", "-net_raw"]).arg(program);
        without.args(["capture", "lo"]).output().unwrap()
    });
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("open packet socket on lo: operation not permitted (EPERM)"), "{told}");
    assert!(
        told.contains("hint: capturing needs CAP_NET_RAW") && told.contains("sudo setcap cap_net_raw+ep"),
        "{told}"
    );
}

fn a_reader_that_closes_the_pipe_ends_the_capture_quietly() {
    let pair = pair();
    let mut command = netlab();
    command.args(["capture", INTERFACE, "-q"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pair.right.run(move || command.spawn().unwrap());
    let err = lines(child.stderr.take().unwrap());
    assert!(next(&err).contains("capturing on"));
    drop(child.stdout.take());
    send(&sender(&pair.left, INTERFACE), &numbered(1));
    assert!(rest(&err).is_empty(), "nothing more is said");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn a_file_is_written_to_a_pipe_as_frames_come() {
    let pair = pair();
    let mut command = netlab();
    command.args(["capture", INTERFACE, "-w", "-"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pair.right.run(move || command.spawn().unwrap());
    assert!(next(&lines(child.stderr.take().unwrap())).contains("capturing on"));
    let mut reader = netlab();
    reader.args(["capture", "-q", "-r", "-"]).stdin(child.stdout.take().unwrap()).stdout(Stdio::piped());
    let mut reader = reader.spawn().unwrap();
    let out = lines(reader.stdout.take().unwrap());
    send(&sender(&pair.left, INTERFACE), &numbered(1));
    assert!(next(&out).contains("eth0 in"), "the frame passes both programs while they run");
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    assert_eq!((child.wait().unwrap().code(), reader.wait().unwrap().code()), (Some(0), Some(0)));
    assert!(!Path::new("-").exists());
}
