//! What the control bits and the states of TCP mean, in words.

use super::states::State;
use super::tcp::Flags;

/// A control bit of the TCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its name.
    pub name: &'static str,
    /// What the letters stand for.
    pub long: &'static str,
    /// The bit.
    pub bit: Flags,
    /// What it says, and when it is sent.
    pub meaning: &'static str,
    /// Where it is defined.
    pub reference: &'static str,
}

/// The control bits, most significant first.
pub const FLAGS: [Flag; 9] = [
    Flag {
        name: "AE",
        long: "accurate ECN",
        bit: Flags::AE,
        meaning: "With CWR and ECE a three-bit counter of congestion marks; in the handshake it offers that counting.",
        reference: "RFC 9768",
    },
    Flag {
        name: "CWR",
        long: "congestion window reduced",
        bit: Flags::CWR,
        meaning: "The sender has seen ECE and slowed down. In a SYN, together with ECE: explicit congestion notification \
                  is offered.",
        reference: "RFC 3168",
    },
    Flag {
        name: "ECE",
        long: "ECN echo",
        bit: Flags::ECE,
        meaning: "A router marked a datagram as having met congestion instead of dropping it; repeated until CWR answers.",
        reference: "RFC 3168",
    },
    Flag {
        name: "URG",
        long: "urgent",
        bit: Flags::URG,
        meaning: "The urgent pointer counts. New programs should not use it; middleboxes clear it.",
        reference: "RFC 9293 section 3.8.5, RFC 6093",
    },
    Flag {
        name: "ACK",
        long: "acknowledgment",
        bit: Flags::ACK,
        meaning: "The acknowledgment number counts: everything before it has arrived. Set in every segment but the first SYN \
                  and some RSTs.",
        reference: "RFC 9293 section 3.1",
    },
    Flag {
        name: "PSH",
        long: "push",
        bit: Flags::PSH,
        meaning: "Hand the data to the program now. It marks no message: Linux sets it on the last segment of a write, and \
                  receivers do not show it to programs.",
        reference: "RFC 9293 section 3.9.1.2",
    },
    Flag {
        name: "RST",
        long: "reset",
        bit: Flags::RST,
        meaning: "The connection does not exist or is given up at once: an answer to a SYN for a port without a listener \
                  (ECONNREFUSED), or the end of a connection with data lost (ECONNRESET).",
        reference: "RFC 9293 section 3.5.2",
    },
    Flag {
        name: "SYN",
        long: "synchronize",
        bit: Flags::SYN,
        meaning: "Opens a connection and says where the sender's sequence numbers start; takes one number itself. Only the \
                  first segment of each side has it.",
        reference: "RFC 9293 section 3.5",
    },
    Flag {
        name: "FIN",
        long: "finish",
        bit: Flags::FIN,
        meaning: "The sender has no more data; takes one sequence number. The other direction stays open until its own FIN.",
        reference: "RFC 9293 section 3.6",
    },
];

/// What a state means for the person who sees it in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What has happened, and what is waited for.
    pub meaning: &'static str,
    /// How long it lasts on Linux.
    pub lasts: &'static str,
    /// What many of them tell.
    pub many: &'static str,
}

/// What `state` means.
pub const fn standing(state: State) -> Standing {
    let (meaning, lasts, many) = match state {
        State::Closed => ("No connection.", "as long as the socket is open", "sockets made and not used"),
        State::Bound => (
            "Bound to a port, neither listening nor connected. Linux's own, not RFC 9293's.",
            "until listen or connect",
            "a program that binds and forgets",
        ),
        State::Listen => {
            ("Waits for connection requests.", "until the program closes it", "one for each port and address is usual")
        }
        State::SynSent => (
            "A SYN was sent; its answer is waited for.",
            "about two minutes (tcp_syn_retries), then ETIMEDOUT",
            "the destination is silent: off, or behind a firewall that drops",
        ),
        State::SynReceived => (
            "A SYN came and was answered; the ACK that completes the handshake is waited for.",
            "about a minute (tcp_synack_retries)",
            "clients that do not complete: a SYN flood, or answers that get lost",
        ),
        State::Established => (
            "Open: data flows both ways.",
            "until one side closes; without keepalives for ever",
            "as many as are in use",
        ),
        State::FinWait1 => (
            "This side has closed; its FIN is not acknowledged yet.",
            "until acknowledged, or tcp_orphan_retries run out",
            "peers that vanished, or do not read what is still to be sent",
        ),
        State::FinWait2 => (
            "This side has closed and the peer knows; the peer's own FIN is waited for.",
            "60 s (tcp_fin_timeout) once the process has closed the socket; without limit after shutdown alone",
            "peers that do not close: look for CLOSE-WAIT there",
        ),
        State::CloseWait => (
            "The peer has closed; the program here has not.",
            "without limit: only the program can end it",
            "a bug in the program here: it does not close after reading the end",
        ),
        State::Closing => (
            "Both sides closed at the same moment; the ACK of this side's FIN is waited for.",
            "a round trip",
            "hardly ever seen",
        ),
        State::LastAck => (
            "Closed after the peer; the ACK of this side's FIN is waited for.",
            "a round trip, longer where the ACK is lost",
            "the last ACKs do not arrive",
        ),
        State::TimeWait => (
            "Closed first, and waits: late segments must not be taken for a new connection's, and a lost last ACK must be sent again.",
            "60 s on Linux, whatever tcp_fin_timeout says (RFC 9293: twice the longest life of a segment)",
            "usual on the side that closes first, and harmless; bind again with SO_REUSEADDR",
        ),
    };
    Standing { meaning, lasts, many }
}

/// The name of a state in the kernel's sources.
pub const fn kernel_name(state: State) -> &'static str {
    match state {
        State::Listen => "TCP_LISTEN",
        State::SynSent => "TCP_SYN_SENT",
        State::SynReceived => "TCP_SYN_RECV",
        State::Established => "TCP_ESTABLISHED",
        State::FinWait1 => "TCP_FIN_WAIT1",
        State::FinWait2 => "TCP_FIN_WAIT2",
        State::CloseWait => "TCP_CLOSE_WAIT",
        State::Closing => "TCP_CLOSING",
        State::LastAck => "TCP_LAST_ACK",
        State::TimeWait => "TCP_TIME_WAIT",
        State::Closed => "TCP_CLOSE",
        State::Bound => "TCP_BOUND_INACTIVE",
    }
}

/// The control bit of this name, letter case ignored.
pub fn flag(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.name.eq_ignore_ascii_case(name) || flag.long.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_the_header_has_a_row_under_the_name_it_prints() {
        for flag in &FLAGS {
            assert_eq!(flag.bit.to_string(), flag.name);
            assert_eq!(super::flag(&flag.name.to_lowercase()), Some(flag));
        }
        let all = FLAGS.iter().fold(0, |bits, flag| bits | flag.bit.0);
        assert_eq!(all, 0x1ff);
    }
}
