//! Messages between programs.

pub mod announcement;
pub mod dhcp;
pub mod dns;
pub mod frames;
pub mod http;
pub mod nlf;
pub mod ntp;
pub mod ssh;
pub mod tls;

pub use dhcp::Dhcp;
pub use dns::Dns;
pub use http::Http;
pub use nlf::Nlf;
pub use ntp::Ntp;
pub use ssh::Ssh;
pub use tls::Tls;
