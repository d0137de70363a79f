//! Times, shares, rates and sizes as people write them: `40ms`, `2%`, `10Mbit/s`, `100MB`.

use std::time::Duration;

/// No lab waits longer for a wire.
const LONGEST: Duration = Duration::from_secs(10);

/// Terabits per second: more than any wire.
const FASTEST: f64 = 1e12;

/// A time: a number with `us`, `ms`, `s`, `m` (also `min`), `h` or `d`.
///
/// # Errors
/// What was expected.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time such as 250us, 40ms, 1.5s, 10m, 2h or 1d".to_owned();
    let (number, unit) = number(text).ok_or_else(wrong)?;
    let seconds = match unit {
        "us" | "µs" => number / 1e6,
        "ms" => number / 1e3,
        "s" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        "d" => number * 86_400.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

/// As [`duration`], but not 0.
///
/// # Errors
/// What was expected.
pub fn some_time(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|time| if time.is_zero() { Err("expected more than 0".to_owned()) } else { Ok(time) })
}

/// A time for a wire, at most 10 s.
///
/// # Errors
/// What was expected.
pub fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time up to 10 s, such as 40ms, 250us or 1.5s".to_owned();
    duration(text).ok().filter(|time| *time <= LONGEST).ok_or_else(wrong)
}

/// A share in percent, as a number from 0 to 1.
///
/// # Errors
/// What was expected.
pub fn share(text: &str) -> Result<f64, String> {
    let wrong = || "expected a share from 0% to 100%".to_owned();
    let percent: f64 = text.strip_suffix('%').ok_or_else(wrong)?.trim().parse().map_err(|_| wrong())?;
    if (0.0..=100.0).contains(&percent) { Ok(percent / 100.0) } else { Err(wrong()) }
}

/// A rate, in bits per second: a number with `bit/s`, `kbit/s`, `Mbit/s` or `Gbit/s` (powers of 1000).
///
/// # Errors
/// What was expected.
pub fn rate(text: &str) -> Result<u64, String> {
    let wrong = || "expected a rate from 1bit/s to 1000Gbit/s, such as 64kbit/s or 10Mbit/s".to_owned();
    let (number, unit) = number(text).ok_or_else(wrong)?;
    let factor = match unit {
        "bit/s" => 1.0,
        "kbit/s" => 1e3,
        "Mbit/s" => 1e6,
        "Gbit/s" => 1e9,
        _ => return Err(wrong()),
    };
    let bits = number * factor;
    if (1.0..=FASTEST).contains(&bits) { Ok(bits as u64) } else { Err(wrong()) }
}

/// A size in bytes: a number alone, or with `kB`, `MB`, `GB` (powers of 1000), `KiB`, `MiB`, `GiB` (powers of 1024); at
/// least one byte.
///
/// # Errors
/// What was expected.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a size such as 500kB, 10MB, 1GiB or a number of bytes".to_owned();
    let plain = || text.trim().parse().ok().map(|number| (number, ""));
    let (number, unit) = number(text).or_else(plain).ok_or_else(wrong)?;
    let factor: u64 = match unit.to_ascii_lowercase().trim_end_matches('b') {
        "" => 1,
        "k" => 1000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        _ => return Err(wrong()),
    };
    let bytes: f64 = number * factor as f64;
    (1.0..1e18).contains(&bytes).then_some(bytes as u64).ok_or_else(wrong)
}

/// A number and the unit behind it.
fn number(text: &str) -> Option<(f64, &str)> {
    let at = text.find(char::is_alphabetic)?;
    let (number, unit) = text.split_at(at);
    Some((number.trim().parse().ok()?, unit))
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
    fn sizes_are_decimal_or_binary_by_their_unit() {
        for (text, bytes) in [("1500", 1500), ("1.5k", 1500), ("10MB", 10_000_000), ("1GiB", 1 << 30), ("2Mi", 2 << 20)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "0", "-1", "MB", "1x", "NaN", "1e30", "1 2"] {
            assert!(size(wrong).is_err(), "{wrong}");
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
    fn rates_are_bits_per_second_in_powers_of_1000() {
        assert_eq!(rate("10Mbit/s"), Ok(10_000_000));
        assert_eq!(rate("1.5 Gbit/s"), Ok(1_500_000_000));
        assert_eq!(rate("64kbit/s"), Ok(64_000));
        for wrong in ["10", "10M", "10MB/s", "0bit/s", "-1bit/s", "NaNbit/s", "infbit/s", "1001Gbit/s", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
