//! Lists put in order by one piece of code.
//!
//! The sort of the standard library is compiled anew, several kilobytes each time, for every kind of element; that is worth
//! it where the time is felt and nowhere else. Here only places are sorted, and then the elements go to theirs.

use std::cmp::Ordering;

/// Puts `list` in the order of what `key` says of its elements; equals stay in the order they had.
pub fn by_key<T, K: Ord>(list: &mut [T], key: impl Fn(&T) -> K) {
    by(list, |one, other| key(one).cmp(&key(other)));
}

/// Puts `list` in the order that `compare` tells; equals stay in the order they had.
pub fn by<T>(list: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut places = places(list.len(), &mut |one, other| match (list.get(one), list.get(other)) {
        (Some(one), Some(other)) => compare(one, other),
        _ => Ordering::Equal,
    });
    exchange(&mut places, &mut |one, other| list.swap(one, other));
}

/// Which element belongs in each place.
fn places(count: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|one, other| compare(*one, *other));
    places
}

/// Brings the elements to their places, each circle of them in turn.
fn exchange(places: &mut [usize], swap: &mut dyn FnMut(usize, usize)) {
    for start in 0..places.len() {
        let mut at = start;
        while let Some(place) = places.get_mut(at) {
            let from = std::mem::replace(place, at);
            if from == start || from == at {
                break;
            }
            swap(at, from);
            at = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::dice::Dice;

    #[test]
    fn a_list_is_put_in_the_same_order_as_by_the_standard_library() {
        let mut dice = Dice::new(7);
        for length in 0..200 {
            let list: Vec<(u64, usize)> = (0..length).map(|at| (dice.roll(20), at)).collect();
            let (mut ours, mut theirs) = (list.clone(), list);
            by_key(&mut ours, |(number, _)| std::cmp::Reverse(*number));
            theirs.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
            assert_eq!(ours, theirs);
        }
    }
}
