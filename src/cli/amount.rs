//! Amounts as people write them: sizes and times with a unit.

use std::time::Duration;

/// A number of bytes such as `500kB`, `10MB`, `1GiB`, `1500`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a size such as 500kB, 10MB, 1GiB or a number of bytes".to_owned();
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let factor = match unit.to_ascii_lowercase().trim_end_matches('b') {
        "" => 1_u64,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        "t" => 1_000_000_000_000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        "ti" => 1 << 40,
        _ => return Err(wrong()),
    };
    let bytes = number * factor as f64;
    (1.0..1e18).contains(&bytes).then_some(bytes as u64).ok_or_else(wrong)
}

/// A time such as `500ms`, `10s`, `5min`, `1h`, `1d`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time such as 500ms, 10s, 5min, 1h or 1d".to_owned();
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let seconds = match unit {
        "ms" => number / 1e3,
        "s" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        "d" => number * 86_400.0,
        _ => return Err(wrong()),
    };
    (0.001..1e9).contains(&seconds).then(|| Duration::from_secs_f64(seconds)).ok_or_else(wrong)
}

fn split(text: &str) -> Option<(f64, &str)> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    Some((number.trim().parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn times_have_a_unit() {
        for (text, seconds) in [("500ms", 0.5), ("10s", 10.0), ("5min", 300.0), ("1.5h", 5400.0), ("1d", 86_400.0)] {
            assert_eq!(time(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for wrong in ["", "10", "0s", "-1s", "s", "infs", "1y"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
