//! The contract of the command line, seen from outside: exit status, closed pipes, colour, help.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub fn netlab() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netlab"));
    command.env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_was_expected() {
    let output = netlab().arg("no-such-command").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("unrecognized subcommand"));
    assert!(output.stdout.is_empty());
}

#[test]
fn every_command_has_a_help_that_ends_with_an_example() {
    for command in netlab::cli::command().get_subcommands().filter(|c| c.get_name() != "help") {
        let output = netlab().args([command.get_name(), "-h"]).output().unwrap();
        assert!(output.status.success(), "{}", command.get_name());
        let help = String::from_utf8(output.stdout).unwrap();
        let last = help.trim_end().lines().next_back().unwrap();
        assert!(last.contains("netlab "), "the help of {} ends with {last:?}", command.get_name());
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let mut child =
        netlab().args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn every_command_has_a_manual_page_and_completions_exist_for_every_shell() {
    for command in netlab::cli::command().get_subcommands().filter(|c| c.get_name() != "help") {
        let output = netlab().args(["man", command.get_name()]).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains(".SH SYNOPSIS"), "{}", command.get_name());
    }
    for shell in ["bash", "zsh", "fish"] {
        let output = netlab().args(["completions", shell]).output().unwrap();
        assert!(output.status.success() && output.stdout.len() > 1000, "{shell}");
    }
}

#[test]
fn a_full_disk_is_named_once_with_what_could_not_be_written() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = netlab().args(["subnet", "10.0.0.0/24"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "netlab: write standard output: no space left on device (ENOSPC)\n");
}

#[test]
fn a_help_that_cannot_be_written_is_no_success_and_a_closed_pipe_ends_it_quietly() {
    for arguments in [&["--help"][..], &["--version"], &["capture", "-h"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = netlab().args(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(said, "netlab: write standard output: no space left on device (ENOSPC)\n");
        let (read, closed) = nix::unistd::pipe().unwrap();
        drop(read);
        let output = netlab().args(arguments).stdout(closed).output().unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{arguments:?}");
    }
}

#[test]
fn a_directory_instead_of_a_file_is_told_once_and_by_errno() {
    let output = netlab().args(["capture", "-r", "/"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("is a directory (EISDIR)").count(), 1, "{said}");
    assert!(!said.contains("os error"), "{said}");
}

/// A filter under way that has already answered one line, with SIGHUP as `env` was told to leave it.
fn filter(env: &str) -> (Child, ChildStdin, BufReader<ChildStdout>) {
    let mut command = Command::new("env");
    command.args([env, env!("CARGO_BIN_EXE_netlab"), "subnet", "--contains", "10.0.0.0/8"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut filter = (child, input, output);
    answers(&mut filter.1, &mut filter.2);
    filter
}

fn answers(input: &mut ChildStdin, output: &mut BufReader<ChildStdout>) {
    input.write_all(b"10.0.0.1\n").unwrap();
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "10.0.0.1\n");
}

fn hang_up(child: &Child) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGHUP).unwrap();
}

#[test]
fn a_stream_whose_terminal_went_away_ends_as_at_ctrl_c() {
    let (mut child, _input, _output) = filter("--default-signal=HUP");
    hang_up(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_stream_under_nohup_goes_on() {
    let (mut child, mut input, mut output) = filter("--ignore-signal=HUP");
    hang_up(&child);
    answers(&mut input, &mut output);
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
