//! When a frame was seen.

use super::text::Text;
use crate::capture::Packet;
use crate::capture::calendar::Moment;
use crate::capture::frame::Nanoseconds;

/// Which time of a frame is shown: to the microsecond, and those other than [`Clock::SinceFirst`] to the nanosecond where
/// there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Seconds since the first frame.
    SinceFirst,
    /// Seconds since the frame before.
    SincePrevious,
    /// Date and time, UTC.
    Utc,
    /// Date and time of a place where clocks are so many seconds ahead of UTC.
    Local(i32),
    /// Seconds since 1970.
    Epoch,
}

/// The time that `clock` asks for; `-` where the frame has none.
pub(super) fn time(text: &mut Text, packet: &Packet<'_>, clock: Clock) {
    let (value, sign) = match clock {
        Clock::SinceFirst => (packet.since_first, "+"),
        // The first frame has none before it.
        Clock::SincePrevious => (packet.since_previous.or(packet.frame.time.map(|_| 0)), "+"),
        Clock::Utc | Clock::Local(_) | Clock::Epoch => (packet.frame.time, ""),
    };
    let Some(value) = value else {
        text.str("-");
        return;
    };
    match clock {
        Clock::Utc => return utc(text, value),
        Clock::Local(ahead) => return local(text, value, ahead),
        _ => {}
    }
    text.str(if value < 0 { "-" } else { sign });
    let value = value.unsigned_abs();
    text.number(value / SECOND).str(".");
    match clock {
        Clock::SinceFirst => text.decimal(value / 1000 % 1_000_000, 6),
        // As many digits on every line of a file, whatever the difference.
        Clock::SincePrevious if packet.frame.time.is_some_and(|time| time % 1000 != 0) => {
            text.decimal(value % SECOND, 9)
        }
        _ => fraction(text, value % SECOND),
    };
}

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// Part of a second: six digits, nine where there are nanoseconds.
fn fraction(text: &mut Text, nanoseconds: u64) -> &mut Text {
    match nanoseconds % 1000 {
        0 => text.decimal(nanoseconds / 1000, 6),
        _ => text.decimal(nanoseconds, 9),
    }
}

/// `2026-01-31T23:59:59.000001Z`, RFC 3339.
pub(super) fn utc(text: &mut Text, time: Nanoseconds) {
    date(text, time);
    text.str("Z");
}

/// `2026-01-31T18:59:59.000001-05:00`, RFC 3339; seconds too where a place kept its own time.
fn local(text: &mut Text, time: Nanoseconds, ahead: i32) {
    date(text, time.saturating_add(i64::from(ahead) * SECOND as i64));
    let (sign, ahead) = (if ahead < 0 { "-" } else { "+" }, u64::from(ahead.unsigned_abs()));
    text.str(sign).decimal(ahead / 3600, 2).str(":").decimal(ahead / 60 % 60, 2);
    if ahead % 60 > 0 {
        text.str(":").decimal(ahead % 60, 2);
    }
}

fn date(text: &mut Text, time: Nanoseconds) {
    let Moment { year, month, day, hour, minute, second, nanosecond } = Moment::of(time);
    text.decimal(year, 4).str("-").decimal(month, 2).str("-").decimal(day, 2).str("T");
    text.decimal(hour, 2).str(":").decimal(minute, 2).str(":").decimal(second, 2).str(".");
    fraction(text, nanosecond);
}
