//! `netlab arp`, on networks made for it.

use std::io::{BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use netlab::bytes::Mac;
use netlab::kernel::namespace::Host;
use netlab::kernel::netlink::Netlink;
use netlab::kernel::sysctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::json_keys::assert_documented;
use crate::topology::{self, INTERFACE, Pair, Routed, Switched};

crate::tests![
    a_neighbour_on_the_link_is_asked_itself_and_the_and_is_shown,
    a_target_behind_a_router_has_the_router_asked,
    silence_takes_the_stated_tries_and_exits_with_1,
    two_stations_with_one_address_are_both_shown,
    the_own_address_is_unshared_or_in_conflict,
    a_lost_question_is_repeated,
    broadcast_multicast_and_refused_targets_are_explained,
    a_route_against_the_mask_is_pointed_out,
    an_interface_without_arp_is_explained,
    an_interface_that_is_off_is_an_error,
    without_the_privilege_the_kernel_is_made_to_ask_and_it_says_so,
    without_the_privilege_silence_is_the_kernels_verdict,
    an_old_entry_of_the_cache_is_not_taken_for_an_answer,
    ipv6_is_asked_by_neighbour_discovery,
    a_link_local_target_needs_an_interface,
    what_is_nearly_an_address_is_refused_with_a_hint,
    ctrl_c_before_the_answer_exits_with_130,
    an_interface_shows_its_own_addresses_alone,
    where_nobody_can_be_asked_is_refused_with_the_reason,
    two_stations_with_one_ipv6_address_are_both_shown,
];

pub struct Run {
    pub status: Option<i32>,
    pub out: String,
    pub error: String,
}

impl Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.error))
    }

    /// The lines of a sweep: the answers, and the summary.
    pub fn lines(&self) -> (Vec<Value>, Value) {
        let mut lines: Vec<Value> = self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = lines.pop().unwrap_or_else(|| panic!("no output: {}", self.error));
        (lines, last["summary"].clone())
    }
}

