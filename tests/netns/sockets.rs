//! The kernel's table of sockets, in namespaces where nobody else has any.

use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::time::Instant;

use netlab::bytes::Mac;
use netlab::kernel::namespace::Host;
use netlab::kernel::netlink::Netlink;
use netlab::kernel::sock_diag::{Family, Query, SockDiag};
use netlab::transport::services::Protocol;
use netlab::transport::sockets::{self, Queues, Socket, Status, Wanted};
use netlab::transport::states::State;
use serde_json::Value;

use crate::json_keys::assert_documented;
use crate::topology::{self, INTERFACE, PATIENCE, Pair};

crate::tests![
    a_listener_a_connection_time_wait_and_udp_are_told_apart,
    the_state_mask_and_the_port_are_applied,
    every_state_of_closing_is_seen_by_its_name,
    a_half_open_request_is_syn_received,
    a_socket_that_is_only_bound_is_listed,
    an_aborted_time_wait_entry_is_gone,
    the_table_of_an_empty_namespace_is_empty,
    time_wait_is_printed_with_its_remaining_time_and_its_budget,
];

/// Lists until `enough` says so; a state that the other end brings about may take a moment.
fn list_until(wanted: &Wanted, enough: impl Fn(&[Socket]) -> bool) -> Vec<Socket> {
    let start = Instant::now();
    loop {
        let sockets = sockets::list(wanted).unwrap().sockets;
        if enough(&sockets) {
            return sockets;
        }
        assert!(start.elapsed() < PATIENCE, "{sockets:#?}");
        std::thread::yield_now();
    }
}

fn has(state: State) -> impl Fn(&[Socket]) -> bool {
    move |sockets| sockets.iter().any(|socket| socket.state == Status::Tcp(state))
}

/// A listener and a connection to it: the listener, the client's end, the server's end.
fn connection() -> (TcpListener, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let server = listener.accept().unwrap().0;
    (listener, client, server)
}

fn on_host(work: impl FnOnce() + Send + 'static) {
    topology::host("lab", false).run(work);
}

fn a_listener_a_connection_time_wait_and_udp_are_told_apart() {
    on_host(|| {
        let (listener, client, server) = connection();
        let closed = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let port = closed.local_addr().unwrap().port();
        drop(closed);
        drop(accepted);
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sockets = list_until(&Wanted::default(), has(State::TimeWait));
        let find = |state| sockets.iter().filter(move |socket| socket.state == state).collect::<Vec<_>>();
        let listening = find(Status::Tcp(State::Listen));
        assert_eq!(listening[0].local_port, listener.local_addr().unwrap().port());
        assert_eq!(listening[0].queues, Queues::Accept { accept_queue: 0, accept_queue_limit: 128 });
        let connected: Vec<_> = find(Status::Tcp(State::Established)).iter().map(|socket| socket.local_port).collect();
        assert_eq!(connected.len(), 2);
        for end in [&client, &server] {
            assert!(connected.contains(&end.local_addr().unwrap().port()));
        }
        // The client closed first: the entry is at its port.
        let waiting = find(Status::Tcp(State::TimeWait));
        assert_eq!((waiting.len(), waiting[0].local_port, waiting[0].uid), (1, port, None));
        let timer = waiting[0].timer.unwrap();
        assert_eq!(timer.kind, "time-wait");
        assert!((1..=60_000).contains(&timer.remaining_ms), "{timer:?}");
        assert_eq!(find(Status::Unconnected)[0].local_port, udp.local_addr().unwrap().port());
        assert_eq!(sockets.len(), 5);
    });
}

fn the_state_mask_and_the_port_are_applied() {
    on_host(|| {
        let (listener, client, _server) = connection();
        let count = |states: &[State], port| {
            let wanted = Wanted { states: states.to_vec(), port, ..Wanted::default() };
            let counted = sockets::count(&wanted).unwrap().counts;
            assert_eq!(counted, sockets::list(&wanted).unwrap().counts);
            counted.total()
        };
        assert_eq!(count(&[], None), 3);
        assert_eq!(count(&[State::Listen], None), 1);
        assert_eq!(count(&[State::TimeWait], None), 0);
        // Both ends know the client's port, one of them as the peer's.
        assert_eq!(count(&[], Some(client.local_addr().unwrap().port())), 2);
        assert_eq!(count(&[], Some(listener.local_addr().unwrap().port())), 3);
        assert_eq!(count(&[], Some(9)), 0);
        let both = Wanted { protocols: vec![Protocol::Tcp], families: vec![Family::Ipv6], ..Wanted::default() };
        assert_eq!(sockets::count(&both).unwrap().counts.total(), 0);
    });
}

