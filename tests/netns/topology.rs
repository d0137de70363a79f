//! Small networks to test on: hosts joined by veth pairs, addressed from the blocks that RFC 5737 and RFC 3849 set
//! aside for documentation. Every function waits until frames pass.

use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use netlab::bytes::Mac;
use netlab::kernel::namespace::Host;
use netlab::kernel::netlink::Netlink;
use netlab::kernel::sysctl;

/// The interface that every host sends from.
pub const INTERFACE: &str = "eth0";
/// No network here takes longer to come up unless something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Two hosts on one wire, 192.0.2.0/24.
pub struct Pair {
    /// 192.0.2.1, [`Pair::LEFT_MAC`].
    pub left: Host,
    /// 192.0.2.2, [`Pair::RIGHT_MAC`].
    pub right: Host,
}

impl Pair {
    pub const LEFT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    pub const RIGHT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
    pub const LEFT_MAC: Mac = Mac([0x02, 0xfc, 0, 0, 0, 1]);
    pub const RIGHT_MAC: Mac = Mac([0x02, 0xfc, 0, 0, 0, 2]);
}

/// Two hosts on one wire, without IPv6: nothing is sent that a test does not send.
pub fn pair() -> Pair {
    join_pair(false)
}

/// Two hosts on one wire, with `2001:db8::1/64` and `2001:db8::2/64` and link-local addresses beside the IPv4 ones, all
/// usable at once.
pub fn pair_with_ipv6() -> Pair {
    let pair = join_pair(true);
    for (host, addresses) in [
        (&pair.left, ["fe80::fc:ff:fe00:1/64", "2001:db8::1/64"]),
        (&pair.right, ["fe80::fc:ff:fe00:2/64", "2001:db8::2/64"]),
    ] {
        for address in addresses {
            add_address(host, INTERFACE, address);
        }
    }
    pair
}

fn join_pair(ipv6: bool) -> Pair {
    let pair = Pair { left: host("left", ipv6), right: host("right", ipv6) };
    join((&pair.left, INTERFACE, Pair::LEFT_MAC), (&pair.right, INTERFACE, Pair::RIGHT_MAC));
    add_address(&pair.left, INTERFACE, "192.0.2.1/24");
    add_address(&pair.right, INTERFACE, "192.0.2.2/24");
    pair
}

/// Two networks and a router between them. Both hosts have the router as their default gateway.
pub struct Routed {
    /// 192.0.2.1/24 on `eth0`.
    pub left: Host,
    /// 192.0.2.254/24 on `left` and 198.51.100.254/24 on `right`.
    pub router: Host,
    /// 198.51.100.1/24 on `eth0`.
    pub right: Host,
}

impl Routed {
    pub const LEFT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    pub const LEFT_GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);
    pub const RIGHT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
    pub const RIGHT_GATEWAY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 254);
    pub const LEFT_GATEWAY_MAC: Mac = Mac([0x02, 0xfc, 0, 0, 0, 0x1f]);
}

/// Two networks and a router between them, without IPv6.
pub fn routed() -> Routed {
    let network = Routed { left: host("left", false), router: host("router", false), right: host("right", false) };
    let mac = |last| Mac([0x02, 0xfc, 0, 0, 0, last]);
    join((&network.left, INTERFACE, mac(1)), (&network.router, "left", Routed::LEFT_GATEWAY_MAC));
    join((&network.right, INTERFACE, mac(2)), (&network.router, "right", mac(0x2f)));
    add_address(&network.left, INTERFACE, "192.0.2.1/24");
    add_address(&network.router, "left", "192.0.2.254/24");
    add_address(&network.router, "right", "198.51.100.254/24");
    add_address(&network.right, INTERFACE, "198.51.100.1/24");
    network.router.run(|| sysctl::write("net.ipv4.ip_forward", "1").unwrap());
    for (host, gateway) in [(&network.left, Routed::LEFT_GATEWAY), (&network.right, Routed::RIGHT_GATEWAY)] {
        host.run(move || {
            let any = Ipv4Addr::UNSPECIFIED.into();
            Netlink::open().unwrap().add_route(any, 0, Some(gateway.into()), None).unwrap();
        });
    }
    network
}

