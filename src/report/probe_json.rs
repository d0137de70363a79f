//! The report of `netlab probe` as JSON Lines: a line per host, and one for the whole run.

use std::io::{self, Write};
use std::net::IpAddr;

use serde::Serialize;

use super::json;
use super::probe::{Totals, View, arrange};
use crate::transport::ports::set::Ranges;
use crate::transport::ports::{Host, Reason, State};
use crate::transport::services::{self, Protocol};

/// One host as a JSON line.
#[derive(Serialize)]
struct HostLine<'a> {
    host: IpAddr,
    name: Option<&'a str>,
    other_addresses: &'a [IpAddr],
    protocol: Protocol,
    ports: Vec<PortEntry<'a>>,
    groups: Vec<GroupEntry<'a>>,
    not_settled: usize,
    icmp_limit: Option<LimitEntry>,
}

#[derive(Serialize)]
struct PortEntry<'a> {
    port: u16,
    state: State,
    service: Option<&'static str>,
    #[serde(flatten)]
    why: WhyEntry<'a>,
    rtt_us: Option<u64>,
    tries: u8,
    banner: Option<String>,
}

#[derive(Serialize)]
struct GroupEntry<'a> {
    state: State,
    #[serde(flatten)]
    why: WhyEntry<'a>,
    count: usize,
    ranges: String,
}

#[derive(Serialize)]
struct WhyEntry<'a> {
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp: Option<IcmpEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    neighbour: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_bytes: Option<usize>,
}

#[derive(Serialize)]
struct IcmpEntry {
    version: u8,
    r#type: u8,
    code: u8,
    meaning: Option<&'static str>,
    from: IpAddr,
}

#[derive(Serialize)]
struct LimitEntry {
    rechecked: u32,
    answered: u32,
    confirmed: u32,
}

impl<'a> From<&'a Reason> for WhyEntry<'a> {
    fn from(reason: &'a Reason) -> Self {
        let mut entry = WhyEntry { reason: reason.name(), icmp: None, errno: None, neighbour: None, reply_bytes: None };
        match reason {
            Reason::Icmp(error) => {
                let version = if error.v6 { 6 } else { 4 };
                let (kind, code, meaning, from) = (error.kind, error.code, error.words(), error.from);
                entry.icmp = Some(IcmpEntry { version, r#type: kind, code, meaning, from });
            }
            Reason::Local(errno) => entry.errno = Some(format!("{errno:?}")),
            Reason::NoNeighbour(hop) => entry.neighbour = Some(*hop),
            Reason::Reply(bytes) => entry.reply_bytes = Some(bytes.len()),
            Reason::SynAck | Reason::Reset | Reason::Silence => {}
        }
        entry
    }
}

/// Writes one host as a JSON line.
///
/// # Errors
/// What the writer refused.
pub fn host(out: &mut (impl Write + ?Sized), host: &Host, view: View) -> io::Result<()> {
    let (rows, groups) = arrange(host, view.all);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let ports = rows.into_iter().map(|finding| PortEntry {
        port: finding.port,
        state: finding.state,
        service: services::name(finding.port, view.protocol),
        why: (&finding.reason).into(),
        rtt_us: finding.rtt.map(|rtt| rtt.as_micros() as u64),
        tries: finding.tries,
        banner: match &finding.reason {
            Reason::Reply(bytes) if view.banners => Some(text(bytes)),
            _ => finding.banner.as_deref().map(text),
        },
    });
    let groups = groups.into_iter().map(|group| GroupEntry {
        state: group.state,
        why: group.reason.into(),
        count: group.ports.len(),
        ranges: Ranges(&group.ports).to_string(),
    });
    let line = HostLine {
        host: host.target.address,
        name: host.target.name.as_deref(),
        other_addresses: &host.target.others,
        protocol: view.protocol,
        ports: ports.collect(),
        groups: groups.collect(),
        not_settled: host.unsettled,
        icmp_limit: host.icmp_limit.map(|limit| LimitEntry {
            rechecked: limit.asked,
            answered: limit.answered,
            confirmed: limit.confirmed,
        }),
    };
    json::line(out, &line)
}

/// Writes the last JSON line: how the whole run went.
///
/// # Errors
/// What the writer refused.
pub fn totals(out: &mut (impl Write + ?Sized), totals: &Totals) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        summary: &'a Totals,
    }
    json::line(out, &Line { summary: totals })
}