fn every_state_of_closing_is_seen_by_its_name() {
    on_host(|| {
        let (_listener, client, server) = connection();
        let wanted = Wanted::default();
        client.shutdown(Shutdown::Write).unwrap();
        // The peer may delay the acknowledgement that ends FIN-WAIT-1.
        list_until(&wanted, |sockets| has(State::CloseWait)(sockets) && has(State::FinWait2)(sockets));
        drop(client);
        // Nobody holds the socket any more: now a timer runs, and its time is tcp_fin_timeout's.
        let orphan = |sockets: &[Socket]| {
            sockets.iter().any(|s| s.state == Status::Tcp(State::FinWait2) && s.inode.is_none() && s.timer.is_some())
        };
        list_until(&wanted, orphan);
        drop(server);
        list_until(&wanted, has(State::TimeWait));
    });
}

fn a_half_open_request_is_syn_received() {
    let pair = topology::pair();
    let listener = pair.right.run(|| TcpListener::bind((Pair::RIGHT, 0)).unwrap());
    // The answer to the SYN finds no way back.
    pair.right.run(|| {
        let mut netlink = Netlink::open().unwrap();
        let nobody = Mac([2, 0, 0, 0, 0, 9]);
        netlink.add_neighbour(INTERFACE, Pair::LEFT.into(), nobody).unwrap();
    });
    let target = listener.local_addr().unwrap();
    let client = pair.left.run(move || {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        assert_eq!(socket.connect(&target.into()).unwrap_err().raw_os_error(), Some(libc::EINPROGRESS));
        let sockets = list_until(&Wanted::default(), has(State::SynSent));
        assert_eq!(sockets[0].timer.unwrap().kind, "retransmit");
        socket
    });
    pair.right.run(|| {
        let wanted = Wanted { states: vec![State::SynReceived], ..Wanted::default() };
        let sockets = list_until(&wanted, has(State::SynReceived));
        assert_eq!((sockets.len(), sockets[0].remote_address), (1, Pair::LEFT.into()));
    });
    drop(client);
}

fn a_socket_that_is_only_bound_is_listed() {
    on_host(|| {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
        let sockets = sockets::list(&Wanted { states: vec![State::Bound], ..Wanted::default() }).unwrap().sockets;
        let bound = socket.local_addr().unwrap().as_socket().unwrap();
        assert_eq!((sockets.len(), sockets[0].local_port), (1, bound.port()));
        assert_eq!(sockets[0].state, Status::Tcp(State::Bound));
    });
}

fn an_aborted_time_wait_entry_is_gone() {
    on_host(|| {
        let (_listener, client, server) = connection();
        drop(client);
        drop(server);
        let wanted = Wanted { states: vec![State::TimeWait], ..Wanted::default() };
        list_until(&wanted, has(State::TimeWait));
        let mut diag = SockDiag::open().unwrap();
        let query = Query { states: State::TimeWait.mask(), ..Query::all(6, Family::Ipv4) };
        let entries = diag.list(&query).unwrap().value;
        diag.destroy(&entries[0]).unwrap();
        assert_eq!(sockets::count(&wanted).unwrap().counts.total(), 0);
        let error = diag.destroy(&entries[0]).unwrap_err();
        assert_eq!(error.errno, nix::errno::Errno::ENOENT, "{error}");
    });
}

fn the_table_of_an_empty_namespace_is_empty() {
    let output = topology::host("lab", false).run(|| crate::netlab().arg("sockets").output().unwrap());
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), b"no socket matches\n".as_slice()));
}

fn netlab_sockets(host: &Host, arguments: &'static [&'static str]) -> String {
    let output = host.run(move || crate::netlab().arg("sockets").args(arguments).output().unwrap());
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

fn time_wait_is_printed_with_its_remaining_time_and_its_budget() {
    let host = topology::host("lab", false);
    host.run(|| {
        let (listener, client, server) = connection();
        let again = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        drop(client);
        drop(server);
        let accepted = listener.accept().unwrap();
        drop(again);
        drop(accepted);
        list_until(&Wanted::default(), |s| s.iter().filter(|s| s.state == Status::Tcp(State::TimeWait)).count() == 2);
    });
    let out = netlab_sockets(&host, &["--state", "time-wait", "--process"]);
    let row = out.lines().find(|line| line.starts_with("tcp")).unwrap();
    assert!(row.contains("  time-wait ") && row.contains(" s  none"), "{out}");
    assert!(out.contains("TIME-WAIT 2 of at most "), "{out}");
    assert!(out.contains("  2 of 28232 local ports (0 %) from 127.0.0.1 to 127.0.0.1:"), "{out}");
    let document: Value = serde_json::from_str(&netlab_sockets(&host, &["--json", "--process"])).unwrap();
    assert_documented("sockets", &document);
    assert_eq!(document["time_wait"]["busiest"]["ports"], 2);
}
