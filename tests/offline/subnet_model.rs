//! Subnet arithmetic against models so simple that they are plainly right: sets of addresses for small universes, a
//! scan of all prefixes for membership.

use std::collections::BTreeSet;

use netlab::internet::subnet::matcher::Matcher;
use netlab::internet::subnet::{Address, Family, Prefix, Range, range};

/// A generator with a fixed seed (xorshift64*): every run tries the same cases.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }
}

/// Universes of 256 addresses at both ends of both spaces, where every set can be written out.
const UNIVERSES: [(Family, u128); 5] = [
    (Family::Ipv4, 0),
    (Family::Ipv4, 0xffff_ff00),
    (Family::Ipv6, 0),
    (Family::Ipv6, 0x2001_0db8 << 96),
    (Family::Ipv6, u128::MAX - 255),
];

fn ranges(dice: &mut Dice, family: Family, base: u128) -> Vec<Range> {
    let address = |offset: u64| Address::new(family, base + u128::from(offset));
    let count = dice.below(8);
    (0..count)
        .map(|_| {
            if dice.below(2) == 0 {
                return Prefix::of(address(dice.below(256)), family.bits() - dice.below(9) as u8).range();
            }
            let (a, b) = (dice.below(256), dice.below(256));
            Range::between(address(a.min(b)), address(a.max(b))).unwrap()
        })
        .collect()
}

fn members(ranges: &[Range]) -> BTreeSet<u128> {
    ranges.iter().flat_map(|range| range.first.number()..=range.last.number()).collect()
}

/// The fewest prefixes of a set, by merging halves until nothing merges, as Python's `collapse_addresses` does.
fn collapsed(family: Family, set: &BTreeSet<u128>) -> BTreeSet<Prefix> {
    let mut prefixes: BTreeSet<Prefix> =
        set.iter().map(|number| Prefix::of(Address::new(family, *number), family.bits())).collect();
    loop {
        let pair = prefixes.iter().find_map(|low| {
            let parent = Prefix::of(low.network(), low.length().checked_sub(1)?);
            let high = Prefix::of(parent.last(), low.length());
            (parent.network() == low.network() && prefixes.contains(&high)).then_some((*low, high, parent))
        });
        let Some((low, high, parent)) = pair else { return prefixes };
        prefixes.remove(&low);
        prefixes.remove(&high);
        prefixes.insert(parent);
    }
}

#[test]
fn aggregating_gives_the_fewest_prefixes_and_exactly_the_same_addresses() {
    let mut dice = Dice(1);
    for (family, base) in UNIVERSES.into_iter().cycle().take(300) {
        let list = ranges(&mut dice, family, base);
        let prefixes: Vec<Prefix> = range::merge(list.clone()).into_iter().flat_map(Range::prefixes).collect();
        assert!(prefixes.is_sorted());
        assert_eq!(prefixes.into_iter().collect::<BTreeSet<_>>(), collapsed(family, &members(&list)), "{list:?}");
    }
}

#[test]
fn excluding_leaves_exactly_the_difference() {
    let mut dice = Dice(2);
    for (family, base) in UNIVERSES.into_iter().cycle().take(500) {
        let (list, without) = (ranges(&mut dice, family, base), ranges(&mut dice, family, base));
        let left = range::subtract(list.clone(), without.clone());
        assert_eq!(members(&left), &members(&list) - &members(&without), "{list:?} without {without:?}");
        assert!(left.windows(2).all(|pair| pair[0].last.next().unwrap() < pair[1].first), "{left:?} has no gaps");
    }
}

#[test]
fn families_do_not_touch_each_other() {
    let all = |family| Prefix::of(Address::new(family, 0), 0).range();
    let both = vec![all(Family::Ipv6), all(Family::Ipv4)];
    assert_eq!(range::merge(both.clone()), [all(Family::Ipv4), all(Family::Ipv6)]);
    assert_eq!(range::subtract(both.clone(), vec![all(Family::Ipv6)]), [all(Family::Ipv4)]);
    assert_eq!(range::subtract(both.clone(), vec![all(Family::Ipv4)]), [all(Family::Ipv6)]);
    assert_eq!(range::supernet(&both), None);
}

