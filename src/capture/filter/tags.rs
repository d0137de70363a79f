//! The same question asked of packets that lie differently in memory.
//!
//! A condition speaks of packets as they are stored. With `any_vlan` it speaks of packets without VLAN tags, and up to
//! two are seen through. On a packet socket the kernel has taken the outer tag out, and a cooked header is not there at
//! all. Each of these is a view that moves loads, or asks the kernel instead; they are applied one after the other.

use std::rc::Rc;

use super::condition::{Condition, Label, Size, Test, Value};
use super::ether;
use super::program::{Ancillary, Operator};
use super::words::Meaning;
use super::{Options, Source};
use crate::link::LinkType;

/// The condition on packets as the program will meet them.
pub(super) fn resolved(condition: &Condition, link: LinkType, options: Options) -> Result<Condition, String> {
    let tagged = Header::of(link).filter(|_| options.any_vlan);
    let condition = tagged.map_or_else(|| Ok(condition.clone()), |header| seen_through(condition, header))?;
    match link {
        _ if options.source == Source::Stored => Ok(condition),
        LinkType::Ethernet => {
            let stripped = View::Stripped.condition(&condition)?;
            Ok(when(tag_present(), stripped, condition))
        }
        LinkType::LinuxSll2 => {
            let [plain, tagged] = [false, true].map(|tagged| View::Cooked { tagged }.condition(&condition));
            Ok(when(tag_present(), tagged?, plain?))
        }
        LinkType::LinuxSll => Err("a live filter for cooked packets is written for version 2".to_owned()),
        _ => Ok(condition),
    }
}

/// Where a link header says what it carries, and where that begins.
#[derive(Clone, Copy, Debug)]
struct Header {
    kind: u32,
    payload: u32,
}

impl Header {
    fn of(link: LinkType) -> Option<Header> {
        match link {
            LinkType::Ethernet => Some(Header { kind: 12, payload: 14 }),
            LinkType::LinuxSll => Some(Header { kind: 14, payload: 16 }),
            LinkType::LinuxSll2 => Some(Header { kind: 0, payload: COOKED }),
            _ => None,
        }
    }

    /// Behind `tags` tags stands another.
    fn another(self, tags: u32) -> Condition {
        let at = if tags == 0 { self.kind } else { self.payload + 4 * tags - 2 };
        let kind = packet(at, Size::Half, Meaning::ETHER_TYPE);
        Condition::Any(ether::VLAN.iter().map(|announced| Condition::equal(kind.clone(), *announced)).collect())
    }
}

fn seen_through(condition: &Condition, header: Header) -> Result<Condition, String> {
    let behind = |tags| View::Through { header, tags }.condition(condition);
    let tagged = when(header.another(1), behind(2)?, behind(1)?);
    Ok(when(header.another(0), tagged, behind(0)?))
}

fn when(asked: Condition, then: Condition, otherwise: Condition) -> Condition {
    Condition::If(Box::new([asked, then, otherwise]))
}

fn tag_present() -> Condition {
    Condition::equal(Value::Ancillary(Ancillary::VlanPresent), 0).not()
}

fn packet(offset: u32, size: Size, meaning: Meaning) -> Value {
    Value::Load { base: None, offset, size, meaning: Label(meaning) }
}

/// How a packet in memory differs from the packet that a condition speaks of.
#[derive(Clone, Copy, Debug)]
enum View {
    /// There are tags that the condition does not know.
    Through { header: Header, tags: u32 },
    /// The tag behind the addresses is beside the packet.
    Stripped,
    /// The cooked header is not there, and neither is a tag behind it; the kernel knows most of them.
    Cooked { tagged: bool },
}

/// Where a byte of the packet that is spoken of comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Packet(u32),
    /// Byte `index`, from the least significant one, of what the kernel knows.
    Kernel(Ancillary, u32),
    Zero,
    Nowhere,
}

