//! Networks written down: a small TOML file that says which hosts there are and how they are joined.

mod error;
mod line;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use error::PlanError;
pub use line::LinePlan;
use serde::Deserialize;

use super::fabric::Joining;
use super::stage::{LabError, Stage};
use super::topology::{Cable, Neighbours};
use crate::kernel::netlink::Netlink;
use crate::kernel::{OsError, sysctl};

/// A network as its file describes it.
///
/// ```toml
/// [[host]]
/// name = "client"
/// gateway = "10.0.1.254"
///
/// [[host]]
/// name = "router"
/// forward = true
///
/// [[network]]
/// kind = "wire"
/// attach = ["client eth0 10.0.1.1/24", "router left 10.0.1.254/24"]
/// line = { delay = "20ms", loss = "1%" }
/// from.router = { rate = "10Mbit/s", queue = 20 }
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The hosts.
    #[serde(rename = "host")]
    pub hosts: Vec<HostPlan>,
    /// What joins them.
    #[serde(rename = "network", default)]
    pub networks: Vec<NetworkPlan>,
}

/// A host of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostPlan {
    /// Its name.
    pub name: String,
    /// Where it sends what is not on one of its links.
    pub gateway: Option<Ipv4Addr>,
    /// Whether it forwards datagrams that are not for itself: a router.
    #[serde(default)]
    pub forward: bool,
}

/// A wire, hub or switch of a plan.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkPlan {
    /// How frames are passed on.
    #[serde(default)]
    pub kind: Kind,
    /// Who is attached: `HOST INTERFACE ADDRESS/LENGTH` each.
    pub attach: Vec<String>,
    /// What every frame meets on its way in.
    #[serde(default)]
    pub line: LinePlan,
    /// What the frames of some hosts, by name, meet instead.
    #[serde(default)]
    pub from: BTreeMap<String, LinePlan>,
}

/// How a network passes frames on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Two hosts, nothing in between.
    #[default]
    Wire,
    /// Every frame to everybody else.
    Hub,
    /// Every frame to where its destination was seen.
    Switch,
}

/// Hosts in one plan: each is a thread and a namespace.
const HOSTS_AT_MOST: usize = 64;

/// An attachment, taken apart.
struct Attachment {
    host: usize,
    interface: String,
    address: (Ipv4Addr, u8),
}

impl Plan {
    /// Reads a plan and checks that it can be built.
    ///
    /// # Errors
    /// [`PlanError`] with the place and what was expected.
    pub fn read(text: &str) -> Result<Self, PlanError> {
        let plan: Plan =
            toml::from_str(text).map_err(|error| PlanError::Syntax(error.to_string().trim_end().to_owned()))?;
        let count = plan.hosts.len();
        if !(1..=HOSTS_AT_MOST).contains(&count) {
            return Err(PlanError::Count(format!("there are {count} hosts; expected 1 to {HOSTS_AT_MOST}")));
        }
        for (number, host) in plan.hosts.iter().enumerate() {
            if host.name.is_empty() || host.name.contains(char::is_whitespace) {
                return Err(PlanError::Count(format!(
                    "host {} is called {:?}; expected a word",
                    number + 1,
                    host.name
                )));
            }
            if plan.host(&host.name) != Some(number) {
                return Err(PlanError::Twice(format!("two hosts are called {}", host.name)));
            }
        }
        let mut all: Vec<Attachment> = Vec::new();
        for (number, network) in (1..).zip(&plan.networks) {
            all.extend(plan.check_network(number, network)?);
        }
        plan.check_differences(&all)?;
        plan.check_gateways(&all)?;
        Ok(plan)
    }

    /// The number of the host called `name`.
    pub fn host(&self, name: &str) -> Option<usize> {
        self.hosts.iter().position(|host| host.name == name)
    }

