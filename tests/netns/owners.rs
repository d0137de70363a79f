//! `netlab capture --process`: the processes at both ends, live, from a process that holds nothing itself.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use netlab::bytes::hex;
use netlab::kernel::namespace::Host;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::capture::Capture;
use crate::json_keys;
use crate::topology::{INTERFACE, PATIENCE, Pair, host, pair, pair_with_ipv6};

crate::tests![
    either_end_of_a_connection_is_named_where_it_is,
    both_ends_are_named_on_loopback_also_of_datagrams,
    another_namespace_tells_its_own_processes,
    lines_and_layers_show_processes_too,
    only_the_helper_may_look_at_processes_and_it_goes_with_the_capture,
    link_local_connections_are_named,
    a_connection_that_is_over_before_anybody_asks_is_named,
    a_helper_that_is_stopped_costs_the_names_and_no_frame,
    a_helper_that_was_killed_costs_the_names_and_leaves_no_zombie,
    ctrl_z_does_not_stop_the_helper_alone,
];

/// A shell that talks with a server and stays connected until its input ends.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
}

impl Client {
    /// Connects from `host` over `tcp` or `udp` and says hello.
    fn start(host: &Host, protocol: &str, server: SocketAddr) -> Self {
        let script = format!("exec 3<>/dev/{protocol}/{}/{}; echo hello >&3; read -r", server.ip(), server.port());
        let mut command = Command::new("bash");
        command.args(["-c", &script]).stdin(Stdio::piped());
        let mut child = host.run(move || command.spawn().unwrap());
        let input = child.stdin.take();
        Client { child, input }
    }

    fn process(&self) -> Value {
        json!({"pid": self.child.id(), "name": "bash"})
    }

    /// Ends when its input does.
    fn end(mut self) {
        self.input.take();
        self.child.wait().unwrap();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // One that has ended by itself needs no more.
        let _ = self.child.kill();
    }
}

fn listen(host: &Host, address: Ipv4Addr) -> (TcpListener, SocketAddr) {
    let listener = host.run(move || TcpListener::bind((address, 0)).unwrap());
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Accepts a connection, hears hello and answers.
fn serve(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().unwrap();
    let mut hello = [0; 6];
    stream.read_exact(&mut hello).unwrap();
    assert_eq!(&hello, b"hello\n");
    stream.write_all(b"welcome").unwrap();
    stream
}

/// What a server in this process is called: its threads share a number, and the name is that of the first.
fn own() -> Value {
    let name = std::fs::read_to_string("/proc/self/comm").unwrap();
    json!({"pid": std::process::id(), "name": name.trim()})
}

/// Whether `process` is among those that hold a socket: a program that a test beside this one is just starting holds for a
/// moment what this process holds.
fn among(process: &Value, holders: &Value) -> bool {
    holders.as_array().is_some_and(|holders| holders.contains(process))
}

/// The packets with a segment of TCP up to the one that carries `payload`.
fn until(capture: &Capture, payload: &str) -> Vec<Value> {
    let hex = hex::Packed(payload.as_bytes()).to_string();
    let mut packets = Vec::new();
    loop {
        let packet = capture.json();
        let last = packet.to_string().contains(&hex);
        if packet["layers"][1]["layer"] == "ipv4" {
            packets.push(packet);
        }
        if last {
            return packets;
        }
    }
}

fn either_end_of_a_connection_is_named_where_it_is() {
    let pair = pair();
    let (listener, address) = listen(&pair.right, Pair::RIGHT);
    let arguments = [INTERFACE, "--json", "--process", "tcp"];
    let captures = [Capture::start(&pair.left, &arguments), Capture::start(&pair.right, &arguments)];
    let client = Client::start(&pair.left, "tcp", address);
    let (bash, own) = (client.process(), own());
    let _stream = serve(&listener);
    for (capture, out, process) in [(&captures[0], "out", bash), (&captures[1], "in", own)] {
        let packets = until(capture, "welcome");
        assert!(packets.len() >= 5, "{packets:?}");
        for packet in packets {
            let ends = ("source_processes", "destination_processes");
            let (here, there) = if packet["direction"] == "out" { ends } else { (ends.1, ends.0) };
            assert!(among(&process, &packet[here]) && packet[there].is_null(), "{out}: {packet}");
            json_keys::assert_documented("capture", &json!({ here: packet[here] }));
        }
    }
    for capture in captures {
        capture.interrupt();
        assert_eq!(capture.end().2, Some(0));
    }
}

fn both_ends_are_named_on_loopback_also_of_datagrams() {
    let host = host("alone", false);
    let capture = Capture::start(&host, &["any", "--json", "--process", "udp"]);
    let server = host.run(|| UdpSocket::bind("0.0.0.0:0").unwrap());
    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), server.local_addr().unwrap().port());
    let client = Client::start(&host, "udp", address);
    let (_, peer) = server.recv_from(&mut [0; 16]).unwrap();
    server.send_to(b"welcome", peer).unwrap();
    let [there, back] = [capture.json(), capture.json()];
    for (packet, source, destination) in [(&there, client.process(), own()), (&back, own(), client.process())] {
        let named =
            among(&source, &packet["source_processes"]) && among(&destination, &packet["destination_processes"]);
        assert!(named, "{packet}");
    }
    // A socket that is gone is nobody's, as far as anybody can still tell.
    client.end();
    server.send_to(b"too late", peer).unwrap();
    let late = capture.json();
    assert!(among(&own(), &late["source_processes"]), "{late}");
    capture.interrupt();
    assert_eq!(capture.end().2, Some(0));
}

