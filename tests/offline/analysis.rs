//! The analysis of TCP connections beside tshark's: the same notes on the same frames.

use std::collections::BTreeMap;

use netlab::capture::analysis::Notes;
use netlab::capture::files::write::{About, Format, Writer};
use netlab::capture::{Dissector, Frame};

use crate::capture::Trace;
use crate::tcp_traffic::connections;
use crate::tshark::dissected;

/// tshark's field for each note; its "retransmission" covers the fast and the spurious.
const FIELDS: [(Notes, &str); 15] = [
    (Notes::PREVIOUS_LOST, "tcp.analysis.lost_segment"),
    (Notes::ACKED_LOST, "tcp.analysis.ack_lost_segment"),
    (Notes::RETRANSMISSION, "tcp.analysis.retransmission"),
    (Notes::FAST_RETRANSMISSION, "tcp.analysis.fast_retransmission"),
    (Notes::SPURIOUS_RETRANSMISSION, "tcp.analysis.spurious_retransmission"),
    (Notes::OUT_OF_ORDER, "tcp.analysis.out_of_order"),
    (Notes::DUPLICATE_ACK, "tcp.analysis.duplicate_ack"),
    (Notes::ZERO_WINDOW, "tcp.analysis.zero_window"),
    (Notes::ZERO_WINDOW_PROBE, "tcp.analysis.zero_window_probe"),
    (Notes::ZERO_WINDOW_PROBE_ACK, "tcp.analysis.zero_window_probe_ack"),
    (Notes::WINDOW_FULL, "tcp.analysis.window_full"),
    (Notes::WINDOW_UPDATE, "tcp.analysis.window_update"),
    (Notes::KEEP_ALIVE, "tcp.analysis.keep_alive"),
    (Notes::KEEP_ALIVE_ACK, "tcp.analysis.keep_alive_ack"),
    (Notes::PORTS_REUSED, "tcp.analysis.reused_ports"),
];

fn ethernet(time: u64, bytes: &[u8]) -> Frame<'_> {
    Frame { time: Some(time as i64), ..Frame::ethernet(bytes) }
}

fn trace(frames: &[(u64, Vec<u8>)]) -> Trace {
    let about = About { application: "netlab".into(), system: "Linux".into(), snap_length: 262_144 };
    let mut writer = Writer::create(Vec::new(), Format::Pcapng, about).unwrap();
    for (time, bytes) in frames {
        writer.frame(&ethernet(*time, bytes)).unwrap();
    }
    writer.finish(&[]).unwrap();
    Trace::named("connections.pcapng", &writer.into_inner())
}

#[test]
fn tshark_notes_the_same_on_every_segment() {
    let frames = connections(60);
    let trace = trace(&frames);
    let theirs = dissected(trace.path(), &FIELDS.map(|(_, field)| field));
    let mut dissector = Dissector::new(false).analysing(1 << 20);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut different = Vec::new();
    for (number, ((time, bytes), theirs)) in frames.iter().zip(&theirs).enumerate() {
        let notes = dissector.read(ethernet(*time, bytes)).finding.notes;
        let ours: Vec<&str> =
            FIELDS.iter().filter(|(note, _)| notes.contains(*note)).map(|(_, field)| *field).collect();
        let mut theirs: Vec<&str> =
            FIELDS.iter().zip(theirs).filter(|(_, value)| !value.is_empty()).map(|((_, field), _)| *field).collect();
        if theirs.iter().any(|field| field.contains("fast") || field.contains("spurious")) {
            theirs.retain(|field| *field != "tcp.analysis.retransmission");
        }
        for field in &theirs {
            *seen.entry(field).or_default() += 1;
        }
        if ours != theirs {
            different.push(format!("frame {}: {ours:?} / {theirs:?}", number + 1));
        }
    }
    let never: Vec<_> = FIELDS.iter().filter(|(_, field)| !seen.contains_key(field)).collect();
    assert!(
        different.is_empty(),
        "{} of {}: {:#?} {seen:#?}",
        different.len(),
        frames.len(),
        &different[..different.len().min(30)]
    );
    assert!(never.is_empty(), "never noted: {never:?}");
}
