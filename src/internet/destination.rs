//! What somebody names to be asked: an address, an IPv6 address with its zone, or a host name.
//!
//! The resolver of C reads `010.0.1.2` as 8.0.1.2 and `1` as 0.0.0.1. Text that is nearly an address is refused here,
//! before the resolver could make another machine of it.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use super::subnet::{Misread, Problem, notation};
use crate::kernel::OsError;
use crate::link::interface;

/// What was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// An address.
    Address {
        /// The address.
        address: IpAddr,
        /// The interface whose link it is on (RFC 4007, section 11), by its own name and number.
        zone: Option<(String, u32)>,
    },
    /// A host name, for [`look_up`].
    Name(String),
}

/// Why nobody can be asked under this name.
#[derive(Debug, thiserror::Error)]
pub enum Misnamed {
    /// It is nearly an address.
    #[error(transparent)]
    Misread(#[from] Misread),
    /// It is numbers that C reads as an address, at least one of them in hex.
    #[error("{0}: C programs read that as an IPv4 address in hex; expected four decimal octets, such as 192.0.2.1")]
    Hex(String),
    /// It is a network where one address was expected.
    #[error("{text}: it is a network; expected one address\nhint: did you mean {address}?")]
    Network {
        /// As it was written, without blanks or control characters.
        text: String,
        /// The address before the slash.
        address: IpAddr,
    },
    /// An IPv4 address with a zone.
    #[error("{0}%: only IPv6 addresses take the name of an interface\nhint: did you mean {0}?")]
    ZoneOfIpv4(IpAddr),
    /// A percent sign without an interface behind it.
    #[error("{0}%: no interface follows the percent sign\nhint: say which one: {0}%NAME")]
    ZoneMissing(IpAddr),
    /// A link-local address, and no interface.
    #[error("{0} may be on the link of any interface\nhint: say which one: {0}%NAME")]
    WhichLink(IpAddr),
    /// The interface that was named does not exist.
    #[error(transparent)]
    Zone(#[from] OsError),
    /// The resolver's answer to a name.
    #[error("{name} cannot be resolved: {error}")]
    Unresolved {
        /// The name as given.
        name: String,
        /// What the resolver said.
        error: io::Error,
    },
}

/// Reads what was named, without asking the resolver. Brackets around an IPv6 address are taken off.
///
/// # Errors
/// What is wrong, and what was probably meant.
pub fn read(text: &str) -> Result<Destination, Misnamed> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).filter(|text| text.contains(':'));
    let text = bare.unwrap_or(text);
    if text.contains('/') {
        let address = notation::address_and_mask(text)?.0.ip();
        return Err(Misnamed::Network { text: text.to_owned(), address });
    }
    if let Some((before, zone)) = text.split_once('%') {
        return zoned(notation::address(before)?.ip(), zone);
    }
    match notation::address(text) {
        Ok(address) => Ok(Destination::Address { address: address.ip(), zone: None }),
        Err(misread) if !is_name(text, &misread) => Err(plain(misread).into()),
        Err(_) if is_hex(text) => Err(Misnamed::Hex(text.to_owned())),
        Err(_) => Ok(Destination::Name(text.to_owned())),
    }
}

fn zoned(address: IpAddr, zone: &str) -> Result<Destination, Misnamed> {
    if address.is_ipv4() {
        return Err(Misnamed::ZoneOfIpv4(address));
    }
    if zone.is_empty() {
        return Err(Misnamed::ZoneMissing(address));
    }
    let interface = interface::interface(zone)?;
    Ok(Destination::Address { address, zone: Some((interface.name, interface.index)) })
}

/// Whether a text that is no address is a name, in any script.
fn is_name(text: &str, misread: &Misread) -> bool {
    let of_names = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let in_letters = || text.chars().all(of_names) && text.chars().any(char::is_alphabetic);
    misread.problem == Problem::Name || (misread.problem == Problem::NoAddress && in_letters())
}

