//! What can be wrong with a plan.

use std::net::Ipv4Addr;

/// What is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Not TOML, or not of this shape.
    #[error("{0}")]
    Syntax(String),
    /// A name that no host has.
    #[error("network {network} attaches {name:?}, but the hosts are {known}")]
    UnknownHost {
        /// Number of the network, from 1.
        network: usize,
        /// The name.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// An attachment that cannot be read.
    #[error(
        "network {network}: {text:?}: {wrong}; expected \"HOST INTERFACE ADDRESS/LENGTH\", such as \"h1 eth0 10.0.0.1/24\""
    )]
    Attachment {
        /// Number of the network, from 1.
        network: usize,
        /// The text.
        text: String,
        /// The part that is wrong, and how.
        wrong: String,
    },
    /// Conditions for a host that is not there.
    #[error("network {network} has conditions for {name:?}, which is not attached to it")]
    NotAttached {
        /// Number of the network, from 1.
        network: usize,
        /// The name.
        name: String,
    },
    /// Two things that must differ.
    #[error("{0}")]
    Twice(String),
    /// A gateway that its host cannot reach.
    #[error("host {host}: the gateway {gateway} is on none of its networks")]
    Gateway {
        /// The host.
        host: String,
        /// The gateway.
        gateway: Ipv4Addr,
    },
    /// A count that cannot be.
    #[error("{0}")]
    Count(String),
}
