//! The conditions of a network as its file gives them.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

use crate::bytes::amounts;
use crate::lab::line::Conditions;

/// What frames meet on their way into a network. What is not given is as without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinePlan {
    /// Time from the sender to the receiver, such as `20ms`.
    #[serde(deserialize_with = "time")]
    pub delay: Option<Duration>,
    /// Bits per second, such as `10Mbit/s`.
    #[serde(deserialize_with = "rate")]
    pub rate: Option<u64>,
    /// Frames that may wait where the rate is limited, from 1.
    #[serde(deserialize_with = "queue")]
    pub queue: Option<usize>,
    /// Share of frames that are lost, such as `2%`.
    #[serde(deserialize_with = "share")]
    pub loss: Option<f64>,
    /// Share of frames that go on twice.
    #[serde(deserialize_with = "share")]
    pub duplicate: Option<f64>,
    /// Share of frames in which one bit is turned over.
    #[serde(deserialize_with = "share")]
    pub corrupt: Option<f64>,
    /// Share of frames that the next one overtakes.
    #[serde(deserialize_with = "share")]
    pub reorder: Option<f64>,
    /// What chance begins with.
    pub seed: Option<u64>,
}

impl LinePlan {
    /// What this gives, and `general` where it gives nothing.
    #[must_use]
    pub fn over(self, general: LinePlan) -> LinePlan {
        LinePlan {
            delay: self.delay.or(general.delay),
            rate: self.rate.or(general.rate),
            queue: self.queue.or(general.queue),
            loss: self.loss.or(general.loss),
            duplicate: self.duplicate.or(general.duplicate),
            corrupt: self.corrupt.or(general.corrupt),
            reorder: self.reorder.or(general.reorder),
            seed: self.seed.or(general.seed),
        }
    }
}

impl From<LinePlan> for Conditions {
    fn from(plan: LinePlan) -> Self {
        let usual = Conditions::default();
        Conditions {
            delay: plan.delay,
            rate: plan.rate,
            queue: plan.queue.unwrap_or(usual.queue),
            loss: plan.loss.unwrap_or_default(),
            duplicate: plan.duplicate.unwrap_or_default(),
            corrupt: plan.corrupt.unwrap_or_default(),
            reorder: plan.reorder.unwrap_or_default(),
            seed: plan.seed.unwrap_or_default(),
        }
    }
}

/// More than any interface lets wait, and little memory.
const QUEUE_AT_MOST: usize = 10_000;

fn queue<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    let frames = usize::deserialize(from)?;
    let wrong = || D::Error::custom(format!("expected a number of frames from 1 to {QUEUE_AT_MOST}"));
    (1..=QUEUE_AT_MOST).contains(&frames).then_some(Some(frames)).ok_or_else(wrong)
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    text(from, amounts::time)
}

fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    text(from, amounts::rate)
}

fn share<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    text(from, amounts::share)
}

fn text<'de, D: Deserializer<'de>, T>(from: D, read: fn(&str) -> Result<T, String>) -> Result<Option<T>, D::Error> {
    read(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<LinePlan, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn everything_can_be_given_and_what_is_not_is_as_without() {
        let text = "delay = '20ms'\nrate = '10Mbit/s'\nqueue = 20\nloss = '2%'\nduplicate = '1%'\ncorrupt = '3%'\n\
                    reorder = '4%'\nseed = 7";
        let expected = Conditions {
            delay: Some(Duration::from_millis(20)),
            rate: Some(10_000_000),
            queue: 20,
            loss: 0.02,
            duplicate: 0.01,
            corrupt: 0.03,
            reorder: 0.04,
            seed: 7,
        };
        assert_eq!(Conditions::from(read(text).unwrap()), expected);
        assert_eq!(Conditions::from(read("").unwrap()), Conditions::default());
    }

    #[test]
    fn what_one_host_meets_stands_over_what_all_meet() {
        let general = read("delay = '20ms'\nloss = '2%'").unwrap();
        let own = read("loss = '0%'\nseed = 3").unwrap();
        assert_eq!(own.over(general), read("delay = '20ms'\nloss = '0%'\nseed = 3").unwrap());
    }

    #[test]
    fn mistakes_are_told_with_what_was_expected() {
        let error = |text: &str| read(text).unwrap_err().to_string();
        assert!(error("delay = '20'").contains("expected a time up to 10 s"));
        assert!(error("loss = '101%'").contains("expected a share from 0% to 100%"));
        assert!(error("rate = '10MB/s'").contains("expected a rate"));
        assert!(error("queue = 0").contains("from 1 to 10000"));
        assert!(error("latency = '20ms'").contains("unknown field `latency`"));
    }
}
