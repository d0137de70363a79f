//! The contract of the command line, seen from outside: exit status, closed pipes, colour, help.

use std::io::Read;
use std::process::{Command, Stdio};

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
