//! Frames from an interface as they pass, until told to stop, and then the rest of those that were already taken.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::accounting::Counted;
use super::batch::Batch;
use super::frame::Frame;
use super::interfaces::{Losses, Names};
use super::restored::put_together;
use crate::kernel::OsError;
use crate::kernel::netlink::{Link, LinkFlags, Netlink};
use crate::kernel::signal::Interrupts;
use crate::link::LinkType;
use crate::link::frame_source::{FrameSource, Statistics, Wake};
use crate::link::packet_socket::{Instruction, Kind, Named, once_on_loopback, only_outgoing};
use crate::link::received::Way;
use crate::link::ring::{self, Ring};

/// The name that stands for all interfaces together.
pub const ALL: &str = "any";
/// Times that the kernel's last block is waited for, each [`ring::RETIRE`] long; it comes with the first.
const DRAIN_ROUNDS: u32 = 100;

/// How a live capture is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The ring's memory in MiB (from 2).
    pub ring_mebibytes: u32,
    /// Whether frames to other machines are asked for too.
    pub promiscuous: bool,
    /// Which way frames go that are taken.
    pub direction: Direction,
    /// Time after which frames are handed on at the latest, from 1 ms.
    pub patience: Duration,
    /// What each frame is asked; its answer is how many bytes are taken.
    pub filter: Vec<Instruction>,
}

/// Which way frames go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Those that this machine does not send. The kernel makes no copy of the others.
    In,
    /// Those that this machine sends.
    Out,
    /// All; what loopback sends is taken once, as received.
    Both,
}

/// Why a live capture came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was told to stop.
    Stopped,
    /// The interface went down or away: the kernel's word for it.
    Gone(OsError),
}

/// A live capture.
#[derive(Debug)]
pub struct Live<'a, S> {
    name: String,
    source: S,
    interrupts: Option<&'a Interrupts>,
    deadline: Option<Instant>,
    link: LinkType,
    names: Names,
    losses: Option<Losses>,
    /// Where a frame is put together that does not lie whole in the ring.
    whole: Vec<u8>,
    given: u64,
    end: Option<End>,
    rounds: u32,
}

impl Live<'_, Ring> {
    /// Starts to capture on the interface called `name` in this thread's namespace, or on all of them for [`ALL`].
    /// Loopback shows every frame once: as received.
    ///
    /// # Errors
    /// The step that the kernel refused.
    pub fn open(name: &str, options: Options) -> Result<Self, OsError> {
        let mut netlink = Netlink::open()?;
        let found = match netlink.link(name) {
            Err(_) if name == ALL => None,
            found => Some(found?),
        };
        let link = found.as_ref().map_or(LinkType::LinuxSll2, |link| link_type(link.hardware));
        let kind = if link == LinkType::LinuxSll2 { Kind::WithoutLinkHeader } else { Kind::WithLinkHeader };
        let mut filter = options.filter;
        let loopback = |link: &&Link| link.flags.has(LinkFlags::LOOPBACK);
        match options.direction {
            Direction::Out => drop(filter.splice(0..0, only_outgoing())),
            Direction::Both if found.is_none() => {
                if let Some(loopback) = netlink.links()?.iter().find(loopback) {
                    filter.splice(0..0, once_on_loopback(loopback.index));
                }
            }
            Direction::Both | Direction::In => {}
        }
        let ignore_outgoing = match options.direction {
            Direction::In => true,
            Direction::Out => false,
            Direction::Both => found.as_ref().is_some_and(|link| loopback(&link)),
        };
        let ring = ring::Options {
            mebibytes: options.ring_mebibytes,
            promiscuous: options.promiscuous,
            ignore_outgoing,
            retire: options.patience,
            filter,
        };
        let index = found.as_ref().map_or(0, |link| link.index);
        let source = Ring::open(&Named { name: name.to_owned(), index }, kind, &ring)?;
        let names = match &found {
            Some(link) => Names::One(link.name.clone()),
            None => Names::many(Netlink::open()?),
        };
        let losses = Losses::from_now_on(netlink, index);
        Ok(Live { losses: Some(losses), ..Live::new(name, source, link, names) })
    }
}

