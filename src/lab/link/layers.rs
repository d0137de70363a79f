//! One message, wrapped on its way down and unwrapped on its way up: what each layer adds (RFC 1122 section 1.1.3).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::bytes::Silent;
use crate::dissect::{Data, Header, Layer, Origin, dissect};
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::fate::{self, Fate, Passing};
use crate::lab::observation::Words;
use crate::lab::stage::{LabError, Stage};
use crate::lab::topology::Neighbours;
use crate::lab::{tcp, udp};

/// The lab.
pub const LAB: Lab = Lab {
    name: "layers",
    floor: Floor::Link,
    on_loopback: false,
    title: Words {
        en: "One message, wrapped on the way down and unwrapped on the way up",
        zh: "一条消息,向下逐层封装,向上逐层解开",
    },
    explanation: Words {
        en: "A program hands its kernel five bytes. The transport layer puts its header in front: the ports, that is which \
             program. The internet layer puts its own in front of that: the addresses, that is which host. The link \
             layer puts its own in front again: which interface on this wire. Nobody looks inside what it was given; \
             each header only says what kind of thing comes next, by a number: type 0x0800 is IPv4, protocol 17 is UDP, \
             6 is TCP, and the port names the program. The receiver takes the headers off from the outside in, and its \
             program gets five bytes. These are the layers of TCP/IP: application, transport, internet, link; with the \
             physical layer below, which is the wire, they are counted as five. The OSI model counts seven, with \
             session and presentation between application and transport: here no header belongs to them, because \
             programs do that work themselves.",
        zh: "程序交给内核五个字节。传输层在前面加上自己的首部:端口,即哪个程序。网际层再在前面加上自己的首部:地址,即哪台主机。\
             链路层又在前面加上自己的首部:这条线上的哪个接口。谁也不看交给它的内容;每个首部只用一个编号说明接下来是什么:\
             类型 0x0800 是 IPv4,协议 17 是 UDP,6 是 TCP,端口指明程序。接收方从外到内逐个取下首部,程序得到五个字节。\
             这就是 TCP/IP 的各层:应用、传输、网际、链路;加上下面的物理层(线路本身)就是五层。OSI 模型有七层,\
             在应用与传输之间还有会话层和表示层:这里没有属于它们的首部,这些工作由程序自己完成。",
    },
    run,
};

const MESSAGE: &[u8] = b"hello";
/// Longer than a kernel takes to send what it has.
const QUIET: Duration = Duration::from_millis(20);

fn run(stage: &mut Stage<'_>, _: &Parameters) -> Result<(), LabError> {
    let [client, server] = stage.pair(Neighbours::Known)?;
    stage.rule(fate::every(carries_the_message, Fate::Hold));
    let datagram = by_udp(stage, client, server)?;
    let segment = by_tcp(stage, client, server)?;
    check(stage, &datagram, &segment);
    Ok(())
}

fn carries_the_message(frame: &Passing<'_>) -> bool {
    frame.bytes.ends_with(MESSAGE)
}

/// A message on its way.
struct Journey {
    layers: Vec<Layer>,
    /// The frame, from its first byte to its last.
    frame: Vec<u8>,
    received: Vec<u8>,
}

impl Journey {
    /// The headers and the message, from the outside in: name, and bytes of its own.
    fn parts(&self) -> Vec<(&'static str, usize)> {
        let name = |header: &Header| if let Header::Data(Data::Payload) = header { "message" } else { header.name() };
        self.layers.iter().map(|layer| (name(&layer.header), layer.bytes.len())).collect()
    }

    fn sum(&self) -> String {
        let parts: Vec<String> = self.parts().iter().rev().map(|(name, bytes)| format!("{name} {bytes}")).collect();
        format!("{} = {} bytes", parts.join(" + "), self.frame.len())
    }
}

fn by_udp(stage: &mut Stage<'_>, client: usize, server: usize) -> Result<Journey, LabError> {
    let address = SocketAddr::new(stage.address(server), stage.port()?);
    let (sender, receiver) = (stage.program(client), stage.program(server));
    let socket = tcp::needed("bind", stage.call(&receiver, "bind()", move || udp::bind(address))?)?;
    stage.note(Words {
        en: "by UDP: on the way down each layer puts its header in front",
        zh: "用 UDP:向下时每一层都在前面加上自己的首部",
    })?;
    let sent =
        stage.call(&sender, "sendto(\"hello\")", move || udp::socket(address)?.send_to(MESSAGE, &address.into()))?;
    tcp::needed("sendto", sent)?;
    let (layers, frame) = down(stage, client)?;
    stage.note(Words {
        en: "on the way up each layer takes its header off", zh: "向上时每一层都取下自己的首部"
    })?;
    stage.release()?;
    up(stage, server, &layers)?;
    let received = stage.call(&receiver, "recv()", move || udp::receive(&socket, 100))?;
    Ok(Journey { layers, frame, received: tcp::needed("recv", received)? })
}

