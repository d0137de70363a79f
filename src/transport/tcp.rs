//! Transmission Control Protocol.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;

use super::tcp_options::TcpOptions;
use crate::bytes::{Fault, Part, Reader, Record};

/// Bytes of a header without options.
pub const HEADER_BYTES: usize = 20;

/// A TCP header, RFC 9293 section 3.1, with AE as in RFC 9768.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tcp {
    /// Port of the sender.
    pub source: u16,
    /// Port of the receiver.
    pub destination: u16,
    /// Number of the first data byte (or of the SYN).
    pub sequence: u32,
    /// Number of the next byte the sender expects; meaningful with [`Flags::ACK`].
    pub acknowledgment: u32,
    /// Bytes of the header with its options, 20–60.
    pub data_offset: u8,
    /// The control bits.
    pub flags: Flags,
    /// Bytes the sender is ready to receive, before scaling.
    pub window: u16,
    /// Checksum over addresses, header and data.
    pub checksum: u16,
    /// Offset behind the urgent data; meaningful with [`Flags::URG`].
    pub urgent_pointer: u16,
    /// What the options say.
    pub options: TcpOptions,
}

/// The two bytes behind the acknowledgment number.
const OFFSET_AND_FLAGS: [Part; 11] = [
    Part::units("data offset", 4, 4),
    Part::number("reserved", 3),
    Part::flag("ae"),
    Part::flag("cwr"),
    Part::flag("ece"),
    Part::flag("urg"),
    Part::flag("ack"),
    Part::flag("psh"),
    Part::flag("rst"),
    Part::flag("syn"),
    Part::flag("fin"),
];

impl Tcp {
    /// Reads the header and its options.
    #[inline]
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.source = r.u16("source port")?;
        self.destination = r.u16("destination port")?;
        self.sequence = r.u32("sequence number")?;
        self.acknowledgment = r.u32("acknowledgment number")?;
        let [words, reserved, ae, cwr, ece, urg, ack, psh, rst, syn, fin] = r.bits::<2, 11>(&OFFSET_AND_FLAGS)?;
        self.data_offset = (words as u8).wrapping_mul(4);
        let bits = [reserved >> 2, reserved >> 1, reserved, ae, cwr, ece, urg, ack, psh, rst, syn, fin];
        self.flags = Flags(bits.iter().fold(0, |flags, bit| flags << 1 | (bit & 1) as u16));
        self.window = r.u16("window")?;
        self.checksum = r.hex16("checksum")?;
        self.urgent_pointer = r.u16("urgent pointer")?;
        let Some(options) = usize::from(self.data_offset).checked_sub(HEADER_BYTES) else {
            return Err(Fault::Invalid { field: "data offset", value: words, expected: "at least 5 (20 bytes)" });
        };
        if options == 0 {
            return Ok(());
        }
        r.area("options", options, "unread options", |r| self.options.read(r))
    }
}

/// The control bits of a TCP header: the low nine of twelve, reserved bits above them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u16);

impl Flags {
    /// No more data from the sender.
    pub const FIN: Flags = Flags(0x001);
    /// Synchronize sequence numbers.
    pub const SYN: Flags = Flags(0x002);
    /// Reset the connection.
    pub const RST: Flags = Flags(0x004);
    /// Push the data to the application.
    pub const PSH: Flags = Flags(0x008);
    /// The acknowledgment number counts.
    pub const ACK: Flags = Flags(0x010);
    /// The urgent pointer counts.
    pub const URG: Flags = Flags(0x020);
    /// Congestion experienced, says the receiver (RFC 3168).
    pub const ECE: Flags = Flags(0x040);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Flags = Flags(0x080);
    /// Accurate ECN (RFC 9768).
    pub const AE: Flags = Flags(0x100);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// The order in which people say them: SYN before ACK, FIN before ACK.
const NAMES: [(Flags, &str); 9] = [
    (Flags::SYN, "SYN"),
    (Flags::FIN, "FIN"),
    (Flags::RST, "RST"),
    (Flags::PSH, "PSH"),
    (Flags::ACK, "ACK"),
    (Flags::URG, "URG"),
    (Flags::ECE, "ECE"),
    (Flags::CWR, "CWR"),
    (Flags::AE, "AE"),
];

impl fmt::Display for Flags {
    /// `SYN ACK`; `none` when no bit is set; reserved bits as `0xe00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (_, name) in NAMES.iter().filter(|(flag, _)| self.contains(*flag)) {
            write!(f, "{separator}{name}")?;
            separator = " ";
        }
        match self.0 & !0x1ff {
            0 if separator.is_empty() => f.write_str("none"),
            0 => Ok(()),
            reserved => write!(f, "{separator}0x{reserved:03x}"),
        }
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_print_the_way_people_say_them() {
        assert_eq!(Flags::ACK.with(Flags::SYN).to_string(), "SYN ACK");
        assert_eq!(Flags(0).to_string(), "none");
        assert_eq!(Flags(0xe02).to_string(), "SYN 0xe00");
        assert_eq!(Flags(0x1ff).to_string(), "SYN FIN RST PSH ACK URG ECE CWR AE");
    }
}
