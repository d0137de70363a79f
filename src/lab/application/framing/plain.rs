//! No framing at all, and answers in place of it.

use super::Both;
use crate::lab::observation::Words;
use crate::lab::program::quoted;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;

/// More than any message of the lab.
const PLENTY: usize = 4096;

/// Two messages in one read, and one message in two.
pub(super) fn glued_and_cut(stage: &mut Stage<'_>, Both { client, server }: &Both<'_>) -> Result<(), LabError> {
    stage.note(Words {
        en: "without framing, even with TCP_NODELAY", zh: "没有边界标记,即使用了 TCP_NODELAY"
    })?;
    let call = "setsockopt(TCP_NODELAY)";
    needed(call, client.call(stage, call, |socket| socket.set_tcp_nodelay(true))?)?;
    client.send(stage, "\"hello\"", *b"hello")?;
    client.send(stage, "\"world\"", *b"world")?;
    server.wait_for(stage, 10)?;
    let read = server.receive(stage, 1024)?;
    stage.finding(
        Words { en: "glued: two sends are one read", zh: "粘在一起:两次发送成了一次读取" },
        read == b"helloworld",
        quoted(&read),
    );
    client.send(stage, "\"hello\"", *b"hello")?;
    server.wait_for(stage, 5)?;
    let read = [server.receive(stage, 3)?, server.receive(stage, PLENTY)?];
    stage.finding(
        Words {
            en: "cut: one send is two reads when the first asks for less",
            zh: "被切开:第一次读得少,一次发送就成了两次读取",
        },
        read == [b"hel".to_vec(), b"lo".to_vec()],
        read.map(|part| quoted(&part)).join(", "),
    );
    Ok(())
}

/// The sender waits for an answer before it sends the next message.
pub(super) fn acknowledged(stage: &mut Stage<'_>, Both { client, server }: &Both<'_>) -> Result<(), LabError> {
    stage.note(Words { en: "an answer after each message", zh: "每条消息之后等待应答" })?;
    let mut read = Vec::new();
    for message in ["hello", "world"] {
        client.send(stage, &format!("\"{message}\""), message)?;
        read.push(server.receive(stage, 1024)?);
        server.send(stage, "\"ok\"", *b"ok")?;
        client.receive(stage, 2)?;
    }
    stage.finding(
        Words {
            en: "an answer after each message keeps short messages apart",
            zh: "每条消息之后等待应答能把短消息分开",
        },
        read == [b"hello", b"world"],
        read.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(", "),
    );

    stage
        .note(Words {
            en: "the same with a message longer than one recv()", zh: "同样的办法,消息比一次 recv() 长"
        })?;
    client.send(stage, "3000 bytes", [b'x'; 3000])?;
    server.wait_for(stage, 3000)?;
    let part = server.receive(stage, 1024)?.len();
    server.send(stage, "\"ok\"", *b"ok")?;
    let answer = client.receive(stage, 2)?;
    let rest = server.receive(stage, PLENTY)?.len();
    stage.finding(
        Words {
            en: "a message longer than one recv() is cut all the same: the answer is given for a part of it",
            zh: "比一次 recv() 长的消息照样被切开:只收到一部分就给出了应答",
        },
        part == 1024 && answer == b"ok" && rest == 3000 - 1024,
        format!("{part}, {rest}"),
    );
    Ok(())
}
