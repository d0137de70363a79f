//! Bytes as hex, the way people compare them.

use std::fmt;

/// Bytes as lower-case hex pairs, separated by a space: `45 00 00 3c`.
#[derive(Clone, Copy, Debug)]
pub struct Spaced<'a>(pub &'a [u8]);

impl fmt::Display for Spaced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Bytes as lower-case hex without a separator: `4500003c`.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a>(pub &'a [u8]);

impl fmt::Display for Packed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads hex with comments: pairs, spaces and line ends; `#` starts a comment that ends with the line. This is the
/// format of the golden frames in `tests/offline/golden`.
///
/// # Errors
/// The line number (from 1) and what is wrong with it.
pub fn parse_commented(text: &str) -> Result<Vec<u8>, (usize, &'static str)> {
    let mut bytes = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index.saturating_add(1);
        let digits: Vec<u8> = line
            .split('#')
            .next()
            .unwrap_or_default()
            .bytes()
            .filter(|b| !b.is_ascii_whitespace())
            .map(|b| char::from(b).to_digit(16).map(|d| d as u8).ok_or((number, "not a hex digit")))
            .collect::<Result<_, _>>()?;
        for pair in digits.chunks(2) {
            let &[high, low] = pair else { return Err((number, "an odd number of hex digits")) };
            bytes.push(high << 4 | low);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_prints_in_pairs() {
        assert_eq!(Spaced(&[0x45, 0, 0x3c]).to_string(), "45 00 3c");
        assert_eq!(Packed(&[0x45, 0, 0x3c]).to_string(), "45003c");
    }

    #[test]
    fn commented_hex_reads_back_and_names_the_bad_line() {
        assert_eq!(parse_commented("45 00 # version\n\n003c"), Ok(vec![0x45, 0, 0, 0x3c]));
        assert_eq!(parse_commented("45\n4"), Err((2, "an odd number of hex digits")));
        assert_eq!(parse_commented("45\n4g"), Err((2, "not a hex digit")));
    }
}
