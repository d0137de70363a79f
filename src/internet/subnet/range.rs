//! Ranges of addresses and what can be done with lists of them: merge, subtract, cover.

use super::{Address, Count, Family, Prefix};

/// All addresses from `first` to `last`, both included.
///
/// **Invariant:** both are of one family, and `first` is not above `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The lowest address.
    pub first: Address,
    /// The highest address.
    pub last: Address,
}

impl Range {
    /// The addresses of a prefix.
    pub const fn of_prefix(prefix: Prefix) -> Self {
        Range { first: prefix.network(), last: prefix.last() }
    }

    /// The range between two addresses of one family, in order.
    pub fn between(first: Address, last: Address) -> Option<Self> {
        (first.family() == last.family() && first <= last).then_some(Range { first, last })
    }

    /// Its family.
    pub const fn family(self) -> Family {
        self.first.family()
    }

    /// How many addresses it holds.
    pub fn count(self) -> Count {
        Count::one_more_than(self.last.number() - self.first.number())
    }

    /// The shortest list of prefixes that is exactly this range, in order and made as it is asked for: at most 62 for
    /// IPv4 and 254 for IPv6.
    pub fn prefixes(self) -> impl Iterator<Item = Prefix> {
        let mut next = Some(self.first);
        std::iter::from_fn(move || {
            let start = next?;
            let prefix = largest_at(start, self.last);
            next = prefix.last().next().filter(|address| *address <= self.last);
            Some(prefix)
        })
    }

    /// The smallest prefix that holds the whole range.
    pub fn supernet(self) -> Prefix {
        let differing = self.first.number() ^ self.last.number();
        Prefix::of(self.first, self.family().bits() - (128 - differing.leading_zeros()) as u8)
    }

    fn touches(self, next: Range) -> bool {
        self.family() == next.family() && self.last.next().is_none_or(|after| next.first <= after)
    }
}

/// The largest prefix that starts at `start` and does not reach beyond `last`.
fn largest_at(start: Address, last: Address) -> Prefix {
    let bits = start.family().bits();
    let aligned = start.number().trailing_zeros().min(u32::from(bits)) as u8;
    let room = match (last.number() - start.number()).checked_add(1) {
        Some(count) => count.ilog2() as u8,
        None => bits,
    };
    Prefix::of(start, bits - aligned.min(room))
}

/// The same addresses as sorted ranges with a gap between each two.
pub fn merge(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let joined = kept.touches(*next);
        if joined {
            kept.last = kept.last.max(next.last);
        }
        joined
    });
    ranges
}

/// The addresses of `from` that are not in `without`, as sorted ranges with a gap between each two.
pub fn subtract(from: Vec<Range>, without: Vec<Range>) -> Vec<Range> {
    let holes = merge(without);
    let mut holes = holes.as_slice();
    let mut left = Vec::new();
    for range in merge(from) {
        let mut start = Some(range.first);
        while let (Some(first), Some(hole)) = (start, holes.first()) {
            if hole.first > range.last {
                break;
            }
            if hole.last >= first {
                left.extend(hole.first.previous().and_then(|end| Range::between(first, end)));
                start = hole.last.next().filter(|next| *next <= range.last && next.family() == range.family());
            }
            if hole.last > range.last {
                break;
            }
            holes = holes.get(1..).unwrap_or_default();
        }
        left.extend(start.and_then(|first| Range::between(first, range.last)));
    }
    left
}

/// The smallest prefix that holds all of `ranges`; none for an empty list or one of two families.
pub fn supernet(ranges: &[Range]) -> Option<Prefix> {
    let first = ranges.iter().map(|range| range.first).min()?;
    let last = ranges.iter().map(|range| range.last).max()?;
    Range::between(first, last).map(Range::supernet)
}
