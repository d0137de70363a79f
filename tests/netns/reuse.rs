//! The lab "Address already in use", in namespaces of its own.

use netlab::kernel::sock_diag::{Family, Query, SockDiag};
use netlab::lab::observation::Language;
use netlab::lab::stage::{Nobody, Stage};
use netlab::lab::transport::reuse::{self, Binds, HEART, Loopback, Observation, Remains, Seen};
use netlab::report::reuse::Style;
use netlab::report::{self, Palette};
use netlab::transport::states::State;
use serde_json::Value;

use crate::json_keys::assert_documented;
use crate::topology;

crate::tests![
    the_whole_matrix_comes_out_by_its_rule,
    the_option_must_have_been_set_on_the_old_socket_and_on_the_new_one,
    the_settings_do_not_cure_it_and_do_what_they_are_for,
    every_lesson_is_seen_and_every_json_key_documented,
    a_kernel_that_does_something_else_is_told_so,
    the_report_is_in_the_language_that_was_asked_for,
    without_a_namespace_the_settings_are_not_tried_and_nothing_is_claimed,
    nothing_but_time_wait_is_left_behind,
    two_at_the_same_time_do_not_disturb_each_other,
    the_command_says_all_of_it,
    the_text_fits_eighty_columns,
    the_page_about_the_lab_shows_what_the_program_prints,
    what_varies_is_made_equal_and_nothing_else,
];

/// Runs `work` on a host whose loopback is on.
fn on_host<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    topology::host("lab", false).run(work)
}

/// The experiment on the loopback of the calling thread's namespace.
fn observe() -> Loopback {
    let mut nobody = Nobody;
    reuse::observe(&mut Stage::on_loopback(&mut nobody).unwrap()).unwrap()
}

fn the_whole_matrix_comes_out_by_its_rule() {
    let seen = on_host(observe);
    assert_eq!(seen.matrix.len(), reuse::CASES.len());
    for row in &seen.matrix {
        assert_eq!(row.cells.len(), 4);
        for cell in &row.cells {
            let binds = match row.case.expected {
                Binds::Always => true,
                Binds::BothSet => cell.old_set && cell.new_set,
                Binds::Never => false,
            };
            assert_eq!(cell.attempt.succeeded(), binds, "{:?} {cell:?}", row.case);
            assert!(binds || cell.attempt.address_in_use(), "{:?} {cell:?}", row.case);
            // Nobody else is here to disturb it.
            assert_eq!(cell.tries, 1, "{:?} {cell:?}", row.case);
            let states: Vec<State> = cell.left.iter().map(|left| left.state).collect();
            assert_eq!(states, row.case.remains.states(), "{:?} {cell:?}", row.case);
        }
    }
    let heart: Vec<_> = seen.matrix.iter().take(HEART).map(|row| (row.case.remains, row.case.expected)).collect();
    let expected = [
        (Remains::Nothing, Binds::Always),
        (Remains::ServerClosedFirst, Binds::BothSet),
        (Remains::ClientClosedFirst, Binds::Always),
        (Remains::Established, Binds::BothSet),
        (Remains::CloseWait, Binds::BothSet),
        (Remains::FinWait2, Binds::BothSet),
        (Remains::Reset, Binds::Always),
        (Remains::Listening, Binds::Never),
    ];
    assert_eq!(heart, expected);
}

fn the_option_must_have_been_set_on_the_old_socket_and_on_the_new_one() {
    let story = on_host(|| observe().story);
    for act in &story {
        assert_eq!((act.left.state, act.left.local, act.left.remote), (State::TimeWait, act.server, act.client));
        assert!((1..=60_000).contains(&act.left.remaining_ms.unwrap()), "{act:?}");
        for restart in &act.restarts {
            assert_eq!(restart.attempt.succeeded(), act.old_set && restart.new_set, "{act:?}");
            assert_eq!(restart.still_left.unwrap().remote, act.client, "{act:?}");
        }
    }
    assert_eq!(story.iter().map(|act| act.old_set).collect::<Vec<_>>(), [false, true]);
}

fn the_settings_do_not_cure_it_and_do_what_they_are_for() {
    let trials = on_host(|| reuse::try_out().unwrap());
    assert_eq!(trials.restarts.len(), 4);
    for trial in &trials.restarts {
        assert!(trial.attempt.address_in_use(), "{trial:?}");
        // tcp_fin_timeout was 30 s all the while.
        assert!(trial.left.unwrap().remaining_ms.unwrap() > 30_000, "{trial:?}");
    }
    assert!(trials.timers.fin_wait_2_ms.unwrap() <= 5_000, "{trials:?}");
    assert!(trials.timers.time_wait_ms.unwrap() > 5_000, "{trials:?}");
    let connects: Vec<_> = trials.connects.iter().map(|c| (c.tcp_tw_reuse, c.attempt.error.as_deref())).collect();
    assert_eq!(connects, [(0, Some("EADDRNOTAVAIL")), (0, Some("EADDRNOTAVAIL")), (1, None)]);
}

