//! The reports of `netlab subnet`.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

use crate::internet::special::{Purpose, REGISTRY_DATE};
use crate::internet::subnet::describe::{Assumed, Class, Membership, Role, Subnet};
use crate::internet::subnet::hint::Hint;
use crate::internet::subnet::vlsm::Layout;
use crate::internet::subnet::{Address, Count, Family, Prefix, Range};

use super::bits::{self, LABEL};
use super::palette::{Ink, Palette};
use super::paragraph::{self, Paragraph};

/// A subnet and the addresses held against it, as one JSON document.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    /// The subnet.
    #[serde(flatten)]
    pub subnet: &'a Subnet,
    /// The other addresses.
    pub others: &'a [Membership],
}

/// Writes everything about an address in its subnet, then each other address with its verdict.
///
/// # Errors
/// What the writer refused.
pub fn describe(out: &mut impl Write, palette: Palette, width: Option<u16>, answer: &Answer<'_>) -> io::Result<()> {
    let subnet = answer.subnet;
    let strong = palette.paint(Ink::Strong, format!("{}/{}", subnet.address, subnet.prefix_length_bits));
    writeln!(out, "{strong}  {}", subnet.purpose.name)?;
    if let Some(assumed) = subnet.assumed {
        folded(out, palette, width, "", (&assumption(assumed, subnet), Some(Ink::Warn)))?;
    }
    writeln!(out)?;
    bits::and(out, palette, width, &subnet.and, None)?;
    let host_bits = subnet.prefix.host_bits();
    let length = subnet.prefix_length_bits;
    let keeps =
        format!("AND keeps the network part ({}) and clears the host part ({})", bits_of(length), bits_of(host_bits));
    folded(out, palette, width, "", (&keeps, Some(Ink::Faint)))?;
    writeln!(out)?;
    for (label, text) in facts(subnet) {
        folded(out, palette, width, label, (&text, None))?;
    }
    for other in answer.others {
        writeln!(out)?;
        membership(out, palette, width, subnet, other)?;
    }
    Ok(())
}

/// Writes a text behind its label, as it is where it fits into the terminal, in several lines where it does not.
fn folded(
    out: &mut impl Write,
    palette: Palette,
    width: Option<u16>,
    label: &str,
    (text, ink): (&str, Option<Ink>),
) -> io::Result<()> {
    let lead = format!("  {label:<label_width$}", label_width = LABEL - 2);
    if width.is_some_and(|width| LABEL + paragraph::columns(text) > usize::from(width)) {
        return Paragraph { lead: &lead, lead_ink: Ink::Faint, text, ink }.write(out, palette, width);
    }
    match ink {
        Some(ink) => writeln!(out, "{lead}{}", palette.paint(ink, text)),
        None => writeln!(out, "{}{text}", palette.paint(Ink::Faint, lead)),
    }
}

fn bits_of(count: u8) -> String {
    format!("{count} bit{}", if count == 1 { "" } else { "s" })
}

fn assumption(assumed: Assumed, subnet: &Subnet) -> String {
    match assumed {
        Assumed::HostAlone => {
            let example = if subnet.family == Family::Ipv4 { 24 } else { 64 };
            let (address, length) = (subnet.address, subnet.prefix_length_bits);
            format!(
                "no mask given: the address alone (/{length}); to see a subnet add its mask, as in {address}/{example}"
            )
        }
        Assumed::InterfaceIdentifier => {
            "no prefix length given: taken as /64, because IPv6 interface identifiers are 64 bits (RFC 4291)".into()
        }
    }
}

/// Label and text of every fact about a subnet; a line without a label goes on with the one above.
fn facts(subnet: &Subnet) -> Vec<(&'static str, String)> {
    let Subnet { prefix, mask, mask_hex, wildcard, .. } = subnet;
    let mut facts = vec![("network", format!("{prefix}{}", given(subnet.role)))];
    facts.push(("hosts", hosts(subnet)));
    facts.push(("broadcast", broadcast(subnet)));
    if subnet.family == Family::Ipv4 {
        facts.push(("mask", format!("{mask}  hex {mask_hex}  wildcard {wildcard}")));
    }
    facts.extend(subnet.class.map(|class| ("class", class_text(class))));
    facts.extend(purpose(subnet.purpose, subnet.purpose_covers_subnet));
    facts.extend(subnet.hints.iter().map(hint));
    facts.extend(reverse(subnet));
    facts
}

fn given(role: Role) -> String {
    self::role(role).map_or_else(String::new, |role| format!("  (the address given is {role})"))
}

