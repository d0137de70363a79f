//! Where the headers of a packet are, as far as an expression has told.

use std::rc::Rc;

use super::Options;
use super::condition::{Condition, Label, Size, Value};
use super::syntax::Comparison;
use super::words::Meaning;
use crate::link::LinkType;

/// The kind of link header that is looked at: the outermost, or after `pppoes` and `geneve` an inner one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Ethernet,
    Ppp,
    /// Four bytes with an address family, in the byte order of the machine that wrote them.
    Null,
    /// The same in network byte order.
    Loop,
    /// No header: IPv4 or IPv6, told by the version.
    Raw,
    Ipv4,
    Ipv6,
    Cooked,
    Cooked2,
}

/// The start of a header: a known distance, after a computed one where options came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub slot: Option<u8>,
    pub constant: u32,
}

impl Base {
    pub(super) const fn at(constant: u32) -> Base {
        Base { slot: None, constant }
    }

    /// The distance of a point `more` bytes later, from the start of the packet.
    pub(super) fn value(self, more: u32) -> Value {
        let constant = Value::Number(self.constant.wrapping_add(more));
        match self.slot {
            Some(slot) => Value::Slot(slot).plus(constant),
            None => constant,
        }
    }

    /// The bytes `more` after it.
    pub(super) fn load(self, more: u32, size: Size, meaning: Meaning) -> Value {
        let base = self.slot.map(|slot| Rc::new(Value::Slot(slot)));
        Value::Load { base, offset: self.constant.wrapping_add(more), size, meaning: Label(meaning) }
    }

    /// The bytes at a computed distance, `more` after it.
    pub(super) fn indexed(self, more: u32, index: Value, size: Size) -> Value {
        let base = match (index, self.slot) {
            (Value::Number(number), _) => return self.load(more.wrapping_add(number), size, Meaning::NONE),
            (index, Some(slot)) => Value::Slot(slot).plus(index),
            (index, None) => index,
        };
        let offset = self.constant.wrapping_add(more);
        Value::Load { base: Some(Rc::new(base)), offset, size, meaning: Label(Meaning::NONE) }
    }
}

/// Where things are.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub link: Link,
    /// How to compile.
    pub options: Options,
    /// The link header.
    pub header: Base,
    /// The field that says what the link carries.
    pub kind: Base,
    /// What the link carries.
    pub payload: Base,
    /// From the payload to the network header: more than 0 behind MPLS labels.
    pub network: u32,
    /// The same for frames with an LLC header.
    pub network_after_llc: u32,
    /// MPLS labels passed.
    pub labels: u32,
    /// Whether the inner frame may lack a link header, as behind `geneve`.
    pub geneve: bool,
    slots: u8,
    /// What `protochain` remembers; one chain is followed after the other, so all share it.
    chain: Option<(u8, u8)>,
}

impl Layout {
    /// Where things are at the beginning of a packet.
    ///
    /// # Errors
    /// Packets of this link type cannot be looked into.
    pub(super) fn new(link_type: LinkType, options: Options) -> Result<Layout, String> {
        let (link, kind, payload, llc) = match link_type {
            LinkType::Ethernet => (Link::Ethernet, 12, 14, 3),
            LinkType::Null => (Link::Null, 0, 4, 0),
            LinkType::Loop => (Link::Loop, 0, 4, 0),
            LinkType::RawIp => (Link::Raw, 0, 0, 0),
            LinkType::RawIpv4 => (Link::Ipv4, 0, 0, 0),
            LinkType::RawIpv6 => (Link::Ipv6, 0, 0, 0),
            LinkType::LinuxSll => (Link::Cooked, 14, 16, 0),
            LinkType::LinuxSll2 => (Link::Cooked2, 0, 20, 0),
            LinkType::Ppp => (Link::Ppp, 2, 4, 0),
            LinkType::Unknown(number) => return Err(format!("no filter can look into link type {number}")),
        };
        Ok(Layout {
            link,
            options,
            header: Base::at(0),
            kind: Base::at(kind),
            payload: Base::at(payload),
            network: 0,
            network_after_llc: llc,
            labels: 0,
            geneve: false,
            slots: 0,
            chain: None,
        })
    }

    /// A place to store a value. At most half of the machine's memory: the rest is for computing.
    pub(super) fn slot(&mut self) -> Result<u8, String> {
        let slot = self.slots;
        if slot >= 8 {
            return Err("the filter needs more of the machine's memory than there is".to_owned());
        }
        self.slots += 1;
        Ok(slot)
    }

    /// The two places for following a chain of headers.
    pub(super) fn chain_slots(&mut self) -> Result<(u8, u8), String> {
        let slots = match self.chain {
            Some(slots) => slots,
            None => (self.slot()?, self.slot()?),
        };
        self.chain = Some(slots);
        Ok(slots)
    }

    /// The type field of the link header.
    pub(super) fn kind_is(&self, number: u32) -> Condition {
        Condition::equal(self.kind.load(0, Size::Half, Meaning::ETHER_TYPE), number)
    }

    /// A field of the network header.
    pub(super) fn network(&self, offset: u32, size: Size, meaning: Meaning) -> Value {
        self.payload.load(self.network.wrapping_add(offset), size, meaning)
    }

    /// A byte range of what follows the link header.
    pub(super) fn behind_link(&self, offset: u32, size: Size, meaning: Meaning) -> Value {
        self.payload.load(offset, size, meaning)
    }

    /// The length of the IPv4 header, together with the computed part of the distance before it.
    pub(super) fn ipv4_length(&self) -> Value {
        let first = self.payload.constant.wrapping_add(self.network);
        match self.payload.slot {
            None => Value::HeaderLength(first),
            Some(slot) => {
                let length = self.network(0, Size::Byte, Meaning::plain("IPv4 header length")).masked(0xf);
                Value::Slot(slot).plus(length.shifted_left(2))
            }
        }
    }

    /// A field of the transport header behind IPv4.
    pub(super) fn over_ipv4(&self, offset: u32, size: Size, meaning: Meaning) -> Value {
        let start = self.payload.constant.wrapping_add(self.network);
        let base = Some(Rc::new(self.ipv4_length()));
        Value::Load { base, offset: start.wrapping_add(offset), size, meaning: Label(meaning) }
    }

    /// A field of the transport header right behind the fixed IPv6 header (RFC 8200 §3).
    pub(super) fn over_ipv6(&self, offset: u32, size: Size, meaning: Meaning) -> Value {
        self.network(40 + offset, size, meaning)
    }
}

/// `bytes` stand at `offset`; compared from the end, in words, halves and a byte, as the reference does.
pub(super) fn bytes_are(start: Base, offset: u32, bytes: &[u8], meaning: Meaning) -> Condition {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some((size, number, before)) = last_part(rest) {
        let at = offset + before.len() as u32;
        parts.push(Condition::equal(start.load(at, size, meaning), number));
        rest = before;
    }
    Condition::All(parts)
}

fn last_part(bytes: &[u8]) -> Option<(Size, u32, &[u8])> {
    if let Some((before, word)) = bytes.split_last_chunk() {
        return Some((Size::Word, u32::from_be_bytes(*word), before));
    }
    if let Some((before, half)) = bytes.split_last_chunk() {
        return Some((Size::Half, u16::from_be_bytes(*half).into(), before));
    }
    bytes.split_last().map(|(byte, before)| (Size::Byte, u32::from(*byte), before))
}

/// Bits of `value` are clear.
pub(super) fn none_of(value: Value, bits: u32) -> Condition {
    Condition::test(value, Comparison::CommonBit, Value::Number(bits)).not()
}
