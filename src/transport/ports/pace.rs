//! How many probes are under way, how fast they leave, how long each waits for its answer.

use std::time::Duration;

/// How many probes may be under way at once.
///
/// Answers open the window by one each, so it doubles in a round trip. Silence opens it faster: what is silent costs
/// nobody anything but the wait. An answer that came only to a repeated question narrows it: something was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Probes that may be under way now.
    pub size: usize,
    limit: usize,
}

/// Where the window starts, in probes.
const START: usize = 512;
/// What one unanswered probe adds: the window grows eightfold in the time that a probe waits.
const SILENT_GROWTH: usize = 7;
/// Losses narrow the window by one part in this many, down to [`NARROWEST`].
const LOSS_SHARE: usize = 32;
/// Under this, losses do not narrow the window further.
const NARROWEST: usize = 64;

impl Window {
    /// A window that never grows beyond `limit`, which is at least 1.
    pub fn new(limit: usize) -> Self {
        let limit = limit.max(1);
        Window { size: START.min(limit), limit }
    }

    /// An answer came.
    pub fn answered(&mut self) {
        self.size = (self.size + 1).min(self.limit);
    }

    /// A probe waited in vain.
    pub fn silent(&mut self) {
        self.size = (self.size + SILENT_GROWTH).min(self.limit);
    }

    /// An answer came that the first question did not get.
    pub fn lost(&mut self) {
        self.size = (self.size - self.size / LOSS_SHARE).max(NARROWEST).min(self.limit);
    }

    /// The machine has no room for more than the `in_flight` probes that are under way.
    pub fn exhausted(&mut self, in_flight: usize) {
        self.limit = in_flight.max(1);
        self.size = self.limit;
    }
}

/// How many probes leave in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    per_second: Option<f64>,
    adapts: bool,
    due: Duration,
}

/// Probes per second at which UDP starts, and to which it returns: hosts limit their ICMP errors, and what is asked
/// faster than they may answer looks silent.
const UDP_START: f64 = 1000.0;
/// Probes per second that adapting never exceeds.
const UDP_MOST: f64 = 20_000.0;
/// How much of what could have left earlier may be caught up at once.
const CATCH_UP: Duration = Duration::from_millis(10);

impl Rate {
    /// No limit but the window.
    pub const UNLIMITED: Rate = Rate { per_second: None, adapts: false, due: Duration::ZERO };

    /// Exactly this many probes per second; it must be above 0.
    pub fn fixed(per_second: f64) -> Self {
        Rate { per_second: Some(per_second), adapts: false, due: Duration::ZERO }
    }

    /// The rate of UDP: from 1,000 per second up while every probe gets its ICMP error or none does.
    pub fn udp() -> Self {
        Rate { per_second: Some(UDP_START), adapts: true, due: Duration::ZERO }
    }

    /// How long the next probe has to wait.
    pub fn wait(&self, now: Duration) -> Duration {
        self.due.saturating_sub(now)
    }

    /// A probe left at `now`.
    pub fn spent(&mut self, now: Duration) {
        if let Some(rate) = self.per_second {
            self.due = self.due.max(now.saturating_sub(CATCH_UP)) + Duration::from_secs_f64(1.0 / rate);
        }
    }

    /// An ICMP error came to a first question.
    pub fn unreachable(&mut self) {
        self.adapt(1.0);
    }

    /// A probe waited in vain; `icmp_seen` tells whether the host sends ICMP errors at all.
    pub fn silent(&mut self, icmp_seen: bool) {
        let step = if icmp_seen { -self.per_second.unwrap_or_default() / 64.0 } else { 4.0 };
        self.adapt(step);
    }

    fn adapt(&mut self, step: f64) {
        if let Some(rate) = self.per_second.as_mut().filter(|_| self.adapts) {
            *rate = (*rate + step).clamp(UDP_START, UDP_MOST);
        }
    }
}

/// The round-trip time of one host, smoothed as RFC 6298 §2 does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundTrip {
    smoothed: Option<Duration>,
    variation: Duration,
}

impl RoundTrip {
    /// Takes in one measurement.
    pub fn sample(&mut self, rtt: Duration) {
        match self.smoothed {
            None => (self.smoothed, self.variation) = (Some(rtt), rtt / 2),
            Some(smoothed) => {
                self.variation = (self.variation * 3 + smoothed.abs_diff(rtt)) / 4;
                self.smoothed = Some((smoothed * 7 + rtt) / 8);
            }
        }
    }

    /// How long the `attempt`th probe (from 1) waits for its answer; longer each time, so that a first guess that was
    /// too short is not repeated.
    pub fn patience(&self, attempt: u8, waits: &Waits) -> Duration {
        match self.smoothed {
            Some(smoothed) => {
                ((smoothed + self.variation * 4).max(waits.known) * u32::from(attempt.max(1))).min(waits.longest)
            }
            None => waits.unknown[usize::from(attempt.max(1) - 1).min(waits.unknown.len() - 1)],
        }
    }
}

