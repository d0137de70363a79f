//! What each header of the link layer hands on to.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::{Data, Header, Length, Walk};
use crate::bytes::{Fault, Reader, Record};
use crate::link::{Arp, Cooked, Ethernet, Llc, Loopback, Mpls, Ppp, Pppoe, Snap, Vlan, cooked, ether_type, llc};

impl<'f, R: Record> Walk<'f, '_, R> {
    pub(super) fn ethernet(&mut self) {
        if let Some(ethernet) = self.header(Header::Ethernet, Ethernet::read) {
            self.ether_type(ethernet.type_or_length);
        }
    }

    pub(super) fn llc(&mut self) {
        if self.reader.peek().starts_with(&[0xff, 0xff]) {
            // IPX as Novell framed it first: without LLC, its checksum field all ones.
            return self.data(Data::Payload);
        }
        let Some(llc) = self.header(Header::Llc, Llc::read) else { return };
        match (llc.destination_service, llc.control) {
            (llc::SNAP, llc::UNNUMBERED_INFORMATION) => self.snap(),
            (0x06, llc::UNNUMBERED_INFORMATION) => self.ipv4(),
            _ => self.data(Data::Payload),
        }
    }

    pub(super) fn snap(&mut self) {
        if let Some(snap) = self.header(Header::Snap, Snap::read) {
            match snap.ether_type() {
                Some(number) if number > ether_type::LAST_LENGTH => self.ether_type(number),
                _ => self.data(Data::Payload),
            }
        }
    }

    pub(super) fn cooked(&mut self, read: impl FnOnce(&mut Cooked, &mut Reader<'f, R>) -> Result<(), Fault>) {
        let Some(cooked) = self.header(Header::Cooked, read) else { return };
        match (cooked.hardware_type, cooked.protocol) {
            (cooked::NETLINK, _) | (_, cooked::PROTOCOL_802_3) => self.data(Data::Payload),
            (_, cooked::PROTOCOL_802_2) => self.llc(),
            (_, ..=ether_type::LAST_LENGTH) => self.data(Data::Payload),
            (_, number) => self.ether_type(number),
        }
    }

    pub(super) fn loopback(&mut self, read: impl FnOnce(&mut Loopback, &mut Reader<'f, R>) -> Result<(), Fault>) {
        let Some(loopback) = self.header(Header::Loopback, read) else { return };
        match loopback.family {
            2 => self.ipv4(),
            10 | 24 | 28 | 30 => self.ipv6(),
            _ => self.data(Data::Payload),
        }
    }

    pub(super) fn mpls(&mut self) {
        let Some(mpls) = self.header(Header::Mpls, Mpls::read) else { return };
        match self.reader.peek().first().map(|byte| byte >> 4) {
            _ if !mpls.bottom_of_stack => self.mpls(),
            Some(4 | 6) => self.ip(),
            _ => self.data(Data::Payload),
        }
    }

    pub(super) fn pppoe(&mut self) {
        if let Some(pppoe) = self.header(Header::Pppoe, Pppoe::read) {
            self.within(Length::new("length", pppoe.length.into(), 0), self.behind_datagram(), Self::ppp);
        }
    }

    pub(super) fn pppoe_discovery(&mut self) {
        if self.header(Header::Pppoe, Pppoe::read_discovery).is_some() {
            self.data(self.behind_datagram());
        }
    }

    pub(super) fn ppp(&mut self) {
        let Some(ppp) = self.header(Header::Ppp, Ppp::read) else { return };
        match ppp.protocol {
            0x0021 => self.ipv4(),
            0x0057 => self.ipv6(),
            0x0281 => self.mpls(),
            _ => self.data(Data::Payload),
        }
    }

    pub(super) fn vlan(&mut self) {
        if let Some(vlan) = self.header(Header::Vlan, Vlan::read) {
            self.ether_type(vlan.type_or_length);
        }
    }

    pub(super) fn arp(&mut self) {
        if self.header(Header::Arp, Arp::read).is_some() {
            self.data(self.behind_datagram());
        }
    }
}
