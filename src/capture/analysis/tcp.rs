//! What a TCP segment means after those before it, by the definitions of Wireshark's TCP analysis, in fixed memory.

use super::notes::Notes;
use crate::capture::frame::Nanoseconds;
use crate::transport::Tcp;
use crate::transport::tcp::Flags;

/// A retransmission that comes this soon after the last duplicate acknowledgement is a fast one.
const FAST: Nanoseconds = 20_000_000;
/// A segment this soon behind the one it should have preceded was overtaken; with a known round trip, that.
const OVERTAKEN: Nanoseconds = 3_000_000;

/// Whether `a` is later in the stream than `b` (RFC 9293, section 3.4).
fn after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) as i32 > 0
}

/// Power of two by which windows are to be multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Scale {
    /// The SYN was not seen.
    #[default]
    Unknown,
    By(u8),
}

/// What one end has sent so far.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    /// First sequence number.
    first: Option<u32>,
    /// Behind the highest sequence number, and when that was sent.
    next: Option<u32>,
    next_at: Nanoseconds,
    /// Behind the highest number that can be acknowledged: what was captured without a gap.
    acknowledgeable: Option<u32>,
    /// Window as in the last segment.
    window: u16,
    /// Whether that segment was a SYN, whose window is not scaled.
    window_of_syn: bool,
    scale: Scale,
    /// Last acknowledgement, and when.
    acknowledged: Option<u32>,
    acknowledged_at: Nanoseconds,
    duplicate_acks: u32,
    /// The highest acknowledgement.
    acknowledged_most: Option<u32>,
    last_notes: Notes,
    /// A number whose acknowledgement is being timed, and when it was sent.
    timed: Option<(u32, Nanoseconds)>,
}

/// Round trips between the capture and one end, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RoundTrips {
    /// How many were measured.
    pub count: u64,
    /// Their sum.
    pub sum_ns: u64,
    /// The shortest.
    pub min_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl RoundTrips {
    fn add(&mut self, ns: u64) {
        self.min_ns = if self.count == 0 { ns } else { self.min_ns.min(ns) };
        self.max_ns = self.max_ns.max(ns);
        self.sum_ns = self.sum_ns.saturating_add(ns);
        self.count = self.count.saturating_add(1);
    }

    /// The mean; none where none was measured.
    pub fn mean_ns(&self) -> Option<u64> {
        self.sum_ns.checked_div(self.count)
    }
}

/// How far a connection has come, as far as its segments tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Its start was not captured.
    #[default]
    Open,
    /// A SYN without an answer.
    SynSent,
    /// SYN and SYN+ACK.
    SynReceived,
    /// Opened.
    Established,
    /// One end has sent FIN.
    Closing,
    /// Both ends have sent FIN.
    Closed,
    /// A segment with RST was sent.
    Reset,
}

/// A connection under analysis.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connection {
    ends: [End; 2],
    finished: [bool; 2],
    syn_at: Option<Nanoseconds>,
    /// From the SYN to the acknowledgement that opened the connection, in nanoseconds.
    pub handshake_ns: Option<u64>,
    /// Round trips between the capture and the far end of what each end sent.
    pub round_trips: [RoundTrips; 2],
    /// How far it has come.
    pub progress: Progress,
}

/// What was found out about one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Finding {
    /// The notes.
    pub notes: Notes,
    /// Which duplicate it is, of a duplicate acknowledgement; 0 otherwise.
    pub duplicate: u32,
    /// Of the acknowledgement of a segment that was sent once: nanoseconds since that.
    pub round_trip_ns: Option<u64>,
    /// Of the acknowledgement that opens the connection: nanoseconds since the SYN.
    pub handshake_ns: Option<u64>,
    /// It acknowledges more than those before it.
    pub(super) advances: bool,
}

/// A segment at its turn.
struct Turn<'a> {
    tcp: &'a Tcp,
    length: u32,
    time: Nanoseconds,
    notes: Notes,
}

impl Turn<'_> {
    fn has(&self, flags: Flags) -> bool {
        self.tcp.flags.0 & flags.0 != 0
    }

    /// Behind the last byte of data.
    fn end(&self) -> u32 {
        self.tcp.sequence.wrapping_add(self.length)
    }

    /// SYN and FIN take a number each.
    fn next(&self) -> u32 {
        self.end().wrapping_add(u32::from(self.has(Flags::SYN.with(Flags::FIN))))
    }
}

/// Flags of segments that are never mere acknowledgements.
const CONTROL: Flags = Flags(Flags::SYN.0 | Flags::FIN.0 | Flags::RST.0);

impl Connection {
    /// Whether `tcp`, sent by end `from`, opens another connection than this one.
    pub fn is_replaced_by(&self, from: usize, tcp: &Tcp) -> bool {
        let opens = tcp.flags.contains(Flags::SYN) && !tcp.flags.contains(Flags::ACK);
        opens && self.ends[from].first.is_some_and(|first| first != tcp.sequence)
    }

