//! UDP on the same wire: the program gets what the wire makes of its datagrams.

use std::net::SocketAddr;
use std::time::Duration;

use nix::errno::Errno;

use crate::lab::endpoint::Endpoint;
use crate::lab::fate::{self, Fate, Passing};
use crate::lab::observation::Words;
use crate::lab::program::failed_with;
use crate::lab::stage::{LabError, PATIENCE, Stage};
use crate::lab::{segments, tcp, udp};

/// What the client sends.
const SENT: [&str; 4] = ["one", "two", "three", "four"];
/// What the wire makes of it.
const ARRIVES: [&str; 4] = ["three", "three", "four", "one"];

/// What is on its way has arrived.
const QUIET: Duration = Duration::from_millis(20);

/// Of four datagrams the first is held back, the second is lost, the third is doubled.
pub fn whatever_the_wire_does(stage: &mut Stage<'_>, [client, server]: [usize; 2]) -> Result<(), LabError> {
    stage.note(Words {
        en: "UDP: one is held back, two is lost, three is doubled",
        zh: "UDP:one 被扣留,two 丢失,three 重复",
    })?;
    let address = SocketAddr::new(stage.address(server), stage.port()?);
    let (client_program, server_program) = (stage.program(client), stage.program(server));
    let receiver = Endpoint::open(stage, &server_program, "bind()", move || udp::bind(address))?;
    let sender = Endpoint::open(stage, &client_program, "connect()", move || udp::connect(address))?;
    let datagram = move |frame: &Passing<'_>| frame.from == client && segments::payload(frame.layers) > 0;
    stage.rule(fate::nth(1, datagram, Fate::Hold));
    stage.rule(fate::nth(2, datagram, Fate::Drop));
    stage.rule(fate::nth(3, datagram, Fate::Duplicate));
    let from = stage.frames();
    for text in SENT {
        let sent = sender.call(stage, &format!("send(\"{text}\")"), move |socket| socket.send(text.as_bytes()))?;
        tcp::needed("send", sent)?;
    }
    let all = from.saturating_add(SENT.len() as u64);
    stage.until("four datagrams on the wire", PATIENCE, |stage| stage.frames() >= all)?;
    stage.settle(QUIET)?;
    stage.release()?;
    let mut received = Vec::new();
    for _ in ARRIVES {
        let read = receiver.call(stage, "recv()", |socket| udp::receive(socket, 100))?;
        received.push(String::from_utf8_lossy(&tcp::needed("recv", read)?).into_owned());
    }
    let more = receiver.call(stage, "recv(MSG_DONTWAIT)", |socket| {
        socket.set_nonblocking(true).and_then(|()| udp::receive(socket, 100))
    })?;
    stage.finding(
        Words {
            en: "UDP: lost is lost, doubled comes twice, late comes late; nobody repeats anything",
            zh: "UDP:丢的就丢了,重复的来两次,迟到的就迟到;没有人重传",
        },
        received == ARRIVES && failed_with(&more, Errno::EAGAIN),
        received.join(", "),
    );
    Ok(())
}
