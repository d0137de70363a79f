//! Tests with real sockets and frames, in private network namespaces that they make themselves. They run as root and as
//! an ordinary user; where the kernel allows neither, the run fails and says which step was refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod arp;
mod capture;
mod claims;
mod docs;
mod filter;
mod hosts;
mod lab_net;
mod lab_pages;
mod lab_run;
mod labs;
mod interfaces;
#[path = "../shared/json_keys.rs"]
mod json_keys;
mod netlink;
mod owners;
mod private;
mod reuse;
mod probe;
mod sockets;
mod sweep;
#[cfg(feature = "top")]
mod top;
mod topology;
mod wire;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// One test: a name that reads as a sentence and what is done. Each runs on a thread of its own.
type Test = (&'static str, fn());

/// Every module of tests, by name.
const MODULES: &[(&str, &[Test])] = &[
    ("arp", arp::TESTS),
    ("capture", capture::TESTS),
    ("claims", claims::TESTS),
    ("docs", docs::TESTS),
    ("filter", filter::TESTS),
    ("hosts", hosts::TESTS),
    ("lab_net", lab_net::TESTS),
    ("lab_pages", lab_pages::TESTS),
    ("lab_run", lab_run::TESTS),
    ("labs", labs::TESTS),
    ("interfaces", interfaces::TESTS),
    ("netlink", netlink::TESTS),
    ("owners", owners::TESTS),
    ("private", private::TESTS),
    ("reuse", reuse::TESTS),
    ("probe", probe::TESTS),
    ("sockets", sockets::TESTS),
    ("sweep", sweep::TESTS),
    #[cfg(feature = "top")]
    ("top", top::TESTS),
    ("wire", wire::TESTS),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Before any thread: a user namespace is refused to a process that has two.
    if let Err(error) = netlab::kernel::namespace::enter_private() {
        println!("these tests need user namespaces or root: {error}");
        return ExitCode::FAILURE;
    }
    let trials = MODULES.iter().flat_map(|(module, tests)| {
        tests.iter().map(move |(name, test)| {
            let test = *test;
            Trial::test(format!("{module}::{name}"), move || {
                test();
                Ok(())
            })
        })
    });
    let labs = netlab::lab::catalog::labs().map(|lab| {
        Trial::test(format!("lab::{}", lab.name), || {
            lab_pages::a_run_shows_what_the_lab_teaches_and_its_page_says(lab);
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.chain(labs).collect()).exit_code()
}

/// The program under test; `NETLAB_BIN` names another one.
pub fn netlab() -> std::process::Command {
    let binary = std::env::var_os("NETLAB_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_netlab").into());
    let mut command = std::process::Command::new(binary);
    command.stdin(std::process::Stdio::null());
    command
}

/// The names and functions of a module's tests, as a table for [`MODULES`].
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => { pub const TESTS: &[$crate::Test] = &[$((stringify!($name), $name)),*]; };
}
