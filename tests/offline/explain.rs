//! `netlab explain`, as a user runs it.

use crate::cli::netlab;
use crate::json_keys::assert_documented;

fn explain(words: &[&str]) -> (i32, String, String) {
    let output = netlab().arg("explain").args(words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn an_errno_is_explained_by_name_number_and_the_words_that_programs_print() {
    for words in [&["EADDRINUSE"][..], &["98"], &["address", "already", "in", "use"], &["Address already in use"]] {
        let (status, stdout, _) = explain(words);
        assert_eq!(status, 0, "{words:?}");
        for text in ["EADDRINUSE  errno 98: Address already in use", "TIME-WAIT", "SO_REUSEADDR", "given by  bind"] {
            assert!(stdout.contains(text), "{words:?}: {text:?} is missing:\n{stdout}");
        }
    }
}

#[test]
fn every_thing_of_the_articles_is_known() {
    for (thing, text) in [
        ("80", "http over tcp"),
        ("http", "port 80"),
        ("53/udp", "domain"),
        ("22", "port 22"),
        ("syn", "SYN  TCP control bit: synchronize"),
        ("time_wait", "TIME-WAIT  TCP state; TCP_TIME_WAIT in the kernel, number 6"),
        ("CLOSE-WAIT", "only the program can end it"),
        ("tcp_syncookies", "SYN queue overflows"),
        ("tcp_tw_reuse", "outgoing connections only"),
        ("net.ipv4.tcp_fin_timeout", "does not shorten TIME-WAIT"),
        ("tcp_max_tw_buckets", "TCPTimeWaitOverflow"),
        ("somaxconn", "accept queue"),
        ("tcp", "|          source port          |       destination port        |"),
        ("EXDEV", "errno 18"),
    ] {
        let (status, stdout, stderr) = explain(&[thing]);
        let flat = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(status, 0, "{thing}: {stderr}");
        assert!(flat.contains(&text), "{thing}: {text:?} is missing:\n{stdout}");
    }
}

#[test]
fn a_setting_that_linux_dropped_is_told_as_such() {
    let (status, stdout, _) = explain(&["tcp_tw_recycle"]);
    assert_eq!(status, 0);
    assert!(stdout.contains("this kernel has no such setting") && stdout.contains("Linux 4.12"), "{stdout}");
}

#[test]
fn a_setting_shows_the_value_of_this_kernel() {
    let value = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_fin_timeout").unwrap();
    let (_, stdout, _) = explain(&["tcp_fin_timeout"]);
    assert!(stdout.starts_with(&format!("net.ipv4.tcp_fin_timeout = {} ", value.trim())), "{stdout}");
}

#[test]
fn an_unknown_name_is_exit_1_with_the_nearest_names() {
    let (status, stdout, stderr) = explain(&["ECONREFUSED"]);
    assert_eq!((status, stdout.as_str()), (1, ""));
    assert!(stderr.contains("hint: did you mean ECONNREFUSED?"), "{stderr}");
    let (status, _, stderr) = explain(&["\x1b[31mxyzzy-plugh-0123456789"]);
    assert_eq!(status, 1);
    assert!(!stderr.contains('\x1b') && stderr.contains("can be explained"), "{stderr}");
    assert_eq!(explain(&[]).0, 2);
}

#[test]
fn every_json_key_is_documented() {
    for thing in ["ECONNREFUSED", "22", "53", "syn", "time-wait", "tcp", "tcp_tw_recycle", "somaxconn", "nothing"] {
        let (_, stdout, stderr) = explain(&[thing, "--json"]);
        let document: serde_json::Value =
            serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
        assert_documented("explain", &document);
    }
}
