//! How much each address has sent and received.

use std::collections::HashMap;
use std::net::IpAddr;

use super::Volume;
use crate::bytes::order;
use crate::capture::analysis::segment;
use crate::capture::packet::Packet;

/// What one address sent and received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
pub struct Share {
    /// Sent by it.
    pub sent: Volume,
    /// Sent to it.
    pub received: Volume,
}

/// Bytes that one address takes, its place in the table included.
const EACH: usize = 2 * (size_of::<IpAddr>() + size_of::<Share>() + 1);

/// Every address, or as many as there is memory for; what came after that is in one sum.
#[derive(Debug)]
pub struct Endpoints {
    shares: HashMap<IpAddr, Share>,
    most: usize,
    /// Of addresses for which there was no room.
    pub others: Share,
}

impl Endpoints {
    /// Room for addresses in about `memory` bytes, at least a thousand.
    pub fn within(memory: usize) -> Self {
        Endpoints { shares: HashMap::new(), most: (memory / EACH).max(1000), others: Share::default() }
    }

    /// Takes in a frame.
    pub fn see(&mut self, packet: &Packet<'_>) {
        let Some(datagram) = segment::datagram(packet) else { return };
        let bytes = packet.frame.original_length;
        self.share(datagram.source.0).sent.add(bytes);
        self.share(datagram.destination.0).received.add(bytes);
    }

    fn share(&mut self, address: IpAddr) -> &mut Share {
        if self.shares.len() >= self.most && !self.shares.contains_key(&address) {
            return &mut self.others;
        }
        self.shares.entry(address).or_default()
    }

    /// The addresses, the busiest first.
    pub fn busiest_first(&self) -> Vec<(IpAddr, Share)> {
        let mut shares: Vec<_> = self.shares.iter().map(|(address, share)| (*address, *share)).collect();
        order::by_key(&mut shares, |(address, share)| {
            (std::cmp::Reverse(share.sent.bytes.saturating_add(share.received.bytes)), *address)
        });
        shares
    }
}
