//! The filter compiler beside the reference: every expression on every packet, program against program.

mod command;
mod expressions;
mod frames;
mod views;

use std::fmt::Write as _;
use std::process::Command;
use std::sync::OnceLock;

use netlab::capture::filter::{self, Metadata, Options, Program, Source};
use netlab::link::LinkType;
use netlab::link::packet_socket::Instruction;

use expressions::{COMPUTED, EXPRESSIONS, REFUSED};
use frames::Dice;

/// Packets of the main link type; the others get a part of that.
const FRAMES: usize = 20_000;

fn reference_command() -> Command {
    let mut command = Command::new("tcpdump");
    command.env("LC_ALL", "C");
    command
}

/// What the reference makes of an expression; none where it refuses.
fn reference(arguments: &[&str], expression: &str) -> Option<Vec<Instruction>> {
    let output =
        reference_command().args(arguments).args(["-ddd", "--", expression]).output().unwrap_or_else(|error| {
            panic!("this test compares with tcpdump, which does not run here ({error}): apt-get install tcpdump")
        });
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    let count: usize = lines.next().filter(|_| output.status.success())?.parse().unwrap();
    let program: Vec<Instruction> = lines.map(instruction).collect();
    assert_eq!(program.len(), count, "{text}");
    Some(program)
}

fn instruction(line: &str) -> Instruction {
    let numbers: Vec<u32> = line.split(' ').map(|number| number.parse().unwrap()).collect();
    Instruction {
        code: numbers[0] as u16,
        jump_true: numbers[1] as u8,
        jump_false: numbers[2] as u8,
        constant: numbers[3],
    }
}

fn stored() -> Options {
    Options { netmask: Some(std::net::Ipv4Addr::UNSPECIFIED), ..Options::new(Source::Stored) }
}

fn ethernet() -> &'static [Vec<u8>] {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut dice = Dice::new(1);
        (0..FRAMES).map(|_| frames::ethernet(&mut dice)).collect()
    })
}

fn metadata(frame: &[u8]) -> Metadata {
    Metadata::of_length(frame.len() as u32)
}

/// On how many packets the two programs differ, and the first of these. The reference's optimizer changes verdicts on
/// packets that end before a byte is read: on those its program without the optimizer is as good.
fn differences(
    reference: &[Instruction],
    plain: impl Fn() -> Vec<Instruction>,
    own: &Program,
    packets: &[Vec<u8>],
) -> (usize, String) {
    let plain = std::cell::LazyCell::new(plain);
    let verdict = |program: &[Instruction], packet: &[u8]| filter::run(program, packet, &metadata(packet)) != 0;
    let mut count = 0;
    let mut first = String::new();
    for packet in packets {
        let found = own.run(packet, &metadata(packet)) != 0;
        if verdict(reference, packet) != found && verdict(&plain, packet) != found {
            count += 1;
            if count == 1 {
                let _ = write!(first, "own {found} on {packet:02x?}\n{}", own.listing());
            }
        }
    }
    (count, first)
}

/// Compares all expressions on all packets, on as many threads as there are cores.
fn compare(arguments: &[&str], link: LinkType, expressions: &[&str], packets: &[Vec<u8>]) {
    let one = |expression: &&str| {
        let wanted = reference(arguments, expression);
        let found = filter::compile(expression, link, stored());
        match (wanted, found) {
            (Some(wanted), Ok(found)) => {
                let plain = || reference(&[&["-O"], arguments].concat(), expression).unwrap();
                let (count, first) = differences(&wanted, plain, &found, packets);
                (count > 0).then(|| format!("{expression:?}: {count} of {} packets: {first}", packets.len()))
            }
            (None, Err(_)) => None,
            (Some(_), Err(error)) => Some(format!("{expression:?}: refused: {}", error.render(expression))),
            (None, Ok(found)) => Some(format!("{expression:?}: the reference refuses it\n{}", found.listing())),
        }
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let halves = expressions.chunks(expressions.len().div_ceil(2).max(1));
        let threads: Vec<_> = halves.map(|half| scope.spawn(|| half.iter().filter_map(one).collect())).collect();
        threads.into_iter().flat_map(|thread| -> Vec<String> { thread.join().unwrap() }).collect()
    });
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), expressions.len(), wrong.join("\n"));
}

#[test]
fn every_expression_has_the_verdict_of_the_reference_on_every_ethernet_frame() {
    assert!(EXPRESSIONS.len() + COMPUTED.len() + REFUSED.len() >= 400, "there were more expressions");
    compare(&["-y", "EN10MB"], LinkType::Ethernet, EXPRESSIONS, ethernet());
}

#[test]
fn headers_at_computed_places_are_found_as_by_the_reference() {
    // A wider range of packets is not needed here, and the reference's programs for this are long.
    compare(&["-y", "EN10MB"], LinkType::Ethernet, COMPUTED, &ethernet()[..FRAMES / 2]);
}

