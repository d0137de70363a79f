//! What a packet socket hands over with a frame, and how the blocks of its ring are laid out (`TPACKET_V3`,
//! packet(7) and the kernel's own page on mapped packets). Reading a block is plain reading of bytes: the memory is [`super::ring`]'s.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::mem::offset_of;

use libc::{sockaddr_ll, tpacket_hdr_v1, tpacket_hdr_variant1, tpacket3_hdr};

use super::LinkType;

/// Which way a frame went, as the kernel tells it (packet(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To this machine.
    In,
    /// From this machine.
    Out,
    /// To another machine; seen because the interface is promiscuous or forwards.
    ToOther,
    /// To every station on the link.
    Broadcast,
    /// To a group of stations.
    Multicast,
}

impl Way {
    /// Every way.
    pub const ALL: [Way; 5] = [Way::In, Way::Out, Way::ToOther, Way::Broadcast, Way::Multicast];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Way::In => "in",
            Way::Out => "out",
            Way::ToOther => "to-other",
            Way::Broadcast => "broadcast",
            Way::Multicast => "multicast",
        }
    }

    /// The kernel's number for it (`sll_pkttype`).
    pub const fn packet_type(self) -> u8 {
        match self {
            Way::In => libc::PACKET_HOST,
            Way::Broadcast => libc::PACKET_BROADCAST,
            Way::Multicast => libc::PACKET_MULTICAST,
            Way::ToOther => libc::PACKET_OTHERHOST,
            Way::Out => libc::PACKET_OUTGOING,
        }
    }

    /// The way with this number (`sll_pkttype`); none for numbers that are not known.
    pub const fn from_packet_type(number: u8) -> Option<Self> {
        match number {
            libc::PACKET_HOST => Some(Way::In),
            libc::PACKET_BROADCAST => Some(Way::Broadcast),
            libc::PACKET_MULTICAST => Some(Way::Multicast),
            libc::PACKET_OTHERHOST => Some(Way::ToOther),
            libc::PACKET_OUTGOING => Some(Way::Out),
            _ => None,
        }
    }
}

impl Way {
    /// The way that a cooked header tells; none for frames with another header.
    pub fn of_cooked(link: LinkType, frame: &[u8]) -> Option<Self> {
        let number = match link {
            LinkType::LinuxSll => u16::from_be_bytes(array(frame, 0)?),
            LinkType::LinuxSll2 => {
                let [number] = array(frame, 10)?;
                number.into()
            }
            _ => return None,
        };
        Self::from_packet_type(u8::try_from(number).ok()?)
    }
}

/// A VLAN tag that the kernel took out of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The ether type that announced it: 0x8100, 0x88a8.
    pub protocol: u16,
    /// Priority, drop eligibility and VLAN number.
    pub control: u16,
}

/// The sender's side of a frame, as in `struct sockaddr_ll`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Ether type, or another protocol number of the hardware type.
    pub protocol: u16,
    /// The kernel's number of the interface.
    pub interface: u32,
    /// ARPHRD_… of the interface.
    pub hardware: u16,
    /// The kernel's packet type: see [`Way::from_packet_type`].
    pub packet_type: u8,
    /// How many bytes of `address` count.
    pub address_length: u8,
    /// The sender's link address.
    pub address: [u8; 8],
}

#[cfg(test)]
impl Sender {
    /// Somebody on an Ethernet, who sent IPv4.
    pub const SOMEBODY: Sender = Sender {
        protocol: 0x0800,
        interface: 7,
        hardware: 1,
        packet_type: 4,
        address_length: 6,
        address: [2, 0xfc, 0, 0, 0, 1, 0, 0],
    };
}

/// One frame out of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// Nanoseconds since 1970 (the wall clock).
    pub time_ns: i64,
    /// What the filter took of the frame; without the tag in `tag`.
    pub bytes: &'a [u8],
    /// Length on the wire in bytes, without the tag in `tag`.
    pub original_length: u32,
    /// The tag that the kernel took out.
    pub tag: Option<Tag>,
    /// The transport checksum is left to the network card and not in the frame yet.
    pub checksum_pending: bool,
    /// Where it came from.
    pub sender: Sender,
}