    /// Takes in a segment with `length` bytes of data that end number `from` sent at `time`.
    pub fn see(&mut self, from: usize, tcp: &Tcp, length: u32, time: Nanoseconds) -> Finding {
        let mut turn = Turn { tcp, length, time, notes: Notes::default() };
        let [mut own, mut peer] = [self.ends[from], self.ends[1 - from]];
        own.first.get_or_insert(tcp.sequence);
        learn_scale(&turn, &mut own, &mut peer);
        let goes_on = windows(&mut turn, &own, &mut peer);
        if goes_on && is_plain(&turn, &own) && own.window == tcp.window && tcp.window > 0 {
            own.duplicate_acks = own.duplicate_acks.saturating_add(1);
            turn.notes.add(Notes::DUPLICATE_ACK);
        }
        if own.acknowledged != Some(tcp.acknowledgment) {
            own.duplicate_acks = 0;
        }
        acknowledges_more_than_was_seen(&mut turn, &mut peer);
        sent_before(&mut turn, &own, &peer, self.handshake_ns);
        if turn.has(Flags::RST) {
            turn.notes.add(Notes::RESET);
        }
        let opened = self.handshake_ns;
        self.round_trip(from, &turn, &mut own, &mut peer);
        let handshake_ns = self.handshake_ns.filter(|_| opened.is_none());
        let acknowledgment = tcp.acknowledgment;
        let advances = turn.has(Flags::ACK) && own.acknowledged_most.is_none_or(|most| after(acknowledgment, most));
        own.acknowledged_most = if advances { Some(acknowledgment) } else { own.acknowledged_most };
        remember(&turn, &mut own);
        self.advance(from, &turn);
        (self.ends[from], self.ends[1 - from]) = (own, peer);
        let duplicate = if turn.notes.contains(Notes::DUPLICATE_ACK) { own.duplicate_acks } else { 0 };
        Finding { notes: turn.notes, duplicate, round_trip_ns: None, handshake_ns, advances }
    }

    fn advance(&mut self, from: usize, turn: &Turn<'_>) {
        let (syn, ack) = (turn.has(Flags::SYN), turn.has(Flags::ACK));
        self.finished[from] |= turn.has(Flags::FIN);
        let progress = match self.progress {
            Progress::Reset => Progress::Reset,
            _ if turn.has(Flags::RST) => Progress::Reset,
            _ if self.finished == [true; 2] => Progress::Closed,
            _ if self.finished != [false; 2] => Progress::Closing,
            Progress::Open if syn && !ack => Progress::SynSent,
            Progress::Open | Progress::SynSent if syn => Progress::SynReceived,
            Progress::SynReceived if !syn => Progress::Established,
            other => other,
        };
        self.progress = progress;
    }

    /// Times the handshake, and for each end one segment after the other from its sending to its acknowledgement. A
    /// number that was sent twice is not timed: nobody knows which of the two was acknowledged (Karn's algorithm,
    /// RFC 6298 section 3).
    fn round_trip(&mut self, from: usize, turn: &Turn<'_>, own: &mut End, peer: &mut End) {
        let (syn, ack) = (turn.has(Flags::SYN), turn.has(Flags::ACK));
        match (syn, ack, self.syn_at) {
            (true, false, _) => self.syn_at = Some(turn.time),
            (false, true, Some(syn_at)) if self.progress == Progress::SynReceived && self.handshake_ns.is_none() => {
                self.handshake_ns = u64::try_from(turn.time.saturating_sub(syn_at)).ok();
            }
            _ => {}
        }
        if let (true, Some((number, sent))) = (ack, peer.timed)
            && !after(number, turn.tcp.acknowledgment)
        {
            peer.timed = None;
            if let Ok(ns) = u64::try_from(turn.time.saturating_sub(sent)) {
                self.round_trips[1 - from].add(ns);
            }
        }
        if turn.notes.any(super::notes::SENT_AGAIN.or(Notes::OUT_OF_ORDER)) {
            own.timed = None;
        } else if own.timed.is_none() && turn.next() != turn.tcp.sequence && !turn.notes.any(Notes::KEEP_ALIVE) {
            own.timed = Some((turn.next(), turn.time));
        }
    }
}

fn learn_scale(turn: &Turn<'_>, own: &mut End, peer: &mut End) {
    if !turn.has(Flags::SYN) {
        return;
    }
    match turn.tcp.options.window_scale {
        // Nothing beyond 14 counts (RFC 7323, section 2.3).
        Some(scale) => own.scale = Scale::By(scale.min(14)),
        // One end that does not scale is enough: neither does.
        None if own.scale == Scale::Unknown => (own.scale, peer.scale) = (Scale::By(0), Scale::By(0)),
        None => {}
    }
}

/// An empty segment that repeats sequence and acknowledgement number.
fn is_plain(turn: &Turn<'_>, own: &End) -> bool {
    turn.length == 0
        && !turn.has(CONTROL)
        && own.next == Some(turn.tcp.sequence)
        && own.acknowledged == Some(turn.tcp.acknowledgment)
}

