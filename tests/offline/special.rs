//! The address registries, row by row, against the registries' own tables in tests/offline/registry (state of
//! 2025-10-09, without the columns for people).

use netlab::internet::special::{self, Purpose};
use netlab::internet::subnet::{Address, Prefix, notation};

/// A row of [`special`] as the registry writes it.
fn csv(row: &Purpose) -> String {
    let column = |value: Option<bool>| match (value, row.terminated) {
        (Some(true), _) => "True",
        (Some(false), _) => "False",
        (None, Some(_)) => "",
        (None, None) => "N/A",
    };
    [
        &row.block.to_string(),
        row.name,
        row.allocated.unwrap(),
        row.terminated.unwrap_or("N/A"),
        column(row.source),
        column(row.destination),
        column(row.forwardable),
        column(row.globally_reachable),
        column(row.reserved_by_protocol),
    ]
    .join(",")
}

/// A line of the registry with its block as netlab writes it: `::ffff:0:0/96` is `::ffff:0.0.0.0/96` (RFC 5952).
fn canonical(line: &str) -> String {
    let (block, rest) = line.split_once(',').unwrap();
    format!("{},{rest}", notation::prefix(block).unwrap())
}

#[test]
fn every_row_of_both_registries_is_here_and_no_other() {
    for (registry, rows) in [
        (include_str!("registry/ipv4-special.csv"), special::IPV4.as_slice()),
        (include_str!("registry/ipv6-special.csv"), special::IPV6.as_slice()),
    ] {
        let ours: Vec<String> = rows.iter().map(csv).collect();
        let theirs: Vec<String> = registry.lines().skip(1).map(canonical).collect();
        assert_eq!(ours, theirs);
        assert!(rows.iter().all(|row| row.special && row.reference.starts_with("RFC ")));
    }
}

#[test]
fn every_row_is_found_by_an_address_that_no_more_specific_row_has() {
    let rows = special::IPV4.iter().chain(&special::IPV6).chain(&special::ORDINARY);
    for row in rows.clone() {
        let inside = |address: &Address| {
            rows.clone().all(|other| other.block.length() <= row.block.length() || !other.block.contains(*address))
        };
        let ends = [row.block.last(), row.block.network()];
        let parts = row.block.split((row.block.length() + 4).min(row.block.family().bits()));
        let address = ends.into_iter().chain(parts.map(Prefix::network)).find(inside).unwrap();
        assert_eq!(special::purpose(address), row, "{address}");
    }
}

#[test]
fn the_addresses_that_others_got_wrong_are_right() {
    for (address, name) in [
        ("100.64.0.1", "Shared Address Space"),
        ("192.0.0.9", "Port Control Protocol Anycast"),
        ("192.0.0.100", "IETF Protocol Assignments"),
        ("224.0.0.251", "Multicast, local network control (never forwarded)"),
        ("239.1.2.3", "Multicast, administratively scoped"),
        ("241.0.0.1", "Reserved"),
        ("255.255.255.255", "Limited Broadcast"),
        ("8.8.8.8", "Global unicast (public)"),
        ("2606:4700::1", "Global unicast (public)"),
        ("4000::1", "Reserved by IETF"),
        ("ff02::1:ff00:1", "Multicast, solicited-node"),
        ("fec0::1", "Site-local unicast (deprecated)"),
        ("64:ff9b:1::1", "IPv4-IPv6 Translat."),
    ] {
        assert_eq!(special::purpose(notation::address(address).unwrap()).name, name, "{address}");
    }
}
