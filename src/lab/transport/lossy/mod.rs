//! Frames are lost: TCP repeats them, UDP does not (RFC 9293 §3.8, RFC 2018, RFC 5681).

mod datagrams;
mod stream;

use crate::lab::connection::Ends;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::stage::{LabError, Stage};
use crate::lab::topology::Neighbours;

/// The lab.
pub const LAB: Lab = Lab {
    name: "lossy",
    floor: Floor::Transport,
    on_loopback: false,
    title: Words {
        en: "The wire loses frames: TCP repeats them, UDP does not", zh: "线路丢帧:TCP 重传,UDP 不管"
    },
    explanation: Words {
        en: "Every byte of a TCP stream has a number. When a segment is lost and later ones arrive, the receiver goes on \
             acknowledging the byte that it waits for (duplicate acknowledgements) and names in SACK blocks what it has \
             already. After a few of them the sender repeats what is missing, and only that; the rest waits in the \
             receiver's buffer. When nothing comes back at all, a timer (200 ms at least on Linux) repeats instead. The \
             program reads the same bytes in the same order, only later. UDP numbers nothing: what the wire loses stays \
             lost, what it doubles arrives twice, and what it delays arrives late; the program has to cope.",
        zh: "TCP 字节流中每个字节都有编号。当一个报文段丢失而后面的到达,接收方继续确认它正等待的那个字节(重复确认),\
             并在 SACK 块中列出已经收到的部分。几次之后发送方重传缺少的部分,而且只重传这一部分;其余的在接收方缓冲区中等待。\
             如果什么都没有返回,就由定时器(Linux 至少 200 毫秒)重传。程序读到的字节不变、顺序不变,只是晚一些。UDP 不编号:\
             线路丢的就丢了,重复的到达两次,延迟的迟到;程序必须自己应付。",
    },
    run,
};

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let hosts = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    let ends = Ends::new(stage, hosts)?;
    // Nothing is closed before the end: the frames of that are another lab's.
    let _first = stream::one_lost(stage, &ends)?;
    let _second = stream::by_chance(stage, &ends, parameters)?;
    datagrams::whatever_the_wire_does(stage, hosts)
}
