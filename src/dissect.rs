//! The one table of what follows what: a frame in, layers out, never fails.
//!
//! A layer that stopped early carries its fault, and what it left becomes the last layer. A payload ends where the
//! length field of the header before it says; what follows is a layer of its own.
//!
//! **Invariant:** the fields of all layers, in order, cover the frame from its first bit to its last with no gap and no
//! overlap, whatever the bytes are; and a silent recorder sees the same layers.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod application;
pub mod catalog;
mod fragmented;
mod internet;
mod layer;
mod link;
mod network;
pub mod ports;
pub mod sample;
mod transport;

pub use fragmented::{Fragmented, dissect_whole};
pub use layer::{Data, Header, Layer};
pub use ports::Ports;

use ports::Application;

use crate::bytes::{Fault, Reader, Record, Sum, Verdict};
use crate::internet::protocols;
use crate::link::{Cooked, LinkType, Loopback, ether_type};
use network::Network;

/// Headers followed in one frame. Real frames have fewer than ten; a frame made to waste time ends here.
pub const MAX_LAYERS: usize = 32;

/// The field for what there is of a message that does not end here.
pub const UNFINISHED: &str = "unfinished";

/// Ethernet frames of up to this many bytes are padded, the frame check sequence included (IEEE 802.3, 4A.4.2).
const MIN_ETHERNET_FRAME: usize = 64;

/// Where a frame comes from: what its bytes alone do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What the frame begins with.
    pub link: LinkType,
    /// Bytes the frame had on the wire; more than are here when the capture cut it short.
    pub original_length: u32,
    /// The kernel said that the transport checksum is left to the network card.
    pub checksum_pending: bool,
}

impl Origin {
    /// A whole Ethernet frame.
    pub fn ethernet(frame: &[u8]) -> Self {
        Origin { link: LinkType::Ethernet, original_length: frame.len() as u32, checksum_pending: false }
    }
}

/// Reads `frame` into `layers`, which are cleared first, and tells the recorder every field.
///
/// Both lists are meant to be used again for the next frame (the caller clears the recorder's), so that nothing is
/// allocated once they have grown to the size of a usual frame. What it tells is the fragment of a datagram in the frame.
pub fn dissect<R: Record>(
    origin: &Origin,
    frame: &[u8],
    recorder: R,
    layers: &mut Vec<Layer>,
) -> Option<Box<Fragmented>> {
    dissect_with(Ports::USUAL, origin, frame, recorder, layers)
}

/// The same where ports may carry something else than they usually do.
pub fn dissect_with<R: Record>(
    ports: &Ports,
    origin: &Origin,
    frame: &[u8],
    recorder: R,
    layers: &mut Vec<Layer>,
) -> Option<Box<Fragmented>> {
    layers.clear();
    let reader = Reader::new(frame, recorder);
    let missing = (origin.original_length as usize).saturating_sub(frame.len());
    let mut walk = Walk {
        reader,
        layers,
        ports,
        pending: origin.checksum_pending,
        cut: missing > 0,
        missing,
        quoted: false,
        reading: Kind::Header,
        network: Network::default(),
        fragmented: None,
    };
    walk.link(origin.link);
    walk.fragmented
}

/// Dissection under way. Every method reads one kind of header and hands on to the next, and uses up its window.
struct Walk<'f, 'l, R: Record> {
    reader: Reader<'f, R>,
    layers: &'l mut Vec<Layer>,
    ports: &'l Ports,
    pending: bool,
    /// The capture cut the frame short, so bytes are missing through no fault of the frame.
    cut: bool,
    /// Bytes that the lengths claim behind the end of the window.
    missing: usize,
    quoted: bool,
    reading: Kind,
    network: Network,
    /// The outermost fragment that no error quotes.
    fragmented: Option<Box<Fragmented>>,
}

/// What is being read.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A header; something follows it.
    Header,
    /// A message between programs, the last thing in its window.
    Message,
    /// Such a message that may go on elsewhere, and the remark that then belongs to it.
    Part(&'static str),
}

/// How many bytes a length field gives to what follows its header.
#[derive(Clone, Copy)]
struct Length {
    field: &'static str,
    value: u64,
    bytes: usize,
}

impl Length {
    /// The field `field` says `value`, which counts `header` bytes that were read already.
    fn new(field: &'static str, value: usize, header: usize) -> Self {
        Length { field, value: value as u64, bytes: value.saturating_sub(header) }
    }
}

