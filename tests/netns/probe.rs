//! `netlab probe`, on networks made for it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Output, Stdio};
use std::thread;
use std::time::Duration;

use netlab::kernel::namespace::Host;
use netlab::kernel::netlink::{Netlink, RouteKind};
use netlab::kernel::sysctl;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::json_keys::assert_documented;
use crate::topology::{self, PATIENCE, Pair, Routed};

crate::tests![
    an_open_and_a_closed_port_are_told_apart_with_reason_and_time,
    every_port_of_a_host_is_asked_and_the_open_ones_are_found,
    a_server_that_hangs_up_with_a_reset_at_once_is_open,
    silence_is_filtered_after_the_stated_number_of_tries,
    a_refusing_router_is_named_with_its_icmp_code,
    an_address_that_nobody_answers_for_is_said_so,
    a_gateway_that_nobody_answers_for_is_named,
    a_route_that_refuses_here_is_said_to_be_here,
    udp_services_answer_their_own_question_and_closed_ports_their_icmp_error,
    a_service_that_answers_from_another_port_is_open,
    a_limit_on_icmp_errors_is_seen_and_said,
    ipv6_ports_are_open_closed_and_refused_with_their_codes,
    a_banner_is_shown_without_its_control_bytes,
    a_port_that_connects_to_itself_is_not_open,
    an_own_udp_socket_is_not_taken_for_a_service,
    a_machine_that_runs_out_of_files_still_answers_right,
    ctrl_c_ends_with_what_is_known,
    a_prefix_is_asked_host_by_host_and_the_absent_share_a_line,
    every_json_key_is_documented_and_reasons_are_data,
];

fn start(host: &Host, arguments: &[&str]) -> Output {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    host.run(move || crate::netlab().arg("probe").args(arguments).output().unwrap())
}

/// Runs `netlab probe` on a host and returns its exit status and what it printed.
fn probe(host: &Host, arguments: &[&str]) -> (Option<i32>, String) {
    let output = start(host, arguments);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// The same as JSON: the first host, and the summary.
fn json(host: &Host, arguments: &[&str]) -> (Value, Value) {
    let (_, out) = probe(host, &[&["--json"], arguments].concat());
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (lines[0].clone(), lines.last().unwrap()["summary"].clone())
}

/// The words of the row that begins with `start`.
fn row<'a>(out: &'a str, start: &str) -> Vec<&'a str> {
    let line = out.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start}: {out}"));
    line.split_whitespace().collect()
}

fn listen(host: &Host, address: &str) -> TcpListener {
    let address = address.to_owned();
    host.run(move || TcpListener::bind(address).unwrap())
}

fn bind(host: &Host, address: &str) -> UdpSocket {
    let address = address.to_owned();
    host.run(move || UdpSocket::bind(address).unwrap())
}

/// Lets `socket` answer every datagram with `reply`, sent from `from`.
fn answer(socket: UdpSocket, from: UdpSocket, reply: &'static [u8]) {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((_, peer)) = socket.recv_from(&mut buffer) {
            from.send_to(reply, peer).unwrap();
        }
    });
}

/// Makes everything that `host` would send to `address` vanish.
fn mute(host: &Host, address: Ipv4Addr) {
    host.run(move || Netlink::open().unwrap().add_refusing_route(address.into(), 32, RouteKind::Blackhole).unwrap());
}

fn an_open_and_a_closed_port_are_told_apart_with_reason_and_time() {
    let pair = topology::pair();
    let _server = listen(&pair.right, "192.0.2.2:80");
    let (status, out) = probe(&pair.left, &["192.0.2.2", "-p", "http,81"]);
    assert_eq!(status, Some(0));
    assert_eq!(row(&out, "192.0.2.2"), ["192.0.2.2", "tcp", "1", "open,", "1", "closed"]);
    let open = row(&out, "80/tcp");
    assert_eq!((&open[1..3], open.last()), (&["open", "http"][..], Some(&"syn-ack")));
    assert!(["µs", "ms", "s"].contains(&open[4]), "{out}");
    let closed = row(&out, "81/tcp");
    assert_eq!((closed[1], closed.last()), ("closed", Some(&"rst")));
    let (status, out) = probe(&pair.left, &["192.0.2.2", "-p", "81"]);
    assert_eq!((status, row(&out, "192.0.2.2")[2..].to_vec()), (Some(1), vec!["1", "closed"]));
}

