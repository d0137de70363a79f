//! A header that says more than a length: name, size and digest of a file.

use socket2::Socket;

use super::{Both, LIMIT};
use crate::application::announcement::{Announcement, ReceiveError};
use crate::lab::endpoint::Endpoint;
use crate::lab::observation::Words;
use crate::lab::program::Outcome;
use crate::lab::stage::{LabError, Stage};

const NAME: &str = "notes.txt";
const BODY: [u8; 2000] = [b'n'; 2000];

/// A file behind its header, read in one go, then as it should be, then with a byte that changed on the way.
pub(super) fn file(stage: &mut Stage<'_>, Both { client, server }: &Both<'_>) -> Result<(), LabError> {
    stage.note(Words {
        en: "a file: header length, JSON header, body", zh: "一个文件:首部长度、JSON 首部、正文"
    })?;
    let header = Announcement::of(NAME, &BODY);
    let framed = header.framed().unwrap_or_default();
    let sent = [&framed[..], &BODY].concat();
    client.send(stage, "the file", sent.clone())?;
    server.wait_for(stage, sent.len())?;
    let first = server.receive(stage, 1024)?;
    server.receive(stage, LIMIT)?;
    stage.finding(
        Words {
            en: "one recv() gives header and a part of the body together",
            zh: "一次 recv() 同时得到首部和正文的一部分",
        },
        first.starts_with(&framed) && first.len() == 1024,
        format!("{} + {}", framed.len(), first.len().saturating_sub(framed.len())),
    );

    client.send(stage, "the file", sent.clone())?;
    let good = receive(stage, server)?;
    stage.finding(
        Words {
            en: "read by its lengths it arrives with name, size and the digest that was announced",
            zh: "按长度读取,文件名、大小和宣布的摘要都一致",
        },
        matches!(&good, Ok((read, body)) if *read == header && body[..] == BODY),
        format!("{}, sha256 {}…", good.told(), header.digest.get(..8).unwrap_or_default()),
    );

    stage.note(Words { en: "the file has changed since its header was made", zh: "首部生成之后文件变了" })?;
    let mut changed = sent;
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    client.send(stage, "the changed file", changed)?;
    let bad = receive(stage, server)?;
    stage.finding(
        Words {
            en: "the digest finds the changed byte, the size does not", zh: "摘要能发现改变的字节,大小不能"
        },
        matches!(bad, Err(ReceiveError::Digest)),
        bad.told(),
    );
    Ok(())
}

type Received = Result<(Announcement, Vec<u8>), ReceiveError>;

fn receive(stage: &mut Stage<'_>, server: &Endpoint<'_>) -> Result<Received, LabError> {
    server.call(stage, "receive_file()", |mut socket: &Socket| Announcement::receive(&mut socket, LIMIT))
}
