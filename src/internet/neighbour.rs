//! Options of IPv6 neighbour discovery.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::icmp_codes::PREFERENCES;
use crate::bytes::{Codes, Fault, Part, Reader, Record};

/// Option types (IANA "IPv6 neighbor discovery option formats").
pub const OPTIONS: Codes = Codes(&[
    (1, "source link-layer address"),
    (2, "target link-layer address"),
    (3, "prefix information"),
    (4, "redirected header"),
    (5, "MTU"),
    (6, "NBMA shortcut limit"),
    (7, "advertisement interval"),
    (8, "home agent information"),
    (9, "source address list"),
    (10, "target address list"),
    (11, "cryptographically generated address"),
    (12, "RSA signature"),
    (13, "timestamp"),
    (14, "nonce"),
    (15, "trust anchor"),
    (16, "certificate"),
    (17, "IP address and prefix"),
    (19, "link-layer address"),
    (24, "route information"),
    (25, "recursive DNS server"),
    (26, "flags extension"),
    (27, "handover key request"),
    (28, "handover key reply"),
    (31, "DNS search list"),
    (33, "address registration"),
    (34, "6LoWPAN context"),
    (35, "authoritative border router"),
    (37, "captive portal"),
    (38, "PREF64"),
    (138, "CARD request"),
    (139, "CARD reply"),
    (144, "encrypted DNS"),
    (253, "experiment 1"),
    (254, "experiment 2"),
]);

/// How many bits of prefix a PREF64 option carries (RFC 8781, section 4).
pub const PREF64_LENGTHS: Codes = Codes(&[(0, "/96"), (1, "/64"), (2, "/56"), (3, "/48"), (4, "/40"), (5, "/32")]);

/// The option that quotes the datagram a redirect is about.
const REDIRECTED_HEADER: u8 = 4;

/// Reads options up to the end of the window (RFC 4861, section 4.6), or up to the datagram that the last one quotes.
pub(super) fn options<R: Record>(r: &mut Reader<'_, R>) {
    if let Err(fault) = each_option(r) {
        r.note(fault);
        r.rest("unread options");
    }
}

fn each_option<R: Record>(r: &mut Reader<'_, R>) -> Result<(), Fault> {
    while r.remaining() > 0 {
        let kind = r.code8("option type", OPTIONS)?;
        let units = r.units8("option length", 8)?;
        let Some(body) = usize::from(units).saturating_mul(8).checked_sub(2) else {
            return Err(Fault::Invalid { field: "option length", value: 0, expected: "at least 1 (8 bytes)" });
        };
        if kind == REDIRECTED_HEADER && body == r.remaining() {
            return r.bytes("option reserved", 6).map(drop);
        }
        r.area("option data", body, "option data", |r| option(r, kind))?;
    }
    Ok(())
}

fn option<R: Record>(r: &mut Reader<'_, R>, kind: u8) -> Result<(), Fault> {
    match kind {
        1 | 2 if r.remaining() == 6 => r.mac("link-layer address").map(drop),
        3 => prefix_information(r),
        REDIRECTED_HEADER => {
            r.bytes("option reserved", 6)?;
            r.rest("redirected packet");
            Ok(())
        }
        5 => {
            r.u16("option reserved")?;
            r.u32("mtu").map(drop)
        }
        7 => {
            r.u16("option reserved")?;
            r.u32("advertisement interval").map(drop)
        }
        14 => {
            r.rest("nonce");
            Ok(())
        }
        24 => route_information(r),
        25 => {
            r.u16("option reserved")?;
            r.u32("lifetime")?;
            while r.remaining() > 0 {
                r.ipv6("recursive dns server")?;
            }
            Ok(())
        }
        31 => {
            r.u16("option reserved")?;
            r.u32("lifetime")?;
            r.text("domain names", r.remaining()).map(drop)
        }
        37 => r.text("captive portal", r.remaining()).map(drop),
        38 => {
            r.bits::<2, 2>(&[
                Part::number("scaled lifetime", 13),
                Part::code("prefix length code", 3, PREF64_LENGTHS),
            ])?;
            r.bytes("prefix", 12).map(drop)
        }
        _ => Ok(()),
    }
}

fn prefix_information<R: Record>(r: &mut Reader<'_, R>) -> Result<(), Fault> {
    r.u8("prefix length")?;
    r.bits::<1, 5>(&[
        Part::flag("on-link"),
        Part::flag("autonomous"),
        Part::flag("router address"),
        Part::flag("dhcpv6-pd preferred"),
        Part::number("option reserved", 4),
    ])?;
    r.u32("valid lifetime")?;
    r.u32("preferred lifetime")?;
    r.u32("option reserved 2")?;
    r.ipv6("prefix").map(drop)
}

fn route_information<R: Record>(r: &mut Reader<'_, R>) -> Result<(), Fault> {
    r.u8("prefix length")?;
    r.bits::<1, 3>(&[
        Part::number("option reserved", 3),
        Part::code("route preference", 2, PREFERENCES),
        Part::number("option reserved 2", 3),
    ])?;
    r.u32("route lifetime")?;
    r.rest("prefix");
    Ok(())
}
