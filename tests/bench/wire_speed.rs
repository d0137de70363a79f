//! How fast a lab's wire is: one TCP stream through it, then small datagrams, on release builds.
//! Run: cargo run --release --example wire-speed
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use netlab::kernel::namespace;
use netlab::lab::program::Program;
use netlab::lab::stage::{Nobody, Stage};
use netlab::lab::topology::Neighbours;

const STREAM_BYTES: usize = 400 << 20;
const DATAGRAMS: usize = 300_000;
const STEPS: usize = 2_000;

fn main() {
    namespace::enter_private().unwrap();
    let mut nobody = Nobody;
    let mut stage = Stage::new(&mut nobody).unwrap();
    let [client, server] = stage.pair(Neighbours::Known).unwrap();
    stage.watch_states = false;
    stage.keep_frames = 0;
    let (sender, receiver) = (stage.program(client), stage.program(server));
    let address = SocketAddr::new(stage.address(server), 5001);

    let listener = stage.call(&receiver, "listen()", move || Told(TcpListener::bind(address).unwrap())).unwrap().0;
    let reading = stage
        .begin(&receiver, "read", move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = vec![0; 1 << 18];
            let mut total = 0;
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                total += length;
            }
            Told(total)
        })
        .unwrap();
    let started = Instant::now();
    stage
        .begin(&sender, "write", move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let chunk = vec![7; 1 << 18];
            for _ in 0..STREAM_BYTES / chunk.len() {
                stream.write_all(&chunk).unwrap();
            }
            Told(())
        })
        .unwrap();
    stage.patience = Duration::from_secs(60);
    let received = stage.finish(reading).unwrap().0;
    let seconds = started.elapsed().as_secs_f64();
    println!("stream: {received} bytes, {:.2} Gbit/s", received as f64 * 8e-9 / seconds);

    let socket = stage.call(&receiver, "bind", move || Told(UdpSocket::bind(address).unwrap())).unwrap().0;
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let counting = stage
        .begin(&receiver, "count", move || {
            let mut buffer = [0; 100];
            let mut count = 0;
            while socket.recv(&mut buffer).is_ok() {
                count += 1;
            }
            Told(count)
        })
        .unwrap();
    let before = stage.frames();
    let started = Instant::now();
    let sending = stage
        .begin(&sender, "send", move || {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            for _ in 0..DATAGRAMS {
                socket.send_to(&[0; 18], address).unwrap();
            }
            Told(())
        })
        .unwrap();
    stage.finish(sending).unwrap();
    stage.settle(Duration::from_millis(50)).unwrap();
    let seconds = started.elapsed().as_secs_f64() - 0.05;
    let passed = stage.frames() - before;
    let received: usize = stage.finish(counting).unwrap().0;
    let refused = stage.counters(server).unwrap().get("UdpRcvbufErrors");
    println!(
        "datagrams: {DATAGRAMS} sent, {passed} passed the wire ({:.0}/s); {received} received, {refused} found the \
         receiver's buffer full",
        passed as f64 / seconds
    );
    println!("lost before the wire: {}", stage.observation.wire.missed);
    steps(&mut stage, &sender, address);
}

/// How long it takes to tell of a frame and to ask both kernels for their sockets.
fn steps(stage: &mut Stage<'_>, sender: &Program, address: SocketAddr) {
    stage.watch_states = true;
    stage.keep_frames = usize::MAX;
    let before = stage.observation.frames().count();
    let sending = stage.begin(sender, "send", move || {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        for _ in 0..STEPS {
            socket.send_to(&[0; 18], address).unwrap();
        }
        Told(())
    });
    let started = Instant::now();
    stage.finish(sending.unwrap()).unwrap();
    stage
        .until("every step", Duration::from_secs(60), |stage| stage.observation.frames().count() >= before + STEPS)
        .unwrap();
    println!("step: {:.0} us", started.elapsed().as_secs_f64() * 1e6 / STEPS as f64);
}

struct Told<T>(T);

impl<T> netlab::lab::program::Outcome for Told<T> {
    fn told(&self) -> String {
        String::new()
    }
}
