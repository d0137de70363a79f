//! `netlab sockets`.

use super::{Context, Outcome};
use crate::kernel::sock_diag::Family;
use crate::report;
use crate::transport::services::{self, Protocol};
use crate::transport::sockets::{self, Wanted};
use crate::transport::states::State;

/// List the kernel's sockets with states, timers, queues and processes
///
/// Reads the table over netlink (`NETLINK_SOCK_DIAG`): the states are those of RFC 9293, the time that a timer has left is exact
/// to the millisecond. WAITING shows, for a listener, the connections that wait to be accepted and the backlog,
/// for any other socket of TCP the bytes that wait to be read (in) or acknowledged (out), and for UDP the memory that
/// the kernel keeps for waiting datagrams, which is more than their bytes. The address * stands for every address
/// of both families.
///
/// Exit status: 0 when a socket matches, 1 when none does, so that `netlab sockets -l --port 80` asks whether
/// somebody listens.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[command(after_help = "Example: netlab sockets --state time-wait")]
pub struct Args {
    /// Only sockets in this state: a name of RFC 9293, or listening, connected (has a peer), all; may be repeated
    #[arg(short, long = "state", value_name = "STATE", value_parser = states, value_delimiter = ',')]
    states: Vec<States>,
    /// The same as --state listening; of UDP, the sockets that take datagrams from anybody
    #[arg(short, long)]
    listening: bool,
    /// Only TCP
    #[arg(short, long)]
    tcp: bool,
    /// Only UDP
    #[arg(short, long)]
    udp: bool,
    /// Only sockets of IPv4
    #[arg(short = '4', long)]
    ipv4: bool,
    /// Only sockets of IPv6; those may carry IPv4 too
    #[arg(short = '6', long)]
    ipv6: bool,
    /// Only sockets with this local or remote port: a number, or a service such as http
    #[arg(long, value_name = "PORT", value_parser = port)]
    port: Option<u16>,
    /// Show which processes hold a socket
    #[arg(short, long)]
    process: bool,
    /// Show TCP's own figures (round-trip time, windows, retransmissions) and the buffers
    #[arg(short, long)]
    info: bool,
    /// Show only how many sockets are in which state
    #[arg(short, long, conflicts_with_all = ["process", "info"])]
    count: bool,
}

/// States that one word of the user names; none of them means all.
#[derive(Clone, Debug, PartialEq, Eq)]
struct States(Vec<State>);

fn states(word: &str) -> Result<States, String> {
    let without = |left_out: &[State]| State::ALL.into_iter().filter(|state| !left_out.contains(state)).collect();
    Ok(States(match word {
        "all" => State::ALL.to_vec(),
        "connected" => without(&[State::Listen, State::Closed, State::Bound]),
        word => vec![State::from_name(word).ok_or_else(|| {
            let names = State::ALL.map(|state| state.name().to_ascii_lowercase());
            format!("expected one of {}, listening, connected, all", names.join(", "))
        })?],
    }))
}

/// A port by number, or by the name of a service of either protocol.
fn port(word: &str) -> Result<u16, &'static str> {
    let service = || [Protocol::Tcp, Protocol::Udp].into_iter().find_map(|protocol| services::port(word, protocol));
    let port = if word.bytes().all(|b| b.is_ascii_digit()) { word.parse().ok() } else { service() };
    // Zero stands for no port, which every listener has at its other end.
    port.filter(|port| *port > 0).ok_or("expected a port from 1 to 65535, or the name of a service such as http")
}

/// Those that were chosen; all when none was.
fn chosen<T>(options: [(bool, T); 2]) -> Vec<T> {
    let none = options.iter().all(|(wanted, _)| !wanted);
    options.into_iter().filter(|(wanted, _)| *wanted || none).map(|(_, what)| what).collect()
}

impl Args {
    fn wanted(&self) -> Wanted {
        let mut states: Vec<State> = self.states.iter().flat_map(|states| states.0.clone()).collect();
        if self.listening {
            states.push(State::Listen);
        }
        Wanted {
            protocols: chosen([(self.tcp, Protocol::Tcp), (self.udp, Protocol::Udp)]),
            families: chosen([(self.ipv4, Family::Ipv4), (self.ipv6, Family::Ipv6)]),
            states,
            port: self.port,
            details: self.info,
            processes: self.process,
        }
    }

    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        let wanted = self.wanted();
        let table = if self.count { sockets::count(&wanted)? } else { sockets::list(&wanted)? };
        let Context { out, palette, json, width, .. } = context;
        match (*json, self.count) {
            (true, _) => report::json::document(out, &table)?,
            (false, true) => report::sockets::counts(out, &table, *palette)?,
            (false, false) => report::sockets::table(out, &table, *palette, *width)?,
        }
        Ok(Outcome::from(table.counts.total() > 0))
    }
}
