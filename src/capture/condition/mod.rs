//! Conditions on what was read: any field by its name.
//!
//! ```text
//! condition = and { "or" and }        and = not { "and" not }
//! not = "not" not | "(" condition ")" | NAME [ OPERATOR VALUE ]
//! ```
//!
//! A name is `layer`, `layer.field` (the keys of JSON) or either behind `quoted.`, which asks the datagram that an ICMP error
//! quotes; `frame.…` is what is known of the frame. A name alone asks whether it is there; that of a flag, whether it is set.
//! A field that stands there several times meets `==`, `<`, `~` … when one of its values does, and `!=` when none is equal.

mod abroad;
mod compare;
mod lexer;
mod parse;
mod place;

use compare::Literal;
pub use place::{Item, Listed, Place, listed, names};

use super::Packet;
use super::filter::Error;

/// A condition on a packet.
#[derive(Clone, Debug)]
pub struct Condition {
    test: Box<Test>,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::condition(text).map(|test| Condition { test: Box::new(test) })
    }

    /// Whether `packet`, whose fields were kept, meets the condition.
    pub fn holds(&self, packet: &Packet<'_>) -> bool {
        self.test.holds(packet)
    }

    /// Whether it asks for what only the analysis of conversations can tell.
    pub fn is_analysed(&self) -> bool {
        self.test.is_analysed()
    }
}

#[derive(Clone, Debug)]
enum Test {
    Any(Vec<Test>),
    All(Vec<Test>),
    Not(Box<Test>),
    Present(Place),
    Compare(Place, Comparison, Literal),
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

impl Test {
    fn is_analysed(&self) -> bool {
        match self {
            Test::Any(tests) | Test::All(tests) => tests.iter().any(Test::is_analysed),
            Test::Not(test) => test.is_analysed(),
            Test::Present(place) | Test::Compare(place, ..) => place.is_analysed,
        }
    }

