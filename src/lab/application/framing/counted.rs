//! The length first: four bytes that say how many follow.

use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, recv};
use socket2::Socket;

use super::{Both, LIMIT};
use crate::application::frames::{self, FrameError, PREFIX_BYTES};
use crate::lab::endpoint::Endpoint;
use crate::lab::observation::Words;
use crate::lab::program::{Outcome, Pending, quoted};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;

type Framed = Result<Option<Vec<u8>>, FrameError>;

/// The frame of a message that is shorter than any limit.
fn frame(message: &[u8]) -> Vec<u8> {
    frames::frame(message).unwrap_or_default()
}

fn begin_receiving(stage: &mut Stage<'_>, server: &Endpoint<'_>) -> Result<Pending<Framed>, LabError> {
    server.begin(stage, "receive_frame()", |mut socket: &Socket| frames::read(&mut socket, LIMIT))
}

fn receive(stage: &mut Stage<'_>, server: &Endpoint<'_>) -> Result<Framed, LabError> {
    let receiving = begin_receiving(stage, server)?;
    stage.finish(receiving)
}

/// The four bytes themselves, which may come one by one.
pub(super) fn prefix(stage: &mut Stage<'_>, Both { client, server }: &Both<'_>) -> Result<(), LabError> {
    stage
        .note(Words {
            en: "the length first, and it comes byte by byte", zh: "先说长度,而长度一个字节一个字节地来"
        })?;
    let length = 5u32.to_be_bytes();
    let [first, others @ ..] = length;
    client.send(stage, "1 byte of 4", [first])?;
    server.wait_for(stage, 1)?;
    let short = server.receive(stage, PREFIX_BYTES)?.len();
    client.send(stage, "3 more bytes", others)?;
    server.wait_for(stage, 3)?;
    let rest = server.receive(stage, PREFIX_BYTES)?.len();
    stage.finding(
        Words {
            en: "recv(4) is content with one byte: a length must be read until all of it is there",
            zh: "recv(4) 得到一个字节就返回:长度必须读到完整为止",
        },
        short == 1 && rest == 3,
        format!("{short} + {rest}"),
    );
    let wait = server.begin(stage, "recv(4, MSG_WAITALL)", |socket: &Socket| -> std::io::Result<usize> {
        Ok(recv(socket.as_raw_fd(), &mut [0; PREFIX_BYTES], MsgFlags::MSG_WAITALL)?)
    })?;
    for byte in length {
        client.send(stage, "1 byte of 4", [byte])?;
    }
    let all = needed("recv", stage.finish(wait)?)?;
    stage.finding(
        Words {
            en: "with MSG_WAITALL recv(4) waits for all four", zh: "带 MSG_WAITALL 的 recv(4) 会等齐四个字节"
        },
        all == PREFIX_BYTES,
        all.to_string(),
    );
    Ok(())
}

/// What the length announces, in pieces and glued.
pub(super) fn body(stage: &mut Stage<'_>, Both { client, server }: &Both<'_>) -> Result<(), LabError> {
    stage.note(Words {
        en: "3000 bytes are announced and come in two pieces", zh: "宣布了 3000 字节,分两段到达"
    })?;
    let message = [b'x'; 3000];
    let framed = frame(&message);
    let (start, rest) = framed.split_at(1000);
    client.send(stage, "the first 1000 bytes", start)?;
    server.wait_for(stage, 1000)?;
    let once = server.receive(stage, LIMIT)?.len();
    client.send(stage, "the rest", rest)?;
    server.wait_for(stage, rest.len())?;
    server.receive(stage, LIMIT)?;

    let receiving = begin_receiving(stage, server)?;
    client.send(stage, "the first 1000 bytes", start)?;
    client.send(stage, "the rest", rest)?;
    let whole = stage.finish(receiving)?;
    stage.finding(
        Words {
            en: "one recv() gives what has arrived; read in a loop until the announced count, the message is whole",
            zh: "一次 recv() 只给出已经到达的;循环读到宣布的数量为止,消息才完整",
        },
        once == 1000 && matches!(&whole, Ok(Some(read)) if read[..] == message),
        format!("{once}, {}", whole.told()),
    );

    stage.note(Words { en: "two messages in one send", zh: "一次发送两条消息" })?;
    client.send(stage, "two frames", [frame(b"hello"), frame(b"world")].concat())?;
    let read = [receive(stage, server)?, receive(stage, server)?];
    let seen = matches!(&read, [Ok(Some(first)), Ok(Some(second))] if first == b"hello" && second == b"world");
    stage.finding(
        Words { en: "glued messages come apart by their lengths", zh: "粘在一起的消息靠长度分开" },
        seen,
        read.map(|message| message.told()).join(", "),
    );
    Ok(())
}

