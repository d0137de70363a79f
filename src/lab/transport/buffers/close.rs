//! A connection whose reader sleeps: how much `send()` takes, and what becomes of it after `close()`.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::Socket;

use super::{Limits, fill, limits, on_the_way, port};
use crate::lab::connection;
use crate::lab::endpoint::Endpoint;
use crate::lab::observation::Words;
use crate::lab::program::Program;
use crate::lab::stage::{LabError, Stage};
use crate::lab::states;
use crate::lab::tcp::{self, needed};
use crate::transport::states::State;

pub(super) fn with_data_queued(
    stage: &mut Stage<'_>,
    client: Endpoint<'_>,
    before: Limits,
    server: &Program,
) -> Result<(), LabError> {
    stage.note(Words { en: "the socket is connected; the reader sleeps", zh: "套接字已连接;读者在睡觉" })?;
    let address = SocketAddr::new(stage.address(server.host), stage.port()?);
    let listener = Endpoint::open(stage, server, "listen(1)", move || tcp::listen(address, 1))?;
    needed("connect", client.call(stage, "connect()", move |socket| socket.connect(&address.into()))?)?;
    let reader = listener.accept(stage)?;
    let after = limits(stage, &client)?;
    stage.finding(
        Words { en: "connected, the kernel raises the limit by itself", zh: "连接之后,内核自行调高上限" },
        after.send > before.send,
        format!("SO_SNDBUF {} → {}", before.send, after.send),
    );

    let hosts = [client.program().host, server.host];
    let port = port(&client)?;
    let taken = needed("send", client.call(stage, "send() until no more is taken", fill)?)?;
    stage.settle(Duration::from_millis(50))?;
    let [unread, unacknowledged] = on_the_way(stage, hosts, port)?;
    stage.finding(
        Words {
            en: "send() takes bytes that nobody reads: they are in the two buffers, all of them",
            zh: "没有人读取,send() 也收下字节:它们全在两个缓冲区里",
        },
        taken > 8192 && taken as u64 == u64::from(unread) + u64::from(unacknowledged) && unread > 0,
        format!("{taken} = {unread} there + {unacknowledged} here"),
    );

    stage
        .note(Words { en: "the client closes, then the server reads", zh: "客户端关闭,然后服务器读取" })?;
    client.close(stage)?;
    let seen = stage.look()?;
    let left = seen.get(hosts[0]).into_iter().flatten().filter(|socket| connection::of(port)(socket));
    let left: Vec<State> = left.filter_map(|socket| socket.state).collect();
    let read = needed("recv", reader.call(stage, "recv() until the end", read_to_end)?)?;
    stage.finding(
        Words {
            en: "close() returns at once, the kernel stays in FIN-WAIT-1 and delivers all",
            zh: "close() 立即返回,内核停留在 FIN-WAIT-1 并全部送达",
        },
        left == [State::FinWait1] && read == taken,
        format!("{}, {read} of {taken} bytes", states::names(&left)),
    );
    Ok(())
}

/// Reads until the peer's end; how many bytes came.
fn read_to_end(mut socket: &Socket) -> io::Result<usize> {
    let mut buffer = vec![0; 65_536];
    let mut read = 0;
    loop {
        match socket.read(&mut buffer)? {
            0 => return Ok(read),
            bytes => read += bytes,
        }
    }
}