/// Several hosts on one switch.
pub struct Switched {
    /// The hosts in the order of their addresses; the n-th has the MAC [`Switched::mac`]`(n)` on `eth0`.
    pub hosts: Vec<Host>,
    /// The host whose bridge `switch` joins them; its ports are `port0`, `port1`, ….
    pub switch: Host,
}

impl Switched {
    pub fn mac(number: usize) -> Mac {
        Mac([0x02, 0xfc, 0, 0, 1, u8::try_from(number).unwrap()])
    }
}

/// One host for each of `addresses` (such as `192.0.2.1/24`), all on one switch, without IPv6.
pub fn switched(addresses: &[&'static str]) -> Switched {
    let switch = host("switch", false);
    switch.run(|| {
        let mut netlink = Netlink::open().unwrap();
        netlink.create_bridge("switch").unwrap();
        netlink.set_up("switch", true).unwrap();
    });
    let mut hosts = Vec::new();
    for (number, address) in addresses.iter().enumerate() {
        let port = format!("port{number}");
        let station = host(&format!("host{number}"), false);
        let port_mac = Mac([0x02, 0xfc, 0, 0, 2, u8::try_from(number).unwrap()]);
        join((&station, INTERFACE, Switched::mac(number)), (&switch, &port, port_mac));
        switch.run(move || Netlink::open().unwrap().enslave(&port, "switch").unwrap());
        add_address(&station, INTERFACE, address);
        hosts.push(station);
    }
    Switched { hosts, switch }
}

/// A host whose loopback is on.
pub fn host(name: &str, ipv6: bool) -> Host {
    let host = Host::new(name).unwrap();
    host.run(move || {
        // The kernel gives link-local addresses a while after an interface came up: the test gives them itself. And
        // duplicate address detection would keep addresses from use for a second, but nobody else is here.
        let settings =
            [("disable_ipv6", u8::from(!ipv6)), ("accept_dad", 0), ("router_solicitations", 0), ("addr_gen_mode", 1)];
        for (setting, value) in settings {
            for which in ["all", "default"] {
                sysctl::write(&format!("net.ipv6.conf.{which}.{setting}"), &value.to_string()).unwrap();
            }
        }
        Netlink::open().unwrap().set_up("lo", true).unwrap();
    });
    host
}

/// Joins two hosts by a wire and waits until frames pass both ways.
pub fn join(one: (&Host, &str, Mac), other: (&Host, &str, Mac)) {
    let there: OwnedFd = other.0.namespace().try_clone_to_owned().unwrap();
    let (here_name, there_name) = (one.1.to_owned(), other.1.to_owned());
    one.0.run(move || Netlink::open().unwrap().create_veth(&here_name, &there_name, there.as_fd()).unwrap());
    for (host, name, mac) in [one, other] {
        let name = name.to_owned();
        host.run(move || {
            let mut netlink = Netlink::open().unwrap();
            netlink.set_mac(&name, mac).unwrap();
            netlink.set_up(&name, true).unwrap();
        });
    }
    for (host, name, _) in [one, other] {
        let name = name.to_owned();
        host.run(move || {
            let mut netlink = Netlink::open().unwrap();
            let index = netlink.link(&name).unwrap().index;
            netlink.wait_until_up(index, PATIENCE).unwrap();
        });
    }
}

/// Gives an interface of a host an address such as `192.0.2.1/24`.
pub fn add_address(host: &Host, interface: &str, address: &str) {
    let (address, prefix) = address.split_once('/').unwrap();
    let (address, prefix): (IpAddr, u8) = (address.parse().unwrap(), prefix.parse().unwrap());
    let interface = interface.to_owned();
    host.run(move || {
        let mut netlink = Netlink::open().unwrap();
        netlink.add_address(&interface, address, prefix).unwrap();
        netlink.wait_until_own(address, PATIENCE).unwrap();
    });
}