#[test]
fn what_the_reference_refuses_is_refused() {
    compare(&["-y", "EN10MB"], LinkType::Ethernet, REFUSED, &[]);
}

/// Packets from `make`, a part of what Ethernet gets.
fn packets(seed: u64, make: impl Fn(&mut Dice) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut dice = Dice::new(seed);
    (0..FRAMES / 10).map(|_| make(&mut dice)).collect()
}

#[test]
fn the_other_link_types_agree_with_the_reference_too() {
    let all: Vec<&str> = EXPRESSIONS.iter().chain(REFUSED).copied().chain(["inbound", "outbound and tcp"]).collect();
    // Of raw IP and PPP the reference asks nothing but bytes; these words need a kernel, or a file that tells.
    let bytes: Vec<&str> = EXPRESSIONS.iter().chain(REFUSED).copied().collect();
    compare(&["-y", "LINUX_SLL2"], LinkType::LinuxSll2, &all, &packets(2, frames::cooked2));
    compare(&["-y", "LINUX_SLL"], LinkType::LinuxSll, &all, &packets(3, frames::cooked));
    compare(&["-y", "RAW"], LinkType::RawIp, &bytes, &packets(4, frames::raw));
    compare(
        &["-y", "LOOP"],
        LinkType::Loop,
        &loop_expressions(&bytes),
        &packets(5, |dice| frames::family(dice, false)),
    );
    compare(&["-y", "PPP"], LinkType::Ppp, &bytes, &packets(6, frames::ppp));
}

/// Without IPv6: what number it has behind this header depends on whether packets come from a file.
fn loop_expressions<'a>(all: &[&'a str]) -> Vec<&'a str> {
    let six = ["6", ":", "port", "proto", "tcp", "udp", "sctp", "pim", "ah", "esp", "localhost"];
    all.iter().copied().filter(|text| !six.iter().any(|part| text.contains(part))).collect()
}

#[test]
fn a_stored_loopback_header_knows_ipv6_under_the_numbers_of_three_systems() {
    // With a file the reference looks for all of them, so it gets one: an empty capture of link type 0.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("null.pcap");
    let header = [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 0].map(u32::to_ne_bytes).concat();
    std::fs::write(&path, header).unwrap();
    let expressions: Vec<&str> =
        EXPRESSIONS.iter().copied().filter(|text| !text.contains("ip broadcast") && !text.is_empty()).collect();
    let arguments = ["-r", path.to_str().unwrap()];
    compare(&arguments, LinkType::Null, &expressions, &packets(7, |dice| frames::family(dice, true)));
}

/// Terms for expressions that nobody wrote: primitives joined, negated and nested at random.
fn composed(dice: &mut Dice) -> String {
    const TERMS: [&str; 24] = [
        "ip",
        "ip6",
        "arp",
        "tcp",
        "udp",
        "icmp",
        "host 10.0.0.1",
        "src net 10",
        "dst net 192.168.1.0/24",
        "port 80",
        "tcp dst port 443",
        "src port 53",
        "portrange 20-25",
        "ip6 host fe80::1",
        "ether src 02:fc:00:00:00:01",
        "multicast",
        "less 80",
        "ip[8] > 2",
        "tcp[13] & 2 != 0",
        "ip[6:2] & 0x1fff = 0",
        "ip proto 17",
        "ip6 proto 58",
        "ether proto 0x0806",
        "len > 60",
    ];
    let mut text = dice.pick(&TERMS).to_owned();
    for _ in 0..dice.below(5) {
        let next = dice.pick(&TERMS);
        let word = dice.pick(&["and", "or", "and not", "or not"]);
        text = match dice.below(4) {
            0 => format!("({text}) {word} {next}"),
            1 => format!("{next} {word} ({text})"),
            2 => format!("not ({text}) {word} {next}"),
            _ => format!("{text} {word} {next}"),
        };
    }
    text
}

#[test]
fn expressions_put_together_at_random_agree_with_the_reference() {
    let mut dice = Dice::new(8);
    let all: Vec<String> = (0..150).map(|_| composed(&mut dice)).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    compare(&["-y", "EN10MB"], LinkType::Ethernet, &all, &ethernet()[..FRAMES / 4]);
}

#[test]
fn programs_are_about_as_long_as_those_of_the_reference() {
    let lengths = EXPRESSIONS.iter().filter_map(|expression| {
        let wanted = reference(&["-y", "EN10MB"], expression)?.len();
        let found = filter::compile(expression, LinkType::Ethernet, stored()).ok()?.instructions().len();
        Some((*expression, wanted, found))
    });
    let lengths: Vec<_> = lengths.collect();
    let (wanted, found) = lengths.iter().fold((0, 0), |(w, f), (_, wanted, found)| (w + wanted, f + found));
    let longer: Vec<_> = lengths.iter().filter(|(_, wanted, found)| *found > wanted + wanted / 4 + 2).collect();
    assert!(found <= wanted + wanted / 50, "{found} instructions instead of {wanted}");
    assert!(longer.is_empty(), "much longer than the reference: {longer:?}");
}
