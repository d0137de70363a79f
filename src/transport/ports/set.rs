//! The ports that somebody names: numbers, ranges, service names.

use std::fmt;

use super::order;
use crate::transport::services::{self, Protocol};

/// Why a list of ports cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortFault {
    /// A number above 65,535, or no number where one must be.
    #[error("{0:?} is no port: 1 to 65535, a range such as 1-1024, a service name, or - for all")]
    NotAPort(String),
    /// Port 0.
    #[error("port 0 is reserved (RFC 6335) and cannot be asked through sockets")]
    Zero,
    /// A range whose end comes before its start.
    #[error("the range {0}-{1} runs backwards")]
    Backwards(u16, u16),
    /// A name that neither the table here nor `/etc/services` knows.
    #[error("no {1} service is called {0:?}, here or in /etc/services")]
    UnknownName(String, Protocol),
}

/// The ports that `text` names, in the order in which they are worth asking, each once.
///
/// `text` is a list with commas of numbers (`22`), ranges (`1-1024`, `-1023`, `49152-`), service names (`http`), and
/// `-` or `all` for every port.
///
/// # Errors
/// What cannot be read, with the part at fault.
pub fn parse(text: &str, protocol: Protocol) -> Result<Vec<u16>, PortFault> {
    let mut asked = vec![false; 1 << 16];
    for item in text.split(',').map(str::trim) {
        for port in range(item, protocol)? {
            asked[usize::from(port)] = true;
        }
    }
    Ok(order::ordered(protocol).into_iter().filter(|port| asked[usize::from(*port)]).collect())
}

/// The `count` ports most worth asking.
pub fn top(count: usize, protocol: Protocol) -> Vec<u16> {
    let mut ports = order::ordered(protocol);
    ports.truncate(count);
    ports
}

fn range(item: &str, protocol: Protocol) -> Result<std::ops::RangeInclusive<u16>, PortFault> {
    if item == "-" || item.eq_ignore_ascii_case("all") {
        return Ok(1..=u16::MAX);
    }
    let Some((first, last)) =
        item.split_once('-').filter(|_| item.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
    else {
        let one = one(item, protocol)?;
        return Ok(one..=one);
    };
    let first = if first.is_empty() { 1 } else { number(first)? };
    let last = if last.is_empty() { u16::MAX } else { number(last)? };
    if first > last { Err(PortFault::Backwards(first, last)) } else { Ok(first..=last) }
}

fn one(item: &str, protocol: Protocol) -> Result<u16, PortFault> {
    if item.is_empty() || item.starts_with(|c: char| c.is_ascii_digit()) {
        return number(item);
    }
    services::port(item, protocol).ok_or_else(|| PortFault::UnknownName(item.to_owned(), protocol))
}

fn number(text: &str) -> Result<u16, PortFault> {
    match text.parse() {
        Ok(0) => Err(PortFault::Zero),
        Ok(port) => Ok(port),
        Err(_) => Err(PortFault::NotAPort(text.to_owned())),
    }
}

/// Ports as the shortest list of numbers and ranges: `22,80-83`. The ports must be ascending.
#[derive(Clone, Copy, Debug)]
pub struct Ranges<'a>(pub &'a [u16]);

impl fmt::Display for Ranges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.0.chunk_by(|a, b| a.checked_add(1) == Some(*b));
        for (index, run) in runs.enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match run {
                [first, .., last] => write!(f, "{comma}{first}-{last}")?,
                [only] => write!(f, "{comma}{only}")?,
                [] => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(text: &str) -> Result<Vec<u16>, PortFault> {
        let mut ports = parse(text, Protocol::Tcp)?;
        ports.sort_unstable();
        Ok(ports)
    }

    #[test]
    fn numbers_ranges_and_names_mix_and_each_port_is_asked_once() {
        assert_eq!(sorted("22, http,80,1-3,22").unwrap(), [1, 2, 3, 22, 80]);
        assert_eq!(sorted("http-alt").unwrap(), [8080]);
        assert_eq!(sorted("-2,65534-").unwrap(), [1, 2, 65534, 65535]);
    }

    #[test]
    fn a_dash_and_the_word_all_mean_every_port() {
        assert_eq!(sorted("-").unwrap().len(), 65_535);
        assert_eq!(sorted("all").unwrap().len(), 65_535);
    }

    #[test]
    fn ports_are_asked_in_the_order_of_their_worth() {
        assert_eq!(parse("1-65535", Protocol::Tcp).unwrap()[..3], [443, 80, 22]);
        assert_eq!(top(2, Protocol::Udp), [53, 123]);
        assert_eq!(top(1_000_000, Protocol::Tcp).len(), 65_535);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        assert_eq!(sorted("0"), Err(PortFault::Zero));
        assert_eq!(sorted("65536"), Err(PortFault::NotAPort("65536".into())));
        assert_eq!(sorted("22,"), Err(PortFault::NotAPort(String::new())));
        assert_eq!(sorted("9-7"), Err(PortFault::Backwards(9, 7)));
        assert_eq!(sorted("1-2-3"), Err(PortFault::NotAPort("2-3".into())));
        assert_eq!(sorted("no-such"), Err(PortFault::UnknownName("no-such".into(), Protocol::Tcp)));
    }

    #[test]
    fn ports_are_shown_as_the_shortest_list() {
        assert_eq!(Ranges(&[1, 2, 3, 22, 65534, 65535]).to_string(), "1-3,22,65534-65535");
        assert_eq!(Ranges(&[]).to_string(), "");
    }
}
