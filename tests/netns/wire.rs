//! What a lab's wire does to frames: order, counts, and the same fates for the same seed.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use netlab::lab::fate::{Fate, Passing, Told, every, nth};
use netlab::lab::line::Conditions;
use netlab::lab::observation::What;
use netlab::lab::stage::{Nobody, Stage};
use netlab::lab::tcp::needed;
use netlab::lab::topology::Neighbours;

crate::tests![
    the_next_frame_overtakes_one_that_lets_it_pass,
    a_frame_that_nobody_overtakes_goes_on_alone,
    frames_leave_at_the_rate_and_the_full_queue_loses_the_rest,
    a_cut_wire_loses_what_one_side_sends_until_it_is_mended,
    the_same_seed_meets_the_same_frames,
    a_frame_that_goes_on_twice_takes_the_delay_twice,
    a_flood_waits_for_the_wire_and_every_frame_is_accounted_for,
    what_the_wire_did_is_counted_where_no_frame_is_kept,
];

/// Two hosts on a wire, with a UDP socket each.
struct Datagrams<'a> {
    stage: Stage<'a>,
    sockets: [UdpSocket; 2],
    addresses: [SocketAddr; 2],
    sent: u8,
}

const CLIENT: usize = 0;
const SERVER: usize = 1;

/// Bytes of headers in a frame: Ethernet, IPv4, UDP.
const HEADERS: usize = 42;

impl<'a> Datagrams<'a> {
    fn new(nobody: &'a mut Nobody) -> Self {
        let mut stage = Stage::new(nobody).unwrap();
        let hosts = stage.pair(Neighbours::Known).unwrap();
        let addresses = hosts.map(|host| SocketAddr::new(stage.address(host), 5000));
        let sockets = hosts.map(|host| {
            let address = addresses[host];
            let socket = stage.host(host).run(move || UdpSocket::bind(address)).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        });
        Datagrams { stage, sockets, addresses, sent: 0 }
    }

    /// Sends datagrams whose first byte counts them; each frame is `frame` bytes long.
    fn send(&mut self, from: usize, count: usize, frame: usize) {
        for _ in 0..count {
            self.sent += 1;
            let mut data = vec![0; frame - HEADERS];
            data[0] = self.sent;
            needed("send", self.sockets[from].send_to(&data, self.addresses[1 - from])).unwrap();
        }
    }

    /// What arrived at a host, in order, once the wire is quiet.
    fn received(&mut self, host: usize) -> Vec<u8> {
        self.stage.settle(Duration::from_millis(20)).unwrap();
        let mut buffer = [0; 2048];
        std::iter::from_fn(|| self.sockets[host].recv(&mut buffer).ok().map(|_| buffer[0])).collect()
    }
}

fn from_client(frame: &Passing<'_>) -> bool {
    frame.from == CLIENT
}

fn the_next_frame_overtakes_one_that_lets_it_pass() {
    let mut nobody = Nobody;
    let mut wire = Datagrams::new(&mut nobody);
    wire.stage.rule(nth(2, from_client, Fate::Swap(Duration::from_secs(60))));
    wire.send(CLIENT, 2, 100);
    // What goes the other way overtakes nothing.
    wire.send(SERVER, 1, 100);
    wire.stage.until("three frames", Duration::from_secs(10), |stage| stage.frames() == 3).unwrap();
    wire.send(CLIENT, 2, 100);
    assert_eq!(wire.received(SERVER), [1, 4, 2, 5]);
    assert_eq!(wire.received(CLIENT), [3]);
    assert_eq!(wire.stage.observation.wire.swapped, 1);
}

fn a_frame_that_nobody_overtakes_goes_on_alone() {
    let mut nobody = Nobody;
    let mut wire = Datagrams::new(&mut nobody);
    wire.stage.rule(every(from_client, Fate::Swap(Duration::from_millis(30))));
    wire.send(CLIENT, 1, 100);
    assert_eq!(wire.received(SERVER), [1]);
    assert_eq!(wire.stage.observation.wire.swapped, 1);
}

fn frames_leave_at_the_rate_and_the_full_queue_loses_the_rest() {
    const EACH: Duration = Duration::from_millis(100);
    let mut nobody = Nobody;
    let mut wire = Datagrams::new(&mut nobody);
    // 125 bytes are 1000 bits.
    wire.stage.conditions(CLIENT, Conditions { rate: Some(10_000), queue: 3, ..Conditions::default() });
    wire.send(CLIENT, 8, 125);
    wire.send(SERVER, 1, 125);
    let received = wire.received(SERVER);
    assert!(received.starts_with(&[1, 2, 3]) && received.is_sorted(), "{received:?}");
    let lost = wire.stage.observation.wire.overflowed as usize;
    assert!(lost >= 1 && received.len() + lost == 8, "{received:?} and {lost} lost");
    assert_eq!(wire.received(CLIENT), [9], "the other direction is not limited");
    let events = &wire.stage.observation.events;
    let first = events.iter().find(|event| matches!(event.what, What::Frame(_))).unwrap().at;
    let arrivals = events.iter().filter(
        |event| matches!(&event.what, What::Frame(frame) if frame.from == CLIENT && frame.fate == Told::Released),
    );
    for (turn, arrival) in (1..).zip(arrivals) {
        assert!(arrival.at >= first + EACH * turn, "number {turn} came at {:?}, the first at {first:?}", arrival.at);
    }
}

