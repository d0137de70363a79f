//! The networks of the labs: hosts, cables, addresses. Every cable ends at the lab's own fabric.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use super::brake::Brake;
use super::fabric::{Fabric, Joining, Port};
use super::observation::Station;
use super::room::without_ipv6;
use super::stage::{Ground, LabError, Stage};
use crate::bytes::{Mac, Silent, Verdict};
use crate::dissect::{Origin, dissect};
use crate::kernel::namespace::Host;
use crate::kernel::netlink::Netlink;
use crate::kernel::{OsError, ethtool, sysctl};
use crate::link::packet_io::Batch;

/// What leads from a host to a fabric.
#[derive(Clone, Debug)]
pub struct Cable {
    /// The host, by its number.
    pub host: usize,
    /// The name of the interface inside the host.
    pub interface: String,
    /// Its address, and the length of its prefix.
    pub address: (Ipv4Addr, u8),
}

/// Who answers for the link addresses of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbours {
    /// Every host knows every other from the start: no ARP on the wire.
    Known,
    /// The kernels find out, by ARP.
    Asked,
}

/// While somebody thinks about a frame, its sender should not repeat it. Kernels before 6.11 cannot be told to wait.
const PATIENT_RTO_US: &str = "5000000";

/// How long an interface may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);

impl Stage<'_> {
    /// A host with loopback alone, IPv6 switched off so that nothing is on the wire that the lab did not ask for.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn new_host(&mut self, name: &str) -> Result<usize, LabError> {
        let station = Station { name: name.to_owned(), addresses: Vec::new(), macs: Vec::new() };
        self.observation.hosts.push(station);
        if !self.has_wire() {
            return self.add_host(Host::here(name)?);
        }
        let host = Host::new(name)?;
        let patient = self.audience_thinks();
        host.run(move || -> Result<(), OsError> {
            without_ipv6()?;
            if patient {
                sysctl::write_if_present("net.ipv4.tcp_rto_min_us", PATIENT_RTO_US)?;
            }
            // Reno is built into every kernel, and without pacing what it sends is what the textbook says.
            sysctl::write("net.ipv4.tcp_congestion_control", "reno")?;
            Netlink::open()?.set_up("lo", true)
        })?;
        self.add_host(host)
    }

    /// Joins cables to one fabric, and checks on each that frames arrive with good checksums. The clock starts anew.
    ///
    /// # Errors
    /// The kernel's refusal, or [`LabError::Late`] for a network that does not come up sound.
    pub fn join(&mut self, joining: Joining, neighbours: Neighbours, cables: &[Cable]) -> Result<usize, LabError> {
        let first = self.fabrics.iter().map(|fabric| fabric.ports.len()).sum::<usize>();
        let mut ports = Vec::new();
        for (number, cable) in (first..).zip(cables) {
            ports.push(self.lay(number, cable)?);
        }
        if neighbours == Neighbours::Known {
            self.introduce(first, cables)?;
        }
        for (number, (cable, port)) in (first..).zip(cables.iter().zip(&ports)) {
            self.check(number, cable, cables, port)?;
        }
        self.fabrics.push(Fabric::new(ports, joining));
        self.start_clock();
        Ok(self.fabrics.len().saturating_sub(1))
    }

    /// Hosts of these names and addresses (with 24 bits for the network), joined to one fabric by their `eth0`. Who has an
    /// address must be asked.
    ///
    /// # Errors
    /// As [`Stage::join`].
    pub fn network(&mut self, joining: Joining, hosts: &[(&str, Ipv4Addr)]) -> Result<usize, LabError> {
        let mut cables = Vec::new();
        for (name, address) in hosts {
            cables.push(Cable { host: self.new_host(name)?, interface: "eth0".to_owned(), address: (*address, 24) });
        }
        self.join(joining, Neighbours::Asked, &cables)
    }

    /// Client and server on one wire: 172.16.10.1 and 172.16.10.2, as in the textbook example. Without a wire both are
    /// at 127.0.0.1.
    ///
    /// # Errors
    /// As [`Stage::join`].
    pub fn pair(&mut self, neighbours: Neighbours) -> Result<[usize; 2], LabError> {
        self.pair_of(["client", "server"], neighbours)
    }

    /// As [`Stage::pair`], under other names.
    ///
    /// # Errors
    /// As [`Stage::join`].
    pub fn pair_of(&mut self, [left, right]: [&str; 2], neighbours: Neighbours) -> Result<[usize; 2], LabError> {
        let hosts = [self.new_host(left)?, self.new_host(right)?];
        if !self.has_wire() {
            self.on_localhost();
            return Ok(hosts);
        }
        let cable = |host: usize, last| Cable {
            host,
            interface: "eth0".to_owned(),
            address: (Ipv4Addr::new(172, 16, 10, last), 24),
        };
        self.join(Joining::Hub, neighbours, &[cable(hosts[0], 1), cable(hosts[1], 2)])?;
        Ok(hosts)
    }

    /// One host that talks to itself, over its loopback.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn alone(&mut self, name: &str) -> Result<usize, LabError> {
        let host = self.new_host(name)?;
        self.on_localhost();
        Ok(host)
    }

    /// Where the lab's ends of the cables are.
    ///
    /// # Panics
    /// On the machine's loopback, where a lab has no business to lay cables.
    fn room(&self) -> &Host {
        match &self.ground {
            Ground::Room(room) => room,
            Ground::Loopback(_) => unreachable!("a lab that joins hosts was started without a private network"),
        }
    }

    /// Lets the lab's ends of all cables carry `mtu` bytes of data in a frame. The hosts' ends are for the lab to set.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn carry(&self, mtu: u32) -> Result<(), LabError> {
        let cables = self.fabrics.iter().map(|fabric| fabric.ports.len()).sum::<usize>();
        let set = move || (0..cables).try_for_each(|number| Netlink::open()?.set_mtu(&cable_name(number), mtu));
        Ok(self.room().run(set)?)
    }

    fn on_localhost(&mut self) {
        for station in &mut self.observation.hosts {
            station.addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        }
        self.start_clock();
    }

    fn lay(&mut self, number: usize, cable: &Cable) -> Result<Port, LabError> {
        let Cable { host, address: (address, prefix), .. } = *cable;
        let (here, mac) = (cable_name(number), mac(number));
        let there = self.host(host).namespace().try_clone_to_owned();
        let there = there.map_err(|error| OsError::from_io("duplicate", "a host's namespace", &error))?;
        let (name, interface) = (here.clone(), cable.interface.clone());
        self.room().run(move || -> Result<(), OsError> {
            let mut netlink = Netlink::open()?;
            netlink.create_veth(&name, &interface, there.as_fd())?;
            ethtool::offloads_off(&name)?;
            netlink.set_no_arp(&name, true)?;
            netlink.set_up(&name, true)
        })?;
        let interface = cable.interface.clone();
        let brake = self.host(host).run(move || -> Result<Brake, OsError> {
            let mut netlink = Netlink::open()?;
            netlink.set_mac(&interface, mac)?;
            ethtool::offloads_off(&interface)?;
            let brake = Brake::new(&interface)?;
            netlink.set_up(&interface, true)?;
            netlink.add_address(&interface, IpAddr::V4(address), prefix)?;
            let index = netlink.link(&interface)?.index;
            netlink.wait_until_up(index, PATIENCE)?;
            Ok(brake)
        })?;
        if let Some(station) = self.observation.hosts.get_mut(host) {
            station.addresses.push(IpAddr::V4(address));
            station.macs.push(mac);
        }
        let port = self.room().run(move || -> Result<Port, OsError> {
            let mut netlink = Netlink::open()?;
            let index = netlink.link(&here)?.index;
            netlink.wait_until_up(index, PATIENCE)?;
            Port::open(&here, index, host, brake)
        })?;
        Ok(port)
    }

    /// Tells every host the link addresses of the others.
    fn introduce(&self, first: usize, cables: &[Cable]) -> Result<(), LabError> {
        for own in cables {
            for (number, other) in (first..).zip(cables).filter(|(_, other)| other.host != own.host) {
                let (interface, address) = (own.interface.clone(), IpAddr::V4(other.address.0));
                self.host(own.host).run(move || Netlink::open()?.add_neighbour(&interface, address, mac(number)))?;
            }
        }
        Ok(())
    }

    /// One datagram of the host must arrive at the port whole and with a good checksum; it goes no further. A lab that
    /// taught from frames with unfinished checksums would teach wrong things.
    fn check(&self, number: usize, cable: &Cable, cables: &[Cable], port: &Port) -> Result<(), LabError> {
        let Some(other) = cables.iter().find(|other| other.host != cable.host) else { return Ok(()) };
        let (interface, (own, _), (peer, _)) = (cable.interface.clone(), cable.address, other.address);
        let known = self.host(cable.host).run(move || -> Result<bool, OsError> {
            let mut netlink = Netlink::open()?;
            let index = netlink.link(&interface)?.index;
            let known = netlink.neighbour(index, IpAddr::V4(peer))?.is_some();
            if !known {
                netlink.add_neighbour(&interface, IpAddr::V4(peer), Mac([0x02, 0xfc, 0, 0, 0, 0xfe]))?;
            }
            let failed = |error| OsError::from_io("send self-check to", peer, &error);
            let socket = UdpSocket::bind((own, 0)).map_err(failed)?;
            socket.send_to(&[0; SELF_CHECK_BYTES], (peer, DISCARD)).map_err(failed)?;
            Ok(known)
        })?;
        let sound = receive_sound(port)?;
        if !known {
            let interface = cable.interface.clone();
            self.host(cable.host).run(move || Netlink::open()?.delete_neighbour(&interface, IpAddr::V4(peer)))?;
        }
        if sound {
            return Ok(());
        }
        let waited_for = format!("a frame with a good checksum on {}", cable_name(number));
        Err(LabError::Late { waited_for, patience: PATIENCE })
    }
}

