//! `netlab interfaces`, on networks made for it.

use netlab::kernel::namespace::Host;
use netlab::kernel::netlink::{Netlink, OperState};
use serde_json::Value;

use crate::json_keys::assert_documented;
use crate::topology::{self, INTERFACE, Pair};

crate::tests![
    the_table_shows_every_interface_with_state_address_and_scope,
    one_interface_is_shown_in_full,
    a_bridge_port_names_its_bridge_and_a_silent_peer_is_no_carrier,
    an_odd_name_is_shown_and_found_and_cannot_touch_the_terminal,
    every_json_key_is_documented_and_addresses_are_data,
    the_default_gateway_is_shown_where_it_leads,
    an_unknown_interface_is_an_error_that_lists_the_known_ones,
    a_lost_frame_is_counted_as_lost,
    another_namespace_is_seen_when_started_in_it,
];

/// Runs `netlab interfaces` on a host and returns its exit status, standard output and standard error.
fn interfaces(host: &Host, arguments: &[&'static str]) -> (Option<i32>, String, String) {
    let arguments = arguments.to_vec();
    host.run(move || {
        let output = crate::netlab().arg("interfaces").args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    })
}

fn json(host: &Host, arguments: &[&'static str]) -> Value {
    let arguments = [&["--json"], arguments].concat();
    let (status, out, _) = interfaces(host, &arguments);
    assert_eq!(status, Some(0));
    serde_json::from_str(&out).unwrap()
}

fn the_table_shows_every_interface_with_state_address_and_scope() {
    let pair = topology::pair();
    let (status, out, _) = interfaces(&pair.left, &[]);
    assert_eq!(status, Some(0));
    let row = |name: &str| out.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{out}"));
    for part in ["veth", "up", "1500", "02:fc:00:00:00:01", "192.0.2.1/24 global"] {
        assert!(row("eth0").contains(part), "{part}: {out}");
    }
    for part in ["loopback", "up", "65536", "127.0.0.1/8 host"] {
        assert!(row("lo").contains(part), "{part}: {out}");
    }
}

fn one_interface_is_shown_in_full() {
    let pair = topology::pair();
    let index = pair.left.run(|| Netlink::open().unwrap().link(INTERFACE).unwrap().index);
    let (_, by_name, _) = interfaces(&pair.left, &[INTERFACE]);
    let by_number = pair.left.run(move || crate::netlab().arg("interfaces").arg(index.to_string()).output().unwrap());
    for text in [&by_name, &String::from_utf8(by_number.stdout).unwrap()] {
        assert!(text.contains("MAC bits  02 = 0000 0010: bit 0x02 set: given locally; bit 0x01 clear: one station"));
        assert!(text.contains("192.0.2.1/24  global, broadcast 192.0.2.255"), "{text}");
        assert!(text.contains("in another namespace"), "{text}");
        assert!(text.contains("dropped"), "{text}");
        assert!(!text.contains("127.0.0.1"), "{text}");
    }
}

fn a_bridge_port_names_its_bridge_and_a_silent_peer_is_no_carrier() {
    let network = topology::switched(&["192.0.2.1/24"]);
    network.hosts[0].run(|| Netlink::open().unwrap().set_up(INTERFACE, false).unwrap());
    network.switch.run(|| {
        let mut netlink = Netlink::open().unwrap();
        let port = netlink.link("port0").unwrap().index;
        netlink.wait_for_state(port, topology::PATIENCE, |state| state != OperState::Up).unwrap();
    });
    let port = &json(&network.switch, &["port0"])["interfaces"][0];
    assert_eq!((&port["master"], &port["condition"]), (&"switch".into(), &"no_carrier".into()));
    let off = &json(&network.hosts[0], &[INTERFACE])["interfaces"][0];
    assert_eq!(off["condition"], "switched_off");
    let (_, out, _) = interfaces(&network.switch, &[]);
    assert!(out.contains("port of switch") && out.contains("no carrier"), "{out}");
}

fn an_odd_name_is_shown_and_found_and_cannot_touch_the_terminal() {
    let pair = topology::pair();
    pair.left.run(|| {
        let mut netlink = Netlink::open().unwrap();
        netlink.set_up(INTERFACE, false).unwrap();
        netlink.rename(INTERFACE, "\x1b[31mäöü").unwrap();
        netlink.create_bridge("-").unwrap();
    });
    let (status, out, _) = interfaces(&pair.left, &[]);
    assert_eq!(status, Some(0));
    assert!(out.contains("\\x1b[31mäöü") && !out.contains('\x1b'), "{out}");
    for name in ["\x1b[31mäöü", "\\x1b[31mäöü"] {
        let (status, out, _) = interfaces(&pair.left, &[name]);
        assert_eq!(status, Some(0), "{name:?}");
        assert!(out.contains("\\x1b[31mäöü  veth, off") && !out.contains('\x1b'), "{out}");
    }
    let (_, _, error) = interfaces(&pair.left, &["nothing"]);
    assert!(error.contains("\\x1b[31mäöü") && !error.contains('\x1b'), "{error}");
    assert_eq!(json(&pair.left, &[])["interfaces"][1]["name"], "\x1b[31mäöü");
}

fn every_json_key_is_documented_and_addresses_are_data() {
    let pair = topology::pair_with_ipv6();
    let printed = json(&pair.left, &[]);
    assert_documented("interfaces", &printed);
    let eth0 = &printed["interfaces"][1];
    assert_eq!(eth0["mac"]["address"], Pair::LEFT_MAC.to_string());
    assert_eq!(eth0["mac"]["origin"], "local");
    let addresses: Vec<_> =
        eth0["addresses"].as_array().unwrap().iter().map(|a| (&a["address"], &a["scope"])).collect();
    assert!(addresses.contains(&(&"192.0.2.1".into(), &"global".into())), "{addresses:?}");
    assert!(addresses.contains(&(&"fe80::fc:ff:fe00:1".into(), &"link".into())), "{addresses:?}");
    assert!(eth0["counters"]["tx_packets"].is_u64());
}

fn the_default_gateway_is_shown_where_it_leads() {
    let network = topology::routed();
    let printed = json(&network.left, &[]);
    assert_eq!(printed["interfaces"][0]["gateways"].as_array().unwrap().len(), 0);
    assert_eq!(printed["interfaces"][1]["gateways"][0], "192.0.2.254");
    assert!(interfaces(&network.left, &[]).1.contains("default via 192.0.2.254"));
}

fn an_unknown_interface_is_an_error_that_lists_the_known_ones() {
    let pair = topology::pair();
    let (status, out, error) = interfaces(&pair.left, &["eth7"]);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    assert_eq!(error, "netlab: find interface eth7: no such device (ENODEV)\nhint: there are: lo, eth0\n");
}

fn a_lost_frame_is_counted_as_lost() {
    let pair = topology::pair();
    // A frame larger than the other end takes is dropped by the veth that sends it.
    pair.left.run(|| Netlink::open().unwrap().set_mtu(INTERFACE, 4000).unwrap());
    pair.left.run(|| {
        let mut netlink = Netlink::open().unwrap();
        netlink.add_neighbour(INTERFACE, Pair::RIGHT.into(), Pair::RIGHT_MAC).unwrap();
        netlab::kernel::ethtool::offloads_off(INTERFACE).unwrap();
        let socket = std::net::UdpSocket::bind("192.0.2.1:0").unwrap();
        socket.send_to(&[0; 3000], "192.0.2.2:9").unwrap();
    });
    let eth0 = &json(&pair.left, &[INTERFACE])["interfaces"][0];
    assert_eq!(eth0["counters"]["tx_dropped"], 1, "{eth0}");
    assert!(interfaces(&pair.left, &[]).1.contains("1 out dropped"));
}

fn another_namespace_is_seen_when_started_in_it() {
    let pair = topology::pair();
    let right = json(&pair.right, &[INTERFACE]);
    assert_eq!(right["interfaces"][0]["mac"]["address"], Pair::RIGHT_MAC.to_string());
}
