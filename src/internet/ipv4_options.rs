//! Options of the IPv4 header.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::Ipv4Addr;

use super::protocols::ROUTER_ALERTS;
use crate::bytes::{Codes, Fault, Part, Reader, Record};

/// Option classes (RFC 791, section 3.1).
pub const CLASSES: Codes = Codes(&[(0, "control"), (2, "debugging and measurement")]);

/// Option numbers of class 0 (IANA "IP option numbers").
pub const CONTROL_OPTIONS: Codes = Codes(&[
    (0, "end of option list"),
    (1, "no operation"),
    (2, "security"),
    (3, "loose source route"),
    (5, "extended security"),
    (6, "commercial security"),
    (7, "record route"),
    (8, "stream identifier"),
    (9, "strict source route"),
    (10, "experimental measurement"),
    (11, "MTU probe"),
    (12, "MTU reply"),
    (14, "experimental access control"),
    (15, "encode"),
    (16, "IMI traffic descriptor"),
    (17, "extended IP"),
    (19, "address extension"),
    (20, "router alert"),
    (21, "selective directed broadcast"),
    (23, "dynamic packet state"),
    (24, "upstream multicast packet"),
    (25, "quick-start"),
    (30, "experiment"),
]);

/// Option numbers of class 2.
pub const MEASUREMENT_OPTIONS: Codes =
    Codes(&[(4, "timestamp"), (13, "experimental flow control"), (18, "traceroute"), (30, "experiment")]);

/// Classification levels of the security option (RFC 1108, section 2.3).
pub const CLASSIFICATIONS: Codes = Codes(&[
    (0x01, "reserved 4"),
    (0x3d, "top secret"),
    (0x5a, "secret"),
    (0x66, "reserved 3"),
    (0x96, "confidential"),
    (0xab, "unclassified"),
    (0xcc, "reserved 2"),
    (0xf1, "reserved 1"),
]);

/// What the timestamp option records (RFC 791, section 3.1).
pub const TIMESTAMP_FLAGS: Codes =
    Codes(&[(0, "timestamps only"), (1, "addresses and timestamps"), (3, "prespecified addresses")]);

/// What quick-start asks for or reports (RFC 4782, section 3).
pub const QUICK_START_FUNCTIONS: Codes = Codes(&[(0, "rate request"), (8, "rate report")]);

/// What the options of an IPv4 header say to programs; people see every option's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ipv4Options {
    /// Value of the router alert option (RFC 2113).
    pub router_alert: Option<u16>,
    /// Last stop of a source route that is not used up yet.
    pub final_destination: Option<Ipv4Addr>,
    /// Options seen, padding not counted.
    pub count: u8,
}

impl Ipv4Options {
    /// Reads options up to the end of the window.
    pub(super) fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        while let Some(next) = r.peek().first() {
            let (class, number) = (next >> 5 & 3, next & 31);
            let names = match class {
                0 => CONTROL_OPTIONS,
                2 => MEASUREMENT_OPTIONS,
                _ => Codes::NONE,
            };
            r.bits::<1, 3>(&[
                Part::flag("copied"),
                Part::code("option class", 2, CLASSES),
                Part::code("option number", 5, names),
            ])?;
            match (class, number) {
                (0, 0) => {
                    r.rest("padding");
                    return Ok(());
                }
                (0, 1) => {}
                _ => self.option(r, class, number)?,
            }
        }
        Ok(())
    }

    fn option<R: Record>(&mut self, r: &mut Reader<'_, R>, class: u8, number: u8) -> Result<(), Fault> {
        let length = r.u8("option length")?;
        let Some(body) = usize::from(length).checked_sub(2) else {
            return Err(Fault::Invalid { field: "option length", value: length.into(), expected: "at least 2" });
        };
        self.count = self.count.saturating_add(1);
        r.area("option data", body, "option data", |r| match (class, number) {
            (0, 2 | 5) => security(r),
            (0, 3 | 9) => {
                self.final_destination = route(r, length)?;
                Ok(())
            }
            (0, 6) => r.u32("domain of interpretation").map(drop),
            (0, 7) => route(r, length).map(drop),
            (0, 8) => r.u16("stream identifier").map(drop),
            (0, 11 | 12) => r.u16("mtu").map(drop),
            (0, 20) => {
                self.router_alert = Some(r.code16("router alert", ROUTER_ALERTS)?);
                Ok(())
            }
            (0, 25) => quick_start(r),
            (2, 4) => timestamps(r),
            (2, 18) => traceroute(r),
            _ => Ok(()),
        })
    }
}

/// Pointer and addresses of the route options; tells the last address of a route that is not used up.
fn route<R: Record>(r: &mut Reader<'_, R>, length: u8) -> Result<Option<Ipv4Addr>, Fault> {
    let pointer = r.u8("pointer")?;
    let mut last = None;
    while r.remaining() >= 4 {
        last = Some(r.ipv4("route address")?);
    }
    Ok(last.filter(|_| pointer <= length))
}

fn security<R: Record>(r: &mut Reader<'_, R>) -> Result<(), Fault> {
    r.hex_code8("classification level", CLASSIFICATIONS)?;
    r.rest("protection authority flags");
    Ok(())
}

fn timestamps<R: Record>(r: &mut Reader<'_, R>) -> Result<(), Fault> {
    r.u8("pointer")?;
    let [_, flag] = r.bits::<1, 2>(&[Part::number("overflow", 4), Part::code("flag", 4, TIMESTAMP_FLAGS)])?;
    while r.remaining() >= 4 {
        if matches!(flag, 1 | 3) {
            r.ipv4("timestamp address")?;
        }
        r.u32("timestamp")?;
    }
    Ok(())
}

fn traceroute<R: Record>(r: &mut Reader<'_, R>) -> Result<(), Fault> {
    r.u16("traceroute identifier")?;
    r.u16("outbound hop count")?;
    r.u16("return hop count")?;
    r.ipv4("originator address").map(drop)
}

fn quick_start<R: Record>(r: &mut Reader<'_, R>) -> Result<(), Fault> {
    r.bits::<2, 3>(&[
        Part::code("function", 4, QUICK_START_FUNCTIONS),
        Part::number("rate", 4),
        Part::number("quick-start ttl", 8),
    ])?;
    r.bits::<4, 2>(&[Part::hex("nonce", 30), Part::number("quick-start reserved", 2)]).map(drop)
}