fn every_port_of_a_host_is_asked_and_the_open_ones_are_found() {
    let pair = topology::pair();
    let ports = [1, 22, 80, 443, 1024, 9999, 30000, 32768, 45678, 65535];
    let _servers: Vec<_> = ports.iter().map(|port| listen(&pair.right, &format!("192.0.2.2:{port}"))).collect();
    let (host, summary) = json(&pair.left, &["192.0.2.2", "-p", "-"]);
    let open: Vec<u64> = host["ports"].as_array().unwrap().iter().map(|port| port["port"].as_u64().unwrap()).collect();
    assert_eq!(open, ports);
    assert!(host["ports"].as_array().unwrap().iter().all(|port| port["state"] == "open"), "{host}");
    assert_eq!(host["groups"][0]["count"], 65_535 - ports.len());
    assert_eq!((&host["groups"][0]["state"], &host["groups"][0]["reason"]), (&"closed".into(), &"rst".into()));
    assert_eq!((&summary["ports"], &summary["open"]), (&65_535.into(), &ports.len().into()));
}

fn a_server_that_hangs_up_with_a_reset_at_once_is_open() {
    let pair = topology::pair();
    for port in 1..=20 {
        let server = listen(&pair.right, &format!("192.0.2.2:{port}"));
        thread::spawn(move || {
            for client in server.incoming().flatten() {
                // The probe may have been faster and be gone.
                let _ = socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO));
            }
        });
    }
    for _ in 0..10 {
        let (host, _) = json(&pair.left, &["192.0.2.2", "-p", "1-20"]);
        for port in host["ports"].as_array().unwrap() {
            assert_eq!((&port["state"], &port["reason"]), (&"open".into(), &"syn-ack".into()), "{host}");
        }
        assert_eq!(host["ports"].as_array().unwrap().len(), 20, "{host}");
    }
}

fn silence_is_filtered_after_the_stated_number_of_tries() {
    let pair = topology::pair();
    let _server = listen(&pair.right, "192.0.2.2:80");
    mute(&pair.right, Pair::LEFT);
    for (retries, tries) in [(&["--retries", "0"][..], "1 try"), (&[], "3 tries")] {
        let (status, out) = probe(&pair.left, &[&["192.0.2.2", "-p", "80,81", "--timeout", "50"], retries].concat());
        assert_eq!(status, Some(1));
        for port in ["80/tcp", "81/tcp"] {
            assert_eq!(row(&out, port)[1], "filtered", "{out}");
        }
        assert_eq!(out.matches(&format!("silence, {tries}")).count(), 2, "{out}");
    }
    let (_, summary) = json(&pair.left, &["192.0.2.2", "-p", "1-100", "--timeout", "50"]);
    assert_eq!((&summary["probes"], &summary["tries"]), (&300.into(), &3.into()));
}

fn a_refusing_router_is_named_with_its_icmp_code() {
    let rows = [
        ("198.51.100.13", "ICMP 3/13 communication administratively prohibited, from 192.0.2.254"),
        ("198.51.100.14", "ICMP 3/1 host unreachable, from 192.0.2.254"),
        ("203.0.113.1", "ICMP 3/0 network unreachable, from 192.0.2.254"),
    ];
    for (target, why) in rows {
        // A router of its own for each: a kernel sends few of these errors in a second.
        let network = topology::routed();
        network.router.run(|| {
            let mut netlink = Netlink::open().unwrap();
            for (last, kind) in [(13, RouteKind::Prohibit), (14, RouteKind::Unreachable)] {
                netlink.add_refusing_route([198, 51, 100, last].into(), 32, kind).unwrap();
            }
        });
        for protocol in ["tcp", "udp"] {
            let udp: &[&str] = if protocol == "udp" { &["--udp"] } else { &[] };
            let (status, out) = probe(&network.left, &[&[target, "-p", "9"], udp].concat());
            assert_eq!((status, row(&out, "9/")[1]), (Some(1), "filtered"), "{out}");
            assert!(out.contains(why), "{target} {protocol}: {out}");
        }
    }
}

