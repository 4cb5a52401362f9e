//! Carries out a plan and proves it.
//!
//! Nothing is decided here: the plan holds every write with its guard. All of them go in one
//! change set, or, past a thousand, in change sets one after the other. If a guard no longer holds,
//! the targets are read and planned anew, and the run goes on if that is the same in substance.

mod change_set;
mod conflict;
mod error;
mod goal;
#[cfg(test)]
mod tests;
mod writer;

use std::time::Duration;

use crate::api::Fault;
use crate::api::dataverse::{ChangeSetAnswer, MOST_OPERATIONS};
use crate::auth::SendError;
use crate::discover::{DiscoverError, Reader};
use crate::domain::{Cloud, sentence};
use crate::event::{Event, Listener};
use crate::plan::{Divergence, Plan, Write};
use crate::stage::Stage;

use conflict::{MOST_ROUNDS, Verdict, is_conflict, judge};

pub use error::ApplyError;
pub use goal::Goal;
pub use writer::Writer;

/// When to look whether a write whose answer was lost is in, each after a pause. Dataverse
/// itself gives up on a request after two minutes
/// (<https://learn.microsoft.com/power-apps/developer/data-platform/api-limits>), so that what is
/// not in by then will not come.
pub const LOOKS: &[Duration] = &[
    Duration::ZERO,
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(40),
    Duration::from_mins(1),
];

/// The time that a write and its verification have, whatever was left of the run's.
const FINISH: Duration = Duration::from_mins(5);

/// How a plan was carried out.
#[derive(Debug)]
pub enum Applied {
    /// By this run.
    ByThisRun,
    /// By this run, after somebody else had written: this is what was planned anew, the same in
    /// substance.
    ByThisRunAnew(Plan),
    /// By another run that wrote the same meanwhile: this is what was planned anew.
    ByAnotherRun(Plan),
}

/// What a run knows when it begins to write.
pub struct Applying<'run> {
    /// What reads back.
    pub reader: &'run Reader<'run>,
    /// What is applied, and how it is planned again.
    pub goal: Goal<'run>,
    /// Whether to go on after a conflict by a plan that is the same in substance: not if what is
    /// written was noted down beforehand, row by row.
    pub goes_on: bool,
    /// The cloud whose hosts are trusted.
    pub cloud: &'run Cloud,
    /// Whom to tell.
    pub listener: &'run dyn Listener,
    /// When to look whether a write whose answer was lost is in: [`LOOKS`].
    pub looks: &'run [Duration],
}

/// How the writes ended: some change sets are in, and what became of the next.
enum Sent {
    All,
    Refused { written: usize, fault: Fault },
    Unsent { written: usize, error: SendError },
    Unclear { written: usize, cause: String },
}

/// A guard that no longer held, and how many change sets are in, of how many.
struct Conflict {
    written: usize,
    total: usize,
    fault: Fault,
}

