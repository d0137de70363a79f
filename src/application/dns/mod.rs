//! Domain Name System, and its two relatives without a server: multicast DNS and LLMNR.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod codes;
mod data;

use codes::{CLASSES, EXTENDED_ERRORS, OPERATIONS, OPTIONS, RESPONSE_CODES, TYPES};

use crate::bytes::{Fault, Name, Part, Reader, Record};

/// Bytes of the header.
pub const HEADER_BYTES: usize = 12;
/// Fewest bytes of a question: the root, its type and class.
const MIN_QUESTION: usize = 5;
/// Fewest bytes of a record.
const MIN_RECORD: usize = 11;
/// Records whose data are kept for programs; people see the fields of all.
pub const KEPT: usize = 4;

/// Which of the three protocols with the same messages is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// DNS, RFC 1035.
    Unicast,
    /// Multicast DNS, RFC 6762.
    Multicast,
    /// Link-local multicast name resolution, RFC 4795.
    LinkLocal,
}

/// A DNS message, RFC 1035 section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Dns {
    /// The byte of the frame where the message begins, from which pointers count.
    pub message: u32,
    /// Which question an answer belongs to.
    pub identifier: u16,
    /// An answer, not a question.
    pub response: bool,
    /// What is asked for: see [`OPERATIONS`].
    pub operation: u8,
    /// The answer comes from the zone itself.
    pub authoritative: bool,
    /// The answer did not fit.
    pub truncated: bool,
    /// How it went, with the bits that EDNS adds: see [`RESPONSE_CODES`].
    pub response_code: u16,
    /// Questions, answers, authorities and additional records that the header announces.
    pub counts: [u16; 4],
    /// The first question.
    pub question: Option<Question>,
    /// The first answers.
    pub answers: [Option<Answer>; KEPT],
    /// Bytes of UDP that the sender takes (RFC 6891).
    pub udp_payload: Option<u16>,
}

/// A question. Places are bytes of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Where the name stands that is asked about.
    pub name: u32,
    /// Type of record that is asked for: see [`TYPES`].
    pub kind: u16,
}

/// An answer. Places are bytes of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where the name stands that it is about.
    pub name: u32,
    /// Its type: see [`TYPES`].
    pub kind: u16,
    /// Bytes of its data.
    pub length: u16,
    /// Where its data begin.
    pub data: u32,
}

/// Whether `bytes` of `length` can be a message: what the header announces fits.
pub fn looks_like(bytes: &[u8], length: usize) -> bool {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else { return false };
    let [_, _, flags, _, q0, q1, a0, a1, n0, n1, x0, x1] = *header;
    let count = |pair: [u8; 2]| usize::from(u16::from_be_bytes(pair));
    let records = count([a0, a1]).saturating_add(count([n0, n1])).saturating_add(count([x0, x1]));
    let least = count([q0, q1]).saturating_mul(MIN_QUESTION).saturating_add(records.saturating_mul(MIN_RECORD));
    OPERATIONS.name((flags >> 3 & 0xf).into()).is_some() && HEADER_BYTES.saturating_add(least) <= length
}

