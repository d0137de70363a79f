//! Frames as they were on the wire, out of the parts in which the kernel hands them over.

use crate::link::LinkType;
use crate::link::received::{Received, Sender};

/// Most bytes that stand before or in a frame beyond those taken of it: a cooked header and a tag.
pub const MOST_ADDED: u32 = 20 + 4;

/// Puts into `whole` the frame with what the kernel handed over beside it, and tells how many bytes that adds. Nothing is
/// copied where nothing is to be added.
#[inline]
pub(super) fn put_together(received: &Received<'_>, link: LinkType, whole: &mut Vec<u8>) -> u32 {
    /// Offset of the ether type in an Ethernet frame: a tag stands in front of it.
    const TAG_AT: usize = 12;
    let bytes = received.bytes;
    let (head, rest) = match (link, received.tag) {
        (LinkType::LinuxSll2, _) => ([].as_slice(), bytes),
        (LinkType::Ethernet, Some(_)) => match bytes.split_at_checked(TAG_AT) {
            Some(parts) => parts,
            None => return 0,
        },
        _ => return 0,
    };
    whole.clear();
    whole.extend_from_slice(head);
    match (link, received.tag) {
        (LinkType::LinuxSll2, None) => cooked(&received.sender, received.sender.protocol, whole),
        (LinkType::LinuxSll2, Some(tag)) => {
            cooked(&received.sender, tag.protocol, whole);
            whole.extend_from_slice(&tag.control.to_be_bytes());
            whole.extend_from_slice(&received.sender.protocol.to_be_bytes());
        }
        (_, Some(tag)) => {
            whole.extend_from_slice(&tag.protocol.to_be_bytes());
            whole.extend_from_slice(&tag.control.to_be_bytes());
        }
        _ => {}
    }
    whole.extend_from_slice(rest);
    (whole.len() - bytes.len()) as u32
}

/// The cooked header, version 2, that stands for the link header (LINKTYPE 276).
fn cooked(sender: &Sender, protocol: u16, to: &mut Vec<u8>) {
    to.extend_from_slice(&protocol.to_be_bytes());
    to.extend_from_slice(&[0, 0]);
    to.extend_from_slice(&sender.interface.to_be_bytes());
    to.extend_from_slice(&sender.hardware.to_be_bytes());
    to.extend_from_slice(&[sender.packet_type, sender.address_length]);
    to.extend_from_slice(&sender.address);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::received::Tag;

    fn received(bytes: &[u8], tag: Option<Tag>) -> Received<'_> {
        let original_length = bytes.len() as u32;
        Received { time_ns: 5, bytes, original_length, tag, checksum_pending: false, sender: Sender::SOMEBODY }
    }

    #[test]
    fn a_tag_that_the_kernel_took_out_is_put_back() {
        let tag = Some(Tag { protocol: 0x88a8, control: 0x2064 });
        let mut whole = Vec::new();
        assert_eq!(put_together(&received(b"ddddddssssssTTdata", tag), LinkType::Ethernet, &mut whole), 4);
        assert_eq!(whole, b"ddddddssssss\x88\xa8\x20\x64TTdata");
        assert_eq!(put_together(&received(b"short", tag), LinkType::Ethernet, &mut whole), 0, "as it came");
    }

    #[test]
    fn a_frame_without_its_link_header_gets_a_cooked_one() {
        let (tag, mut whole) = (Some(Tag { protocol: 0x8100, control: 0x64 }), Vec::new());
        put_together(&received(b"data", None), LinkType::LinuxSll2, &mut whole);
        assert_eq!(whole, b"\x08\0\0\0\0\0\0\x07\0\x01\x04\x06\x02\xfc\0\0\0\x01\0\0data");
        let added = put_together(&received(b"data", tag), LinkType::LinuxSll2, &mut whole);
        assert_eq!(whole, b"\x81\0\0\0\0\0\0\x07\0\x01\x04\x06\x02\xfc\0\0\0\x01\0\0\0\x64\x08\0data");
        assert_eq!(added, MOST_ADDED);
    }
}
