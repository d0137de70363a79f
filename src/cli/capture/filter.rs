//! The filter of a capture: compiled for the kernel or for a file, or its program printed.

use std::io::Write;

use anyhow::{anyhow, bail};
use clap::{ArgAction, ValueEnum};

use crate::capture::Condition;
use crate::capture::filter::{self, Error, Matcher, Options, Source};
use crate::capture::live;
use crate::cli::{Context, Outcome};
use crate::link::LinkType;
use crate::link::packet_socket::Instruction;

/// Options of the filter.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Filtering {
    /// Take only packets that meet a condition on any field, evaluated after they were read: `tcp.window == 0`,
    /// `ipv4.ttl < 5 and not dns`, `dns.name ~ "example"`; names: `netlab explain fields`
    #[arg(long = "where", value_name = "CONDITION", value_parser = condition, conflicts_with = "program",
          help_heading = "Filter")]
    pub(super) condition: Option<Condition>,
    /// Let the filter see through up to two VLAN tags; `vlan N` then asks whether one of them has that number
    #[arg(long, help_heading = "Filter")]
    any_vlan: bool,
    /// Print the filter's program instead of capturing: -d with what it does, -dd for C, -ddd as numbers
    #[arg(short = 'd', long, action = ArgAction::Count,
          conflicts_with_all = ["read", "write", "quiet", "verbose", "hex", "ascii", "places", "follow", "flows",
                                "endpoints", "protocols", "io", "ladder", "top"], help_heading = "Filter")]
    program: u8,
    /// With -d: what packets begin with
    #[arg(short = 'y', long, value_enum, default_value_t = Link::Ethernet, value_name = "TYPE", requires = "program",
          help_heading = "Filter")]
    link: Link,
    /// With -d: the program for an interface, where the kernel has taken out a VLAN tag, not that for stored packets
    #[arg(long, requires = "program", help_heading = "Filter")]
    live: bool,
}

/// Link types that -d can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Link {
    /// Ethernet
    #[value(alias = "EN10MB")]
    Ethernet,
    /// Linux cooked, version 2: what `any` delivers
    #[value(alias = "LINUX_SLL2")]
    Cooked2,
    /// Linux cooked, version 1
    #[value(alias = "LINUX_SLL")]
    Cooked,
    /// IPv4 or IPv6 without a link header
    #[value(alias = "RAW")]
    Raw,
    /// BSD loopback, in this machine's byte order
    #[value(alias = "NULL")]
    Null,
    /// OpenBSD loopback
    #[value(alias = "LOOP")]
    Loop,
    /// PPP
    #[value(alias = "PPP")]
    Ppp,
}

impl Link {
    fn link_type(self) -> LinkType {
        match self {
            Link::Ethernet => LinkType::Ethernet,
            Link::Cooked2 => LinkType::LinuxSll2,
            Link::Cooked => LinkType::LinuxSll,
            Link::Raw => LinkType::RawIp,
            Link::Null => LinkType::Null,
            Link::Loop => LinkType::Loop,
            Link::Ppp => LinkType::Ppp,
        }
    }
}

impl Filtering {
    /// Whether the program is to be printed, and nothing captured.
    pub(super) fn prints(&self) -> bool {
        self.program > 0
    }

    /// Prints the program of the filter in `words`.
    pub(super) fn print(&self, words: &[String], snaplen: u32, context: &mut Context) -> anyhow::Result<Outcome> {
        if context.json {
            bail!("-d prints a program, which is no JSON: leave out --json");
        }
        let expression = words.join(" ");
        let source = if self.live { Source::Live } else { Source::Stored };
        let options = Options { any_vlan: self.any_vlan, snaplen, ..Options::new(source) };
        let program =
            filter::compile(&expression, self.link.link_type(), options).map_err(|e| wrong(&e, &expression))?;
        match self.program {
            1 => write!(context.out, "{}", program.listing())?,
            2 => write!(context.out, "{}", program.initializer())?,
            _ => write!(context.out, "{}", program.numbers())?,
        }
        Ok(Outcome::Yes)
    }

    /// The program for the frames of an interface; without words it takes every frame.
    pub(super) fn for_interface(
        &self,
        words: &[String],
        interface: &str,
        snaplen: u32,
    ) -> anyhow::Result<Vec<Instruction>> {
        if words.is_empty() {
            return Ok(vec![Instruction::take(snaplen)]);
        }
        let expression = words.join(" ");
        let (link, netmask) = live::describe(interface)?;
        let options = Options { any_vlan: self.any_vlan, snaplen, netmask, ..Options::new(Source::Live) };
        let program = filter::compile(&expression, link, options).map_err(|error| wrong(&error, &expression))?;
        Ok(program.instructions().to_vec())
    }

    /// The filter for the frames of a file; none without words.
    pub(super) fn for_file(&self, words: &[String]) -> anyhow::Result<Option<Matcher>> {
        if words.is_empty() {
            return Ok(None);
        }
        let expression = words.join(" ");
        let options = Options { any_vlan: self.any_vlan, ..Options::new(Source::Stored) };
        Matcher::new(&expression, options).map(Some).map_err(|error| {
            let name = matches!(words, [word] if word.chars().all(char::is_alphanumeric));
            let hint = if name { "\nhint: with -r there is no interface: what follows is a filter" } else { "" };
            anyhow!("{}{hint}", wrong(&error, &expression))
        })
    }
}

/// Reads a condition; the error points at the part that it is about.
fn condition(text: &str) -> Result<Condition, String> {
    Condition::parse(text).map_err(|error| error.render(text).to_string())
}

/// The error under the expression that it is about.
pub(super) fn wrong(error: &Error, expression: &str) -> anyhow::Error {
    anyhow!("filter: {}", error.render(expression))
}
