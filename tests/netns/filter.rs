//! Filters in the kernel: every program is taken, and lets pass what the interpreter lets pass of the whole frame.

use std::os::fd::AsFd;

use netlab::capture::filter::{self, Metadata, Options, Source};
use netlab::kernel::namespace::Host;
use netlab::kernel::netlink::Netlink;
use netlab::link::LinkType;
use netlab::link::packet_socket::{Instruction, Kind, Named, PacketSocket};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::netlab;
use crate::topology::{INTERFACE, PATIENCE, Pair, host, pair};

crate::tests![
    the_kernel_lets_pass_what_the_interpreter_lets_pass_also_with_tags_taken_out,
    the_kernel_takes_long_programs,
    a_filter_is_applied_while_capturing,
    a_filter_is_checked_before_anything_is_opened,
];

const EXPRESSIONS: [&str; 24] = [
    "ip",
    "tcp port 80",
    "udp port 53 and not host 10.0.0.9",
    "arp or ip6",
    "host 10.0.0.1",
    "vlan",
    "vlan 5",
    "vlan 100",
    "vlan and ip",
    "vlan 5 and tcp port 80",
    "vlan 100 and vlan 5 and udp",
    "not vlan and ip",
    "ether[12:2] = 0x8100",
    "ether[14:2] & 0xfff = 5",
    "ether[16:2] = 0x0800",
    "ether[15:2] = 0x0508",
    "ether src 02:fc:00:00:00:01 and tcp[tcpflags] & tcp-syn != 0",
    "len > 62",
    "less 60",
    "ip[ip[0] & 0xf] = 0",
    "tcp[((tcp[12:1] & 0xf0) >> 2):4] != 0",
    "ip6 protochain 17 or ip protochain 17",
    "greater 1 and not inbound or inbound",
    "icmp or tcp or geneve and tcp",
];

/// IPv4 with TCP to port 80 and with UDP to port 53, ARP, IPv6 with UDP; each without tags and with some.
fn frames() -> Vec<Vec<u8>> {
    let ipv4 = |protocol: u8| vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    let tcp = [0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0];
    let ipv6 = [vec![0x60, 0, 0, 0, 0, 8, 17, 64], vec![0xfd; 32], vec![0x9c, 0x40, 0, 53]].concat();
    let payloads = [
        (0x0800u16, [ipv4(6), tcp.to_vec()].concat()),
        (0x0800, [ipv4(17), vec![0x9c, 0x40, 0, 53, 0, 20, 0, 0]].concat()),
        (0x0806, [0, 1, 8, 0, 6, 4, 0, 1].to_vec()),
        (0x86dd, ipv6),
    ];
    let tags: [&[u8]; 4] = [&[], &[0x81, 0, 0x20, 5], &[0x88, 0xa8, 0, 100, 0x81, 0, 0, 5], &[0x91, 0, 0, 5]];
    let mut frames = Vec::new();
    for (kind, payload) in &payloads {
        for tags in tags {
            let mut frame = [&Pair::RIGHT_MAC.0, &Pair::LEFT_MAC.0, tags, &kind.to_be_bytes(), payload].concat();
            frame.resize(60 + frames.len(), 0);
            frame.push(frames.len() as u8);
            frames.push(frame);
        }
    }
    frames
}

fn socket(host: &Host, kind: Kind, program: Vec<Instruction>) -> PacketSocket {
    host.run(move || {
        let index = Netlink::open().unwrap().link(INTERFACE).unwrap().index;
        let socket = PacketSocket::open(&Named { name: INTERFACE.to_owned(), index }, kind, "testing").unwrap();
        socket.filter(&program).unwrap();
        socket.start().unwrap();
        socket
    })
}

/// The last bytes of the frames that arrive, up to that of the last frame sent.
fn arrived(socket: &PacketSocket, last: u8) -> Vec<u8> {
    let mut numbers = Vec::new();
    loop {
        let timeout = PollTimeout::try_from(PATIENCE).unwrap();
        let ready = poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLIN)], timeout).unwrap();
        assert_eq!(ready, 1, "frames in time; so far {numbers:?}");
        let mut bytes = [0; 200];
        let length = nix::unistd::read(socket, &mut bytes).unwrap();
        if bytes[length - 1] == last {
            return numbers;
        }
        numbers.push(bytes[length - 1]);
    }
}

