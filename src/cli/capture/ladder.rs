//! `netlab capture --ladder`: a captured TCP connection drawn as the labs draw theirs.

use std::path::Path;

use anyhow::bail;

use crate::capture::Packet;
use crate::cli::Context;
use crate::cli::lab::{Export, WIDTH};
use crate::lab::Observation;
use crate::lab::observation::Language;
use crate::lab::recorded::Recording;
use crate::report::lab_words::Heading;
use crate::report::quantity::Things;
use crate::report::{json, lab_html, lab_svg, ladder};

/// What a ladder is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Html,
    Svg,
}

/// A ladder under way.
pub(super) struct Ladder {
    recording: Recording,
    file: Option<(Kind, Export)>,
}

const EXPLANATION: &str = "Times are those of the capture. A frame that was captured is drawn as if it had arrived.";

impl Ladder {
    /// A ladder for standard output (`-`) or for a file whose name says what it is to be.
    pub(super) fn begin(path: &Path) -> anyhow::Result<Self> {
        let recording = Recording::default();
        let kind = match path.extension().and_then(|extension| extension.to_str()) {
            _ if path == Path::new("-") => return Ok(Ladder { recording, file: None }),
            Some("html" | "htm") => Kind::Html,
            Some("svg") => Kind::Svg,
            _ => bail!("--ladder={}: the name should end in .html or .svg", path.display()),
        };
        Ok(Ladder { recording, file: Some((kind, Export::open(path)?.created()?)) })
    }

    pub(super) fn see(&mut self, packet: &Packet<'_>) {
        self.recording.see(packet);
    }

    /// Draws the connection, and says what is not in the drawing; whether there is one.
    pub(super) fn finish(self, context: &mut Context) -> anyhow::Result<bool> {
        let Some(observation) = self.recording.observation() else {
            if self.recording.not_ethernet > 0 {
                bail!("a ladder needs Ethernet frames, and the connection has none");
            }
            return Ok(false);
        };
        match self.file {
            None => print(observation, context)?,
            Some((kind, export)) => {
                let [left, right] = [&observation.hosts[0], &observation.hosts[1]];
                let title = format!("{} {} – {} {}", left.addresses[0], left.name, right.addresses[0], right.name);
                let heading = Heading { title: &title, explanation: EXPLANATION };
                export.fill(|file| match kind {
                    Kind::Html => lab_html::write(file, heading, observation, Language::English),
                    Kind::Svg => lab_svg::write(file, heading, observation, Language::English),
                })?;
            }
        }
        let Recording { others, later, first_later, pieces, not_ethernet, .. } = self.recording;
        let next = first_later.unwrap_or(0);
        let next = format!("of later connections between these ports: --where 'frame.number >= {next}' draws the next");
        let parts = [
            (others, "of other connections or of none: a filter chooses another"),
            (later, next.as_str()),
            (pieces, "fragments of segments that are drawn where they are whole"),
            (not_ethernet, "without an Ethernet header"),
            (observation.frames_not_kept, "more than a ladder keeps"),
        ];
        for (frames, which) in parts.into_iter().filter(|(frames, _)| *frames > 0) {
            context.note(format_args!("{} not drawn, {which}", Things(frames, "frame")));
        }
        Ok(true)
    }
}

fn print(observation: &Observation, context: &mut Context) -> anyhow::Result<()> {
    if context.json {
        return Ok(json::document(&mut context.out, observation)?);
    }
    let width = context.width.map_or(WIDTH, usize::from);
    let mut ladder = ladder::Ladder::new(2, width, context.palette, Language::English, None);
    ladder.head(&mut context.out, observation)?;
    for event in &observation.events {
        ladder.event(&mut context.out, observation, event)?;
    }
    Ok(())
}