fn every_lesson_is_seen_and_every_json_key_documented() {
    let seen = on_host(|| Observation::new(observe(), Ok(reuse::try_out().unwrap())));
    for lesson in &seen.lessons {
        assert_eq!(lesson.seen, Seen::Yes, "{}", lesson.statement.en);
    }
    assert!(seen.holds());
    assert_documented("reuse-demo", &serde_json::to_value(&seen).unwrap());
}

fn written(seen: &Observation, language: Language) -> String {
    let mut out = Vec::new();
    let style = Style { palette: Palette::PLAIN, width: None, language };
    report::reuse::observation(&mut out, seen, style).unwrap();
    String::from_utf8(out).unwrap()
}

/// A check that cannot fail is none: each cell of the heart is turned round in turn.
fn a_kernel_that_does_something_else_is_told_so() {
    let true_one = on_host(observe);
    for row in 0..true_one.matrix.len() {
        for cell in 0..4 {
            let mut other = true_one.clone();
            let attempt = &mut other.matrix[row].cells[cell].attempt;
            *attempt = if attempt.succeeded() {
                true_one.matrix[1].cells[0].attempt.clone()
            } else {
                true_one.matrix[0].cells[0].attempt.clone()
            };
            let case = other.matrix[row].case;
            let seen = Observation::new(other, Err("not asked for".into()));
            assert!(!seen.holds(), "{case:?} cell {cell}");
            assert!(written(&seen, Language::English).contains("✘ NOT SEEN on this kernel: "));
        }
    }
}

fn the_report_is_in_the_language_that_was_asked_for() {
    let seen = Observation::new(on_host(observe), Ok(on_host(|| reuse::try_out().unwrap())));
    let squeezed = |language| written(&seen, language).split_whitespace().collect::<String>();
    let (english, chinese) = (squeezed(Language::English), squeezed(Language::Chinese));
    for lesson in &seen.lessons {
        let [en, zh] =
            [lesson.statement.en, lesson.statement.zh].map(|text| text.split_whitespace().collect::<String>());
        assert!(english.contains(&en) && !english.contains(&zh), "{en}");
        assert!(chinese.contains(&zh) && !chinese.contains(&en), "{zh}");
    }
    // What is left of ASCII words are names: of calls, states, options, settings, commands.
    assert!(english.is_ascii() || english.chars().all(|c| c.is_ascii() || "→✔–".contains(c)));
    for word in [" the ", " with ", " left", " and ", "works", "in use"] {
        assert!(!written(&seen, Language::Chinese).contains(word), "{word:?} is English");
    }
}

fn without_a_namespace_the_settings_are_not_tried_and_nothing_is_claimed() {
    let seen = Observation::new(on_host(observe), Err("unshare: no (EPERM)\nhint: ask".into()));
    let text = written(&seen, Language::English);
    assert!(text.contains("Not changed and tried: unshare: no (EPERM) hint: ask\n"), "{text}");
    assert_eq!(text.matches("– not tried: ").count(), 4, "{text}");
    assert!(seen.holds());
}

fn nothing_but_time_wait_is_left_behind() {
    on_host(|| {
        let seen = observe();
        let mut diag = SockDiag::open().unwrap();
        let entries = diag.list(&Query::all(6, Family::Ipv4)).unwrap().value;
        assert!(entries.iter().all(|entry| State::from_kernel(entry.state) == Some(State::TimeWait)), "{entries:#?}");
        assert_eq!(entries.len(), seen.time_wait_left_behind);
        assert_eq!(diag.list(&Query::all(17, Family::Ipv4)).unwrap().value.len(), 0);
    });
}

fn two_at_the_same_time_do_not_disturb_each_other() {
    let host = topology::host("lab", false);
    let start =
        || host.run(|| crate::netlab().args(["reuse-demo", "--json"]).stdout(std::process::Stdio::piped()).spawn());
    let both = [start().unwrap(), start().unwrap(), start().unwrap()];
    for child in both {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["matrix"].as_array().unwrap().len(), reuse::CASES.len());
    }
}

