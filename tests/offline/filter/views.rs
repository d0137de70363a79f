//! The same verdict wherever the outer tag is: in the packet, beside it, or behind another that is seen through.

use netlab::capture::filter::{self, Metadata, Options, Program, Source};
use netlab::link::LinkType;
use netlab::link::received::Tag;

use super::expressions::{COMPUTED, EXPRESSIONS};
use super::frames;
use super::{ethernet, metadata, packets};

/// Indexes computed into the link header itself: the one thing that cannot follow what the kernel took out.
const INTO_THE_HEADER: [&str; 3] = ["1 + tcp[0] = 1", "ether[ether[14] & 0xf] = 0", "ether[len - 1] = 0"];

fn options(source: Source, any_vlan: bool) -> Options {
    Options { any_vlan, netmask: Some([0; 4].into()), ..Options::new(source) }
}

fn compile(expression: &str, link: LinkType, options: Options) -> Program {
    filter::compile(expression, link, options).unwrap_or_else(|error| panic!("{}", error.render(expression)))
}

fn expressions() -> impl Iterator<Item = &'static str> {
    EXPRESSIONS
        .iter()
        .chain(COMPUTED)
        .copied()
        .filter(|text| !INTO_THE_HEADER.contains(text) && !text.contains("localhost"))
}

/// The frame as a packet socket hands it over: the outer tag, if it is one the kernel knows, is beside it.
fn received(frame: &[u8]) -> (Vec<u8>, Metadata) {
    match frame.get(12..16) {
        Some([first @ (0x81 | 0x88), second @ (0x00 | 0xa8), high, low]) if (*first == 0x81) == (*second == 0) => {
            let tag =
                Tag { protocol: u16::from_be_bytes([*first, *second]), control: u16::from_be_bytes([*high, *low]) };
            let rest = [&frame[..12], &frame[16..]].concat();
            let known = Metadata { vlan: Some(tag), ..metadata(&rest) };
            (rest, known)
        }
        _ => (frame.to_vec(), metadata(frame)),
    }
}

fn with_tags(frame: &[u8], tags: &[[u8; 4]]) -> Vec<u8> {
    [&frame[..12], tags.concat().as_slice(), &frame[12..]].concat()
}

#[test]
fn a_tag_that_the_kernel_took_out_counts_as_if_it_were_in_the_frame() {
    let frames = &ethernet()[..3000];
    let taken = frames.iter().filter(|frame| received(frame).1.vlan.is_some()).count();
    assert!(taken > 500, "too few tags: {taken}");
    for expression in expressions() {
        let stored = compile(expression, LinkType::Ethernet, options(Source::Stored, false));
        let live = compile(expression, LinkType::Ethernet, options(Source::Live, false));
        for frame in frames {
            let wanted = stored.run(frame, &metadata(frame));
            let (bytes, known) = received(frame);
            assert_eq!(live.run(&bytes, &known), wanted, "{expression}: {frame:02x?}\n{}", live.listing());
            // The kernel may also have left the tag where it was.
            assert_eq!(live.run(frame, &metadata(frame)), wanted, "{expression}: {frame:02x?}");
        }
    }
}

#[test]
fn with_any_vlan_a_packet_is_judged_as_if_it_had_no_tags() {
    let plain = |frame: &&Vec<u8>| frame.len() >= 14 && !matches!(frame[12..14], [0x81 | 0x91, 0] | [0x88, 0xa8]);
    let frames: Vec<_> = ethernet()[..1500].iter().filter(plain).collect();
    let (inner, outer) = ([0x81, 0, 0x20, 5], [0x88, 0xa8, 0, 100]);
    let about_tags_or_length = ["vlan", "len", "less", "greater"];
    for expression in expressions().filter(|text| !about_tags_or_length.iter().any(|word| text.contains(word))) {
        let one_by_one = compile(expression, LinkType::Ethernet, options(Source::Stored, false));
        let stored = compile(expression, LinkType::Ethernet, options(Source::Stored, true));
        let live = compile(expression, LinkType::Ethernet, options(Source::Live, true));
        for frame in &frames {
            let wanted = one_by_one.run(frame, &metadata(frame));
            for tags in [&[][..], &[inner], &[outer, inner]] {
                let tagged = with_tags(frame, tags);
                let found = stored.run(&tagged, &metadata(&tagged));
                assert_eq!(found, wanted, "{expression}, stored, {} tags: {frame:02x?}", tags.len());
                let (bytes, known) = received(&tagged);
                assert_eq!(live.run(&bytes, &known), wanted, "{expression}, live, {} tags: {frame:02x?}", tags.len());
            }
        }
    }
}

