//! The neighbour cache of a host, looked at while frames move.

use std::net::{IpAddr, Ipv4Addr};

use crate::kernel::OsError;
use crate::kernel::netlink::{NeighbourState, Netlink};
use crate::lab::stage::{LabError, Stage};

/// The cache of one host's only interface.
pub(super) struct Cache {
    host: usize,
    interface: u32,
}

impl Cache {
    pub(super) fn new(stage: &Stage<'_>, host: usize) -> Result<Self, LabError> {
        let interface =
            stage.host(host).run(|| -> Result<u32, OsError> { Ok(Netlink::open()?.link("eth0")?.index) })?;
        Ok(Cache { host, interface })
    }

    fn state(&self, stage: &Stage<'_>, address: Ipv4Addr) -> Result<NeighbourState, OsError> {
        let interface = self.interface;
        stage.host(self.host).run(move || {
            let entry = Netlink::open()?.neighbour(interface, IpAddr::V4(address))?;
            Ok(entry.map_or(NeighbourState::None, |entry| entry.state))
        })
    }

    /// Waits until the entry of `address` is in `state`, and tells it.
    pub(super) fn until(
        &self,
        stage: &mut Stage<'_>,
        address: Ipv4Addr,
        state: NeighbourState,
    ) -> Result<NeighbourState, LabError> {
        let mut refused = None;
        stage.until(&format!("{address} {}", state.name()), stage.patience, |stage| {
            match self.state(stage, address) {
                Ok(now) => now == state,
                Err(error) => refused.replace(error).is_none(),
            }
        })?;
        refused.map_or(Ok(()), Err)?;
        stage.fact(self.host, format!("{address} {}", state.name()))?;
        Ok(state)
    }

    /// Waits until a frame is held on the wire, and tells the state of `address` meanwhile.
    pub(super) fn while_held(&self, stage: &mut Stage<'_>, address: Ipv4Addr) -> Result<NeighbourState, LabError> {
        stage.until("a question on the wire", stage.patience, |stage| stage.held() > 0)?;
        let state = self.state(stage, address)?;
        stage.fact(self.host, format!("{address} {}", state.name()))?;
        Ok(state)
    }
}
