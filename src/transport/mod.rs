//! Ports and connections: TCP and UDP, probing ports, the kernel's sockets.

pub mod services;