fn by_tcp(stage: &mut Stage<'_>, client: usize, server: usize) -> Result<Journey, LabError> {
    let address = SocketAddr::new(stage.address(server), stage.port()?);
    let (sender, receiver) = (stage.program(client), stage.program(server));
    stage.note(Words { en: "by TCP: first a connection", zh: "用 TCP:先建立连接" })?;
    let listener = tcp::needed("listen", stage.call(&receiver, "listen(1)", move || tcp::listen(address, 1))?)?;
    let listener = Arc::new(listener);
    let accepting = {
        let listener = Arc::clone(&listener);
        stage.begin(&receiver, "accept()", move || tcp::accept(&listener))?
    };
    let socket = tcp::needed("connect", stage.call(&sender, "connect()", move || tcp::connect(address))?)?;
    let accepted = tcp::needed("accept", stage.finish(accepting)?)?;
    stage.settle(QUIET)?;
    stage.note(Words {
        en: "another transport layer, another header; the others do not notice",
        zh: "换了传输层,换了一个首部;其余各层并不察觉",
    })?;
    let (socket, _) = stage.call(&sender, "send(\"hello\")", move || tcp::send(socket, MESSAGE))?;
    let (layers, frame) = down(stage, client)?;
    stage.release()?;
    up(stage, server, &layers)?;
    let (accepted, received) = stage.call(&receiver, "recv()", move || tcp::receive(accepted, 100))?;
    stage.settle(QUIET)?;
    drop((socket, accepted, listener));
    Ok(Journey { layers, frame, received: tcp::needed("recv", received)? })
}

/// Waits for the frame on the wire and tells how it grew, from the inside out.
fn down(stage: &mut Stage<'_>, host: usize) -> Result<(Vec<Layer>, Vec<u8>), LabError> {
    stage.until("the message on the wire", stage.patience, |stage| stage.held() > 0)?;
    let frame = stage.observation.frames().last().map(|frame| frame.bytes.clone()).unwrap_or_default();
    let mut layers = Vec::new();
    dissect(&Origin::ethernet(&frame), &frame, Silent, &mut layers);
    for layer in layers.iter().rev() {
        let bytes = frame.len().saturating_sub(layer.bytes.start as usize);
        stage.fact(host, format!("{} {bytes} bytes", told(layer)))?;
    }
    Ok((layers, frame))
}

/// Tells how the frame shrinks at its receiver, from the outside in.
fn up(stage: &mut Stage<'_>, host: usize, layers: &[Layer]) -> Result<(), LabError> {
    let end = layers.last().map_or(0, |layer| layer.bytes.end);
    for layer in layers {
        stage.fact(host, format!("{} {} bytes", told(layer), end.saturating_sub(layer.bytes.start)))?;
    }
    Ok(())
}

/// A layer with its number in the OSI model, which people say even where they use TCP/IP.
fn told(layer: &Layer) -> &'static str {
    match layer.header {
        Header::Ethernet(_) => "2 link: Ethernet,",
        Header::Ipv4(_) => "3 internet: IPv4,",
        Header::Udp(_) => "4 transport: UDP,",
        Header::Tcp(_) => "4 transport: TCP,",
        _ => "7 application:",
    }
}

fn check(stage: &mut Stage<'_>, datagram: &Journey, segment: &Journey) {
    let names = |journey: &Journey| journey.parts().iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let order = names(datagram);
    stage.finding(
        Words {
            en: "from the outside in: link, internet, transport, message", zh: "从外到内:链路、网际、传输、消息"
        },
        order == ["Ethernet", "IPv4", "UDP", "message"],
        order.join(", "),
    );
    let whole =
        |journey: &Journey| journey.parts().iter().map(|(_, bytes)| bytes).sum::<usize>() == journey.frame.len();
    stage.finding(
        Words {
            en: "each layer adds its header and nothing else", zh: "每一层只加上自己的首部,别无其他"
        },
        whole(datagram) && whole(segment),
        datagram.sum(),
    );
    let next = numbers(&datagram.layers);
    stage.finding(
        Words {
            en: "each header names what comes next by a number", zh: "每个首部用一个编号说明接下来是什么"
        },
        next.is_some_and(|(kind, protocol, _)| kind == 0x0800 && protocol == 17),
        next.map_or_else(String::new, |(kind, protocol, port)| {
            format!("type {kind:#06x}, protocol {protocol}, port {port}")
        }),
    );
    let (udp, tcp) = (names(datagram), names(segment));
    let swapped = udp.len() == tcp.len() && udp.iter().zip(&tcp).filter(|(a, b)| a != b).count() == 1;
    stage.finding(
        Words { en: "TCP instead of UDP changes one header", zh: "用 TCP 代替 UDP 只换了一个首部" },
        swapped && tcp.get(2) == Some(&"TCP"),
        segment.sum(),
    );
    let untouched = |journey: &Journey| journey.received == MESSAGE && journey.frame.ends_with(MESSAGE);
    stage.finding(
        Words { en: "the message itself is the same at every layer", zh: "消息本身在每一层都不变" },
        untouched(datagram) && untouched(segment),
        format!("\"{}\"", datagram.received.escape_ascii()),
    );
    stage.finding(
        Words {
            en: "no header belongs to OSI's session and presentation layers",
            zh: "没有属于 OSI 会话层和表示层的首部",
        },
        [datagram, segment].iter().all(|journey| journey.parts().len() == 4),
        format!("{} headers and the message", datagram.parts().len().saturating_sub(1)),
    );
}

/// What the headers say of what is inside them: EtherType, protocol number, destination port.
fn numbers(layers: &[Layer]) -> Option<(u16, u8, u16)> {
    let [
        Layer { header: Header::Ethernet(link), .. },
        Layer { header: Header::Ipv4(ip), .. },
        Layer { header: Header::Udp(udp), .. },
        ..,
    ] = layers
    else {
        return None;
    };
    Some((link.type_or_length, ip.protocol, udp.destination))
}