impl Applying<'_> {
    /// Writes what the plan says and reads it back: a plan made anew must be empty.
    ///
    /// # Errors
    /// [`ApplyError`] says what was written and what was not.
    pub async fn apply(&self, to: &Writer<'_>, agreed: &Plan) -> Result<Applied, ApplyError> {
        let mut anew = None;
        let mut written = 0;
        for rounds_left in (0..MOST_ROUNDS).rev() {
            let plan = anew.as_ref().unwrap_or(agreed);
            let Some(conflict) = self.write(to, plan, written).await? else {
                return Ok(match anew {
                    // What earlier change sets wrote agrees in the newer plan.
                    Some(plan) if written == 0 => Applied::ByThisRunAnew(plan),
                    _ => Applied::ByThisRun,
                });
            };
            written = conflict.written;
            self.listener.tell(Event::PlanningAgain);
            let Ok(now) = self.plan_again().await else { return Err(conflict.end(None, vec![])) };
            match judge(agreed, &now) {
                Verdict::Done if written == 0 => {
                    self.listener.tell(Event::WrittenElsewhere);
                    return Ok(Applied::ByAnotherRun(now));
                }
                Verdict::Done => return Ok(Applied::ByThisRun),
                Verdict::Again if rounds_left == 0 || !self.goes_on => {
                    return Err(conflict.end(None, vec![]));
                }
                Verdict::Again => anew = Some(now),
                Verdict::Diverged(both) => return Err(conflict.end(Some(now), both)),
            }
        }
        Ok(Applied::ByThisRun)
    }

    /// Sends the writes of a plan, after so many change sets that are in already, and proves them;
    /// a conflict if a guard no longer held.
    async fn write(
        &self,
        to: &Writer<'_>,
        plan: &Plan,
        before: usize,
    ) -> Result<Option<Conflict>, ApplyError> {
        let sets: Vec<&[Write]> = plan.writes().chunks(MOST_OPERATIONS).collect();
        let total = before + sets.len();
        self.listener.tell(Event::Writing { writes: plan.writes().len(), change_sets: sets.len() });
        self.reader.extend_deadline(FINISH);
        match send(to, &sets).await {
            Sent::All => self.verify().await,
            Sent::Refused { written, fault } if is_conflict(&fault) => {
                Ok(Some(Conflict { written: before + written, total, fault }))
            }
            Sent::Refused { written, fault } if before + written == 0 => {
                Err(ApplyError::Refused(fault))
            }
            Sent::Unsent { written, error } if before + written == 0 => Err(error.into()),
            Sent::Refused { written, fault } => {
                let cause = fault.to_string();
                Err(ApplyError::Partial { written: before + written, total, cause })
            }
            Sent::Unsent { written, error } => {
                let cause = sentence(&error);
                Err(ApplyError::Partial { written: before + written, total, cause })
            }
            Sent::Unclear { written, cause } => {
                self.look(&sets[written..], before + written, total, cause).await
            }
        }
    }

    /// Plans again from what the targets hold now.
    async fn plan_again(&self) -> Result<Plan, DiscoverError> {
        self.goal.plan(self.reader, self.cloud).await
    }

    /// Makes sure that nothing is left to do.
    async fn verify(&self) -> Result<Option<Conflict>, ApplyError> {
        self.listener.tell(Event::Verifying);
        let cause = "the service took the write".to_owned();
        match Stage::Verify.log(self.plan_again()).await {
            Ok(after) if after.is_agreed() => Ok(None),
            Ok(after) => Err(ApplyError::Unknown { cause, after: Box::new(after) }),
            Err(source) => Err(ApplyError::Unverified { cause, source }),
        }
    }

    /// An answer was lost: reading shows whether its change set is in, until the service must
    /// have given up on it. `open` are the change sets that are not known to be in.
    async fn look(
        &self,
        open: &[&[Write]],
        written: usize,
        total: usize,
        cause: String,
    ) -> Result<Option<Conflict>, ApplyError> {
        self.listener.tell(Event::Looking { longest: self.looks.iter().sum() });
        let cause = format!("the write was sent and its answer lost ({cause})");
        let mut after = Plan::default();
        for pause in self.looks {
            tokio::time::sleep(*pause).await;
            after = match self.plan_again().await {
                Ok(after) => after,
                Err(source) => return Err(ApplyError::Unverified { cause, source }),
            };
            if after.is_agreed() {
                return Ok(None);
            }
        }
        match written {
            _ if after.writes() != open.concat() => {
                Err(ApplyError::Unknown { cause, after: Box::new(after) })
            }
            0 => Err(ApplyError::NotWritten { cause }),
            _ => Err(ApplyError::Partial { written, total, cause }),
        }
    }
}

impl Conflict {
    /// The end of a run that cannot go on, with what was planned anew and where it differs.
    fn end(self, now: Option<Plan>, both: Vec<Divergence>) -> ApplyError {
        let Self { written, total, fault } = self;
        if written > 0 {
            return ApplyError::Partial { written, total, cause: fault.to_string() };
        }
        let problems = now.map(|now| now.problems).unwrap_or_default();
        ApplyError::Conflict { fault, both, problems }
    }
}

/// Sends the change sets in order, up to the first that is not committed.
async fn send(writer: &Writer<'_>, sets: &[&[Write]]) -> Sent {
    for (written, set) in sets.iter().enumerate() {
        match writer.send(set).await {
            Ok(ChangeSetAnswer::Committed) => (),
            Ok(ChangeSetAnswer::Refused(fault)) => return Sent::Refused { written, fault },
            Ok(ChangeSetAnswer::Unclear(cause)) => return Sent::Unclear { written, cause },
            Err(SendError::Transport(error)) if !error.is_never_sent() => {
                return Sent::Unclear { written, cause: sentence(&error) };
            }
            Err(error) => return Sent::Unsent { written, error },
        }
    }
    Sent::All
}
