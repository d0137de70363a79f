//! Which processes frames come from and go to, as far as they are on this machine.
//!
//! **Invariant:** memory is bounded, and so is how often is asked about a conversation: `AT_ONCE` times, and then once in
//! `MISSING` at most, however many connections are opened in it.

use std::collections::HashMap;
use std::io;

use super::analysis::segment;
use super::frame::Nanoseconds;
use super::packet::{Packet, Parties};
use super::pair::Pair;
use crate::transport::owners::{Ask, Owner, Question};
use crate::transport::services::Protocol;
use crate::transport::tcp::Flags;

/// Conversations whose owners are remembered.
const MOST: usize = 4096;
/// How long an answer is good: programs hand sockets on. One that is still missing is asked for sooner, and a few times
/// at once.
const GOOD: Nanoseconds = 1_000_000_000;
const MISSING: Nanoseconds = GOOD / 10;
const AT_ONCE: u8 = 8;

/// Asks for owners and remembers them.
#[derive(Debug)]
pub struct Owners<A> {
    /// Who is asked, or why nobody is any more.
    ask: Result<A, io::Error>,
    known: HashMap<(Protocol, Pair), Known>,
    hidden: bool,
}

#[derive(Debug, Default)]
struct Known {
    owners: [Owner; 2],
    asked: Option<Nanoseconds>,
    /// How often without a pause of [`GOOD`], up to [`AT_ONCE`].
    times: u8,
}

impl Known {
    /// Whether they are asked for now, which counts as done.
    fn is_to_be_asked(&mut self, now: Nanoseconds, opens: bool) -> bool {
        // The clock may be set back.
        let since = self.asked.map_or(GOOD, |asked| now.saturating_sub(asked)).unsigned_abs();
        if since >= GOOD.unsigned_abs() {
            self.times = 0;
        }
        let wanted = self.times == 0 || opens || self.owners.contains(&Owner::Unknown);
        let asks = wanted && (self.times < AT_ONCE || since >= MISSING.unsigned_abs());
        if asks {
            (self.asked, self.times) = (Some(now), self.times.saturating_add(1).min(AT_ONCE));
        }
        asks
    }

    /// Keeps those of a connection whose socket is gone: its last segments were still theirs.
    fn learn(&mut self, answer: [Owner; 2], goes_on: bool) {
        for (known, answer) in self.owners.iter_mut().zip(answer) {
            if !(goes_on && answer == Owner::Unknown && matches!(known, Owner::Held(_))) {
                *known = answer;
            }
        }
    }
}

impl<A: Ask> Owners<A> {
    /// Owners that `ask` is asked for.
    pub fn new(ask: A) -> Self {
        Owners { ask: Ok(ask), known: HashMap::new(), hidden: false }
    }

