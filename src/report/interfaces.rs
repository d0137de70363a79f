//! Interfaces as a table, or one interface in full.

use std::io::{self, Write};

use super::Palette;
use super::palette::Ink;
use super::quantity::{Bytes, Count};
use super::table::{Cell, Column, Table};
use crate::bytes::Escaped;
use crate::kernel::netlink::{AddressFlags, Counters};
use crate::link::interface::{Condition, Interface, InterfaceAddress};
use crate::link::station::{Origin, Reach, Station};

/// Writes all interfaces: a table where it fits, otherwise each in full.
///
/// # Errors
/// What the writer refused.
pub fn list(
    out: &mut (impl Write + ?Sized),
    interfaces: &[Interface],
    palette: Palette,
    width: Option<u16>,
) -> io::Result<()> {
    let table = overview(interfaces);
    if width.is_none_or(|width| table.natural_width() <= usize::from(width)) {
        return table.write(out, palette, width);
    }
    for (at, interface) in interfaces.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        block(out, interface, palette)?;
    }
    Ok(())
}

fn overview(interfaces: &[Interface]) -> Table {
    let mut table = Table::new([
        Column::right("#"),
        Column::left("NAME"),
        Column::left("KIND"),
        Column::left("STATE"),
        Column::right("MTU"),
        Column::left("MAC"),
        Column::left("ADDRESSES"),
        Column::right("IN"),
        Column::right("OUT"),
        Column::left("LOST"),
    ]);
    for interface in interfaces {
        let counters = &interface.counters;
        table.row([
            Cell::ink(Ink::Faint, interface.index),
            Cell::ink(Ink::Strong, &interface.name),
            kind_cell(interface),
            condition_cell(interface.condition),
            Cell::new(interface.mtu_bytes),
            interface.mac.map_or_else(Cell::default, mac_cell),
            addresses_cell(interface),
            traffic_cell(counters.rx_bytes, counters.rx_packets),
            traffic_cell(counters.tx_bytes, counters.tx_packets),
            lost_cell(counters),
        ]);
    }
    table
}

fn kind_cell(interface: &Interface) -> Cell {
    let cell = Cell::new(&interface.kind);
    match &interface.master {
        Some(master) => cell.line().and(Ink::Faint, format_args!("port of {master}")),
        None => cell,
    }
}

fn condition(condition: Condition) -> (Ink, &'static str) {
    match condition {
        Condition::Up => (Ink::Good, "up"),
        Condition::SwitchedOff => (Ink::Faint, "off"),
        Condition::NoCarrier => (Ink::Bad, "no carrier"),
        Condition::Waiting => (Ink::Warn, "waiting"),
    }
}

fn condition_cell(state: Condition) -> Cell {
    let (ink, text) = condition(state);
    Cell::ink(ink, text)
}

fn mac_cell(station: Station) -> Cell {
    Cell::ink(Ink::Link, station.address).line().and(Ink::Faint, owner(station))
}

/// Whose address it is, in a few words.
pub(super) fn owner(station: Station) -> String {
    let origin = match station.origin {
        Origin::Universal => station.vendor.unwrap_or("unknown vendor").to_owned(),
        // A few blocks with the local bit set were sold before the bit had its meaning.
        Origin::Local => station.vendor.map_or_else(|| "local".to_owned(), |vendor| format!("local or {vendor}")),
    };
    match station.usage {
        Some(usage) => format!("{origin}, {usage}"),
        None => origin,
    }
}

fn addresses_cell(interface: &Interface) -> Cell {
    let cell = interface.addresses.iter().fold(Cell::default(), |cell, address| {
        let (scope, troubles) = remarks(address);
        let cell =
            cell.line().and(Ink::Internet, address.address).and(Ink::Faint, format_args!("/{}", address.prefix_bits));
        let cell = cell.plain(" ").and(Ink::Faint, scope);
        troubles.iter().fold(cell, |cell, trouble| cell.plain(" ").and(Ink::Warn, trouble))
    });
    interface.gateways.iter().fold(cell, |cell, gateway| cell.line().and(Ink::Faint, "default via ").plain(gateway))
}

