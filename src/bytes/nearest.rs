//! Names that are nearly the one that was given.

use super::order;

/// The known names nearest to `wanted`, at most `limit`: those that differ in few letters, then those that hold it.
pub fn nearest(wanted: &str, names: impl Iterator<Item = String>, limit: usize) -> Vec<String> {
    let letters: Vec<char> = wanted.chars().take(40).map(|letter| letter.to_ascii_lowercase()).collect();
    let lower: String = letters.iter().collect();
    let few = letters.len() / 3;
    let rank = |name: String| {
        let distance = distance(&letters, &name);
        let holds = letters.len() > 2 && name.to_ascii_lowercase().contains(&lower);
        (distance <= few || holds).then_some((distance, name))
    };
    let mut near: Vec<(usize, String)> = names.filter_map(rank).collect();
    order::by(&mut near, Ord::cmp);
    near.dedup();
    near.into_iter().take(limit).map(|(_, name)| name).collect()
}

/// The question that offers names; none where there are none.
pub fn did_you_mean(near: &[String]) -> Option<String> {
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}

/// How many letters must be put in, taken out or changed to make one name of the other (Levenshtein).
fn distance(wanted: &[char], name: &str) -> usize {
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    for letter in name.chars().map(|letter| letter.to_ascii_lowercase()) {
        let mut above = row.iter().copied();
        let mut diagonal = above.next().unwrap_or(0);
        let mut left = diagonal.saturating_add(1);
        let mut next = vec![left];
        for (own, above) in wanted.iter().zip(above) {
            let change = diagonal.saturating_add(usize::from(*own != letter));
            left = change.min(above.saturating_add(1)).min(left.saturating_add(1));
            next.push(left);
            diagonal = above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_letters() {
        let from = |a: &str, b| distance(&a.chars().collect::<Vec<_>>(), b);
        assert_eq!(from("kitten", "SITTING"), 3);
        assert_eq!(from("", "abc"), 3);
        assert_eq!(from("econnrefused", "ECONNREFUSED"), 0);
    }

    #[test]
    fn a_part_of_a_name_is_near_it() {
        let names = ["tcp.window", "udp.length", "ipv4.header_length_bytes"];
        let near = |wanted| nearest(wanted, names.iter().map(ToString::to_string), 3);
        assert_eq!(near("tcp.widow"), ["tcp.window"]);
        assert_eq!(near("window"), ["tcp.window"]);
        assert_eq!(near("ipv4.header_length"), ["ipv4.header_length_bytes"]);
        assert!(near("xyz").is_empty());
    }
}
