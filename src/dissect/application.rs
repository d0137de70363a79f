//! Messages between programs: what looks like one is read, all else stays bytes.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::{Application, Data, Header, Kind, MAX_LAYERS, Walk, over_tcp, over_udp};
use crate::application::dns::Dialect;
use crate::application::{Dhcp, Dns, Http, Nlf, Ntp, Ssh, Tls, dhcp, dns, http, nlf, ntp, ssh, tls};
use crate::bytes::{Fault, Reader, Record};
use crate::transport::services::Protocol;

impl<'f, R: Record> Walk<'f, '_, R> {
    /// The payload of a datagram between these ports.
    pub(super) fn datagram_payload(&mut self, ports: [u16; 2]) {
        let part = Kind::Part("goes on in a later fragment");
        self.program(ports, Protocol::Udp, if self.network.fragment { part } else { Kind::Message });
    }

    /// The payload of a segment between these ports. Nothing says where in the stream it stands.
    pub(super) fn segment_payload(&mut self, ports: [u16; 2]) {
        self.program(ports, Protocol::Tcp, Kind::Part("goes on in a later segment"));
    }

    /// Reads what either port announces, if it looks like that, otherwise what is known by its own first bytes.
    fn program(&mut self, ports: [u16; 2], transport: Protocol, reading: Kind) {
        // What an error quotes is rarely whole, and says nothing about this frame.
        if self.quoted || self.reader.remaining() == 0 {
            return self.data(Data::Payload);
        }
        self.reading = reading;
        let usual = if transport == Protocol::Tcp { over_tcp } else { over_udp };
        let (spoken, off) = self.ports.between(transport, ports, usual);
        let own = (transport == Protocol::Tcp && !off && nlf::opens(self.reader.peek())).then_some(Application::Nlf);
        let read = spoken.into_iter().chain([own]).flatten().any(|application| self.read(application, transport));
        self.reading = Kind::Header;
        let stopped = self.layers.last().is_some_and(|layer| layer.fault.is_some());
        if !read || !stopped || self.reader.remaining() > 0 {
            self.data(Data::Payload);
        }
    }

    /// Reads messages of a protocol, and tells whether there was one.
    fn read(&mut self, application: Application, transport: Protocol) -> bool {
        match application {
            Application::Dns if transport == Protocol::Tcp => self.dns_stream(),
            Application::Dns => self.dns(),
            Application::Mdns => self.mdns(),
            Application::Llmnr => self.llmnr(),
            Application::Dhcp => self.dhcp(),
            Application::Ntp => self.ntp(),
            Application::Tls => self.tls(),
            Application::Http => self.http(),
            Application::Ssh => self.ssh(),
            Application::Nlf => self.nlf(),
        }
    }

    fn message<H: Default + Copy>(
        &mut self,
        looks: bool,
        header: fn(H) -> Header,
        read: impl FnOnce(&mut H, &mut Reader<'f, R>) -> Result<(), Fault>,
    ) -> bool {
        if looks {
            self.header(header, read);
        }
        looks
    }

    fn dns(&mut self) -> bool {
        let looks = dns::looks_like(self.reader.peek(), self.left());
        self.message(looks, Header::Dns, |dns: &mut Dns, r| dns.read(r, Dialect::Unicast))
    }

    fn mdns(&mut self) -> bool {
        let looks = dns::looks_like(self.reader.peek(), self.left());
        self.message(looks, Header::Mdns, |dns: &mut Dns, r| dns.read(r, Dialect::Multicast))
    }

    fn llmnr(&mut self) -> bool {
        let looks = dns::looks_like(self.reader.peek(), self.left());
        self.message(looks, Header::Llmnr, |dns: &mut Dns, r| dns.read(r, Dialect::LinkLocal))
    }

    /// Over TCP a length stands before each message, which may also be sent alone.
    fn dns_stream(&mut self) -> bool {
        let mut any = false;
        while let Some((length, message)) = self.reader.peek().split_first_chunk() {
            let length = usize::from(u16::from_be_bytes(*length));
            if !self.has_room() || !dns::looks_like(message, length) {
                break;
            }
            any = self.message(true, Header::Dns, Dns::read_prefixed);
        }
        any
    }

    fn dhcp(&mut self) -> bool {
        self.message(dhcp::looks_like(self.reader.peek()), Header::Dhcp, Dhcp::read)
    }

    fn ntp(&mut self) -> bool {
        self.message(ntp::looks_like(self.reader.peek(), self.left()), Header::Ntp, Ntp::read)
    }

    fn ssh(&mut self) -> bool {
        self.message(ssh::looks_like(self.reader.peek()), Header::Ssh, Ssh::read)
    }

    /// Some clients forget to encrypt, and some servers say so.
    fn tls(&mut self) -> bool {
        let mut any = false;
        while self.has_room() && tls::looks_like(self.reader.peek()) {
            any = self.message(true, Header::Tls, Tls::read);
        }
        any || self.http()
    }

    /// Heads of requests that wait for no answer stand behind each other; content stays bytes.
    fn http(&mut self) -> bool {
        let mut any = false;
        while self.has_room() && http::looks_like(self.reader.peek()) {
            any = true;
            if self.header(Header::Http, Http::read).is_none_or(|head| head.has_content()) {
                break;
            }
        }
        any
    }

    /// Behind a whole frame stands the next one, whatever it looks like.
    fn nlf(&mut self) -> bool {
        let looks = nlf::looks_like(self.reader.peek());
        while looks && self.has_room() && self.reader.remaining() > 0 {
            if self.header(Header::Nlf, Nlf::read).is_none() {
                break;
            }
        }
        looks
    }

    /// Room for another message and for what is behind it.
    fn has_room(&self) -> bool {
        self.layers.len() < MAX_LAYERS.saturating_sub(2)
    }
}
