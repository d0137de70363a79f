//! Links: the network interfaces as the kernel describes them, `RTM_GETLINK`.

use std::fmt;

use netlink_packet_core::{Emitable, ParseableParametrized};
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkHeader, LinkInfo, LinkMessage, State, Stats64};
use nix::errno::Errno;
use serde::{Serialize, Serializer};

use super::socket::text;
use super::{Netlink, OsError, Request, attributes};
use crate::bytes::{Codes, Escaped, Mac, order};

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
/// Length of `struct ifinfomsg`.
const HEADER: usize = 16;
const IFLA_IFNAME: u16 = 3;
const IFLA_IFALIAS: u16 = 20;

/// One network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number of the interface, unique in its namespace.
    pub index: u32,
    /// The name. The kernel allows nearly any byte in it: escape before printing. Bytes that are not UTF-8 are spelled
    /// out as `\xff`.
    pub name: String,
    /// The driver's word for a virtual interface: `veth`, `bridge`, `tun`; none for hardware and the loopback.
    pub kind: Option<String>,
    /// The link layer, a number of `ARPHRD_*`: 1 Ethernet, 772 loopback, 65534 none.
    pub hardware: u16,
    /// Operational state, RFC 2863.
    pub state: OperState,
    /// `IFF_*` flags.
    pub flags: LinkFlags,
    /// Largest payload of one frame, in bytes.
    pub mtu: u32,
    /// The link-layer address: six bytes on Ethernet, another length or none elsewhere.
    pub address: Vec<u8>,
    /// The link-layer broadcast address.
    pub broadcast: Vec<u8>,
    /// The address burnt into the hardware, where it can be asked for.
    pub permanent_address: Vec<u8>,
    /// What went through, and what was lost.
    pub counters: Counters,
    /// Index of the bridge or bond that the interface belongs to.
    pub master: Option<u32>,
    /// Index of the interface at the other end (veth) or below (VLAN); of the namespace [`Link::peer_namespace`].
    pub peer: Option<u32>,
    /// The kernel's number, in this namespace, of the namespace in which the peer lives, when that is another one.
    pub peer_namespace: Option<i32>,
    /// Name of the queueing discipline, such as `noqueue`.
    pub queue: Option<String>,
    /// Packets that the transmit queue holds.
    pub queue_length: u32,
    /// A description that somebody gave the interface.
    pub alias: Option<String>,
    /// How often the carrier came or went.
    pub carrier_changes: u32,
    /// Name of the device on its bus, such as `0000:00:03.0`.
    pub device: Option<String>,
}

impl Link {
    /// The link-layer address as a MAC address, if it is one (six bytes).
    pub fn mac(&self) -> Option<Mac> {
        <[u8; 6]>::try_from(self.address.as_slice()).ok().map(Mac)
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let header = LinkHeader::parse(body).ok()?;
        let mut link = Link {
            index: header.index,
            hardware: header.link_layer_type.into(),
            flags: LinkFlags(header.flags.bits()),
            ..Link::default()
        };
        for attribute in attributes(body.get(HEADER..)?) {
            match attribute.kind() {
                IFLA_IFNAME => link.name = text(attribute.value()),
                IFLA_IFALIAS => link.alias = Some(text(attribute.value())),
                // An attribute that this build cannot read, as of a newer kernel, hides nothing else.
                _ => {
                    if let Ok(known) = LinkAttribute::parse_with_param(&attribute, header.interface_family) {
                        link.take(known);
                    }
                }
            }
        }
        Some(link)
    }

    fn take(&mut self, attribute: LinkAttribute) {
        match attribute {
            LinkAttribute::LinkInfo(infos) => {
                self.kind = infos.iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind_name(kind)),
                    _ => None,
                });
            }
            LinkAttribute::OperState(state) => self.state = state.into(),
            LinkAttribute::Mtu(bytes) => self.mtu = bytes,
            LinkAttribute::Address(address) => self.address = address,
            LinkAttribute::Broadcast(address) => self.broadcast = address,
            LinkAttribute::PermAddress(address) => self.permanent_address = address,
            LinkAttribute::Stats64(stats) => self.counters = stats.into(),
            LinkAttribute::Controller(index) => self.master = Some(index),
            LinkAttribute::Link(index) => self.peer = Some(index).filter(|index| *index != 0),
            LinkAttribute::LinkNetNsId(id) => self.peer_namespace = Some(id).filter(|id| *id >= 0),
            LinkAttribute::Qdisc(name) => self.queue = Some(name),
            LinkAttribute::TxQueueLen(packets) => self.queue_length = packets,
            LinkAttribute::CarrierChanges(times) => self.carrier_changes = times,
            LinkAttribute::ParentDevName(name) => self.device = Some(name),
            _ => {}
        }
    }
}