/// The scope of an address, and what about it should be looked at.
fn remarks(address: &InterfaceAddress) -> (String, Vec<&'static str>) {
    const TROUBLES: [&str; 4] = ["duplicate", "tentative", "deprecated", "optimistic"];
    let scope = format!("{:?}", address.scope).to_ascii_lowercase();
    (scope, address.flags.names().filter(|name| TROUBLES.contains(name)).collect())
}

fn traffic_cell(bytes: u64, packets: u64) -> Cell {
    match packets {
        0 => Cell::ink(Ink::Faint, "0"),
        _ => Cell::new(Bytes(bytes)).line().and(Ink::Faint, format_args!("{} packets", Count(packets))),
    }
}

fn lost_cell(counters: &Counters) -> Cell {
    let parts = [
        (counters.rx_dropped, "in dropped"),
        (counters.rx_errors, "in damaged"),
        (counters.rx_missed, "in missed"),
        (counters.tx_dropped, "out dropped"),
        (counters.tx_errors, "out failed"),
    ];
    let lost = parts.iter().filter(|(count, _)| *count > 0);
    let cell = lost.fold(Cell::default(), |cell, (count, what)| {
        cell.line().and(Ink::Warn, Count(*count)).and(Ink::Faint, format_args!(" {what}"))
    });
    if cell.is_empty() { Cell::ink(Ink::Faint, "0") } else { cell }
}

/// Writes one interface in full.
///
/// # Errors
/// What the writer refused.
pub fn detail(out: &mut (impl Write + ?Sized), interface: &Interface, palette: Palette) -> io::Result<()> {
    block(out, interface, palette)?;
    let mut line = |label: &str, value: &dyn std::fmt::Display| row(out, palette, label, value);
    if let Some(station) = interface.mac {
        line("MAC bits", &first_byte(station))?;
    }
    line("flags", &interface.flags)?;
    if let Some(queue) = &interface.queue {
        line("queue", &format_args!("{}, up to {} packets", safe(queue), interface.queue_length_packets))?;
    }
    if let Some(device) = &interface.device {
        line("device", &safe(device))?;
    }
    if interface.carrier_changes > 0 {
        line("carrier", &carrier(interface.carrier_changes.into()))?;
    }
    writeln!(out)?;
    counters(&interface.counters).write(out, palette, None)
}

fn safe(text: &str) -> Escaped<'_> {
    Escaped(text.as_bytes())
}

fn row(
    out: &mut (impl Write + ?Sized),
    palette: Palette,
    label: &str,
    value: &dyn std::fmt::Display,
) -> io::Result<()> {
    writeln!(out, "  {} {value}", palette.paint(Ink::Faint, format_args!("{label:<9}")))
}

fn block(out: &mut (impl Write + ?Sized), interface: &Interface, palette: Palette) -> io::Result<()> {
    let (ink, state) = condition(interface.condition);
    writeln!(
        out,
        "{}  {}, {}",
        palette.paint(Ink::Strong, safe(&interface.name)),
        safe(&interface.kind),
        palette.paint(ink, state)
    )?;
    let mut line = |label: &str, value: &dyn std::fmt::Display| row(out, palette, label, value);
    line("index", &interface.index)?;
    if let Some(alias) = &interface.alias {
        line("alias", &safe(alias))?;
    }
    if let Some(master) = &interface.master {
        line("port of", &safe(master))?;
    }
    line("MTU", &format_args!("{} bytes", interface.mtu_bytes))?;
    for (label, station) in [("MAC", interface.mac), ("burnt in", interface.permanent_mac)] {
        let Some(station) = station else { continue };
        line(label, &format_args!("{}  {}", palette.paint(Ink::Link, station.address), owner(station)))?;
    }
    for address in &interface.addresses {
        line("address", &address_line(address, palette))?;
    }
    for gateway in &interface.gateways {
        line("gateway", &format_args!("{gateway}  {}", palette.paint(Ink::Faint, "default route")))?;
    }
    if let Some(peer) = &interface.peer {
        let place =
            peer.namespace.map_or_else(String::new, |number| format!(" in another namespace (number {number})"));
        let name = peer.name.as_deref().map_or_else(String::new, |name| format!(", {}", safe(name)));
        line("peer", &format_args!("interface {}{name}{place}", peer.index))?;
    }
    let Counters { rx_bytes, rx_packets, tx_bytes, tx_packets, .. } = interface.counters;
    line("in", &format_args!("{} in {} packets", Bytes(rx_bytes), Count(rx_packets)))?;
    line("out", &format_args!("{} in {} packets", Bytes(tx_bytes), Count(tx_packets)))?;
    let lost = total_lost(&interface.counters);
    let ink = if lost > 0 { Ink::Warn } else { Ink::Faint };
    line("lost", &palette.paint(ink, Count(lost)))
}

