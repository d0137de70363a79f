//! A handshake whose last acknowledgement finds the queue full: the client is connected, and the server knows nothing.

use std::io;

use socket2::Socket;

use super::{QUIET, Queue};
use crate::kernel::sysctl;
use crate::lab::fate::{Gate, Passing};
use crate::lab::observation::Words;
use crate::lab::program::Outcome;
use crate::lab::segments;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp;
use crate::transport::states::State;
use crate::transport::tcp::Flags;

impl Queue {
    pub(super) fn ghost(&mut self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        stage.note(Words {
            en: "room for one; the last ACK of its handshake is held on the wire",
            zh: "腾出一个位置;它的握手的最后一个 ACK 被扣在线上",
        })?;
        self.open.push(self.accept(stage)?);
        let before = stage.counters(self.hosts[1])?;
        let gate = Gate::default();
        stage.rule(gate.rule(acknowledgements_of_one(self.hosts[0])));
        let ghost = self.connect(stage)?;
        let port = tcp::needed("getsockname", ghost.local_addr())?.as_socket().map_or(0, |own| own.port());
        stage.until("the last acknowledgement", stage.patience, |stage| stage.held() > 0)?;

        stage.note(Words {
            en: "meanwhile somebody else takes the place", zh: "在此期间,别人占了这个位置"
        })?;
        let filler = self.connect(stage)?;
        self.open.push(filler);
        stage.settle(QUIET)?;

        stage.note(Words { en: "and now the held ACK arrives", zh: "现在被扣下的 ACK 到达" })?;
        gate.open();
        stage.release()?;
        stage.settle(QUIET)?;
        let client = self.clients_in(stage, 0, State::Established)?.contains(&port);
        let server = self.clients_in(stage, 1, State::SynReceived)?.contains(&port);
        let ignored = stage.counters(self.hosts[1])?.grown(&before, "TcpExtListenOverflows");
        stage.finding(
            Words {
                en: "an ACK that finds the queue full is ignored: ESTABLISHED here, SYN-RECEIVED there",
                zh: "遇到队列已满的 ACK 被忽略:这边 ESTABLISHED,那边 SYN-RECEIVED",
            },
            client && server && ignored > 0,
            format!("ListenOverflows +{ignored}"),
        );
        self.abort(stage, ghost, port)
    }

    /// The server's kernel repeats its SYN+ACK, as it waits for an acknowledgement still; the next one is refused.
    fn abort(&self, stage: &mut Stage<'_>, ghost: Socket, port: u16) -> Result<(), LabError> {
        stage.note(Words {
            en: "tcp_abort_on_overflow = 1: now the server's kernel speaks",
            zh: "tcp_abort_on_overflow = 1:现在服务器内核明说没有位置",
        })?;
        stage.host(self.hosts[1]).run(|| sysctl::write("net.ipv4.tcp_abort_on_overflow", "1"))?;
        let (_ghost, read) = stage.call(&self.client, "recv()", move || tcp::receive(ghost, 100))?;
        let segments = segments::of(&stage.observation, self.hosts[0], self.hosts[1]);
        let reset = segments.iter().any(|one| one.destination == port && one.flags.contains(Flags::RST));
        let reset_seen = matches!(&read, Err(error) if error.kind() == io::ErrorKind::ConnectionReset);
        stage.finding(
            Words {
                en: "with tcp_abort_on_overflow=1 it is answered by RST: the client reads ECONNRESET",
                zh: "tcp_abort_on_overflow=1 时以 RST 应答:客户端读到 ECONNRESET",
            },
            reset && reset_seen,
            read.told(),
        );
        Ok(())
    }
}

/// The pure acknowledgements of that one of `client`'s connections that is the first to send one.
fn acknowledgements_of_one(client: usize) -> impl FnMut(&Passing<'_>) -> bool {
    let mut ghost = None;
    move |frame| {
        let tcp = segments::header(frame.layers).filter(|tcp| frame.from == client && tcp.flags == Flags::ACK);
        tcp.is_some_and(|tcp| *ghost.get_or_insert(tcp.source) == tcp.source)
    }
}
