//! The programs' calls, and what a lab waits for.

use std::time::Duration;

use super::{LabError, PATIENCE, Stage};
use crate::lab::observation::What;
use crate::lab::program::{Outcome, Pending, Program};

/// A condition that no event announces, such as a timer in a kernel, is asked for again after this.
const POLL_AGAIN: Duration = Duration::from_millis(20);

impl Stage<'_> {
    /// Begins a call on a program and returns at once; the wire does not move meanwhile.
    ///
    /// # Errors
    /// As [`Stage::turn`].
    pub fn begin<T: Outcome + Send + 'static>(
        &mut self,
        program: &Program,
        call: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Pending<T>, LabError> {
        let id = self.announce(program.host, call)?;
        Ok(program.begin(id, &self.inbox, work))
    }

    /// Tells that a call begins, and gives it a number.
    fn announce(&mut self, host: usize, call: &str) -> Result<u64, LabError> {
        let id = self.next_call;
        self.next_call = id.saturating_add(1);
        self.calls.push((id, host, call.to_owned()));
        self.record(What::Call { host, call: call.to_owned() })?;
        Ok(id)
    }

    /// Moves frames until the call comes back.
    ///
    /// # Errors
    /// [`LabError::Late`] when it does not, and as [`Stage::turn`].
    #[expect(clippy::needless_pass_by_value, reason = "a call is waited for once")]
    pub fn finish<T>(&mut self, pending: Pending<T>) -> Result<T, LabError> {
        let call = self.wait_for(pending.id)?;
        pending.take().ok_or(LabError::Late { waited_for: call, patience: self.patience })
    }

    /// Moves frames until call number `id` has come back, and tells its name.
    fn wait_for(&mut self, id: u64) -> Result<String, LabError> {
        let call = self.calls.iter().find(|(open, ..)| *open == id).map(|(.., call)| call.clone());
        let call = call.unwrap_or_else(|| "the call".to_owned());
        self.until(&call, self.patience, |stage| !stage.calls.iter().any(|(open, ..)| *open == id))?;
        Ok(call)
    }

    /// Makes a call and moves frames until it comes back.
    ///
    /// # Errors
    /// As [`Stage::finish`].
    pub fn call<T: Outcome + Send + 'static>(
        &mut self,
        program: &Program,
        call: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LabError> {
        let pending = self.begin(program, call, work)?;
        self.finish(pending)
    }

    /// Moves frames until `done`.
    ///
    /// # Errors
    /// [`LabError::Late`] after `patience`, and as [`Stage::turn`].
    pub fn until(
        &mut self,
        waited_for: &str,
        patience: Duration,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> Result<(), LabError> {
        self.until_done(waited_for, patience, &mut done)
    }

    /// As [`Stage::until`], once for all conditions: labs have hundreds of them.
    fn until_done(
        &mut self,
        waited_for: &str,
        patience: Duration,
        done: &mut dyn FnMut(&mut Self) -> bool,
    ) -> Result<(), LabError> {
        let mut deadline = self.now().saturating_add(patience);
        while !done(self) {
            let before = self.now();
            if before >= deadline {
                return Err(LabError::Late { waited_for: waited_for.to_owned(), patience });
            }
            let thought = self.turn(deadline.saturating_sub(before).min(POLL_AGAIN))?;
            // Time in which somebody thought is not the kernels' time.
            deadline = deadline.saturating_add(thought);
        }
        Ok(())
    }

    /// Moves frames for as long as there are any, and until nothing moved for `quiet`.
    ///
    /// # Errors
    /// As [`Stage::turn`].
    pub fn settle(&mut self, quiet: Duration) -> Result<(), LabError> {
        let start = self.now();
        self.last_activity = self.last_activity.max(start);
        self.until("silence on the wire", self.patience, |stage| {
            stage.now().saturating_sub(stage.last_activity) >= quiet && stage.waiting.is_quiet()
        })
    }

    /// Moves frames for this time.
    ///
    /// # Errors
    /// As [`Stage::turn`].
    pub fn pass_time(&mut self, time: Duration) -> Result<(), LabError> {
        let end = self.now().saturating_add(time);
        self.until("the end of a pause", time.saturating_add(PATIENCE), |stage| stage.now() >= end)
    }
}