fn an_address_that_nobody_answers_for_is_said_so() {
    let pair = topology::pair();
    // The first run reads the kernel's cache, the second waits for the kernel's own verdict.
    for arguments in [&["192.0.2.9", "-p", "80"][..], &["192.0.2.10", "-p", "80", "--timeout", "9000"]] {
        for udp in [&[][..], &["--udp"]] {
            let (status, out) = probe(&pair.left, &[arguments, udp].concat());
            assert_eq!((status, row(&out, "80/")[1]), (Some(1), "filtered"), "{out}");
            let why = format!("nobody on the link answers ARP for {}", arguments[0]);
            assert!(out.contains(&why), "{arguments:?} {out}");
        }
    }
}

fn a_gateway_that_nobody_answers_for_is_named() {
    let pair = topology::pair();
    pair.left.run(|| {
        let (any, gateway) = (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 254).into());
        Netlink::open().unwrap().add_route(any, 0, Some(gateway), None).unwrap();
    });
    let (_, out) = probe(&pair.left, &["203.0.113.1", "-p", "80"]);
    assert!(out.contains("nobody on the link answers ARP for 192.0.2.254"), "{out}");
}

fn a_route_that_refuses_here_is_said_to_be_here() {
    let pair = topology::pair();
    for (last, kind) in [(1, RouteKind::Unreachable), (2, RouteKind::Prohibit), (3, RouteKind::Blackhole)] {
        let address = Ipv4Addr::new(203, 0, 113, last);
        pair.left.run(move || Netlink::open().unwrap().add_refusing_route(address.into(), 32, kind).unwrap());
    }
    let rows = [
        ("203.0.113.1", "not sent, a route here says unreachable: no route to host (EHOSTUNREACH)"),
        ("203.0.113.2", "(EACCES)"),
        ("203.0.113.3", "not sent, a route here is a black hole: invalid argument (EINVAL)"),
        ("203.0.113.4", "not sent, no route from here: network is unreachable (ENETUNREACH)"),
    ];
    for (target, why) in rows {
        for udp in [&[][..], &["--udp"]] {
            let (status, out) = probe(&pair.left, &[&[target, "-p", "80"], udp].concat());
            assert_eq!((status, row(&out, "80/")[1]), (Some(1), "filtered"), "{out}");
            assert!(out.contains(why), "{target} {out}");
        }
    }
}

fn udp_services_answer_their_own_question_and_closed_ports_their_icmp_error() {
    let pair = topology::pair();
    let ntp = bind(&pair.right, "192.0.2.2:123");
    ntp.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that answers a well-formed question alone.
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, peer)) = ntp.recv_from(&mut buffer) {
            if length == 48 && buffer[0] == 0x23 {
                ntp.send_to(b"\x24\x01\0\0INIT\0", peer).unwrap();
            }
        }
    });
    let _silent = bind(&pair.right, "192.0.2.2:514");
    let (status, out) = probe(&pair.left, &["--udp", "192.0.2.2", "-p", "ntp,syslog,7", "--banner"]);
    assert_eq!(status, Some(0));
    let open = row(&out, "123/udp");
    assert_eq!((open[1], open[2], open.last()), ("open", "ntp", Some(&"INIT")), "{out}");
    assert_eq!(row(&out, "514/udp")[1..], ["open|filtered", "syslog", "silence,", "3", "tries"]);
    assert!(row(&out, "7/udp").join(" ").ends_with("ICMP 3/3 port unreachable, from 192.0.2.2"), "{out}");
    assert_eq!(row(&out, "7/udp")[1], "closed");
}

fn a_service_that_answers_from_another_port_is_open() {
    let pair = topology::pair();
    let tftp = bind(&pair.right, "192.0.2.2:69");
    answer(tftp, bind(&pair.right, "192.0.2.2:30069"), b"\0\x05\0\x01File not found\0");
    let (status, out) = probe(&pair.left, &["--udp", "192.0.2.2", "-p", "tftp"]);
    assert_eq!((status, row(&out, "69/udp")[1]), (Some(0), "open"), "{out}");
}

/// Two hosts, of which the right one sends one ICMP error in `milliseconds`, after the first few, or all for 0.
fn limiting(milliseconds: u32) -> Pair {
    let pair = topology::pair();
    pair.right.run(move || {
        sysctl::write("net.ipv4.icmp_ratelimit", &milliseconds.to_string()).unwrap();
        if milliseconds == 0 {
            // Nor does it count for the limit of all hosts of this machine together that older kernels have.
            sysctl::write("net.ipv4.icmp_ratemask", "0").unwrap();
        }
    });
    pair
}

