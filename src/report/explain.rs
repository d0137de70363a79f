//! The reports of `netlab explain`.

use std::io::{self, Write};

use serde::Serialize;

use crate::dissect::sample::Shape;
use crate::transport::services::Protocol;

use super::palette::Ink;
use super::paragraph::Paragraph;
use super::{Palette, diagram};

/// What was asked and what is known about it, as one JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// What was asked.
    pub thing: String,
    /// Everything that goes by that name or number.
    pub explanations: Vec<Explanation>,
    /// Names that are nearly the same, where nothing goes by this one.
    pub suggestions: Vec<String>,
}

/// One explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Explanation {
    /// An errno.
    Errno {
        /// `ECONNREFUSED`.
        name: String,
        /// Its number on this machine.
        number: i32,
        /// The kernel's words.
        words: &'static str,
        /// What it means for a socket; none for an errno of other things.
        meaning: Option<&'static str>,
        /// The calls that return it.
        calls: Option<&'static str>,
        /// The usual cause.
        cause: Option<&'static str>,
        /// What to do.
        cure: Option<&'static str>,
    },
    /// A port.
    Port {
        /// Its number.
        port: u16,
        /// What usually listens there.
        services: Vec<Service>,
        /// To which part of the numbers it belongs.
        range: PortRange,
        /// Whether binding to it needs `CAP_NET_BIND_SERVICE` here.
        needs_privilege: Option<bool>,
        /// Whether this kernel gives it to outgoing connections.
        ephemeral: Option<bool>,
    },
    /// A control bit of the TCP header.
    Flag {
        /// `SYN`.
        name: &'static str,
        /// What the letters stand for.
        long: &'static str,
        /// Its value in the 16 bits that start with the data offset.
        bit: u16,
        /// What it says.
        meaning: &'static str,
        /// Where it is defined.
        reference: &'static str,
    },
    /// A state of a TCP connection.
    State {
        /// As RFC 9293 writes it.
        name: &'static str,
        /// As the kernel's sources write it.
        kernel_name: &'static str,
        /// The kernel's numbers.
        kernel_numbers: &'static [u8],
        /// What has happened and what is waited for.
        meaning: &'static str,
        /// How long it lasts on Linux.
        lasts: &'static str,
        /// What many of them tell.
        many: &'static str,
    },
    /// A header.
    Header(Shape),
    /// A kernel setting.
    Setting {
        /// As sysctl takes it.
        name: String,
        /// Its value in this network namespace; none where the kernel has no such setting.
        value: Option<String>,
        /// Since when Linux lacks it.
        removed: Option<&'static str>,
        /// What it does.
        does: Option<&'static str>,
        /// What is often believed and is not so.
        myth: Option<&'static str>,
    },
}

/// What usually listens on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Service {
    /// The transport protocol.
    pub protocol: Protocol,
    /// The name.
    pub name: &'static str,
}

/// The parts of the port numbers, RFC 6335 section 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortRange {
    /// 0 to 1023.
    System,
    /// 1024 to 49151.
    User,
    /// 49152 to 65535.
    Dynamic,
}

impl From<u16> for PortRange {
    fn from(port: u16) -> Self {
        match port {
            ..1024 => PortRange::System,
            1024..49152 => PortRange::User,
            49152.. => PortRange::Dynamic,
        }
    }
}

/// Writes every explanation, a blank line between them.
///
/// # Errors
/// What the writer refused.
pub fn answer(out: &mut impl Write, palette: Palette, width: Option<u16>, answer: &Answer) -> io::Result<()> {
    for (at, explanation) in answer.explanations.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        explain(out, palette, width, explanation)?;
    }
    Ok(())
}

fn explain(out: &mut impl Write, palette: Palette, width: Option<u16>, explanation: &Explanation) -> io::Result<()> {
    let (title, rest) = title(explanation);
    writeln!(out, "{}{}", palette.paint(Ink::Strong, title), palette.paint(Ink::Faint, rest))?;
    if let Explanation::Header(shape) = explanation {
        writeln!(out)?;
        diagram::shape(out, palette, shape)?;
        writeln!(out)?;
    }
    for (label, text) in facts(explanation) {
        let lead = format!("  {label:<10}");
        Paragraph { lead: &lead, lead_ink: Ink::Faint, text: &text, ink: None }.write(out, palette, width)?;
    }
    Ok(())
}

