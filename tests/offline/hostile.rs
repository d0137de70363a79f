//! Input made to hurt: it costs no more than its length, and is said plainly. Lengths in files: `capture_files`.

use netlab::capture::{Dissector, Frame};
use netlab::dissect::MAX_LAYERS;
use netlab::report::clock::Clock;
use netlab::report::headers::Numbers;
use netlab::report::packet::{self, Look};
use netlab::report::text::Text;
use netlab::report::{Palette, packet_json, packet_line};
use pnet::packet::ethernet::EtherTypes;

use crate::cli::netlab;
use crate::fragmented::{Whole, ethernet, v6};
use crate::fragments::trace;

/// What a frame costs and says.
struct Seen {
    /// What is wrong, by layer.
    faults: Vec<(&'static str, String)>,
    layers: usize,
    fields: usize,
    /// Bytes of the line, of all layers with every field, and of JSON.
    line: usize,
    whole: usize,
    json: usize,
}

fn see(frame: &[u8]) -> Seen {
    let mut dissector = Dissector::new(true).reassembling().timing(0);
    let packet = dissector.read(Frame::ethernet(frame));
    let (clock, numbers, palette) = (Clock::SinceFirst, Numbers::Relative, Palette::PLAIN);
    let [mut line, mut whole, mut json] = [(); 3].map(|()| Text::default());
    packet_line::write(&mut line, &packet, clock, numbers, palette);
    packet::write(&mut whole, &packet, &Look { fields: true, hex: false, clock, numbers, palette });
    packet_json::write(&mut json, &packet);
    serde_json::from_slice::<serde_json::Value>(json.bytes()).expect("JSON whatever the bytes are");
    let fault = |layer: &netlab::dissect::Layer| Some((layer.header.name(), layer.fault?.to_string()));
    Seen {
        faults: packet.layers.iter().filter_map(fault).collect(),
        layers: packet.layers.len(),
        fields: packet.fields.len(),
        line: line.len(),
        whole: whole.len(),
        json: json.len(),
    }
}

/// Fails unless a layer has a fault that holds `text`.
#[track_caller]
fn assert_said(seen: &Seen, layer: &str, text: &str) {
    let said = seen.faults.iter().any(|(own, fault)| *own == layer && fault.contains(text));
    assert!(said, "{layer} {text}: {:?}", seen.faults);
}

fn v4(options: &[u8], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0x45 + (options.len() / 4) as u8, 0];
    datagram.extend((20 + options.len() as u16 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 1, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    datagram.extend(options);
    datagram.extend(payload);
    datagram
}

fn dhcp(options: &[u8]) -> Vec<u8> {
    let mut message = vec![1, 1, 6, 0];
    message.resize(236, 0);
    message.extend([0x63, 0x82, 0x53, 0x63]);
    message.extend(options);
    Whole::udp(false, 0, [68, 67], &message).frames(65_528).remove(0)
}

fn dns(counts: [u16; 4], records: &[u8]) -> Vec<u8> {
    let mut message = vec![0, 1, 0x81, 0x80];
    message.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    message.extend(records);
    Whole::udp(false, 0, [53, 40_000], &message).frames(65_528).remove(0)
}

#[test]
fn options_of_length_zero_are_named_and_end_the_reading() {
    let ipv4 = see(&ethernet(EtherTypes::Ipv4, &v4(&[7, 0, 7, 0, 7, 0, 7, 0], 253, &[])));
    assert_said(&ipv4, "IPv4", "option length is 0");
    let mut segment = vec![0, 80, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 2, 0, 0, 0, 0, 0, 0];
    segment.extend([8, 0].repeat(20));
    let tcp = see(&ethernet(EtherTypes::Ipv4, &v4(&[], 6, &segment)));
    assert_said(&tcp, "TCP", "length is 0");
    let mut solicitation = vec![135, 0, 0, 0, 0, 0, 0, 0];
    solicitation.extend([0xfe; 16]);
    solicitation.extend([1, 0].repeat(400));
    let ndp = see(&ethernet(EtherTypes::Ipv6, &v6(58, &solicitation)));
    assert_said(&ndp, "ICMPv6", "length is 0");
    for seen in [ipv4, tcp, ndp] {
        assert!(seen.fields < 80, "nothing is read twice: {}", seen.fields);
    }
}

#[test]
fn options_without_end_cost_what_their_bytes_cost() {
    // 65,535 bytes hold this many options of no length, or of one byte.
    for (option, count) in [(&[12, 0][..], 32_000), (&[0][..], 65_000), (&[53, 1, 1][..], 21_000)] {
        let frame = dhcp(&option.repeat(count));
        let seen = see(&frame);
        assert!(seen.fields <= frame.len(), "{} fields of {} bytes", seen.fields, frame.len());
        assert!(seen.line < 2000, "a line is a line: {}", seen.line);
        assert!(seen.whole < 200 * frame.len() && seen.json < 200 * frame.len(), "{} {}", seen.whole, seen.json);
    }
    // The longest header of IPv6, full of empty options.
    let mut options = vec![59, 255];
    options.extend([1, 0].repeat(1023));
    let seen = see(&ethernet(EtherTypes::Ipv6, &v6(0, &options)));
    assert_eq!(seen.faults, []);
    assert!(seen.fields < 2200, "{}", seen.fields);
}

#[test]
fn headers_inside_each_other_end_at_the_limit_and_that_is_said() {
    let chains: [(u8, Vec<u8>); 3] = [
        (60, [60, 0, 1, 4, 0, 0, 0, 0].repeat(8000)),
        (43, [43, 0, 0, 0, 0, 0, 0, 0].repeat(8000)),
        (44, [44, 0, 0, 0, 0, 0, 0, 1].repeat(8000)),
    ];
    for (next, chain) in chains {
        let seen = see(&ethernet(EtherTypes::Ipv6, &v6(next, &chain)));
        assert!(seen.layers <= MAX_LAYERS + 1, "{}", seen.layers);
        assert_said(&seen, "Unread", "nested too deep");
    }
    let (mut inside, labels) = (vec![1, 2, 3, 4], [0, 0, 0, 64].repeat(10_000));
    for _ in 0..2000 {
        inside = v4(&[], 4, &inside);
    }
    let tags = [0, 1, 0x81, 0].repeat(10_000);
    for (kind, bytes) in [(EtherTypes::Ipv4, &inside), (EtherTypes::Mpls, &labels), (EtherTypes::Vlan, &tags)] {
        let seen = see(&ethernet(kind, bytes));
        assert!(seen.layers <= MAX_LAYERS + 1, "{}", seen.layers);
        assert_said(&seen, "Unread", "nested too deep");
    }
}

#[test]
fn names_whose_pointers_go_round_end_and_long_ones_do_not_multiply() {
    // To itself; to each other; forwards; behind the message.
    for name in [&[0xc0, 12][..], &[0xc0, 14, 0xc0, 12], &[0xc0, 20], &[0xff, 0xff], &[1, b'a', 0xc0, 12]] {
        let seen = see(&dns([1, 0, 0, 0], &[name, &[0, 1, 0, 1]].concat()));
        assert!(seen.fields < 60 && seen.line < 500, "{name:?}: {} {}", seen.fields, seen.line);
        assert!(seen.faults.iter().any(|(layer, _)| *layer == "DNS"), "{name:?}: {:?}", seen.faults);
    }
    // A chain of pointers, each to the one before: the last name is read through all of them.
    let mut chain = vec![1, b'a', 0, 0, 1, 0, 1];
    for at in 0..3000u16 {
        let before = if at == 0 { 12 } else { 19 + 6 * (at - 1) };
        chain.extend((0xc000 | before).to_be_bytes());
        chain.extend([0, 1, 0, 1]);
    }
    let frame = dns([3001, 0, 0, 0], &chain);
    let seen = see(&frame);
    assert!(seen.json < 100 * frame.len(), "{} of {}", seen.json, frame.len());
    // The longest name, and as many records as there is room for that point at it.
    let mut records: Vec<u8> = [&[63][..], &[0x1b; 63]].concat().repeat(3);
    records.extend([&[61][..], &[0x1b; 61], &[0, 0, 1, 0, 1]].concat());
    let record = [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 0, 0, 2, 0xc0, 12];
    records.extend(record.repeat(4000));
    let frame = dns([1, 4000, 0, 0], &records);
    let seen = see(&frame);
    assert!(seen.line < 6000, "{}", seen.line);
    // Two names of 255 bytes, each written with up to six characters, for fourteen bytes.
    assert!(seen.json < 300 * frame.len() && seen.whole < 300 * frame.len(), "{} {}", seen.json, seen.whole);
}

#[test]
fn a_jumbogram_that_claims_four_gigabytes_is_one_of_the_bytes_that_are_there() {
    for length in [u32::MAX, 0, 65_536] {
        let mut options = vec![17, 0, 0xc2, 4];
        options.extend(length.to_be_bytes());
        options.extend([0, 1, 0, 2, 0, 0, 0, 0, 1, 2, 3]);
        let mut datagram = v6(0, &options);
        datagram[4..6].fill(0);
        let seen = see(&ethernet(EtherTypes::Ipv6, &datagram));
        assert!(seen.layers < 8 && seen.fields < 40, "{length}: {} {}", seen.layers, seen.fields);
        if length > 65_535 {
            assert_said(&seen, "Hop-by-hop options", "no more than the bytes that are there");
        }
    }
}

#[test]
fn a_flood_of_fragments_makes_room_and_that_is_told() {
    let first = |number| Whole::udp(number % 2 == 0, number, [1, 2], &[7; 1400]).frames(1000).remove(0);
    let trace = trace(&(0..6000).map(first).collect::<Vec<_>>());
    let output = netlab().args(["capture", "-q", "-r", trace.path()]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 6000);
    let notes = String::from_utf8(output.stderr).unwrap();
    let count = |what: &str| -> u64 {
        let before = notes.split(what).next().unwrap().trim_end();
        before.rsplit(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{what}: {notes}"))
    };
    assert_eq!(count("incomplete at the end") + count("given up to make room for newer ones"), 6000, "{notes}");
    assert!(count("incomplete at the end") <= 1024);
}

#[test]
fn a_datagram_of_a_byte_in_each_fragment_is_told_in_a_line() {
    let whole = Whole::udp(false, 1, [1, 2], &vec![7; 60_000]);
    let frames = whole.frames(8);
    let trace = trace(&frames);
    let last = format!("frame.number == {}", frames.len());
    let output = netlab().args(["capture", "-q", "-r", trace.path(), "--where", &last]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.ends_with(&format!("… #{0} ({0} frames)]\n", frames.len())), "{text}");
    assert!(text.len() < 400, "{text}");
}

#[test]
fn nothing_that_is_carried_reaches_the_terminal_as_it_is() {
    let evil = b"\x1b[2J\x1b]0;x\x07\x9b31m\r\x08\xe2\x80\xae";
    let http = [b"GET /", &evil[..4], b" HTTP/1.1\r\nHost: ", &evil[..], b"\r\n\r\n"].concat();
    let ssh = [b"SSH-2.0-", &evil[..10], b"\r\n"].concat();
    let label = [&[evil.len() as u8][..], evil, &[0, 0, 16, 0, 1]].concat();
    let host = [&[12, evil.len() as u8][..], evil, &[255]].concat();
    let mut frames = vec![dns([1, 0, 0, 0], &label), dhcp(&host)];
    frames.extend(Whole::udp(true, 9, [1000, 2000], &evil.repeat(40)).frames(200));
    frames.extend(Whole::tcp(false, 1, 1, &http).frames(1000));
    let mut segment = Whole::tcp(false, 2, 1, &ssh);
    segment.payload[3] = 22;
    frames.extend(segment.frames(1000));
    let trace = trace(&frames);
    let looks = [
        &[][..],
        &["-q"],
        &["-v"],
        &["-x"],
        &["-X"],
        &["--json"],
        &["--follow"],
        &["--follow", "-x"],
        &["--follow", "--json"],
        &["--flows"],
        &["--protocols"],
        &["--fields", "dns.name,dhcp.option_data,http.header,payload.payload"],
    ];
    for look in looks {
        let output = netlab().args(["capture", "-r", trace.path()]).args(look).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap_or_else(|error| panic!("{look:?}: {error}"));
        let harmless = |c: char| matches!(c, '\n' | '\t') || !(c.is_control() || c == '\u{202e}');
        assert!(text.chars().all(harmless), "{look:?}: {text:?}");
    }
}