/// What is to be said about an address that is not simply a host's.
const fn role(role: Role) -> Option<&'static str> {
    match role {
        Role::Host => None,
        Role::Network => Some("the network itself, no host's"),
        Role::Broadcast => Some("the broadcast address, no host's"),
        Role::SubnetRouterAnycast => Some("the subnet-router anycast address"),
    }
}

fn hosts(subnet: &Subnet) -> String {
    let Subnet { first_host, last_host, hosts, addresses, .. } = subnet;
    let range = if first_host == last_host { first_host.to_string() } else { format!("{first_host} - {last_host}") };
    let plural = if *addresses == Count::one_more_than(0) { "" } else { "es" };
    format!("{range}  {hosts} of {addresses} address{plural}{}", power(subnet))
}

/// Large numbers of addresses are easier to grasp as a power of two.
fn power(subnet: &Subnet) -> String {
    match subnet.prefix.host_bits() {
        bits @ 33.. => format!(" (2^{bits})"),
        _ => String::new(),
    }
}

fn broadcast(subnet: &Subnet) -> String {
    match (subnet.broadcast, subnet.family, subnet.prefix.host_bits()) {
        (Some(address), ..) => address.to_string(),
        (None, Family::Ipv4, 1) => "none: a /31 is a point-to-point link, both addresses are hosts (RFC 3021)".into(),
        (None, Family::Ipv4, _) => "none: a /32 is one host".into(),
        (None, Family::Ipv6, _) => "none: IPv6 has multicast instead (all nodes of the link: ff02::1)".into(),
    }
}

fn class_text(class: Class) -> String {
    let Class { letter, prefix_length_bits } = class;
    match (letter, prefix_length_bits) {
        (_, Some(length)) => {
            format!(
                "{letter}, which meant a network part of {length} bits until 1993; since then only the mask counts (RFC 1519)"
            )
        }
        ('D', None) => "D: multicast".into(),
        _ => "E: reserved".into(),
    }
}

fn purpose(purpose: &Purpose, covers: bool) -> Vec<(&'static str, String)> {
    let Purpose { name, block, reference, .. } = purpose;
    let since = purpose.allocated.map_or(String::new(), |month| format!(", since {month}"));
    let until = purpose.terminated.map_or(String::new(), |month| format!(" until {month}"));
    let mut lines = vec![("purpose", format!("{name}: {block}, {reference}{since}{until}"))];
    if purpose.special {
        let columns = [
            ("source", purpose.source),
            ("destination", purpose.destination),
            ("forwardable", purpose.forwardable),
            ("global", purpose.globally_reachable),
            ("reserved", purpose.reserved_by_protocol),
        ];
        let columns = columns.map(|(column, value)| format!("{column} {}", yes_or_no(value)));
        lines.push(("", format!("{}  (IANA, {REGISTRY_DATE})", columns.join(", "))));
    }
    lines.extend(purpose.note.map(|note| ("", note.to_owned())));
    if !covers {
        lines.push(("", "other addresses of this subnet are outside that block".into()));
    }
    lines
}

const fn yes_or_no(value: Option<bool>) -> &'static str {
    match value {
        Some(true) => "yes",
        Some(false) => "no",
        None => "n/a",
    }
}

fn hint(hint: &Hint) -> (&'static str, String) {
    match hint {
        Hint::Eui64 { mac } => ("interface", format!("identifier made from the MAC {mac} (modified EUI-64)")),
        Hint::UniqueLocal { locally_assigned, global_id, subnet_id } => {
            let by = if *locally_assigned { "chosen at the site" } else { "of the undefined half fc00::/8" };
            ("site", format!("global ID {global_id} ({by}), subnet ID {subnet_id}"))
        }
        Hint::EmbeddedIpv4 { rule, address } => ("IPv4", format!("{address} ({rule})")),
        Hint::Teredo { server, client, port } => {
            ("Teredo", format!("client {client} UDP port {port}, server {server} (RFC 4380)"))
        }
        Hint::Multicast { scope, well_known } => {
            let kind = if *well_known { "well-known" } else { "transient" };
            ("scope", format!("{scope}, {kind} group (RFC 7346)"))
        }
        Hint::GroupMac { mac } => ("frames to", format!("{mac}")),
        Hint::LooksLikeMask { length_bits } => {
            ("note", format!("this looks like a mask (/{length_bits}), not an address"))
        }
    }
}

