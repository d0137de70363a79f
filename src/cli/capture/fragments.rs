//! Fragments in a capture: put together, or left as they are.

use crate::capture::Dissector;
use crate::cli::Context;
use crate::internet::fragments::Counts;
use crate::report::quantity::Things;

/// What is done with fragments.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Fragments {
    /// Leave datagrams in fragments as they are, instead of showing each whole in the frame that completes it
    #[arg(long)]
    no_reassembly: bool,
}

impl Fragments {
    /// The dissector, which puts fragments together unless they are to be left as they are.
    pub(super) fn with(self, dissector: Dissector) -> Dissector {
        if self.no_reassembly { dissector } else { dissector.reassembling() }
    }
}

/// Says what became of datagrams in fragments where not all of them are whole.
pub(super) fn note(dissector: &Dissector, context: &mut Context) {
    let (Counts { whole, timed_out, made_room, overlapped, refused }, waiting) = dissector.fragments();
    let others = [
        (waiting, "incomplete at the end"),
        (timed_out, "given up after 30 s (IPv6: 60 s)"),
        (made_room, "given up to make room for newer ones"),
        (overlapped, "given up because fragments overlap (IPv6, RFC 5722)"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> = others.map(|(count, what)| format!("{count} {what}")).collect();
    if refused > 0 {
        parts.push(format!("{} not used", Things(refused, "fragment")));
    }
    if !parts.is_empty() {
        context.note(format_args!("datagrams in fragments: {whole} put together, {}", parts.join(", ")));
    }
}
