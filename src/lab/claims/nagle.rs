//! What the articles say of when small messages leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::claim::Article::{A0, A3, A4};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::wire::QUIET;
use crate::kernel::sysctl;
use crate::lab::connection::{Connection, Ends};
use crate::lab::fate::{Fate, Passing, every};
use crate::lab::observation::Words;
use crate::lab::segments::Segment;
use crate::lab::sockets::Seen;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::{self, needed};
use crate::lab::topology::Neighbours;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "nagle-merges",
        articles: &[A0, A3, A4],
        statement: Words {
            en: "Nagle's algorithm merges small messages that are sent quickly one after the other.",
            zh: "Nagle 算法会把短时间内连续发送的小数据合并成一个包。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "earlier data is still unacknowledged, as over a slow link; otherwise each leaves alone",
            zh: "之前的数据还没有被确认,例如链路较慢时;否则每条单独发出",
        }),
        why: Words {
            en: "The first small segment leaves at once. What comes while it is under way is collected until its \
                 acknowledgement is back. On loopback that takes no time, so nothing is merged there.",
            zh: "第一个小报文段立即发出。它在途中时后来的数据攒在一起,等它的确认回来再发。在环回上确认立即返回,所以不会合并。",
        },
        attempt: merges,
    },
    Claim {
        id: "waits-until-full",
        articles: &[A4],
        statement: Words {
            en: "TCP waits until the send buffer is full before it sends.",
            zh: "TCP 要等发送缓冲区满才发送数据。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "With nothing under way even one byte leaves at once.",
            zh: "没有在途数据时,哪怕一个字节也立即发出。",
        },
        attempt: first_leaves,
    },
    Claim {
        id: "nagle-timer",
        articles: &[A4],
        statement: Words {
            en: "What Nagle's algorithm holds back leaves when a time-out expires.",
            zh: "Nagle 算法攒下的数据等待超时后发出。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the acknowledgement is lost: then the loss probe takes it along; the algorithm itself has no timer",
            zh: "确认丢失时,由丢包探测顺带发出;算法本身没有定时器",
        }),
        why: Words {
            en: "The algorithm waits for the acknowledgement, however long that takes. When none comes, Linux sends a probe                  (RFC 8985) with what is next. With tcp_early_retrans=0 there is no probe, and what is held back stays.",
            zh: "算法只等确认,不论多久。一直没有确认时,Linux 会把后续数据作为探测发出(RFC 8985)。tcp_early_retrans=0                  时没有探测,攒下的数据就一直留着。",
        },
        attempt: no_timer,
    },
    Claim {
        id: "segment-unlimited",
        articles: &[A0],
        statement: Words { en: "A TCP packet has no limit of length.", zh: "TCP 数据包没有长度限制。" },
        expected: Expected::Refuted,
        why: Words {
            en: "The stream has none. A segment has at most the MSS: 1460 bytes with an MTU of 1500, 1448 with timestamps.",
            zh: "没有限制的是字节流。每个报文段最长为 MSS:MTU 1500 时是 1460 字节,带时间戳时是 1448。",
        },
        attempt: segment_sizes,
    },
];

/// The data segments of the client after frame number `from`, each piece of the stream once.
fn data(stage: &Stage<'_>, ends: &Ends, from: u64) -> Vec<Segment> {
    let mut segments = ends.segments(stage, from);
    segments.retain(|segment| segment.length > 0);
    segments.dedup_by_key(|segment| segment.sequence);
    segments
}

fn lengths(segments: &[Segment]) -> Vec<usize> {
    segments.iter().map(|segment| segment.length).collect()
}

/// The lengths of the segments that three messages of three bytes become, sent without a pause or each when the one before
/// is acknowledged.
fn three(stage: &mut Stage<'_>, ends: &Ends, one_by_one: bool) -> Result<Vec<usize>, LabError> {
    let Connection { mut client, server, port } = ends.connect(stage)?;
    let from = stage.frames();
    let rounds = if one_by_one { [1, 1, 1].as_slice() } else { &[3] };
    for count in rounds {
        let sent = stage.call(&ends.client, "send()", move || {
            (0..*count).try_for_each(|_| client.send(b"abc").map(drop)).map(|()| client)
        })?;
        client = needed("send", sent)?;
        let acknowledged = |socket: &Seen| socket.local.port() != port || socket.send_queue == 0;
        stage.until("an acknowledgement", stage.patience, |stage| {
            stage.look().is_ok_and(|seen| seen.iter().flatten().all(acknowledged))
        })?;
    }
    drop(server);
    Ok(lengths(&data(stage, ends, from)))
}

