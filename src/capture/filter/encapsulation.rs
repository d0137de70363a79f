//! What moves the offsets of all that follows: VLAN tags, MPLS labels, PPPoE sessions, Geneve; and the chain of
//! extension headers.

use std::rc::Rc;

use super::condition::{Condition, Label, Size, Value};
use super::ether;
use super::layout::{Base, Layout, Link};
use super::protocols::{FRAGMENT, Ports, UDP};
use super::syntax::{Direction, Protocol};
use super::words::Meaning;

impl Layout {
    /// A VLAN tag (IEEE 802.1Q), with this identifier.
    pub(super) fn vlan(&mut self, id: Option<u32>) -> Result<Condition, String> {
        if self.labels > 0 {
            return Err("behind mpls there is no VLAN tag to look for".to_owned());
        }
        at_most("a VLAN identifier", id, 0xfff)?;
        let seen_through = matches!(self.link, Link::Ethernet | Link::Cooked | Link::Cooked2);
        if self.options.any_vlan && seen_through && self.header == Base::at(0) {
            return Ok(Condition::Tagged(id));
        }
        if self.link != Link::Ethernet {
            return Err("only Ethernet frames have VLAN tags".to_owned());
        }
        let kinds: Result<Vec<_>, _> = ether::VLAN.iter().map(|kind| self.carries(*kind)).collect();
        let mut tag = Condition::Any(kinds?);
        if let Some(id) = id {
            let value = self.network(0, Size::Half, Meaning::plain("VLAN identifier")).masked(0xfff);
            tag = tag.and(Condition::equal(value, id));
        }
        self.payload.constant = self.payload.constant.wrapping_add(4);
        self.kind.constant = self.kind.constant.wrapping_add(4);
        Ok(tag)
    }

    /// An MPLS label (RFC 3032 §2.1), with this value.
    pub(super) fn mpls(&mut self, label: Option<u32>) -> Result<Condition, String> {
        at_most("an MPLS label", label, 0xf_ffff)?;
        let mut found = match self.link {
            _ if self.labels > 0 => {
                let before = self.network(2u32.wrapping_neg(), Size::Byte, Meaning::plain("MPLS bottom of stack"));
                Condition::equal(before.masked(1), 0)
            }
            Link::Ethernet => self.carries(ether::MPLS)?,
            Link::Ppp => self.carries(ether::PPP_MPLS)?,
            _ => return Err("this link type carries no MPLS".to_owned()),
        };
        if let Some(label) = label {
            let value = self.network(0, Size::Word, Meaning::plain("MPLS label")).masked(0xffff_f000);
            found = found.and(Condition::equal(value, label << 12));
        }
        self.network = self.network.wrapping_add(4);
        self.network_after_llc = self.network_after_llc.wrapping_add(4);
        self.labels += 1;
        Ok(found)
    }

    /// A PPPoE session (RFC 2516 §4), with this number; what follows is about the PPP frame inside.
    pub(super) fn pppoe_session(&mut self, session: Option<u32>) -> Result<Condition, String> {
        let mut found = self.carries(ether::PPPOE_SESSION)?;
        at_most("a PPPoE session", session, 0xffff)?;
        if let Some(session) = session {
            let value = self.network(0, Size::Word, Meaning::plain("PPPoE session")).masked(0xffff);
            found = found.and(Condition::equal(value, session));
        }
        let start = self.payload.constant.wrapping_add(self.network).wrapping_add(6);
        self.header = Base { slot: self.payload.slot, constant: start };
        self.kind = self.header;
        self.payload = Base { slot: self.payload.slot, constant: start.wrapping_add(2) };
        (self.link, self.network, self.network_after_llc, self.geneve) = (Link::Ppp, 0, 0, false);
        Ok(found)
    }

