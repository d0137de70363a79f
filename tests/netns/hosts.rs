//! Hosts as threads that own a namespace.

use std::os::fd::AsRawFd;

use netlab::kernel::namespace::{self, Host};

crate::tests![two_hosts_have_two_namespaces, a_child_process_starts_in_its_hosts_namespace, a_panic_reaches_the_caller];

fn id(fd: &impl AsRawFd) -> String {
    std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap().display().to_string()
}

fn two_hosts_have_two_namespaces() {
    let (a, b) = (Host::new("a").unwrap(), Host::new("b").unwrap());
    let inside = a.run(|| id(&namespace::current().unwrap()));
    assert_eq!(inside, id(&a.namespace()));
    assert_ne!(inside, id(&b.namespace()));
    assert_ne!(inside, id(&namespace::current().unwrap()));
}

fn a_child_process_starts_in_its_hosts_namespace() {
    let host = Host::new("a").unwrap();
    let output = host.run(|| std::process::Command::new("readlink").arg("/proc/self/ns/net").output().unwrap());
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), id(&host.namespace()));
}

fn a_panic_reaches_the_caller() {
    let host = Host::new("a").unwrap();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| host.run(|| panic!("on purpose"))));
    assert!(caught.is_err());
    assert_eq!(host.run(|| 7), 7);
}
