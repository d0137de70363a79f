//! What netlink knows of the interfaces that are captured on: their names, and what they lose.

use std::collections::HashMap;

use crate::kernel::netlink::{Link, Netlink};

/// Interfaces whose names are remembered; more come only from somebody who makes and removes them all the time.
const MAX_NAMES: usize = 4096;

/// Names of the interfaces that frames come from.
#[derive(Debug)]
pub(super) enum Names {
    /// There is one.
    One(String),
    /// By the kernel's numbers, asked for when first seen.
    Many(Netlink, HashMap<u32, String>),
}

impl Names {
    /// Names that this socket is asked for.
    pub(super) fn many(netlink: Netlink) -> Self {
        Names::Many(netlink, HashMap::new())
    }

    #[inline]
    pub(super) fn get(&mut self, index: u32) -> &str {
        match self {
            Names::One(name) => name,
            Names::Many(netlink, names) => {
                if names.len() >= MAX_NAMES && !names.contains_key(&index) {
                    names.clear();
                }
                names.entry(index).or_insert_with(|| {
                    // An interface that is gone before its name was asked for keeps its number.
                    netlink.link_by_index(index).map_or_else(|_| format!("#{index}"), |link| link.name)
                })
            }
        }
    }
}

/// What the interface lost before anybody saw it, since the capture began.
#[derive(Debug)]
pub(super) struct Losses {
    netlink: Netlink,
    index: u32,
    before: u64,
}

impl Losses {
    /// Counts from now on for the interface of this number (0: all of them together).
    pub(super) fn from_now_on(mut netlink: Netlink, index: u32) -> Self {
        Losses { before: missed(&mut netlink, index), netlink, index }
    }

    /// An interface that is gone took its counts with it.
    pub(super) fn since(&mut self) -> u64 {
        missed(&mut self.netlink, self.index).saturating_sub(self.before)
    }
}

/// Frames that the interface of this number has lost (0: all of them together) since it is there; 0 where nobody knows.
fn missed(netlink: &mut Netlink, index: u32) -> u64 {
    let links = if index == 0 { netlink.links() } else { netlink.link_by_index(index).map(|link| vec![link]) };
    let lost = |link: &Link| link.counters.rx_dropped.saturating_add(link.counters.rx_missed);
    links.unwrap_or_default().iter().map(lost).fold(0, u64::saturating_add)
}