/// What follows what.
impl<R: Record> Walk<'_, '_, R> {
    fn link(&mut self, link: LinkType) {
        match link {
            LinkType::Ethernet => self.ethernet(),
            LinkType::LinuxSll => self.cooked(Cooked::read),
            LinkType::LinuxSll2 => self.cooked(Cooked::read_v2),
            LinkType::Null => self.loopback(Loopback::read_either),
            LinkType::Loop => self.loopback(Loopback::read),
            LinkType::RawIp | LinkType::RawIpv4 | LinkType::RawIpv6 => self.ip(),
            LinkType::Ppp => self.ppp(),
            LinkType::Unknown(_) => self.data(Data::Payload),
        }
    }

    fn ether_type(&mut self, number: u16) {
        match number {
            ..=ether_type::LAST_LENGTH => {
                self.within(Length::new("length", number.into(), 0), self.behind_datagram(), Self::llc);
            }
            ether_type::IPV4 => self.ipv4(),
            ether_type::ARP | 0x8035 => self.arp(),
            ether_type::IPV6 => self.ipv6(),
            0x6558 => self.ethernet(),
            0x8100 | 0x88a8 | 0x9100 => self.vlan(),
            0x8847 | 0x8848 => self.mpls(),
            0x8863 => self.pppoe_discovery(),
            0x8864 => self.pppoe(),
            0x8870 => self.llc(),
            0x880b => self.ppp(),
            _ => self.data(Data::Payload),
        }
    }

    fn ip(&mut self) {
        match self.reader.peek().first().map(|byte| byte >> 4) {
            Some(6) => self.ipv6(),
            _ => self.ipv4(),
        }
    }

    fn protocol(&mut self, number: u8) {
        match number {
            0 => self.hop_by_hop(),
            protocols::ICMP => self.icmp(),
            2 => self.igmp(),
            4 => self.ipv4(),
            protocols::TCP => self.tcp(),
            protocols::UDP => self.udp(),
            41 => self.ipv6(),
            43 => self.routing(),
            44 => self.fragment(),
            47 => self.gre(),
            50 => self.esp(),
            51 => self.ah(),
            protocols::ICMPV6 => self.icmpv6(),
            60 => self.destination_options(),
            137 => self.mpls(),
            143 => self.ethernet(),
            _ => self.data(Data::Payload),
        }
    }
}

fn over_udp(port: u16) -> Option<Application> {
    Some(match port {
        53 => Application::Dns,
        67 | 68 => Application::Dhcp,
        123 => Application::Ntp,
        5353 => Application::Mdns,
        5355 => Application::Llmnr,
        _ => return None,
    })
}

fn over_tcp(port: u16) -> Option<Application> {
    Some(match port {
        22 | 2222 => Application::Ssh,
        53 => Application::Dns,
        80 | 3000 | 3128 | 5000 | 8000 | 8008 | 8080 | 8081 | 8888 | 9090 => Application::Http,
        443 | 465 | 563 | 636 | 853 | 989 | 990 | 992 | 993 | 995 | 4433 | 5061 | 6443 | 8443 | 8883 => {
            Application::Tls
        }
        _ => return None,
    })
}