/// How long probes wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// The shortest wait for a host whose round-trip time is known.
    pub known: Duration,
    /// The waits for a host from which nothing came yet: first, second, and every later try.
    pub unknown: [Duration; 3],
    /// The longest wait.
    pub longest: Duration,
}

impl Waits {
    /// For TCP: a kernel answers at once. The last wait covers a round trip around the world; satellites need a given
    /// one.
    pub const TCP: Waits = Waits {
        known: Duration::from_millis(250),
        unknown: [Duration::from_millis(200), Duration::from_millis(200), Duration::from_millis(500)],
        longest: Duration::from_secs(3),
    };
    /// For UDP: a program has to answer.
    pub const UDP: Waits = Waits {
        known: Duration::from_millis(400),
        unknown: [Duration::from_millis(500), Duration::from_millis(500), Duration::from_secs(1)],
        longest: Duration::from_secs(3),
    };

    /// Every probe waits exactly this long.
    pub fn fixed(wait: Duration) -> Self {
        Waits { known: wait, unknown: [wait; 3], longest: wait }
    }
}

/// How many open ports are likely to have been missed: each of `silent` ports was asked `tries` times, a question or
/// its answer was lost with the probability `loss`, and of the ports that answer, the share `open` is open.
pub fn expected_missed(loss: f64, tries: u8, silent: usize, open: f64) -> f64 {
    loss.powi(i32::from(tries)) * silent as f64 * open
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn answers_double_the_window_in_a_round_trip_and_silence_opens_it_eightfold() {
        let mut window = Window::new(100_000);
        (0..START).for_each(|_| window.answered());
        assert_eq!(window.size, 2 * START);
        let mut window = Window::new(100_000);
        (0..START).for_each(|_| window.silent());
        assert_eq!(window.size, 8 * START);
    }

    #[test]
    fn the_window_stays_between_its_bounds() {
        let mut window = Window::new(600);
        (0..1000).for_each(|_| window.silent());
        assert_eq!(window.size, 600);
        (0..1000).for_each(|_| window.lost());
        assert_eq!(window.size, NARROWEST);
        assert_eq!(Window::new(0).size, 1);
    }

    #[test]
    fn a_full_machine_sets_a_lower_limit_for_good() {
        let mut window = Window::new(10_000);
        window.exhausted(40);
        (0..100).for_each(|_| window.answered());
        assert_eq!(window.size, 40);
        window.exhausted(0);
        assert_eq!(window.size, 1);
    }

    #[test]
    fn a_fixed_rate_spaces_the_probes_and_forgets_what_it_could_have_sent_long_ago() {
        let mut rate = Rate::fixed(1000.0);
        rate.spent(Duration::ZERO);
        rate.spent(Duration::ZERO);
        assert_eq!(rate.wait(Duration::ZERO), 2 * MS);
        let later = Duration::from_secs(100);
        let sent = (0..1000)
            .take_while(|_| {
                rate.wait(later).is_zero() && {
                    rate.spent(later);
                    true
                }
            })
            .count();
        assert!((10..=11).contains(&sent), "{sent} left at once");
    }

    #[test]
    fn udp_speeds_up_where_nothing_answers_and_slows_down_where_icmp_errors_fail_to_come() {
        let mut rate = Rate::udp();
        (0..1000).for_each(|_| rate.silent(false));
        assert_eq!(rate.per_second, Some(5000.0));
        (0..1000).for_each(|_| rate.silent(true));
        assert_eq!(rate.per_second, Some(UDP_START));
    }

    #[test]
    fn patience_follows_the_round_trip_and_grows_with_each_try() {
        let mut known = RoundTrip::default();
        known.sample(100 * MS);
        assert_eq!(known.patience(1, &Waits::TCP), 300 * MS);
        assert_eq!(known.patience(2, &Waits::TCP), 600 * MS);
        assert_eq!(known.patience(200, &Waits::TCP), Waits::TCP.longest);
        (0..100).for_each(|_| known.sample(MS));
        assert_eq!(known.patience(1, &Waits::TCP), Waits::TCP.known);
    }

    #[test]
    fn patience_with_an_unknown_host_ends_with_the_long_wait() {
        let unknown = RoundTrip::default();
        let waits: Vec<_> = (1..=4).map(|attempt| unknown.patience(attempt, &Waits::TCP)).collect();
        assert_eq!(waits, [200 * MS, 200 * MS, 500 * MS, 500 * MS]);
    }

    #[test]
    fn what_was_missed_falls_with_every_try() {
        assert!(expected_missed(0.0, 1, 1000, 0.5) < f64::EPSILON);
        assert!(expected_missed(0.1, 3, 1000, 0.5) < 0.51);
        assert!(expected_missed(0.1, 5, 1000, 0.5) < 0.01);
    }
}
