//! Which port carries the messages of which programs, where somebody knows better than the usual table.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::transport::services::Protocol;

/// A protocol between programs that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Application {
    /// DNS, over TCP with a length before each message.
    Dns,
    /// Multicast DNS.
    Mdns,
    /// LLMNR.
    Llmnr,
    /// DHCP for IPv4.
    Dhcp,
    /// NTP.
    Ntp,
    /// TLS.
    Tls,
    /// HTTP/1.
    Http,
    /// The first line of SSH.
    Ssh,
    /// Frames of netlab's own programs.
    Nlf,
}

impl Application {
    /// All of them.
    pub const ALL: [Application; 9] = [
        Application::Dns,
        Application::Mdns,
        Application::Llmnr,
        Application::Dhcp,
        Application::Ntp,
        Application::Tls,
        Application::Http,
        Application::Ssh,
        Application::Nlf,
    ];

    /// The name, which is the key of its header.
    pub fn name(self) -> &'static str {
        match self {
            Application::Dns => "dns",
            Application::Mdns => "mdns",
            Application::Llmnr => "llmnr",
            Application::Dhcp => "dhcp",
            Application::Ntp => "ntp",
            Application::Tls => "tls",
            Application::Http => "http",
            Application::Ssh => "ssh",
            Application::Nlf => "nlf",
        }
    }

    /// Whether it is spoken over this transport.
    pub fn is_over(self, transport: Protocol) -> bool {
        match self {
            Application::Dns => true,
            Application::Mdns | Application::Llmnr | Application::Dhcp | Application::Ntp => transport == Protocol::Udp,
            Application::Tls | Application::Http | Application::Ssh | Application::Nlf => transport == Protocol::Tcp,
        }
    }
}

/// What one port carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Over which transport; none: over each that the protocol is spoken over.
    pub transport: Option<Protocol>,
    /// The port.
    pub port: u16,
    /// What is spoken there; none: nothing that is to be read.
    pub application: Option<Application>,
}

impl Choice {
    fn is_about(self, transport: Protocol, port: u16) -> bool {
        self.port == port
            && self.transport.is_none_or(|own| own == transport)
            && self.application.is_none_or(|application| application.is_over(transport))
    }
}

/// What ports carry that differ from the usual; of several choices for one port the last holds.
#[derive(Clone, Debug, Default)]
pub struct Ports(pub Vec<Choice>);

impl Ports {
    /// Every port carries what it usually does.
    pub const USUAL: &Ports = &Ports(Vec::new());

    /// What was chosen for a port.
    fn chosen(&self, transport: Protocol, port: u16) -> Option<Choice> {
        self.0.iter().rfind(|choice| choice.is_about(transport, port)).copied()
    }

    /// What may be spoken between two ports, that which was chosen first; and whether one of them is not to be read.
    #[inline]
    pub(super) fn between(
        &self,
        transport: Protocol,
        ports: [u16; 2],
        usual: fn(u16) -> Option<Application>,
    ) -> ([Option<Application>; 2], bool) {
        if self.0.is_empty() {
            return (ports.map(usual), false);
        }
        let [first, second] = ports.map(|port| (port, self.chosen(transport, port)));
        let off = [first.1, second.1].into_iter().flatten().any(|choice| choice.application.is_none());
        let order = if first.1.is_none() && second.1.is_some() { [second, first] } else { [first, second] };
        (order.map(|(port, chosen)| chosen.map_or_else(|| usual(port), |choice| choice.application)), off)
    }
}
