//! TCP on a lossy wire: one segment that the lab chooses, then as chance has it.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::Duration;

use socket2::Socket;

use crate::kernel::OsError;
use crate::kernel::sysctl;
use crate::lab::connection::Ends;
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::Parameters;
use crate::lab::fate::{self, Fate, Passing, Told};
use crate::lab::observation::Words;
use crate::lab::program::{Outcome, errno};
use crate::lab::segments::{self, Direction, Segment};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp;

/// Data of a segment on Ethernet, with time stamps.
const SEGMENT: usize = 1448;
/// Segments of the first transfer; the second of them is lost.
const FEW: usize = 6;
/// Segments of the second.
const MANY: usize = 12;
/// What the wire loses of them unless the user says otherwise.
const LOSS: f64 = 0.2;
/// What is lost again and again is repeated after 200 ms, 400 ms, 800 ms and so on.
const BACKOFF: Duration = Duration::from_secs(120);
/// Longer than a kernel holds an acknowledgement back.
const QUIET: Duration = Duration::from_millis(300);

/// The second of six segments is lost once.
///
/// # Errors
/// As [`Stage::call`].
pub fn one_lost<'e>(stage: &mut Stage<'_>, ends: &'e Ends) -> Result<[Endpoint<'e>; 2], LabError> {
    stage.note(Words { en: "six segments; the wire loses the second", zh: "六个报文段;线路丢失第二个" })?;
    let usual = stage.host(ends.client.host).run(|| timers(PATIENT.map(str::to_owned)))?;
    let open = ends.connect(stage)?.endpoints(ends);
    stage.rule(fate::nth(2, data_of(ends.client.host), Fate::Drop));
    let from = stage.frames();
    let received = transfer(stage, &open, FEW)?;
    stage.host(ends.client.host).run(|| timers(usual))?;
    let segments = ends.segments(stage, from);
    let copies = copies(&segments);
    let lost = segments.iter().find(|segment| segment.fate == Told::Dropped).map(|segment| segment.sequence);
    let waiting = |segment: &&Segment| {
        segment.direction == Direction::RightToLeft
            && Some(segment.acknowledgment) == lost
            && !segment.options.sack_blocks().is_empty()
    };
    let waiting = segments.iter().filter(waiting).count();
    stage.finding(
        Words {
            en: "the receiver goes on asking for the missing byte and names what it has: SACK",
            zh: "接收方继续要求缺少的字节,并说明已有的部分:SACK",
        },
        waiting >= 3,
        format!("{waiting} acknowledgements with SACK blocks"),
    );
    let twice: Vec<u32> = copies.iter().filter(|(_, count)| **count > 1).map(|(sequence, _)| *sequence).collect();
    stage.finding(
        Words { en: "the sender repeats the lost segment and no other", zh: "发送方只重传丢失的报文段" },
        copies.len() == FEW && Some(twice.as_slice()) == lost.as_ref().map(std::slice::from_ref),
        format!("{} segments, {} of them twice", copies.len(), twice.len()),
    );
    stage.finding(
        Words {
            en: "the program reads every byte once and in order", zh: "程序按顺序读到每个字节,每个一次"
        },
        received == pattern(FEW),
        format!("{} of {} bytes", received.len(), FEW * SEGMENT),
    );
    Ok(open)
}

/// The wire loses each data segment with some probability.
///
/// # Errors
/// As [`Stage::call`].
pub fn by_chance<'e>(
    stage: &mut Stage<'_>,
    ends: &'e Ends,
    parameters: &Parameters,
) -> Result<[Endpoint<'e>; 2], LabError> {
    stage.note(Words {
        en: "twelve segments; the wire loses as chance has it", zh: "十二个报文段;线路随机丢失"
    })?;
    let loss = parameters.loss().unwrap_or(LOSS);
    let open = ends.connect(stage)?.endpoints(ends);
    stage.patience = BACKOFF;
    stage.rule(fate::sometimes(loss, parameters.seed(), data_of(ends.client.host), Fate::Drop));
    let from = stage.frames();
    let received = transfer(stage, &open, MANY)?;
    let segments = ends.segments(stage, from);
    let lost: Vec<&Segment> = segments.iter().filter(|segment| segment.fate == Told::Dropped).collect();
    let arrived = |lost: &&&Segment| {
        segments.iter().any(|segment| segment.sequence == lost.sequence && segment.fate != Told::Dropped)
    };
    let repaired = lost.iter().filter(arrived).count();
    stage.finding(
        Words {
            en: "whatever is lost is sent again until it arrives, and the program sees none of it",
            zh: "丢失的一直重传到到达为止,程序毫无察觉",
        },
        repaired == lost.len() && received == pattern(MANY),
        format!("{} lost, {repaired} arrived later, {} of {} bytes", lost.len(), received.len(), MANY * SEGMENT),
    );
    Ok(open)
}

/// The client sends so many segments at once, the server reads them all.
fn transfer(stage: &mut Stage<'_>, [client, server]: &[Endpoint<'_>; 2], count: usize) -> Result<Vec<u8>, LabError> {
    let bytes = pattern(count);
    let length = bytes.len();
    let reading = server.begin(stage, "recv() to the end", move |socket| Bytes(receive_all(socket, length)))?;
    let sent = client.call(stage, "send()", move |socket| socket.send(&bytes))?;
    tcp::needed("send", sent)?;
    let received = tcp::needed("recv", stage.finish(reading)?.0)?;
    stage.settle(QUIET)?;
    Ok(received)
}

/// Acknowledgements may take longer through this wire than kernels expect on a link this short: then they repeat
/// segments that are not lost. Kernels before 6.11 have no `tcp_rto_min_us`.
const TIMERS: [&str; 2] = ["net.ipv4.tcp_early_retrans", "net.ipv4.tcp_rto_min_us"];
const PATIENT: [&str; 2] = ["0", "5000000"];

/// Writes the settings and gives what they were.
fn timers(values: [String; 2]) -> Result<[String; 2], OsError> {
    let before = TIMERS.map(|name| sysctl::read(name).unwrap_or_default());
    for (name, value) in TIMERS.into_iter().zip(values) {
        sysctl::write_if_present(name, &value)?;
    }
    Ok(before)
}

fn data_of(host: usize) -> impl Fn(&Passing<'_>) -> bool + Send + 'static {
    move |frame| frame.from == host && segments::header(frame.layers).is_some() && segments::payload(frame.layers) > 0
}

/// How often each segment with data was sent, by its sequence number.
fn copies(segments: &[Segment]) -> BTreeMap<u32, usize> {
    let mut copies = BTreeMap::new();
    for segment in segments.iter().filter(|segment| segment.direction == Direction::LeftToRight && segment.length > 0) {
        *copies.entry(segment.sequence).or_default() += 1;
    }
    copies
}

/// Bytes in which a missing, doubled or displaced segment shows.
fn pattern(segments: usize) -> Vec<u8> {
    (0..segments * SEGMENT).map(|at| (at % 251) as u8).collect()
}

fn receive_all(mut socket: &Socket, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    socket.read_exact(&mut bytes).map(|()| bytes)
}

/// Many bytes, of which the ladder tells only how many.
struct Bytes(io::Result<Vec<u8>>);

impl Outcome for Bytes {
    fn told(&self) -> String {
        self.0.as_ref().map_or_else(errno, |bytes| format!("{} bytes", bytes.len()))
    }
}
