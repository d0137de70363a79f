//! Addresses and datagrams: IPv4, IPv6 and ICMP, subnets, and the path a datagram takes.

pub mod destination;
pub mod extension;
pub mod fragments;
pub mod gre;
pub mod groups;
pub mod icmp;
mod icmp_codes;
pub mod icmp_extension;
pub mod ipsec;
pub mod ipv4;
pub mod ipv4_options;
pub mod ipv6;
pub mod ndp_wire;
pub mod neighbour;
pub mod path;
pub mod protocols;
pub mod resolution;
pub mod special;
pub mod subnet;
pub mod sweep;

pub use extension::{Fragment, Options, Routing};
pub use gre::Gre;
pub use groups::Igmp;
pub use icmp::Icmp;
pub use icmp_extension::IcmpExtension;
pub use ipsec::{Ah, Esp};
pub use ipv4::Ipv4;
pub use ipv6::Ipv6;