    fn holds(&self, packet: &Packet<'_>) -> bool {
        match self {
            Test::Any(tests) => tests.iter().any(|test| test.holds(packet)),
            Test::All(tests) => tests.iter().all(|test| test.holds(packet)),
            Test::Not(test) => !test.holds(packet),
            Test::Present(place) => place.any(packet, |item| !item.is_no()),
            Test::Compare(place, Comparison::NotEqual, literal) => {
                let equal = |item: Item<'_>| literal.meets(Comparison::Equal, &item);
                place.any(packet, |_| true) && !place.any(packet, equal)
            }
            Test::Compare(place, comparison, literal) => place.any(packet, |item| literal.meets(*comparison, &item)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Dissector, Frame};
    use super::*;

    /// A UDP datagram with a DNS question for example.org, TTL 64.
    const FRAME: &[u8] = b"\x02\xfc\0\0\0\x02\x02\xfc\0\0\0\x01\x08\0\x45\0\0\x39\x1c\x46\x40\0\x40\x11\xb2\x4a\
        \xac\x10\x0a\x01\xac\x10\x0a\x02\x9c\x40\0\x35\0\x25\0\0\
        \x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07eXample\x03org\0\0\x01\0\x01";

    fn holds(text: &str) -> bool {
        let condition = Condition::parse(text).unwrap_or_else(|error| panic!("{}", error.render(text)));
        condition.holds(&Dissector::new(true).read(Frame::ethernet(FRAME)))
    }

    #[test]
    fn fields_are_compared_by_what_they_are() {
        for yes in [
            "ipv4.ttl == 64",
            "ipv4.ttl<65 and ipv4.ttl >= 0x40",
            "ipv4.source == 172.16.10.1",
            "ipv4.source == 172.16.0.0/12",
            "ipv4.destination > 172.16.10.1",
            "ethernet.source == 02:fc:00:00:00:01",
            "ipv4.header_length_bytes == 20",
            "ipv4.protocol == \"udp\"",
            "ipv4.protocol_name == \"UDP\"",
            "dns.name ~ \"EXAMPLE.\"",
            "dns.name == \"example.org\"",
            "dns.type == A",
            "udp.checksum_verdict == zero_means_none",
            "frame.captured_bytes == 71",
            "ipv4.source ~ \"172.16\"",
        ] {
            assert!(holds(yes), "{yes}");
            assert!(!holds(&format!("not ({yes})")), "not {yes}");
        }
        for no in ["ipv4.ttl != 64", "dns.name ~ \"net\"", "ipv4.source == 10.0.0.0/8", "tcp.window != 0"] {
            assert!(!holds(no), "{no}");
        }
    }

    #[test]
    fn a_name_alone_asks_whether_it_is_there_and_a_flag_whether_it_is_set() {
        assert!(holds("dns") && holds("dns.name") && holds("ipv4.dont_fragment") && holds("dns.recursion_desired"));
        assert!(!holds("tcp") && !holds("tcp.window") && !holds("ipv4.more_fragments") && !holds("quoted.ipv4"));
        assert!(holds("not tcp and (arp or dns)") && holds("arp or udp and ipv4") && !holds("(arp or udp) and tcp"));
    }

    #[test]
    fn what_counts_nanoseconds_may_be_compared_with_a_time() {
        let frame = Frame { time: Some(1_500_000), ..Frame::ethernet(FRAME) };
        let mut dissector = Dissector::new(true);
        let packet = dissector.read(frame);
        for (text, holds) in
            [("> 1ms", true), ("< 1.5ms", false), ("== 1500us", true), (">= 2s", false), ("!= 1ms", true)]
        {
            let condition = Condition::parse(&format!("frame.time_ns {text}")).unwrap();
            assert_eq!(condition.holds(&packet), holds, "{text}");
        }
    }

    #[test]
    fn errors_point_at_the_part_that_is_wrong() {
        for (text, at, message) in [
            ("tcp.widow == 0", 0..9, "no field is called tcp.widow"),
            ("udp and wrong", 8..13, "no layer is called wrong"),
            ("ipv4.ttl == \"x\"", 12..15, "ipv4.ttl is a number"),
            ("tcp.rtt_ns > fast", 13..17, "tcp.rtt_ns counts nanoseconds"),
            ("tcp.rtt_ns > \"1ms\"", 13..18, "tcp.rtt_ns counts nanoseconds"),
            ("frame.number > 1ms", 15..18, "frame.number is a number"),
            ("ip.src == 10.0.0.1", 0..6, "no field is called ip.src"),
            ("ipv4.source == 5", 15..16, "ipv4.source is an IPv4 address"),
            ("dns.type == \"AB\"", 12..16, "dns.type has no value called AB"),
            ("tcp.analysis == retransmision", 16..29, "tcp.analysis has no value called retransmision"),
            ("frame.direction == \"inn\"", 19..24, "frame.direction has no value called inn"),
            ("quoted.udp.checksum_verdict != wrong", 31..36, "quoted.udp.checksum_verdict has no value called wrong"),
            ("dns.name < \"x\"", 9..10, "dns.name has no order"),
            ("ipv4.ttl = 5", 9..10, "a comparison is written =="),
            ("ipv4.ttl ==", 11..11, "a value is missing"),
            ("(udp", 4..4, ") is missing"),
            ("udp )", 4..5, "and, or or the end was expected"),
            ("dns.name ~ \"x", 11..13, "the text does not end"),
            ("", 0..0, "a name is missing"),
            ("udp == 5", 4..6, "udp is a layer"),
        ] {
            let error = Condition::parse(text).expect_err(text);
            assert!(error.message.starts_with(message), "{text}: {}", error.message);
            assert_eq!(error.span, at, "{text}");
        }
        let deep = "(".repeat(100_000);
        assert!(Condition::parse(&deep).is_err());
        assert!(Condition::parse(&"not ".repeat(100_000)).is_err());
        let hint = Condition::parse("tcp.widow == 0").unwrap_err().hint.unwrap();
        assert!(hint.contains("tcp.window"), "{hint}");
    }
}