fn another_namespace_tells_its_own_processes() {
    let pair = pair();
    let (listener, address) = listen(&pair.right, Pair::RIGHT);
    let somebody = Client::start(&pair.right, "udp", address);
    let number = somebody.child.id().to_string();
    let capture = Capture::start(&pair.left, &["lo", "--json", "--process", "--netns", &number, "tcp"]);
    let client = Client::start(&pair.right, "tcp", address);
    let bash = client.process();
    let _stream = serve(&listener);
    for packet in until(&capture, "welcome") {
        let [source, destination] = [&packet["source_processes"], &packet["destination_processes"]];
        let there = among(&bash, source) && among(&own(), destination);
        assert!(there || (among(&own(), source) && among(&bash, destination)), "{packet}");
    }
    capture.interrupt();
    assert_eq!(capture.end().2, Some(0));
}

fn lines_and_layers_show_processes_too() {
    for arguments in [&["lo", "--process", "-c", "1", "tcp"][..], &["lo", "--process", "-q", "-c", "1", "tcp"]] {
        let host = host("alone", false);
        let (listener, address) = listen(&host, Ipv4Addr::LOCALHOST);
        let capture = Capture::start(&host, arguments);
        let client = Client::start(&host, "tcp", address);
        let line = capture.next();
        let name = std::fs::read_to_string("/proc/self/comm").unwrap();
        let client_is = format!("  process {} bash → ", client.child.id());
        let (_, servers) = line.split_once(&client_is).unwrap_or_else(|| panic!("{line} {client_is}"));
        let server = format!("{} {}", std::process::id(), name.trim());
        assert!(servers.split(", ").any(|named| named == server), "{line} {server}");
        let _stream = serve(&listener);
        assert_eq!(capture.end().2, Some(0));
    }
}

/// The processes that a process has started and not yet seen the end of.
fn children(process: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap();
    text.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

fn only_the_helper_may_look_at_processes_and_it_goes_with_the_capture() {
    /// `CAP_DAC_READ_SEARCH` and `CAP_SYS_PTRACE`.
    const LOOKING: u64 = 1 << 2 | 1 << 19;
    let host = host("alone", false);
    let capture = Capture::start(&host, &["lo", "-q", "--process"]);
    let status = |process: u32| std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let rights = |status: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix("CapPrm:\t")).unwrap();
        u64::from_str_radix(line, 16).unwrap()
    };
    let own = status(capture.process());
    assert!(rights(&own) == 0 && own.contains("Seccomp:\t2"), "{own}");
    let helper = helper(&capture);
    let held = status(helper);
    assert_eq!(rights(&held) & !LOOKING, 0, "{held}");
    assert!(held.contains("Seccomp:\t2") && held.contains("NoNewPrivs:\t1"), "{held}");
    capture.interrupt();
    assert_eq!(capture.end().2, Some(0));
    wait_until("the helper is gone", || !std::path::Path::new(&format!("/proc/{helper}/ns/net")).exists());
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn helper(capture: &Capture) -> u32 {
    let [helper] = children(capture.process())[..] else { panic!("one helper") };
    helper
}

fn send(process: u32, signal: Signal) {
    kill(Pid::from_raw(process as i32), signal).unwrap();
}

