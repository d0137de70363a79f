//! What stands in a capture file beside the frames: sections, interfaces, names, counts.

use std::net::IpAddr;

use super::options::{self, option, option_halves, option_number};
use super::write::{About, Described};
use super::{MAX_FRAME, pcap, pcapng, resolution};
use crate::bytes::room::Room;
use crate::capture::accounting::Counted;
use crate::link::LinkType;

/// A section header.
pub(super) fn section(to: &mut Room, about: &About) {
    block(to, pcapng::SECTION_HEADER, |block| {
        put(block, &[pcapng::BYTE_ORDER, 1, u32::MAX, u32::MAX]);
        option(block, options::COMMENT, about.comment.as_bytes());
        option(block, options::SECTION_SYSTEM, about.system.as_bytes());
        option(block, options::SECTION_APPLICATION, about.application.as_bytes());
    });
}

/// The description of an interface.
pub(super) fn interface(to: &mut Room, about: &About, name: &str, link: LinkType) {
    block(to, pcapng::INTERFACE, |block| {
        put(block, &[link.number() & 0xffff, about.snap_length]);
        option(block, options::INTERFACE_NAME, name.as_bytes());
        option(block, options::INTERFACE_TIME_UNIT, &[9]);
        if !about.filter.is_empty() {
            let filter = [&[options::LANGUAGE_OF_LIBPCAP], about.filter.as_bytes()].concat();
            option(block, options::INTERFACE_FILTER, &filter);
        }
        option(block, options::INTERFACE_SYSTEM, about.system.as_bytes());
    });
}

/// What addresses are called.
pub(super) fn names(to: &mut Room, names: &[(IpAddr, &str)]) {
    for some in names.chunks(resolution::MOST_WRITTEN) {
        block(to, pcapng::NAMES, |block| resolution::put(block, some));
    }
}

/// What was counted on an interface.
pub(super) fn statistics(to: &mut Room, number: u32, interface: &Described, counted: &[Counted]) {
    let own = counted.iter().find(|counted| counted.interface == interface.name);
    let (first, last) = (interface.first.min(interface.last), interface.last);
    block(to, pcapng::STATISTICS, |block| {
        put(block, &[number, (last as u64 >> 32) as u32, last as u32]);
        for (code, time) in [(options::STATISTICS_START, first), (options::STATISTICS_END, last)] {
            option_halves(block, code, time as u64);
        }
        if let Some(own) = own {
            option_number(block, options::STATISTICS_MISSED, own.missed);
            option_number(block, options::STATISTICS_ACCEPTED, own.seen);
            option_number(block, options::STATISTICS_DROPPED, own.dropped);
        } else if let dropped @ 1.. = counted.iter().map(|counted| counted.dropped).sum() {
            let text = format!("frames dropped by the kernel: {dropped}; of which interface is not known");
            option(block, options::COMMENT, text.as_bytes());
        }
        option_number(block, options::STATISTICS_DELIVERED, interface.frames);
    });
}

/// The beginning of a classic file.
pub(super) fn pcap_header(to: &mut Room, about: &About, link: LinkType) {
    // Classic pcap knows no sign for a file without a limit.
    let most = if about.snap_length == 0 { MAX_FRAME } else { about.snap_length };
    // Version 2.4 in two halves.
    to.words([pcap::NANOSECONDS, 4 << 16 | 2, 0, 0, most, link.number()]);
}

/// A block: its type, its length, what `content` puts in, the options' end, its length.
fn block(to: &mut Room, kind: u32, content: impl FnOnce(&mut Vec<u8>)) {
    let mut block = Vec::new();
    content(&mut block);
    let length = block.len().saturating_add(16) as u32;
    to.words([kind, length]);
    to.extend(&block);
    to.words([options::END.into(), length]);
}

fn put(block: &mut Vec<u8>, words: &[u32]) {
    block.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}