#[test]
fn with_any_vlan_an_identifier_is_looked_for_in_both_tags_and_moves_nothing() {
    let frame = [[2; 6], [4; 6]].concat().into_iter().chain([8, 0, 0x45]).chain([0; 40]).collect::<Vec<u8>>();
    let (five, hundred) = ([0x81, 0, 0x20, 5], [0x88, 0xa8, 0, 100]);
    let verdict = |expression: &str, tags: &[[u8; 4]]| {
        let tagged = with_tags(&frame, tags);
        let (bytes, known) = received(&tagged);
        let stored = compile(expression, LinkType::Ethernet, options(Source::Stored, true));
        let live = compile(expression, LinkType::Ethernet, options(Source::Live, true));
        let found = stored.run(&tagged, &metadata(&tagged)) != 0;
        assert_eq!(live.run(&bytes, &known) != 0, found, "{expression} live and stored");
        found
    };
    assert!(!verdict("vlan", &[]) && verdict("vlan", &[five]) && verdict("not vlan", &[]));
    assert!(verdict("vlan 5", &[five]) && verdict("vlan 5", &[hundred, five]) && verdict("vlan 100", &[hundred, five]));
    assert!(verdict("vlan 5 and vlan 100", &[hundred, five]) && !verdict("vlan 6", &[hundred, five]));
    assert!(verdict("vlan 5 and ip[0] = 0x45", &[hundred, five]) && verdict("vlan 5 and ip", &[five]));
    assert!(verdict("ip or vlan", &[]) && verdict("ip", &[hundred, five]));
}

#[test]
fn a_cooked_header_that_is_not_there_is_asked_of_the_kernel() {
    let frames = packets(20, frames::cooked2);
    let mut compared = 0;
    for expression in expressions().chain(["inbound", "outbound and tcp", "ifindex 2", "link[0:2] = 0x0800"]) {
        let Ok(stored) = filter::compile(expression, LinkType::LinuxSll2, options(Source::Stored, false)) else {
            continue;
        };
        let live = match filter::compile(expression, LinkType::LinuxSll2, options(Source::Live, false)) {
            Ok(live) => live,
            // The sender's address is not in the kernel's answers.
            Err(error) => {
                assert!(error.message.contains("cooked header"), "{}", error.render(expression));
                continue;
            }
        };
        compared += 1;
        for frame in frames.iter().filter(|frame| frame.len() >= 20) {
            let known = Metadata {
                length: frame.len() as u32 - 20,
                protocol: u16::from_be_bytes([frame[0], frame[1]]),
                interface: u32::from_be_bytes(frame[4..8].try_into().unwrap()),
                hardware: u16::from_be_bytes([frame[8], frame[9]]),
                packet_type: Some(frame[10]),
                vlan: None,
            };
            // Damage to the two bytes that are always zero cannot be seen: the kernel has no such bytes.
            if frame[2..4] == [0, 0] {
                let found = live.run(&frame[20..], &known);
                assert_eq!(
                    found,
                    stored.run(frame, &metadata(frame)),
                    "{expression}: {frame:02x?}\n{}",
                    live.listing()
                );
            }
        }
    }
    assert!(compared > 250, "{compared} expressions were compared");
}
