//! Amounts as people read them.

use std::fmt;
use std::time::Duration;

/// A number of bytes with three digits and a decimal unit: `999 B`, `1.50 kB`, `65.5 kB`, `12.3 GB`.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
        if self.0 < 1000 {
            return f.pad(&format!("{} B", self.0));
        }
        let mut value = self.0 as f64 / 1000.0;
        let mut unit = 0;
        // 999.5 would be rounded to a fourth digit.
        while value >= 999.5 && unit + 1 < UNITS.len() {
            value /= 1000.0;
            unit += 1;
        }
        let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
        f.pad(&format!("{value:.decimals$} {}", UNITS[unit]))
    }
}

/// A whole number with its digits in groups of three: `12 345`; four digits stay together.
#[derive(Clone, Copy, Debug)]
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        if digits.len() <= 4 {
            return f.pad(&digits);
        }
        let mut text = String::with_capacity(digits.len() * 4 / 3);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(' ');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// A number of things: `1 frame`, `12 345 frames`.
#[derive(Clone, Copy, Debug)]
pub struct Things<'a>(pub u64, pub &'a str);

impl fmt::Display for Things<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Things(count, what) = self;
        write!(f, "{} {what}{}", Count(*count), if *count == 1 { "" } else { "s" })
    }
}

/// A short time in the unit that suits it: `85 µs`, `1.24 ms`, `3.1 s`.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        let text = match micros {
            0..1000 => format!("{micros} µs"),
            1000..100_000 => format!("{:.2} ms", micros as f64 / 1e3),
            100_000..1_000_000 => format!("{} ms", micros / 1000),
            _ => format!("{:.1} s", self.0.as_secs_f64()),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_three_digits_and_a_unit() {
        let texts = [0, 999, 1000, 1500, 65536, 999_499, 999_500, 12_300_000_000].map(|n| Bytes(n).to_string());
        assert_eq!(texts, ["0 B", "999 B", "1.00 kB", "1.50 kB", "65.5 kB", "999 kB", "1.00 MB", "12.3 GB"]);
        assert_eq!(Bytes(u64::MAX).to_string(), "18.4 EB");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!([7, 1234, 12345, 1_234_567].map(|n| Count(n).to_string()), ["7", "1234", "12 345", "1 234 567"]);
    }

    #[test]
    fn one_thing_is_not_several() {
        let texts = [0, 1, 12345].map(|count| Things(count, "frame").to_string());
        assert_eq!(texts, ["0 frames", "1 frame", "12 345 frames"]);
    }

    #[test]
    fn times_take_the_unit_that_suits() {
        let texts = [85, 1240, 250_000, 3_100_000].map(|us| Time(Duration::from_micros(us)).to_string());
        assert_eq!(texts, ["85 µs", "1.24 ms", "250 ms", "3.1 s"]);
    }
}
