//! The states of a TCP connection, RFC 9293 §3.3.2, with the kernel's numbers (`include/net/tcp_states.h`).

use std::fmt;

use serde::{Serialize, Serializer};

/// A state of a TCP connection, in the order in which a connection may pass through them. The names are RFC 9293's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Waits for a connection request from any peer.
    Listen,
    /// Has sent a SYN and waits for its answer.
    SynSent,
    /// Has received a SYN, answered it, and waits for the acknowledgement. The listener keeps such requests aside: they
    /// are no sockets yet (the kernel's `NEW_SYN_RECV`).
    SynReceived,
    /// Open: data flows both ways.
    Established,
    /// Has closed its side, its FIN is not acknowledged yet.
    FinWait1,
    /// Its FIN is acknowledged; waits for the peer's FIN.
    FinWait2,
    /// The peer has closed its side; the program here has not.
    CloseWait,
    /// Both closed at the same time; waits for the acknowledgement of its FIN.
    Closing,
    /// Has closed after the peer; waits for the acknowledgement of its FIN.
    LastAck,
    /// Closed first and waits out late segments and a lost last acknowledgement: 60 s on Linux.
    TimeWait,
    /// No connection. The kernel lists a socket in it while the socket exists.
    Closed,
    /// Not a state of RFC 9293: bound to a port, neither listening nor connected (the kernel's `BOUND_INACTIVE`).
    Bound,
}

impl State {
    /// Every state, in order.
    pub const ALL: [State; 12] = [
        State::Listen,
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
        State::Closed,
        State::Bound,
    ];

    /// The state with the kernel's number; none for a number of a later kernel.
    pub fn from_kernel(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.kernel_numbers().contains(&number))
    }

    /// The kernel's numbers: two for SYN-RECEIVED, which it files under another number than it reports.
    pub fn kernel_numbers(self) -> &'static [u8] {
        match self {
            State::Established => &[1],
            State::SynSent => &[2],
            State::SynReceived => &[3, 12],
            State::FinWait1 => &[4],
            State::FinWait2 => &[5],
            State::TimeWait => &[6],
            State::Closed => &[7],
            State::CloseWait => &[8],
            State::LastAck => &[9],
            State::Listen => &[10],
            State::Closing => &[11],
            State::Bound => &[13],
        }
    }

    /// Bit n for each of the kernel's numbers n.
    pub fn mask(self) -> u32 {
        self.kernel_numbers().iter().fold(0, |mask, number| mask | 1 << number)
    }

    /// The name, as RFC 9293 writes it.
    pub fn name(self) -> &'static str {
        match self {
            State::Listen => "LISTEN",
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
            State::Closed => "CLOSED",
            State::Bound => "BOUND",
        }
    }

    /// The state that a person names: RFC 9293's name, the kernel's, or that of other tools; case and separators ignored.
    pub fn from_name(name: &str) -> Option<Self> {
        let plain = |name: &str| name.to_ascii_lowercase().replace(['-', '_'], "");
        let wanted = match plain(name).as_str() {
            "listening" => "listen".to_owned(),
            "estab" => "established".to_owned(),
            "synrecv" => "synreceived".to_owned(),
            "close" | "unconnected" | "unconn" => "closed".to_owned(),
            "boundinactive" => "bound".to_owned(),
            other => other.to_owned(),
        };
        Self::ALL.into_iter().find(|state| plain(state.name()) == wanted)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_the_kernel_has_one_state() {
        let mut numbers: Vec<u8> = State::ALL.iter().flat_map(|state| state.kernel_numbers()).copied().collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=13).collect::<Vec<_>>());
        assert_eq!(State::from_kernel(6), Some(State::TimeWait));
        assert_eq!(State::from_kernel(12), Some(State::SynReceived));
        assert_eq!(State::from_kernel(14), None);
        assert_eq!(State::SynReceived.mask(), 1 << 3 | 1 << 12);
    }

    #[test]
    fn states_answer_to_the_rfcs_names_and_to_those_of_other_tools() {
        for state in State::ALL {
            assert_eq!(State::from_name(state.name()), Some(state));
        }
        assert_eq!(State::from_name("time_wait"), Some(State::TimeWait));
        assert_eq!(State::from_name("fin_wait1"), Some(State::FinWait1));
        assert_eq!(State::from_name("listening"), Some(State::Listen));
        assert_eq!(State::from_name("estab"), Some(State::Established));
        assert_eq!(State::from_name("open"), None);
    }
}