/// How layers are made.
impl<'f, R: Record> Walk<'f, '_, R> {
    /// Reads one header and adds its layer. When reading stopped early the rest of the window becomes a layer too, and
    /// there is nothing to go on with.
    #[inline]
    fn header<H: Default + Copy>(
        &mut self,
        header: fn(H) -> Header,
        read: impl FnOnce(&mut H, &mut Reader<'f, R>) -> Result<(), Fault>,
    ) -> Option<H> {
        if self.layers.len() >= MAX_LAYERS {
            self.data(Data::Unread);
            let layers = MAX_LAYERS;
            if let Some(layer) = self.layers.last_mut() {
                layer.fault = Some(Fault::TooDeep { layers });
            }
            return None;
        }
        let (at, first) = (self.reader.position(), self.reader.recorded());
        let mut content = H::default();
        let stopped = read(&mut content, &mut self.reader).err();
        let noted = self.reader.take_noted();
        let elsewhere = match self.reading {
            Kind::Header => false,
            Kind::Message => self.missing > 0,
            Kind::Part(_) => true,
        };
        let unfinished = elsewhere && matches!(stopped, Some(Fault::Short { .. }));
        let fault = if unfinished { self.unfinished() } else { stopped };
        self.push(header(content), at, first, fault.or(noted));
        if let (true, None, Kind::Part(remark)) = (unfinished, fault, self.reading) {
            self.remark(remark);
        }
        if stopped.is_some() {
            self.data(Data::Unread);
            return None;
        }
        Some(content)
    }

    /// Takes the rest of a message into its layer: no fault where it goes on later, one where the capture cut it.
    fn unfinished(&mut self) -> Option<Fault> {
        let (field, have) = (UNFINISHED, self.reader.remaining());
        self.reader.rest(field);
        let need = have.saturating_add(self.missing);
        (need > have).then_some(Fault::Short { field, need, have })
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a header is written to its place at once instead of through two copies")]
    fn push(&mut self, header: Header, at: usize, first_field: usize, fault: Option<Fault>) {
        self.layers.push(Layer {
            header,
            bytes: at as u32..self.reader.position() as u32,
            fields: first_field as u32..self.reader.recorded() as u32,
            quoted: self.quoted,
            checksum: None,
            fault,
            note: None,
        });
    }

    /// The rest of the window as a layer without a header; none when there is no rest and none is missing.
    fn data(&mut self, data: Data) {
        let have = self.reader.remaining();
        let payload = matches!(data, Data::Payload | Data::FragmentPayload | Data::Ciphertext);
        let missing = if payload && self.cut && !self.quoted { self.missing } else { 0 };
        if have == 0 && missing == 0 {
            return;
        }
        let (at, first) = (self.reader.position(), self.reader.recorded());
        self.reader.rest(data.field_name());
        let need = have.saturating_add(missing);
        let fault = (missing > 0).then_some(Fault::Short { field: data.field_name(), need, have });
        self.push(Header::Data(data), at, first, fault);
    }

    /// Reads what is inside the bytes that a length field gives, then what is behind them. Bytes that the capture cut
    /// off are missing; a length beyond what was ever there is a fault of the header that said so.
    fn within(&mut self, length: Length, behind: Data, read: impl FnOnce(&mut Self)) {
        let have = self.reader.remaining();
        let outer = self.missing;
        self.missing = length.bytes.saturating_sub(have);
        if self.missing > outer
            && !self.quoted
            && let Some(layer) = self.layers.last_mut()
        {
            let Length { field, value, .. } = length;
            layer.fault.get_or_insert(Fault::Invalid {
                field,
                value,
                expected: "no more than the bytes that are there",
            });
        }
        let end = self.reader.narrow(length.bytes);
        read(self);
        self.reader.widen(end);
        self.missing = outer;
        if self.reader.remaining() > 0 {
            self.data(behind);
        }
    }

    /// Bytes left in the window, those that the capture cut off included.
    fn left(&self) -> usize {
        self.reader.remaining().saturating_add(self.missing)
    }

    /// What bytes behind a datagram are.
    fn behind_datagram(&self) -> Data {
        match (self.quoted, self.network.version.is_some()) {
            (true, _) => Data::Padding,
            (false, true) => Data::Surplus,
            (false, false) if self.reader.frame(0..MIN_ETHERNET_FRAME.saturating_add(1)).is_empty() => Data::Padding,
            (false, false) => Data::Trailer,
        }
    }

    /// Ends the last layer's reading with a fault.
    fn stop(&mut self, fault: Fault) {
        if let Some(layer) = self.layers.last_mut() {
            layer.fault = Some(fault);
        }
        self.data(Data::Unread);
    }

    fn remark(&mut self, note: &'static str) {
        if let Some(layer) = self.layers.last_mut() {
            layer.note = Some(note);
        }
    }

    fn verdict(&mut self, verdict: Verdict) {
        if let Some(layer) = self.layers.last_mut() {
            layer.checksum = Some(verdict);
        }
    }

    /// The verdict on a checksum over the whole window.
    fn checked(&mut self, sum: Sum, stored: u16) {
        let whole = self.missing == 0 && !self.network.fragment;
        self.verdict(if whole { verdict(sum, stored) } else { Verdict::Unverifiable });
    }

    /// The verdict on a checksum over the pseudo-header and the first `length` bytes of `segment`.
    fn transport_verdict(&self, protocol: u8, segment: &[u8], length: usize, stored: u16) -> Verdict {
        let pseudo = self.network.pseudo_header(protocol, length);
        let pending = (self.pending && !self.quoted) || stored == pseudo.folded();
        let whole = self.missing == 0 && !self.network.fragment && self.network.version.is_some();
        let judged = match segment.get(..length) {
            Some(covered) if whole => verdict(pseudo.bytes(covered), stored),
            _ => Verdict::Unverifiable,
        };
        match judged {
            Verdict::Good => Verdict::Good,
            _ if pending => Verdict::NotFilledIn,
            // A sum of zero is sent as all ones, because zero means none.
            Verdict::Bad(0) if protocol == protocols::UDP => Verdict::Bad(0xffff),
            other => other,
        }
    }
}

/// `sum` covers the field itself, so it is all ones when the field is right.
fn verdict(sum: Sum, stored: u16) -> Verdict {
    match sum.folded() {
        0xffff => Verdict::Good,
        _ => Verdict::Bad(sum.word(!stored).checksum()),
    }
}