fn the_text_fits_eighty_columns() {
    for language in ["en", "zh"] {
        let output = on_host(move || crate::netlab().args(["reuse-demo", "--lang", language]).output().unwrap());
        let text = String::from_utf8(output.stdout).unwrap();
        // A sign of East Asian writing takes two columns.
        let columns = |line: &str| -> usize {
            line.chars().map(|c| if ('\u{2e80}'..'\u{fb00}').contains(&c) { 2 } else { 1 }).sum()
        };
        let long: Vec<&str> = text.lines().filter(|line| columns(line) > 80).collect();
        assert!(long.is_empty(), "{long:#?}");
    }
}

fn the_command_says_all_of_it() {
    let output = on_host(|| crate::netlab().args(["reuse-demo", "--lang", "en"]).output().unwrap());
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("restart  with SO_REUSEADDR:    bind: EADDRINUSE (98), address already in use\n"), "{text}");
    assert!(text.contains("bind and listen work; TIME-WAIT is still there\n"), "{text}");
    let row = "closed the connection first";
    let row = text.lines().find(|line| line.starts_with(row)).unwrap();
    let cells: Vec<_> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).skip(1).collect();
    assert_eq!(cells, ["TIME-WAIT", "in use", "in use", "in use", "works"]);
    let trial = text.lines().find(|line| line.starts_with("tcp_syncookies=1 ") && !line.contains("RFC"));
    assert!(trial.unwrap().ends_with("bind: EADDRINUSE"), "{text}");
    assert_eq!(text.matches("   ✔ seen: ").count(), 17, "{text}");
    let host_setting = netlab::kernel::sysctl::read("net.ipv4.tcp_fin_timeout").unwrap();
    assert!(text.contains(&format!("tcp_fin_timeout  {host_setting} ")), "{text}");
}

/// The output with what differs from run to run and from kernel to kernel made equal: release, ports, times.
fn normalised(text: &str) -> String {
    let (mut ports, mut out, mut rest) = (Vec::new(), String::new(), text);
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
        let (number, mut after) = number.split_at(end);
        out += before;
        if before.ends_with("tried on Linux ") {
            out += "6.18";
            after = after.trim_start_matches(|c| c != '\n');
        } else if before.ends_with(':') && number.len() == 5 {
            // The first new port of a story is the server's, the next the client's.
            let known = ports.iter().position(|port| *port == number);
            let at = known.unwrap_or(ports.len());
            if known.is_none() {
                ports.push(number);
            }
            out += &(if at % 2 == 0 { 20001 } else { 40001 } + at / 2).to_string();
        } else if after.trim_start().starts_with('s') && number.contains('.') {
            out += if number.parse::<f64>().unwrap() > 30.0 { "60.000" } else { "5.000" };
        } else if before.ends_with("TIME-WAIT for ") || after.starts_with(" ms") {
            out += if number.len() == 4 { "1200" } else { "0" };
        } else {
            out += number;
        }
        rest = after;
    }
    out + rest
}

fn the_page_about_the_lab_shows_what_the_program_prints() {
    const PAGE: &str = include_str!("../../docs/reuse.md");
    const COMMAND: &str = "$ netlab reuse-demo\n";
    let output = on_host(|| crate::netlab().args(["reuse-demo", "--lang", "en"]).output().unwrap());
    let real = normalised(&String::from_utf8(output.stdout).unwrap());
    let (before, rest) = PAGE.split_once(COMMAND).unwrap();
    let (printed, after) = rest.split_once("```\n").unwrap();
    if std::env::var_os("NETLAB_UPDATE_DOCS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reuse.md");
        std::fs::write(path, format!("{before}{COMMAND}{real}```\n{after}")).unwrap();
        return;
    }
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(printed), words(&real), "scripts/update-docs writes the page anew");
}

fn what_varies_is_made_equal_and_nothing_else() {
    let one = "tried on Linux 6.1.0-13-amd64\nTIME-WAIT 127.0.0.1:10001 → 127.0.0.1:50001, 59.992 s left (98) 1203 ms";
    let other = "tried on Linux 6.18.44\nTIME-WAIT 127.0.0.1:20002 → 127.0.0.1:40002, 60.000 s left (98) 1211 ms";
    assert_eq!(normalised(one), normalised(other));
    assert_eq!(
        normalised(one),
        "tried on Linux 6.18\nTIME-WAIT 127.0.0.1:20001 → 127.0.0.1:40001, 60.000 s left (98) 1200 ms"
    );
    assert_ne!(normalised("72 restarts"), normalised("71 restarts"));
    assert_ne!(normalised("removed in Linux 4.12:"), normalised("removed in Linux 4.11:"));
}
