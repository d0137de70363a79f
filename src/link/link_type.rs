//! What a captured frame begins with: the link types of capture files.

/// The kind of link a frame was seen on, which says what its first header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// Ethernet (1).
    Ethernet,
    /// Linux "cooked" capture, version 1 (113).
    LinuxSll,
    /// Linux "cooked" capture, version 2 (276): what a capture on all interfaces delivers.
    LinuxSll2,
    /// BSD loopback: the address family in the byte order of the machine that captured (0).
    Null,
    /// OpenBSD loopback: the address family in network byte order (108).
    Loop,
    /// An IP datagram without a link header, either version (101; 12 and 14 in older files).
    RawIp,
    /// An IPv4 datagram without a link header (228).
    RawIpv4,
    /// An IPv6 datagram without a link header (229).
    RawIpv6,
    /// A PPP frame (9).
    Ppp,
    /// Any other number; its frames are shown as bytes.
    Unknown(u32),
}

/// Numbers as capture files write them. The first row of a type is the one written.
const NUMBERS: [(u32, LinkType); 11] = [
    (1, LinkType::Ethernet),
    (113, LinkType::LinuxSll),
    (276, LinkType::LinuxSll2),
    (0, LinkType::Null),
    (108, LinkType::Loop),
    (101, LinkType::RawIp),
    (12, LinkType::RawIp),
    (14, LinkType::RawIp),
    (228, LinkType::RawIpv4),
    (229, LinkType::RawIpv6),
    (9, LinkType::Ppp),
];

impl LinkType {
    /// The type of a capture file's `LINKTYPE_`/`DLT_` number.
    pub fn from_number(number: u32) -> Self {
        NUMBERS.iter().find(|(n, _)| *n == number).map_or(LinkType::Unknown(number), |(_, link)| *link)
    }

    /// The number to write into a capture file.
    pub fn number(self) -> u32 {
        match self {
            LinkType::Unknown(number) => number,
            known => NUMBERS.iter().find(|(_, link)| *link == known).map_or(0, |(number, _)| *number),
        }
    }

    /// A name for people.
    pub fn name(self) -> &'static str {
        match self {
            LinkType::Ethernet => "Ethernet",
            LinkType::LinuxSll => "Linux cooked v1",
            LinkType::LinuxSll2 => "Linux cooked v2",
            LinkType::Null => "BSD loopback",
            LinkType::Loop => "OpenBSD loopback",
            LinkType::RawIp => "raw IP",
            LinkType::RawIpv4 => "raw IPv4",
            LinkType::RawIpv6 => "raw IPv6",
            LinkType::Ppp => "PPP",
            LinkType::Unknown(_) => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_both_ways_and_old_ones_are_understood() {
        for number in [0, 1, 9, 101, 108, 113, 228, 229, 276, 127, u32::MAX] {
            assert_eq!(LinkType::from_number(number).number(), number);
        }
        assert_eq!(LinkType::from_number(12), LinkType::RawIp);
        assert_eq!(LinkType::from_number(14), LinkType::RawIp);
    }
}