impl View {
    fn condition(self, condition: &Condition) -> Result<Condition, String> {
        let each = |parts: &[Condition]| parts.iter().map(|part| self.condition(part)).collect::<Result<Vec<_>, _>>();
        Ok(match condition {
            Condition::Constant(known) => Condition::Constant(*known),
            Condition::Test(test) => self.test(test)?,
            Condition::Set(slot, value) => Condition::Set(*slot, self.value(value)?),
            Condition::Not(inner) => self.condition(inner)?.not(),
            Condition::All(parts) => Condition::All(each(parts)?),
            Condition::Any(parts) => Condition::Any(each(parts)?),
            Condition::If(parts) => {
                let [asked, then, otherwise] = parts.as_ref();
                when(self.condition(asked)?, self.condition(then)?, self.condition(otherwise)?)
            }
            Condition::Tagged(id) => self.tagged(*id),
        })
    }

    fn test(self, test: &Test) -> Result<Condition, String> {
        let (value, operand) = (self.value(&test.value)?, self.value(&test.operand)?);
        // The kernel takes out tags that are announced by one of two numbers, so often the answer is known.
        if let (Value::Ancillary(Ancillary::VlanProtocol), Value::Number(number)) = (&value, &operand) {
            let [first, second] = [0x8100, 0x88a8].map(|announced| test.comparison.holds(announced, *number));
            if first == second {
                return Ok(Condition::Constant(first));
            }
        }
        Ok(Condition::test(value, test.comparison, operand))
    }

    fn tagged(self, id: Option<u32>) -> Condition {
        let View::Through { header, tags } = self else { return Condition::Tagged(id) };
        let field = |tag: u32| packet(header.payload + 4 * tag, Size::Half, Meaning::plain("VLAN identifier"));
        match id {
            Some(id) => Condition::Any((0..tags).map(|tag| Condition::equal(field(tag).masked(0xfff), id)).collect()),
            None => Condition::Constant(tags > 0),
        }
    }

    /// Bytes from here on are all in the packet, moved by [`View::shift`].
    fn boundary(self) -> u32 {
        match self {
            View::Through { header, .. } => header.payload,
            View::Stripped => 16,
            View::Cooked { tagged: false } => COOKED,
            View::Cooked { tagged: true } => COOKED + 4,
        }
    }

    /// How far later bytes are from where they are spoken of; modulo 2^32.
    fn shift(self) -> u32 {
        match self {
            View::Through { tags, .. } => 4 * tags,
            _ => self.missing().wrapping_neg(),
        }
    }

    /// Bytes that count as part of the packet but are not in it.
    fn missing(self) -> u32 {
        match self {
            View::Through { .. } => 0,
            View::Stripped => 4,
            View::Cooked { .. } => self.boundary(),
        }
    }

    fn origin(self, byte: u32) -> Origin {
        match (self, byte) {
            _ if byte >= self.boundary() => Origin::Packet(byte.wrapping_add(self.shift())),
            (View::Through { header, tags: 1.. }, _) if byte == header.kind || byte == header.kind + 1 => {
                Origin::Packet(byte - header.kind + header.payload - 2 + self.shift())
            }
            (View::Through { .. }, _) => Origin::Packet(byte),
            (View::Stripped, 12 | 13) => Origin::Kernel(Ancillary::VlanProtocol, 13 - byte),
            (View::Stripped, 14 | 15) => Origin::Kernel(Ancillary::VlanTag, 15 - byte),
            (View::Stripped, _) => Origin::Packet(byte),
            (View::Cooked { tagged: true }, 0 | 1) => Origin::Kernel(Ancillary::VlanProtocol, 1 - byte),
            (View::Cooked { tagged: false }, 0 | 1) => Origin::Kernel(Ancillary::Protocol, 1 - byte),
            (View::Cooked { .. }, 2 | 3) => Origin::Zero,
            (View::Cooked { .. }, 4..=7) => Origin::Kernel(Ancillary::Interface, 7 - byte),
            (View::Cooked { .. }, 8 | 9) => Origin::Kernel(Ancillary::Hardware, 9 - byte),
            (View::Cooked { .. }, 10) => Origin::Kernel(Ancillary::PacketType, 0),
            (View::Cooked { .. }, 20 | 21) => Origin::Kernel(Ancillary::VlanTag, 21 - byte),
            (View::Cooked { .. }, 22 | 23) => Origin::Kernel(Ancillary::Protocol, 23 - byte),
            (View::Cooked { .. }, _) => Origin::Nowhere,
        }
    }

