//! The socket interface: which kinds of sockets there are, and every call with what it returns.

mod calls;
mod errors;
mod kinds;

use std::net::SocketAddr;

use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::program::Program;
use crate::lab::stage::{LabError, Stage};
use crate::lab::topology::Neighbours;

/// The lab.
pub const LAB: Lab = Lab {
    name: "sockets",
    floor: Floor::Application,
    on_loopback: true,
    title: Words {
        en: "The socket calls, one by one, and what each returns", zh: "逐个套接字调用,以及各自返回什么"
    },
    explanation: Words {
        en: "A socket has a family (INET, INET6, UNIX) and a type. STREAM is bytes in order, DGRAM is messages, \
             SEQPACKET is both in one, RAW is for protocols of one's own and needs a capability; RDM exists in none of \
             these families. A server calls bind, listen and accept, a client connect; each end can be asked for both \
             names. send may take less than it is given, sendall goes on until all is gone. A call fails with an errno: \
             a number that says what happened, whether a language returns it (connect_ex) or raises it. A socket that \
             must not block says EAGAIN where it would wait, and a timeout does the same after a while. A listening \
             socket accepts and does nothing else.",
        zh: "套接字有地址族(INET、INET6、UNIX)和类型。STREAM 是有序的字节,DGRAM 是消息,SEQPACKET 两者兼有,RAW 用于自己的协议,\
             需要特权;RDM 在这些地址族里都不存在。服务器调用 bind、listen、accept,客户端调用 connect;每一端都可以查询双方的名字。\
             send 可能只取走一部分,sendall 会一直发到全部发完。调用失败时给出 errno:说明原因的数字,有的语言返回它(connect_ex),\
             有的抛出异常。非阻塞的套接字在本来要等待的地方给出 EAGAIN,设置了超时的则过一会再给出。监听套接字只能 accept,别的都不行。",
    },
    run,
};

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let [client, server] = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    stage.watch_states = false;
    let address = SocketAddr::new(stage.address(server), stage.port()?);
    let programs = Programs { client: stage.program(client), server: stage.program(server), address };
    kinds::matrix(stage, &programs.client)?;
    kinds::raw(stage, client)?;
    kinds::sequenced(stage, &programs.client)?;
    calls::datagrams(stage, &programs)?;
    let connection = calls::connection(stage, &programs)?;
    calls::options(stage, &connection)?;
    calls::send_all(stage, &connection)?;
    errors::waiting(stage, &connection)?;
    errors::listener(stage, &connection)?;
    errors::refused(stage, &programs)?;
    errors::closed(stage, &programs.client)
}

/// The programs, and where the server is.
struct Programs {
    client: Program,
    server: Program,
    address: SocketAddr,
}
