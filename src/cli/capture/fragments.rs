//! Fragments in a capture: put together, or left as they are.

use crate::capture::Dissector;
use crate::cli::Context;
use crate::internet::fragments::Counts;

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

/// Says how many datagrams stayed in pieces, and why.
pub(super) fn note(dissector: &Dissector, context: &mut Context) {
    let (Counts { whole, timed_out, made_room, overlapped }, waiting) = dissector.fragments();
    let why = [
        (waiting, "missed fragments at the end"),
        (timed_out, "missed fragments for too long (30 s, IPv6 60 s)"),
        (made_room, "made room for newer ones"),
        (overlapped, "had fragments that overlap (IPv6, RFC 5722)"),
    ];
    let parts: Vec<String> =
        why.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}")).collect();
    if !parts.is_empty() {
        context.note(format_args!("datagrams in fragments: {whole} put together; {}", parts.join(", ")));
    }
}