    fn value(self, value: &Value) -> Result<Value, String> {
        let deeper = |inner: &Rc<Value>| self.value(inner);
        Ok(match value {
            Value::Number(_) | Value::Ancillary(_) | Value::Slot(_) => value.clone(),
            Value::Length => Value::Length.plus(Value::Number(self.missing())),
            Value::HeaderLength(offset) => match self.origin(*offset) {
                Origin::Packet(offset) => Value::HeaderLength(offset),
                _ => self.bytes(*offset, Size::Byte, Meaning::NONE)?.masked(0xf).shifted_left(2),
            },
            Value::Load { base: None, offset, size, meaning } => self.bytes(*offset, *size, meaning.0)?,
            Value::Load { base: Some(base), offset, size, meaning } => {
                let (base, offset) = self.place(deeper(base)?, *offset);
                Value::Load { base: Some(Rc::new(base)), offset, size: *size, meaning: *meaning }
            }
            Value::Binary(operator, left, right) => {
                Value::binary(*operator, deeper(left)?, deeper(right)?).ok_or("a division by zero")?
            }
            Value::Negate(inner) => deeper(inner)?.negated(),
        })
    }

    /// A computed place: the sum of both. It is taken to lie beyond the boundary, as every header behind the link header
    /// does; only an index that somebody computes into the link header itself does not.
    fn place(self, base: Value, offset: u32) -> (Value, u32) {
        let moved = offset.wrapping_add(self.shift());
        if offset >= self.boundary() || self.missing() == 0 {
            return (base, moved);
        }
        let back = Value::Number(self.missing());
        (Value::Binary(Operator::Subtract, Rc::new(base), Rc::new(back)), offset)
    }

    fn bytes(self, offset: u32, size: Size, meaning: Meaning) -> Result<Value, String> {
        let count = size as u32;
        let origins: Vec<Origin> = (0..count).map(|more| self.origin(offset.wrapping_add(more))).collect();
        let in_row = |at: u32| (0..count).zip(&origins).all(|(more, o)| *o == Origin::Packet(at.wrapping_add(more)));
        let whole = |field| (0..count).zip(&origins).all(|(more, o)| *o == Origin::Kernel(field, count - 1 - more));
        match origins.first() {
            Some(Origin::Packet(at)) if in_row(*at) => Ok(packet(*at, size, meaning)),
            Some(Origin::Kernel(field, _)) if count == field.bytes() && whole(*field) => Ok(Value::Ancillary(*field)),
            _ => composed(&origins, meaning),
        }
    }
}

/// A number put together from bytes that do not lie in a row.
fn composed(origins: &[Origin], meaning: Meaning) -> Result<Value, String> {
    let mut sum = Value::Number(0);
    for (place, origin) in origins.iter().rev().enumerate() {
        let byte = match *origin {
            Origin::Packet(at) => packet(at, Size::Byte, meaning),
            Origin::Kernel(field, index) => {
                let shift = Rc::new(Value::Number(8 * index));
                Value::Binary(Operator::ShiftRight, Rc::new(Value::Ancillary(field)), shift).masked(0xff)
            }
            Origin::Zero => continue,
            Origin::Nowhere => {
                return Err("a live filter cannot see this part of the cooked header; filter a file".to_owned());
            }
        };
        sum = sum.plus(if place == 0 { byte } else { byte.shifted_left(8 * place as u32) });
    }
    Ok(sum)
}

/// Bytes of a cooked header, version 2.
const COOKED: u32 = 20;
