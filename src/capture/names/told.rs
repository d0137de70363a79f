//! What messages between programs tell of names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Names;
use crate::application::dhcp::Dhcp;
use crate::application::dns::{Dialect, Dns};
use crate::application::tls;
use crate::bytes::{Field, Reader, Value};
use crate::capture::packet::Packet;
use crate::dissect::{Header, Layer};

/// Types of DHCP messages in which a client has, or is given, the address that goes with its name (RFC 2132 section 9.6).
const REQUEST: u8 = 3;
const ACK: u8 = 5;
const INFORM: u8 = 8;

impl Names {
    /// Learns from a message in a datagram between `ends`.
    pub(super) fn read(&mut self, packet: &Packet<'_>, layer: &Layer, ends: Option<[IpAddr; 2]>) {
        let text = |bits: crate::bytes::Bits| std::str::from_utf8(bits.of(packet.bytes)).unwrap_or_default();
        match (&layer.header, ends) {
            (Header::Dns(dns), _) => self.answers(packet, layer, dns, Dialect::Unicast),
            (Header::Mdns(dns), _) => self.answers(packet, layer, dns, Dialect::Multicast),
            (Header::Llmnr(dns), _) => self.answers(packet, layer, dns, Dialect::LinkLocal),
            (Header::Tls(record), Some([_, server])) if record.hello.message == Some(tls::CLIENT_HELLO) => {
                self.learn(server, text(record.hello.server_name));
            }
            (Header::Dhcp(message), _) => {
                if let Some(address) = address(message) {
                    self.learn(address.into(), text(message.options.host_name));
                }
            }
            _ => {}
        }
    }

    /// All records of an answer: the layer itself keeps only the first few.
    fn answers(&mut self, packet: &Packet<'_>, layer: &Layer, dns: &Dns, dialect: Dialect) {
        if !dns.response || dns.response_code != 0 {
            return;
        }
        let bytes = packet.bytes.get(..layer.bytes.end as usize).unwrap_or_default();
        let mut fields = std::mem::take(&mut self.fields);
        fields.0.clear();
        let mut reader = Reader::starting(bytes, dns.message as usize, &mut fields);
        // What is behind a fault tells nothing.
        let _ = Dns::default().read(&mut reader, dialect);
        self.records(dns, bytes, &fields.0);
        self.fields = fields;
    }

    /// The addresses that were asked for belong to the name that was asked for, whatever it is an alias of; all others to
    /// that of their record.
    fn records(&mut self, dns: &Dns, bytes: &[u8], fields: &[Field]) {
        let wanted = dns.question.filter(|question| matches!(question.kind, 1 | 28 | 255));
        let asked = wanted.map(|question| dns.name(bytes, question.name).to_string());
        let (mut owner, mut records) = (None, 0u32);
        for field in fields {
            let address = match (field.name, field.value) {
                ("name", _) => {
                    owner = field.name(bytes);
                    continue;
                }
                ("data length", _) => {
                    records = records.saturating_add(1);
                    continue;
                }
                ("address", Value::Ipv4(address)) => address.into(),
                ("address", Value::Ipv6(address)) => address.into(),
                ("pointer", _) => {
                    if let (Some(address), Some(name)) = (owner.and_then(backwards), field.name(bytes)) {
                        self.learn(address, &name.to_string());
                    }
                    continue;
                }
                _ => continue,
            };
            match (&asked, owner) {
                (Some(asked), _) if records <= dns.counts[1].into() => self.learn(address, asked),
                (_, Some(owner)) => self.learn(address, &owner.to_string()),
                _ => {}
            }
        }
    }
}

/// The address that a client's name goes with.
fn address(message: &Dhcp) -> Option<Ipv4Addr> {
    let address = match message.options.message? {
        ACK => message.your,
        REQUEST => message.options.requested.unwrap_or(message.client),
        INFORM => message.client,
        _ => return None,
    };
    (!address.is_unspecified()).then_some(address)
}

/// The address whose name is looked up under this one (RFC 1035 section 3.5, RFC 3596 section 2.5).
fn backwards(name: crate::bytes::Name<'_>) -> Option<IpAddr> {
    let name = name.to_string().to_ascii_lowercase();
    if let Some(labels) = name.strip_suffix(".in-addr.arpa") {
        let octets: Vec<&str> = labels.rsplit('.').collect();
        return octets.join(".").parse::<Ipv4Addr>().ok().map(IpAddr::from);
    }
    let nibbles: String = name.strip_suffix(".ip6.arpa")?.rsplit('.').collect();
    let number = u128::from_str_radix(&nibbles, 16).ok().filter(|_| nibbles.len() == 32)?;
    Some(Ipv6Addr::from(number).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Name;

    fn labels(text: &str) -> Vec<u8> {
        let label = |label: &str| [&[label.len() as u8], label.as_bytes()].concat();
        text.split('.').flat_map(label).chain([0]).collect()
    }

    #[test]
    fn names_of_addresses_are_read_backwards() {
        let v6 = format!("1{}.8.b.d.0.1.0.0.2.ip6.arpa", ".0".repeat(23));
        for (name, address) in [
            ("1.2.0.192.IN-addr.arpa", Some("192.0.2.1")),
            (v6.as_str(), Some("2001:db8::1")),
            ("2.0.192.in-addr.arpa", None),
            ("8.b.d.0.1.0.0.2.ip6.arpa", None),
            ("example.org", None),
        ] {
            let found = backwards(Name::new(&labels(name), 0, 0));
            assert_eq!(found, address.map(|address| address.parse().unwrap()), "{name}");
        }
    }
}
