//! What a user may change about a lab.

use std::time::Duration;

use crate::bytes::amounts::{share, time};
use crate::lab::experiment::Given;

/// Parameters of labs; a lab that has no use for one says so.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "The lab's parameters")]
pub(super) struct Args {
    /// Round-trip time of the wire, such as 40ms
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    rtt: Option<Duration>,
    /// Share of frames that the wire loses, such as 2%
    #[arg(long, value_name = "PERCENT", value_parser = share, allow_hyphen_values = true)]
    loss: Option<f64>,
    /// Backlog of listening sockets
    #[arg(long, value_name = "N", value_parser = whole::<u32>, allow_hyphen_values = true)]
    backlog: Option<u32>,
    /// Seed of everything random: the same seed loses the same frames
    #[arg(long, value_name = "N", value_parser = whole::<u64>, allow_hyphen_values = true)]
    seed: Option<u64>,
}

/// A whole number, at most what `N` holds.
fn whole<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    let bits = size_of::<N>() * 8;
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX >> (64 - bits)))
}

/// The number of a frame.
pub(super) fn frame(text: &str) -> Result<u64, String> {
    whole(text).ok().filter(|number| *number > 0).ok_or_else(|| "expected a whole number from 1 on".to_owned())
}

impl Args {
    pub(super) fn given(&self) -> Given {
        Given { round_trip: self.rtt, loss: self.loss, backlog: self.backlog, seed: self.seed }
    }

    /// The arguments that say the same, for a process that runs one lab.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        arguments.extend(self.rtt.map(|time| format!("--rtt={}us", time.as_micros())));
        arguments.extend(self.loss.map(|share| format!("--loss={}%", share * 100.0)));
        arguments.extend(self.backlog.map(|backlog| format!("--backlog={backlog}")));
        arguments.extend(self.seed.map(|seed| format!("--seed={seed}")));
        arguments
    }
}

/// The options of what is in `given`.
pub(super) fn options(given: Given) -> Vec<&'static str> {
    let all = [
        ("--rtt", given.round_trip.is_some()),
        ("--loss", given.loss.is_some()),
        ("--backlog", given.backlog.is_some()),
        ("--seed", given.seed.is_some()),
    ];
    all.into_iter().filter(|(_, given)| *given).map(|(option, _)| option).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_and_not_negative() {
        assert_eq!((whole::<u32>("7"), whole::<u64>("7")), (Ok(7), Ok(7)));
        assert_eq!(whole::<u32>("-5"), Err("expected a whole number from 0 to 4294967295".to_owned()));
        assert_eq!((frame("1"), frame("0").is_err()), (Ok(1), true));
        assert_eq!(whole::<u64>("1.5"), Err("expected a whole number from 0 to 18446744073709551615".to_owned()));
    }

    #[test]
    fn what_was_given_can_be_given_on() {
        let args = Args { rtt: Some(Duration::from_millis(40)), loss: Some(0.02), backlog: Some(5), seed: None };
        assert_eq!(args.arguments(), ["--rtt=40000us", "--loss=2%", "--backlog=5"]);
        assert_eq!(options(args.given()), ["--rtt", "--loss", "--backlog"]);
    }
}