impl Dns {
    /// The name that stands at byte `at` of `frame`.
    pub fn name<'f>(&self, frame: &'f [u8], at: u32) -> Name<'f> {
        Name::new(frame, at as usize, self.message as usize)
    }

    /// Reads the message.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>, dialect: Dialect) -> Result<(), Fault> {
        self.message = r.position() as u32;
        self.identifier = r.hex16("identifier")?;
        self.flags(r, dialect)?;
        for (count, name) in self.counts.iter_mut().zip(["questions", "answers", "authorities", "additionals"]) {
            *count = r.u16(name)?;
        }
        let [questions, answers, authorities, additionals] = self.counts;
        for _ in 0..questions {
            self.question(r, dialect)?;
        }
        for number in 0..usize::from(answers) {
            let answer = self.record(r, dialect)?;
            if let Some(slot) = self.answers.get_mut(number) {
                *slot = Some(answer);
            }
        }
        for _ in 0..u32::from(authorities).saturating_add(additionals.into()) {
            self.record(r, dialect)?;
        }
        Ok(())
    }

    /// Reads a message over TCP, which its length precedes (RFC 1035 section 4.2.2).
    pub fn read_prefixed<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let length = r.u16("message length")?;
        r.area("message", length.into(), "unread", |r| self.read(r, Dialect::Unicast))
    }

    fn flags<R: Record>(&mut self, r: &mut Reader<'_, R>, dialect: Dialect) -> Result<(), Fault> {
        let own = dialect == Dialect::LinkLocal;
        let (third, fifth) = if own { ("conflict", "tentative") } else { ("authoritative", "recursion desired") };
        let [response, operation, authoritative, truncated, _] = r.bits::<1, 5>(&[
            Part::flag("response"),
            Part::code("operation", 4, OPERATIONS),
            Part::flag(third),
            Part::flag("truncated"),
            Part::flag(fifth),
        ])?;
        (self.response, self.operation) = (response != 0, operation as u8);
        (self.authoritative, self.truncated) = (authoritative != 0 && !own, truncated != 0);
        let code = Part::code("response code", 4, RESPONSE_CODES);
        self.response_code = if own {
            let [_, code] = r.bits::<1, 2>(&[Part::number("reserved", 4), code])?;
            code as u16
        } else {
            let [.., code] = r.bits::<1, 5>(&[
                Part::flag("recursion available"),
                Part::flag("reserved"),
                Part::flag("authentic data"),
                Part::flag("checking disabled"),
                code,
            ])?;
            code as u16
        };
        Ok(())
    }

    fn question<R: Record>(&mut self, r: &mut Reader<'_, R>, dialect: Dialect) -> Result<(), Fault> {
        let name = r.position() as u32;
        r.name("name", self.message as usize)?;
        let kind = r.code16("type", TYPES)?;
        class(r, dialect, "unicast response")?;
        self.question.get_or_insert(Question { name, kind });
        Ok(())
    }

    fn record<R: Record>(&mut self, r: &mut Reader<'_, R>, dialect: Dialect) -> Result<Answer, Fault> {
        let (name, message) = (r.position() as u32, self.message as usize);
        r.name("name", message)?;
        let kind = r.code16("type", TYPES)?;
        if kind == codes::OPT {
            self.udp_payload = Some(r.u16("udp payload size")?);
            let high = r.u8("extended response code")?;
            self.response_code |= u16::from(high) << 4;
            r.u8("edns version")?;
            r.bits::<2, 2>(&[Part::flag("dnssec ok"), Part::number("edns reserved", 15)])?;
        } else {
            class(r, dialect, "cache flush")?;
            r.u32("ttl")?;
        }
        let length = r.u16("data length")?;
        let data = r.position() as u32;
        r.area("data", length.into(), "data", |r| match kind {
            codes::OPT => options(r),
            kind => data::read(r, kind, message),
        })?;
        Ok(Answer { name, kind, length, data })
    }
}

/// Reads a class, of which multicast DNS uses the first bit for something else (RFC 6762 sections 5.4 and 10.2).
fn class<R: Record>(r: &mut Reader<'_, R>, dialect: Dialect, flag: &'static str) -> Result<(), Fault> {
    if dialect == Dialect::Multicast {
        return r.bits::<2, 2>(&[Part::flag(flag), Part::code("class", 15, CLASSES)]).map(drop);
    }
    r.code16("class", CLASSES).map(drop)
}

/// The options of EDNS, RFC 6891 section 6.1.2.
fn options<R: Record>(r: &mut Reader<'_, R>) -> Result<(), Fault> {
    while r.remaining() > 0 {
        let code = r.code16("option code", OPTIONS)?;
        let length = r.u16("option length")?;
        r.area("option data", length.into(), "option data", |r| option(r, code))?;
    }
    Ok(())
}

fn option<R: Record>(r: &mut Reader<'_, R>, code: u16) -> Result<(), Fault> {
    match code {
        8 => {
            r.u16("client subnet family")?;
            r.u8("client subnet source length")?;
            r.u8("client subnet scope length")?;
            r.rest("client subnet address");
        }
        10 => {
            r.bytes("client cookie", 8)?;
            r.rest("server cookie");
        }
        11 if r.remaining() > 0 => drop(r.u16("idle timeout")?),
        15 => {
            r.code16("extended error", EXTENDED_ERRORS)?;
            r.text("extended error text", r.remaining())?;
        }
        _ => {}
    }
    Ok(())
}