#[test]
fn splitting_a_prefix_and_aggregating_the_parts_gives_the_prefix() {
    let mut dice = Dice(3);
    for _ in 0..300 {
        let family = if dice.below(2) == 0 { Family::Ipv4 } else { Family::Ipv6 };
        let number = u128::from(dice.roll()) << 64 | u128::from(dice.roll());
        let length = dice.below(u64::from(family.bits()) + 1) as u8;
        let prefix = Prefix::of(Address::new(family, number), length);
        let longer = (length + dice.below(9) as u8).min(family.bits());
        let parts: Vec<Prefix> = prefix.split(longer).collect();
        assert_eq!(parts.len(), 1 << (longer - length));
        assert!(parts.iter().all(|part| part.length() == longer && prefix.covers(*part)));
        let whole: Vec<Prefix> = range::merge(parts.iter().map(|part| part.range()).collect())
            .into_iter()
            .flat_map(Range::prefixes)
            .collect();
        assert_eq!(whole, [prefix]);
        assert_eq!(range::supernet(&parts.iter().map(|part| part.range()).collect::<Vec<_>>()), Some(prefix));
    }
}

#[test]
fn the_matcher_agrees_with_a_scan_of_all_prefixes() {
    let mut dice = Dice(4);
    for round in 0..60 {
        let family = if round % 2 == 0 { Family::Ipv4 } else { Family::Ipv6 };
        let number = |dice: &mut Dice| {
            // Few distinct leading bits, so that prefixes nest and addresses hit.
            let low = u128::from(dice.roll()) << 64 | u128::from(dice.roll());
            Address::new(
                family,
                (low >> 8 & !(0xfc << (family.bits() - 8))) | u128::from(dice.below(4)) << (family.bits() - 8),
            )
        };
        let prefixes: Vec<Prefix> = (0..dice.below(200))
            .map(|_| Prefix::of(number(&mut dice), dice.below(u64::from(family.bits()) + 1) as u8))
            .collect();
        let list: Vec<Range> = prefixes.iter().map(|prefix| prefix.range()).collect();
        let (plain, naming) = (Matcher::new(list.clone()), Matcher::naming(&list));
        let borders = list
            .iter()
            .flat_map(|range| [Some(range.first), Some(range.last), range.first.previous(), range.last.next()]);
        let inside: Vec<Address> = borders.flatten().chain((0..200).map(|_| number(&mut dice))).collect();
        for address in inside {
            let expected =
                prefixes.iter().filter(|prefix| prefix.contains(address)).max_by_key(|prefix| prefix.length());
            assert_eq!(naming.longest(address), expected.copied().map(Some), "{address} in {prefixes:?}");
            assert_eq!(plain.holds(address), expected.is_some());
            assert_eq!(naming.holds(address), expected.is_some());
        }
        for range in list.iter().chain(&range::merge(list.clone())) {
            assert!(plain.holds_all(*range) && naming.holds_all(*range));
        }
    }
}

#[test]
fn the_matcher_agrees_with_sets_on_whole_ranges() {
    let mut dice = Dice(5);
    for (family, base) in UNIVERSES.into_iter().cycle().take(300) {
        let list = ranges(&mut dice, family, base);
        let (plain, naming, set) = (Matcher::new(list.clone()), Matcher::naming(&list), members(&list));
        for asked in ranges(&mut dice, family, base) {
            let expected = members(&[asked]).is_subset(&set);
            assert_eq!(plain.holds_all(asked), expected, "{asked:?} in {list:?}");
            assert_eq!(naming.holds_all(asked), expected, "{asked:?} in {list:?}");
        }
    }
}
