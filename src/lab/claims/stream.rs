//! What the articles say of sticky packets: where one message ends in a stream of bytes.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use socket2::Socket;

use super::claim::Article::{A0, A1, A3, A4};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::{Local, NOTHING, arrived, readable, receive, told};
use super::wire::QUIET;
use crate::application::frames;
use crate::lab::connection::{Connection, Ends};
use crate::lab::fate::{Fate, every};
use crate::lab::observation::Words;
use crate::lab::program::failed_with;
use crate::lab::stage::LabError;
use crate::lab::tcp::needed;
use crate::lab::topology::Neighbours;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "only-tcp-sticks",
        articles: &[A0, A3],
        statement: Words { en: "Only TCP has sticky packets.", zh: "只有 TCP 有粘包现象。" },
        expected: Expected::Refuted,
        why: Words {
            en: "Every stream of bytes has none but the ends that programs put in: pipes and local stream sockets glue \
                 messages just the same.",
            zh: "任何字节流都没有消息边界,除非程序自己加上:管道和本地流套接字同样会粘包。",
        },
        attempt: who_sticks,
    },
    Claim {
        id: "late-reader-gets-all",
        articles: &[A1, A4],
        statement: Words {
            en: "A reader that comes late gets several messages in one recv().",
            zh: "接收方读取不及时,一次 recv() 会收到多条消息。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "The receive buffer holds bytes, not messages; recv() gives what is there.",
            zh: "接收缓冲区里只有字节,没有消息;recv() 有多少给多少。",
        },
        attempt: late_reader,
    },
    Claim {
        id: "short-recv-splits",
        articles: &[A1],
        statement: Words {
            en: "\"abc\" sent three times may be read as \"abcab\" and \"cabc\".",
            zh: "三次发送\"abc\",可能读成\"abcab\"和\"cabc\"。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "recv(5) takes five bytes, wherever a message ends.",
            zh: "recv(5) 取五个字节,不管消息在哪里结束。",
        },
        attempt: short_reads,
    },
    Claim {
        id: "empty-send-is-nothing",
        articles: &[A0],
        statement: Words { en: "An empty message cannot be sent over TCP.", zh: "TCP 无法发送空消息。" },
        expected: Expected::Holds,
        why: Words {
            en: "send() of nothing returns 0 and the peer sees nothing; an empty recv() would mean the end.",
            zh: "发送空数据返回 0,对方什么也看不到;recv() 得到空数据意味着连接结束。",
        },
        attempt: empty_send,
    },
    Claim {
        id: "length-prefix-cures",
        articles: &[A0, A4, A3],
        statement: Words {
            en: "A length of four bytes in front of each message, and a loop until it is complete, keep messages apart.",
            zh: "在每条消息前加四字节长度,并循环接收到完整为止,就能区分消息。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "Boundaries are the program's matter. It works however the bytes arrive, here one at a time.",
            zh: "边界由程序自己负责。无论字节怎样到达都有效,这里是一次一个字节。",
        },
        attempt: length_prefix,
    },
    Claim {
        id: "recv-4-is-4",
        articles: &[A0, A1, A3],
        statement: Words {
            en: "recv(4) reads the four bytes of a length.", zh: "recv(4) 能读到完整的四字节长度。"
        },
        expected: Expected::HoldsWhen(Words {
            en: "all four have arrived already, or MSG_WAITALL is set",
            zh: "四个字节都已到达,或者设置了 MSG_WAITALL",
        }),
        why: Words {
            en: "recv() gives what is there and at most so many. The rest of a header may come with the next segment.",
            zh: "recv(n) 只是最多读 n 个字节,有多少给多少。首部的其余部分可能在下一个报文段里。",
        },
        attempt: four_bytes,
    },
    Claim {
        id: "gone-means-empty",
        articles: &[A0, A4],
        statement: Words {
            en: "When the client is gone, recv() on Linux returns nothing (an empty message).",
            zh: "在 Linux 上,客户端断开后 recv() 会收到空数据。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "it closed in order (FIN); after a RST recv() fails, and after silence it just waits",
            zh: "客户端正常关闭(FIN);收到 RST 时 recv() 报错,无声消失时则一直等待",
        }),
        why: Words {
            en: "A FIN is the end of the stream. A reset is ECONNRESET on Linux too. A cable that was pulled says nothing: only \
                 keepalive or a time-out notices.",
            zh: "FIN 表示流结束。RST 在 Linux 上同样是 ECONNRESET。拔掉网线则毫无动静,只有 keepalive 或超时才能发现。",
        },
        attempt: client_gone,
    },
];

/// What one read gives of three writes of "abc".
fn one_read((mut reader, mut writer): (impl Read, impl Write)) -> Result<usize, LabError> {
    for _ in 0..3 {
        needed("write", writer.write_all(b"abc"))?;
    }
    needed("read", reader.read(&mut [0; 100]))
}

fn who_sticks(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let pipe = one_read(needed("pipe", io::pipe())?)?;
        let unix = one_read(needed("socketpair", UnixStream::pair())?)?;
        let tcp = late(&Local::new(place)?)?.len();
        let measured = format!("3 × 3 B, read: pipe {pipe}, AF_UNIX {unix}, TCP {tcp}");
        Ok(Found::sides([pipe, unix].iter().all(|read| *read == 3), [pipe, unix, tcp] == [9; 3], measured))
    })
}