fn run_on(host: &Host, command: impl FnOnce() -> Command + Send + 'static, arguments: &[&'static str]) -> Run {
    let arguments = arguments.to_vec();
    host.run(move || {
        let output = command().arg("arp").args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { status: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
    })
}

pub fn arp(host: &Host, arguments: &[&'static str]) -> Run {
    run_on(host, crate::netlab, arguments)
}

/// The same by a process that may not open packet sockets, whoever started it.
pub fn arp_without_privilege(host: &Host, arguments: &[&'static str]) -> Run {
    let without = || {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-net_raw", "--inh-caps=-net_raw"]);
        command.arg(crate::netlab().get_program()).stdin(Stdio::null());
        command
    };
    run_on(host, without, arguments)
}

fn a_neighbour_on_the_link_is_asked_itself_and_the_and_is_shown() {
    let pair = topology::pair();
    let run = arp(&pair.left, &["192.0.2.2"]);
    assert_eq!(run.status, Some(0), "{}", run.error);
    for part in [
        "192.0.2.2 is on the link of eth0: it is asked itself",
        "own       192.0.2.1 AND 255.255.255.0 = 192.0.2.0",
        "target    192.0.2.2 AND 255.255.255.0 = 192.0.2.0  the same network",
        "route     192.0.2.0/24 by eth0: no router",
        "question  who has 192.0.2.2? tell 192.0.2.1  to everybody",
        "answer    02:fc:00:00:00:02  local",
    ] {
        assert!(run.out.contains(part), "{part:?} is missing:\n{}", run.out);
    }
    let document = arp(&pair.left, &["192.0.2.2", "--json"]).json();
    assert_documented("arp", &document);
    assert_eq!((&document["verdict"], &document["method"]), (&"on_link".into(), &"arp".into()));
    let answer = &document["answers"][0];
    assert_eq!((&answer["mac"]["address"], &answer["question"]), (&Pair::RIGHT_MAC.to_string().into(), &1.into()));
    let rtt = answer["rtt_us"].as_u64().unwrap();
    assert!(rtt > 0 && rtt < document["elapsed_us"].as_u64().unwrap(), "{document}");
}

fn a_target_behind_a_router_has_the_router_asked() {
    let network = topology::routed();
    let run = arp(&network.left, &["198.51.100.1"]);
    assert_eq!(run.status, Some(0));
    for part in [
        "198.51.100.1 is behind a router: 192.0.2.254 on eth0 is asked instead",
        "target    198.51.100.1 AND 255.255.255.0 = 198.51.100.0  another network",
        "route     0.0.0.0/0 (the default route) by eth0: to the router 192.0.2.254",
        "who has 192.0.2.254? tell 192.0.2.1",
        &format!("answer    {}", Routed::LEFT_GATEWAY_MAC),
    ] {
        assert!(run.out.contains(part), "{part:?} is missing:\n{}", run.out);
    }
    let document = arp(&network.left, &["198.51.100.1", "--json"]).json();
    assert_eq!((&document["gateway"], &document["asked_for"]), (&"192.0.2.254".into(), &"192.0.2.254".into()));
    assert_eq!(document["same_network"], false);
}

fn silence_takes_the_stated_tries_and_exits_with_1() {
    let pair = topology::pair();
    let run = arp(&pair.left, &["192.0.2.77", "-c", "2", "-t", "30"]);
    assert_eq!(run.status, Some(1));
    assert!(run.out.contains("up to 2 times, 30.00 ms apart"), "{}", run.out);
    assert!(run.out.contains("silence   nobody answered: 2 questions in"), "{}", run.out);
    let before = pair.left.run(|| Netlink::open().unwrap().link(INTERFACE).unwrap().counters.tx_packets);
    assert_eq!(arp(&pair.left, &["192.0.2.77", "-c", "4", "-t", "30"]).status, Some(1));
    let after = pair.left.run(|| Netlink::open().unwrap().link(INTERFACE).unwrap().counters.tx_packets);
    assert_eq!(after - before, 4, "questions on the wire");
}

fn two_stations_with_one_address_are_both_shown() {
    let network = topology::switched(&["192.0.2.1/24", "192.0.2.2/24", "192.0.2.2/24"]);
    let run = arp(&network.hosts[0], &["192.0.2.2"]);
    assert_eq!(run.status, Some(1), "{}", run.out);
    for part in ["answer    ", "duplicate ", "two stations have the address"] {
        assert!(run.out.contains(part), "{part:?} is missing:\n{}", run.out);
    }
    for number in [1, 2] {
        assert!(run.out.contains(&Switched::mac(number).to_string()), "{}", run.out);
    }
    assert_eq!(arp(&network.hosts[0], &["192.0.2.2", "--json"]).json()["duplicate"], true);
}

fn the_own_address_is_unshared_or_in_conflict() {
    let network = topology::switched(&["192.0.2.1/24", "192.0.2.1/24"]);
    let run = arp(&network.hosts[0], &["192.0.2.1"]);
    assert_eq!(run.status, Some(1), "{}", run.out);
    assert!(run.out.contains("192.0.2.1 is an own address, of eth0"), "{}", run.out);
    assert!(run.out.contains("conflict  another station has the own address"), "{}", run.out);
    network.hosts[1]
        .run(|| Netlink::open().unwrap().delete_address(INTERFACE, Ipv4Addr::new(192, 0, 2, 1).into(), 24).unwrap());
    let run = arp(&network.hosts[0], &["192.0.2.1", "-t", "30"]);
    assert_eq!(run.status, Some(0), "{}", run.out);
    assert!(run.out.contains("the address is not in use elsewhere"), "{}", run.out);
    let run = arp(&network.hosts[0], &["127.0.0.1"]);
    assert_eq!(run.status, Some(0));
    assert!(run.out.contains("the loopback leads back to this machine"), "{}", run.out);
}

/// A host that comes back only after the first question was lost.
fn a_lost_question_is_repeated() {
    let pair = topology::pair();
    pair.right.run(|| sysctl::write("net.ipv4.conf.eth0.arp_ignore", "8").unwrap());
    let mut child = pair.left.run(|| {
        crate::netlab()
            .args(["arp", "192.0.2.2", "-c", "1000", "-t", "20", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    });
    // The first question has been ignored when its host has counted it.
    let heard = || pair.right.run(|| Netlink::open().unwrap().link(INTERFACE).unwrap().counters.rx_packets);
    let begin = heard();
    while heard() < begin + 2 {
        std::thread::yield_now();
    }
    pair.right.run(|| sysctl::write("net.ipv4.conf.eth0.arp_ignore", "0").unwrap());
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let document: Value = serde_json::from_str(&out).unwrap();
    assert!(document["answers"][0]["question"].as_u64().unwrap() > 1, "{document}");
    assert_eq!(document["answers"][0]["question"], document["questions"]);
}

fn broadcast_multicast_and_refused_targets_are_explained() {
    let pair = topology::pair();
    pair.left.run(|| {
        let network = Ipv4Addr::new(203, 0, 113, 0).into();
        let mut netlink = Netlink::open().unwrap();
        netlink.add_refusing_route(network, 24, netlab::kernel::netlink::RouteKind::Prohibit).unwrap();
        netlink.add_route(Ipv4Addr::new(224, 0, 0, 0).into(), 4, None, Some(INTERFACE)).unwrap();
    });
    for (target, status, words) in [
        ("192.0.2.255", 0, "is everybody on the link of eth0"),
        ("224.0.0.251", 0, "frames go to 01:00:5e:00:00:fb"),
        ("203.0.113.9", 1, "is refused by a route: prohibit"),
        ("198.51.100.9", 1, "is not reached: no route fits"),
    ] {
        let run = arp(&pair.left, &[target]);
        assert_eq!(run.status, Some(status), "{target}: {}", run.out);
        assert!(run.out.contains(words), "{target}: {}", run.out);
        assert_documented("arp", &arp(&pair.left, &[target, "--json"]).json());
    }
}

fn a_route_against_the_mask_is_pointed_out() {
    let pair = topology::pair();
    topology::add_address(&pair.right, INTERFACE, "198.51.100.9/32");
    pair.left.run(|| {
        let mut netlink = Netlink::open().unwrap();
        netlink.add_route(Ipv4Addr::new(198, 51, 100, 9).into(), 32, None, Some(INTERFACE)).unwrap();
        netlink.add_route(Ipv4Addr::new(192, 0, 2, 99).into(), 32, Some(Pair::RIGHT.into()), None).unwrap();
    });
    let run = arp(&pair.left, &["198.51.100.9"]);
    assert_eq!(run.status, Some(0), "{}", run.out);
    assert!(run.out.contains("another network, but a route says it is on this link"), "{}", run.out);
    let run = arp(&pair.left, &["192.0.2.99"]);
    assert!(run.out.contains("the same network, but a route sends it to a router"), "{}", run.out);
}

fn an_interface_without_arp_is_explained() {
    let pair = topology::pair();
    pair.left.run(|| Netlink::open().unwrap().set_no_arp(INTERFACE, true).unwrap());
    let run = arp(&pair.left, &["192.0.2.2"]);
    assert_eq!(run.status, Some(0), "{}", run.error);
    assert!(run.out.contains("question  none: the interface is set to ask nobody"), "{}", run.out);
    let document = arp(&pair.left, &["192.0.2.2", "--json"]).json();
    assert!(document["not_asked_because"].as_str().unwrap().contains("NOARP"));
}

fn an_interface_that_is_off_is_an_error() {
    let pair = topology::pair();
    pair.left.run(|| Netlink::open().unwrap().set_up(INTERFACE, false).unwrap());
    let run = arp(&pair.left, &["192.0.2.2", "-i", INTERFACE]);
    assert!(run.status != Some(0), "{}", run.out);
    let run = arp(&pair.left, &["192.0.2.2", "-i", "eth7"]);
    assert_eq!(run.status, Some(2));
    assert!(run.error.contains("find interface eth7: no such device (ENODEV)"), "{}", run.error);
}

fn without_the_privilege_the_kernel_is_made_to_ask_and_it_says_so() {
    let pair = topology::pair();
    let run = arp_without_privilege(&pair.left, &["192.0.2.2"]);
    assert_eq!(run.status, Some(0), "{}{}", run.out, run.error);
    for part in
        ["an empty datagram to 192.0.2.2 port 9 makes the kernel ask", "cap_net_raw+ep", "answer    02:fc:00:00:00:02"]
    {
        assert!(run.out.contains(part), "{part:?} is missing:\n{}", run.out);
    }
    let document = arp_without_privilege(&pair.left, &["192.0.2.2", "--json"]).json();
    assert_documented("arp", &document);
    assert_eq!((&document["method"], &document["answers"][0]["confirmed"]), (&"kernel_cache".into(), &true.into()));
}

/// The kernel's own timers, made short.
pub fn hurry(host: &Host) {
    host.run(|| {
        sysctl::write("net/ipv4/neigh/eth0/retrans_time_ms", "20").unwrap();
        sysctl::write("net/ipv4/neigh/eth0/delay_first_probe_time", "1").unwrap();
    });
}

fn without_the_privilege_silence_is_the_kernels_verdict() {
    let pair = topology::pair();
    hurry(&pair.left);
    let run = arp_without_privilege(&pair.left, &["192.0.2.77"]);
    assert_eq!(run.status, Some(1), "{}{}", run.out, run.error);
    assert!(run.out.contains("nobody answered"), "{}", run.out);
    // An own address cannot be asked for this way.
    let run = arp_without_privilege(&pair.left, &["192.0.2.1"]);
    assert_eq!(run.status, Some(2));
    assert!(run.error.contains("the kernel asks nobody for an own address"), "{}", run.error);
}

fn an_old_entry_of_the_cache_is_not_taken_for_an_answer() {
    let pair = topology::pair();
    hurry(&pair.left);
    let remember = |mac| {
        pair.left.run(move || {
            Netlink::open().unwrap().add_stale_neighbour(INTERFACE, Pair::RIGHT.into(), mac).unwrap();
        });
    };
    remember(Pair::RIGHT_MAC);
    let confirmed = arp(&pair.left, &["192.0.2.2", "--kernel"]);
    assert_eq!(confirmed.status, Some(0), "{}", confirmed.out);
    pair.right.run(|| sysctl::write("net.ipv4.conf.eth0.arp_ignore", "8").unwrap());
    remember(Mac([2, 0, 0, 0, 0, 9]));
    let old = arp(&pair.left, &["192.0.2.2", "--kernel"]);
    assert_eq!(old.status, Some(1), "{}", old.out);
    assert!(old.out.contains("02:00:00:00:00:09  local  known from before, not confirmed"), "{}", old.out);
    assert!(old.out.contains("nobody answered"), "{}", old.out);
}

fn ipv6_is_asked_by_neighbour_discovery() {
    let pair = topology::pair_with_ipv6();
    let run = arp(&pair.left, &["2001:db8::2"]);
    assert_eq!(run.status, Some(0), "{}{}", run.out, run.error);
    for part in [
        "2001:db8::2 is on the link of eth0",
        "own       2001:db8::1 AND /64 = 2001:db8::",
        "who has 2001:db8::2? tell 2001:db8::1  to the group ff02::1:ff00:2",
        "answer    02:fc:00:00:00:02",
    ] {
        assert!(run.out.contains(part), "{part:?} is missing:\n{}", run.out);
    }
    let document = arp(&pair.left, &["2001:db8::2", "--json"]).json();
    assert_documented("arp", &document);
    assert_eq!(document["method"], "neighbour_discovery");
    let silent = arp(&pair.left, &["2001:db8::77", "-c", "2", "-t", "30"]);
    assert_eq!(silent.status, Some(1));
    assert!(silent.out.contains("nobody answered: 2 questions"), "{}", silent.out);
    let kernel = arp_without_privilege(&pair.left, &["2001:db8::2"]);
    assert_eq!(kernel.status, Some(0), "{}{}", kernel.out, kernel.error);
    assert!(kernel.out.contains("answer    02:fc:00:00:00:02"), "{}", kernel.out);
}

fn a_link_local_target_needs_an_interface() {
    let pair = topology::pair_with_ipv6();
    let run = arp(&pair.left, &["fe80::fc:ff:fe00:2"]);
    assert_eq!(run.status, Some(2));
    assert!(run.error.contains("hint: say which one: fe80::fc:ff:fe00:2%NAME"), "{}", run.error);
    let run = arp(&pair.left, &["fe80::fc:ff:fe00:2%eth0"]);
    assert_eq!(run.status, Some(0), "{}{}", run.out, run.error);
    assert!(run.out.contains("tell fe80::fc:ff:fe00:1"), "{}", run.out);
}

fn what_is_nearly_an_address_is_refused_with_a_hint() {
    let pair = topology::pair();
    for (target, words) in [
        ("192.0.02.2", "did you mean 192.0.2.2?"),
        ("1", "did you mean 0.0.0.1?"),
        ("0xc0.0.2.2", "C programs read that as an IPv4 address in hex"),
        ("192.0.2.2/24", "expected one address\nhint: did you mean 192.0.2.2?"),
        ("", "nothing is there"),
        ("fe80::1%nope", "find interface nope: no such device"),
    ] {
        let run = arp(&pair.left, &[target]);
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{target}");
        assert!(run.error.contains(words), "{target}: {}", run.error);
    }
    let run = arp(&pair.left, &["192.0.2.77", "-c", "1", "-t", "20"]);
    assert!(run.out.contains("to everybody, once\n"), "{}", run.out);
}

fn ctrl_c_before_the_answer_exits_with_130() {
    let pair = topology::pair();
    let mut child = pair.left.run(|| {
        let mut command = crate::netlab();
        command.args(["arp", "192.0.2.77", "-t", "60000"]).stdout(Stdio::piped()).spawn().unwrap()
    });
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("question  who has")));
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    // The signal may come before or after the first question left.
    assert!(lines.next().unwrap().unwrap().contains("stopped   after "));
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// The left host with a second interface that has neither address nor route.
fn with_a_bare_interface() -> Pair {
    let pair = topology::pair();
    topology::join((&pair.left, "bare", Mac([2, 0xfc, 0, 0, 9, 1])), (&pair.right, "far", Mac([2, 0xfc, 0, 0, 9, 2])));
    pair
}

fn an_interface_shows_its_own_addresses_alone() {
    let pair = with_a_bare_interface();
    let run = arp(&pair.left, &["198.51.100.1", "-i", "bare", "-c", "1", "-t", "20"]);
    assert_eq!(run.status, Some(1), "{}{}", run.out, run.error);
    assert!(run.out.contains("own       bare has no IPv4 address of its own"), "{}", run.out);
    assert!(run.out.contains("from no address") && !run.out.contains("192.0.2.1"), "{}", run.out);
    assert!(!run.out.contains("a route says"), "{}", run.out);
    let run = arp(&pair.left, &["--sweep", "192.0.2.0/30", "-i", "bare"]);
    assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{}", run.error);
    let words = "192.0.2.0/30 is not on the link of bare, which has no IPv4 address of its own";
    assert!(run.error.contains(words), "{}", run.error);
    let run = arp(&pair.left, &["--sweep", "198.51.100.0/30", "-i", INTERFACE]);
    assert_eq!(run.status, Some(2), "{}", run.out);
    assert!(run.error.contains("whose own addresses are in 192.0.2.0/24"), "{}", run.error);
    topology::add_address(&pair.left, "bare", "192.0.2.3/24");
    let run = arp(&pair.left, &["--sweep", "192.0.2.8/30", "-i", "bare", "-c", "1", "-t", "20", "--json"]);
    assert_eq!(run.status, Some(1), "{}", run.error);
    let sent = pair.left.run(|| Netlink::open().unwrap().link("bare").unwrap().counters.tx_packets);
    assert!(sent >= 3, "both questions and the one before left by the named interface: {sent}");
}

fn where_nobody_can_be_asked_is_refused_with_the_reason() {
    let pair = with_a_bare_interface();
    let refused = |arguments: &[&'static str], words: &str| {
        let run = arp(&pair.left, arguments);
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(run.error.contains(words), "{arguments:?}: {}", run.error);
    };
    refused(&["0.0.0.0"], "0.0.0.0 is the unspecified address");
    refused(&["::"], ":: is the unspecified address");
    refused(&["192.0.2.2", "-i", "lo"], "lo has no neighbours");
    refused(&["192.0.2.1", "-i", "bare"], "192.0.2.1 is an own address, of eth0 and not of bare");
    pair.left.run(|| Netlink::open().unwrap().set_up("bare", false).unwrap());
    refused(&["192.0.2.2", "-i", "bare"], "bare is switched off");
}

fn two_stations_with_one_ipv6_address_are_both_shown() {
    let pair = topology::pair_with_ipv6();
    topology::add_address(&pair.right, INTERFACE, "2001:db8::1/64");
    let run = arp(&pair.left, &["2001:db8::1"]);
    assert_eq!(run.status, Some(1), "{}{}", run.out, run.error);
    assert!(run.out.contains("another station has the own address"), "{}", run.out);
}
