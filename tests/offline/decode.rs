//! `netlab capture --decode`: readers on other ports than the usual.

use std::process::Output;

use crate::capture::Trace;
use crate::cli::netlab;
use crate::fragmented::Whole;
use crate::fragments::trace;

fn run(trace: &Trace, arguments: &[&str]) -> Output {
    netlab().args(["capture", "-r", trace.path()]).args(arguments).output().unwrap()
}

#[track_caller]
fn shown(trace: &Trace, arguments: &[&str]) -> String {
    let output = run(trace, arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A question about example.org.
const QUESTION: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01";

fn datagram(ports: [u16; 2]) -> Vec<u8> {
    Whole::udp(false, 1, ports, QUESTION).frames(65_528).remove(0)
}

/// A segment to port 80.
fn segment(data: &[u8]) -> Vec<u8> {
    Whole::tcp(false, 2, 1, data).frames(65_528).remove(0)
}

#[test]
fn a_chosen_reader_is_used_in_every_look() {
    let trace = trace(&[datagram([40_000, 5300])]);
    let looks: [(&[&str], &str); 8] = [
        (&[], "DNS       A example.org?"),
        (&["-q"], "DNS A example.org?"),
        (&["-v"], "example.org"),
        (&["--json"], "\"layer\":\"dns\""),
        (&["--fields", "dns.name"], "example.org"),
        (&["-q", "--where", "dns.type_name == A"], "example.org"),
        (&["--protocols"], "DNS"),
        (&["-q", "--where", "dns"], "example.org"),
    ];
    for (look, text) in looks {
        assert!(!shown(&trace, look).contains(text), "{look:?}");
        let chosen = [look, &["--decode", "5300=dns"]].concat();
        assert!(shown(&trace, &chosen).contains(text), "{look:?}: {}", shown(&trace, &chosen));
    }
}

#[test]
fn a_stream_is_followed_where_a_chosen_reader_says_what_it_is() {
    let trace = trace(&[segment(b"\0\0\0\x05\x05\0\0\0\0\x01hello")]);
    let follow = ["--follow", "--where", "nlf.stream == 1"];
    let nobody = run(&trace, &follow);
    assert_eq!((nobody.status.code(), nobody.stdout.as_slice()), (Some(1), &b""[..]));
    assert!(shown(&trace, &[&follow[..], &["--decode", "80=nlf"]].concat()).contains("hello"));
}

#[test]
fn a_datagram_put_together_of_fragments_is_read_by_the_chosen_reader_too() {
    let trace = trace(&Whole::udp(false, 1, [40_000, 5300], QUESTION).frames(16));
    assert!(!shown(&trace, &["-q"]).contains("example.org"));
    assert!(shown(&trace, &["-q", "--decode", "udp/5300=dns"]).contains("A example.org?"));
}

#[test]
fn a_choice_is_about_the_transports_that_the_protocol_has_or_about_one() {
    let trace = trace(&[datagram([40_000, 80]), segment(&[b"\0\x1d", QUESTION].concat())]);
    let read = |choice| shown(&trace, &["-q", "--decode", choice]).lines().map(|line| line.contains("DNS")).collect();
    let expected: [(&str, Vec<bool>); 4] = [
        ("80=dns", vec![true, true]),
        ("udp/80=dns", vec![true, false]),
        ("tcp/80=dns", vec![false, true]),
        ("80=http", vec![false, false]),
    ];
    for (choice, expected) in expected {
        let read: Vec<bool> = read(choice);
        assert_eq!(read, expected, "{choice}");
    }
}

#[test]
fn what_was_chosen_comes_before_the_usual_and_the_last_choice_holds() {
    let between = trace(&[datagram([5300, 53])]);
    assert!(shown(&between, &["-q"]).contains("DNS"));
    assert!(shown(&between, &["-q", "--decode", "5300=mdns"]).contains("mDNS"));
    let chosen = ["-q", "--decode", "5300=ntp", "--decode", "5300=mdns"];
    assert!(shown(&between, &chosen).contains("mDNS"));
}

#[test]
fn none_turns_a_reader_off_on_that_port_alone() {
    let request = b"GET / HTTP/1.1\r\n\r\n";
    let trace = trace(&[datagram([40_000, 53]), segment(request), segment(b"NLF\x01\0\0\0\0\x01\0\0\0\0\0")]);
    let named = |choices: &[&str]| {
        let choices: Vec<&str> = choices.iter().flat_map(|choice| ["--decode", choice]).chain(["-q"]).collect();
        let shown = shown(&trace, &choices);
        ["DNS", "HTTP", "NLF"].map(|name| shown.contains(&format!(" {name} ")))
    };
    assert_eq!(named(&[]), [true; 3]);
    assert_eq!(named(&["53=none"]), [false, true, true]);
    assert_eq!(named(&["80=none"]), [true, false, false]);
    assert_eq!(named(&["udp/80=none", "tcp/53=none"]), [true; 3]);
}

#[test]
fn frames_of_netlab_are_read_from_the_middle_of_a_stream_where_the_port_is_given() {
    let trace = trace(&[segment(b"\0\0\0\x05\x05\0\0\0\0\x01hello\0\0\0\0\x06\0\0\0\0\x01\0\0\0\x20")]);
    let fields = ["--fields", "nlf.stream,nlf.length", "--decode", "80=nlf"];
    assert_eq!(shown(&trace, &fields), "1,1\t5,0,32\n");
    assert!(shown(&trace, &["--decode", "80=nlf"]).contains("goes on in a later segment"));
}

#[test]
fn a_choice_that_cannot_be_says_what_can() {
    let trace = trace(&[datagram([1, 2])]);
    for (choice, said) in [
        ("8080", "a port and a protocol are needed"),
        ("8080=htp", "did you mean http?"),
        ("8080=gopher", "dns, mdns, llmnr, dhcp, ntp, tls, http, ssh, nlf are, and none is none"),
        ("70000=http", "`70000` is no port: 0 to 65535"),
        ("http=8080", "`http` is no port"),
        ("udp/8080=http", "http is read over tcp only"),
        ("tcp/67=dhcp", "dhcp is read over udp only"),
        ("sctp/80=http", "`sctp` is no transport"),
    ] {
        let output = run(&trace, &["--decode", choice]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{choice}");
        assert!(errors.contains(said), "{choice}: {errors}");
    }
}
