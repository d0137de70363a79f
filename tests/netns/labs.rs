//! Labs side by side, and what they leave behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use netlab::kernel::netlink::Netlink;
use netlab::lab::catalog;
use netlab::lab::experiment::Parameters;
use netlab::lab::observation::Observation;
use netlab::lab::stage::{Nobody, Stage};

crate::tests![
    labs_run_side_by_side_without_touching_each_other,
    processes_with_the_same_lab_do_not_collide,
    a_lab_leaves_the_settings_of_its_surroundings_alone,
    kill_9_in_the_middle_of_a_lab_leaves_nothing_behind,
    kill_9_takes_the_command_in_a_host_along,
];

fn observe(name: &str) -> Observation {
    let mut nobody = Nobody;
    let mut stage = Stage::new(&mut nobody).unwrap();
    (catalog::find(name).unwrap().run)(&mut stage, &Parameters::default()).unwrap();
    stage.observation
}

fn assert_holds(name: &str, observation: &Observation) {
    for finding in &observation.findings {
        assert!(finding.seen, "{name}: not seen: {} ({})", finding.statement.en, finding.measured);
    }
    assert!(!observation.findings.is_empty(), "{name} teaches nothing");
}

fn labs_run_side_by_side_without_touching_each_other() {
    let runs: Vec<_> = (0..4).map(|_| std::thread::spawn(|| observe("handshake"))).collect();
    for run in runs {
        let observation = run.join().unwrap();
        assert_holds("handshake", &observation);
        assert_eq!(observation.frames().count(), 3);
    }
}

fn processes_with_the_same_lab_do_not_collide() {
    let start = |_| crate::netlab().args(["lab", "run", "handshake"]).stdout(Stdio::null()).spawn().unwrap();
    let mut runs: Vec<Child> = (0..6).map(start).collect();
    let ended: Vec<Option<i32>> = runs.iter_mut().map(|run| run.wait().unwrap().code()).collect();
    assert_eq!(ended, [Some(0); 6]);
}

fn a_lab_leaves_the_settings_of_its_surroundings_alone() {
    let settings = ["net.ipv4.tcp_congestion_control", "net.ipv4.ip_forward", "net.ipv4.tcp_syncookies"];
    let read = || settings.map(|name| netlab::kernel::sysctl::read(name).unwrap());
    let before = read();
    observe("handshake");
    assert_eq!(read(), before);
}

/// The names of the network namespaces that the threads and files of processes stand for, as far as they can be seen.
fn namespaces(processes: impl Iterator<Item = u32>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for process in processes {
        let tasks = Path::new("/proc").join(process.to_string()).join("task");
        let tasks = fs::read_dir(tasks).into_iter().flatten().flatten().map(|task| task.path());
        for task in tasks {
            let files = fs::read_dir(task.join("fd")).into_iter().flatten().flatten().map(|file| file.path());
            let links = files.chain([task.join("ns/net")]).filter_map(|path| fs::read_link(path).ok());
            seen.extend(links.map(|link| link.display().to_string()).filter(|link| link.starts_with("net:[")));
        }
    }
    seen
}

fn every_process() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The interfaces of this namespace, by name.
fn interfaces() -> Vec<String> {
    let links = Netlink::open().unwrap().links().unwrap();
    links.into_iter().map(|link| link.name).collect()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The namespaces of a running netlab that this test is not in itself, once there are `count`.
fn own_namespaces(run: &Child, count: usize) -> BTreeSet<String> {
    let here = namespaces([std::process::id()].into_iter());
    let own = || &namespaces([run.id()].into_iter()) - &here;
    wait_until("the hosts of the lab", || own().len() >= count);
    own()
}

fn kill(run: &mut Child) {
    run.kill().unwrap();
    run.wait().unwrap();
}

fn assert_gone(namespaces_of_the_run: &BTreeSet<String>) {
    let left = || namespaces(every_process());
    wait_until("the end of every namespace", || left().is_disjoint(namespaces_of_the_run));
}

fn kill_9_in_the_middle_of_a_lab_leaves_nothing_behind() {
    let before = interfaces();
    // Its first frame alone takes five seconds.
    let arguments = ["lab", "run", "handshake", "--rtt", "10s"];
    let mut run = crate::netlab().args(arguments).stdout(Stdio::null()).spawn().unwrap();
    // The process's own, the room, and two hosts.
    let its = own_namespaces(&run, 4);
    kill(&mut run);
    assert_gone(&its);
    assert_eq!(interfaces(), before);
}

fn kill_9_takes_the_command_in_a_host_along() {
    let mut plan = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut plan, b"[[host]]\nname = \"alone\"\n").unwrap();
    let mut command = crate::netlab();
    command.args(["lab", "net"]).arg(plan.path()).args(["--", "sleep", "600"]);
    let mut run = command.spawn().unwrap();
    let its = own_namespaces(&run, 3);
    let sleeps = || every_process().filter(|process| !namespaces([*process].into_iter()).is_disjoint(&its)).count();
    wait_until("the command", || sleeps() == 2);
    kill(&mut run);
    assert_gone(&its);
}
