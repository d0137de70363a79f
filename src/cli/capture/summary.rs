//! What `netlab capture` says of all frames together instead of each.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ladder::Ladder;
use super::sides::Sides;
use crate::bytes::amounts;
use crate::capture::Packet;
use crate::capture::analysis::{Conversations, segment};
use crate::capture::names::Names;
use crate::capture::streams::{Said, Streams};
use crate::capture::tally::{Endpoints, Intervals, Protocols};
use crate::cli::{Context, Outcome};
use crate::report::follow::{Follower, Form};
use crate::report::{flows, json, tally};

/// Which summaries are wanted.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Analysis")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Summaries {
    /// Note on TCP segments what is unusual: sent again, out of order, duplicate acknowledgements, closed windows
    #[arg(short, long)]
    pub(super) analyze: bool,
    /// Instead of frames, the conversations: how much each way, how long, round trip, state
    #[arg(long)]
    flows: bool,
    /// Instead of frames, how much each address sent and received
    #[arg(long)]
    endpoints: bool,
    /// Instead of frames, which protocols inside which
    #[arg(long)]
    protocols: bool,
    /// Instead of frames, how much came in each stretch of time, such as 1s or 100ms
    #[arg(long, value_name = "TIME", value_parser = amounts::some_time)]
    io: Option<Duration>,
    /// Instead of frames, what the programs at both ends of TCP connections said, in order; in hex with -x; with a folder,
    /// what each end said as it is, in a file of its own there
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true, default_missing_value = "-",
          conflicts_with_all = ["flows", "endpoints", "protocols", "io"])]
    follow: Option<PathBuf>,
    /// Instead of frames, the first TCP connection as a ladder between its ends; with a name that ends in .html or .svg, as
    /// such a file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-",
          conflicts_with_all = ["follow", "flows", "endpoints", "protocols", "io"])]
    ladder: Option<PathBuf>,
    /// Memory for conversations and addresses, in MiB; when it is full, those unheard of for longest make room
    #[arg(long, value_name = "MIB", default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    memory: u32,
}

impl Summaries {
    /// Whether any takes the place of the frames.
    pub(super) fn wanted(&self) -> bool {
        self.flows
            || self.endpoints
            || self.protocols
            || self.follow.is_some()
            || self.io.is_some()
            || self.ladder.is_some()
    }

    /// Whether connections are followed.
    pub(super) fn follows(&self) -> bool {
        self.follow.is_some()
    }

    /// Where files are made while frames come.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.follow.as_deref().filter(|folder| *folder != Path::new("-"))
    }

    /// The file that a ladder goes to.
    pub(super) fn file(&self) -> Option<&Path> {
        self.ladder.as_deref().filter(|file| *file != Path::new("-"))
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        (self.memory as usize) << 20
    }

    fn streams(&self, follower: Follower) -> anyhow::Result<(Streams, Told)> {
        let told = self.folder().map_or(Ok(Told::Printed(follower)), |folder| Sides::begin(folder).map(Told::Saved))?;
        Ok((Streams::within(self.memory()), told))
    }

    /// The summaries of no packet yet; none where none is wanted.
    pub(super) fn begin(&self, hex: bool, context: &Context) -> anyhow::Result<Option<Summary>> {
        let form = match (context.json, hex) {
            (true, _) => Form::Json,
            (false, true) => Form::Hex,
            (false, false) => Form::Text,
        };
        if !self.wanted() {
            return Ok(None);
        }
        Ok(Some(Summary {
            conversations: self.flows.then(|| Conversations::within(self.memory())),
            endpoints: self.endpoints.then(|| Endpoints::within(self.memory())),
            protocols: self.protocols.then(Protocols::default),
            streams: self.follow.as_ref().map(|_| self.streams(Follower::new(form, context.palette))).transpose()?,
            intervals: self.io.map(|time| Intervals::of(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))),
            ladder: self.ladder.as_deref().map(Ladder::begin).transpose()?,
        }))
    }
}

