//! `netlab probe` without a network beyond loopback: usage, and an own socket.

use std::net::{TcpListener, UdpSocket};

use crate::cli::netlab;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = netlab().arg("probe").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_cannot_be_asked_is_an_error_that_says_why() {
    let cases: [(&[&str], &str); 18] = [
        (&["127.0.0.1", "-p", "0"], "port 0 is reserved"),
        (&["127.0.0.1", "-p", "70000"], "\"70000\" is no port"),
        (&["127.0.0.1", "-p", "9-1"], "the range 9-1 runs backwards"),
        (&["127.0.0.1", "-p", "no-such-service"], "no tcp service is called \"no-such-service\""),
        (&["10.0.0.0/8"], "10.0.0.0/8 holds more than 65536 addresses"),
        (&["10.0.0.0/40"], "a prefix length of 40 is too long"),
        (&["010.0.1.2"], "did you mean 10.0.1.2?"),
        (&["1"], "did you mean 0.0.0.1?"),
        (&["127.0.0.1", ""], "nothing is there"),
        (&["fe80::1", "-p", "1"], "say which one: fe80::1%NAME"),
        (&["fe80::1%nope", "-p", "1"], "find interface nope: no such device"),
        (&["fe80::/120", "-p", "1"], "may be on the link of any interface"),
        (&["a.invalid", "b.invalid", "-p", "1"], "netlab: a.invalid cannot be resolved"),
        (&["a.invalid", "b.invalid", "-p", "1"], "netlab: b.invalid cannot be resolved"),
        (&["-6", "127.0.0.1", "-p", "1"], "127.0.0.1 has no IPv6 address"),
        (&["no-such-host.invalid", "-p", "1"], "no-such-host.invalid cannot be resolved"),
        (&["127.0.0.1", "--rate", "0"], "invalid value"),
        (&["127.0.0.1", "--wait-closed"], "--udp"),
    ];
    for (arguments, expected) in cases {
        let (status, out, error) = run(arguments);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

#[test]
fn a_name_that_cannot_be_resolved_is_told_and_the_rest_is_probed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let (status, out, error) = run(&["no-such-host.invalid", "127.0.0.1", "-p", &port]);
    assert_eq!(status, Some(0), "{out}{error}");
    assert!(out.starts_with("127.0.0.1  tcp  1 open\n"), "{out}");
    assert!(error.starts_with("netlab: no-such-host.invalid cannot be resolved"), "{error}");
}

#[test]
fn an_open_port_is_found_and_a_name_is_shown_with_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let (status, out, _) = run(&["-4", "localhost", "-p", &port]);
    assert_eq!(status, Some(0), "{out}");
    assert!(out.starts_with("127.0.0.1  localhost  tcp  1 open\n"), "{out}");
    assert!(out.contains(&format!("{port}/tcp  open")), "{out}");
}

#[test]
fn a_silent_udp_socket_is_open_or_filtered_and_that_is_no_yes() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let (status, out, _) = run(&["--udp", "127.0.0.1", "-p", &port, "--timeout", "20"]);
    assert_eq!(status, Some(1), "{out}");
    assert!(out.contains("open|filtered") && out.contains("silence, 3 tries"), "{out}");
}
