//! What the lab teaches, checked against the frames.

use std::net::Ipv4Addr;

use nix::errno::Errno;

use super::{CLIENT, FAR, GATEWAY, SERVER, SILENT};
use crate::bytes::Mac;
use crate::kernel::netlink::NeighbourState;
use crate::lab::observation::{Observation, Words};
use crate::lab::packets::{self, Packet};
use crate::lab::stage::Stage;
use crate::link::arp::{REPLY, REQUEST};

/// How the attempt to reach nobody ended.
pub(super) struct Silent {
    pub(super) errno: Option<i32>,
    pub(super) state: NeighbourState,
}

pub(super) fn check(stage: &mut Stage<'_>, states: &[NeighbourState], silent: &Silent) {
    let packets = packets::of(&stage.observation);
    let mac = |host: usize| stage.observation.hosts.get(host).and_then(|host| host.macs.first().copied());
    let [client, server, gateway] = [mac(0), mac(1), mac(2)];
    let asked = |target| asked_for(&packets, target);
    question_and_answer(stage, &asked(SERVER), answers(&packets, SERVER).first().copied(), client, &packets);
    states_over_time(stage, states, &asked(SERVER), server);
    by_the_gateway(stage, &packets, gateway);
    let asked = asked(SILENT).first().map_or(0, |question| copies(&stage.observation, question.number));
    nobody(stage, asked, silent);
}

fn asked_for(packets: &[Packet], target: Ipv4Addr) -> Vec<&Packet> {
    let asks = |packet: &&Packet| {
        packet.arp.is_some_and(|arp| {
            arp.operation == REQUEST && arp.sender_protocol == CLIENT && arp.target_protocol == target
        })
    };
    packets.iter().filter(asks).collect()
}

/// How often the bytes of frame `number` came to the wire, those included that somebody who steps through the lab was
/// spared.
fn copies(observation: &Observation, number: u64) -> usize {
    let Some(first) = observation.frames().find(|frame| frame.number == number) else { return 0 };
    let mut numbers: Vec<u64> =
        observation.frames().filter(|frame| frame.bytes == first.bytes).map(|frame| frame.number).collect();
    numbers.dedup();
    numbers.len()
}

fn answers(packets: &[Packet], owner: Ipv4Addr) -> Vec<&Packet> {
    let tells = |packet: &&Packet| packet.arp.is_some_and(|arp| arp.operation == REPLY && arp.sender_protocol == owner);
    packets.iter().filter(tells).collect()
}

fn datagrams(packets: &[Packet], to: Ipv4Addr) -> Vec<&Packet> {
    packets.iter().filter(|packet| packet.ip.is_some_and(|ip| ip.destination == to)).collect()
}

fn question_and_answer(
    stage: &mut Stage<'_>,
    questions: &[&Packet],
    answer: Option<&Packet>,
    client: Option<Mac>,
    packets: &[Packet],
) {
    let question = questions.first();
    stage.finding(
        Words {
            en: "the question goes to everybody, and everybody hears it", zh: "问题发给所有主机,所有主机都听到"
        },
        question.is_some_and(|packet| packet.ethernet.destination.is_broadcast() && packet.to == [1, 2]),
        question.map_or_else(String::new, |packet| {
            format!("to {}, heard by {}", packet.ethernet.destination, packet.to.len())
        }),
    );
    stage.finding(
        Words {
            en: "the owner answers, and only the one that asked hears it", zh: "地址的主人应答,只有提问者听到"
        },
        answer
            .is_some_and(|packet| Some(packet.ethernet.destination) == client && packet.from == 1 && packet.to == [0]),
        answer.map_or_else(String::new, |packet| {
            format!("to {}, heard by {}", packet.ethernet.destination, packet.to.len())
        }),
    );
    let data = datagrams(packets, SERVER);
    let waited = data.first().zip(answer).map(|(data, answer)| (answer.number, data.number));
    stage.finding(
        Words { en: "the datagram waits for the answer", zh: "数据报等待应答" },
        waited.is_some_and(|(answer, data)| answer < data),
        waited.map_or_else(String::new, |(answer, data)| format!("answer #{answer}, datagram #{data}")),
    );
}

fn states_over_time(stage: &mut Stage<'_>, states: &[NeighbourState], questions: &[&Packet], server: Option<Mac>) {
    let names: Vec<&str> = states.iter().map(|state| state.name()).collect();
    stage.finding(
        Words {
            en: "an entry is INCOMPLETE, REACHABLE, STALE, DELAY, PROBE, REACHABLE",
            zh: "条目依次为 INCOMPLETE、REACHABLE、STALE、DELAY、PROBE、REACHABLE",
        },
        names == ["INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "REACHABLE"],
        names.join(" → "),
    );
    let second = questions.get(1);
    stage.finding(
        Words { en: "who is known already is asked alone", zh: "已知的邻居单独询问" },
        questions.len() == 2 && second.is_some_and(|packet| Some(packet.ethernet.destination) == server),
        second.map_or_else(String::new, |packet| format!("second question to {}", packet.ethernet.destination)),
    );
}

fn by_the_gateway(stage: &mut Stage<'_>, packets: &[Packet], gateway: Option<Mac>) {
    let (for_gateway, for_far) = (asked_for(packets, GATEWAY).len(), asked_for(packets, FAR).len());
    stage.finding(
        Words { en: "for a far address the question is for the gateway", zh: "目标在远方时,询问的是网关" },
        (for_gateway, for_far) == (1, 0),
        format!("{for_gateway} for {GATEWAY}, {for_far} for {FAR}"),
    );
    let frames = datagrams(packets, FAR);
    stage.finding(
        Words {
            en: "the frame carries the gateway's link address and the far IP address",
            zh: "帧带着网关的链路地址和远方的 IP 地址",
        },
        !frames.is_empty() && frames.iter().all(|packet| Some(packet.ethernet.destination) == gateway),
        frames.first().map_or_else(String::new, |packet| format!("{}, IP {FAR}", packet.ethernet.destination)),
    );
}

fn nobody(stage: &mut Stage<'_>, questions: usize, silent: &Silent) {
    let errno = silent.errno.map(Errno::from_raw);
    stage.finding(
        Words {
            en: "three unanswered questions, then FAILED and EHOSTUNREACH",
            zh: "三次提问无人应答,然后是 FAILED 和 EHOSTUNREACH",
        },
        questions == 3 && silent.state == NeighbourState::Failed && errno == Some(Errno::EHOSTUNREACH),
        format!("{questions} questions, {}", errno.map_or_else(String::new, |errno| format!("{errno:?}"))),
    );
}