/// Notes about windows, gaps and keep-alives; whether the segment may still be a duplicate acknowledgement.
fn windows(turn: &mut Turn<'_>, own: &End, peer: &mut End) -> bool {
    let Tcp { sequence, acknowledgment, window, .. } = *turn.tcp;
    if turn.length == 1 && own.next == Some(sequence) && peer.window == 0 && peer.next.is_some() {
        turn.notes.add(Notes::ZERO_WINDOW_PROBE);
        return false;
    }
    if window == 0 && !turn.has(CONTROL) {
        turn.notes.add(Notes::ZERO_WINDOW);
    }
    if own.next.is_some_and(|next| after(sequence, next)) && !turn.has(Flags::RST) {
        turn.notes.add(Notes::PREVIOUS_LOST);
    }
    if turn.length <= 1 && own.next == Some(sequence.wrapping_add(1)) && !turn.has(CONTROL) {
        turn.notes.add(Notes::KEEP_ALIVE);
    }
    if is_plain(turn, own) && window > 0 && window != own.window {
        turn.notes.add(Notes::WINDOW_UPDATE);
    }
    if turn.length > 0 && !turn.has(CONTROL) && peer.right_edge() == Some(turn.end()) {
        turn.notes.add(Notes::WINDOW_FULL);
    }
    let repeats = is_plain(turn, own) && window == own.window;
    if repeats && window > 0 && peer.last_notes.contains(Notes::KEEP_ALIVE) {
        turn.notes.add(Notes::KEEP_ALIVE_ACK);
        return false;
    }
    let probed = peer.last_notes.contains(Notes::ZERO_WINDOW_PROBE) && window == 0 && own.window == 0;
    let taken = own.acknowledged.is_some_and(|last| acknowledgment == last.wrapping_add(1));
    if probed && turn.length == 0 && !turn.has(CONTROL) && own.next == Some(sequence) && (repeats || taken) {
        turn.notes.add(Notes::ZERO_WINDOW_PROBE_ACK);
        // Some receivers take the byte that the probe brought.
        if taken {
            peer.next = peer.next.map(|next| next.wrapping_add(1));
            peer.acknowledgeable = peer.acknowledgeable.map(|next| next.wrapping_add(1));
        }
        return false;
    }
    true
}

impl End {
    /// Behind the last byte that this end is ready to receive, where that is known.
    fn right_edge(&self) -> Option<u32> {
        let Scale::By(scale) = self.scale else { return None };
        let scale = if self.window_of_syn { 0 } else { scale };
        Some(self.acknowledged?.wrapping_add(u32::from(self.window) << scale))
    }
}

fn acknowledges_more_than_was_seen(turn: &mut Turn<'_>, peer: &mut End) {
    let acknowledgment = turn.tcp.acknowledgment;
    if turn.has(Flags::ACK) && peer.acknowledgeable.is_some_and(|known| after(acknowledgment, known)) {
        turn.notes.add(Notes::ACKED_LOST);
        peer.acknowledgeable = peer.next;
    }
}

/// Notes about a segment that does not advance the stream: sent again, or overtaken.
fn sent_before(turn: &mut Turn<'_>, own: &End, peer: &End, round_trip: Option<u64>) {
    let Some(next) = own.next else { return };
    let sequence = turn.tcp.sequence;
    if turn.next() == sequence {
        return;
    }
    let mut behind = after(next, sequence);
    if behind && turn.notes.contains(Notes::KEEP_ALIVE) {
        return;
    }
    // The byte of a zero window probe is followed by the rest of its segment.
    if turn.length > 1 && next == sequence.wrapping_add(1) {
        behind = false;
    }
    if turn.length > 0 && peer.acknowledged.is_some_and(|acknowledged| !after(turn.end(), acknowledged)) {
        turn.notes.add(Notes::SPURIOUS_RETRANSMISSION);
        return;
    }
    if !behind {
        return;
    }
    let since_ack = turn.time.saturating_sub(peer.acknowledged_at);
    let asked_for = peer.acknowledged == Some(sequence);
    let patience = round_trip.and_then(|ns| i64::try_from(ns).ok()).unwrap_or(OVERTAKEN);
    turn.notes.add(if peer.duplicate_acks >= 2 && since_ack < FAST && asked_for {
        Notes::FAST_RETRANSMISSION
    } else if turn.time.saturating_sub(own.next_at) < patience && next != turn.end() {
        Notes::OUT_OF_ORDER
    } else {
        Notes::RETRANSMISSION
    });
}

fn remember(turn: &Turn<'_>, own: &mut End) {
    let (sequence, next) = (turn.tcp.sequence, turn.next());
    let probe = turn.notes.contains(Notes::ZERO_WINDOW_PROBE);
    if !probe && own.next.is_none_or(|highest| after(next, highest)) {
        (own.next, own.next_at) = (Some(next), turn.time);
    }
    if !probe && own.acknowledgeable.is_none_or(|known| known == sequence) {
        own.acknowledgeable = own.next;
    }
    own.window = turn.tcp.window;
    own.window_of_syn = turn.has(Flags::SYN);
    own.acknowledged = Some(turn.tcp.acknowledgment).filter(|_| turn.has(Flags::ACK));
    own.acknowledged_at = turn.time;
    own.last_notes = turn.notes;
}
