//! What the articles say of the programs that servers run and the files they serve.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;

use super::claim::Article::{A0, A2, A3};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::{Local, NOTHING, arrived, readable, ready, receive, told};
use crate::lab::observation::Words;
use crate::lab::place::Place;
use crate::lab::program::failed_with;
use crate::lab::stage::LabError;
use crate::lab::tcp::needed;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "web-server-1024",
        articles: &[A2],
        statement: Words {
            en: "A web server may read 1024 bytes, answer, and close.",
            zh: "Web 服务器 recv(1024) 之后应答并关闭即可。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the request is no longer; otherwise the unread rest makes close() send RST after the answer",
            zh: "请求不超过 1024 字节;否则未读的部分使 close() 在应答之后发送 RST",
        }),
        why: Words {
            en: "A browser may show an error although the page had arrived, for a RST throws away what it has not read yet.",
            zh: "RST 会丢弃浏览器尚未读取的内容,所以页面明明到了也可能显示错误。",
        },
        attempt: web_server,
    },
    Claim {
        id: "stdout-then-stderr",
        articles: &[A0, A3],
        statement: Words {
            en: "The output of a command is read by reading standard output to its end, then standard error.",
            zh: "先 stdout.read() 读完标准输出,再 stderr.read() 读标准错误。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the errors fit in a pipe (64 KB); with more, command and reader wait for each other for ever",
            zh: "错误输出装得进管道(64 KB);更多时命令与读者互相等待,永远死锁",
        }),
        why: Words {
            en: "The command waits for room in the full pipe of its errors, the reader for the end of its output. Both have to be \
                 read at once.",
            zh: "命令在等错误管道腾出空间,读者在等标准输出结束。两者必须同时读取。",
        },
        attempt: deadlock,
    },
    Claim {
        id: "join-stays-inside",
        articles: &[A3],
        statement: Words {
            en: "Joining the shared folder and the name that a client sent gives a file in that folder.",
            zh: "用 os.path.join(共享目录, 客户端给的文件名) 得到的就是共享目录里的文件。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the name is not absolute and does not climb out with ..",
            zh: "文件名不是绝对路径,也不含 ..",
        }),
        why: Words {
            en: "An absolute name replaces the folder: the client reads any file that the server can.",
            zh: "绝对路径会取代共享目录:客户端可以读到服务器能读的任何文件。",
        },
        attempt: absolute_name,
    },
];

/// What a browser gets for a request of this length from a server that reads 1024 bytes: the answer, and the end.
fn browse(place: &mut Place, request: usize) -> Result<(bool, io::Result<Vec<u8>>), LabError> {
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\n\r\nHello, World";
    let Local { client, server, .. } = Local::new(place)?;
    needed("send", client.send(&vec![b'x'; request]))?;
    arrived(&server, request)?;
    needed("recv", receive(&server, 1024))?;
    needed("send", server.send(ANSWER))?;
    arrived(&client, ANSWER.len())?;
    drop(server);
    // The end has to arrive before the reads tell it from the answer.
    ready(&client, PollFlags::empty(), NOTHING);
    let answer = receive(&client, 1000);
    Ok((answer.is_ok_and(|answer| answer == ANSWER), receive(&client, 1000)))
}

fn web_server(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let ((short, short_end), (_, long_end)) = (browse(place, 500)?, browse(place, 2000)?);
        let end = |end: &io::Result<Vec<u8>>| end.as_ref().map_or_else(|_| told(end), |_| "end".to_owned());
        let measured = format!("500 B: answer, {}; 2000 B: {}", end(&short_end), end(&long_end));
        Ok(Found::sides(short && short_end.is_ok(), failed_with(&long_end, Errno::ECONNRESET), measured))
    })
}

/// Whether standard output of a command that first writes `errors` bytes to standard error comes to its end within two
/// seconds while nobody reads standard error.
fn output_ends(errors: u32) -> Result<bool, LabError> {
    const LONG: Duration = Duration::from_secs(2);
    let script = format!("head -c {errors} /dev/zero >&2; echo done");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = needed("start of sh", command.spawn())?;
    let ended = child.stdout.as_mut().is_some_and(|output| {
        readable(output, LONG) && output.read_to_end(&mut Vec::new()).is_ok_and(|length| length > 0)
    });
    // It is this very child, which nobody has waited for yet; what it started ends with its pipes.
    let _ = child.kill();
    drop((child.stdout.take(), child.stderr.take()));
    let _ = child.wait();
    Ok(ended)
}

fn deadlock(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|_| {
        let (few, many) = (output_ends(1000)?, output_ends(200_000)?);
        let told = |ended| if ended { "end" } else { "2 s …" };
        let measured = format!("stderr 1000 B: stdout {}; stderr 200000 B: stdout {}", told(few), told(many));
        Ok(Found::sides(few, !many, measured))
    })
}

fn absolute_name(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|_| {
        let shared = Path::new("/srv/share");
        let [plain, absolute] = ["a.txt", "/proc/version"].map(|name| shared.join(name));
        let read = std::fs::read(&absolute);
        let length = read.as_ref().map_or(0, Vec::len);
        let measured = format!("a.txt → {}; /proc/version → {}, {length} B read", plain.display(), absolute.display());
        Ok(Found::sides(plain.starts_with(shared), !absolute.starts_with(shared) && length > 0, measured))
    })
}
