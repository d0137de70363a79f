//! Ports and connections: TCP and UDP, probing ports, the kernel's sockets.

mod budget;
pub mod owners;
pub mod ports;
pub mod glossary;
pub mod services;
pub mod sockets;
pub mod states;
pub mod tcp;
pub mod tcp_options;
pub mod tcp_wire;
pub mod udp;

pub use tcp::Tcp;
pub use tcp_options::TcpOptions;
pub use udp::Udp;