fn a_cut_wire_loses_what_one_side_sends_until_it_is_mended() {
    let mut nobody = Nobody;
    let mut wire = Datagrams::new(&mut nobody);
    wire.stage.cut(CLIENT);
    wire.send(CLIENT, 2, 100);
    wire.send(SERVER, 1, 100);
    assert_eq!((wire.received(SERVER), wire.received(CLIENT)), (vec![], vec![3]));
    wire.stage.mend(CLIENT);
    wire.send(CLIENT, 1, 100);
    assert_eq!(wire.received(SERVER), [4]);
    assert_eq!(wire.stage.observation.wire.cut, 2);
}

fn the_same_seed_meets_the_same_frames() {
    let run = |seed, answers| {
        let mut nobody = Nobody;
        let mut wire = Datagrams::new(&mut nobody);
        let mixed = Conditions { loss: 0.2, duplicate: 0.2, corrupt: 0.2, reorder: 0.2, seed, ..Conditions::default() };
        wire.stage.conditions(CLIENT, mixed);
        wire.stage.conditions(SERVER, mixed);
        for _ in 0..60 {
            wire.send(CLIENT, 1, 100);
            wire.send(SERVER, answers, 100);
        }
        wire.received(SERVER);
        let sent = wire.stage.observation.departures().filter(|(_, frame)| frame.from == CLIENT);
        sent.map(|(_, frame)| (frame.fate, frame.bytes.clone())).collect::<Vec<_>>()
    };
    let once = run(7, 0);
    let told = |fate| once.iter().any(|(told, _)| *told == fate);
    assert!([Told::Dropped, Told::Duplicated, Told::Corrupted, Told::Swapped, Told::Forwarded].into_iter().all(told));
    let fates = |run: &[(Told, Vec<u8>)]| run.iter().map(|(fate, _)| *fate).collect::<Vec<_>>();
    assert_eq!(fates(&once), fates(&run(7, 0)));
    assert_eq!(fates(&once), fates(&run(7, 2)), "whatever the other side sends");
    assert_ne!(fates(&once), fates(&run(8, 0)));
}

fn a_frame_that_goes_on_twice_takes_the_delay_twice() {
    let mut nobody = Nobody;
    let mut wire = Datagrams::new(&mut nobody);
    wire.stage.delay(Some(Duration::from_millis(20)));
    wire.stage.rule(nth(1, from_client, Fate::Duplicate));
    wire.send(CLIENT, 2, 100);
    assert_eq!(wire.received(SERVER), [1, 1, 2]);
    let told: Vec<(Told, usize)> = wire.stage.observation.frames().map(|frame| (frame.fate, frame.to.len())).collect();
    let arrives = (Told::Released, 1);
    assert_eq!(told, [(Told::Duplicated, 0), (Told::Delayed, 0), arrives, arrives, arrives]);
}

fn what_the_wire_did_is_counted_where_no_frame_is_kept() {
    let mut nobody = Nobody;
    let mut wire = Datagrams::new(&mut nobody);
    wire.stage.keep_frames = 0;
    wire.stage.watch_states = false;
    wire.send(CLIENT, 10, 100);
    assert_eq!(wire.received(SERVER).len(), 10);
    wire.stage.conditions(CLIENT, Conditions { loss: 1.0, ..Conditions::default() });
    wire.send(CLIENT, 10, 100);
    assert_eq!(wire.received(SERVER).len(), 0);
    let count = wire.stage.observation.wire;
    assert_eq!((count.frames, count.dropped, count.missed), (20, 10, 0));
    assert!(wire.stage.observation.events.is_empty());
}

fn a_flood_waits_for_the_wire_and_every_frame_is_accounted_for() {
    const FLOOD: u64 = 60_000;
    let mut nobody = Nobody;
    let mut wire = Datagrams::new(&mut nobody);
    wire.stage.keep_frames = 0;
    wire.stage.watch_states = false;
    // A rule has every frame looked at, which takes longer than sending one.
    wire.stage.rule(every(|_| false, Fate::Drop));
    let sender = wire.stage.program(CLIENT);
    let address = wire.addresses[SERVER];
    let flood = move || {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        (0..FLOOD).try_for_each(|_| socket.send_to(b"flood", address).map(drop))
    };
    wire.stage.patience = Duration::from_secs(60);
    wire.stage.call(&sender, "send()", flood).unwrap().unwrap();
    wire.stage.settle(Duration::from_millis(100)).unwrap();
    let count = wire.stage.observation.wire;
    assert_eq!(count.frames + count.missed, FLOOD, "{count:?}");
    // Without back-pressure most would be. How many are depends on how long the machine lets the wire wait.
    assert!(count.missed < FLOOD / 2, "{count:?}");
}