/// Offset of the block header proper in `struct tpacket_block_desc`.
const BLOCK: usize = offset_of!(libc::tpacket_block_desc, hdr);
/// Offset of `struct sockaddr_ll` behind the start of a frame's header.
const ADDRESS: usize = size_of::<tpacket3_hdr>().next_multiple_of(libc::TPACKET_ALIGNMENT);
/// Offset of the status word in a block.
pub(super) const STATUS: usize = BLOCK.wrapping_add(offset_of!(tpacket_hdr_v1, block_status));

/// How many frames are in `block`, and the offset of the first.
pub(super) fn contents(block: &[u8]) -> (u32, usize) {
    let word = |field: usize| u32::from_ne_bytes(array(block, BLOCK.wrapping_add(field)).unwrap_or_default());
    (word(offset_of!(tpacket_hdr_v1, num_pkts)), word(offset_of!(tpacket_hdr_v1, offset_to_first_pkt)) as usize)
}

/// The offset of the frame behind the one whose header is at `offset` of `block`; nothing outside the block.
#[inline]
pub(super) fn behind(block: &[u8], offset: usize) -> Option<usize> {
    let further = u32::from_ne_bytes(array(block.get(offset..)?, offset_of!(tpacket3_hdr, tp_next_offset))?);
    offset.checked_add(further as usize)
}

/// The frame whose header is at `offset` of `block`. Nothing when the header points outside the block.
#[inline]
pub(super) fn frame(block: &[u8], offset: usize) -> Option<Received<'_>> {
    let header = block.get(offset..)?.get(..ADDRESS.checked_add(size_of::<sockaddr_ll>())?)?;
    let word = |field: usize| Some(u32::from_ne_bytes(array(header, field)?));
    let half = |field: usize| Some(u16::from_ne_bytes(array(header, field)?));
    let variant = |field: usize| offset_of!(tpacket3_hdr, hv1).wrapping_add(field);
    let status = word(offset_of!(tpacket3_hdr, tp_status))?;
    let start = offset.checked_add(half(offset_of!(tpacket3_hdr, tp_mac))?.into())?;
    let length = word(offset_of!(tpacket3_hdr, tp_snaplen))? as usize;
    let seconds = i64::from(word(offset_of!(tpacket3_hdr, tp_sec))?);
    let tag = if status & libc::TP_STATUS_VLAN_VALID == 0 {
        None
    } else {
        let told = status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
        let protocol = half(variant(offset_of!(tpacket_hdr_variant1, tp_vlan_tpid)))?;
        let control = word(variant(offset_of!(tpacket_hdr_variant1, tp_vlan_tci)))? as u16;
        Some(Tag { protocol: if told { protocol } else { libc::ETH_P_8021Q as u16 }, control })
    };
    Some(Received {
        time_ns: seconds.saturating_mul(1_000_000_000).saturating_add(word(offset_of!(tpacket3_hdr, tp_nsec))?.into()),
        bytes: block.get(start..start.checked_add(length)?)?,
        original_length: word(offset_of!(tpacket3_hdr, tp_len))?,
        tag,
        checksum_pending: status & libc::TP_STATUS_CSUMNOTREADY != 0,
        sender: sender(header)?,
    })
}

#[inline]
fn sender(header: &[u8]) -> Option<Sender> {
    let at = |field: usize| ADDRESS.wrapping_add(field);
    let [packet_type] = array(header, at(offset_of!(sockaddr_ll, sll_pkttype)))?;
    let [address_length] = array(header, at(offset_of!(sockaddr_ll, sll_halen)))?;
    Some(Sender {
        protocol: u16::from_be_bytes(array(header, at(offset_of!(sockaddr_ll, sll_protocol)))?),
        interface: u32::from_ne_bytes(array(header, at(offset_of!(sockaddr_ll, sll_ifindex)))?),
        hardware: u16::from_ne_bytes(array(header, at(offset_of!(sockaddr_ll, sll_hatype)))?),
        packet_type,
        address_length,
        address: array(header, at(offset_of!(sockaddr_ll, sll_addr)))?,
    })
}