    /// The names of the hosts, for people.
    pub fn names(&self) -> String {
        self.hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// What frames of a host meet on their way into a network.
    fn line(&self, network: &NetworkPlan, host: usize) -> LinePlan {
        let own = self.hosts.get(host).and_then(|host| network.from.get(&host.name));
        own.map_or(network.line, |own| own.over(network.line))
    }

    fn attachments(&self, number: usize, network: &NetworkPlan) -> Result<Vec<Attachment>, PlanError> {
        network.attach.iter().map(|text| self.attachment(number, text)).collect()
    }

    fn check_network(&self, number: usize, network: &NetworkPlan) -> Result<Vec<Attachment>, PlanError> {
        let attached = self.attachments(number, network)?;
        if network.kind == Kind::Wire && attached.len() != 2 {
            let ends = attached.len();
            let count =
                format!("network {number} is a wire with {ends} ends; a wire has 2, a switch or hub any number");
            return Err(PlanError::Count(count));
        }
        let is_attached = |name: &&String| attached.iter().any(|end| Some(end.host) == self.host(name));
        if let Some(name) = network.from.keys().find(|name| !is_attached(name)) {
            return Err(PlanError::NotAttached { network: number, name: name.clone() });
        }
        Ok(attached)
    }

    /// No address and no interface of a host stands twice.
    fn check_differences(&self, all: &[Attachment]) -> Result<(), PlanError> {
        let name = |host: usize| self.hosts.get(host).map_or("", |host| host.name.as_str());
        for (at, one) in all.iter().enumerate() {
            for other in all.iter().skip(at + 1) {
                if one.address.0 == other.address.0 {
                    let (address, one, other) = (one.address.0, name(one.host), name(other.host));
                    return Err(PlanError::Twice(format!("the address {address} is given to {one} and to {other}")));
                }
                if one.host == other.host && one.interface == other.interface {
                    let (host, interface) = (name(one.host), &one.interface);
                    return Err(PlanError::Twice(format!("host {host} has two interfaces called {interface}")));
                }
            }
        }
        Ok(())
    }

    fn check_gateways(&self, all: &[Attachment]) -> Result<(), PlanError> {
        for (number, host) in self.hosts.iter().enumerate() {
            let Some(gateway) = host.gateway else { continue };
            let near = |attachment: &Attachment| {
                let mask = u32::MAX.checked_shl(32 - u32::from(attachment.address.1)).unwrap_or(0);
                attachment.host == number && u32::from(attachment.address.0) & mask == u32::from(gateway) & mask
            };
            if !all.iter().any(near) {
                return Err(PlanError::Gateway { host: host.name.clone(), gateway });
            }
        }
        Ok(())
    }

    fn attachment(&self, network: usize, text: &str) -> Result<Attachment, PlanError> {
        let wrong = |wrong: String| PlanError::Attachment { network, text: text.to_owned(), wrong };
        let words: Vec<&str> = text.split_whitespace().collect();
        let [name, interface, address] = words.as_slice() else {
            return Err(wrong(format!("{} words instead of 3", words.len())));
        };
        let unknown = || PlanError::UnknownHost { network, name: (*name).to_owned(), known: self.names() };
        let host = self.host(name).ok_or_else(unknown)?;
        // The kernel's limit is 15 bytes, without slashes and white space.
        if interface.len() > 15 || interface.contains('/') || matches!(*interface, "." | ".." | "lo") {
            return Err(wrong(format!(
                "{interface} cannot be the name of an interface (at most 15 bytes, no slash, not lo)"
            )));
        }
        let Some((address, length)) = address.split_once('/') else {
            return Err(wrong(format!("{address} has no prefix length")));
        };
        if address.parse::<Ipv6Addr>().is_ok() {
            return Err(wrong(format!("{address} is an IPv6 address, and these networks speak IPv4")));
        }
        let read = address.parse().map_err(|_| wrong(format!("{address} is no IPv4 address")))?;
        let length = length.parse().ok().filter(|length| *length <= 32);
        let length = length.ok_or_else(|| wrong("a prefix length is a number from 0 to 32".to_owned()))?;
        Ok(Attachment { host, interface: (*interface).to_owned(), address: (read, length) })
    }

    /// Builds the network on an empty stage; host numbers are those of the plan.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn build(&self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        for host in &self.hosts {
            stage.new_host(&host.name)?;
        }
        for (number, network) in (1..).zip(&self.networks) {
            let attachments = self.attachments(number, network).map_err(LabError::Plan)?;
            let cables: Vec<Cable> = attachments.into_iter().map(Cable::from).collect();
            let joining = if network.kind == Kind::Switch { Joining::Switch } else { Joining::Hub };
            let fabric = stage.join(joining, Neighbours::Asked, &cables)?;
            for (port, cable) in cables.iter().enumerate() {
                stage.conditions_at((fabric, port), self.line(network, cable.host).into());
            }
        }
        for (number, host) in self.hosts.iter().enumerate() {
            let (gateway, forward) = (host.gateway, host.forward);
            stage.host(number).run(move || -> Result<(), OsError> {
                if forward {
                    sysctl::write("net.ipv4.ip_forward", "1")?;
                }
                let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                gateway.map_or(Ok(()), |gateway| Netlink::open()?.add_route(any, 0, Some(gateway.into()), None))
            })?;
        }
        Ok(())
    }
}

