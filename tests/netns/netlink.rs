//! What the kernel is asked and told over netlink, on real namespaces.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use netlab::bytes::Mac;
use netlab::kernel::netlink::{AddressFlags, Events, Group, NeighbourState, Netlink, OperState, RouteKind, Scope};
use netlab::kernel::{ethtool, sysctl};
use nix::errno::Errno;

use crate::topology::{self, INTERFACE, PATIENCE, Pair, Routed};

crate::tests![
    a_pair_of_hosts_can_talk,
    a_link_tells_its_kind_state_address_and_peer,
    an_address_tells_its_prefix_and_scope,
    a_refusal_names_the_operation_the_object_and_the_kernels_reason,
    a_missing_interface_is_answered_with_those_that_exist,
    a_router_passes_datagrams_between_two_networks,
    a_route_decision_names_the_gateway_the_source_and_the_route,
    refusing_routes_and_no_route_are_decisions_too,
    the_own_address_and_the_broadcast_address_are_recognised,
    a_neighbour_is_known_after_talking_and_can_be_set_and_forgotten,
    changes_are_announced,
    an_interface_counts_what_went_through,
    settings_belong_to_the_namespace_of_the_thread,
    offloads_can_be_switched_off,
    a_host_on_a_switch_reaches_another,
    ipv6_addresses_are_usable_at_once,
];

/// Sends a datagram from one host to another and waits for it.
fn talk(from: &netlab::kernel::namespace::Host, to: &netlab::kernel::namespace::Host, address: IpAddr) {
    let receiver = to.run(move || UdpSocket::bind((address, 0)).unwrap());
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let target = receiver.local_addr().unwrap();
    from.run(move || {
        let any: IpAddr = if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { "::".parse().unwrap() };
        UdpSocket::bind((any, 0)).unwrap().send_to(b"hello", target).unwrap();
    });
    let mut buffer = [0; 16];
    let (length, _) = receiver.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"hello");
}

fn a_pair_of_hosts_can_talk() {
    let pair = topology::pair();
    talk(&pair.left, &pair.right, Pair::RIGHT.into());
    talk(&pair.right, &pair.left, Pair::LEFT.into());
}

fn a_link_tells_its_kind_state_address_and_peer() {
    let pair = topology::pair();
    let links = pair.left.run(|| Netlink::open().unwrap().links().unwrap());
    let [lo, eth0] = links.as_slice() else { panic!("{links:?}") };
    assert_eq!((lo.name.as_str(), lo.hardware, lo.state, lo.mtu), ("lo", 772, OperState::Unknown, 65536));
    assert_eq!((eth0.name.as_str(), eth0.kind.as_deref(), eth0.state), ("eth0", Some("veth"), OperState::Up));
    assert_eq!((eth0.mac(), eth0.mtu), (Some(Pair::LEFT_MAC), 1500));
    assert_eq!(eth0.broadcast, Mac::BROADCAST.0);
    assert!(eth0.flags.names().any(|name| name == "carrier"));
    let peer = pair.right.run(|| Netlink::open().unwrap().link(INTERFACE).unwrap());
    assert_eq!(eth0.peer, Some(peer.index));
    assert!(eth0.peer_namespace.is_some());
}

fn an_address_tells_its_prefix_and_scope() {
    let pair = topology::pair();
    let addresses = pair.left.run(|| Netlink::open().unwrap().addresses().unwrap());
    let own = addresses.iter().find(|a| a.address == IpAddr::from(Pair::LEFT)).unwrap();
    assert_eq!((own.prefix, own.scope), (24, Scope::Global));
    assert_eq!(own.broadcast, Some(Ipv4Addr::new(192, 0, 2, 255)));
    let loopback = addresses.iter().find(|a| a.address == IpAddr::from(Ipv4Addr::LOCALHOST)).unwrap();
    assert_eq!((loopback.prefix, loopback.scope), (8, Scope::Host));
}

fn a_refusal_names_the_operation_the_object_and_the_kernels_reason() {
    let pair = topology::pair();
    let error = pair.left.run(|| {
        let far = Ipv4Addr::new(203, 0, 113, 1).into();
        Netlink::open().unwrap().add_route(Ipv4Addr::UNSPECIFIED.into(), 0, Some(far), None).unwrap_err()
    });
    let text = error.to_string();
    assert!(text.starts_with("add route 0.0.0.0/0: network is unreachable (ENETUNREACH)"), "{text}");
    assert!(text.contains("hint: the kernel says: Nexthop has invalid gateway"), "{text}");
}

fn a_missing_interface_is_answered_with_those_that_exist() {
    let pair = topology::pair();
    let error = pair.left.run(|| Netlink::open().unwrap().set_up("eth7", true).unwrap_err());
    assert_eq!(error.to_string(), "find interface eth7: no such device (ENODEV)\nhint: there are: lo, eth0");
}

fn a_router_passes_datagrams_between_two_networks() {
    let network = topology::routed();
    talk(&network.left, &network.right, Routed::RIGHT.into());
    talk(&network.right, &network.left, Routed::LEFT.into());
}

fn a_route_decision_names_the_gateway_the_source_and_the_route() {
    let network = topology::routed();
    network.left.run(|| {
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link(INTERFACE).unwrap().index;
        let far = netlink.decide(Routed::RIGHT.into(), None).unwrap();
        assert_eq!((far.kind, far.interface, far.table), (RouteKind::Unicast, Some(index), 254));
        assert_eq!(far.gateway, Some(Routed::LEFT_GATEWAY.into()));
        assert_eq!(far.source, Some(Routed::LEFT.into()));
        assert_eq!(far.matched, Some((Ipv4Addr::UNSPECIFIED.into(), 0)));
        let near = netlink.decide(Ipv4Addr::new(192, 0, 2, 77).into(), None).unwrap();
        assert_eq!((near.gateway, near.matched), (None, Some((Ipv4Addr::new(192, 0, 2, 0).into(), 24))));
    });
}

