//! Number → name tables, such as ether types or ICMP codes.

/// A table of code points and their names, sorted by number.
///
/// One table serves the reader, the reports and `explain`. A number that is not in the table keeps its value and has no
/// name; it is never an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes(pub &'static [(u32, &'static str)]);

impl Codes {
    /// No names at all: the number speaks for itself.
    pub const NONE: Codes = Codes(&[]);

    /// The name of `code`, if the table has one.
    pub fn name(self, code: u64) -> Option<&'static str> {
        let code = u32::try_from(code).ok()?;
        let at = self.0.binary_search_by_key(&code, |(number, _)| *number).ok()?;
        self.0.get(at).map(|(_, name)| *name)
    }

    /// The number whose name is `name`, letter case ignored.
    pub fn number(self, name: &str) -> Option<u32> {
        self.0.iter().find(|(_, n)| n.eq_ignore_ascii_case(name)).map(|(number, _)| *number)
    }

    /// Whether the table is sorted and without doubles, which [`Codes::name`] relies on. Tests ask this of every table.
    pub fn is_sorted(self) -> bool {
        self.0.is_sorted_by(|a, b| a.0 < b.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOURS: Codes = Codes(&[(1, "red"), (7, "blue")]);

    #[test]
    fn a_known_code_has_a_name_and_an_unknown_one_has_none() {
        assert_eq!(COLOURS.name(7), Some("blue"));
        assert_eq!(COLOURS.name(2), None);
        assert_eq!(COLOURS.name(u64::MAX), None);
    }

    #[test]
    fn a_name_finds_its_number_in_any_letter_case() {
        assert_eq!(COLOURS.number("Red"), Some(1));
        assert_eq!(COLOURS.number("green"), None);
    }
}
