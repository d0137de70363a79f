//! What the kernel counts: /proc/net/snmp and /proc/net/netstat, under the names that nstat(8) prints.

use std::collections::HashMap;
use std::fs;

use super::OsError;

/// Packets counted (RFC 1213) and what Linux counts beside them.
const FILES: [&str; 2] = ["/proc/thread-self/net/snmp", "/proc/thread-self/net/netstat"];

/// The counters of a network namespace at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters(HashMap<String, u64>);

impl Counters {
    /// The counters of the calling thread's network namespace now.
    ///
    /// # Errors
    /// The refusal to read them, as where /proc is not mounted.
    pub fn read() -> Result<Self, OsError> {
        let mut counters = Counters::default();
        for path in FILES {
            counters.add(&fs::read_to_string(path).map_err(|error| OsError::from_io("read", path, &error))?);
        }
        Ok(counters)
    }

    /// Pairs of lines: `Udp: InDatagrams NoPorts` and below it `Udp: 7 0`.
    fn add(&mut self, text: &str) {
        let mut lines = text.lines();
        while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
            let Some((group, names)) = names.split_once(':') else { continue };
            let Some((_, values)) = values.split_once(':') else { continue };
            for (name, value) in names.split_whitespace().zip(values.split_whitespace()) {
                // Some are settings and may be negative, such as Tcp MaxConn: they count nothing.
                if let Ok(value) = value.parse() {
                    self.0.insert(format!("{group}{name}"), value);
                }
            }
        }
    }

    /// The counter of this name, such as `UdpRcvbufErrors` or `TcpExtListenOverflows`; 0 for one that this kernel does
    /// not have.
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// By how much a counter grew since `earlier`.
    pub fn grown(&self, earlier: &Counters, name: &str) -> u64 {
        self.get(name).saturating_sub(earlier.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_stand_on_lines_below_each_other() {
        let mut counters = Counters::default();
        counters.add("Tcp: MaxConn ActiveOpens\nTcp: -1 12\nUdp: InDatagrams RcvbufErrors\nUdp: 3 197\n");
        let names = ["TcpMaxConn", "TcpActiveOpens", "UdpInDatagrams", "UdpRcvbufErrors", "UdpNoSuch"];
        assert_eq!(names.map(|name| counters.get(name)), [0, 12, 3, 197, 0]);
    }

    #[test]
    fn what_was_counted_since_is_a_difference() {
        let (mut before, mut after) = (Counters::default(), Counters::default());
        before.add("Udp: NoPorts\nUdp: 4\n");
        after.add("Udp: NoPorts\nUdp: 9\n");
        assert_eq!((after.grown(&before, "UdpNoPorts"), before.grown(&after, "UdpNoPorts")), (5, 0));
    }

    #[test]
    fn this_kernel_counts_what_the_labs_ask_for() {
        let counters = Counters::read().unwrap();
        for name in ["UdpRcvbufErrors", "UdpNoPorts", "TcpRetransSegs", "TcpExtListenOverflows", "IpReasmTimeout"] {
            assert!(counters.0.contains_key(name), "{name}");
        }
    }
}