fn total_lost(counters: &Counters) -> u64 {
    let lost = [counters.rx_dropped, counters.rx_errors, counters.rx_missed, counters.tx_dropped, counters.tx_errors];
    lost.iter().fold(0, |sum: u64, count| sum.saturating_add(*count))
}

/// The two bits of the first byte that have a meaning.
fn first_byte(station: Station) -> String {
    let first = station.address.0[0];
    let origin = match station.origin {
        Origin::Universal => "bit 0x02 clear: given by the maker",
        Origin::Local => "bit 0x02 set: given locally",
    };
    let reach = match station.reach {
        Reach::Unicast => "bit 0x01 clear: one station",
        Reach::Multicast => "bit 0x01 set: a group",
        Reach::Broadcast => "every bit set: every station",
    };
    format!("{first:02x} = {:04b} {:04b}: {origin}; {reach}", first >> 4, first & 15)
}

fn address_line(address: &InterfaceAddress, palette: Palette) -> String {
    let (scope, troubles) = remarks(address);
    let mut text = format!(
        "{}{}  {}",
        palette.paint(Ink::Internet, address.address),
        palette.paint(Ink::Faint, format_args!("/{}", address.prefix_bits)),
        palette.paint(Ink::Faint, scope)
    );
    if let Some(broadcast) = address.broadcast {
        text += &palette.paint(Ink::Faint, format_args!(", broadcast {broadcast}")).to_string();
    }
    if let Some(peer) = address.peer {
        text += &palette.paint(Ink::Faint, format_args!(", other end {peer}")).to_string();
    }
    if let Some(seconds) = address.valid_s {
        text += &palette.paint(Ink::Faint, format_args!(", valid {seconds} s")).to_string();
    }
    for trouble in troubles {
        text.push(' ');
        text += &palette.paint(Ink::Warn, trouble).to_string();
    }
    if address.flags.has(AddressFlags::DUPLICATE) {
        text += " (somebody else on the link has it)";
    }
    text
}

fn counters(counters: &Counters) -> Table {
    let c = counters;
    let mut table = Table::new([Column::left("COUNTER"), Column::right("IN"), Column::right("OUT")]);
    let rows = [
        ("bytes", Some(c.rx_bytes), Some(c.tx_bytes)),
        ("packets", Some(c.rx_packets), Some(c.tx_packets)),
        ("errors", Some(c.rx_errors), Some(c.tx_errors)),
        ("dropped", Some(c.rx_dropped), Some(c.tx_dropped)),
        ("missed (no buffer in the card)", Some(c.rx_missed), None),
        ("no taker (inactive port)", Some(c.rx_no_handler), None),
        ("wrong length", Some(c.rx_length_errors), None),
        ("wrong checksum (CRC)", Some(c.rx_crc_errors), None),
        ("wrong framing", Some(c.rx_frame_errors), None),
        ("buffer over- or underrun", Some(c.rx_fifo_errors), Some(c.tx_fifo_errors)),
        ("multicast", Some(c.rx_multicast), None),
        ("aborted", None, Some(c.tx_aborted_errors)),
        ("carrier lost", None, Some(c.tx_carrier_errors)),
        ("collisions", None, Some(c.collisions)),
    ];
    for (at, (name, rx, tx)) in rows.into_iter().enumerate() {
        // The first four always; the finer ones where they say something.
        if at < 4 || rx.unwrap_or(0) > 0 || tx.unwrap_or(0) > 0 {
            let cell = |count: Option<u64>| count.map_or_else(Cell::default, |count| Cell::new(Count(count)));
            table.row([Cell::new(name), cell(rx), cell(tx)]);
        }
    }
    table
}

/// How often the carrier changed.
fn carrier(changes: u64) -> String {
    format!("came or went {}", if changes == 1 { "once".to_owned() } else { format!("{} times", Count(changes)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carrier_that_came_once_did_not_come_1_times() {
        assert_eq!([1, 2].map(carrier), ["came or went once", "came or went 2 times"]);
    }
}
