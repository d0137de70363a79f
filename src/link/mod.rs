//! One wire: frames, the addresses on them, and what can be done with an interface.

pub mod arp;
pub mod ether_type;
pub mod ethernet;
pub mod frame_source;
pub mod interface;
pub mod link_type;
pub mod packet_socket;
pub mod received;
pub mod ring;
pub mod station;
pub mod vendor;
pub mod vlan;

pub use arp::Arp;
pub use ethernet::Ethernet;
pub use link_type::LinkType;
pub use vlan::Vlan;
