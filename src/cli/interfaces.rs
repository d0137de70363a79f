//! `netlab interfaces`.

use serde::Serialize;

use super::{Context, Outcome};
use crate::link::interface::{self, Interface};
use crate::report;

/// List interfaces with addresses, link address, state and counters
///
/// Without NAME a table of all interfaces of this network namespace (each in full where the terminal is too narrow for
/// it); with NAME, or the interface's number, everything that is known about that one. LOST counts what was dropped,
/// damaged or refused since the interface was made.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab interfaces eth0")]
pub struct Args {
    /// One interface, by name or number, in full
    name: Option<String>,
}

/// The JSON document.
#[derive(Serialize)]
struct Document {
    interfaces: Vec<Interface>,
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        let interfaces = match &self.name {
            Some(name) => vec![interface::interface(name)?],
            None => interface::interfaces()?,
        };
        match interfaces.as_slice() {
            _ if context.json => report::json::document(&mut context.out, &Document { interfaces })?,
            [one] if self.name.is_some() => report::interfaces::detail(&mut context.out, one, context.palette)?,
            all => report::interfaces::list(&mut context.out, all, context.palette, context.width)?,
        }
        Ok(Outcome::Yes)
    }
}
