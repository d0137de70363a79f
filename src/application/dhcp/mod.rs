//! Dynamic Host Configuration Protocol for IPv4.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod options;

use std::net::Ipv4Addr;

use options::Options;

use crate::bytes::{Bits, Codes, Fault, Mac, Part, Reader, Record};
use crate::link::arp::HARDWARE_TYPES;

/// Bytes before the options.
pub const HEADER_BYTES: usize = 240;
/// What the options begin with (RFC 2131 section 3).
const COOKIE: u32 = 0x6382_5363;
/// Where the cookie stands.
const COOKIE_AT: usize = 236;

/// Operations.
pub const OPERATIONS: Codes = Codes(&[(1, "request"), (2, "reply")]);

/// A DHCP message, RFC 2131 section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dhcp {
    /// From a client (1) or a server (2).
    pub operation: u8,
    /// Which question an answer belongs to.
    pub transaction: u32,
    /// The address that the client has already.
    pub client: Ipv4Addr,
    /// The address that the server gives.
    pub your: Ipv4Addr,
    /// The relay between client and server.
    pub relay: Ipv4Addr,
    /// The client's link address.
    pub hardware: Mac,
    /// What the options say.
    pub options: Options,
}

impl Default for Dhcp {
    fn default() -> Self {
        let [client, your, relay] = [Ipv4Addr::UNSPECIFIED; 3];
        Dhcp { operation: 0, transaction: 0, client, your, relay, hardware: Mac::ZERO, options: Options::default() }
    }
}

/// Whether `bytes` can be a message: the cookie is in its place.
pub fn looks_like(bytes: &[u8]) -> bool {
    let cookie = bytes.get(COOKIE_AT..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_be_bytes(*bytes));
    cookie == Some(COOKIE)
}

impl Dhcp {
    /// Reads the message.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.operation = r.code8("operation", OPERATIONS)?;
        r.code8("hardware type", HARDWARE_TYPES)?;
        let length = r.u8("hardware address length")?;
        r.u8("hops")?;
        self.transaction = r.hex32("transaction")?;
        r.u16("seconds")?;
        r.bits::<2, 2>(&[Part::flag("broadcast"), Part::number("reserved", 15)])?;
        self.client = r.ipv4("client address")?;
        self.your = r.ipv4("your address")?;
        r.ipv4("next server")?;
        self.relay = r.ipv4("relay")?;
        if length == 6 {
            self.hardware = r.mac("hardware address")?;
            r.bytes("hardware address padding", 10)?;
        } else {
            r.bytes("hardware address", 16)?;
        }
        padded(r, "server name", 64)?;
        padded(r, "boot file", 128)?;
        r.hex32("cookie")?;
        self.options.read(r)
    }
}

/// Text that zeros fill up to `length` bytes.
fn padded<R: Record>(r: &mut Reader<'_, R>, name: &'static str, length: usize) -> Result<Bits, Fault> {
    let text = r.peek().iter().take(length).position(|byte| *byte == 0).unwrap_or(length);
    r.piece(name, length, 0..text)
}