#[inline]
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]

    use super::*;

    /// A block as the kernel writes it: the block header, one frame header at 48, the frame's bytes at 48 + 82.
    fn block(status: u32, bytes: &[u8]) -> Vec<u8> {
        let mut block = vec![0; 48 + 96 + bytes.len()];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(12, &1u32.to_ne_bytes());
        put(16, &48u32.to_ne_bytes());
        put(48 + 4, &2u32.to_ne_bytes());
        put(48 + 8, &7u32.to_ne_bytes());
        put(48 + 12, &(bytes.len() as u32).to_ne_bytes());
        put(48 + 16, &1500u32.to_ne_bytes());
        put(48 + 20, &status.to_ne_bytes());
        put(48 + 24, &82u16.to_ne_bytes());
        put(48 + 32, &0x2064u32.to_ne_bytes());
        put(48 + 36, &0x88a8u16.to_ne_bytes());
        put(48 + 48 + 2, &0x0800u16.to_be_bytes());
        put(48 + 48 + 4, &3u32.to_ne_bytes());
        put(48 + 48 + 8, &1u16.to_ne_bytes());
        put(48 + 48 + 10, &[4, 6, 2, 0xfc, 0, 0, 0, 1]);
        put(48 + 82, bytes);
        block
    }

    #[test]
    fn a_cooked_header_tells_the_way_in_either_version() {
        let header = |at: usize| {
            let mut header = [0; 20];
            header[at] = 4;
            header
        };
        assert_eq!(Way::of_cooked(LinkType::LinuxSll, &header(1)), Some(Way::Out));
        assert_eq!(Way::of_cooked(LinkType::LinuxSll2, &header(10)), Some(Way::Out));
        assert_eq!(Way::of_cooked(LinkType::LinuxSll, &header(0)), None);
        assert_eq!(Way::of_cooked(LinkType::LinuxSll2, &[0; 10]), None);
        assert_eq!(Way::of_cooked(LinkType::Ethernet, &header(1)), None);
    }

    #[test]
    fn a_frame_is_read_with_its_time_its_lengths_and_its_origin() {
        let block = block(libc::TP_STATUS_USER | libc::TP_STATUS_CSUMNOTREADY, b"frame");
        assert_eq!(contents(&block), (1, 48));
        let received = frame(&block, 48).unwrap();
        assert_eq!(behind(&block, 48), Some(48), "a frame behind which none was written");
        assert_eq!(received.bytes, b"frame");
        assert_eq!((received.time_ns, received.original_length), (2_000_000_007, 1500));
        assert!(received.checksum_pending && received.tag.is_none());
        assert_eq!((received.sender.protocol, received.sender.interface), (0x0800, 3));
        assert_eq!(Way::from_packet_type(received.sender.packet_type), Some(Way::Out));
        assert_eq!(received.sender.address[..6], [2, 0xfc, 0, 0, 0, 1]);
    }

    #[test]
    fn a_tag_taken_out_is_told_and_without_its_protocol_it_is_an_8021q_tag() {
        let both = libc::TP_STATUS_VLAN_VALID | libc::TP_STATUS_VLAN_TPID_VALID;
        assert_eq!(frame(&block(both, b""), 48).unwrap().tag, Some(Tag { protocol: 0x88a8, control: 0x2064 }));
        let plain = block(libc::TP_STATUS_VLAN_VALID, b"");
        assert_eq!(frame(&plain, 48).unwrap().tag, Some(Tag { protocol: 0x8100, control: 0x2064 }));
    }

    #[test]
    fn a_header_that_points_outside_its_block_yields_nothing() {
        let whole = block(0, b"frame");
        for cut in 0..48 + 82 + 5 {
            assert_eq!(frame(&whole[..cut], 48), None, "{cut}");
        }
        assert_eq!((frame(&whole, usize::MAX), behind(&whole, usize::MAX)), (None, None));
    }
}
