//! The documents and lines that `netlab arp --json` prints.

use std::net::IpAddr;

use serde::Serialize;

use super::arp::Sum;
use crate::bytes::Mac;
use crate::internet::path::{Path, Step};
use crate::internet::resolution::Method;
use crate::internet::subnet::{Address, Prefix};
use crate::kernel::netlink::RouteKind;
use crate::link::neighbours::{Answer, Outcome};
use crate::link::station::Station;

/// One target: the decision and the exchange.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    target: IpAddr,
    verdict: &'static str,
    gateway: Option<IpAddr>,
    group_mac: Option<Mac>,
    route_kind: Option<RouteKind>,
    interface: Option<&'a str>,
    own_address: Option<IpAddr>,
    mask: Option<Address>,
    own_network: Option<Prefix>,
    target_network: Option<Prefix>,
    same_network: Option<bool>,
    route: Option<Prefix>,
    asked_for: Option<IpAddr>,
    not_asked_because: Option<&'static str>,
    method: Option<Method>,
    questions: u64,
    answers: Vec<Line>,
    duplicate: bool,
    stopped: bool,
    elapsed_us: u64,
}

impl<'a> Document<'a> {
    /// The document of a path and, where somebody was asked, of the exchange.
    pub fn new(path: &'a Path, exchange: Option<(&Outcome, Method)>, not_asked_because: Option<&'static str>) -> Self {
        let outcome = exchange.map(|(outcome, _)| outcome);
        let target_network = path.own.and_then(|own| own.network_of(path.target));
        Document {
            target: path.target,
            verdict: verdict(path.step),
            gateway: if let Step::Gateway { gateway } = path.step { Some(gateway) } else { None },
            group_mac: if let Step::Multicast { group_mac } = path.step { Some(group_mac) } else { None },
            route_kind: if let Step::Refused { route_kind } = path.step { Some(route_kind) } else { None },
            interface: path.interface.as_ref().map(|interface| interface.name.as_str()),
            own_address: path.own.map(|own| own.address),
            mask: path.own.map(|own| own.network.mask()),
            own_network: path.own.map(|own| own.network),
            target_network,
            same_network: path.own.and_then(|own| Some(target_network? == own.network)),
            route: path.route,
            asked_for: exchange.and_then(|_| path.asks_for()),
            not_asked_because,
            method: exchange.map(|(_, method)| method),
            questions: outcome.map_or(0, |outcome| outcome.asked),
            answers: outcome
                .map(|outcome| outcome.answers.iter().map(|a| Line::new(a, false)).collect())
                .unwrap_or_default(),
            duplicate: outcome.is_some_and(|outcome| outcome.duplicates().count() > 0),
            stopped: outcome.is_some_and(|outcome| outcome.stopped),
            elapsed_us: outcome.map_or(0, |outcome| outcome.elapsed.as_micros() as u64),
        }
    }
}

fn verdict(step: Step) -> &'static str {
    match step {
        Step::OnLink => "on_link",
        Step::Gateway { .. } => "gateway",
        Step::Own => "own",
        Step::Broadcast => "broadcast",
        Step::Multicast { .. } => "multicast",
        Step::Refused { .. } => "refused",
        Step::NoRoute => "no_route",
    }
}

/// One answer, alone on a line in a sweep.
#[derive(Debug, Serialize)]
pub struct Line {
    address: IpAddr,
    mac: Station,
    rtt_us: Option<u64>,
    question: u32,
    confirmed: bool,
    duplicate: bool,
    frame_source: Option<Mac>,
}

impl Line {
    /// The line of an answer; one for an own address of this machine is a duplicate in any case.
    pub fn new(answer: &Answer, own: bool) -> Self {
        Line {
            address: answer.address,
            mac: answer.mac.into(),
            rtt_us: answer.rtt.map(|rtt| rtt.as_micros() as u64),
            question: answer.number,
            confirmed: answer.confirmed,
            duplicate: answer.duplicate || own,
            frame_source: answer.frame_source,
        }
    }
}

/// The last line of a sweep.
#[derive(Debug, Serialize)]
pub struct Last {
    /// The sum.
    pub summary: Sum,
}
