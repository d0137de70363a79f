//! What the experiments stand on: hosts with wires, a machine with loopback alone, an interpreter.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::kernel::OsError;
use crate::kernel::child::ends_with_this;
use crate::kernel::namespace::Host;
use crate::kernel::netlink::Netlink;
use crate::lab::place::Place;
use crate::lab::room::without_ipv6;
use crate::lab::stage::{LabError, Nobody, Stage};

/// Why a statement was not judged.
#[derive(Debug, thiserror::Error)]
pub enum Untried {
    /// The experiment needs hosts or settings of its own, which the kernel refuses.
    #[error("it needs a private network, which is refused here")]
    NoNetwork,
    /// The experiment needs a program that is not there.
    #[error("{0} is not installed")]
    NotInstalled(&'static str),
    /// The experiment began and could not be brought to its end.
    #[error("{0}")]
    Broken(#[from] LabError),
}

impl From<OsError> for Untried {
    fn from(error: OsError) -> Self {
        Untried::Broken(error.into())
    }
}

/// Where experiments are made. Each gets hosts of its own, so that they can run side by side.
#[derive(Clone, Copy, Debug)]
pub struct Ground {
    /// Whether the process has entered a private network.
    private: bool,
}

impl Ground {
    /// In the private network that the process has entered.
    pub fn private() -> Self {
        Ground { private: true }
    }

    /// On the machine's own loopback, because there is no private network.
    pub fn on_loopback() -> Self {
        Ground { private: false }
    }

    fn network(self) -> Result<(), Untried> {
        if self.private { Ok(()) } else { Err(Untried::NoNetwork) }
    }

    /// With hosts and wires, for what is about frames.
    ///
    /// # Errors
    /// [`Untried::NoNetwork`], or what the experiment failed at.
    pub fn stage<T>(self, act: impl FnOnce(&mut Stage<'_>) -> Result<T, LabError>) -> Result<T, Untried> {
        self.network()?;
        let mut nobody = Nobody;
        let mut stage = Stage::new(&mut nobody)?;
        Ok(act(&mut stage)?)
    }

    /// On a machine with loopback alone, whose settings may be changed.
    ///
    /// # Errors
    /// As [`Ground::stage`].
    pub fn machine<T: Send + 'static>(
        self,
        act: impl FnOnce(&mut Place) -> Result<T, LabError> + Send + 'static,
    ) -> Result<T, Untried> {
        self.network()?;
        let host = Host::new("machine")?;
        Ok(host.run(move || {
            without_ipv6()?;
            Netlink::open()?.set_up("lo", true)?;
            act(&mut Place::loopback()?)
        })?)
    }

    /// As [`Ground::machine`], or where there is none on the loopback of this very machine: nothing may be changed.
    ///
    /// # Errors
    /// What the experiment failed at.
    pub fn loopback<T: Send + 'static>(
        self,
        act: impl FnOnce(&mut Place) -> Result<T, LabError> + Send + 'static,
    ) -> Result<T, Untried> {
        if self.private { self.machine(act) } else { Ok(act(&mut Place::loopback()?)?) }
    }

    /// What Python prints when it runs `program`, on a machine as of [`Ground::loopback`].
    ///
    /// # Errors
    /// [`Untried::NotInstalled`], or [`LabError::Late`] for a program that does not end.
    pub fn python(self, program: &'static str) -> Result<String, Untried> {
        if !installed(PYTHON) {
            return Err(Untried::NotInstalled(PYTHON));
        }
        self.loopback(move |_| Ok(output(Command::new(PYTHON).args(["-I", "-c", program]))?.trim_end().to_owned()))
    }
}

const PYTHON: &str = "python3";

/// No program of an experiment needs longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// What a program prints, at most a pipe full, standard error left out.
fn output(command: &mut Command) -> Result<String, LabError> {
    let failed = |error| LabError::Call { call: "start of a program".to_owned(), error };
    let mut child = ends_with_this(command, Signal::SIGKILL)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let begun = Instant::now();
    while child.try_wait().map_err(failed)?.is_none() {
        if begun.elapsed() > PATIENCE {
            // It is this very child, which nobody has waited for yet.
            let _ = child.kill();
            let _ = child.wait();
            return Err(LabError::Late { waited_for: "the end of a program".to_owned(), patience: PATIENCE });
        }
        sleep(Duration::from_millis(5));
    }
    let mut text = String::new();
    child.stdout.take().map_or(Ok(0), |mut pipe| pipe.read_to_string(&mut text)).map_err(failed)?;
    Ok(text)
}
