//! VLAN tags.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::ether_type;
use crate::bytes::{Codes, Fault, Part, Reader, Record};

/// Priority code points (IEEE 802.1Q, table I-2).
pub const PRIORITIES: Codes = Codes(&[
    (0, "best effort"),
    (1, "background"),
    (2, "excellent effort"),
    (3, "critical applications"),
    (4, "video"),
    (5, "voice"),
    (6, "internetwork control"),
    (7, "network control"),
]);

/// A VLAN tag, IEEE 802.1Q (type 0x8100), 802.1ad (0x88a8) or the older stacked form (0x9100). The type that announced
/// it belongs to the header before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Vlan {
    /// Priority, 0–7.
    pub priority: u8,
    /// Whether this frame may be dropped first.
    pub drop_eligible: bool,
    /// The VLAN, 0–4095; 0 is "priority only".
    pub identifier: u16,
    /// As in [`super::Ethernet`].
    pub type_or_length: u16,
}

impl Vlan {
    /// Reads the tag's two bytes and the type behind them.
    #[inline]
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let [priority, drop_eligible, identifier] = r.bits::<2, 3>(&[
            Part::code("priority", 3, PRIORITIES),
            Part::flag("drop eligible"),
            Part::number("identifier", 12),
        ])?;
        self.priority = priority as u8;
        self.drop_eligible = drop_eligible != 0;
        self.identifier = identifier as u16;
        self.type_or_length = ether_type::type_or_length(r)?;
        Ok(())
    }
}
