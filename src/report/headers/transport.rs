//! The transport layer's headers in a line each.

use std::net::IpAddr;

use crate::capture::flows::Relative;
use crate::capture::names::Names;
use crate::report::hosts;
use crate::report::text::Text;
use crate::transport::services::{self, Protocol};
use crate::transport::tcp::Flags;
use crate::transport::{Tcp, TcpOptions, Udp};

fn port(text: &mut Text, number: u16, protocol: Protocol) {
    text.number(number);
    // Numbers from the range of passing ports name no service, even if a table has them.
    if let Some(name) = services::name(number, protocol).filter(|_| number < 32_768) {
        text.str(" ").str(name);
    }
}

pub(super) fn udp(text: &mut Text, header: Udp) {
    port(text, header.source, Protocol::Udp);
    text.str(" → ");
    port(text, header.destination, Protocol::Udp);
    text.str("   ").length(header.length);
}

pub(super) fn tcp(text: &mut Text, header: &Tcp, relative: Option<Relative>) {
    port(text, header.source, Protocol::Tcp);
    text.str(" → ");
    port(text, header.destination, Protocol::Tcp);
    text.str("   ");
    flags(text, header.flags);
    text.str("  seq ").number(header.sequence);
    if let Some(relative) = relative {
        text.str(" (relative ").number(relative.sequence).str(")");
    }
    if header.flags.contains(Flags::ACK) {
        text.str("  ack ").number(header.acknowledgment);
        if let Some(number) = relative.and_then(|relative| relative.acknowledgment) {
            text.str(" (relative ").number(number).str(")");
        }
    }
    text.str("  win ").number(header.window);
    if header.flags.contains(Flags::URG) {
        text.str("  urgent ").number(header.urgent_pointer);
    }
    if header.data_offset > 20 {
        text.str(" ");
        options(text, &header.options);
    }
}

/// The control bits in brackets.
#[inline]
pub(in crate::report) fn flags(text: &mut Text, flags: Flags) {
    match flags.0 {
        0x10 => {
            text.str("[ACK]");
        }
        0x18 => {
            text.str("[PSH ACK]");
        }
        _ => {
            text.format(format_args!("[{flags}]"));
        }
    }
}

/// The TCP options that say something, each with a space in front.
#[inline]
pub(in crate::report) fn options(text: &mut Text, options: &TcpOptions) {
    if let Some(mss) = options.mss {
        text.str(" mss ").number(mss);
    }
    if options.sack_permitted {
        text.str(" sackOK");
    }
    if options.timestamps.is_some() {
        text.str(" ts");
    }
    if let Some(shift) = options.window_scale {
        text.str(" wscale ").number(shift);
    }
    if options.sack_count > 0 {
        text.str(" sack");
        for (left, right) in options.sack_blocks() {
            text.str(" ").number(*left).str(":").number(*right);
        }
    }
    if options.fast_open.is_some() {
        text.str(" tfo");
    }
    if options.mptcp.is_some() {
        text.str(" mptcp");
    }
    if options.signed {
        text.str(" signed");
    }
    if let Some(kind) = options.other {
        text.str(" option ").number(kind);
    }
}

/// Both ends of a datagram with their ports.
pub(in crate::report) fn ends(
    text: &mut Text,
    names: Option<&Names>,
    addresses: Option<(IpAddr, IpAddr)>,
    ports: (u16, u16),
) {
    let Some((source, destination)) = addresses else {
        text.number(ports.0).str(" → ").number(ports.1);
        return;
    };
    end(text, names, source, ports.0);
    text.str(" → ");
    end(text, names, destination, ports.1);
}

#[inline]
fn end(text: &mut Text, names: Option<&Names>, address: IpAddr, port: u16) {
    if let Some(name) = hosts::name(names, address) {
        text.str(&name).str(":").number(port);
        return;
    }
    match address {
        IpAddr::V4(address) => text.ipv4(address).str(":"),
        IpAddr::V6(address) => text.str("[").ipv6(address).str("]:"),
    };
    text.number(port);
}
