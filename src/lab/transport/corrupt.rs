//! One bit turned over on the wire, and whose checksum notices (RFC 9293 §3.1, RFC 768, RFC 791 §3.1).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::kernel::connection::without_checksum;
use crate::lab::connection::Ends;
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::fate::{self, Fate, Passing};
use crate::lab::observation::Words;
use crate::lab::program::told;
use crate::lab::stage::{LabError, PATIENCE, Stage};
use crate::lab::topology::Neighbours;
use crate::lab::{segments, tcp, udp};

/// The lab.
pub const LAB: Lab = Lab {
    name: "corrupt",
    floor: Floor::Transport,
    on_loopback: false,
    title: Words {
        en: "One bit turned over on the wire, and whose checksum notices",
        zh: "线路上翻转一个比特,谁的校验和会发现",
    },
    explanation: Words {
        en: "TCP and UDP carry a checksum over header, data and addresses; IPv4 carries one over its own header. A \
             receiver drops what does not add up and says nothing, it only counts. TCP's sender gets no acknowledgement \
             and repeats, so the program sees nothing but a delay. UDP's datagram is gone. A UDP sender may leave the \
             checksum out (SO_NO_CHECK; the field is 0): then the damaged bytes reach the program. (On Ethernet the \
             frame has a CRC besides, which network cards check before anybody sees the frame; this wire has none.) The \
             sum has 16 bits and finds every single turned bit, but not all damage: who must be sure adds a hash.",
        zh: "TCP 和 UDP 的校验和覆盖首部、数据和地址;IPv4 的校验和只覆盖自己的首部。接收方丢弃对不上的包,不作任何声明,只是计数。\
             TCP 发送方得不到确认就重传,所以程序只感到延迟。UDP 的数据报就此消失。UDP 发送方可以不用校验和(SO_NO_CHECK,\
             该字段为 0):这时损坏的字节会交给程序。(以太网帧另有 CRC,由网卡在任何人看到帧之前检查;这条线路没有。)\
             校验和只有 16 位,能发现任何单个比特的翻转,但不能发现所有损坏:需要确信的人要另加散列。",
    },
    run,
};

/// Nothing more comes of what was sent at once; a kernel may hold an acknowledgement back for 200 ms.
const QUIET: Duration = Duration::from_millis(300);
/// The bit that makes `O` an `o`, in the last byte of a frame.
const LAST_LETTER: u32 = 5;
/// A bit of the time to live in a frame that carries five bytes over UDP: 14 bytes of Ethernet and 8 of IPv4 before
/// it, 24 bytes behind it.
const TIME_TO_LIVE: u32 = 24 * 8;

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let hosts = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    let ends = Ends::new(stage, hosts)?;
    // Nothing is closed before the end: the frames of that are another lab's.
    let _open = segment(stage, &ends)?;
    datagrams(stage, hosts)
}

/// The next frame with data of this host meets the fate.
fn next_of(stage: &mut Stage<'_>, host: usize, fate: Fate) {
    let data = move |frame: &Passing<'_>| frame.from == host && segments::payload(frame.layers) > 0;
    stage.rule(fate::nth(1, data, fate));
}

fn segment<'e>(stage: &mut Stage<'_>, ends: &'e Ends) -> Result<[Endpoint<'e>; 2], LabError> {
    stage.note(Words {
        en: "TCP: a bit of the last letter is turned over", zh: "TCP:最后一个字母的一个比特翻转"
    })?;
    let [client, server] = ends.connect(stage)?.endpoints(ends);
    next_of(stage, ends.client.host, Fate::Corrupt(LAST_LETTER));
    let (from, before) = (stage.frames(), stage.counters(ends.server.host)?);
    tcp::needed("send", client.call(stage, "send(\"HELLO\")", |socket| socket.send(b"HELLO"))?)?;
    let read = server.call(stage, "recv()", |socket| udp::receive(socket, 100))?;
    stage.settle(QUIET)?;
    let dropped = stage.counters(ends.server.host)?.grown(&before, "TcpInCsumErrors");
    let copies = ends.segments(stage, from).iter().filter(|segment| segment.length > 0).count();
    stage.finding(
        Words {
            en: "TCP: the receiver drops and counts it, the sender repeats it, the program reads it whole",
            zh: "TCP:接收方丢弃并计数,发送方重传,程序读到完好的数据",
        },
        dropped == 1 && copies >= 2 && read.as_ref().is_ok_and(|bytes| bytes == b"HELLO"),
        format!("TcpInCsumErrors +{dropped}, {copies} copies, {}", told(&read)),
    );
    Ok([client, server])
}

