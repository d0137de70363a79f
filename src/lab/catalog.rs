//! Every lab, by layer.

use super::experiment::Lab;

const FLOORS: [&[Lab]; 4] =
    [super::link::LABS, super::internet::LABS, super::transport::LABS, super::application::LABS];

/// The labs, in the order in which one would take them.
pub fn labs() -> impl Iterator<Item = &'static Lab> + Clone {
    FLOORS.iter().flat_map(|labs| labs.iter())
}

/// The lab called `name`.
pub fn find(name: &str) -> Option<&'static Lab> {
    labs().find(|lab| lab.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_labs_are_words_with_hyphens_and_there_is_one_of_each() {
        let mut names: Vec<&str> = labs().map(|lab| lab.name).collect();
        assert!(
            names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit()))
        );
        assert!(!names.contains(&"all"), "`lab run all` means every lab");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), labs().count());
        assert!(labs().map(|lab| lab.floor).is_sorted(), "each lab stands in the list of its layer");
    }
}
