//! What dissection tells: layers.

use std::ops::Range;

use serde::Serialize;

use crate::application::{Dhcp, Dns, Http, Ntp, Ssh, Tls};
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

/// One row per header: the variant, what it holds, the name for people and the key for JSON and filters.
macro_rules! headers {
    ($($(#[$doc:meta])* $variant:ident($content:ty) $name:literal $key:literal)+) => {
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
        }
    };
}

headers! {
    /// Ethernet II or IEEE 802.3.
    Ethernet(Ethernet) "Ethernet" "ethernet"
    /// IEEE 802.2 logical link control.
    Llc(Llc) "LLC" "llc"
    /// SNAP.
    Snap(Snap) "SNAP" "snap"
    /// A header that Linux made up.
    Cooked(Cooked) "Linux cooked" "cooked"
    /// The header of a BSD loopback capture.
    Loopback(Loopback) "Loopback" "loopback"
    /// A VLAN tag.
    Vlan(Vlan) "VLAN" "vlan"
    /// One entry of an MPLS label stack.
    Mpls(Mpls) "MPLS" "mpls"
    /// PPP over Ethernet.
    Pppoe(Pppoe) "PPPoE" "pppoe"
    /// PPP.
    Ppp(Ppp) "PPP" "ppp"
    /// ARP.
    Arp(Arp) "ARP" "arp"
    /// IPv4.
    Ipv4(Ipv4) "IPv4" "ipv4"
    /// IPv6.
    Ipv6(Ipv6) "IPv6" "ipv6"
    /// IPv6 hop-by-hop options.
    HopByHop(Options) "Hop-by-hop options" "hop_by_hop"
    /// IPv6 destination options.
    DestinationOptions(Options) "Destination options" "destination_options"
    /// IPv6 routing header.
    Routing(Routing) "Routing header" "routing"
    /// IPv6 fragment header.
    Fragment(Fragment) "Fragment header" "fragment"
    /// GRE.
    Gre(Gre) "GRE" "gre"
    /// IPsec authentication header.
    Ah(Ah) "AH" "ah"
    /// IPsec encapsulating security payload.
    Esp(Esp) "ESP" "esp"
    /// ICMP for IPv4.
    Icmp(Icmp) "ICMP" "icmp"
    /// ICMP for IPv6.
    Icmpv6(Icmp) "ICMPv6" "icmpv6"
    /// Extensions behind the datagram that an ICMP error quotes.
    IcmpExtension(IcmpExtension) "ICMP extensions" "icmp_extension"
    /// IGMP.
    Igmp(Igmp) "IGMP" "igmp"
    /// TCP.
    Tcp(Tcp) "TCP" "tcp"
    /// UDP.
    Udp(Udp) "UDP" "udp"
    /// DNS.
    Dns(Dns) "DNS" "dns"
    /// Multicast DNS.
    Mdns(Dns) "mDNS" "mdns"
    /// LLMNR.
    Llmnr(Dns) "LLMNR" "llmnr"
    /// DHCP for IPv4.
    Dhcp(Dhcp) "DHCP" "dhcp"
    /// NTP.
    Ntp(Ntp) "NTP" "ntp"
    /// A TLS record.
    Tls(Tls) "TLS" "tls"
    /// The head of an HTTP message.
    Http(Http) "HTTP" "http"
    /// The first line of SSH.
    Ssh(Ssh) "SSH" "ssh"
}

impl Header {
    /// Whether this is a message between programs.
    pub fn is_application(&self) -> bool {
        use Header::{Dhcp, Dns, Http, Llmnr, Mdns, Ntp, Ssh, Tls};
        matches!(self, Dns(_) | Mdns(_) | Llmnr(_) | Dhcp(_) | Ntp(_) | Tls(_) | Http(_) | Ssh(_))
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
