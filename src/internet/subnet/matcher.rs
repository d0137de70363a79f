//! Which of many prefixes holds an address: sorted segments with an index of up to 65,536 buckets.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Address, Family, Prefix, Range, range};

/// A set of prefixes that is asked about many addresses.
#[derive(Debug)]
pub struct Matcher {
    ipv4: Segments<u32>,
    ipv6: Segments<u128>,
    names: Vec<Prefix>,
}

/// Stands for "no prefix": behind a segment of merged prefixes, and above the outermost.
const NOBODY: u32 = u32::MAX;

impl Matcher {
    /// A matcher that answers yes or no. Prefixes that touch or overlap become one segment.
    pub fn new(ranges: Vec<Range>) -> Self {
        let merged = range::merge(ranges);
        let of = |family| {
            let own = merged.iter().filter(move |range: &&Range| range.family() == family);
            let segment =
                |range: &Range| Segment { first: range.first.number(), last: range.last.number(), name: NOBODY };
            own.map(segment).collect::<Vec<_>>()
        };
        Matcher { ipv4: Segments::new(&of(Family::Ipv4)), ipv6: Segments::new(&of(Family::Ipv6)), names: Vec::new() }
    }

    /// A matcher that can also name the longest prefix that holds an address. Ranges count as their exact prefixes.
    pub fn naming(ranges: &[Range]) -> Self {
        let mut names: Vec<Prefix> = ranges.iter().flat_map(|range| range.prefixes()).collect();
        names.sort_unstable();
        names.dedup();
        let of = |family| {
            let own = names.iter().zip(0_u32..).filter(move |(prefix, _)| prefix.family() == family);
            flatten(own.map(|(prefix, name)| (*prefix, name)))
        };
        Matcher { ipv4: Segments::new(&of(Family::Ipv4)), ipv6: Segments::new(&of(Family::Ipv6)), names }
    }

    /// Whether one of the prefixes holds `address`.
    #[inline]
    pub fn holds(&self, address: Address) -> bool {
        self.segment(address).is_some()
    }

    /// Whether the prefixes together hold every address of `range`.
    pub fn holds_all(&self, range: Range) -> bool {
        let mut next = Some(range.first);
        while let Some(address) = next {
            let Some((last, _)) = self.segment(address) else { return false };
            next = Address::new(range.family(), last).next().filter(|after| *after <= range.last);
        }
        true
    }

    /// The longest prefix that holds `address`, where one does; it has no name where the matcher was not made for naming.
    #[inline]
    pub fn longest(&self, address: Address) -> Option<Option<Prefix>> {
        let (_, name) = self.segment(address)?;
        Some(self.names.get(name as usize).copied())
    }

    /// The longest prefix that holds every address of `prefix`; always none where the matcher was not made for naming.
    pub fn covering(&self, prefix: Prefix) -> Option<Prefix> {
        let mut shorter = (0..=prefix.length()).rev().map(|length| Prefix::of(prefix.network(), length));
        shorter.find(|candidate| self.names.binary_search(candidate).is_ok())
    }

    /// The last number and the name of the segment that holds `address`.
    #[inline]
    fn segment(&self, address: Address) -> Option<(u128, u32)> {
        match address.family() {
            Family::Ipv4 => self.ipv4.find(address.number()),
            Family::Ipv6 => self.ipv6.find(address.number()),
        }
    }
}

/// A run of addresses whose longest prefix is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    first: u128,
    last: u128,
    name: u32,
}

/// Nested prefixes, sorted, as segments that do not overlap: each address belongs to its longest prefix.
fn flatten(prefixes: impl Iterator<Item = (Prefix, u32)>) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut open: Vec<(Prefix, u32)> = Vec::new();
    // The first number that no segment covers yet; none behind the end of the space.
    let mut at = Some(0_u128);
    let close = |segments: &mut Vec<Segment>, at: &mut Option<u128>, last: u128, name: u32| {
        if let Some(first) = at.filter(|first| *first <= last) {
            segments.push(Segment { first, last, name });
            *at = last.checked_add(1);
        }
    };
    for (prefix, name) in prefixes {
        while let Some((outer, outer_name)) = open.pop() {
            if outer.covers(prefix) {
                if let Some(before) = prefix.network().previous() {
                    close(&mut segments, &mut at, before.number(), outer_name);
                }
                open.push((outer, outer_name));
                break;
            }
            close(&mut segments, &mut at, outer.last().number(), outer_name);
        }
        at = at.map(|at| at.max(prefix.network().number()));
        open.push((prefix, name));
    }
    while let Some((outer, name)) = open.pop() {
        close(&mut segments, &mut at, outer.last().number(), name);
    }
    segments
}

/// Most buckets of the index, as a power of two: with more, the index would no longer fit into a processor's cache.
const MOST_BUCKET_BITS: u32 = 16;

/// Segments with an index: the space they take up is cut into equal buckets, and `index[b]..index[b + 1]` are those that
/// start in bucket `b`.
#[derive(Debug)]
struct Segments<N> {
    /// First and last number of each.
    spans: Vec<(N, N)>,
    names: Vec<u32>,
    index: Vec<u32>,
    /// Where the first bucket starts.
    base: N,
    /// A bucket is two to the power of this.
    shift: u32,
}

