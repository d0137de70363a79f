//! What is noted about a TCP segment that does not come as one would wish.

/// A set of notes. The words are Wireshark's, whose definitions these are, so that people can look them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct Notes(u32);

/// One row per note: its name for people and the key for JSON.
macro_rules! notes {
    ($($(#[$doc:meta])* $note:ident $bit:literal $name:literal $key:literal)+) => {
        impl Notes {
            $($(#[$doc])* pub const $note: Notes = Notes(1 << $bit);)+

            /// Every note, with its name and its key.
            pub const ALL: &[(Notes, &str, &str)] = &[$((Notes::$note, $name, $key)),+];
        }
    };
}

notes! {
    /// A segment before this one was not captured.
    PREVIOUS_LOST 0 "previous segment not captured" "previous_segment_lost"
    /// Acknowledges what was not captured.
    ACKED_LOST 1 "acknowledges what was not captured" "acked_segment_lost"
    /// Sent again after a timeout, or for a reason that is not seen.
    RETRANSMISSION 2 "retransmission" "retransmission"
    /// Sent again because duplicate acknowledgements asked for it (RFC 5681).
    FAST_RETRANSMISSION 3 "fast retransmission" "fast_retransmission"
    /// Sent again although it had been acknowledged.
    SPURIOUS_RETRANSMISSION 4 "spurious retransmission" "spurious_retransmission"
    /// Overtaken on its way.
    OUT_OF_ORDER 5 "out of order" "out_of_order"
    /// Acknowledges the same once more (RFC 5681, section 2).
    DUPLICATE_ACK 6 "duplicate ack" "duplicate_ack"
    /// The sender's receive buffer is full.
    ZERO_WINDOW 7 "zero window" "zero_window"
    /// A byte sent to learn whether the window is open again (RFC 9293, section 3.8.6.1).
    ZERO_WINDOW_PROBE 8 "zero window probe" "zero_window_probe"
    /// The answer to a zero window probe: still closed.
    ZERO_WINDOW_PROBE_ACK 9 "zero window probe ack" "zero_window_probe_ack"
    /// Fills the receiver's window to its end.
    WINDOW_FULL 10 "window full" "window_full"
    /// Says nothing but another window.
    WINDOW_UPDATE 11 "window update" "window_update"
    /// Asks whether the peer is still there (RFC 9293, section 3.8.4).
    KEEP_ALIVE 12 "keep-alive" "keep_alive"
    /// The answer to a keep-alive.
    KEEP_ALIVE_ACK 13 "keep-alive ack" "keep_alive_ack"
    /// Breaks the connection off.
    RESET 14 "reset" "reset"
    /// Begins a connection between ports that had another one before.
    PORTS_REUSED 15 "ports used again" "ports_reused"
}

impl Notes {
    /// Whether nothing is noted.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `other` is noted.
    pub const fn contains(self, other: Notes) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is noted.
    pub const fn any(self, other: Notes) -> bool {
        self.0 & other.0 != 0
    }

    /// Adds to the notes.
    pub(super) const fn add(&mut self, other: Notes) {
        self.0 |= other.0;
    }

    /// Both sets together.
    #[must_use]
    pub const fn or(self, other: Notes) -> Notes {
        Notes(self.0 | other.0)
    }

    /// The single notes, with their names and keys.
    pub fn each(self) -> impl Iterator<Item = (Notes, &'static str, &'static str)> {
        Notes::ALL.iter().copied().filter(move |(note, ..)| self.contains(*note))
    }
}

/// Sent again, for whatever reason.
pub const SENT_AGAIN: Notes =
    Notes(Notes::RETRANSMISSION.0 | Notes::FAST_RETRANSMISSION.0 | Notes::SPURIOUS_RETRANSMISSION.0);
