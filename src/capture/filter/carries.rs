//! What a link carries: how each kind of link header says it.

use super::condition::{Condition, Size};
use super::layout::{Layout, Link, bytes_are};
use super::syntax::Comparison;
use super::words::Meaning;
use super::{Source, ether};

/// Numbers up to this in an Ethernet type field are a length (IEEE 802.3 §3.2.6).
const LONGEST_LENGTH: u32 = 1500;

const IPX_TYPE: u32 = 0x8137;
/// What a cooked header says of frames with an LLC header, and of those of NetWare without one.
const COOKED_LLC: u32 = 4;
const COOKED_NETWARE: u32 = 1;

impl Layout {
    /// The link carries `kind`: an ether type, or up to 1500 an LLC service access point.
    ///
    /// # Errors
    /// Why this cannot be asked here.
    pub(super) fn carries(&self, kind: u32) -> Result<Condition, String> {
        if self.labels > 0 {
            return self.below_mpls(kind);
        }
        Ok(match self.link {
            Link::Ethernet => self.ethernet(kind),
            Link::Cooked => self.cooked(kind),
            Link::Cooked2 => self.kind_is(kind),
            Link::Ppp => self.kind_is(ppp(kind)),
            Link::Raw => self.version(kind),
            Link::Ipv4 => Condition::Constant(kind == ether::IPV4),
            Link::Ipv6 => Condition::Constant(kind == ether::IPV6),
            Link::Null | Link::Loop => self.family(kind),
        })
    }

    /// Behind labels only the bottom of the stack and the IP version tell (RFC 3032 §2.2).
    fn below_mpls(&self, kind: u32) -> Result<Condition, String> {
        let version = match kind {
            ether::IPV4 => 0x40,
            ether::IPV6 => 0x60,
            _ => return Err("behind mpls only IPv4 and IPv6 can be told".to_owned()),
        };
        let bottom = self.network(2u32.wrapping_neg(), Size::Byte, Meaning::plain("MPLS bottom of stack")).masked(1);
        let first = self.network(0, Size::Byte, Meaning::plain("IP version")).masked(0xf0);
        Ok(Condition::equal(bottom, 1).and(Condition::equal(first, version)))
    }

    fn is_length(&self) -> Condition {
        let kind = self.kind.load(0, Size::Half, Meaning::ETHER_TYPE);
        Condition::test(kind, Comparison::Greater, super::condition::Value::Number(LONGEST_LENGTH)).not()
    }

    fn access_points(&self, kind: u32) -> Condition {
        Condition::equal(self.behind_link(0, Size::Half, Meaning::plain("LLC access points")), kind << 8 | kind)
    }

    fn access_point(&self, kind: u32) -> Condition {
        Condition::equal(self.behind_link(0, Size::Byte, Meaning::plain("LLC access point")), kind)
    }

    /// An LLC header with SNAP (IEEE 802 §9.4) of this organization and protocol.
    fn snap(&self, organization: [u8; 3], protocol: u32) -> Condition {
        let [.., high, low] = protocol.to_be_bytes();
        let [a, b, c] = organization;
        bytes_are(self.payload, 0, &[0xaa, 0xaa, 0x03, a, b, c, high, low], Meaning::plain("LLC and SNAP header"))
    }

    fn apple(&self, kind: u32) -> Condition {
        let organization = if kind == ether::ATALK { [8, 0, 7] } else { [0; 3] };
        self.snap(organization, kind)
    }

    fn ethernet(&self, kind: u32) -> Condition {
        match kind {
            ether::sap::IP | ether::sap::ISO | ether::sap::NETBEUI => self.is_length().and(self.access_points(kind)),
            ether::sap::IPX => {
                let netware = Condition::equal(self.behind_link(0, Size::Half, Meaning::NONE), 0xffff);
                let llc = self.snap([0; 3], IPX_TYPE).or(self.access_point(kind).or(netware));
                self.kind_is(IPX_TYPE).or(self.is_length().and(llc))
            }
            ether::ATALK | ether::AARP => self.kind_is(kind).or(self.is_length().and(self.apple(kind))),
            0..=LONGEST_LENGTH => {
                let point = self.kind.load(2, Size::Byte, Meaning::plain("LLC access point"));
                self.is_length().and(Condition::equal(point, kind))
            }
            _ => self.kind_is(kind),
        }
    }

    fn cooked(&self, kind: u32) -> Condition {
        let llc = || self.kind_is(COOKED_LLC);
        match kind {
            ether::sap::IP | ether::sap::ISO | ether::sap::NETBEUI => llc().and(self.access_points(kind)),
            ether::sap::IPX => {
                let inside = self.access_point(kind).or(self.snap([0; 3], IPX_TYPE));
                self.kind_is(IPX_TYPE).or(self.kind_is(COOKED_NETWARE)).or(llc().and(inside))
            }
            ether::ATALK | ether::AARP => self.kind_is(kind).or(llc().and(self.apple(kind))),
            0..=LONGEST_LENGTH => llc().and(self.access_point(kind)),
            _ => self.kind_is(kind),
        }
    }

    fn version(&self, kind: u32) -> Condition {
        let version = match kind {
            ether::IPV4 => 0x40,
            ether::IPV6 => 0x60,
            _ => return Condition::Constant(false),
        };
        Condition::equal(self.header.load(0, Size::Byte, Meaning::plain("IP version")).masked(0xf0), version)
    }

    fn family(&self, kind: u32) -> Condition {
        let is = |family: u32| {
            let swap = (self.link == Link::Null) && (cfg!(target_endian = "little") != self.options.swapped);
            let number = if swap { family.swap_bytes() } else { family };
            Condition::equal(self.header.load(0, Size::Word, Meaning::plain("address family")), number)
        };
        match (kind, self.options.source) {
            (ether::IPV4, _) => is(2),
            (ether::IPV6, Source::Live) => is(10),
            // What the BSDs, FreeBSD and macOS call IPv6, in that order of trial.
            (ether::IPV6, Source::Stored) => Condition::Any(vec![is(30), is(24), is(28)]),
            _ => Condition::Constant(false),
        }
    }

    /// The frame has an LLC header (IEEE 802.2), of this kind.
    pub(super) fn llc(&self, kind: Option<super::syntax::LlcType>) -> Result<Condition, String> {
        if self.link != Link::Ethernet {
            return Err("only Ethernet frames have an LLC header".to_owned());
        }
        let netware = Condition::equal(self.behind_link(0, Size::Half, Meaning::plain("LLC access points")), 0xffff);
        let frame = self.is_length().and(netware.not());
        Ok(match kind {
            None => frame,
            Some(kind) => {
                let control = self.behind_link(2, Size::Byte, Meaning::plain("LLC control"));
                frame.and(Condition::equal(control.masked(kind.mask), kind.value))
            }
        })
    }
}

/// The PPP protocol number (RFC 1661 §2) of an ether type or access point.
fn ppp(kind: u32) -> u32 {
    match kind {
        ether::IPV4 => 0x0021,
        ether::IPV6 => 0x0057,
        ether::DECNET => 0x0027,
        ether::ATALK => 0x0029,
        ether::XEROX => 0x0025,
        ether::sap::ISO => 0x0023,
        ether::sap::STP => 0x0031,
        ether::sap::IPX => 0x002b,
        other => other,
    }
}
