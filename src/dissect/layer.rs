//! What dissection tells: layers.

use std::ops::Range;

use serde::Serialize;

use crate::application::{Dhcp, Dns, Http, Nlf, Ntp, Ssh, Tls};
use crate::bytes::{Fault, Verdict};
use crate::internet::{Ah, Esp, Fragment, Gre, Icmp, IcmpExtension, Igmp, Ipv4, Ipv6, Options, Routing};
use crate::link::{Arp, Cooked, Ethernet, Llc, Loopback, Mpls, Ppp, Pppoe, Snap, Vlan};
use crate::transport::{Tcp, Udp};

/// One layer of a frame: a header that was read, or a run of bytes that none was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What was read. Members behind [`Layer::fault`] have their default values.
    pub header: Header,
    /// The layer's own bytes, as offsets into the frame.
    pub bytes: Range<u32>,
    /// The layer's fields, as indices into what the recorder was told.
    pub fields: Range<u32>,
    /// Whether the layer stands in a datagram that an ICMP error quotes, so says nothing about this frame itself.
    pub quoted: bool,
    /// What can be said about the checksum, where the header has one and all of it was read.
    pub checksum: Option<Verdict>,
    /// What is wrong with the layer.
    pub fault: Option<Fault>,
    /// What is unusual but in order.
    pub note: Option<&'static str>,
}

/// The bytes of a layer that has no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// What the layers above carry, as far as it is not read itself.
    Payload,
    /// A piece of a datagram from its middle or end.
    FragmentPayload,
    /// Encrypted.
    Ciphertext,
    /// What is left behind a fault.
    Unread,
    /// Fills an Ethernet frame up to its smallest size.
    Padding,
    /// Behind the datagram of a frame that needs no padding: a frame check sequence, or what a switch or driver added.
    Trailer,
    /// Inside the IP datagram but behind the length that UDP gives (the surplus area of RFC 9868), or behind the end
    /// of a datagram inside another.
    Surplus,
}

impl Data {
    /// The name of the one field such a layer has.
    pub fn field_name(self) -> &'static str {
        match self {
            Data::Payload => "payload",
            Data::FragmentPayload => "fragment payload",
            Data::Ciphertext => "ciphertext",
            Data::Unread => "unread",
            Data::Padding => "padding",
            Data::Trailer => "trailer",
            Data::Surplus => "surplus",
        }
    }
}

/// One row per header: the variant, what it holds, the name for people, the key for JSON and filters, where it is defined.
macro_rules! headers {
    ($($(#[$doc:meta])* $variant:ident($content:ty) $name:literal $key:literal $reference:literal)+) => {
        /// A header that was read.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Header {
            $($(#[$doc])* $variant($content),)+
            /// Bytes that no header was read from.
            Data(Data),
        }

        impl Header {
            /// The name as people write it, such as `IPv4`.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Header::$variant(_) => $name,)+
                    Header::Data(data) => data.name(),
                }
            }

            /// The name in JSON and filters, such as `ipv4`.
            pub fn key(&self) -> &'static str {
                match self {
                    $(Header::$variant(_) => $key,)+
                    Header::Data(data) => data.key(),
                }
            }

            /// Where it is defined; empty for bytes without a header.
            pub fn reference(&self) -> &'static str {
                match self {
                    $(Header::$variant(_) => $reference,)+
                    Header::Data(_) => "",
                }
            }
        }
    };
}

