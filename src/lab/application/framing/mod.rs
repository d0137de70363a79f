//! Where a message ends on a stream of bytes: every cure, failing and working.

mod counted;
mod header;
mod plain;

use crate::application::announcement::{Announcement, ReceiveError};
use crate::application::frames::FrameError;
use crate::lab::connection::Ends;
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::program::{Outcome, errno, quoted};
use crate::lab::stage::{LabError, Stage};
use crate::lab::topology::Neighbours;

/// The lab.
pub const LAB: Lab = Lab {
    name: "framing",
    floor: Floor::Application,
    on_loopback: true,
    title: Words {
        en: "A stream has no messages: programs must mark them",
        zh: "字节流里没有消息:程序必须自己标出边界",
    },
    explanation: Words {
        en: "TCP carries bytes, not messages. Two sends may be one recv, and one send several. To wait for an answer \
             after each message keeps them apart only while every message fits into one recv. What works is to say the \
             length first: four bytes with the count, then that many bytes. But recv gives what there is, even of the \
             four bytes, so both must be read in a loop until the announced count is there (MSG_WAITALL and read_exact \
             do so). A header can say more: its own length, then JSON with name, size and digest of a file, then the \
             file. Lengths count bytes, not characters: two Chinese characters are six bytes in UTF-8 and four in GBK. \
             And a length comes from a stranger: it is compared with a limit before anything is reserved for it.",
        zh: "TCP 传输的是字节,不是消息。两次 send 可能是一次 recv,一次 send 也可能是几次。每条消息之后等待应答,只有在消息都能放进一次 \
             recv 时才能把它们分开。可行的办法是先说明长度:四个字节写明数量,然后是这么多字节。但是 recv 有多少给多少,\
             连那四个字节也可能只来一部分,所以两者都要循环读取,直到够数为止(MSG_WAITALL 和 read_exact 就是这样做的)。\
             首部还可以说得更多:先是首部自己的长度,然后是写明文件名、大小和摘要的 JSON,最后是文件。长度数的是字节,不是字符:\
             两个汉字在 UTF-8 中是六个字节,在 GBK 中是四个。而且长度是陌生人说的:在为它预留任何空间之前,先与上限比较。",
    },
    run,
};

/// The longest message and the largest file that the lab's receivers take, in bytes.
const LIMIT: usize = 4096;

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let hosts = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    stage.watch_states = false;
    let ends = Ends::new(stage, hosts)?;
    let connection = ends.connect(stage)?;
    let both = Both {
        client: Endpoint::new(&ends.client, connection.client),
        server: Endpoint::new(&ends.server, connection.server),
    };
    plain::glued_and_cut(stage, &both)?;
    plain::acknowledged(stage, &both)?;
    counted::prefix(stage, &both)?;
    counted::body(stage, &both)?;
    counted::characters(stage, &both)?;
    header::file(stage, &both)?;
    counted::lies(stage, both)
}

/// Both ends of the connection.
struct Both<'p> {
    client: Endpoint<'p>,
    server: Endpoint<'p>,
}

impl Outcome for Result<Option<Vec<u8>>, FrameError> {
    fn told(&self) -> String {
        match self {
            Ok(Some(message)) => quoted(message),
            Ok(None) => "the end".to_owned(),
            Err(error) => told(error),
        }
    }
}

impl Outcome for Result<(Announcement, Vec<u8>), ReceiveError> {
    fn told(&self) -> String {
        match self {
            Ok((header, _)) => format!("{}, {} bytes", quoted(header.name.as_bytes()), header.size),
            Err(ReceiveError::Frame(error)) => told(error),
            Err(error) => error.to_string(),
        }
    }
}

fn told(error: &FrameError) -> String {
    match error {
        FrameError::Io(error) => errno(error),
        FrameError::TooLong { .. } => "too long, refused".to_owned(),
        FrameError::Cut { need, have } => format!("only {have} of {need} bytes"),
    }
}
