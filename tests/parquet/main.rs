//! `netlab capture --parquet`, read back with DuckDB. Needs a Python that has it: scripts/test-parquet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod captures;
mod files;
mod live;
mod page;
mod queries;
#[path = "../shared/tcp_traffic.rs"]
mod tcp_traffic;
#[path = "../shared/traffic.rs"]
mod traffic;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// One test: a name that reads as a sentence and what is done.
type Test = (&'static str, fn());

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Before any thread: a user namespace is refused to a process that has two.
    if let Err(error) = netlab::kernel::namespace::enter_private() {
        println!("these tests need user namespaces or root: {error}");
        return ExitCode::FAILURE;
    }
    let tests = [files::TESTS, live::TESTS, page::TESTS].concat();
    let tests = tests.into_iter().map(|(name, test)| (name.to_owned(), test));
    let queries = queries::CHECKS.iter().map(|(title, check)| (format!("query: {title}"), *check));
    let trials = tests.map(|(name, test)| trial(name, test)).chain(queries.map(|(name, check)| {
        let title = name.trim_start_matches("query: ").to_owned();
        Trial::test(name, move || {
            check(&page::answer(&title));
            Ok(())
        })
    }));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn trial(name: String, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// The program under test.
pub fn netlab() -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_netlab"));
    command.stdin(std::process::Stdio::null());
    command
}

/// The names and functions of a module's tests.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => { pub const TESTS: &[$crate::Test] = &[$((stringify!($name), $name)),*]; };
}