fn kind_name(kind: &InfoKind) -> String {
    match kind {
        InfoKind::Other(name) => name.clone(),
        known => known.to_string(),
    }
}

/// Operational state of an interface, RFC 2863 section 3.1.14.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperState {
    /// The driver does not say; the loopback and tun interfaces are so while they work.
    #[default]
    Unknown,
    /// A part of the hardware is missing.
    NotPresent,
    /// Switched off, or no carrier.
    Down,
    /// The interface below is down.
    LowerLayerDown,
    /// In a test mode.
    Testing,
    /// Waits for an event, such as 802.1X.
    Dormant,
    /// Frames pass.
    Up,
}

impl From<State> for OperState {
    fn from(state: State) -> Self {
        match state {
            State::NotPresent => OperState::NotPresent,
            State::Down => OperState::Down,
            State::LowerLayerDown => OperState::LowerLayerDown,
            State::Testing => OperState::Testing,
            State::Dormant => OperState::Dormant,
            State::Up => OperState::Up,
            _ => OperState::Unknown,
        }
    }
}

/// The `IFF_*` flags of an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkFlags(pub u32);

impl LinkFlags {
    /// Switched on by the administrator.
    pub const UP: u32 = 1;
    /// Can reach all stations at once.
    pub const BROADCAST: u32 = 1 << 1;
    /// Leads back to this machine.
    pub const LOOPBACK: u32 = 1 << 3;
    /// Has one station at the other end.
    pub const POINT_TO_POINT: u32 = 1 << 4;
    /// Frames pass: switched on and the carrier is there.
    pub const RUNNING: u32 = 1 << 6;
    /// Asks nobody for link addresses.
    pub const NO_ARP: u32 = 1 << 7;
    /// Hears frames for everybody.
    pub const PROMISCUOUS: u32 = 1 << 8;
    /// The carrier is there.
    pub const LOWER_UP: u32 = 1 << 16;

    /// Names of the flags, by their bits.
    const NAMES: Codes = Codes(&[
        (Self::UP, "up"),
        (Self::BROADCAST, "broadcast"),
        (1 << 2, "debug"),
        (Self::LOOPBACK, "loopback"),
        (Self::POINT_TO_POINT, "point_to_point"),
        (Self::RUNNING, "running"),
        (Self::NO_ARP, "no_arp"),
        (Self::PROMISCUOUS, "promiscuous"),
        (1 << 9, "all_multicast"),
        (1 << 10, "master"),
        (1 << 11, "slave"),
        (1 << 12, "multicast"),
        (1 << 13, "port_selection"),
        (1 << 14, "automatic_media"),
        (1 << 15, "dynamic"),
        (Self::LOWER_UP, "carrier"),
        (1 << 17, "dormant"),
        (1 << 18, "echo"),
    ]);

    /// Whether every bit of `flag` is set.
    pub const fn has(self, flag: u32) -> bool {
        self.0 & flag == flag
    }

    /// The names of the flags that are set, lowest bit first. [`LinkFlags::LOWER_UP`] is called `carrier`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.0.iter().filter(move |(bit, _)| self.has(*bit)).map(|(_, name)| *name)
    }
}

impl fmt::Display for LinkFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.names().enumerate().try_for_each(|(at, name)| {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{}", name.replace('_', "-"))
        })
    }
}

impl Serialize for LinkFlags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

/// What an interface counted since it was made: `struct rtnl_link_stats64`. `dropped` is lost for want of room or of a
/// taker, `errors` is damaged; the finer counters say of which kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the whole of it; rtnl_link_stats64 documents each")]
pub struct Counters {
    pub rx_packets: u64,
    pub rx_bytes: u64,
    pub rx_errors: u64,
    pub rx_dropped: u64,
    pub rx_missed: u64,
    pub rx_no_handler: u64,
    pub rx_length_errors: u64,
    pub rx_crc_errors: u64,
    pub rx_frame_errors: u64,
    pub rx_fifo_errors: u64,
    pub rx_multicast: u64,
    pub tx_packets: u64,
    pub tx_bytes: u64,
    pub tx_errors: u64,
    pub tx_dropped: u64,
    pub tx_carrier_errors: u64,
    pub tx_fifo_errors: u64,
    pub tx_aborted_errors: u64,
    pub collisions: u64,
}

