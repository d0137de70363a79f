//! `netlab lab` as a user sees it: exports, parameters, keys at a terminal.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;
use std::time::{Duration, Instant};

use netlab::capture::files::Stored;
use netlab::capture::frame::Source;
use netlab::link::received::Way;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::tcgetattr;
use serde_json::Value;

use crate::json_keys::assert_documented;

crate::tests![
    the_document_of_a_run_is_documented_and_holds_what_happened,
    a_capture_file_has_an_interface_per_host_and_each_frame_at_both_ends,
    the_picture_is_well_formed_and_tells_every_frame,
    a_parameter_without_a_use_is_told,
    several_labs_run_side_by_side_in_processes_of_their_own,
    a_lab_that_does_not_exist_is_refused_before_any_is_run,
    somebody_at_the_keyboard_drops_a_frame_and_runs_on,
    somebody_at_the_keyboard_sends_a_frame_twice_and_another_late,
    ctrl_c_leaves_the_terminal_as_it_was,
    ctrl_c_keeps_what_was_drawn_into_a_pipe,
    ctrl_c_leaves_whole_exports_of_what_was_seen_until_then,
    ctrl_c_ends_a_lab_that_tries_again_what_failed,
    a_lab_that_cannot_be_run_leaves_the_files_of_its_exports_as_they_were,
    ctrl_c_among_several_labs_tells_of_those_that_are_done_and_leaves_none_running,
    what_did_not_come_is_a_finding_that_was_not_seen,
    a_frame_that_cannot_be_is_refused_and_one_that_did_not_come_is_told_at_the_end,
    a_number_out_of_range_is_told_what_is_allowed,
    an_export_to_standard_output_is_alone_there,
    a_frame_with_a_bit_turned_over_was_sent_whole,
    frames_that_are_left_out_leave_a_gap,
    probes_and_window_updates_are_called_so,
    layers_fit_eighty_columns_and_chinese_ladders_speak_chinese,
];

fn run(arguments: &[&str]) -> std::process::Output {
    crate::netlab().arg("lab").args(arguments).env("LC_ALL", "C").output().unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = run(arguments);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn the_document_of_a_run_is_documented_and_holds_what_happened() {
    let document = json(&["run", "close", "--json"]);
    assert_documented("lab run", &document);
    assert_documented("lab list", &json(&["list", "--json"]));
    let frames = document["events"].as_array().unwrap().iter().filter(|event| event["event"] == "frame");
    let labels: Vec<&str> = frames.clone().map(|frame| frame["label"].as_str().unwrap()).collect();
    assert!(labels.starts_with(&["[SYN] seq 0", "[SYN ACK] seq 0 ack 1", "[ACK] seq 1 ack 1"]), "{labels:?}");
    let mut bytes = frames.map(|frame| frame["frame_hex"].as_str().unwrap());
    assert!(bytes.all(|hex| hex.starts_with("02fc00000") && hex.len() >= 2 * 54));
}

fn a_capture_file_has_an_interface_per_host_and_each_frame_at_both_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.pcapng");
    assert!(run(&["run", "handshake", "--rtt", "10ms", "--pcap", path.to_str().unwrap()]).status.success());
    let bytes = std::fs::read(path).unwrap();
    assert!(bytes.windows(7).any(|window| window == b"arrives"), "what the wire did stands beside the frames");
    let mut stored = Stored::open(bytes.as_slice()).unwrap();
    let mut seen = Vec::new();
    while let Some(frame) = stored.next().unwrap() {
        seen.push((frame.interface.to_owned(), frame.way.unwrap()));
    }
    let both = |a: &str, b: &str| vec![(a.to_owned(), Way::Out), (b.to_owned(), Way::In)];
    let expected = [both("client", "server"), both("server", "client"), both("client", "server")].concat();
    assert_eq!(seen, expected);
}

fn the_picture_is_well_formed_and_tells_every_frame() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.svg");
    assert!(run(&["run", "handshake", "--svg", path.to_str().unwrap()]).status.success());
    let svg = std::fs::read_to_string(path).unwrap();
    let (mut open, mut rest) = (Vec::new(), svg.as_str());
    while let Some((_, tag)) = rest.split_once('<') {
        let (inside, after) = tag.split_once('>').expect("every tag ends");
        match inside.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None => open.push(inside.split(' ').next().unwrap()),
        }
        rest = after;
    }
    assert!(open.is_empty(), "{open:?} are never closed");
    for text in ["#1 [SYN] seq 0", "#2 [SYN ACK] seq 0 ack 1", "#3 [ACK] seq 1 ack 1", "SYN-SENT", "172.16.10.2"] {
        assert!(svg.contains(text), "{text} is not in the picture");
    }
}