/// An ether type for experiments, which every filter here lets pass: it marks the end.
const END: &str = "ether proto 0x88b5";

fn compile(expression: &str, link: LinkType, source: Source, any_vlan: bool) -> filter::Program {
    let options = Options { any_vlan, ..Options::new(source) };
    filter::compile(expression, link, options).unwrap_or_else(|error| panic!("{}", error.render(expression)))
}

fn the_kernel_lets_pass_what_the_interpreter_lets_pass_also_with_tags_taken_out() {
    let pair = pair();
    let sender = socket(&pair.left, Kind::WithLinkHeader, vec![Instruction::take(0)]);
    let frames = frames();
    let mut end = [&Pair::RIGHT_MAC.0[..], &Pair::LEFT_MAC.0, &[0x88, 0xb5]].concat();
    end.resize(59, 0);
    end.push(0xff);
    for (link, kind) in [(LinkType::Ethernet, Kind::WithLinkHeader), (LinkType::LinuxSll2, Kind::WithoutLinkHeader)] {
        for expression in EXPRESSIONS {
            for any_vlan in [false, true] {
                let expression = format!("{END} or ({expression})");
                let options = Options { any_vlan, ..Options::new(Source::Stored) };
                // What a cooked header cannot be asked is refused for files too.
                let Ok(stored) = filter::compile(&expression, link, options) else { continue };
                let Ok(live) = filter::compile(&expression, link, Options { source: Source::Live, ..options }) else {
                    continue;
                };
                let receiver = socket(&pair.right, kind, live.instructions().to_vec());
                for frame in frames.iter().chain([&end]) {
                    assert_eq!(nix::unistd::write(&sender, frame).unwrap(), frame.len());
                }
                let passes = |frame: &&Vec<u8>| {
                    let whole = match link {
                        LinkType::Ethernet => (*frame).clone(),
                        _ => [&frame[12..14], &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6], &[0; 8], &frame[14..]].concat(),
                    };
                    let known = Metadata { packet_type: Some(0), ..Metadata::of_length(whole.len() as u32) };
                    stored.run(&whole, &known) != 0
                };
                let wanted: Vec<u8> = frames.iter().filter(passes).map(|frame| *frame.last().unwrap()).collect();
                assert_eq!(arrived(&receiver, 0xff), wanted, "{expression} on {link:?}, any_vlan {any_vlan}");
            }
        }
    }
}

fn the_kernel_takes_long_programs() {
    let host = host("alone", false);
    let hosts: Vec<String> = (0..700).map(|n| format!("host 10.{}.{}.7", n / 200, n % 200)).collect();
    let expression = format!("tcp port 80 and ({}) or vlan 5", hosts.join(" or "));
    let program = compile(&expression, LinkType::Ethernet, Source::Live, false);
    let count = program.instructions().len();
    assert!((2000..filter::LIMIT).contains(&count), "{count} instructions");
    let instructions = program.instructions().to_vec();
    host.run(move || {
        let lo = Named { name: "lo".to_owned(), index: 1 };
        PacketSocket::open(&lo, Kind::WithLinkHeader, "testing").unwrap().filter(&instructions).unwrap();
    });
}

fn a_filter_is_applied_while_capturing() {
    let pair = pair();
    let mut command = netlab();
    command.args(["capture", INTERFACE, "-c", "1", "--json", "vlan", "5", "and", "tcp", "port", "80"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = pair.right.run(move || command.spawn().unwrap());
    let mut first = String::new();
    let mut errors = std::io::BufReader::new(child.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut errors, &mut first).unwrap();
    assert!(first.contains("capturing on"), "{first}");
    let sender = socket(&pair.left, Kind::WithLinkHeader, vec![Instruction::take(0)]);
    for frame in frames().iter().rev() {
        nix::unistd::write(&sender, frame).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let packet: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(packet["layers"][1]["fields"]["identifier"], 5, "{packet}");
    assert_eq!(packet["layers"][3]["layer"], "tcp", "{packet}");
}

fn a_filter_is_checked_before_anything_is_opened() {
    let host = host("alone", false);
    let output = host.run(|| netlab().args(["capture", "lo", "tcp", "port", "htp"]).output().unwrap());
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("\n  tcp port htp\n           ^^^") && !text.contains("capturing on"), "{text}");
}
