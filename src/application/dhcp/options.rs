//! Options of DHCP (RFC 2132).

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::Ipv4Addr;

use crate::bytes::{Bits, Codes, Fault, Reader, Record};

/// Kinds of messages (option 53).
pub const MESSAGES: Codes = Codes(&[
    (1, "DISCOVER"),
    (2, "OFFER"),
    (3, "REQUEST"),
    (4, "DECLINE"),
    (5, "ACK"),
    (6, "NAK"),
    (7, "RELEASE"),
    (8, "INFORM"),
    (9, "FORCERENEW"),
    (10, "LEASEQUERY"),
    (11, "LEASEUNASSIGNED"),
    (12, "LEASEUNKNOWN"),
    (13, "LEASEACTIVE"),
]);

/// Option codes (IANA "BOOTP vendor extensions and DHCP options").
pub const OPTIONS: Codes = Codes(&[
    (0, "pad"),
    (1, "subnet mask"),
    (2, "time offset"),
    (3, "router"),
    (4, "time server"),
    (6, "domain name server"),
    (7, "log server"),
    (12, "host name"),
    (15, "domain name"),
    (17, "root path"),
    (26, "interface MTU"),
    (28, "broadcast address"),
    (31, "router discovery"),
    (33, "static route"),
    (40, "NIS domain"),
    (41, "NIS servers"),
    (42, "NTP servers"),
    (43, "vendor specific"),
    (44, "NetBIOS name servers"),
    (46, "NetBIOS node type"),
    (47, "NetBIOS scope"),
    (50, "requested address"),
    (51, "lease time"),
    (52, "overload"),
    (53, "message type"),
    (54, "server identifier"),
    (55, "parameter request list"),
    (56, "message"),
    (57, "maximum message size"),
    (58, "renewal time"),
    (59, "rebinding time"),
    (60, "vendor class"),
    (61, "client identifier"),
    (66, "TFTP server name"),
    (67, "boot file name"),
    (77, "user class"),
    (80, "rapid commit"),
    (81, "client FQDN"),
    (82, "relay agent information"),
    (93, "client system"),
    (97, "client machine identifier"),
    (100, "POSIX time zone"),
    (101, "TZ database time zone"),
    (108, "IPv6-only preferred"),
    (114, "captive portal"),
    (116, "auto-configuration"),
    (118, "subnet selection"),
    (119, "domain search"),
    (121, "classless static route"),
    (125, "vendor identifying"),
    (150, "TFTP server address"),
    (249, "classless static route (Microsoft)"),
    (252, "proxy autodiscovery"),
    (255, "end"),
]);

/// What the options say to programs; people see every option's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Options {
    /// Kind of message: see [`MESSAGES`]; none in BOOTP.
    pub message: Option<u8>,
    /// The address that the client asks for.
    pub requested: Option<Ipv4Addr>,
    /// The server that an offer comes from or is taken from.
    pub server: Option<Ipv4Addr>,
    /// How long the address may be used, in seconds.
    pub lease_s: Option<u32>,
    /// The client's name; empty where it gives none.
    pub host_name: Bits,
}

impl Options {
    /// Reads options up to the end of the window.
    pub(super) fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        while r.remaining() > 0 {
            match r.code8("option", OPTIONS)? {
                0 => {}
                255 => {
                    r.rest("padding");
                }
                code => {
                    let length = r.u8("option length")?;
                    r.area("option data", length.into(), "option data", |r| self.option(r, code))?;
                }
            }
        }
        Ok(())
    }

    fn option<R: Record>(&mut self, r: &mut Reader<'_, R>, code: u8) -> Result<(), Fault> {
        match code {
            12 => {
                self.host_name = Bits::of_bytes(r.position(), r.remaining());
                r.text("host name", r.remaining())?;
            }
            50 => self.requested = Some(r.ipv4("requested address")?),
            51 => self.lease_s = Some(r.u32("lease time")?),
            53 => self.message = Some(r.code8("message type", MESSAGES)?),
            54 => self.server = Some(r.ipv4("server identifier")?),
            55 => {
                while r.remaining() > 0 {
                    r.code8("parameter request", OPTIONS)?;
                }
            }
            26 => drop(r.u16("interface mtu")?),
            57 => drop(r.u16("maximum message size")?),
            _ => match (addresses(code), text(code), seconds(code)) {
                (Some(name), ..) => {
                    while r.remaining() > 0 {
                        r.ipv4(name)?;
                    }
                }
                (_, Some(name), _) => drop(r.text(name, r.remaining())?),
                (.., Some(name)) => drop(r.u32(name)?),
                _ => {}
            },
        }
        Ok(())
    }
}

/// Options that are lists of addresses.
fn addresses(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "subnet mask",
        3 => "router",
        6 => "domain name server",
        28 => "broadcast address",
        42 => "ntp server",
        44 => "netbios name server",
        _ => return None,
    })
}

/// Options that are text.
fn text(code: u8) -> Option<&'static str> {
    Some(match code {
        15 => "domain name",
        56 => "message",
        60 => "vendor class",
        66 => "tftp server name",
        67 => "boot file name",
        114 => "captive portal",
        252 => "proxy autodiscovery",
        _ => return None,
    })
}

/// Options that are times in seconds.
fn seconds(code: u8) -> Option<&'static str> {
    Some(match code {
        58 => "renewal time",
        59 => "rebinding time",
        108 => "ipv6-only wait",
        _ => return None,
    })
}
