//! Private networks where the kernel refuses a step: what is said, and what is done without.

use std::process::{Command, Output};

use netlab::lab::catalog::labs;

use crate::topology::host;

crate::tests![
    a_limit_of_no_namespaces_is_told_with_its_cure,
    a_lab_that_can_do_without_frames_stays_where_it_was_and_runs_on_loopback,
    root_without_any_right_is_told_to_be_somebody_else,
    root_without_the_right_to_make_interfaces_gets_it_in_a_user_namespace,
];

/// Runs `netlab lab run LAB` as root of a new user namespace after `setting`, with the bounding set changed by
/// `capabilities`, on a host with loopback alone.
fn confined(setting: &'static str, capabilities: &str, lab: &str) -> Output {
    let (capabilities, lab) = (format!("--bounding-set={capabilities}"), lab.to_owned());
    let netlab = crate::netlab().get_program().to_owned();
    host("confined", false).run(move || {
        let script = format!("{setting} && exec setpriv \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "sh", "-c", &script, "sh", &capabilities]).arg(netlab);
        command.args(["lab", "run", &lab]).env("LC_ALL", "C").output().unwrap()
    })
}

const NO_NAMESPACES: &str = "echo 0 > /proc/sys/user/max_user_namespaces";

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn a_limit_of_no_namespaces_is_told_with_its_cure() {
    let output = confined(NO_NAMESPACES, "-all", "handshake");
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    assert_eq!(
        errors(&output),
        "netlab: a lab needs a private network: unshare user and network namespace: no space left on device (ENOSPC)\n\
         hint: user.max_user_namespaces is 0, so there can be none: sudo sysctl user.max_user_namespaces=1000\n"
    );
}

fn a_lab_that_can_do_without_frames_stays_where_it_was_and_runs_on_loopback() {
    let lab = labs().find(|lab| lab.on_loopback).unwrap();
    let output = confined(NO_NAMESPACES, "-all", lab.name);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(errors(&output).starts_with("netlab: no private network, so on loopback and without frames: unshare "));
    assert!(errors(&output).contains("\nhint: user.max_user_namespaces is 0"), "{}", errors(&output));
    // A network namespace can be made, but no interface in it.
    let output = confined(NO_NAMESPACES, "-net_admin", lab.name);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(errors(&output).contains("on loopback and without frames"), "{}", errors(&output));
}

fn root_without_any_right_is_told_to_be_somebody_else() {
    let output = confined("true", "-all", "handshake");
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    assert!(errors(&output).contains("\nhint: root without CAP_SETFCAP "), "{}", errors(&output));
}

fn root_without_the_right_to_make_interfaces_gets_it_in_a_user_namespace() {
    for lab in ["handshake", labs().find(|lab| lab.on_loopback).unwrap().name] {
        let output = confined("true", "-net_admin", lab);
        assert_eq!((output.status.code(), errors(&output).as_str()), (Some(0), ""), "{lab}");
    }
}
