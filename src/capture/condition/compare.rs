//! Values against what a condition asks for.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::{Comparison, Item};
use crate::bytes::{Field, Mac, Value};

/// What a condition compares with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Number(i128),
    /// An address or, with fewer bits than it has, a network.
    Address(IpAddr, u8),
    Mac(Mac),
    Text(Vec<u8>),
}

impl Literal {
    /// Whether `item` stands in this relation to the literal.
    pub(super) fn meets(&self, comparison: Comparison, item: &Item<'_>) -> bool {
        if comparison == Comparison::Contains {
            return self.is_in(item);
        }
        let order = match (self, item) {
            (Literal::Number(number), Item::Number(value)) => Some(value.cmp(number)),
            (Literal::Text(text), Item::Word(word)) => equal(word.as_bytes(), text),
            (Literal::Text(text), Item::Text(value)) => equal(value.as_bytes(), text),
            (_, Item::Field(field, frame)) => self.order(field, frame),
            _ => None,
        };
        order.is_some_and(|order| match comparison {
            Comparison::Equal => order.is_eq(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
            Comparison::NotEqual | Comparison::Contains => false,
        })
    }

    /// How the value of `field` stands to the literal; none where they cannot be compared.
    fn order(&self, field: &Field, frame: &[u8]) -> Option<Ordering> {
        match (self, field.value) {
            (Literal::Number(number), value) => value.number().map(|value| value.cmp(number)),
            (Literal::Address(network, length), Value::Ipv4(address)) => among(address.into(), *network, *length),
            (Literal::Address(network, length), Value::Ipv6(address)) => among(address.into(), *network, *length),
            (Literal::Mac(mac), Value::Mac(value)) => Some(value.0.cmp(&mac.0)),
            (Literal::Text(text), Value::Code(number, codes, _)) => equal(codes.name(number)?.as_bytes(), text),
            (Literal::Text(text), Value::Name(_)) => equal(field.name(frame)?.to_string().as_bytes(), text),
            (Literal::Text(text), Value::Bytes | Value::Text | Value::Piece { .. }) => {
                (field.content(frame) == text.as_slice()).then_some(Ordering::Equal)
            }
            _ => None,
        }
    }

    /// Whether the value holds the text, letter case ignored; what is neither text nor bytes is taken as it prints.
    fn is_in(&self, item: &Item<'_>) -> bool {
        let Literal::Text(text) = self else { return false };
        match item {
            Item::Field(field, frame) if matches!(field.value, Value::Bytes | Value::Text | Value::Piece { .. }) => {
                holds(field.content(frame), text)
            }
            Item::Field(Field { value: Value::Code(number, codes, _), .. }, _) if codes.name(*number).is_some() => {
                holds(codes.name(*number).unwrap_or_default().as_bytes(), text)
            }
            Item::Text(value) => holds(value.as_bytes(), text),
            other => holds(other.text().as_bytes(), text),
        }
    }
}

fn holds(value: &[u8], text: &[u8]) -> bool {
    text.is_empty() || value.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text))
}

fn equal(value: &[u8], text: &[u8]) -> Option<Ordering> {
    value.eq_ignore_ascii_case(text).then_some(Ordering::Equal)
}

/// How an address stands to a network of the same version: inside is equal.
fn among(address: IpAddr, network: IpAddr, length: u8) -> Option<Ordering> {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    if address.is_ipv4() != network.is_ipv4() {
        return None;
    }
    let shift = 128 - u32::from(length.min(128));
    let first = |address| bits(address).checked_shr(shift).unwrap_or(0);
    Some(first(address).cmp(&first(network)))
}
