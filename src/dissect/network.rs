//! What the transport layer needs to know about the datagram it travels in.

use std::net::Ipv6Addr;

use crate::bytes::Sum;
use crate::internet::icmp::Version;
use crate::internet::{Ipv4, Ipv6};

/// The innermost datagram around the bytes being read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Network {
    /// Its version; none outside of any datagram.
    pub version: Option<Version>,
    /// It is one of several fragments.
    pub fragment: bool,
    /// Its header leaves its length open.
    pub open: bool,
    source: Sum,
    destination: Sum,
}

impl Network {
    pub fn v4(ip: &Ipv4) -> Self {
        Network {
            version: Some(Version::V4),
            fragment: ip.is_fragment(),
            open: ip.total_length == 0,
            source: Sum::new().bytes(&ip.source.octets()),
            destination: Sum::new().bytes(&ip.final_destination().octets()),
        }
    }

    pub fn v6(ip: &Ipv6) -> Self {
        Network {
            version: Some(Version::V6),
            fragment: false,
            open: ip.payload_length == 0,
            source: Sum::new().bytes(&ip.source.octets()),
            destination: Sum::new().bytes(&ip.destination.octets()),
        }
    }

    /// The same datagram once its fragments are put together.
    pub fn whole(self) -> Self {
        Network { fragment: false, ..self }
    }

    /// The checksums cover another source than the header's.
    pub fn source_is(&mut self, address: Ipv6Addr) {
        self.source = Sum::new().bytes(&address.octets());
    }

    /// The checksums cover another destination than the header's.
    pub fn destination_is(&mut self, address: Ipv6Addr) {
        self.destination = Sum::new().bytes(&address.octets());
    }

    /// The sum over the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1) for `length` bytes of `protocol`.
    pub fn pseudo_header(&self, protocol: u8, length: usize) -> Sum {
        let length = (length as u32).to_be_bytes();
        self.source.plus(self.destination).word(protocol.into()).bytes(&length)
    }
}