fn reverse(subnet: &Subnet) -> Vec<(&'static str, String)> {
    let zones = &subnet.reverse.zones;
    let text = match zones.as_slice() {
        [zone] => zone.clone(),
        [first, second] => format!("{first} and {second}"),
        [first, .., last] => format!("{} zones: {first} ... {last}", zones.len()),
        [] => String::new(),
    };
    let parent = subnet.reverse.rfc2317_parent.as_ref().map(|parent| format!("  (CNAMEs in {parent}, RFC 2317)"));
    let mut lines = vec![("reverse", text + &parent.unwrap_or_default())];
    if zones.first() != Some(&subnet.pointer) {
        lines.push(("PTR name", subnet.pointer.clone()));
    }
    lines
}

/// Writes the verdict on another address, its AND, and the reason.
fn membership(
    out: &mut impl Write,
    palette: Palette,
    width: Option<u16>,
    subnet: &Subnet,
    other: &Membership,
) -> io::Result<()> {
    let (ink, verdict) = if other.same_subnet { (Ink::Good, "same subnet") } else { (Ink::Bad, "not the same subnet") };
    let address = palette.paint(Ink::Strong, other.address);
    writeln!(out, "{address}  {}{}", palette.paint(ink, verdict), reason(subnet, other))?;
    if let Some(and) = &other.and {
        bits::and(out, palette, width, and, other.first_differing_bit)?;
    }
    if let Some(role) = other.role.and_then(role) {
        writeln!(out, "  {} is {role}", other.address)?;
    }
    if let (Some(own), Some(holds)) = (other.own_prefix, other.own_prefix_holds_address) {
        let (ink, seen) = if holds { (Ink::Good, "on its link") } else { (Ink::Bad, "behind its gateway") };
        let seen = palette.paint(ink, seen);
        writeln!(out, "  with its own mask {} is in {own} and sees {} {seen}", other.address, subnet.address)?;
    }
    Ok(())
}

fn reason(subnet: &Subnet, other: &Membership) -> String {
    match other.prefix {
        None => {
            format!(": it is {}, the subnet is {}", other.address.family(), subnet.family)
        }
        Some(prefix) if prefix == subnet.prefix => format!(": both ANDs give {}", prefix.network()),
        Some(prefix) => format!(": its AND gives {}, not {}", prefix.network(), subnet.network),
    }
}

/// One subnet of a split.
#[derive(Debug, Serialize)]
pub struct Part {
    /// The subnet.
    pub prefix: Prefix,
    /// Its lowest host.
    pub first_host: Address,
    /// Its highest host.
    pub last_host: Address,
    /// Its broadcast address.
    pub broadcast: Option<Address>,
    /// Number of hosts.
    pub hosts: Count,
}

impl From<Prefix> for Part {
    fn from(prefix: Prefix) -> Self {
        let Range { first, last } = prefix.hosts();
        let hosts = prefix.hosts().count();
        Part { prefix, first_host: first, last_host: last, broadcast: prefix.broadcast(), hosts }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Part { prefix, first_host, last_host, hosts, .. } = self;
        let width = prefix_width(prefix.family());
        let range = format!("{first_host} - {last_host}");
        let plural = if first_host == last_host { "" } else { "s" };
        write!(f, "{prefix:<width$}  {range:<range_width$}  {hosts} host{plural}", range_width = 2 * width - 3)
    }
}

/// Width of the longest prefix that is common in a family: all of IPv4, a /64 of IPv6.
const fn prefix_width(family: Family) -> usize {
    match family {
        Family::Ipv4 => 18,
        Family::Ipv6 => 24,
    }
}

/// Writes subnets of different sizes and what is left of the network.
///
/// # Errors
/// What the writer refused.
pub fn layout(out: &mut impl Write, palette: Palette, layout: &Layout) -> io::Result<()> {
    for subnet in &layout.subnets {
        let part = Part::from(subnet.prefix);
        // Two hosts are most often a link between routers, but only its owner knows that nobody broadcasts there.
        let smaller = match (subnet.hosts_asked, subnet.prefix.family()) {
            (2, Family::Ipv4) => "; without a broadcast address, on a point-to-point link, a /31 does (RFC 3021)",
            _ => "",
        };
        writeln!(out, "{part}  {}", palette.paint(Ink::Faint, format_args!("for {}{smaller}", subnet.hosts_asked)))?;
    }
    for free in &layout.free {
        let width = prefix_width(free.family());
        writeln!(out, "{free:<width$}  {}", palette.paint(Ink::Faint, "free"))?;
    }
    Ok(())
}
