//! TIME-WAIT: who has it, how long, what for, and what ends it early (RFC 9293 §3.6.1, RFC 1337).

mod duration;
mod early;
mod reason;

use std::time::Duration;

use crate::lab::connection::{self, Connection, Ends};
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::sockets::Seen;
use crate::lab::stage::{LabError, PATIENCE, Stage};
use crate::lab::tcp;
use crate::lab::topology::Neighbours;
use crate::transport::states::State;

/// The lab.
pub const LAB: Lab = Lab {
    name: "time-wait",
    floor: Floor::Transport,
    on_loopback: true,
    title: Words {
        en: "Who closes first waits 60 s in TIME-WAIT, and for a reason",
        zh: "先关闭的一方在 TIME-WAIT 中等待 60 秒,这是有理由的",
    },
    explanation: Words {
        en: "The end that closed first has sent the last acknowledgement, and nobody acknowledges that one. If it is \
             lost, the other end repeats its FIN. TIME-WAIT is there to acknowledge it again; without it the FIN meets \
             RST, and a clean close ends in an error. RFC 9293 asks for twice the maximum segment lifetime; Linux takes \
             60 s and has no setting for it: tcp_fin_timeout rules the wait of an orphan in FIN-WAIT-2 and nothing \
             else. TIME-WAIT does not keep an honest client out: a new SYN from the same port opens a new connection at \
             once. A forged RST with the right sequence number ends it early (TIME-WAIT assassination, RFC 1337), \
             unless tcp_rfc1337 is set. The lab does not wait for 60 s: it reads the timer, and SOCK_DESTROY removes \
             the entry.",
        zh: "先关闭的一方发出了最后的确认,而这个确认没有人再确认。如果它丢失,对方会重传 FIN。TIME-WAIT 就是为了再次确认它;\
             没有 TIME-WAIT,重传的 FIN 会遇到 RST,正常的关闭以错误结束。RFC 9293 要求等待两倍的最大报文段寿命;Linux 用 60 秒,\
             并且没有可调的设置:tcp_fin_timeout 只管 FIN-WAIT-2 中孤儿连接的等待。TIME-WAIT 不会挡住正常的客户端:\
             同一端口来的新 SYN 立即建立新连接。带有正确序号的伪造 RST 会提前结束它(TIME-WAIT 暗杀,RFC 1337),\
             除非设置了 tcp_rfc1337。实验并不等待 60 秒:它读取定时器,用 SOCK_DESTROY 删除该条目。",
    },
    run,
};

/// Nothing more comes of what was sent at once.
const QUIET: Duration = Duration::from_millis(50);

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let hosts @ [client, server] = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    let ends = Ends::new(stage, hosts)?;

    stage.note(Words { en: "the client closes first", zh: "客户端先关闭" })?;
    let port = open_and_close(stage, &ends, First::Client)?;
    let at_client = waiting(stage, port)?;
    duration::countdown(stage, &ends.client, port)?;
    if stage.has_wire() {
        duration::shortened(stage, &ends.client, port)?;
    }
    stage.note(Words { en: "the server closes first", zh: "服务器先关闭" })?;
    let port = open_and_close(stage, &ends, First::Server)?;
    let at_server = waiting(stage, port)?;
    let who = |hosts: &[usize]| hosts.iter().map(|host| stage.host(*host).name().to_owned()).collect::<Vec<_>>();
    let measured = format!("{}; {}", who(&at_client).join(", "), who(&at_server).join(", "));
    stage.finding(
        Words {
            en: "who closes first has TIME-WAIT, the other end is CLOSED",
            zh: "先关闭的一方处于 TIME-WAIT,另一方 CLOSED",
        },
        at_client == [client] && at_server == [server],
        measured,
    );
    let port = early::opened_again(stage, &ends, port)?;
    if stage.has_wire() {
        early::assassinated(stage, &ends, port)?;
        duration::whatever_fin_timeout(stage, &ends.server)?;
        reason::with(stage, &ends)?;
        reason::without(stage, &ends)?;
    }
    Ok(())
}

/// Which end closes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Client,
    Server,
}

/// Opens a connection and closes it, `first` before the other. Gives the client's port.
fn open_and_close(stage: &mut Stage<'_>, ends: &Ends, first: First) -> Result<u16, LabError> {
    let connection = ends.connect(stage)?;
    close(stage, ends, connection, first)
}

fn close(stage: &mut Stage<'_>, ends: &Ends, connection: Connection, first: First) -> Result<u16, LabError> {
    let Connection { client, server, port } = connection;
    let mut order = [(&ends.client, client), (&ends.server, server)];
    if first == First::Server {
        order.reverse();
    }
    for (program, socket) in order {
        stage.call(program, "close()", move || tcp::close(socket))?;
        stage.settle(QUIET)?;
    }
    stage.until("one end is left, in TIME-WAIT", PATIENCE, |stage| {
        let left =
            stage.look().map(|hosts| hosts.into_iter().flatten().filter(connection::of(port)).collect::<Vec<_>>());
        left.is_ok_and(|left| matches!(left.as_slice(), [only] if only.state == Some(State::TimeWait)))
    })?;
    Ok(port)
}

/// The hosts on which the connection of `port` is in TIME-WAIT.
fn waiting(stage: &mut Stage<'_>, port: u16) -> Result<Vec<usize>, LabError> {
    let waits = |socket: &Seen| connection::of(port)(socket) && socket.state == Some(State::TimeWait);
    let hosts = stage.look()?;
    Ok(hosts.iter().enumerate().filter(|(_, sockets)| sockets.iter().any(waits)).map(|(host, _)| host).collect())
}