fn datagrams(stage: &mut Stage<'_>, [client, server]: [usize; 2]) -> Result<(), LabError> {
    let address = SocketAddr::new(stage.address(server), stage.port()?);
    let (client_program, server_program) = (stage.program(client), stage.program(server));
    stage.note(Words { en: "UDP: the same bit", zh: "UDP:同一个比特" })?;
    let receiver = Endpoint::open(stage, &server_program, "bind()", move || udp::bind(address))?;
    let sender = Endpoint::open(stage, &client_program, "connect()", move || udp::connect(address))?;
    let ends = (&sender, &receiver);
    dropped(
        stage,
        ends,
        LAST_LETTER,
        "UdpInCsumErrors",
        Words {
            en: "UDP: the receiver drops and counts it, nobody repeats it", zh: "UDP:接收方丢弃并计数,没有人重传"
        },
    )?;

    stage.note(Words { en: "IPv4: a bit of the time to live", zh: "IPv4:生存时间的一个比特" })?;
    dropped(
        stage,
        ends,
        TIME_TO_LIVE,
        "IpInHdrErrors",
        Words {
            en: "IPv4's own checksum notices a damaged header: dropped, whatever it carries",
            zh: "IPv4 自己的校验和发现首部损坏:丢弃,不论里面是什么",
        },
    )?;

    stage.note(Words { en: "UDP without a checksum: SO_NO_CHECK", zh: "不带校验和的 UDP:SO_NO_CHECK" })?;
    let set = sender.call(stage, "setsockopt(SO_NO_CHECK)", |socket| Ok::<(), io::Error>(without_checksum(socket)?))?;
    tcp::needed("setsockopt", set)?;
    let (dropped, read) = two(stage, ends, LAST_LETTER, "UdpInCsumErrors")?;
    stage.finding(
        Words {
            en: "without a checksum nobody notices: the damaged bytes reach the program",
            zh: "没有校验和就没有人发现:损坏的字节交给了程序",
        },
        dropped == 0 && read == b"HELLo",
        format!("UdpInCsumErrors +{dropped}, the program reads {}", told(&Ok::<_, io::Error>(read))),
    );
    Ok(())
}

/// Of two datagrams the first, with this bit turned over, is dropped and counted.
fn dropped(
    stage: &mut Stage<'_>,
    ends: (&Endpoint<'_>, &Endpoint<'_>),
    bit: u32,
    counter: &str,
    statement: Words,
) -> Result<(), LabError> {
    let (dropped, read) = two(stage, ends, bit, counter)?;
    let measured = format!("{counter} +{dropped}, the program reads {}", told(&Ok::<_, io::Error>(read.clone())));
    stage.finding(statement, dropped == 1 && read == b"again", measured);
    Ok(())
}

/// Sends two datagrams, of which the first has this bit turned over, and reads one: by how much the counter grew, and
/// what was read.
fn two(
    stage: &mut Stage<'_>,
    (sender, receiver): (&Endpoint<'_>, &Endpoint<'_>),
    bit: u32,
    counter: &str,
) -> Result<(u64, Vec<u8>), LabError> {
    next_of(stage, sender.program().host, Fate::Corrupt(bit));
    let host = receiver.program().host;
    let (frames, before) = (stage.frames(), stage.counters(host)?);
    tcp::needed("send", sender.call(stage, "send(\"HELLO\")", |socket| socket.send(b"HELLO"))?)?;
    tcp::needed("send", sender.call(stage, "send(\"again\")", |socket| socket.send(b"again"))?)?;
    let both = frames.saturating_add(2);
    stage.until("two datagrams on the wire", PATIENCE, |stage| stage.frames() >= both)?;
    let read = tcp::needed("recv", receiver.call(stage, "recv()", |socket| udp::receive(socket, 100))?)?;
    let grown = stage.counters(host)?.grown(&before, counter);
    Ok((grown, read))
}