fn a_limit_on_icmp_errors_is_seen_and_said() {
    // However slow this machine is now, 6 errors come, which is a minute's worth, and hardly one more.
    let (host, _) = json(&limiting(10_000).left, &["--udp", "192.0.2.2", "-p", "1000-1099"]);
    let limit = &host["icmp_limit"];
    assert!(limit["answered"].as_u64().unwrap() * 2 < limit["rechecked"].as_u64().unwrap(), "{host}");
    let (status, out) = probe(&limiting(10_000).left, &["--udp", "192.0.2.2", "-p", "1000-1099"]);
    assert_eq!(status, Some(1));
    assert!(out.contains("closed likely") && out.contains("--wait-closed"), "{out}");
    let (host, _) = json(&limiting(0).left, &["--udp", "192.0.2.2", "-p", "1000-1099"]);
    assert_eq!((&host["icmp_limit"], &host["groups"][0]["count"]), (&Value::Null, &100.into()), "{host}");
    assert_eq!(host["groups"][0]["state"], "closed");
}

fn ipv6_ports_are_open_closed_and_refused_with_their_codes() {
    let pair = topology::pair_with_ipv6();
    let _server = listen(&pair.right, "[2001:db8::2]:80");
    let (status, out) = probe(&pair.left, &["2001:db8::2", "-p", "80,81"]);
    assert_eq!((status, row(&out, "80/tcp")[1], row(&out, "81/tcp")[1]), (Some(0), "open", "closed"), "{out}");
    let (_, out) = probe(&pair.left, &["2001:db8::2", "-p", "81", "--udp"]);
    assert!(out.contains("ICMPv6 1/4 port unreachable, from 2001:db8::2"), "{out}");
    assert_eq!(row(&out, "81/udp")[1], "closed");
    let (_, out) = probe(&pair.left, &["2001:db8::9", "-p", "80"]);
    assert!(out.contains("nobody on the link answers neighbour discovery for 2001:db8::9"), "{out}");
}

fn a_banner_is_shown_without_its_control_bytes() {
    let pair = topology::pair();
    let (greeting, web) = (listen(&pair.right, "192.0.2.2:22"), listen(&pair.right, "192.0.2.2:80"));
    let _silent = listen(&pair.right, "192.0.2.2:9100");
    thread::spawn(move || {
        for mut client in greeting.incoming().flatten() {
            // Whoever only probes is gone before it is greeted.
            let _ = client.write_all(b"SSH-2.0-\x1b[31mred\r\nmore");
        }
    });
    thread::spawn(move || {
        for mut client in web.incoming().flatten() {
            let mut question = [0; 64];
            let length = client.read(&mut question).unwrap_or_default();
            if question[..length].starts_with(b"HEAD / HTTP/1.0\r\n") {
                let _ = client.write_all(b"HTTP/1.0 200 OK\r\nServer: by hand\r\n\r\n");
            }
        }
    });
    let (status, out) = probe(&pair.left, &["192.0.2.2", "-p", "22,80,9100", "--banner"]);
    assert_eq!(status, Some(0));
    assert!(row(&out, "22/tcp").ends_with(&["SSH-2.0-\\x1b[31mred"]), "{out}");
    assert!(out.contains("HTTP/1.0 200 OK, Server: by hand"), "{out}");
    assert_eq!(row(&out, "9100/tcp").last(), Some(&"syn-ack"), "{out}");
}

fn a_port_that_connects_to_itself_is_not_open() {
    let host = topology::host("alone", true);
    host.run(|| sysctl::write("net.ipv4.ip_local_port_range", "40000 40007").unwrap());
    for target in ["127.0.0.1", "::1"] {
        for _ in 0..5 {
            let (_, summary) = json(&host, &[target, "-p", "40000-40007"]);
            assert_eq!((&summary["open"], &summary["ports"]), (&0.into(), &8.into()), "{target}");
        }
    }
}