/// The packets of a connection on loopback, up to "welcome".
fn connection(host: &Host, capture: &Capture) -> (Client, Vec<Value>) {
    let (listener, address) = listen(host, Ipv4Addr::LOCALHOST);
    let client = Client::start(host, "tcp", address);
    let _stream = serve(&listener);
    (client, until(capture, "welcome"))
}

fn link_local_connections_are_named() {
    let pair = pair_with_ipv6();
    let listening = |address: &str| {
        let index = nix::net::if_::if_nametoindex(INTERFACE).unwrap();
        SocketAddr::V6(SocketAddrV6::new(address.parse().unwrap(), 0, 0, index))
    };
    let listener = pair.right.run(move || TcpListener::bind(listening("fe80::fc:ff:fe00:2")).unwrap());
    let port = listener.local_addr().unwrap().port();
    let capture = Capture::start(&pair.left, &[INTERFACE, "--json", "--process", "tcp"]);
    let _client = pair.left.run(move || {
        let mut server = listening("fe80::fc:ff:fe00:2");
        server.set_port(port);
        TcpStream::connect(server).unwrap()
    });
    for _ in 0..3 {
        let packet = capture.json();
        let here = if packet["direction"] == "out" { "source_processes" } else { "destination_processes" };
        assert!(among(&own(), &packet[here]), "{packet}");
    }
}

fn a_connection_that_is_over_before_anybody_asks_is_named() {
    let host = host("alone", false);
    let capture = Capture::start(&host, &["lo", "--json", "--process", "tcp"]);
    let helper = helper(&capture);
    let pauses = || {
        let status = std::fs::read_to_string(format!("/proc/{helper}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    send(capture.process(), Signal::SIGSTOP);
    let (listener, address) = listen(&host, Ipv4Addr::LOCALHOST);
    let sleeps = || std::fs::read_to_string(format!("/proc/{helper}/stat")).unwrap().contains(") S ");
    wait_until("the helper waits", sleeps);
    let before = pauses();
    let client = Client::start(&host, "tcp", address);
    let bash = client.process();
    let stream = serve(&listener);
    wait_until("the helper saw it", || pauses() > before);
    drop(stream);
    client.end();
    send(capture.process(), Signal::SIGCONT);
    let first = capture.json();
    assert!(among(&bash, &first["source_processes"]) && among(&own(), &first["destination_processes"]), "{first}");
}

fn a_helper_that_is_stopped_costs_the_names_and_no_frame() {
    let host = host("alone", false);
    let capture = Capture::start(&host, &["lo", "--json", "--process", "tcp"]);
    let helper = helper(&capture);
    send(helper, Signal::SIGSTOP);
    let (_client, packets) = connection(&host, &capture);
    assert!(
        packets.iter().all(|packet| packet["source_processes"] == json!([]) || packet["source_processes"].is_null())
    );
    capture.interrupt();
    let (_, err, status) = capture.end();
    assert!(err.contains("the owners of sockets is gone: it did not answer"), "{err}");
    assert_eq!((err.matches("is gone").count(), status), (1, Some(0)));
    send(helper, Signal::SIGCONT);
    wait_until("the helper is gone", || !std::path::Path::new(&format!("/proc/{helper}/ns/net")).exists());
}

fn a_helper_that_was_killed_costs_the_names_and_leaves_no_zombie() {
    let host = host("alone", false);
    let capture = Capture::start(&host, &["lo", "--json", "--process", "tcp"]);
    send(helper(&capture), Signal::SIGKILL);
    let (_client, packets) = connection(&host, &capture);
    assert!(packets.len() >= 5, "{packets:?}");
    assert_eq!(children(capture.process()), [0; 0], "no zombie");
    capture.interrupt();
    let (_, err, status) = capture.end();
    assert!(err.contains("is gone: it ended") && status == Some(0), "{err}");
}

fn ctrl_z_does_not_stop_the_helper_alone() {
    let host = host("alone", false);
    let capture = Capture::start(&host, &["lo", "--json", "--process", "tcp"]);
    for signal in [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU] {
        send(helper(&capture), signal);
    }
    let (client, packets) = connection(&host, &capture);
    let bash = client.process();
    let named =
        |packet: &Value| among(&bash, &packet["source_processes"]) || among(&bash, &packet["destination_processes"]);
    assert!(packets.iter().all(named), "{packets:?}");
}