headers! {
    /// Ethernet II or IEEE 802.3.
    Ethernet(Ethernet) "Ethernet" "ethernet" "IEEE 802.3"
    /// IEEE 802.2 logical link control.
    Llc(Llc) "LLC" "llc" "IEEE 802.2"
    /// SNAP.
    Snap(Snap) "SNAP" "snap" "IEEE 802, RFC 1042"
    /// A header that Linux made up.
    Cooked(Cooked) "Linux cooked" "cooked" "LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2"
    /// The header of a BSD loopback capture.
    Loopback(Loopback) "Loopback" "loopback" "LINKTYPE_NULL, LINKTYPE_LOOP"
    /// A VLAN tag.
    Vlan(Vlan) "VLAN" "vlan" "IEEE 802.1Q"
    /// One entry of an MPLS label stack.
    Mpls(Mpls) "MPLS" "mpls" "RFC 3032"
    /// PPP over Ethernet.
    Pppoe(Pppoe) "PPPoE" "pppoe" "RFC 2516"
    /// PPP.
    Ppp(Ppp) "PPP" "ppp" "RFC 1661"
    /// ARP.
    Arp(Arp) "ARP" "arp" "RFC 826"
    /// IPv4.
    Ipv4(Ipv4) "IPv4" "ipv4" "RFC 791"
    /// IPv6.
    Ipv6(Ipv6) "IPv6" "ipv6" "RFC 8200"
    /// IPv6 hop-by-hop options.
    HopByHop(Options) "Hop-by-hop options" "hop_by_hop" "RFC 8200 section 4.3"
    /// IPv6 destination options.
    DestinationOptions(Options) "Destination options" "destination_options" "RFC 8200 section 4.6"
    /// IPv6 routing header.
    Routing(Routing) "Routing header" "routing" "RFC 8200 section 4.4"
    /// IPv6 fragment header.
    Fragment(Fragment) "Fragment header" "fragment" "RFC 8200 section 4.5"
    /// GRE.
    Gre(Gre) "GRE" "gre" "RFC 2784, RFC 2890"
    /// IPsec authentication header.
    Ah(Ah) "AH" "ah" "RFC 4302"
    /// IPsec encapsulating security payload.
    Esp(Esp) "ESP" "esp" "RFC 4303"
    /// ICMP for IPv4.
    Icmp(Icmp) "ICMP" "icmp" "RFC 792"
    /// ICMP for IPv6.
    Icmpv6(Icmp) "ICMPv6" "icmpv6" "RFC 4443"
    /// Extensions behind the datagram that an ICMP error quotes.
    IcmpExtension(IcmpExtension) "ICMP extensions" "icmp_extension" "RFC 4884"
    /// IGMP.
    Igmp(Igmp) "IGMP" "igmp" "RFC 9776, RFC 2236"
    /// TCP.
    Tcp(Tcp) "TCP" "tcp" "RFC 9293 section 3.1"
    /// UDP.
    Udp(Udp) "UDP" "udp" "RFC 768"
    /// DNS.
    Dns(Dns) "DNS" "dns" "RFC 1035"
    /// Multicast DNS.
    Mdns(Dns) "mDNS" "mdns" "RFC 6762"
    /// LLMNR.
    Llmnr(Dns) "LLMNR" "llmnr" "RFC 4795"
    /// DHCP for IPv4.
    Dhcp(Dhcp) "DHCP" "dhcp" "RFC 2131"
    /// NTP.
    Ntp(Ntp) "NTP" "ntp" "RFC 5905"
    /// A TLS record.
    Tls(Tls) "TLS" "tls" "RFC 8446"
    /// The head of an HTTP message.
    Http(Http) "HTTP" "http" "RFC 9112"
    /// The first line of SSH.
    Ssh(Ssh) "SSH" "ssh" "RFC 4253"
    /// A frame between netlab's own programs.
    Nlf(Nlf) "NLF" "nlf" "docs/protocol.md"
}

impl Header {
    /// Whether this is a message between programs.
    pub fn is_application(&self) -> bool {
        use Header::{Dhcp, Dns, Http, Llmnr, Mdns, Nlf, Ntp, Ssh, Tls};
        matches!(self, Dns(_) | Mdns(_) | Llmnr(_) | Dhcp(_) | Ntp(_) | Tls(_) | Http(_) | Ssh(_) | Nlf(_))
    }
}

impl Data {
    /// The name as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Data::Payload => "Payload",
            Data::FragmentPayload => "Fragment payload",
            Data::Ciphertext => "Ciphertext",
            Data::Unread => "Unread",
            Data::Padding => "Padding",
            Data::Trailer => "Trailer",
            Data::Surplus => "Surplus",
        }
    }

    /// The name in JSON and filters.
    pub fn key(self) -> &'static str {
        match self {
            Data::FragmentPayload => "fragment_payload",
            other => other.field_name(),
        }
    }
}
