//! The examples of the README come from the real program: each `$ netlab …` in a console block is run on a small network
//! and its output compared with what is printed below it. Times, ephemeral ports and other numbers of five digits and
//! more differ from run to run and count as equal; every word and every small number must match.
//!
//! `scripts/update-docs` writes the real outputs into the README.

use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::Stdio;

use netlab::kernel::namespace::Host;

use crate::topology::{self, Pair};

crate::tests![
    the_examples_of_the_readme_are_what_the_program_prints,
    the_comparison_sees_a_changed_word_and_a_changed_number
];

const README: &str = include_str!("../../README.md");
/// A capture that examples read; its path as the README names it.
const EXAMPLE: (&str, &[u8]) = ("docs/example.pcapng", include_bytes!("../../docs/example.pcapng"));

/// The machine of the examples: 192.0.2.1 on `eth0`; 192.0.2.2 answers as a small server would.
struct Machine {
    pair: Pair,
    _services: (Vec<TcpListener>, Vec<UdpSocket>),
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let pair = topology::pair();
        let services = pair.right.run(|| {
            let ports = [22, 80, 8080].map(|port| TcpListener::bind((Pair::RIGHT, port)).unwrap());
            let silent = UdpSocket::bind((Pair::RIGHT, 123)).unwrap();
            (Vec::from(ports), vec![silent])
        });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(EXAMPLE.0);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::File::create(file).unwrap().write_all(EXAMPLE.1).unwrap();
        Machine { pair, _services: services, folder }
    }

    /// What a terminal would show: standard output, then standard error, then the exit status if it is not 0.
    fn run(&self, command: &str) -> String {
        let program = crate::netlab().get_program().to_owned();
        let folder = Path::new(&program).parent().unwrap().display().to_string();
        let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
        let (command, cwd) = (command.to_owned(), self.folder.path().to_owned());
        let left: &Host = &self.pair.left;
        let output = left.run(move || {
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", &format!("{command} 2>&1")]).env("PATH", path).env("COLUMNS", "100").env("LANG", "C");
            shell.current_dir(cwd).stdin(Stdio::null()).output().unwrap()
        });
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A text in pieces: what is kept as it is, and commands with their outputs.
enum Piece<'a> {
    Text(&'a str),
    Example { command: &'a str, output: String },
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line.strip_prefix("$ ") {
            Some(command) if inside => found.push(Piece::Example { command, output: String::new() }),
            _ => match found.last_mut() {
                Some(Piece::Example { output, .. }) if inside && !line.starts_with("```") => {
                    output.push_str(line);
                    output.push('\n');
                }
                _ => {
                    inside = line.starts_with("```console");
                    found.push(Piece::Text(line));
                }
            },
        }
    }
    found
}

/// A line with what differs from run to run taken out, the unit of a time included: a slow run has ms for µs.
fn essence(line: &str) -> String {
    let mut words: Vec<String> = line.split_whitespace().map(long_numbers_out).collect();
    for at in 0..words.len() {
        let unit = words.get(at + 1).is_some_and(|next| UNITS.contains(&next.trim_end_matches([',', ')', ':'])));
        let joined =
            UNITS.iter().any(|unit| words[at].trim_end_matches([',', ')']).strip_suffix(unit).is_some_and(is_number));
        if (unit && is_number(&words[at])) || joined || words[at].strip_prefix('+').is_some_and(is_number) {
            "#".clone_into(&mut words[at]);
        }
        if unit && words[at] == "#" {
            let comma = words[at + 1].trim_start_matches(char::is_alphabetic).to_owned();
            words[at + 1] = comma;
        }
    }
    words.join(" ")
}

const UNITS: [&str; 6] = ["ns", "µs", "us", "ms", "s", "seconds"];

fn is_number(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit()) && word.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '#')
}

/// Digits in runs of five and more are an ephemeral port, an inode, a process: they differ.
fn long_numbers_out(word: &str) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, digits) = rest.split_at(start);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        out.push_str(before);
        out.push_str(if end >= 5 { "#" } else { &digits[..end] });
        rest = &digits[end..];
    }
    out + rest
}

/// The essence of an output. Which of two programs of a lab comes back first is for the scheduler to say, so there the
/// order of the lines does not count.
fn essences(command: &str, text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(essence).collect();
    if command.contains(" lab run ") {
        lines.sort();
    }
    lines
}

fn the_examples_of_the_readme_are_what_the_program_prints() {
    let machine = Machine::new();
    let update = std::env::var_os("NETLAB_UPDATE_DOCS").is_some();
    let (mut fresh, mut wrong, mut count) = (String::new(), Vec::new(), 0);
    for piece in pieces(README) {
        match piece {
            Piece::Text(line) => fresh.extend([line, "\n"]),
            Piece::Example { command, output } => {
                let real = machine.run(command);
                let real = format!("{}\n", real.trim_end());
                if essences(command, &real) != essences(command, &output) {
                    wrong.push(format!("$ {command}\n{real}--- the README says:\n{output}"));
                }
                fresh.extend(["$ ", command, "\n", &real]);
                assert!(update || !output.is_empty(), "$ {command} has no output below it: run scripts/update-docs");
                count += 1;
            }
        }
    }
    if update {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"), fresh).unwrap();
        return;
    }
    assert!(count >= 8, "only {count} examples were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn the_comparison_sees_a_changed_word_and_a_changed_number() {
    assert_eq!(essence("80/tcp   open  0.214 ms"), essence("80/tcp open  17.9 ms"));
    assert_eq!(essence("+0.000212  port 51234"), essence("+0.1  port 40001"));
    assert_eq!(essence("53/udp closed 244 µs, from 192.0.2.2"), essence("53/udp closed 40.28 ms, from 192.0.2.2"));
    assert_ne!(essence("80/tcp open 1 ms"), essence("80/tcp closed 1 ms"));
    assert_ne!(essence("80/tcp open"), essence("81/tcp open"));
    assert_ne!(essence("254 of 256 addresses"), essence("255 of 256 addresses"));
}
