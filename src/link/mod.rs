//! One wire: frames, the addresses on them, and what can be done with an interface.

pub mod arp;
pub mod arp_wire;
pub mod cache_wire;
pub mod cooked;
pub mod ether_type;
pub mod ethernet;
pub mod frame_source;
pub mod interface;
pub mod link_type;
pub mod llc;
pub mod loopback;
pub mod mpls;
pub mod neighbours;
pub mod packet_io;
pub mod packet_socket;
pub mod port;
pub mod ppp;
pub mod received;
pub mod ring;
pub mod station;
pub mod vendor;
pub mod vlan;

pub use arp::Arp;
pub use cooked::Cooked;
pub use ethernet::Ethernet;
pub use link_type::LinkType;
pub use llc::{Llc, Snap};
pub use loopback::Loopback;
pub use mpls::Mpls;
pub use ppp::{Ppp, Pppoe};
pub use vlan::Vlan;