/// What frames of the interface called `name` begin with ([`ALL`]: of all of them), and the mask of its first IPv4
/// network: what a filter must know before it is made.
///
/// # Errors
/// There is no such interface, or the kernel does not tell.
pub fn describe(name: &str) -> Result<(LinkType, Option<Ipv4Addr>), OsError> {
    let mut netlink = Netlink::open()?;
    let link = match netlink.link(name) {
        Err(_) if name == ALL => return Ok((LinkType::LinuxSll2, None)),
        link => link?,
    };
    let addresses = netlink.addresses()?;
    let first = addresses.iter().find(|address| address.interface == link.index && address.address.is_ipv4());
    let bits = |prefix: u8| u32::MAX.checked_shl(32u32.saturating_sub(prefix.into())).unwrap_or(0);
    Ok((link_type(link.hardware), first.map(|address| Ipv4Addr::from_bits(bits(address.prefix)))))
}

/// What frames of an interface with this hardware type (`ARPHRD_…`) begin with.
fn link_type(hardware: u16) -> LinkType {
    match hardware {
        // Ethernet, and the loopback that plays Ethernet.
        1 | 772 => LinkType::Ethernet,
        // Interfaces without a link header: raw IP, tunnels, SIT, none (tun, WireGuard).
        519 | 768 | 769 | 776 | 65534 => LinkType::RawIp,
        _ => LinkType::LinuxSll2,
    }
}

impl<'a, S: FrameSource> Live<'a, S> {
    fn new(name: &str, source: S, link: LinkType, names: Names) -> Self {
        Live {
            name: name.to_owned(),
            source,
            interrupts: None,
            deadline: None,
            link,
            names,
            losses: None,
            whole: Vec::new(),
            given: 0,
            end: None,
            rounds: 0,
        }
    }

    /// Makes it end when a signal comes, or at `deadline`.
    pub fn stop_at(&mut self, interrupts: &'a Interrupts, deadline: Option<Instant>) {
        (self.interrupts, self.deadline) = (Some(interrupts), deadline);
    }

    /// The name under which it was opened.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What every frame begins with.
    pub fn link(&self) -> LinkType {
        self.link
    }

    /// Why it ended; none while it goes on, or when it was [finished](Live::finish) before.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Frames that the kernel has dropped so far.
    ///
    /// # Errors
    /// The kernel's refusal to tell.
    pub fn dropped(&mut self) -> Result<u64, OsError> {
        Ok(self.source.statistics()?.dropped)
    }

    /// Frames that the interface has lost so far, before anybody saw them; 0 where nobody knows.
    pub fn missed(&mut self) -> u64 {
        self.losses.as_mut().map_or(0, Losses::since)
    }

    /// Takes no more frames and tells what the kernel counted.
    ///
    /// # Errors
    /// The kernel's refusal to tell.
    pub fn finish(&mut self) -> Result<Counted, OsError> {
        self.source.refuse()?;
        let Statistics { seen, dropped } = self.source.statistics()?;
        let missed = self.missed();
        Ok(Counted { interface: self.name.clone(), seen, dropped, overrun: 0, missed })
    }

    fn stop(&mut self, end: End) -> Result<(), OsError> {
        self.end = Some(end);
        self.rounds = DRAIN_ROUNDS;
        self.source.refuse()
    }

    /// Waits for frames; false when none will come any more.
    ///
    /// # Errors
    /// The kernel's refusal to wait, to stop or to count.
    pub fn wait(&mut self) -> Result<bool, OsError> {
        if self.end.is_some() {
            let statistics = self.source.statistics()?;
            if self.given + statistics.dropped >= statistics.seen || self.rounds == 0 {
                return Ok(false);
            }
            self.rounds -= 1;
            self.source.wait(None, Some(ring::RETIRE))?;
            return Ok(true);
        }
        let limit = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match self.source.wait(self.interrupts.map(AsFd::as_fd), limit)? {
            Wake::Frames => {}
            Wake::Timeout if limit.is_some_and(|limit| limit.is_zero()) => self.stop(End::Stopped)?,
            Wake::Timeout => {}
            Wake::Gone(reason) => self.stop(End::Gone(reason))?,
            Wake::Stop => self.stop(End::Stopped)?,
        }
        Ok(true)
    }

