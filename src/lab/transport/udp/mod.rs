//! Datagrams: each arrives whole, cut or not at all, and nobody is told (RFC 768).

mod messages;
mod missing;

use std::net::SocketAddr;

use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::topology::Neighbours;
use crate::lab::udp;
use crate::transport::udp::HEADER_BYTES;

/// The lab.
pub const LAB: Lab = Lab {
    name: "udp",
    floor: Floor::Transport,
    on_loopback: true,
    title: Words {
        en: "A datagram arrives whole, cut or not at all",
        zh: "数据报要么完整到达,要么被截断,要么根本不到",
    },
    explanation: Words {
        en: "UDP adds eight bytes to IP: two ports, a length, a checksum. There is no connection, so the first frame \
             carries data. Each send is one datagram and each recv takes one, even an empty one: boundaries are kept, \
             where TCP has none. A recv that asks for less than the datagram holds gets the beginning, and the rest is \
             gone. Nothing is repeated: a datagram that is lost on the wire, or that finds the receive buffer full, is \
             missing, and every send said that all was well. The only news that ever comes back is an ICMP error, and \
             only a connected socket hears it. The largest datagram in IPv4 carries 65,507 bytes, and then it needs \
             many frames.",
        zh: "UDP 在 IP 之上只加八个字节:两个端口、长度和校验和。没有连接,所以第一个帧就带着数据。每次 send 是一个数据报,每次 recv \
             取走一个,空的也算:边界得以保留,而 TCP 没有边界。如果 recv 要的字节比数据报少,只能得到开头,其余的就丢掉了。\
             没有任何重传:在线路上丢失的,或者到达时接收缓冲区已满的数据报就是没了,而每次 send 都报告成功。\
             唯一可能回来的消息是 ICMP 差错,而且只有已连接的套接字才能听到。IPv4 中最大的数据报携带 65,507 字节,那时它需要很多个帧。",
    },
    run,
};

/// The largest IPv4 datagram, 65,535 bytes, without the headers of IPv4 and UDP.
const LARGEST: usize = 65_535 - 20 - HEADER_BYTES;

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let [client, server] = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    stage.watch_states = false;
    let (client, server) = (stage.program(client), stage.program(server));
    let address = SocketAddr::new(stage.address(server.host), stage.port()?);
    let receiver = Endpoint::open(stage, &server, "bind()", move || udp::bind(address))?;
    let sender = Endpoint::open(stage, &client, "socket()", move || udp::socket(address))?;
    let lab = Both { sender, receiver, address };

    messages::boundaries(stage, &lab)?;
    messages::empty(stage, &lab)?;
    messages::truncation(stage, &lab)?;
    if stage.has_wire() {
        missing::loss(stage, &lab)?;
    }
    missing::overflow(stage, &lab, &server)?;
    missing::refused(stage, &client, address.ip())?;
    messages::largest(stage, &lab)
}

/// Frames of a long exchange that stay on the ladder.
const FRAMES: usize = 6;

/// One socket that sends and one that receives.
struct Both<'p> {
    sender: Endpoint<'p>,
    receiver: Endpoint<'p>,
    address: SocketAddr,
}

impl Both<'_> {
    fn send(&self, stage: &mut Stage<'_>, text: &'static str) -> Result<usize, LabError> {
        let address = self.address.into();
        let call = format!("sendto(\"{text}\")");
        needed("sendto", self.sender.call(stage, &call, move |socket| socket.send_to(text.as_bytes(), &address))?)
    }

    fn receive(&self, stage: &mut Stage<'_>) -> Result<String, LabError> {
        let bytes = self.receiver.call(stage, "recv(100)", |socket| udp::receive(socket, 100))?;
        Ok(String::from_utf8_lossy(&needed("recv", bytes)?).into_owned())
    }
}
