//! Multiprotocol label switching.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bytes::{Codes, Fault, Part, Reader, Record};

/// Labels with a meaning of their own (IANA "special-purpose MPLS label values").
pub const LABELS: Codes = Codes(&[
    (0, "IPv4 explicit null"),
    (1, "router alert"),
    (2, "IPv6 explicit null"),
    (3, "implicit null"),
    (4, "network action"),
    (7, "entropy label indicator"),
    (13, "generic associated channel"),
    (14, "OAM alert"),
    (15, "extension"),
]);

/// One entry of a label stack, RFC 3032 section 2.1, with the traffic class of RFC 5462.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Mpls {
    /// The label, 20 bits.
    pub label: u32,
    /// Traffic class, 0–7.
    pub traffic_class: u8,
    /// No entry follows.
    pub bottom_of_stack: bool,
    /// Hops left.
    pub ttl: u8,
}

impl Mpls {
    /// Reads the four bytes.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let [label, traffic_class, bottom, ttl] = r.bits::<4, 4>(&[
            Part::code("label", 20, LABELS),
            Part::number("traffic class", 3),
            Part::flag("bottom of stack"),
            Part::number("ttl", 8),
        ])?;
        self.label = label as u32;
        self.traffic_class = traffic_class as u8;
        self.bottom_of_stack = bottom != 0;
        self.ttl = ttl as u8;
        Ok(())
    }
}