    /// The processes that a packet of TCP or UDP comes from and goes to.
    pub fn of(&mut self, packet: &Packet<'_>) -> Parties<'_> {
        let datagram = segment::datagram(packet).filter(|datagram| datagram.source.1 > 0 && datagram.destination.1 > 0);
        let Some(datagram) = datagram else { return Parties::default() };
        let protocol = if datagram.tcp.is_some() { Protocol::Tcp } else { Protocol::Udp };
        let opens =
            datagram.tcp.is_some_and(|(tcp, _)| tcp.flags.contains(Flags::SYN) && !tcp.flags.contains(Flags::ACK));
        let goes_on = datagram.tcp.is_some() && !opens;
        let (pair, own) = Pair::of(datagram.source, datagram.destination);
        if self.known.len() >= MOST && !self.known.contains_key(&(protocol, pair)) {
            self.known.clear();
        }
        let known = self.known.entry((protocol, pair)).or_default();
        let now = packet.frame.time.unwrap_or(0);
        if let Ok(ask) = &mut self.ask
            && known.is_to_be_asked(now, opens)
        {
            let (source, destination) = (datagram.source.into(), datagram.destination.into());
            match ask.ask(Question { protocol, source, destination, opens }) {
                Ok([source, destination]) => {
                    self.hidden |= source == Owner::Hidden || destination == Owner::Hidden;
                    known.learn(if own == 0 { [source, destination] } else { [destination, source] }, goes_on);
                }
                Err(error) => self.ask = Err(error),
            }
        }
        let [source, destination] = [own, 1 - own].map(|end| match &known.owners[end] {
            Owner::Elsewhere => None,
            Owner::Unknown | Owner::Hidden => Some(&[][..]),
            Owner::Held(processes) => Some(processes.as_slice()),
        });
        Parties { source, destination }
    }

    /// Whether there were sockets whose processes this user may not see.
    pub fn hidden(&self) -> bool {
        self.hidden
    }

    /// Why nobody could be asked any more.
    pub fn gone(&self) -> Option<&io::Error> {
        self.ask.as_ref().err()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::capture::{Dissector, Frame};
    use crate::kernel::process::Process;

    /// Gives its answers in their order and counts the questions.
    struct Script(Vec<[Owner; 2]>, Rc<Cell<usize>>);

    impl Ask for Script {
        fn ask(&mut self, _: Question) -> io::Result<[Owner; 2]> {
            self.1.update(|asked| asked + 1);
            if self.0.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(self.0.remove(0)) }
        }
    }

    /// Owners that get these answers, and how often was asked.
    fn script(answers: Vec<[Owner; 2]>) -> (Owners<Script>, Rc<Cell<usize>>) {
        let asked = Rc::default();
        (Owners::new(Script(answers, Rc::clone(&asked))), asked)
    }

    fn held(pid: u32) -> Owner {
        Owner::Held(vec![Process { pid, name: "it".into() }])
    }

    /// A segment from .1 to .2 or back.
    fn segment(back: bool, flags: u8) -> Vec<u8> {
        let (from, to) = if back { (2, 1) } else { (1, 2) };
        let ip = [0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 127, 0, 0, from, 127, 0, 0, to];
        let tcp = [0, from, 0, to, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0];
        [&[0; 12][..], &[8, 0], &ip, &tcp].concat()
    }

    /// The number of the process at either end; 0 for unknown.
    fn of(owners: &mut Owners<Script>, back: bool, flags: u8, time: i64) -> [Option<u32>; 2] {
        let bytes = segment(back, flags);
        let mut dissector = Dissector::new(false);
        let packet = dissector.read(Frame { time: Some(time), ..Frame::ethernet(&bytes) });
        let Parties { source, destination } = owners.of(&packet);
        [source, destination].map(|processes| processes.map(|list| list.first().map_or(0, |process| process.pid)))
    }

    const SYN: u8 = 2;
    const ACK: u8 = 16;

    #[test]
    fn a_conversation_is_asked_about_once_a_second_and_each_end_keeps_its_own() {
        let (mut owners, asked) = script(vec![[held(7), Owner::Elsewhere], [Owner::Elsewhere, held(8)]]);
        assert_eq!(of(&mut owners, false, SYN, 0), [Some(7), None]);
        assert_eq!(of(&mut owners, true, ACK, GOOD - 1), [None, Some(7)]);
        assert_eq!(asked.get(), 1);
        assert_eq!(of(&mut owners, true, ACK, GOOD), [None, Some(8)]);
        assert_eq!(asked.get(), 2);
    }

    #[test]
    fn a_connection_keeps_its_processes_when_its_socket_is_gone_and_the_next_one_does_not() {
        let gone = [Owner::Unknown, Owner::Elsewhere];
        let (mut owners, asked) = script(vec![[held(7), Owner::Elsewhere], gone.clone(), gone]);
        assert_eq!(of(&mut owners, false, SYN, 0), [Some(7), None]);
        assert_eq!(of(&mut owners, false, ACK, 2 * GOOD), [Some(7), None]);
        assert_eq!(of(&mut owners, false, SYN, 2 * GOOD), [Some(0), None]);
        assert_eq!(asked.get(), 3);
    }

    #[test]
    fn what_is_missing_is_asked_for_at_once_and_then_now_and_then() {
        let (mut owners, asked) = script(vec![[Owner::Unknown, Owner::Elsewhere]; 100]);
        for time in (0..50).chain([MISSING - 1]) {
            assert_eq!(of(&mut owners, false, ACK, time), [Some(0), None]);
        }
        assert_eq!(asked.get(), usize::from(AT_ONCE));
        of(&mut owners, false, ACK, MISSING + i64::from(AT_ONCE));
        assert_eq!(asked.get(), usize::from(AT_ONCE) + 1);
    }

    #[test]
    fn opening_again_and_again_is_not_asked_about_each_time() {
        let (mut owners, asked) = script(vec![[held(7), Owner::Elsewhere]; 1000]);
        for time in 0..1000 {
            of(&mut owners, false, SYN, time * GOOD / 1000);
        }
        assert!((AT_ONCE.into()..=usize::from(AT_ONCE) + 10).contains(&asked.get()), "{asked:?} in a second");
        // After a pause the next one is asked about at once, as the first was.
        let before = asked.get();
        of(&mut owners, false, SYN, 3 * GOOD);
        assert_eq!(asked.get(), before + 1);
    }

    #[test]
    fn a_helper_that_is_gone_is_not_asked_again() {
        let (mut owners, asked) = script(vec![[Owner::Hidden, held(1)]]);
        assert_eq!(of(&mut owners, false, ACK, 0), [Some(0), Some(1)]);
        assert!(owners.hidden() && owners.gone().is_none());
        for later in 1..4 {
            assert_eq!(of(&mut owners, false, ACK, 2 * later * GOOD), [Some(0), Some(1)]);
        }
        assert_eq!(asked.get(), 2);
        assert!(owners.gone().is_some());
    }
}
