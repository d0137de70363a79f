//! Every lab, by layer.

use super::experiment::Lab;

/// The labs, in the order in which one would take them.
pub const LABS: &[Lab] = &[super::handshake::LAB, super::close::LAB];

/// The lab called `name`.
pub fn find(name: &str) -> Option<&'static Lab> {
    LABS.iter().find(|lab| lab.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_labs_are_words_with_hyphens_and_there_is_one_of_each() {
        let mut names: Vec<&str> = LABS.iter().map(|lab| lab.name).collect();
        assert!(
            names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit()))
        );
        assert!(!names.contains(&"all"), "`lab run all` means every lab");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), LABS.len());
    }
}
