//! Carries out a plan and verifies the result.
//!
//! Nothing is decided here: the plan holds every write with its guard, and all of them go in one
//! change set. The service's answer is not trusted: the targets are read and planned again. If a
//! guard no longer holds, the run goes on only if the new plan has the same effect.

mod change_set;
mod conflict;
mod created;
mod error;
mod goal;
mod progress;
#[cfg(test)]
mod tests;
mod write;
mod writer;

use std::time::Duration;

use crate::discover::Reader;
use crate::model::{Cloud, Listener};
use crate::plan::{Plan, PlannedStage};

pub(crate) use created::{CreatedRow, RowState};
pub(crate) use error::{ApplyError, Refused, RollbackReach};
pub(crate) use goal::Goal;
pub(crate) use progress::Progress;

/// The pauses before each check whether a write whose answer was lost was carried out. Dataverse
/// gives up on a request after two minutes
/// (<https://learn.microsoft.com/power-apps/developer/data-platform/api-limits>), so that a write
/// that is not carried out by then never will be.
pub(crate) const LOOK_PAUSES: &[Duration] = &[
    Duration::ZERO,
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(40),
    Duration::from_mins(1),
];

/// Who carried the plan out, and whether it was planned again.
#[derive(Debug)]
pub(crate) enum Applied {
    /// By this run.
    ByThisRun,
    /// By this run, after somebody else had written: this is the new plan, which has the same
    /// effect.
    ByThisRunAnew(Plan),
    /// By another run that wrote the same meanwhile: this is the new plan.
    ByAnotherRun(Plan),
    /// The service refused the writes, but all of them were carried out.
    ThoughRefused {
        /// What the service said.
        refused: Refused,
        /// The new plan, if somebody else had written before.
        anew: Option<Plan>,
    },
}

/// Everything that a run needs to write.
pub(crate) struct ApplyRun<'run> {
    /// The reader that reads the targets back.
    pub reader: &'run Reader<'run>,
    /// The goal of the apply, from which it is planned again.
    pub goal: Goal<'run>,
    /// Whether to go on after a conflict if the new plan has the same effect: not with a
    /// reviewed plan or a journal, which both bind the run to the plan that was shown.
    pub may_replan: bool,
    /// The cloud whose hosts are trusted.
    pub cloud: &'run Cloud,
    /// The receiver of events.
    pub listener: &'run dyn Listener,
    /// The pauses before each check for a write whose answer was lost: [`LOOK_PAUSES`].
    pub look_pauses: &'run [Duration],
    /// The phase of the writing.
    pub progress: Progress,
}

impl ApplyRun<'_> {
    /// Carries out the stages of the plan, one after the other.
    ///
    /// # Errors
    /// Returns an [`ApplyError`], which says what was written and what was not.
    pub(crate) async fn apply(&self, agreed: &Plan) -> Result<Applied, ApplyError> {
        let mut applied = Applied::ByThisRun;
        for stage in agreed.stages() {
            applied = match stage {
                PlannedStage::Write(_) => self.carry_out_writes(agreed).await?,
            };
        }
        Ok(applied)
    }

    /// Stops the run from sending anything more, after an interrupt. Requests under way go on.
    pub(crate) fn stop(&self) {
        self.progress.stop();
    }

    /// Returns the error of a run that is interrupted now.
    pub(crate) fn interruption_error(&self) -> ApplyError {
        let answered = self.reader.answered_writes();
        self.progress.interruption_error(self.reader.is_writing(), answered)
    }
}
