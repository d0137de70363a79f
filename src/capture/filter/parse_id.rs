//! The ids behind qualifiers: names, numbers, addresses, and groups of them.

use std::net::Ipv4Addr;

use super::error::Error;
use super::keyword::Keyword;
use super::lexer::Token;
use super::parse::Parser;
use super::syntax::{Expression, Id, Kind, Primitive, Protocol, Qualifiers};

impl Parser {
    /// An id, a negated one, or several in parentheses: all under the same qualifiers.
    pub(super) fn id(&mut self, qualifiers: Qualifiers) -> Result<Expression, Error> {
        self.deeper(|parser| match parser.peek() {
            Token::Word(Keyword::Not) | Token::Sign("!") => {
                parser.advance();
                Ok(Expression::Not(Box::new(parser.id(qualifiers)?)))
            }
            Token::Sign("(") => {
                parser.advance();
                let group = parser.ids(qualifiers)?;
                parser.expect(")")?;
                Ok(group)
            }
            _ => {
                let start = parser.span().start;
                let id = parser.single(qualifiers)?;
                Ok(Expression::Primitive(Primitive::Qualified(qualifiers, id), parser.since(start)))
            }
        })
    }

    fn ids(&mut self, qualifiers: Qualifiers) -> Result<Expression, Error> {
        let mut whole = self.id(qualifiers)?;
        let mut changes = 0;
        while let Some(word) = self.connective() {
            let next = self.id(qualifiers)?;
            whole = self.join(word, whole, next, &mut changes)?;
        }
        Ok(whole)
    }

    fn single(&mut self, qualifiers: Qualifiers) -> Result<Id, Error> {
        let wanted = match qualifiers.kind {
            Kind::Port => "a port number or a service name",
            Kind::PortRange => "two ports, such as 6000-6008",
            Kind::Proto | Kind::ProtoChain => "a protocol number or name",
            Kind::Net => "a network address",
            _ => "an address or a name",
        };
        let span = self.span();
        let id = match self.peek().clone() {
            Token::Name(name) => Id::Name(name),
            Token::Number(number) => Id::Number(number),
            Token::Link(mac) => Id::Link(mac),
            Token::Dotted(text) => {
                self.advance();
                return if qualifiers.protocol == Some(Protocol::Decnet) {
                    decnet(&text).ok_or_else(|| Error::new(span, "a DECnet address is an area and a node: 10.123"))
                } else {
                    self.address4(&text)
                };
            }
            Token::Address6(address) => {
                self.advance();
                return Ok(match self.prefix()? {
                    Some(prefix) => Id::Net6 { address, prefix },
                    None => Id::Address6(address),
                });
            }
            _ => return Err(self.unexpected(wanted)),
        };
        self.advance();
        Ok(id)
    }

    fn prefix(&mut self) -> Result<Option<u32>, Error> {
        if self.eat(&Token::Sign("/")) { self.number("a prefix length").map(Some) } else { Ok(None) }
    }

    /// An IPv4 address or its beginning, `/` and a prefix length, or `mask` and a mask.
    fn address4(&mut self, text: &str) -> Result<Id, Error> {
        let (address, bits) = self.dotted(text)?;
        let start = self.since(0).end.saturating_sub(text.len());
        let mask = if let Some(prefix) = self.prefix()? {
            let hosts = 32u32.checked_sub(prefix);
            let hosts = hosts.ok_or_else(|| Error::new(self.since(start), "a prefix has at most 32 bits"))?;
            u32::MAX.checked_shl(hosts).unwrap_or(0)
        } else if self.eat_word(Keyword::Mask) {
            let Token::Dotted(text) = self.peek().clone() else {
                return Err(self.unexpected("a mask, such as 255.255.255.0"));
            };
            self.advance();
            self.dotted(&text)?.0.to_bits()
        } else {
            return Ok(Id::Address4 { address, bits });
        };
        if address.to_bits() & !mask != 0 {
            let network = Ipv4Addr::from_bits(address.to_bits() & mask);
            let error = Error::new(self.since(start), "the address has bits set beyond its mask");
            return Err(error.hint(format!("the network is {network}")));
        }
        Ok(Id::Net4 { address, mask: Ipv4Addr::from_bits(mask) })
    }

    /// The address whose leading bytes are written, and how many bits that is; `text` is the token read last.
    fn dotted(&self, text: &str) -> Result<(Ipv4Addr, u32), Error> {
        let bytes: Vec<Option<u8>> = text.split('.').map(decimal).collect();
        let mut octets = [0; 4];
        for (octet, byte) in octets.iter_mut().zip(&bytes) {
            let end = self.since(0).end;
            let span = end.saturating_sub(text.len())..end;
            *octet = byte.ok_or_else(|| Error::new(span, "a number of an IPv4 address is at most 255"))?;
        }
        Ok((Ipv4Addr::from(octets), bytes.len() as u32 * 8))
    }
}

/// A decimal byte; leading zeros are allowed and do not make it octal.
fn decimal(text: &str) -> Option<u8> {
    let digits = text.trim_start_matches('0');
    if digits.is_empty() { Some(0) } else { digits.parse().ok() }
}

fn decnet(text: &str) -> Option<Id> {
    let (area, node) = text.split_once('.')?;
    let node = node.split('.').next()?;
    let (area, node): (u32, u32) = (area.parse().ok()?, node.parse().ok()?);
    Some(Id::Decnet(area.checked_mul(1 << 10)? & 0xfc00 | node & 0x3ff))
}