/// What the first `recv()` gives when "abc" has arrived three times.
fn late(Local { client, server, .. }: &Local) -> Result<Vec<u8>, LabError> {
    for _ in 0..3 {
        needed("send", client.send(b"abc"))?;
    }
    arrived(server, 9)?;
    needed("recv", receive(server, 100))
}

fn text(bytes: &[u8]) -> String {
    format!("\"{}\"", String::from_utf8_lossy(bytes))
}

fn late_reader(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let read = late(&Local::new(place)?)?;
        Ok(Found::whether(read == b"abcabcabc", format!("3 × send(\"abc\"); recv(100): {}", text(&read))))
    })
}

fn short_reads(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::new(place)?;
        for _ in 0..3 {
            needed("send", client.send(b"abc"))?;
        }
        arrived(&server, 9)?;
        let [first, second] = [receive(&server, 5), receive(&server, 5)];
        let (first, second) = (needed("recv", first)?, needed("recv", second)?);
        let measured = format!("recv(5): {}, {}", text(&first), text(&second));
        Ok(Found::whether(first == b"abcab" && second == b"cabc", measured))
    })
}

fn empty_send(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::new(place)?;
        let sent = client.send(b"");
        let seen = readable(&server, NOTHING);
        needed("send", client.send(b"x"))?;
        let next = needed("recv", receive(&server, 100))?;
        let nothing = sent.as_ref().is_ok_and(|sent| *sent == 0) && !seen && next == b"x";
        let returned = sent.map_or_else(|error| told::<()>(&Err(error)), |sent| sent.to_string());
        Ok(Found::whether(nothing, format!("send(\"\"): {returned}; peer: -; send(\"x\"); peer: {}", text(&next))))
    })
}

fn length_prefix(ground: Ground) -> Result<Found, Untried> {
    const MESSAGES: [&[u8]; 3] = [b"abc", b"", b"a longer one"];
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::new(place)?;
        let mut bytes = Vec::new();
        for message in MESSAGES {
            bytes.extend(frames::frame(message).unwrap_or_default());
        }
        let total = bytes.len();
        let writer = thread::spawn(move || -> io::Result<Socket> {
            client.set_tcp_nodelay(true)?;
            bytes.iter().try_for_each(|byte| client.send(&[*byte]).map(drop))?;
            Ok(client)
        });
        let mut read = Vec::new();
        for _ in MESSAGES {
            let frame = frames::read(&mut &server, 100);
            read.push(frame.ok().flatten().unwrap_or_default());
        }
        let _kept = writer.join();
        let lengths: Vec<usize> = read.iter().map(Vec::len).collect();
        Ok(Found::whether(read == MESSAGES, format!("{total} × send(1 B) → {lengths:?} B")))
    })
}

fn four_bytes(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::new(place)?;
        needed("send", client.send(&[0]))?;
        let early = needed("recv", receive(&server, 4))?.len();
        needed("send", client.send(&[0, 0, 0, 7]))?;
        arrived(&server, 4)?;
        let whole = needed("recv", receive(&server, 4))?.len();
        needed("send", client.send(&[0]))?;
        arrived(&server, 1)?;
        let writer = thread::spawn(move || client.send(&[0, 0, 7]).map(|_| client));
        let mut buffer = [0; 4];
        let waited = needed("recv", (&server).read_exact(&mut buffer).map(|()| buffer.len()))?;
        let _kept = writer.join();
        let measured = format!("1 B there: {early}; 4 B there: {whole}; 1 + 3, loop: {waited}");
        Ok(Found::sides(whole == 4 && waited == 4, early == 1, measured))
    })
}

fn client_gone(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        let ends = Ends::new(stage, hosts)?;
        let mut ended = |cut: bool, how: fn(Socket) -> io::Result<()>| -> Result<io::Result<Vec<u8>>, LabError> {
            let Connection { client, server, .. } = ends.connect(stage)?;
            if cut {
                stage.rule(every(|_| true, Fate::Drop));
            }
            needed("close", stage.call(&ends.client, "close()", move || how(client))?)?;
            stage.settle(QUIET)?;
            needed("setsockopt", server.set_read_timeout(Some(NOTHING + Duration::from_millis(200))))?;
            Ok(receive(&server, 100))
        };
        let close = |client: Socket| {
            drop(client);
            Ok(())
        };
        let in_order = ended(false, close)?;
        let reset = ended(false, |client| client.set_linger(Some(Duration::ZERO)))?;
        let silent = ended(true, close)?;
        let empty = in_order.as_ref().is_ok_and(Vec::is_empty);
        let first = in_order.as_ref().map_or_else(|_| told(&in_order), |read| text(read));
        let measured = format!("FIN: {first}; RST: {}; cable cut, 0.5 s: {}", told(&reset), told(&silent));
        let contrary = failed_with(&reset, Errno::ECONNRESET) && failed_with(&silent, Errno::EAGAIN);
        Ok(Found::sides(empty, contrary, measured))
    })
}
