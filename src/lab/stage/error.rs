//! Why a lab could not be run to its end.

use std::time::Duration;

use crate::kernel::OsError;
use crate::lab::plan::PlanError;

/// Why a lab could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The kernel refused a step.
    #[error("{0}")]
    Os(#[source] OsError),
    /// What the lab waited for did not come.
    #[error("{waited_for} did not happen within {} s", patience.as_secs_f32())]
    Late {
        /// What it was.
        waited_for: String,
        /// How long the lab waited.
        patience: Duration,
    },
    /// A call of the lab's own program failed where the lab needs it to succeed.
    #[error("{call} failed: {error}")]
    Call {
        /// The call.
        call: String,
        /// Its error.
        error: std::io::Error,
    },
    /// What was seen could not be shown.
    #[error("{0}")]
    Show(#[source] std::io::Error),
    /// A plan that cannot be built.
    #[error("{0}")]
    Plan(#[source] PlanError),
    /// Somebody who stepped through the lab left it.
    #[error("left by the user")]
    Left,
}

impl From<OsError> for LabError {
    fn from(error: OsError) -> Self {
        LabError::Os(error)
    }
}
