//! The command line: one subcommand per file, each arguments → plan → run → outcome.
//!
//! The contract that every command keeps is in [`contract`]: exit status, output, colour, closed pipes, errors.

pub mod contract;

mod arp;
mod capture;
mod claims;
mod completions;
mod destination;
mod explain;
mod interfaces;
mod lab;
mod man;
mod probe;
mod reuse_demo;
mod sockets;
mod subnet;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub use contract::{Context, Outcome};

/// See every layer of the network on your own machine, and prove it.
#[derive(Debug, Parser)]
#[command(name = "netlab", bin_name = "netlab", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit status: 0 yes or done, 1 the answer is no, 2 it could not be done,\n\
                        130 Ctrl-C came before the answer was there.\n\
                        Example: netlab subnet 172.16.10.1 255.255.255.0 172.16.10.2")]
struct Cli {
    #[command(flatten)]
    global: contract::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Interfaces(interfaces::Args),
    Subnet(subnet::Args),
    Arp(arp::Args),
    Probe(probe::Args),
    Sockets(sockets::Args),
    Capture(Box<capture::Args>),
    Explain(explain::Args),
    ReuseDemo(reuse_demo::Args),
    Lab(lab::Args),
    Claims(claims::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        match self {
            Command::Interfaces(args) => args.run(context),
            Command::Subnet(args) => args.run(context),
            Command::Arp(args) => args.run(context),
            Command::Probe(args) => args.run(context),
            Command::Sockets(args) => args.run(context),
            Command::Capture(args) => args.run(context),
            Command::Explain(args) => args.run(context),
            Command::ReuseDemo(args) => args.run(context),
            Command::Lab(args) => args.run(context),
            Command::Claims(args) => args.run(context),
            Command::Completions(args) => args.run(context),
            Command::Man(args) => args.run(context),
        }
    }
}

/// The clap description of the whole command line, for completions and manual pages.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program with the process's own arguments and returns its exit status.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return contract::say(said),
    };
    let mut context = Context::new(&cli.global);
    let result = cli.command.run(&mut context);
    contract::finish(result, context)
}

#[cfg(test)]
mod tests {
    #[test]
    fn clap_finds_no_fault_in_the_command_line() {
        super::command().debug_assert();
    }
}
