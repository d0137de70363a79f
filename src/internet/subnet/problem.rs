//! The message for text that was not understood: what is wrong with it, and what was probably meant.

use std::fmt;

use crate::bytes::Escaped;

use super::Family;

/// Longest piece of foreign text that a message repeats, in characters.
pub(super) const SHOWN: usize = 60;

/// Text that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// The text, escaped and cut to a bearable length.
    pub text: String,
    /// What is wrong with it.
    pub problem: Problem,
    /// What was probably meant.
    pub meant: Option<String>,
}

/// What can be wrong with an address, a mask or a range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no text.
    #[error("nothing is there; expected an address such as 192.0.2.1 or 2001:db8::1")]
    Empty,
    /// An address, but with blanks around it.
    #[error("there are blanks around the address")]
    Blanks,
    /// An IPv4 address of too few or too many octets.
    #[error("it has {octets} octet{}, an IPv4 address has 4", if *octets == 1 { "" } else { "s" })]
    Octets {
        /// How many it has.
        octets: usize,
    },
    /// An octet without a digit.
    #[error("octet {place} is empty")]
    OctetEmpty {
        /// Which one, from 1.
        place: usize,
    },
    /// An octet above 255.
    #[error("octet {place} is {octet}, the largest is 255")]
    OctetTooLarge {
        /// Which one, from 1.
        place: usize,
        /// As it was written.
        octet: String,
    },
    /// An octet that means one thing in C and another to people.
    #[error("octet {place} is written {octet}: {}, so netlab takes neither", octal(octet))]
    LeadingZero {
        /// Which one, from 1.
        place: usize,
        /// As it was written.
        octet: String,
    },
    /// A port follows the address.
    #[error("a port ({port}) is not part of an address")]
    Port {
        /// The port as it was written.
        port: String,
    },
    /// A zone follows the address (RFC 4007 section 11).
    #[error("%{zone} names an interface of this machine and is not part of the address")]
    Zone {
        /// The zone as it was written.
        zone: String,
    },
    /// Brackets stand around the address.
    #[error("the brackets belong to a URL, not to the address")]
    Brackets,
    /// A URL.
    #[error("it is a URL; expected the address alone")]
    Url,
    /// One number instead of four octets.
    #[error("it is a single number; expected four octets with dots between them")]
    BareNumber,
    /// Letters or commas that look like digits or dots.
    #[error("it has characters that only look like digits or dots")]
    LooksAlike,
    /// A host name.
    #[error("it is a name, not an address, and no resolver is asked here (try: getent ahosts NAME)")]
    Name,
    /// A link-layer address.
    #[error("it is a MAC address; expected an IP address")]
    MacAddress,
    /// An IPv6 address with `::` twice.
    #[error("it has :: more than once, so nobody can tell how many zeros each stands for")]
    TwoGaps,
    /// An IPv6 address with too few or too many groups.
    #[error("it has {groups} group{}, an IPv6 address has 8, or fewer with one ::", if *groups == 1 { "" } else { "s" })]
    Groups {
        /// How many it has.
        groups: usize,
    },
    /// An IPv6 group that is no hex number of up to four digits.
    #[error("group {place} is {group:?}; expected one to four hex digits")]
    Group {
        /// Which one, from 1.
        place: usize,
        /// As it was written.
        group: String,
    },
    /// Nothing that looks like an address.
    #[error("expected an address such as 192.0.2.1 or 2001:db8::1")]
    NoAddress,
    /// A slash without a mask.
    #[error("no mask follows the slash; expected a length such as /24 or a mask such as 255.255.255.0")]
    MaskMissing,
    /// Two masks.
    #[error("the mask is given twice")]
    MaskTwice,
    /// A prefix length beyond the address.
    #[error("a prefix length of {length} is too long: {family} addresses have {} bits", family.bits())]
    LengthTooLong {
        /// As it was written.
        length: String,
        /// Whose bits are exceeded.
        family: Family,
    },
    /// A prefix length that means one thing in C and another to people.
    #[error("the length is written {length}: {}, so netlab takes neither", octal(length))]
    LengthLeadingZero {
        /// As it was written.
        length: String,
    },
    /// A mask that is neither ones followed by zeros nor zeros followed by ones.
    #[error("the {} has a hole: bit {bit} is {value} although bit {border} is already {}",
        if *value == 1 { "mask" } else { "wildcard (it begins with 0)" }, 1 ^ value)]
    Hole {
        /// The first bit that breaks the row, from 1 on the left.
        bit: u32,
        /// Its value.
        value: u8,
        /// The bit, from 1 on the left, after which no bit like the first may come.
        border: u32,
    },
    /// A mask for the other family.
    #[error("it is not a mask for {family}")]
    OtherFamilysMask {
        /// The address's family.
        family: Family,
    },
    /// Nothing that looks like a mask.
    #[error("expected {}", match family {
        Family::Ipv4 => "/24, 24, 255.255.255.0, 0xffffff00 or the wildcard 0.0.0.255",
        Family::Ipv6 => "a prefix length such as /64",
    })]
    NoMask {
        /// The address's family.
        family: Family,
    },
    /// A mask where an address was expected.
    #[error("it is a mask; the address comes first")]
    MaskAlone,
    /// A range where one address was expected.
    #[error("it is a range; expected one address")]
    RangeAlone,
    /// A range that ends before it starts.
    #[error("the range ends before it starts")]
    Backwards,
    /// A range from one family to the other.
    #[error("the range starts in IPv4 and ends in IPv6, or the other way round")]
    TwoFamilies,
}

impl Misread {
    pub(super) fn new(text: &str, problem: Problem) -> Self {
        Misread { text: shown(text), problem, meant: None }
    }

    pub(super) fn meaning(mut self, meant: impl Into<Option<String>>) -> Self {
        self.meant = meant.into();
        self
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Misread { text, problem, meant } = self;
        match text.as_str() {
            "" => write!(f, "{problem}")?,
            text => write!(f, "{text}: {problem}")?,
        }
        meant.as_ref().map_or(Ok(()), |meant| write!(f, "\nhint: did you mean {meant}?"))
    }
}

impl std::error::Error for Misread {}

/// Foreign text for a message: escaped, and cut where it gets long.
pub(super) fn shown(text: &str) -> String {
    let start: String = text.chars().take(SHOWN).collect();
    let rest = if start.len() < text.len() { "…" } else { "" };
    format!("{}{rest}", Escaped(start.as_bytes()))
}

fn octal(octet: &str) -> String {
    match u32::from_str_radix(octet, 8) {
        Ok(value) => format!("C programs read that as octal {value}, people as {}", octet.trim_start_matches('0')),
        Err(_) => "a leading zero means octal in C, and this is no octal number".to_owned(),
    }
}
