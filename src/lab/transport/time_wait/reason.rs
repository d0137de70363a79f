//! Why there is TIME-WAIT: the last acknowledgement is lost, with it and without.

use std::net::Shutdown;

use super::{QUIET, duration};
use crate::kernel::sysctl;
use crate::lab::connection::{self, Connection, Ends};
use crate::lab::fate::{self, Fate, Passing, Told};
use crate::lab::observation::Words;
use crate::lab::segments::{self, Direction, Segment};
use crate::lab::stage::{LabError, PATIENCE, Stage};
use crate::lab::tcp;
use crate::transport::tcp::Flags;

const BUCKETS: &str = "net.ipv4.tcp_max_tw_buckets";

/// With TIME-WAIT the repeated FIN is acknowledged again.
pub fn with(stage: &mut Stage<'_>, ends: &Ends) -> Result<(), LabError> {
    stage.note(Words { en: "why: the last acknowledgement is lost", zh: "理由:最后的确认丢失" })?;
    let segments = last_acknowledgment_lost(stage, ends)?;
    let again = answers(&segments).last().is_some_and(|last| last.flags == Flags::ACK && last.fate != Told::Dropped);
    stage.finding(
        Words {
            en: "with TIME-WAIT: the FIN is repeated and acknowledged again, the other end closes cleanly",
            zh: "有 TIME-WAIT:FIN 重传后再次得到确认,对方正常关闭",
        },
        repeated(&segments) && again && !refused(&segments),
        segments::flags(&segments),
    );
    Ok(())
}

/// A host that keeps no TIME-WAIT meets the repeated FIN with RST.
pub fn without(stage: &mut Stage<'_>, ends: &Ends) -> Result<(), LabError> {
    stage.note(Words {
        en: "the same on a host without TIME-WAIT: tcp_max_tw_buckets = 0",
        zh: "同样,但主机没有 TIME-WAIT:tcp_max_tw_buckets = 0",
    })?;
    let client = stage.host(ends.client.host);
    let before = client.run(|| sysctl::read(BUCKETS))?;
    client.run(|| sysctl::write(BUCKETS, "0"))?;
    let segments = last_acknowledgment_lost(stage, ends)?;
    stage.host(ends.client.host).run(move || sysctl::write(BUCKETS, &before))?;
    stage.finding(
        Words { en: "without TIME-WAIT: the repeated FIN meets RST", zh: "没有 TIME-WAIT:重传的 FIN 遇到 RST" },
        repeated(&segments) && refused(&segments),
        segments::flags(&segments),
    );
    Ok(())
}

/// The client closes first, and the acknowledgement of the server's FIN is lost once. Gives the segments from that FIN
/// on, when the server's end is gone.
fn last_acknowledgment_lost(stage: &mut Stage<'_>, ends: &Ends) -> Result<Vec<Segment>, LabError> {
    let Connection { client, server, port } = ends.connect(stage)?;
    // An orphan would be in TIME-WAIT's table before its time: the program keeps the socket until both FINs are there.
    let client = stage.call(&ends.client, "shutdown(SHUT_WR)", move || {
        let result = client.shutdown(Shutdown::Write).map(|()| 0);
        (client, result)
    })?;
    stage.settle(QUIET)?;
    let from = stage.frames();
    let host = ends.client.host;
    let acknowledgment = move |frame: &Passing<'_>| {
        frame.from == host && segments::header(frame.layers).is_some_and(|tcp| tcp.flags == Flags::ACK)
    };
    stage.rule(fate::nth(1, acknowledgment, Fate::Drop));
    stage.call(&ends.server, "close()", move || tcp::close(server))?;
    stage.until("the server's end is CLOSED", PATIENCE, |stage| {
        let host = ends.server.host;
        stage.look().is_ok_and(|hosts| hosts.get(host).is_some_and(|all| !all.iter().any(connection::of(port))))
    })?;
    stage.settle(QUIET)?;
    drop(client);
    stage.host(ends.client.host).run(move || duration::destroy(port))?;
    Ok(ends.segments(stage, from))
}

fn answers(segments: &[Segment]) -> impl DoubleEndedIterator<Item = &Segment> {
    segments.iter().filter(|segment| segment.direction == Direction::LeftToRight)
}

fn repeated(segments: &[Segment]) -> bool {
    segments.iter().filter(|segment| segment.flags.contains(Flags::FIN)).count() >= 2
}

/// Whether the client answered RST. The server may: to the second of two acknowledgements, when its FIN came twice.
fn refused(segments: &[Segment]) -> bool {
    answers(segments).any(|segment| segment.flags.contains(Flags::RST))
}
