//! Addresses with what they are called.

use std::net::IpAddr;

use super::text::Text;
use crate::capture::names::Names;

/// Most characters of a name that are shown.
const SHOWN: usize = 64;

/// What an address is called, short enough for a line.
#[inline]
pub(super) fn name(names: Option<&Names>, address: IpAddr) -> Option<String> {
    let name = names?.of(address)?;
    Some(match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    })
}

/// Adds a name in place of an address, where there is one.
#[inline]
pub(super) fn instead(text: &mut Text, names: Option<&Names>, address: IpAddr) {
    match name(names, address) {
        Some(name) => text.str(&name),
        None => text.ip(address),
    };
}

/// Adds an address, and its name behind it.
#[inline]
pub(super) fn beside(text: &mut Text, names: Option<&Names>, address: IpAddr) {
    text.ip(address);
    if let Some(name) = name(names, address) {
        text.str(" ").str(&name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_and_an_address_without_one_stays() {
        let [known, other]: [IpAddr; 2] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse().unwrap());
        let mut names = Names::default();
        names.learn(known, &"e".repeat(100));
        let mut text = Text::default();
        instead(&mut text, Some(&names), known);
        assert_eq!(text.bytes(), format!("{}…", "e".repeat(64)).as_bytes());
        text.truncate(0);
        instead(&mut text, Some(&names), other);
        beside(&mut text, None, known);
        assert_eq!(text.bytes(), b"10.0.0.210.0.0.1");
    }
}
