//! `netlab subnet`, as a user runs it.

use std::io::Write;
use std::process::Stdio;

use crate::cli::netlab;
use crate::json_keys::assert_documented;

/// Exit status, standard output and standard error of `netlab subnet` with these words, blanks between them.
fn subnet(words: &str) -> (i32, String, String) {
    subnet_with(words, b"")
}

fn subnet_with(words: &str, input: &[u8]) -> (i32, String, String) {
    let mut child = netlab()
        .arg("subnet")
        .args(words.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A command that asks for no input closes its end before all is written.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json(words: &str) -> serde_json::Value {
    let (_, stdout, stderr) = subnet(&format!("{words} --json"));
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{words}: {error}: {stdout}{stderr}"))
}

#[test]
fn the_worked_example_shows_both_ands_and_the_same_network() {
    let (status, stdout, _) = subnet("172.16.10.1 255.255.255.0 172.16.10.2");
    assert_eq!(status, 0);
    for line in [
        "  address   10101100.00010000.00001010.│00000001  172.16.10.1",
        "  address   10101100.00010000.00001010.│00000010  172.16.10.2",
        "172.16.10.2  same subnet: both ANDs give 172.16.10.0",
        "  network   172.16.10.0/24",
        "  broadcast 172.16.10.255",
        "  class     B, which meant a network part of 16 bits",
    ] {
        assert!(stdout.contains(line), "{line:?} is missing:\n{stdout}");
    }
    let and = "  AND       10101100.00010000.00001010.│00000000  172.16.10.0\n";
    assert_eq!(stdout.matches(and).count(), 2);
}

#[test]
fn an_address_outside_is_exit_1_with_the_bit_that_differs() {
    let (status, stdout, _) = subnet("172.16.10.1/24 172.16.10.9 172.16.11.2 ::1");
    assert_eq!(status, 1);
    assert!(stdout.contains("172.16.10.9  same subnet"));
    assert!(stdout.contains("172.16.11.2  not the same subnet: its AND gives 172.16.11.0, not 172.16.10.0"));
    assert!(stdout.contains("^ bit 24 differs"));
    assert!(stdout.contains("::1  not the same subnet: it is IPv6, the subnet is IPv4"));
}

#[test]
fn two_masks_that_disagree_are_seen_from_either_side() {
    let (status, stdout, _) = subnet("10.0.0.1/24 10.0.0.200/25");
    assert_eq!(status, 1);
    assert!(stdout.contains("10.0.0.200 is in 10.0.0.128/25 and sees 10.0.0.1 behind its gateway"), "{stdout}");
    assert_eq!(subnet("10.0.0.1/24 10.0.0.20/25").0, 0);
}

#[test]
fn a_slash_31_has_two_hosts_and_no_broadcast_anywhere_in_the_answer() {
    let answer = json("10.1.2.3/31");
    assert_eq!(answer["broadcast"], serde_json::Value::Null);
    assert_eq!((&answer["first_host"], &answer["last_host"]), (&"10.1.2.2".into(), &"10.1.2.3".into()));
    assert_eq!(answer["role"], "host");
    let (_, stdout, _) = subnet("10.1.2.3/31");
    assert!(
        stdout.contains("RFC 3021") && !stdout.contains("255.255.255.255\n") && !stdout.contains("is the broadcast")
    );
}

#[test]
fn a_slash_32_names_its_network_and_calls_the_host_a_host() {
    let answer = json("10.1.2.3/32");
    assert_eq!(answer["network"], "10.1.2.3");
    assert_eq!((&answer["hosts"], &answer["role"]), (&"1".into(), &"host".into()));
    assert!(subnet("10.1.2.3/32").1.contains("  network   10.1.2.3/32\n"));
}

#[test]
fn reverse_zones_are_zones_that_can_be_delegated() {
    let zones = |words| json(words)["reverse"]["zones"].clone();
    assert_eq!(zones("10.1.2.0/23"), serde_json::json!(["2.1.10.in-addr.arpa", "3.1.10.in-addr.arpa"]));
    assert_eq!(zones("100.64.0.0/10").as_array().unwrap().len(), 64);
}

#[test]
fn a_range_becomes_exactly_its_prefixes() {
    let (status, stdout, _) = subnet("--aggregate 10.0.0.0-10.0.1.77");
    assert_eq!((status, stdout.as_str()), (0, "10.0.0.0/24\n10.0.1.0/26\n10.0.1.64/29\n10.0.1.72/30\n10.0.1.76/31\n"));
}

#[test]
fn a_dotted_mask_behind_a_slash_is_a_mask() {
    assert_eq!(json("192.168.1.130/255.255.255.192")["prefix"], "192.168.1.128/26");
}

#[test]
fn shared_address_space_is_told_from_private_and_from_global() {
    let purpose = json("100.64.0.1/10")["purpose"].clone();
    assert_eq!(purpose["name"], "Shared Address Space");
    assert_eq!((&purpose["forwardable"], &purpose["globally_reachable"]), (&true.into(), &false.into()));
}

#[test]
fn excluding_from_several_networks_leaves_exactly_the_rest() {
    let (status, stdout, _) = subnet("--exclude 10.0.0.64/26,10.0.2.0/24 10.0.0.0/24 10.0.1.0/24 10.0.2.0/25");
    assert_eq!((status, stdout.as_str()), (0, "10.0.0.0/26\n10.0.0.128/25\n10.0.1.0/24\n"));
    assert_eq!(subnet("10.1.0.0/16 --exclude 10.0.0.0/8").0, 1);
}

#[test]
fn lists_come_from_standard_input_with_comments_and_a_bad_line_is_named() {
    let (status, stdout, _) = subnet_with("--aggregate -", b"# office\n10.0.0.0/25\n\n10.0.0.128/25 ; upper half\n");
    assert_eq!((status, stdout.as_str()), (0, "10.0.0.0/24\n"));
    let (status, stdout, stderr) = subnet_with("--aggregate", b"10.0.0.0/25\n10.0.0.300\n");
    assert_eq!((status, stdout.as_str()), (2, ""));
    assert!(stderr.contains("standard input, line 2: 10.0.0.300: octet 4 is 300"), "{stderr}");
}

#[test]
fn host_bits_in_a_list_are_told_and_cleared() {
    let (status, stdout, stderr) = subnet("--aggregate 10.0.0.5/24");
    assert_eq!((status, stdout.as_str()), (0, "10.0.0.0/24\n"));
    assert!(stderr.contains("10.0.0.5/24 has bits set behind its length and is taken as 10.0.0.0/24"));
}

#[test]
fn the_smallest_common_prefix_of_a_list() {
    assert_eq!(subnet("--supernet 192.168.0.1 192.168.3.7").1, "192.168.0.0/22\n");
    assert_eq!(subnet("--supernet 2001:db8::1 2001:db8:1::").1, "2001:db8::/47\n");
    assert_eq!(subnet("--supernet 0.0.0.0 255.0.0.0").1, "0.0.0.0/0\n");
    assert_eq!(subnet("--supernet 10.0.0.1 ::1").0, 2);
}

#[test]
fn a_huge_split_streams_and_its_count_is_exact() {
    assert_eq!(subnet("::/0 --split /128 --count").1, "340282366920938463463374607431768211456\n");
    let mut child = netlab().args(["subnet", "::/0", "--split", "/128"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut first).unwrap();
    assert!(first.starts_with("::/128 "), "{first}");
    assert_eq!(child.wait().unwrap().code(), Some(0), "the closed pipe ends it quietly");
}

#[test]
fn hosts_that_do_not_fit_are_a_no() {
    let (status, stdout, _) = subnet("192.168.1.0/24 --hosts 10,50,20");
    assert_eq!(status, 0);
    assert!(stdout.starts_with("192.168.1.0/26 "), "{stdout}");
    let (status, stdout, stderr) = subnet("192.168.1.0/24 --hosts 200,100");
    assert_eq!((status, stdout.as_str()), (1, ""));
    assert!(stderr.contains("the one for 100 hosts, a /25"), "{stderr}");
}

const LOG: &[u8] = b"10.1.2.3 GET /\nsrc=11.0.0.1:80 dst=10.9.0.1:443\nno address\n\xff\xfe\n11.0.0.1\n2001:db8::7\n";

#[test]
fn lines_are_matched_wherever_their_address_stands() {
    let (status, stdout, stderr) = subnet_with("--contains 10.0.0.0/8,2001:db8::/32", LOG);
    assert_eq!(status, 0);
    assert_eq!(stdout, "10.1.2.3 GET /\nsrc=11.0.0.1:80 dst=10.9.0.1:443\n2001:db8::7\n");
    assert!(stderr.contains("2 of 6 lines had no address"), "{stderr}");
    assert_eq!(subnet_with("--contains 10.0.0.0/8 --field 1 --count", LOG).1, "1\n");
    assert_eq!(subnet_with("--contains 10.0.0.0/8 --invert", LOG).1, "11.0.0.1\n2001:db8::7\n");
    assert_eq!(subnet_with("--contains 12.0.0.0/8", LOG).0, 1);
}

#[test]
fn the_longest_matching_prefix_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    std::fs::write(&list, "# two that nest\n10.0.0.0/8\n10.1.0.0/16 # inner\n").unwrap();
    let words = format!("--contains {} --which", list.display());
    assert_eq!(subnet_with(&words, b"10.1.2.3\n10.2.0.1\n").1, "10.1.0.0/16\t10.1.2.3\n10.0.0.0/8\t10.2.0.1\n");
    assert_eq!(subnet(&format!("{words} 10.1.0.0/24")).1, "10.1.0.0/16\t10.1.0.0/24\n");
}

#[test]
fn lines_of_any_length_and_kind_are_passed_over_and_counted() {
    let mut input = vec![b'1'; 5_000_000];
    input.extend_from_slice(b"\n10.0.0.1\n");
    input.extend((0..=255).cycle().take(100_000).filter(|b| *b != b'\n'));
    let (status, stdout, stderr) = subnet_with("--contains 10.0.0.0/8", &input);
    assert_eq!((status, stdout.as_str()), (0, "10.0.0.1\n"));
    assert!(stderr.contains("1 of 3 lines were longer than 262144 bytes"), "{stderr}");
    assert!(stderr.contains("1 of 3 lines had no address"), "{stderr}");
}

#[test]
fn a_prefix_file_that_is_absent_or_wrong_is_an_error() {
    let (status, _, stderr) = subnet("--contains 10.0.0.0/33");
    assert_eq!(status, 2);
    assert!(stderr.contains("no file of this name, and no list: 10.0.0.0/33"), "{stderr}");
    assert!(stderr.contains("IPv4 addresses have 32 bits"));
}

#[test]
fn a_prefix_file_that_is_absent_is_no_bad_list() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent").display().to_string();
    let (status, _, stderr) = subnet(&format!("--contains {absent}"));
    let expected = format!("netlab: --contains: open {absent}: no such file or directory (ENOENT)\n");
    assert_eq!((status, stderr), (2, expected));
}

#[test]
fn an_empty_list_is_an_error_for_every_question_about_lists() {
    for question in ["--aggregate", "--supernet", "--exclude 10.0.0.0/8 -"] {
        let (status, _, stderr) = subnet_with(question, b"# nothing\n");
        assert_eq!(status, 2, "{question}");
        assert!(stderr.contains("the list is empty"), "{question}: {stderr}");
    }
}

#[test]
fn numbers_of_hosts_that_are_none_are_told_what_was_expected() {
    for words in ["0", "a,b", "3,", "-1", "+3", "99999999999999999999"] {
        let (status, _, stderr) = subnet(&format!("10.0.0.0/24 --hosts={words}"));
        assert_eq!(status, 2, "{words}");
        assert!(stderr.contains("expected numbers of hosts from 1"), "{words}: {stderr}");
    }
}

#[test]
fn two_hosts_get_a_30_and_are_told_when_a_31_does() {
    let (_, stdout, _) = subnet("10.0.0.0/24 --hosts 2");
    assert!(stdout.starts_with("10.0.0.0/30 ") && stdout.contains("a /31 does (RFC 3021)"), "{stdout}");
}

#[test]
fn another_address_that_is_no_hosts_is_told_so() {
    let (_, stdout, _) = subnet("10.0.0.1/24 10.0.0.255 10.0.0.0 10.0.0.128/25 10.0.0.7");
    for said in [
        "  10.0.0.255 is the broadcast address, no host's\n",
        "  10.0.0.0 is the network itself, no host's\n",
        "  10.0.0.128 is the network itself, no host's\n",
    ] {
        assert!(stdout.contains(said), "{said}: {stdout}");
    }
    assert!(!stdout.contains("10.0.0.7 is"), "{stdout}");
    assert_eq!(json("10.0.0.1/24 10.0.0.255")["others"][0]["role"], "broadcast");
}

#[test]
fn what_is_not_understood_is_exit_2_with_what_was_meant() {
    for (words, said) in [
        ("010.0.0.1", "hint: did you mean 10.0.0.1?"),
        ("10.0.0.1:80", "hint: did you mean 10.0.0.1?"),
        ("fe80::1%eth0", "hint: did you mean fe80::1?"),
        ("example.org", "it is a name"),
        ("10.0.0.1 255.0.255.0", "bit 17 is 1 although bit 9 is already 0"),
        ("10.0.0.1/24 255.255.255.0", "the mask is given twice"),
        ("10.0.0.1/33", "a prefix length of 33 is too long"),
        ("10.0.0.0-10.0.0.9", "did you mean --aggregate 10.0.0.0-10.0.0.9"),
        ("10.0.0.1 10.0.0.2", "hint: give a mask (netlab subnet 10.0.0.1/24 10.0.0.2)"),
        ("10.0.0.1 --split /26", "10.0.0.1 has no mask; expected a network"),
        ("10.0.0.0/24 --split /23", "cannot be split into subnets of /23"),
        ("10.0.0.0/24 --count", "--count goes with --split or --contains"),
        ("", "expected an address, as in: netlab subnet"),
    ] {
        let (status, stdout, stderr) = subnet(words);
        assert_eq!((status, stdout.as_str()), (2, ""), "{words}");
        assert!(stderr.contains(said), "{words}: {stderr}");
    }
}

#[test]
fn a_missing_mask_is_told_and_ipv6_gets_64_bits() {
    assert_eq!(json("10.0.0.1")["assumed"], "host_alone");
    assert_eq!(json("2001:db8::1")["assumed"], "interface_identifier");
    assert_eq!(json("2001:db8::1")["prefix"], "2001:db8::/64");
    assert_eq!(json("::1")["prefix"], "::1/128");
    assert_eq!(json("10.0.0.1/8")["assumed"], serde_json::Value::Null);
    assert!(subnet("10.0.0.1").1.contains("no mask given: the address alone (/32)"));
}

#[test]
fn every_json_key_is_documented() {
    let log = std::str::from_utf8(b"10.0.0.1\n").unwrap();
    for (words, input) in [
        ("fd12:3456:789a:1:fc:ff:fe00:1/64 fd12::1 10.0.0.1 fd12:3456:789a:1::2/80", ""),
        ("ff02::1", ""),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", ""),
        ("64:ff9b::192.0.2.1", ""),
        ("255.255.255.0", ""),
        ("192.88.99.1/24", ""),
        ("10.0.0.0/30 --split /31", ""),
        ("10.0.0.0/30 --split /31 --count", ""),
        ("10.0.0.0/24 --hosts 5", ""),
        ("--aggregate 10.0.0.0/8", ""),
        ("--contains 10.0.0.0/8", log),
        ("--contains 10.0.0.0/8 --count", log),
    ] {
        let (_, stdout, stderr) = subnet_with(&format!("{words} --json"), input.as_bytes());
        let mut documents = 0;
        for document in serde_json::Deserializer::from_str(&stdout).into_iter::<serde_json::Value>() {
            assert_documented("subnet", &document.unwrap());
            documents += 1;
        }
        assert!(documents > 0, "{words}: {stderr}");
    }
}

/// Where the room for a long line is nearly full, little is asked of the source at a time, and a source with a buffer of
/// its own would keep the rest where no poll sees it.
#[test]
fn a_match_behind_a_line_that_is_too_long_is_shown_while_the_input_stays_open() {
    use std::io::{BufRead, BufReader};
    const ROOM: usize = 1 << 18;
    let mut child = netlab()
        .args(["subnet", "--contains", "10.0.0.0/8", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let stdout = child.stdout.take().unwrap();
    let (sender, shown) = std::sync::mpsc::channel();
    std::thread::spawn(move || BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|l| sender.send(l)));
    let mut line = vec![b'x'; ROOM - 100];
    line[..9].copy_from_slice(b"10.0.0.1\n");
    stdin.write_all(&line).unwrap();
    // The first line is shown before more is waited for: all of what was written has been read, or nearly.
    assert_eq!(shown.recv_timeout(std::time::Duration::from_secs(20)).as_deref(), Ok("10.0.0.1"));
    stdin.write_all(&[[b'x'; 200].as_slice(), b"\n10.0.0.2\n"].concat()).unwrap();
    let second = shown.recv_timeout(std::time::Duration::from_secs(20));
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(second.as_deref(), Ok("10.0.0.2"));
}