fn merges(ground: Ground) -> Result<Found, Untried> {
    const ONE_WAY: Duration = Duration::from_millis(20);
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        let ends = Ends::new(stage, hosts)?;
        stage.delay(Some(ONE_WAY));
        let (quick, one_by_one) = (three(stage, &ends, false)?, three(stage, &ends, true)?);
        let measured = format!("RTT 40 ms, 3 × 3 B: {quick:?}; after each ACK: {one_by_one:?}");
        Ok(Found::sides(quick == [3, 6], one_by_one == [3, 3, 3], measured))
    })
}

fn first_leaves(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        let ends = Ends::new(stage, hosts)?;
        let Connection { client, server, .. } = ends.connect(stage)?;
        let from = stage.frames();
        let buffer = needed("getsockopt", client.send_buffer_size())?;
        let (_client, sent) = stage.call(&ends.client, "send()", move || tcp::send(client, b"x"))?;
        needed("send", sent)?;
        stage.settle(QUIET)?;
        drop(server);
        let lengths = lengths(&data(stage, &ends, from));
        Ok(Found::sides(lengths.is_empty(), lengths == [1], format!("SO_SNDBUF {buffer}; send(1 B) → {lengths:?}")))
    })
}

/// Two messages of three bytes while acknowledgements are lost for a second: how many pieces of the stream leave, and how
/// many have when acknowledgements come again.
fn unanswered(ground: Ground, loss_probe: &'static str) -> Result<(usize, usize), Untried> {
    const LONG: Duration = Duration::from_secs(1);
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        stage.host(hosts[0]).run(move || sysctl::write("net.ipv4.tcp_early_retrans", loss_probe))?;
        let ends = Ends::new(stage, hosts)?;
        let Connection { client, server, .. } = ends.connect(stage)?;
        let from = stage.frames();
        let (silent, answers) = (hosts[1], Arc::new(AtomicBool::new(false)));
        let may_answer = Arc::clone(&answers);
        let lost = move |frame: &Passing<'_>| frame.from == silent && !may_answer.load(Ordering::Relaxed);
        stage.rule(every(lost, Fate::Drop));
        for text in [&b"abc"[..], b"def"] {
            needed("send", client.send(text))?;
        }
        stage.pass_time(LONG)?;
        let end = |stage: &Stage<'_>| {
            let segments = data(stage, &ends, from);
            let first = segments.first().map_or(0, |segment| segment.sequence);
            let ends = segments.iter().map(|s| s.sequence.wrapping_sub(first) as usize + s.length);
            ends.max().unwrap_or(0)
        };
        let before = end(stage);
        answers.store(true, Ordering::Relaxed);
        stage.until("what was held back", stage.patience, |stage| end(stage) == 6)?;
        drop((client, server));
        Ok((before, end(stage)))
    })
}

fn no_timer(ground: Ground) -> Result<Found, Untried> {
    let (probed, _) = unanswered(ground, "3")?;
    let (held, after) = unanswered(ground, "0")?;
    let measured =
        format!("3 + 3 B, no ACK for 1 s: tcp_early_retrans=3: {probed} B left, =0: {held} B; ACK: {after} B");
    Ok(Found::sides(probed == 6, held == 3 && after == 6, measured))
}

fn segment_sizes(ground: Ground) -> Result<Found, Untried> {
    const BYTES: usize = 10_000;
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        let ends = Ends::new(stage, hosts)?;
        let Connection { client, server, .. } = ends.connect(stage)?;
        let from = stage.frames();
        let (_client, sent) = stage.call(&ends.client, "send()", move || tcp::send(client, &[b'x'; BYTES]))?;
        needed("send", sent)?;
        stage.settle(QUIET)?;
        drop(server);
        let lengths = lengths(&data(stage, &ends, from));
        let longest = lengths.iter().max().copied().unwrap_or(0);
        let measured = format!("send({BYTES}) → {} segments, at most {longest} B", lengths.len());
        Ok(Found::sides(longest == BYTES, (1..=1460).contains(&longest), measured))
    })
}
