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
    fn every_text_of_every_lab_is_there_in_every_language() {
        for lab in LABS {
            for words in [lab.title, lab.explanation] {
                assert!(!words.en.trim().is_empty() && words.en.is_ascii(), "{}: {:?}", lab.name, words.en);
                assert!(
                    words.zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
                    "{}: {:?}",
                    lab.name,
                    words.zh
                );
            }
        }
    }

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