    /// A Geneve packet (RFC 8926 §3.4) of version 0, with this network identifier; what follows is about the packet
    /// inside, which may begin with an Ethernet header or with what such a header carries.
    pub(super) fn geneve(&mut self, network: Option<u32>) -> Result<Condition, String> {
        at_most("a Geneve network identifier", network, 0xff_ffff)?;
        let (kind, header, payload) = (self.slot()?, self.slot()?, self.slot()?);
        let port = Ports { low: 6081, high: 6081, range: false };
        let destination = Some(Direction::Destination);
        let checked = |layout: &Layout, start: Condition, at: &dyn Fn(u32, Size) -> Value, length: Value| {
            let version = Condition::equal(at(8, Size::Byte).masked(0xc0), 0);
            let mut whole = start.and(version);
            if let Some(network) = network {
                whole = whole.and(Condition::equal(at(12, Size::Word).masked(0xffff_ff00), network << 8));
            }
            let fixed = layout.payload.constant.wrapping_add(layout.network).wrapping_add(8);
            whole.and(Condition::Set(kind, length.plus(Value::Number(fixed))))
        };
        let meaning = Meaning::plain("Geneve header");
        let over4 = checked(
            self,
            self.port4(port, Some(UDP), destination)?,
            &|offset, size| self.over_ipv4(offset, size, meaning),
            self.ipv4_length(),
        );
        let over6 = checked(
            self,
            self.port6(port, Some(UDP), destination)?,
            &|offset, size| self.over_ipv6(offset, size, meaning),
            self.payload.slot.map_or(Value::Number(40), |slot| Value::Slot(slot).plus(Value::Number(40))),
        );
        let start = Base { slot: Some(kind), constant: 0 };
        let options = start.load(0, Size::Byte, Meaning::plain("Geneve option length")).masked(0x3f).shifted_left(2);
        let end = options.plus(Value::Number(8)).plus(Value::Slot(kind));
        let protocol = start.load(2, Size::Half, Meaning::ETHER_TYPE);
        let ethernet = Condition::All(vec![
            Condition::equal(protocol, ether::BRIDGING),
            Condition::Set(kind, Value::Slot(header).plus(Value::Number(12))),
            Condition::Set(payload, Value::Slot(header).plus(Value::Number(14))),
        ]);
        let bare = Condition::All(vec![
            Condition::Set(kind, Value::Slot(kind).plus(Value::Number(2))),
            Condition::Set(payload, Value::Slot(header)),
        ]);
        let whole = Condition::All(vec![over4.or(over6), Condition::Set(header, end), ethernet.or(bare)]);
        let [header, kind, payload] = [header, kind, payload].map(|slot| Base { slot: Some(slot), constant: 0 });
        (self.link, self.header, self.kind, self.payload) = (Link::Ethernet, header, kind, payload);
        (self.network, self.geneve) = (0, true);
        Ok(whole)
    }

    /// Protocol `number` somewhere in the chain of headers.
    ///
    /// The kernel runs no loops, so the chain is followed for [`CHAIN`] headers: more than RFC 8200 §4.1 knows.
    pub(super) fn chain(&mut self, number: u32, protocol: Option<Protocol>) -> Result<Condition, String> {
        if self.payload.slot.is_some() {
            return Err("protochain cannot follow headers behind geneve".to_owned());
        }
        match protocol {
            None => {
                let over_ipv4 = self.chain(number, Some(Protocol::Ip))?;
                Ok(over_ipv4.or(self.chain(number, Some(Protocol::Ip6))?))
            }
            Some(Protocol::Ip) => {
                let length = self.ipv4_length();
                let links = self.links(number, &self.ipv4_protocol(), &length, false)?;
                Ok(self.carries(ether::IPV4)?.and(links))
            }
            Some(Protocol::Ip6) => {
                let links = self.links(number, &self.ipv6_next(), &Value::Number(40), true)?;
                Ok(self.carries(ether::IPV6)?.and(links))
            }
            Some(_) => Err("protochain goes with ip, ip6 or nothing before it".to_owned()),
        }
    }

    fn links(&mut self, number: u32, first: &Value, offset: &Value, extensions: bool) -> Result<Condition, String> {
        let (next_slot, place_slot) = self.chain_slots()?;
        let base = self.payload.constant.wrapping_add(self.network);
        let at = |place: &Value, more: u32, field| {
            let (base, offset) = match place {
                Value::Number(known) => (None, base.wrapping_add(*known).wrapping_add(more)),
                other => (Some(Rc::new(other.clone())), base.wrapping_add(more)),
            };
            Value::Load { base, offset, size: Size::Byte, meaning: Label(field) }
        };
        let advance = |place: &Value, more: u32, shift: u32| {
            let units = at(place, 1, Meaning::plain("header length")).plus(Value::Number(more));
            let next = at(place, 0, Meaning::protocol("next header"));
            let moved = units.shifted_left(shift).plus(place.clone());
            Condition::Set(next_slot, next).and(Condition::Set(place_slot, moved))
        };
        let link = |next: &Value, place: &Value, rest: Condition| {
            let is = |wanted: u32| Condition::equal(next.clone(), wanted);
            let authentication = is(AUTHENTICATION).and(advance(place, 2, 2));
            let options = Condition::Any([0, 60, 43, FRAGMENT].map(is).to_vec()).and(advance(place, 1, 3));
            let step = if extensions { options.or(authentication) } else { authentication };
            is(number).or(is(NO_NEXT).not().and(step).and(rest))
        };
        let slots = (Value::Slot(next_slot), Value::Slot(place_slot));
        let last = Condition::equal(slots.0.clone(), number);
        let rest = (1..CHAIN).fold(last, |rest, _| link(&slots.0, &slots.1, rest));
        Ok(link(first, offset, rest))
    }
}

/// Headers that `protochain` follows.
pub(super) const CHAIN: usize = 10;
const AUTHENTICATION: u32 = 51;
const NO_NEXT: u32 = 59;

fn at_most(what: &str, number: Option<u32>, most: u32) -> Result<(), String> {
    match number {
        Some(number) if number > most => Err(format!("{what} is at most {most}")),
        _ => Ok(()),
    }
}
