//! What a user may change about a lab.

use std::time::Duration;

use crate::lab::experiment::Given;

/// Parameters of labs; a lab that has no use for one says so.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "The lab's parameters")]
pub(super) struct Args {
    /// Round-trip time of the wire, such as 40ms
    #[arg(long, value_name = "TIME", value_parser = time)]
    rtt: Option<Duration>,
    /// Share of frames that the wire loses, such as 2%
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    loss: Option<f64>,
    /// Backlog of listening sockets
    #[arg(long, value_name = "N")]
    backlog: Option<u32>,
    /// Seed of everything random: the same seed loses the same frames
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
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

/// No lab waits longer for a wire.
const LONGEST: Duration = Duration::from_secs(10);

fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time up to 10 s, such as 40ms, 250us or 1.5s".to_owned();
    let at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "us" => number / 1e6,
        "ms" => number / 1e3,
        "s" => number,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(seconds).ok().filter(|time| *time <= LONGEST).ok_or_else(wrong)
}

fn share(text: &str) -> Result<f64, String> {
    let wrong = || "expected a share from 0% to 100%".to_owned();
    let percent: f64 = text.strip_suffix('%').ok_or_else(wrong)?.trim().parse().map_err(|_| wrong())?;
    if (0.0..=100.0).contains(&percent) { Ok(percent / 100.0) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_a_bound() {
        assert_eq!(time("40ms"), Ok(Duration::from_millis(40)));
        assert_eq!(time("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("250us"), Ok(Duration::from_micros(250)));
        for wrong in ["40", "ms", "-1ms", "11s", "NaNs", "infs", "1h", "1e9s", ""] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares_are_percentages() {
        assert_eq!(share("2%"), Ok(0.02));
        assert_eq!(share("100%"), Ok(1.0));
        for wrong in ["2", "-1%", "101%", "NaN%", "%", ""] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_given_can_be_given_on() {
        let args = Args { rtt: Some(Duration::from_millis(40)), loss: Some(0.02), backlog: Some(5), seed: None };
        assert_eq!(args.arguments(), ["--rtt=40000us", "--loss=2%", "--backlog=5"]);
        assert_eq!(options(args.given()), ["--rtt", "--loss", "--backlog"]);
    }
}
