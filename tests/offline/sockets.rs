//! `netlab sockets`, on sockets of this test: loopback, no privilege.

use std::net::{TcpListener, TcpStream, UdpSocket};

use serde_json::Value;

use crate::cli::netlab;
use crate::json_keys::assert_documented;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = netlab().arg("sockets").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn json(arguments: &[&str]) -> Value {
    let (_, out, _) = run(&[&["--json"], arguments].concat());
    serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}"))
}

#[test]
fn a_listener_and_its_connection_are_listed_with_addresses_queues_and_process() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let (status, out, _) = run(&["--tcp", "--port", &port, "--process"]);
    assert_eq!(status, Some(0));
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    let server = format!("127.0.0.1:{port}");
    let own = std::process::id().to_string();
    assert_eq!(&rows[1][..7], ["tcp", "LISTEN", "1", "of", "128", &server, "-"], "{out}");
    assert!(rows[1].contains(&&*own), "{out}");
    let from_client = client.local_addr().unwrap().to_string();
    assert!(rows.iter().any(|row| row.starts_with(&["tcp", "ESTABLISHED", "-", &from_client, &server])), "{out}");
    assert!(out.contains("TCP 3: 1 LISTEN, 2 ESTABLISHED\n"), "{out}");
}

#[test]
fn unread_bytes_are_shown_and_every_json_key_is_documented() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"12345", socket.local_addr().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let tcp_port = listener.local_addr().unwrap().port().to_string();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let udp = json(&["--udp", "--port", &port, "--process", "--info"]);
    assert_eq!(udp["sockets"][0]["state"], "UNCONNECTED");
    // The kernel counts the memory that a datagram takes, not its payload alone.
    assert!(udp["sockets"][0]["receive_queue_bytes"].as_u64().unwrap() >= 5, "{udp}");
    assert_eq!(udp["sockets"][0]["processes"][0]["pid"], std::process::id());
    let tcp = json(&["-6", "--port", &tcp_port, "--info"]);
    assert!(tcp["sockets"][1]["tcp_info"]["rtt_us"].is_u64(), "{tcp}");
    for document in [&udp, &tcp, &json(&["--count"])] {
        assert_documented("sockets", document);
    }
}

#[test]
fn what_waits_in_a_udp_socket_is_labelled_as_memory() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"12345", socket.local_addr().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let (_, out, _) = run(&["--udp", "--port", &port]);
    assert!(out.contains(" B memory "), "{out}");
}

#[test]
fn a_port_is_a_number_from_1_or_a_service() {
    let known = run(&["--port", "http", "--state", "syn-sent", "--udp"]);
    assert_eq!(known, (Some(1), "no socket matches\n".into(), String::new()));
    for word in ["0", "65536", "", "no-such-service", "-1"] {
        let (status, out, error) = run(&[&format!("--port={word}")]);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{word}");
        assert!(error.contains("expected a port from 1 to 65535, or the name of a service"), "{word}: {error}");
    }
}

#[test]
fn whether_somebody_listens_is_the_exit_status() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    assert_eq!(run(&["-lt", "--port", &port]).0, Some(0));
    assert_eq!(run(&["-lt", "-6", "--port", &port]).0, Some(1));
    assert_eq!(
        run(&["--udp", "--port", &port, "--state", "time-wait"]),
        (Some(1), "no socket matches\n".into(), String::new())
    );
}

#[test]
fn a_word_that_is_no_state_is_answered_with_those_that_are() {
    let (status, out, error) = run(&["--state", "open"]);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    for name in ["time-wait", "syn-received", "listening"] {
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn the_count_agrees_with_the_list() {
    let _held = TcpListener::bind("127.0.0.1:0").unwrap();
    let counted = json(&["--count", "--state", "listening", "--tcp"]);
    assert!(counted["counts"]["tcp"]["LISTEN"].as_u64().unwrap() >= 1, "{counted}");
    assert_eq!(counted["sockets"], Value::Array(Vec::new()));
}