impl From<Attachment> for Cable {
    fn from(attachment: Attachment) -> Self {
        let Attachment { host, interface, address } = attachment;
        Cable { host, interface, address }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: &str = "[[host]]\nname = \"a\"\n[[host]]\nname = \"b\"\n[[network]]\nattach = [\"a eth0 10.0.0.1/24\", \"b eth0 10.0.0.2/24\"]\n";

    #[test]
    fn a_plan_of_two_hosts_on_a_wire_is_read() {
        let plan = Plan::read(PAIR).unwrap();
        assert_eq!(plan.names(), "a, b");
        assert_eq!(plan.networks[0].kind, Kind::Wire);
    }

    #[test]
    fn mistakes_are_told_with_what_was_expected() {
        let error = |text: &str| Plan::read(text).unwrap_err().to_string();
        assert!(error(&PAIR.replace("b eth0 10", "c eth0 10")).contains("\"c\", but the hosts are a, b"));
        assert!(error(&PAIR.replace("/24\"]", "/33\"]")).contains("HOST INTERFACE ADDRESS/LENGTH"));
        assert!(error(&PAIR.replace("attach", "attached")).contains("unknown field `attached`"));
        assert!(error(&PAIR.replace(", \"b eth0 10.0.0.2/24\"", "")).contains("a wire with 1 ends"));
        assert!(error("").contains("missing field `host`"));
        assert!(error(&PAIR.replace("0.2/24", "0.1/24")).contains("10.0.0.1 is given to a and to b"));
        assert!(error(&PAIR.replace("\"b\"", "\"a\"")).contains("two hosts are called a"));
        assert!(error(&PAIR.replace("b eth0", "a eth0")).contains("host a has two interfaces called eth0"));
        assert!(error(&PAIR.replace("10.0.0.2/24", "2001:db8::1/64")).contains("speak IPv4"));
        assert!(error(&PAIR.replace("10.0.0.2/24", "10.0.0.300/24")).contains("10.0.0.300 is no IPv4 address"));
        assert!(error(&PAIR.replace("\"b\"", "\"\"")).contains("host 2 is called \"\""));
        let from = |host: &str| format!("{PAIR}from.{host} = {{ loss = '5%' }}\n");
        assert!(error(&from("c")).contains("conditions for \"c\", which is not attached"));
        assert!(Plan::read(&from("b")).is_ok());
        let gateway = PAIR.replace("name = \"b\"", "name = \"b\"\ngateway = \"10.9.9.9\"");
        assert!(error(&gateway).contains("host b: the gateway 10.9.9.9 is on none of its networks"));
    }
}