fn a_parameter_without_a_use_is_told() {
    let output = run(&["run", "handshake", "--loss", "2%", "--backlog", "3"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors, "netlab: the lab handshake has no use for --loss\n");
    assert!(String::from_utf8(output.stdout).unwrap().contains("listen(3)"));
}

fn several_labs_run_side_by_side_in_processes_of_their_own() {
    let output = run(&["run", "close", "handshake", "close", "--json"]);
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let labs: Vec<&str> = lines.iter().map(|line| line["lab"].as_str().unwrap()).collect();
    assert_eq!(labs, ["handshake", "close"], "in the order of the catalog, each once");
    for line in &lines {
        assert_documented("lab run", line);
        assert_eq!(line["error"], Value::Null);
        assert!(line["findings"].as_u64().unwrap() > 0);
    }
    let all_hold = lines.iter().all(|line| line["holds"] == true);
    assert_eq!(output.status.code(), Some(i32::from(!all_hold)));
}

fn a_lab_that_does_not_exist_is_refused_before_any_is_run() {
    let output = run(&["run", "handshake", "handshock"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "netlab: there is no lab \"handshock\"\nhint: did you mean handshake? `netlab lab list` lists all\n"
    );
    let output = run(&["run", "handshake", "close", "--html", "/dev/null"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("for one lab, not for several"));
}

/// A terminal with somebody at it.
struct Terminal {
    here: OwnedFd,
    there: OwnedFd,
    child: std::process::Child,
    seen: String,
}

impl Terminal {
    fn start(arguments: &[&str]) -> Self {
        let size = Winsize { ws_row: 40, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let there = || Stdio::from(pty.slave.try_clone().unwrap());
        let mut command = crate::netlab();
        command.args(arguments).stdin(there()).stdout(there()).stderr(there());
        command.env("LC_ALL", "C").env("TERM", "xterm").env("NO_COLOR", "1");
        let child = command.spawn().unwrap();
        Terminal { here: pty.master, there: pty.slave, child, seen: String::new() }
    }

    /// Waits for the question, and presses a key.
    fn answer(&mut self, key: &[u8]) {
        self.read_until("[q]uit");
        std::fs::File::from(self.here.try_clone().unwrap()).write_all(key).unwrap();
    }

    fn read_until(&mut self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let from = self.seen.len();
        while !self.seen[from..].contains(text) {
            assert!(Instant::now() < deadline, "waited for {text:?}, saw {}", self.seen);
            let mut watched = [PollFd::new(self.here.as_fd(), PollFlags::POLLIN)];
            if poll(&mut watched, PollTimeout::from(100u8)).unwrap() > 0 {
                let mut buffer = [0; 4096];
                let length = std::fs::File::from(self.here.try_clone().unwrap()).read(&mut buffer).unwrap();
                self.seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        }
    }
}

fn somebody_at_the_keyboard_drops_a_frame_and_runs_on() {
    let mut terminal = Terminal::start(&["lab", "run", "handshake", "--step"]);
    let before = tcgetattr(&terminal.there).unwrap();
    terminal.answer(b"d");
    assert!(terminal.seen.contains("client: SYN-SENT"), "{}", terminal.seen);
    terminal.answer(b"r");
    terminal.read_until("before the server");
    assert!(terminal.seen.contains("#1 [SYN] seq 0 (lost)"), "{}", terminal.seen);
    assert!(terminal.seen.contains("#2 [SYN] seq 0 "), "{}", terminal.seen);
    let status = terminal.child.wait().unwrap();
    assert_eq!(status.code(), Some(1), "four segments are not three");
    assert_eq!(tcgetattr(&terminal.there).unwrap(), before);
}

fn somebody_at_the_keyboard_sends_a_frame_twice_and_another_late() {
    let mut terminal = Terminal::start(&["lab", "run", "handshake", "--step"]);
    terminal.answer(b"2");
    terminal.answer(b"l");
    terminal.answer(b"r");
    terminal.read_until("before the server");
    assert!(terminal.seen.contains("#1 [SYN] seq 0 (twice)"), "{}", terminal.seen);
    let arrows = terminal.seen.lines().filter(|line| line.contains("#2 [SYN ACK] seq 0 ack 1 ─"));
    assert_eq!(arrows.count(), 2, "it leaves, and it arrives later: {}", terminal.seen);
    terminal.child.wait().unwrap();
}

fn ctrl_c_leaves_the_terminal_as_it_was() {
    let mut terminal = Terminal::start(&["lab", "run", "handshake", "--step"]);
    let before = tcgetattr(&terminal.there).unwrap();
    terminal.read_until("[q]uit");
    interrupt(&terminal.child);
    assert_eq!(terminal.child.wait().unwrap().code(), Some(130));
    assert_eq!(tcgetattr(&terminal.there).unwrap(), before);
}

/// Sends the signal of Ctrl-C.
fn interrupt(child: &std::process::Child) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
}

fn ctrl_c_keeps_what_was_drawn_into_a_pipe() {
    let mut command = crate::netlab();
    // Its first frame alone takes five seconds.
    command.args(["lab", "run", "handshake", "--rtt", "10s"]).env("LC_ALL", "C").stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let title = lines.next().unwrap();
    assert!(lines.any(|line| line.contains("[SYN] seq 0")), "below {title:?}");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(title, "Three segments open a connection");
}

fn ctrl_c_leaves_whole_exports_of_what_was_seen_until_then() {
    let folder = tempfile::tempdir().unwrap();
    let [html, svg, pcap] = ["run.html", "run.svg", "run.pcapng"].map(|name| folder.path().join(name));
    std::fs::write(&html, "from before").unwrap();
    let mut command = crate::netlab();
    command.args(["lab", "run", "handshake", "--rtt", "10s"]).arg("--html").arg(&html).arg("--svg").arg(&svg);
    command.arg("--pcap").arg(&pcap).env("LC_ALL", "C").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("[SYN] seq 0")));
    assert_eq!(std::fs::read_to_string(&html).unwrap(), "from before", "until there is something to write");
    interrupt(&child);
    let rest: Vec<String> = lines.collect();
    assert!(rest.last().unwrap().starts_with("✘ the lab ran to its end"), "{rest:?}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "netlab: left the lab handshake before its end\n");
    let texts = [&html, &svg].map(|path| std::fs::read_to_string(path).unwrap());
    assert!(texts[0].trim_end().ends_with("</html>") && texts[0].contains("the lab ran to its end"), "{}", texts[0]);
    assert!(texts[1].trim_end().ends_with("</svg>") && texts[1].contains("[SYN] seq 0"), "{}", texts[1]);
    let bytes = std::fs::read(&pcap).unwrap();
    assert!(Stored::open(bytes.as_slice()).unwrap().next().unwrap().is_some());
}

fn ctrl_c_ends_a_lab_that_tries_again_what_failed() {
    let mut command = crate::netlab();
    let mut child = command.args(["lab", "run", "reuse"]).env("LC_ALL", "C").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("[SYN] seq 0")));
    interrupt(&child);
    assert!(lines.last().unwrap().starts_with("✘ the lab ran to its end"));
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

fn a_lab_that_cannot_be_run_leaves_the_files_of_its_exports_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let [html, svg] = ["run.html", "run.svg"].map(|name| folder.path().join(name));
    std::fs::write(&html, "from before").unwrap();
    let paths = [&html, &svg].map(|path| path.to_str().unwrap());
    let output = run(&["run", "frame", "--loopback", "--html", paths[0], "--svg", paths[1]]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!((std::fs::read_to_string(&html).unwrap().as_str(), svg.exists()), ("from before", false));
    let output = run(&["run", "frame", "--html", "/nowhere/run.html"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert_eq!(errors, "netlab: create files in /nowhere: no such file or directory (ENOENT)\n");
}

fn ctrl_c_among_several_labs_tells_of_those_that_are_done_and_leaves_none_running() {
    let mut command = crate::netlab();
    // The second one takes a minute.
    command.args(["lab", "run", "handshake", "time-wait"]).env("LC_ALL", "C");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().contains(" handshake "));
    let running = children(child.id());
    assert_eq!(running.len(), 1, "{running:?}");
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(lines.collect::<Vec<_>>(), ["", "1 of 1 labs showed what they teach"]);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "netlab: left after 1 of 2 labs\n");
    let deadline = Instant::now() + Duration::from_secs(10);
    while running.iter().any(|pid| is_at_work(*pid)) {
        assert!(Instant::now() < deadline, "{running:?} go on");
        std::thread::yield_now();
    }
}

/// The processes that this one has started.
fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|task| task.unwrap().path());
    let lists = tasks.map(|task| std::fs::read_to_string(task.join("children")).unwrap());
    lists.flat_map(|list| list.split(' ').filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// Whether there is such a process, and it has not ended.
fn is_at_work(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

fn what_did_not_come_is_a_finding_that_was_not_seen() {
    let output = run(&["run", "handshake", "--rtt", "10s"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("✘ what the lab waited for happened"), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

fn a_frame_that_cannot_be_is_refused_and_one_that_did_not_come_is_told_at_the_end() {
    let output = run(&["run", "handshake", "--bits", "0"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let output = run(&["run", "handshake", "--bits", "1", "--bits", "99"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("#1  74 bytes") && text.ends_with("ESTABLISHED before the server\n"), "{text}");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors, "netlab: the run had no frame 99: its last one was 3\n");
}

fn a_number_out_of_range_is_told_what_is_allowed() {
    for (option, value, allowed) in [
        ("--rtt", "-5", "a time up to 10 s"),
        ("--rtt", "-5ms", "a time up to 10 s"),
        ("--loss", "-1%", "from 0% to 100%"),
        ("--backlog", "-1", "from 0 to 4294967295"),
        ("--bits", "-1", "from 1 on"),
    ] {
        let output = run(&["run", "handshake", option, value]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{errors}");
        assert!(errors.contains(allowed) && !errors.contains("tip:"), "{errors}");
    }
}

fn an_export_to_standard_output_is_alone_there() {
    let output = run(&["run", "handshake", "--svg", "-"]);
    let svg = String::from_utf8(output.stdout).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    let output = run(&["run", "handshake", "--pcap", "-"]);
    let mut stored = Stored::open(output.stdout.as_slice()).unwrap();
    assert!(stored.next().unwrap().is_some());
    for drawing in [&["-v"][..], &["--bits", "1"]] {
        let output = run(&[&["run", "handshake", "--json"], drawing].concat());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.stdout.is_empty() && errors.contains("-v and --bits draw frames"), "{errors}");
    }
    for others in [&["--html", "-"][..], &["--json"], &["-v"]] {
        let output = run(&[&["run", "handshake", "--svg", "-"], others].concat());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains("takes standard output for itself"), "{errors}");
    }
}

fn a_frame_with_a_bit_turned_over_was_sent_whole() {
    let output = run(&["run", "corrupt", "--pcap", "-"]);
    let mut stored = Stored::open(output.stdout.as_slice()).unwrap();
    let mut damaged = Vec::new();
    while let Some(frame) = stored.next().unwrap() {
        damaged.extend(frame.bytes.ends_with(b"HELLo").then_some(frame.way.unwrap()));
    }
    assert_eq!(damaged, [Way::In; 3], "it was the wire");
    let document = json(&["run", "corrupt", "--json"]);
    assert_documented("lab run", &document);
    let events = document["events"].as_array().unwrap().iter();
    let mut turned = events.filter(|event| event["fate"] == "corrupted");
    assert!(turned.all(|event| event["damaged_hex"].is_string() && event["frame_hex"] != event["damaged_hex"]));
}

fn frames_that_are_left_out_leave_a_gap() {
    let document = json(&["run", "fragment", "--json"]);
    assert_documented("lab run", &document);
    let events = document["events"].as_array().unwrap();
    let gaps: Vec<usize> = (0..events.len()).filter(|at| events[*at]["event"] == "not_kept").collect();
    let left_out: u64 = gaps.iter().map(|at| events[*at]["frames"].as_u64().unwrap()).sum();
    assert_eq!(left_out, document["frames_not_kept"].as_u64().unwrap());
    let call = |at: usize, call: &str| events[at]["call"] == call;
    let sent = |at| call(at, "send(65507 bytes)");
    let read = |at: usize| events[at]["event"] == "return" && call(at, "recv()");
    assert!(gaps.iter().all(|gap| (0..*gap).any(sent) && (*gap..events.len()).any(read)), "where they were");
    let text = String::from_utf8(run(&["run", "fragment"]).stdout).unwrap();
    assert!(text.contains("│ … ") && text.contains(" not shown  "), "{text}");
}

fn probes_and_window_updates_are_called_so() {
    let document = json(&["run", "zero-window", "--json"]);
    let events = document["events"].as_array().unwrap().iter();
    let labels: Vec<&str> = events.filter_map(|event| event["label"].as_str()).collect();
    assert!(labels.iter().filter(|label| label.starts_with("[ACK] probe seq ")).count() >= 4, "{labels:?}");
    assert_eq!(labels.iter().filter(|label| label.contains("window update")).count(), 1, "{labels:?}");
}

fn layers_fit_eighty_columns_and_chinese_ladders_speak_chinese() {
    let wide = |c: char| ('\u{2e80}'..'\u{fb00}').contains(&c) || ('\u{ff01}'..'\u{ff60}').contains(&c);
    let columns = |line: &str| line.chars().map(|c| 1 + usize::from(wide(c))).sum::<usize>();
    for arguments in [&["run", "corrupt", "-v"][..], &["run", "fragment", "-vv"], &["run", "fragment", "--lang", "zh"]]
    {
        let text = String::from_utf8(run(arguments).stdout).unwrap();
        let long: Vec<&str> = text.lines().filter(|line| columns(line) > 80).collect();
        assert!(long.is_empty(), "{arguments:?}: {long:#?}");
    }
    for option in [&["--svg", "-"][..], &[]] {
        let output = run(&[&["run", "fragment", "--lang", "zh"], option].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("IPv4 分片 偏移 1480") && text.contains("(丢失)"), "{text}");
        assert!(!text.contains("(lost)") && !text.contains("fragment at"), "{text}");
    }
}