    /// Looks for a signal and at the clock: under load frames never run out.
    fn look(&mut self) -> Result<(), OsError> {
        let over = || self.deadline.is_some_and(|deadline| deadline <= Instant::now());
        if self.end.is_none() && (self.interrupts.is_some_and(Interrupts::pending) || over()) {
            self.stop(End::Stopped)?;
        }
        Ok(())
    }
}

impl<S: FrameSource> Live<'_, S> {
    /// Puts the frames that are there into `batch` until it is full; false when there was none: then [`Live::wait`].
    ///
    /// # Errors
    /// The kernel's refusal to stop.
    pub fn fill(&mut self, batch: &mut Batch) -> Result<bool, OsError> {
        self.look()?;
        let Live { source, names, whole, given, link, .. } = self;
        Ok(source.each(|received| {
            *given += 1;
            let added = put_together(received, *link, whole);
            batch.push(&Frame {
                time: Some(received.time_ns),
                interface: names.get(received.sender.interface),
                way: Way::from_packet_type(received.sender.packet_type),
                link: *link,
                bytes: if added == 0 { received.bytes } else { whole },
                original_length: received.original_length.saturating_add(added),
                checksum_pending: received.checksum_pending,
                comment: "",
            });
            !batch.is_full()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::accounting::Accounting;
    use super::*;
    use crate::link::frame_source::{Event, Scripted, ScriptedFrame};
    use crate::link::received::Sender;
    use nix::errno::Errno;

    fn event(bytes: &[u8]) -> Event {
        Event::Frame(ScriptedFrame { time_ns: 5, bytes: bytes.to_vec(), tag: None, sender: Sender::SOMEBODY })
    }

    fn live(link: LinkType, events: Vec<Event>) -> Live<'static, Scripted> {
        Live::new("eth0", Scripted::new(events), link, Names::One("eth0".into()))
    }

    /// The bytes of every frame until the end.
    fn all(live: &mut Live<'_, Scripted>) -> Vec<Vec<u8>> {
        let mut batch = Batch::default();
        while live.fill(&mut batch).unwrap() || live.wait().unwrap() {}
        (0..batch.len()).map(|at| batch.get(at).unwrap().bytes.to_vec()).collect()
    }

    #[test]
    fn what_the_kernel_took_before_the_stop_is_shown_and_the_counts_add_up() {
        let script = vec![event(b"1"), Event::Drop(3), Event::Wake(Wake::Stop), event(b"2")];
        let mut live = live(LinkType::Ethernet, script);
        assert_eq!(all(&mut live), [b"1", b"2"]);
        assert_eq!(live.end(), Some(&End::Stopped));
        assert!(live.source.is_refusing());
        let counted = live.finish().unwrap();
        assert_eq!((counted.seen, counted.dropped), (5, 3));
    }

    #[test]
    fn frames_that_nobody_asked_for_any_more_are_counted_as_left() {
        let mut live = live(LinkType::Ethernet, vec![event(b"1"), event(b"2"), event(b"3")]);
        let mut batch = Batch::default();
        assert!(live.fill(&mut batch).unwrap());
        let accounting = Accounting::new(&[live.finish().unwrap()], 1);
        assert_eq!(accounting, Accounting { seen: 3, shown: 1, left: 2, ..Accounting::default() });
    }

    #[test]
    fn at_its_deadline_a_capture_ends_with_what_the_kernel_took_before() {
        let events = vec![event(b"1"), Event::Wake(Wake::Timeout), event(b"2")];
        let mut live = Live { deadline: Some(Instant::now()), ..live(LinkType::Ethernet, events) };
        assert_eq!(all(&mut live), [b"1", b"2"]);
        assert!(live.source.is_refusing());
        assert_eq!(live.end(), Some(&End::Stopped));
    }

    #[test]
    fn an_interface_that_goes_away_ends_the_capture_and_is_told() {
        let gone = OsError::new("capture on", "eth0", Errno::ENETDOWN);
        let mut live = live(LinkType::Ethernet, vec![Event::Wake(Wake::Gone(gone.clone())), event(b"last")]);
        assert_eq!(all(&mut live), [b"last"]);
        assert_eq!(live.end(), Some(&End::Gone(gone)));
    }
}
