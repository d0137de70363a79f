//! What ends TIME-WAIT before its time: an honest new connection, and a forged RST.

use super::{First, QUIET, close, waiting};
use crate::kernel::sysctl;
use crate::lab::connection::{self, Ends};
use crate::lab::forged;
use crate::lab::observation::Words;
use crate::lab::segments::Direction;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp;
use crate::transport::states::State;
use crate::transport::tcp::Flags;
use crate::transport::tcp_wire::Forged;

/// The client connects again from the port whose connection is in TIME-WAIT at the server; the server closes first
/// again. Gives the port.
pub fn opened_again(stage: &mut Stage<'_>, ends: &Ends, port: u16) -> Result<u16, LabError> {
    stage.note(Words {
        en: "meanwhile a new connection, from the same port of the client",
        zh: "这时来了新的连接,用的是客户端的同一个端口",
    })?;
    let connection = ends.connect_from(stage, port)?;
    let server = stage.look()?.into_iter().nth(ends.server.host).unwrap_or_default();
    let states: Vec<State> = server.iter().filter(|s| connection::of(port)(s)).filter_map(|s| s.state).collect();
    stage.finding(
        Words {
            en: "TIME-WAIT keeps no honest client out: a new SYN from the same port is accepted at once",
            zh: "TIME-WAIT 不会挡住正常的客户端:同一端口来的新 SYN 立即被接受",
        },
        states == [State::Established],
        format!("TIME-WAIT → {}", crate::lab::states::names(&states)),
    );
    close(stage, ends, connection, First::Server)
}

/// Somebody forges an RST in the client's name: with RFC 1337 it is ignored, without it kills.
pub fn assassinated(stage: &mut Stage<'_>, ends: &Ends, port: u16) -> Result<(), LabError> {
    stage.note(Words {
        en: "tcp_rfc1337 = 1; somebody forges an RST in the client's name",
        zh: "tcp_rfc1337 = 1,有人以客户端的名义伪造 RST",
    })?;
    let survived = forge(stage, ends, port, "1")? == [ends.server.host];
    stage.finding(
        Words { en: "tcp_rfc1337 = 1: a forged RST changes nothing", zh: "tcp_rfc1337 = 1:伪造的 RST 不起作用" },
        survived,
        if survived { "TIME-WAIT → TIME-WAIT" } else { "TIME-WAIT → CLOSED" },
    );
    stage.note(Words { en: "tcp_rfc1337 = 0, the same RST", zh: "tcp_rfc1337 = 0,同样的 RST" })?;
    let killed = forge(stage, ends, port, "0")?.is_empty();
    stage.finding(
        Words {
            en: "tcp_rfc1337 = 0, as Linux has it: the same RST kills TIME-WAIT",
            zh: "tcp_rfc1337 = 0(Linux 默认):同样的 RST 结束 TIME-WAIT",
        },
        survived && killed,
        if killed { "TIME-WAIT → CLOSED" } else { "TIME-WAIT → TIME-WAIT" },
    );
    Ok(())
}

/// Sends the RST with the sequence number that the server expects next. Gives the hosts still in TIME-WAIT.
fn forge(stage: &mut Stage<'_>, ends: &Ends, port: u16, rfc1337: &'static str) -> Result<Vec<usize>, LabError> {
    stage.host(ends.server.host).run(move || sysctl::write("net.ipv4.tcp_rfc1337", rfc1337))?;
    let segments = ends.segments(stage, 0);
    let expected = segments.iter().rfind(|segment| segment.direction == Direction::RightToLeft);
    let segment = Forged {
        from: forged::end(stage, ends.client.host, port),
        to: forged::end(stage, ends.server.host, ends.address.port()),
        sequence: expected.map_or(0, |segment| segment.acknowledgment),
        acknowledgment: 0,
        flags: Flags::RST,
        window: 0,
    };
    let sent = stage.call(&ends.client, "forge RST", move || forged::send("eth0", &segment.frame()))?;
    tcp::needed("forge RST", sent)?;
    stage.settle(QUIET)?;
    waiting(stage, port)
}
