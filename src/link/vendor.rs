//! Who made an interface, by its MAC address: the IEEE's registry of address blocks (IEEE 802-2014 section 8.2).
//!
//! The table is made by `scripts/update-vendors`, which also describes its layout.

use std::io::Read;
use std::sync::LazyLock;

use flate2::read::GzDecoder;

use crate::bytes::Mac;

/// Unpacked when it is first asked for, which takes a few milliseconds.
static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut table = Vec::new();
    // What could not be unpacked is missing; a test sees to it that nothing is.
    let _ = GzDecoder::new(&include_bytes!("vendors.bin.gz")[..]).read_to_end(&mut table);
    table
});
/// Bytes of an entry that say where its name starts.
const PLACE: usize = 3;

/// The holder of the address block that `mac` lies in, in a short form of at most 30 characters; none for blocks that
/// nobody holds, such as those of locally administered addresses. The longest block wins: 36, 28, then 24 bits.
pub fn vendor(mac: Mac) -> Option<&'static str> {
    let (large, rest) = section(&TABLE, 3)?;
    let (medium, rest) = section(rest, 4)?;
    let (small, names) = section(rest, 5)?;
    let [.., fourth, fifth, _] = mac.0;
    // A block that ends inside a byte is followed by zero bits there.
    let mut thirty_six = mac.0;
    thirty_six[4] = fifth & 0xf0;
    let mut twenty_eight = mac.0;
    twenty_eight[3] = fourth & 0xf0;
    let place = find(small, &thirty_six[..5])
        .or_else(|| find(medium, &twenty_eight[..4]))
        .or_else(|| find(large, &mac.0[..3]))?;
    let (length, text) = names.get(place..)?.split_first()?;
    str::from_utf8(text.get(..usize::from(*length))?).ok()
}

/// The entries of the section at the start of `table`, whose blocks have `width` bytes, and what follows it.
fn section(table: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let (count, rest) = table.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*count) as usize * (width + PLACE))
}

/// Where the name of `block` starts, found by bisection.
fn find(section: &[u8], block: &[u8]) -> Option<usize> {
    let size = block.len() + PLACE;
    let entry = |at: usize| section.get(at * size..(at + 1) * size)?.split_at_checked(block.len());
    let (mut low, mut high) = (0, section.len() / size);
    while low < high {
        let middle = low.midpoint(high);
        let (found, place) = entry(middle)?;
        match found.cmp(block) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(place.iter().fold(0, |at, byte| at << 8 | usize::from(*byte))),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mac: &str) -> Option<&'static str> {
        vendor(mac.parse().unwrap())
    }

    #[test]
    fn the_holder_of_a_block_is_found() {
        assert_eq!(of("00:00:0c:12:34:56"), Some("Cisco Systems"));
        assert_eq!(of("00:50:56:00:00:01"), Some("VMware"));
        assert_eq!(of("b8:27:eb:01:02:03"), Some("Raspberry Pi Foundation"));
        assert_eq!(of("02:fc:00:00:00:01"), None);
        assert_eq!(of("ff:ff:ff:ff:ff:ff"), None);
    }

    #[test]
    fn the_longest_block_wins_and_the_rest_of_a_shared_block_is_nobodys() {
        // 70:b3:d5 is shared out in blocks of 36 bits, 20:85:93 in blocks of 28.
        assert_eq!(of("70:b3:d5:f2:f0:01"), Some("Teleplatforms"));
        assert_eq!(of("70:b3:d5:71:9f:ff"), Some("2M Technology"));
        assert_eq!(of("20:85:93:b1:23:45"), Some("IOG Products"));
        assert_ne!(of("20:85:93:00:00:00"), Some("IOG Products"));
    }

    #[test]
    fn every_entry_is_in_order_and_has_a_readable_name() {
        let mut rest = TABLE.as_slice();
        let mut sections = Vec::new();
        for width in [3, 4, 5] {
            let (entries, behind) = section(rest, width).unwrap();
            sections.push((width, entries));
            rest = behind;
        }
        for (width, entries) in sections {
            assert!(entries.len() > 4000 * width);
            assert!(entries.chunks_exact(width + PLACE).is_sorted_by(|a, b| a[..width] < b[..width]));
            for entry in entries.chunks_exact(width + PLACE) {
                let mut mac = [0; 6];
                mac[..width].copy_from_slice(&entry[..width]);
                let name = vendor(Mac(mac)).unwrap();
                assert!(!name.is_empty() && name.chars().count() <= 30 && !name.contains(char::is_control), "{name:?}");
            }
        }
    }

    #[test]
    fn the_table_stays_small() {
        assert!(TABLE.len() < 800_000);
    }
}
