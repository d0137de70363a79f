//! Whether silence is the silence of the link: a host, or the gateway to it, for whose address nobody answers.

use std::net::IpAddr;

use super::{Host, Reason};
use crate::kernel::OsError;
use crate::kernel::netlink::{NeighbourState, Netlink};
use crate::transport::services::Protocol;

/// Looks up, for every host from which nothing came at all, whether the kernel found its next hop on the link; where it
/// did not, that is the reason for the silence.
///
/// # Errors
/// The kernel's refusal to be asked.
pub fn explain(hosts: &mut [Host], protocol: Protocol) -> Result<(), OsError> {
    let mute = |host: &&mut Host| {
        let nothing_came = |reason: &Reason| matches!(reason, Reason::Silence | Reason::NoNeighbour(_));
        !host.ports.is_empty() && host.ports.iter().all(|finding| nothing_came(&finding.reason))
    };
    let mut netlink = None;
    for host in hosts.iter_mut().filter(mute) {
        let netlink = match &mut netlink {
            Some(open) => open,
            none => none.insert(Netlink::open()?),
        };
        let Some(hop) = unanswered(netlink, host.target.address, host.target.scope_id) else { continue };
        for finding in &mut host.ports {
            finding.reason = Reason::NoNeighbour(hop);
            finding.state = finding.reason.state(protocol, host.target.address);
        }
    }
    Ok(())
}

/// The next hop towards `address`, if nobody answers for it.
fn unanswered(netlink: &mut Netlink, address: IpAddr, scope_id: u32) -> Option<IpAddr> {
    let decision = netlink.decide(address, (scope_id > 0).then_some(scope_id)).ok()?;
    let hop = decision.gateway.unwrap_or(address);
    let neighbour = netlink.neighbour(decision.interface?, hop).ok()??;
    matches!(neighbour.state, NeighbourState::Incomplete | NeighbourState::Failed).then_some(hop)
}
