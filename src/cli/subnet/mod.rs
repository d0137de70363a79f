//! `netlab subnet`.

mod contains;
mod lists;
mod words;

use std::io::Write;

use anyhow::{Context as _, bail};

use crate::internet::subnet::{Address, Count, Membership, Prefix, Subnet, notation, vlsm};
use crate::report::subnet::{Answer, Part};
use crate::report::{json, subnet as report};

use super::{Context, Outcome};

/// Compute a subnet, the AND shown bit by bit
///
/// Shows the AND of address and mask, what the subnet holds and what it is for, and whether each OTHER address is in the
/// same subnet. IPv4 and IPv6; masks as /24, 24, 255.255.255.0, 0xffffff00 or the wildcard 0.0.0.255.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status 1: an OTHER is in another subnet, nothing matched, nothing is left.\n\
                        Example: netlab subnet 172.16.10.1 255.255.255.0 172.16.10.2")]
#[command(
    after_long_help = "Exit status: 0 all in the same subnet, or done; 1 an OTHER is in another subnet, no line \
matched, no address is left, the hosts do not fit; 2 not understood.

Examples:
  netlab subnet 172.16.10.1 255.255.255.0 172.16.10.2   are the two in one subnet?
  netlab subnet 10.0.0.1/24 10.0.0.200/25               and seen from either side?
  netlab subnet 10.0.0.0/22 --split /24                 its four parts
  netlab subnet 192.168.1.0/24 --hosts 50,20,10         a subnet for each number of hosts
  netlab subnet 10.0.0.0-10.0.1.77 --aggregate          a range as exact prefixes
  netlab subnet 10.0.0.0/8 --exclude 10.1.0.0/16        what is left
  netlab subnet --contains blocklist.txt < access.log   lines with an address from the list"
)]
#[command(group = clap::ArgGroup::new("mode").args(["split", "hosts", "supernet", "aggregate", "contains"]))]
pub struct Args {
    /// ADDRESS[/MASK], then the MASK unless given, then other addresses; for lists: addresses, prefixes, ranges FIRST-LAST, or - for standard input
    #[arg(value_name = "ADDR [MASK] [OTHER]", allow_hyphen_values = false)]
    words: Vec<String>,
    /// List the subnets of this length
    #[arg(long, value_name = "LEN", help_heading = "Instead of describing one subnet")]
    split: Option<String>,
    /// Lay out one subnet for each number of hosts, largest first; each keeps a network and a broadcast address
    #[arg(long, value_name = "N,N…", value_delimiter = ',', value_parser = hosts, help_heading = "Instead of describing one subnet")]
    hosts: Option<Vec<u64>>,
    /// The smallest prefix that holds the whole list
    #[arg(long, help_heading = "Instead of describing one subnet")]
    supernet: bool,
    /// The list as the fewest prefixes that hold exactly the same addresses
    #[arg(long, help_heading = "Instead of describing one subnet")]
    aggregate: bool,
    /// Take these networks out of the list, then aggregate; may be repeated
    #[arg(long, value_name = "NET,NET…", value_delimiter = ',', help_heading = "Instead of describing one subnet")]
    #[arg(conflicts_with_all = ["split", "hosts", "supernet", "contains"])]
    exclude: Vec<String>,
    /// Print the lines of standard input (or the words) that have an address in PREFIXES: a comma list, or a file with one per line
    #[arg(long, value_name = "PREFIXES", help_heading = "Instead of describing one subnet")]
    contains: Option<String>,
    /// Print only the number of subnets or of matching lines
    #[arg(long, help_heading = "With --split and --contains")]
    count: bool,
    #[command(flatten)]
    filter: contains::Options,
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        if self.count && self.split.is_none() && self.contains.is_none() {
            bail!("--count goes with --split or --contains");
        }
        if let Some(prefixes) = &self.contains {
            return contains::run(&self.words, prefixes, self.filter, self.count, context);
        }
        if self.supernet {
            return lists::supernet(&self.words, context);
        }
        if self.aggregate || !self.exclude.is_empty() {
            return lists::aggregate(&self.words, &self.exclude, context);
        }
        let question = words::read(&self.words)?;
        match (&self.split, &self.hosts) {
            (Some(length), _) => split(question.network()?, length, self.count, context),
            (_, Some(hosts)) => lay_out(question.network()?, hosts, context),
            _ => describe(&question, context),
        }
    }
}

/// A number of hosts.
fn hosts(word: &str) -> Result<u64, &'static str> {
    let number = word.trim().parse().ok().filter(|hosts| *hosts > 0 && !word.contains('+'));
    number.ok_or("expected numbers of hosts from 1 with commas between them, such as 50,20,10")
}

/// What the words ask: an address, its mask if there is one, and other addresses with theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Question {
    address: Address,
    length: Option<u8>,
    others: Vec<(Address, Option<u8>)>,
}

impl Question {
    /// The one network that the words name.
    fn network(&self) -> anyhow::Result<Prefix> {
        let length = self.length.with_context(|| format!("{} has no mask; expected a network", self.address))?;
        if let Some((other, _)) = self.others.first() {
            bail!("{other} is one network too many; expected a single one");
        }
        Ok(Prefix::of(self.address, length))
    }
}

fn describe(question: &Question, context: &mut Context) -> anyhow::Result<Outcome> {
    let subnet = Subnet::of(question.address, question.length);
    let others: Vec<Membership> =
        question.others.iter().map(|(other, length)| Membership::of(&subnet, *other, *length)).collect();
    let answer = Answer { subnet: &subnet, others: &others };
    if context.json {
        json::document(&mut context.out, &answer)?;
    } else {
        report::describe(&mut context.out, context.palette, context.width, &answer)?;
    }
    Ok(others.iter().all(|other| other.same_subnet).into())
}

fn split(network: Prefix, length: &str, count: bool, context: &mut Context) -> anyhow::Result<Outcome> {
    let length = notation::mask(length, network.family()).context("--split")?;
    let Some(bits) = length.checked_sub(network.length()) else {
        bail!(
            "{network} cannot be split into subnets of /{length}, which are larger; for the network around it: --supernet"
        );
    };
    if count {
        let subnets = Count::power_of_two(bits);
        if context.json {
            json::document(&mut context.out, &serde_json::json!({ "subnets": subnets }))?;
        } else {
            writeln!(context.out, "{subnets}")?;
        }
        return Ok(Outcome::Yes);
    }
    for part in network.split(length).map(Part::from) {
        if context.json {
            json::line(&mut context.out, &part)?;
        } else {
            writeln!(context.out, "{part}")?;
        }
    }
    Ok(Outcome::Yes)
}

fn lay_out(network: Prefix, hosts: &[u64], context: &mut Context) -> anyhow::Result<Outcome> {
    match vlsm::lay_out(network, hosts) {
        Err(full) => {
            context.note(full);
            Ok(Outcome::No)
        }
        Ok(layout) if context.json => Ok(json::document(&mut context.out, &layout).map(|()| Outcome::Yes)?),
        Ok(layout) => Ok(report::layout(&mut context.out, context.palette, &layout).map(|()| Outcome::Yes)?),
    }
}