/// Whether `inet_aton`, and with it the resolver, reads this as an IPv4 address: up to four numbers, some in hex.
fn is_hex(text: &str) -> bool {
    let digits = |part: &str| {
        let hex = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
        hex.map_or(!part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()), |hex| {
            hex.bytes().all(|b| b.is_ascii_hexdigit())
        })
    };
    text.split('.').all(digits)
}

/// Without the hint to a range, which belongs to lists of networks.
fn plain(misread: Misread) -> Misread {
    match misread.problem {
        Problem::RangeAlone => Misread { meant: None, ..misread },
        _ => misread,
    }
}

/// A link-local address needs its zone: every interface has its own `fe80::/10`.
///
/// # Errors
/// [`Misnamed::WhichLink`] where it has none.
pub fn with_its_link(address: IpAddr, has_zone: bool) -> Result<(), Misnamed> {
    match address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() && !has_zone => Err(Misnamed::WhichLink(address)),
        _ => Ok(()),
    }
}

/// The addresses that the system's resolver knows of a name, in its order.
///
/// # Errors
/// [`Misnamed::Unresolved`] with what the resolver said.
pub fn look_up(name: &str) -> Result<impl Iterator<Item = SocketAddr> + use<>, Misnamed> {
    (name, 0).to_socket_addrs().map_err(|error| Misnamed::Unresolved { name: name.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_an_address_never_gets_to_the_resolver() {
        for (text, words) in [
            ("010.0.1.2", "did you mean 10.0.1.2?"),
            ("1", "did you mean 0.0.0.1?"),
            ("10.1", "did you mean 10.0.0.1, which is how ping"),
            ("0x7f.1", "C programs read that as an IPv4 address in hex"),
            ("0X7F.0.0.1", "in hex"),
            ("0x7f000001", "did you mean 127.0.0.1?"),
            ("1O.0.0.1", "only look like digits"),
            ("10.0.1.2 ", "blanks around the address"),
            ("", "nothing is there"),
            ("[]", "brackets"),
            ("10.0.1.2/24", "it is a network; expected one address\nhint: did you mean 10.0.1.2?"),
            ("010.0.1.2/24", "did you mean 10.0.1.2/24?"),
            ("10.0.1.1-9", "it is a range; expected one address"),
            ("10.0.1.1:80", "a port (80)"),
            ("http://example.org/", "it is a URL"),
            ("fe80::1%no-such-link", "find interface no-such-link: no such device"),
            ("fe80::1%", "no interface follows"),
            ("192.0.2.1%lo", "only IPv6 addresses take the name of an interface"),
            ("fe80::1::2%lo", ":: more than once"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }

    #[test]
    fn addresses_and_names_are_told_apart() {
        let address = |text: &str| Destination::Address { address: text.parse().unwrap(), zone: None };
        assert_eq!(read("192.0.2.1").unwrap(), address("192.0.2.1"));
        assert_eq!(read("[2001:db8::1]").unwrap(), address("2001:db8::1"));
        for name in ["example.org", "web.1", "0xcafe.example", "a-b_c", "bücher.example", "face", "1.example"] {
            assert_eq!(read(name).unwrap(), Destination::Name(name.to_owned()));
        }
        let zone = Some(("lo".to_owned(), 1));
        assert_eq!(read("fe80::1%lo").unwrap(), Destination::Address { address: "fe80::1".parse().unwrap(), zone });
    }

    #[test]
    fn a_link_local_address_needs_its_link() {
        let error = with_its_link("fe80::1".parse().unwrap(), false).unwrap_err().to_string();
        assert!(error.contains("say which one: fe80::1%NAME"), "{error}");
        assert!(with_its_link("fe80::1".parse().unwrap(), true).is_ok());
        assert!(with_its_link("2001:db8::1".parse().unwrap(), false).is_ok());
    }
}