/// Whether there was a connection to follow or to draw; where there was none, that is said.
fn answer(there: bool, context: &mut Context) -> Outcome {
    if !there {
        context.note("no TCP connection was seen");
    }
    there.into()
}

/// What becomes of what is said.
enum Told {
    Printed(Follower),
    Saved(Sides),
}

impl Told {
    fn said(&mut self, said: &Said, context: &mut Context) -> anyhow::Result<()> {
        match self {
            Told::Printed(follower) => Ok(follower.said(&mut context.out, said)?),
            Told::Saved(sides) => sides.said(said),
        }
    }

    fn finish(&mut self, context: &mut Context) -> anyhow::Result<()> {
        match self {
            Told::Printed(follower) => Ok(follower.end_line(&mut context.out)?),
            Told::Saved(sides) => sides.finish(context),
        }
    }
}

/// Summaries under way.
pub(super) struct Summary {
    conversations: Option<Conversations>,
    endpoints: Option<Endpoints>,
    protocols: Option<Protocols>,
    intervals: Option<Intervals>,
    streams: Option<(Streams, Told)>,
    ladder: Option<Ladder>,
}

impl Summary {
    /// Takes in a packet, and prints what it makes a connection say.
    pub(super) fn see(&mut self, packet: &Packet<'_>, context: &mut Context) -> anyhow::Result<()> {
        if let Some(conversations) = &mut self.conversations
            && let Some(datagram) = segment::datagram(packet)
        {
            conversations.see(&datagram, packet.frame.original_length.into(), packet.frame.time);
        }
        if let Some(endpoints) = &mut self.endpoints {
            endpoints.see(packet);
        }
        if let Some(protocols) = &mut self.protocols {
            protocols.see(packet);
        }
        if let Some(intervals) = &mut self.intervals {
            intervals.see(packet);
        }
        if let Some((streams, told)) = &mut self.streams {
            for said in streams.see(packet) {
                told.said(&said, context)?;
            }
        }
        if let Some(ladder) = &mut self.ladder {
            ladder.see(packet);
        }
        Ok(())
    }

    /// Prints what there is to say at the end: tables one below the other, or one document.
    pub(super) fn finish(&mut self, names: Option<&Names>, context: &mut Context) -> anyhow::Result<Outcome> {
        if let Some((streams, told)) = &mut self.streams {
            for said in streams.finish() {
                told.said(&said, context)?;
            }
            told.finish(context)?;
            return Ok(answer(streams.connections() > 0, context));
        }
        if let Some(ladder) = self.ladder.take() {
            let drawn = ladder.finish(context)?;
            return Ok(answer(drawn, context));
        }
        if context.json {
            self.document(names, context)?;
            return Ok(Outcome::Yes);
        }
        let (palette, width, out) = (context.palette, context.width, &mut context.out);
        if let Some(conversations) = &self.conversations {
            flows::table(out, conversations, names, palette, width)?;
        }
        if let Some(endpoints) = &self.endpoints {
            tally::endpoints(out, endpoints, names, palette, width)?;
        }
        if let Some(protocols) = &self.protocols {
            tally::protocols(out, protocols, palette, width)?;
        }
        if let Some(intervals) = &self.intervals {
            tally::intervals(out, intervals, palette, width)?;
        }
        Ok(Outcome::Yes)
    }

    fn document(&self, names: Option<&Names>, context: &mut Context) -> anyhow::Result<()> {
        let parts = [
            self.conversations.as_ref().map(|conversations| flows::document(conversations, names)),
            self.endpoints.as_ref().map(|endpoints| tally::endpoints_document(endpoints, names)),
            self.protocols.as_ref().map(tally::protocols_document),
            self.intervals.as_ref().map(tally::intervals_document),
        ];
        let mut document = serde_json::Map::new();
        for part in parts.into_iter().flatten() {
            if let serde_json::Value::Object(part) = part {
                document.extend(part);
            }
        }
        Ok(json::document(&mut context.out, &document)?)
    }
}
