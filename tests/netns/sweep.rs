//! `netlab arp --sweep`, on networks made for it.

use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::Stdio;

use netlab::kernel::netlink::Netlink;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::arp::{arp, arp_without_privilege, hurry};
use crate::json_keys::assert_documented;
use crate::topology::{self, INTERFACE, Switched};

crate::tests![
    a_sweep_finds_every_host_and_flags_duplicates,
    a_sweep_asks_the_silent_again_and_only_them,
    a_sweep_that_nobody_answers_exits_with_1,
    a_sweep_without_the_privilege_finds_the_hosts_too,
    a_network_that_cannot_be_swept_is_refused,
    a_sweep_of_ipv6_finds_its_hosts,
    ctrl_c_ends_a_sweep_with_its_summary,
];

fn a_sweep_finds_every_host_and_flags_duplicates() {
    let addresses = ["192.0.2.1/24", "192.0.2.7/24", "192.0.2.80/24", "192.0.2.254/24", "192.0.2.80/24"];
    let network = topology::switched(&addresses);
    let run = arp(&network.hosts[0], &["--sweep", "192.0.2.0/24", "--json"]);
    assert_eq!(run.status, Some(1), "a duplicate is no clean answer: {}", run.error);
    let (answers, summary) = run.lines();
    let mut found: Vec<_> =
        answers.iter().map(|a| (a["address"].as_str().unwrap(), a["mac"]["address"].as_str().unwrap())).collect();
    found.sort_unstable();
    let macs: Vec<_> = (0..5).map(|number| Switched::mac(number).to_string()).collect();
    let expected = [
        ("192.0.2.254", macs[3].as_str()),
        ("192.0.2.7", &macs[1]),
        ("192.0.2.80", &macs[2]),
        ("192.0.2.80", &macs[4]),
    ];
    assert_eq!(found, expected);
    assert_eq!(answers.iter().filter(|a| a["duplicate"] == true).count(), 1);
    assert_eq!(
        (&summary["addresses"], &summary["answered"], &summary["conflicts"]),
        (&254.into(), &3.into(), &1.into())
    );
    assert_documented("arp", &Value::Array(answers));
    assert_documented("arp", &summary);
    let run = arp(&network.hosts[0], &["--sweep", "192.0.2.0/25"]);
    assert!(run.out.contains("192.0.2.7 ") && run.out.contains("DUPLICATE"), "{}", run.out);
    assert!(run.out.contains("2 of 126 addresses answered"), "{}", run.out);
    assert!(run.out.contains("1 address is claimed by more than one station"), "{}", run.out);
}

fn a_sweep_asks_the_silent_again_and_only_them() {
    let pair = topology::pair();
    let run = arp(&pair.left, &["--sweep", "192.0.2.0/29", "-c", "3", "-t", "30", "--json"]);
    assert_eq!(run.status, Some(0));
    let (answers, summary) = run.lines();
    assert_eq!((answers.len(), &answers[0]["address"]), (1, &"192.0.2.2".into()));
    // Six addresses: one answers the first question, the own one and four more stay silent.
    assert_eq!(summary["questions"], 1 + 5 * 3);
}

fn a_sweep_that_nobody_answers_exits_with_1() {
    let pair = topology::pair();
    let run = arp(&pair.left, &["--sweep", "192.0.2.64/30", "-c", "1", "-t", "20"]);
    assert_eq!(run.status, Some(1));
    assert!(run.out.starts_with("0 of 2 addresses answered, 2 questions in"), "{}", run.out);
}

fn a_sweep_without_the_privilege_finds_the_hosts_too() {
    let network = topology::switched(&["192.0.2.1/29", "192.0.2.2/29", "192.0.2.5/29"]);
    hurry(&network.hosts[0]);
    let run = arp_without_privilege(&network.hosts[0], &["--sweep", "192.0.2.0/29", "--json"]);
    assert_eq!(run.status, Some(0), "{}{}", run.out, run.error);
    let (answers, summary) = run.lines();
    let mut found: Vec<_> = answers.iter().map(|a| a["address"].as_str().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, ["192.0.2.2", "192.0.2.5"]);
    assert_eq!(summary["method"], "kernel_cache");
    assert!(run.error.contains("asking by way of the kernel's neighbour cache instead"), "{}", run.error);
}

fn a_network_that_cannot_be_swept_is_refused() {
    let network = topology::routed();
    for (net, words) in [
        ("198.51.100.0/24", "is reached through the router 192.0.2.254"),
        ("10.0.0.0/8", "has more than 65536 addresses: sweep it in parts, such as 10.0.0.0/16"),
        ("127.0.0.0/24", "on lo nobody can be asked: the loopback leads back"),
        ("192.0.2.300/24", "192.0.2.300"),
    ] {
        let run = arp(&network.left, &["--sweep", net]);
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{net}");
        assert!(run.error.contains(words), "{net}: {}", run.error);
    }
}

fn a_sweep_of_ipv6_finds_its_hosts() {
    let pair = topology::pair_with_ipv6();
    let run = arp(&pair.left, &["--sweep", "2001:db8::/120", "-c", "1", "--json"]);
    assert_eq!(run.status, Some(0), "{}", run.error);
    let (answers, summary) = run.lines();
    assert_eq!((answers.len(), &answers[0]["address"]), (1, &"2001:db8::2".into()));
    assert_eq!(summary["addresses"], 255);
}

fn ctrl_c_ends_a_sweep_with_its_summary() {
    let pair = topology::pair();
    pair.left.run(|| {
        let mut netlink = Netlink::open().unwrap();
        netlink.add_address(INTERFACE, Ipv4Addr::new(10, 0, 0, 1).into(), 16).unwrap();
    });
    topology::add_address(&pair.right, INTERFACE, "10.0.0.2/16");
    let mut child = pair.left.run(|| {
        let mut command = crate::netlab();
        command.args(["arp", "--sweep", "10.0.0.0/16", "--rate", "100", "--json"]);
        command.stdout(Stdio::piped()).spawn().unwrap()
    });
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("10.0.0.2"));
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let last: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((&last["summary"]["stopped"], &last["summary"]["answered"]), (&true.into(), &1.into()));
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