/// What it is called, and what stands behind that.
fn title(explanation: &Explanation) -> (String, String) {
    match explanation {
        Explanation::Errno { name, number, words, .. } => (name.clone(), format!("  errno {number}: {words}")),
        Explanation::Port { port, .. } => (format!("port {port}"), String::new()),
        Explanation::Flag { name, long, .. } => ((*name).to_owned(), format!("  TCP control bit: {long}")),
        Explanation::State { name, kernel_name, kernel_numbers, .. } => {
            let numbers: Vec<String> = kernel_numbers.iter().map(ToString::to_string).collect();
            ((*name).to_owned(), format!("  TCP state; {kernel_name} in the kernel, number {}", numbers.join(" and ")))
        }
        Explanation::Header(shape) => {
            (shape.name.to_owned(), format!("  header of {} bytes, {}", shape.length_bits / 8, shape.reference))
        }
        Explanation::Setting { name, value, .. } => match value {
            Some(value) => {
                (format!("{name} = {}", value.replace('\t', " ")), "  on this kernel, in this network namespace".into())
            }
            None => (name.clone(), "  this kernel has no such setting".into()),
        },
    }
}

/// Label and text of each fact.
fn facts(explanation: &Explanation) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut add = |label, text: Option<&str>| facts.extend(text.map(|text| (label, text.to_owned())));
    match explanation {
        Explanation::Errno { meaning, calls, cause, cure, .. } => {
            add("meaning", Some(meaning.unwrap_or("not an error that sockets give in daily use")));
            add("given by", *calls);
            add("cause", *cause);
            add("cure", *cure);
        }
        Explanation::Flag { bit, meaning, reference, .. } => {
            add("meaning", Some(meaning));
            add("bit", Some(&format!("0x{bit:03x}")));
            add("defined", Some(reference));
        }
        Explanation::State { meaning, lasts, many, .. } => {
            add("meaning", Some(meaning));
            add("lasts", Some(lasts));
            add("many", Some(many));
        }
        Explanation::Header(shape) => {
            add("letters", Some(diagram::legend(shape).as_str()).filter(|legend| !legend.is_empty()));
            add("beyond", shape.beyond);
        }
        Explanation::Setting { removed, does, myth, .. } => {
            add("does", Some(does.unwrap_or("netlab knows the value, not the meaning")));
            add("removed", *removed);
            add("beware", *myth);
        }
        Explanation::Port { port, services, range, needs_privilege, ephemeral } => {
            facts.extend(port_facts(*port, services, *range, *needs_privilege, *ephemeral));
        }
    }
    facts
}

fn port_facts(
    port: u16,
    services: &[Service],
    range: PortRange,
    needs_privilege: Option<bool>,
    ephemeral: Option<bool>,
) -> Vec<(&'static str, String)> {
    let names: Vec<String> =
        services.iter().map(|service| format!("{} over {}", service.name, service.protocol)).collect();
    let usual = match (port, names.is_empty()) {
        (0, _) => "no port: bind(0) asks the kernel to choose one".to_owned(),
        (_, true) => "nothing is registered here under a common name".to_owned(),
        (_, false) => format!("{} (a usual name, not a proof of what listens)", names.join(", ")),
    };
    let range = match range {
        PortRange::System => "system port (0 to 1023), assigned by the IETF",
        PortRange::User => "user port (1024 to 49151), registered on request",
        PortRange::Dynamic => "dynamic port (49152 to 65535), never assigned",
    };
    let mut facts = vec![("service", usual), ("range", format!("{range} (RFC 6335 section 6)"))];
    if let Some(needs) = needs_privilege.filter(|_| port > 0) {
        let who = if needs { "needs CAP_NET_BIND_SERVICE here" } else { "needs no privilege here" };
        facts.push(("bind", format!("{who} (net.ipv4.ip_unprivileged_port_start)")));
    }
    if ephemeral == Some(true) {
        let text = "this kernel also gives it to outgoing connections (net.ipv4.ip_local_port_range)";
        facts.push(("beware", text.to_owned()));
    }
    facts
}
