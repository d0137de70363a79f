//! One wire: frames, the addresses on them, and what can be done with an interface.

pub mod arp;
pub mod ether_type;
pub mod ethernet;
pub mod link_type;
pub mod vlan;

pub use arp::Arp;
pub use ethernet::Ethernet;
pub use link_type::LinkType;
pub use vlan::Vlan;
