//! A run of a lab as a capture file: one interface per host, each frame as its sender sent it and as its receivers got
//! it, with what the wire did as a comment.

use std::io::{self, Write};
use std::time::Duration;

use crate::capture::files::write::{About, Format, WriteError, Writer};
use crate::capture::frame::{Frame as Captured, Nanoseconds};
use crate::lab::experiment::Lab;
use crate::lab::fate::Told;
use crate::lab::observation::{Frame, Language, Observation, What};
use crate::link::LinkType;
use crate::link::received::Way;

/// Writes the file. `started` is when the lab's clock did, since 1970.
///
/// # Errors
/// What the writer refused.
pub fn write(to: &mut impl Write, lab: &Lab, observation: &Observation, started: Duration) -> io::Result<()> {
    let about = About {
        application: format!("netlab {} lab {}", env!("CARGO_PKG_VERSION"), lab.name),
        system: "Linux".to_owned(),
        snap_length: 1 << 17,
        ..About::default()
    };
    file(to, about, observation, started).map_err(|error| match error {
        WriteError::Io(error) => error,
        mixed @ WriteError::MixedLinks { .. } => io::Error::other(mixed),
    })
}

fn file(to: &mut impl Write, about: About, observation: &Observation, started: Duration) -> Result<(), WriteError> {
    let mut writer = Writer::create(to, Format::Pcapng, about)?;
    for host in &observation.hosts {
        writer.describe(&host.name, LinkType::Ethernet)?;
    }
    let mut left = 0;
    for event in &observation.events {
        let What::Frame(frame) = &event.what else { continue };
        let time = Nanoseconds::try_from(started.saturating_add(event.at).as_nanos()).ok();
        let mut put = |host: usize, way: Way, bytes: &[u8], comment: &str| {
            let Some(station) = observation.hosts.get(host) else { return Ok(()) };
            let captured = Captured {
                time,
                interface: &station.name,
                way: Some(way),
                link: LinkType::Ethernet,
                bytes,
                original_length: bytes.len() as u32,
                checksum_pending: false,
                comment,
            };
            writer.frame(&captured)
        };
        let comment = comment(frame);
        // What arrives later, or is lost later, left with an event of its own.
        if frame.number > left {
            left = frame.number;
            put(frame.from, Way::Out, &frame.bytes, &comment)?;
        }
        for host in &frame.to {
            for _ in 0..if frame.fate == Told::Duplicated { 2 } else { 1 } {
                put(*host, Way::In, frame.leaving(), &comment)?;
            }
        }
    }
    writer.finish(&[])?;
    Ok(())
}

fn comment(frame: &Frame) -> String {
    let fate = super::lab_words::fate(frame.fate).get(Language::English);
    if fate.is_empty() { format!("#{}", frame.number) } else { format!("#{}: {fate}", frame.number) }
}