/// The discard service, RFC 863: nobody in a lab listens there.
const DISCARD: u16 = 9;
/// Any length that no other frame has at this moment.
const SELF_CHECK_BYTES: usize = 100;

/// Whether the next datagram at the port has a good checksum and is no longer than what was sent.
fn receive_sound(port: &Port) -> Result<bool, LabError> {
    let mut batch = Batch::new(4, 1 << 16);
    let mut layers = Vec::new();
    let deadline = std::time::Instant::now() + PATIENCE;
    while std::time::Instant::now() < deadline {
        port.wait(Duration::from_millis(100))?;
        port.receive(&mut batch)?;
        for frame in batch.frames() {
            dissect(&Origin::ethernet(frame), frame, Silent, &mut layers);
            let udp = layers.iter().find(|layer| layer.header.key() == "udp");
            if let Some(layer) = udp.filter(|_| frame.len() == 14 + 20 + 8 + SELF_CHECK_BYTES) {
                return Ok(layer.checksum == Some(Verdict::Good));
            }
        }
    }
    Ok(false)
}

fn cable_name(number: usize) -> String {
    format!("cable{number}")
}

/// The link address at the far end of cable `number`: locally administered, easy to tell apart.
pub fn mac(number: usize) -> Mac {
    Mac([0x02, 0xfc, 0, 0, 0, (number as u8).wrapping_add(1)])
}