fn an_own_udp_socket_is_not_taken_for_a_service() {
    let host = topology::host("alone", false);
    host.run(|| sysctl::write("net.ipv4.ip_local_port_range", "40000 40003").unwrap());
    let (host, _) = json(&host, &["127.0.0.1", "--udp", "-p", "40000-40003"]);
    let states: Vec<_> = host["ports"].as_array().unwrap().iter().map(|port| &port["state"]).collect();
    assert_eq!(states, ["closed"; 4], "{host}");
}

fn a_machine_that_runs_out_of_files_still_answers_right() {
    let pair = topology::pair();
    let _server = listen(&pair.right, "192.0.2.2:80");
    // 26 files may be open, and 14 are from the start: with the rest taken off, fewer sockets fit than are expected to.
    let program = crate::netlab().get_program().to_owned();
    let output = pair.left.run(move || {
        let script = "ulimit -n 26; for _ in {1..14}; do exec {file}</dev/null; done; exec \"$0\" \"$@\"";
        let mut command = std::process::Command::new("bash");
        command.args(["-c", script]).arg(program).args(["probe", "192.0.2.2", "-p", "1-2000"]);
        command.stdin(Stdio::null()).output().unwrap()
    });
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(row(&out, "192.0.2.2"), ["192.0.2.2", "tcp", "1", "open,", "1999", "closed"], "{out}");
}

fn ctrl_c_ends_with_what_is_known() {
    let pair = topology::pair();
    let server = listen(&pair.right, "192.0.2.2:80");
    let mut child = pair.left.run(|| {
        let mut command = crate::netlab();
        command.args(["probe", "192.0.2.2", "192.0.2.77", "-p", "80", "--timeout", "600000"]);
        command.stdout(Stdio::piped()).spawn().unwrap()
    });
    // The first question is answered when the listener has a connection.
    let mut ready = [PollFd::new(server.as_fd(), PollFlags::POLLIN)];
    let patience = PollTimeout::try_from(PATIENCE).unwrap();
    assert_eq!(poll(&mut ready, patience), Ok(1), "the probe did not start");
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{out}");
    assert_eq!(row(&out, "80/tcp")[1], "open", "{out}");
    assert!(out.contains("Ended early") && out.contains("1 port not settled"), "{out}");
}

fn a_prefix_is_asked_host_by_host_and_the_absent_share_a_line() {
    let network = topology::switched(&["192.0.2.1/24", "192.0.2.2/24", "192.0.2.5/24"]);
    let _server = listen(&network.hosts[2], "192.0.2.5:80");
    let (status, out) = probe(&network.hosts[0], &["192.0.2.0/29", "-p", "80"]);
    assert_eq!(status, Some(0));
    for (address, state) in [("192.0.2.1", "closed"), ("192.0.2.2", "closed"), ("192.0.2.5", "open")] {
        assert_eq!(row(&out, &format!("{address} "))[3], state, "{out}");
    }
    assert!(out.contains("3 hosts: nobody on the link answers for them: 192.0.2.3-192.0.2.4, 192.0.2.6\n"), "{out}");
}

fn every_json_key_is_documented_and_reasons_are_data() {
    let network = topology::routed();
    let _server = listen(&network.right, "198.51.100.1:80");
    let (host, summary) = json(&network.left, &["203.0.113.1", "-p", "80"]);
    let icmp = &host["ports"][0]["icmp"];
    assert_eq!((&icmp["type"], &icmp["code"], &icmp["from"]), (&3.into(), &0.into(), &"192.0.2.254".into()));
    assert_documented("probe", &host);
    assert_documented("probe", &summary);
    for arguments in [
        &["198.51.100.1", "-p", "80,81"][..],
        &["198.51.100.1", "-p", "1-100", "--all", "--banner"],
        &["198.51.100.1", "-p", "1000-1050", "--udp"],
        &["192.0.2.77", "-p", "80"],
        &["255.255.255.255", "-p", "80"],
        &["127.0.0.1", "-p", "1-100"],
    ] {
        let (host, summary) = json(&network.left, arguments);
        assert_documented("probe", &host);
        assert_documented("probe", &summary);
    }
    let (host, _) = json(&network.left, &["198.51.100.1", "-p", "80"]);
    assert!(host["ports"][0]["rtt_us"].as_u64().unwrap() > 0, "{host}");
    assert_eq!(Routed::RIGHT.to_string(), host["host"]);
}