impl From<Stats64> for Counters {
    fn from(stats: Stats64) -> Self {
        Counters {
            rx_packets: stats.rx_packets,
            rx_bytes: stats.rx_bytes,
            rx_errors: stats.rx_errors,
            rx_dropped: stats.rx_dropped,
            rx_missed: stats.rx_missed_errors,
            rx_no_handler: stats.rx_nohandler,
            rx_length_errors: stats.rx_length_errors,
            rx_crc_errors: stats.rx_crc_errors,
            rx_frame_errors: stats.rx_frame_errors,
            rx_fifo_errors: stats.rx_fifo_errors,
            rx_multicast: stats.multicast,
            tx_packets: stats.tx_packets,
            tx_bytes: stats.tx_bytes,
            tx_errors: stats.tx_errors,
            tx_dropped: stats.tx_dropped,
            tx_carrier_errors: stats.tx_carrier_errors,
            tx_fifo_errors: stats.tx_fifo_errors,
            tx_aborted_errors: stats.tx_aborted_errors,
            collisions: stats.collisions,
        }
    }
}

impl Netlink {
    /// Every interface of the namespace, by index.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn links(&mut self) -> Result<Vec<Link>, OsError> {
        let body = bytes(&LinkMessage::default());
        let mut links = self.list(&Request::dump("list interfaces", RTM_GETLINK, &body), Link::decode)?;
        order::by_key(&mut links, |link| link.index);
        links.dedup_by_key(|link| link.index);
        Ok(links)
    }

    /// The interface called `name` (the spelled-out form of an odd name included) or numbered so.
    ///
    /// # Errors
    /// ENODEV where there is none.
    pub fn link(&mut self, name: &str) -> Result<Link, OsError> {
        let links = self.links()?;
        let number = name.parse().ok();
        let by_name = links.iter().find(|link| link.name == name);
        let spelled = || links.iter().find(|link| Escaped(link.name.as_bytes()).to_string() == name);
        let by_number = || links.iter().find(|link| Some(link.index) == number);
        let found = by_name.or_else(spelled).or_else(by_number).cloned();
        found.ok_or_else(|| {
            let names: Vec<_> = links.iter().map(|link| Escaped(link.name.as_bytes()).to_string()).collect();
            OsError::new("find interface", name, Errno::ENODEV).hint(format!("there are: {}", names.join(", ")))
        })
    }

    /// The interface numbered `index`.
    ///
    /// # Errors
    /// ENODEV where there is none.
    pub fn link_by_index(&mut self, index: u32) -> Result<Link, OsError> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        let (body, object) = (bytes(&message), index.to_string());
        let request =
            Request { operation: "find interface", object: &object, kind: RTM_GETLINK, flags: 0, body: &body };
        let mut found = None;
        let _ = self.socket.ask(&request, |kind, body| {
            if kind == RTM_NEWLINK {
                found = Link::decode(body);
            }
        })?;
        found.ok_or_else(|| OsError::new("find interface", index, Errno::ENODEV))
    }
}

/// A message as the bytes that go on the socket.
pub(super) fn bytes(message: &impl Emitable) -> Vec<u8> {
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_that_cannot_be_read_hides_no_other() {
        let mut message = LinkMessage::default();
        message.header.index = 3;
        message.attributes = vec![LinkAttribute::Mtu(1500)];
        let mut body = bytes(&message);
        // A six-byte MTU, a name with a byte that is no UTF-8, then a carrier count.
        body.extend([10, 0, 4, 0, 1, 2, 3, 4, 5, 6, 0, 0]);
        body.extend([7, 0, 3, 0, b'a', 0xff, 0, 0]);
        body.extend([8, 0, 35, 0]);
        body.extend(5u32.to_ne_bytes());
        let link = Link::decode(&body).unwrap();
        assert_eq!((link.index, link.mtu, link.carrier_changes), (3, 1500, 5));
        assert_eq!(link.name, "a\\xff");
    }

    #[test]
    fn flags_print_by_name() {
        assert_eq!(LinkFlags(0x1_0043).to_string(), "up broadcast running carrier");
        assert!(LinkFlags::NAMES.is_sorted());
    }
}