/// Two characters, as text and in the two encodings that Chinese programs meet.
const TEXT: &str = "你好";
/// The same in GBK.
const GBK: [u8; 4] = [0xc4, 0xe3, 0xba, 0xc3];

/// A length that counts characters.
pub(super) fn characters(stage: &mut Stage<'_>, Both { client, server }: &Both<'_>) -> Result<(), LabError> {
    stage.note(Words { en: "two Chinese characters, counted as 2", zh: "“你好”,长度写成 2" })?;
    let count = TEXT.chars().count();
    let wrong = [&(count as u32).to_be_bytes(), TEXT.as_bytes()].concat();
    let sent = wrong.len();
    client.send(stage, "4 + 6 bytes", wrong)?;
    server.wait_for(stage, sent)?;
    let cut = receive(stage, server)?;
    let left = server.receive(stage, LIMIT)?.len();
    stage.note(Words { en: "the same, counted in bytes", zh: "同样的内容,按字节计数" })?;
    client.send(stage, "4 + 6 bytes", frame(TEXT.as_bytes()))?;
    let utf8 = receive(stage, server)?;
    client.send(stage, "4 + 4 bytes, GBK", frame(&GBK))?;
    let gbk = receive(stage, server)?;
    stage.finding(
        Words {
            en: "a length that counts characters cuts the message, and the rest is taken for the next one's length",
            zh: "按字符计数的长度会切断消息,剩下的被当成下一条消息的长度",
        },
        matches!(&cut, Ok(Some(read)) if read[..] == TEXT.as_bytes()[..count] && std::str::from_utf8(read).is_err())
            && left == TEXT.len() - count,
        format!("{}, {left}", cut.told()),
    );
    let lengths = [&utf8, &gbk].map(|read| read.as_ref().ok().and_then(|read| read.as_ref().map(Vec::len)));
    stage.finding(
        Words {
            en: "counted in bytes it is whole: the two characters are 6 bytes in UTF-8 and 4 in GBK",
            zh: "按字节计数就完整了:“你好”在 UTF-8 中是 6 个字节,在 GBK 中是 4 个",
        },
        lengths == [Some(6), Some(4)] && matches!(&utf8, Ok(Some(read)) if read == TEXT.as_bytes()),
        format!("{}, {}", quoted(TEXT.as_bytes()), quoted(&GBK)),
    );
    Ok(())
}

/// Lengths that are not true.
pub(super) fn lies(stage: &mut Stage<'_>, Both { client, server }: Both<'_>) -> Result<(), LabError> {
    stage.note(Words { en: "lengths that are not true", zh: "不真实的长度" })?;
    client.send(stage, "ff ff ff ff", [0xff; PREFIX_BYTES])?;
    let refused = receive(stage, &server)?;
    stage.finding(
        Words {
            en: "4 GiB announced: refused at once by the receiver's limit, and nothing reserved",
            zh: "宣布 4 GiB:超过接收方的上限,立即拒绝,不预留任何空间",
        },
        matches!(refused, Err(FrameError::TooLong { length: 0xffff_ffff, limit: LIMIT })),
        refused.as_ref().map_or_else(ToString::to_string, |_| refused.told()),
    );
    let receiving = begin_receiving(stage, &server)?;
    client.send(stage, "100 announced, 10 bytes", [&100u32.to_be_bytes()[..], b"only these"].concat())?;
    client.close(stage)?;
    let cut = stage.finish(receiving)?;
    stage.finding(
        Words {
            en: "a peer that leaves in the middle is an error, not a short message",
            zh: "对方中途离开是错误,而不是一条较短的消息",
        },
        matches!(cut, Err(FrameError::Cut { need: 100, have: 10 })),
        cut.told(),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_characters_are_these_bytes_in_an_encoder_that_is_not_ours() {
        let (bytes, _, unmappable) = encoding_rs::GBK.encode(TEXT);
        assert_eq!((&bytes[..], unmappable), (&GBK[..], false));
        assert_eq!(TEXT.len(), 6);
    }
}