fn refusing_routes_and_no_route_are_decisions_too() {
    let pair = topology::pair();
    pair.left.run(|| {
        let mut netlink = Netlink::open().unwrap();
        let kinds = [RouteKind::Blackhole, RouteKind::Unreachable, RouteKind::Prohibit];
        for (third, kind) in (1..).zip(kinds) {
            let network = Ipv4Addr::new(198, 18, third, 0);
            netlink.add_refusing_route(network.into(), 24, kind).unwrap();
            let target = Ipv4Addr::new(198, 18, third, 9);
            assert_eq!(netlink.decide(target.into(), None).unwrap().kind, kind);
        }
        assert_eq!(netlink.decide(Ipv4Addr::new(203, 0, 113, 1).into(), None).unwrap().kind, RouteKind::None);
    });
}

fn the_own_address_and_the_broadcast_address_are_recognised() {
    let pair = topology::pair();
    pair.left.run(|| {
        let mut netlink = Netlink::open().unwrap();
        let own = netlink.decide(Pair::LEFT.into(), None).unwrap();
        assert_eq!(own.kind, RouteKind::Local);
        let everybody = netlink.decide(Ipv4Addr::new(192, 0, 2, 255).into(), None).unwrap();
        assert_eq!(everybody.kind, RouteKind::Broadcast);
    });
}

fn a_neighbour_is_known_after_talking_and_can_be_set_and_forgotten() {
    let pair = topology::pair();
    talk(&pair.left, &pair.right, Pair::RIGHT.into());
    pair.left.run(|| {
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link(INTERFACE).unwrap().index;
        let known = netlink.neighbour(index, Pair::RIGHT.into()).unwrap().unwrap();
        assert_eq!((known.mac(), known.state), (Some(Pair::RIGHT_MAC), NeighbourState::Reachable));
        assert!(netlink.neighbours().unwrap().contains(&known));
        let set = Mac([2, 0, 0, 0, 0, 9]);
        netlink.add_neighbour(INTERFACE, Pair::RIGHT.into(), set).unwrap();
        let known = netlink.neighbour(index, Pair::RIGHT.into()).unwrap().unwrap();
        assert_eq!((known.mac(), known.state), (Some(set), NeighbourState::Permanent));
        assert_eq!(netlink.neighbour(index, Ipv4Addr::new(192, 0, 2, 99).into()).unwrap(), None);
    });
}

fn changes_are_announced() {
    let pair = topology::pair();
    pair.left.run(|| {
        let mut events = Events::subscribe(Group::Neighbour).unwrap();
        let mut netlink = Netlink::open().unwrap();
        netlink.add_neighbour(INTERFACE, Ipv4Addr::new(192, 0, 2, 50).into(), Mac([2, 0, 0, 0, 0, 5])).unwrap();
        assert!(events.wait(PATIENCE).unwrap());
    });
}

fn an_interface_counts_what_went_through() {
    let pair = topology::pair();
    let count = |host: &netlab::kernel::namespace::Host| {
        host.run(|| Netlink::open().unwrap().link(INTERFACE).unwrap().counters)
    };
    let before = count(&pair.left);
    talk(&pair.left, &pair.right, Pair::RIGHT.into());
    let after = count(&pair.left);
    assert!(after.tx_packets >= before.tx_packets + 2, "the question and the datagram: {after:?}");
    assert!(after.rx_packets > before.rx_packets, "the answer: {after:?}");
    assert!(after.tx_bytes > before.tx_bytes);
}

fn settings_belong_to_the_namespace_of_the_thread() {
    const NAME: &str = "net.ipv4.tcp_fin_timeout";
    let pair = topology::pair();
    pair.left.run(|| sysctl::write(NAME, "7").unwrap());
    assert_eq!(pair.left.run(|| sysctl::read(NAME).unwrap()), "7");
    assert_ne!(pair.right.run(|| sysctl::read(NAME).unwrap()), "7");
    let error = pair.left.run(|| sysctl::write(NAME, "many").unwrap_err());
    assert_eq!(error.errno, Errno::EINVAL);
}

fn offloads_can_be_switched_off() {
    let pair = topology::pair();
    pair.left.run(|| ethtool::offloads_off(INTERFACE).unwrap());
    assert_eq!(pair.left.run(|| ethtool::offloads_off("eth7").unwrap_err()).errno, Errno::ENODEV);
}

fn a_host_on_a_switch_reaches_another() {
    let network = topology::switched(&["192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24"]);
    talk(&network.hosts[0], &network.hosts[2], Ipv4Addr::new(192, 0, 2, 3).into());
    let port = network.switch.run(|| Netlink::open().unwrap().link("port1").unwrap());
    let bridge = network.switch.run(|| Netlink::open().unwrap().link("switch").unwrap());
    assert_eq!((port.master, bridge.kind.as_deref()), (Some(bridge.index), Some("bridge")));
}

fn ipv6_addresses_are_usable_at_once() {
    let pair = topology::pair_with_ipv6();
    talk(&pair.left, &pair.right, "2001:db8::2".parse().unwrap());
    let addresses = pair.left.run(|| Netlink::open().unwrap().addresses().unwrap());
    assert!(addresses.iter().any(|a| a.scope == Scope::Link && a.address.is_ipv6()), "{addresses:?}");
    assert!(!addresses.iter().any(|a| a.flags.has(AddressFlags::TENTATIVE)), "{addresses:?}");
}