/// A number as wide as an address.
trait Number: Copy + Ord {
    fn narrow(number: u128) -> Self;
    fn widen(self) -> u128;
    /// The bucket in which the number lies; none below the first.
    fn bucket(self, base: Self, shift: u32) -> Option<usize>;
}

macro_rules! number {
    ($type:ty) => {
        impl Number for $type {
            #[inline]
            fn narrow(number: u128) -> Self {
                number as $type
            }
            #[inline]
            fn widen(self) -> u128 {
                self.into()
            }
            #[inline]
            fn bucket(self, base: Self, shift: u32) -> Option<usize> {
                Some((self.checked_sub(base)? >> shift) as usize)
            }
        }
    };
}

number!(u32);
number!(u128);

impl<N: Number> Segments<N> {
    /// Segments that are sorted and do not overlap.
    fn new(segments: &[Segment]) -> Self {
        let base = segments.first().map_or(0, |segment| segment.first);
        let space = segments.last().map_or(0, |segment| segment.last.saturating_sub(base));
        let bits = segments.len().next_power_of_two().ilog2().clamp(1, MOST_BUCKET_BITS);
        let shift = space.checked_ilog2().map_or(0, |highest| highest.saturating_add(1).saturating_sub(bits));
        let buckets = 1_usize << bits;
        let mut index: Vec<u32> = Vec::with_capacity(buckets.saturating_add(1));
        for (segment, position) in segments.iter().zip(0_u32..) {
            let bucket = (segment.first.saturating_sub(base) >> shift) as usize;
            index.resize(bucket.saturating_add(1).max(index.len()), position);
        }
        index.resize(buckets.saturating_add(1), segments.len() as u32);
        Segments {
            spans: segments.iter().map(|segment| (N::narrow(segment.first), N::narrow(segment.last))).collect(),
            names: segments.iter().map(|segment| segment.name).collect(),
            index,
            base: N::narrow(base),
            shift,
        }
    }

    /// The last number and the name of the segment that holds `number`.
    #[inline]
    fn find(&self, number: u128) -> Option<(u128, u32)> {
        let number = N::narrow(number);
        let bucket = number.bucket(self.base, self.shift)?;
        let (low, high) = (*self.index.get(bucket)?, *self.index.get(bucket.wrapping_add(1))?);
        let started = self.spans.get(low as usize..high as usize)?.partition_point(|(first, _)| *first <= number);
        // The one before may have started in an earlier bucket and reach as far as here.
        let at = (low as usize).checked_add(started)?.checked_sub(1)?;
        let (_, last) = *self.spans.get(at)?;
        if number <= last { Some((last.widen(), *self.names.get(at)?)) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation;
    use super::*;

    fn ranges(texts: &[&str]) -> Vec<Range> {
        texts.iter().map(|text| notation::entry(text).unwrap().range).collect()
    }

    fn longest(matcher: &Matcher, text: &str) -> Option<String> {
        matcher.longest(notation::address(text).unwrap()).map(|prefix| prefix.unwrap().to_string())
    }

    #[test]
    fn the_longest_prefix_is_named_before_inside_and_behind_a_nested_one() {
        let matcher = Matcher::naming(&ranges(&["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "0.0.0.0/0"]));
        for (address, prefix) in [
            ("9.255.255.255", "0.0.0.0/0"),
            ("10.0.255.255", "10.0.0.0/8"),
            ("10.1.0.0", "10.1.0.0/16"),
            ("10.1.2.2", "10.1.2.0/24"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("10.1.2.4", "10.1.2.0/24"),
            ("10.1.3.0", "10.1.0.0/16"),
            ("10.2.0.0", "10.0.0.0/8"),
            ("255.255.255.255", "0.0.0.0/0"),
        ] {
            assert_eq!(longest(&matcher, address).as_deref(), Some(prefix), "{address}");
        }
    }

    #[test]
    fn both_ends_of_both_spaces_are_found() {
        let matcher = Matcher::naming(&ranges(&["0.0.0.0", "255.255.255.255", "::/0", "ffff::/16"]));
        assert_eq!(longest(&matcher, "0.0.0.0").unwrap(), "0.0.0.0/32");
        assert_eq!(longest(&matcher, "0.0.0.1"), None);
        assert_eq!(longest(&matcher, "255.255.255.255").unwrap(), "255.255.255.255/32");
        assert_eq!(longest(&matcher, "::").unwrap(), "::/0");
        assert_eq!(longest(&matcher, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").unwrap(), "ffff::/16");
    }

    #[test]
    fn an_empty_set_holds_nothing() {
        let matcher = Matcher::new(Vec::new());
        assert!(!matcher.holds(notation::address("10.0.0.1").unwrap()));
        assert!(!matcher.holds(notation::address("::").unwrap()));
    }

    #[test]
    fn a_block_is_held_when_the_prefixes_together_cover_it() {
        let whole = notation::entry("10.0.0.0/24").unwrap().range;
        assert!(Matcher::new(ranges(&["10.0.0.0/25", "10.0.0.128/25"])).holds_all(whole));
        assert!(Matcher::naming(&ranges(&["10.0.0.0/25", "10.0.0.128/25"])).holds_all(whole));
        assert!(!Matcher::new(ranges(&["10.0.0.0/25", "10.0.0.128/26"])).holds_all(whole));
        assert!(
            Matcher::new(ranges(&["255.255.255.255", "255.255.255.254"])).holds_all(ranges(&["255.255.255.254/31"])[0])
        );
    }
}
