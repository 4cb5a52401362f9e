//! Carries out a plan and proves it.
//!
//! Nothing is decided here: the plan holds every write with its guard. All of them go in one
//! change set, or, past a thousand, in change sets one after the other.

mod change_set;
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
use crate::plan::{Plan, Write};

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
    /// By another run that wrote the same meanwhile: this is what was planned anew.
    ByAnotherRun(Plan),
}

/// What a run knows when it begins to write.
pub struct Applying<'run> {
    /// What reads back.
    pub reader: &'run Reader<'run>,
    /// What is applied, and how it is planned again.
    pub goal: Goal<'run>,
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

impl Applying<'_> {
    /// Writes what the plan says and reads it back: a plan made anew must be empty.
    ///
    /// # Errors
    /// [`ApplyError`] says what was written and what was not.
    pub async fn apply(&self, to: &Writer<'_>, agreed: &Plan) -> Result<Applied, ApplyError> {
        let sets: Vec<&[Write]> = agreed.writes().chunks(MOST_OPERATIONS).collect();
        let (writes, total) = (agreed.writes().len(), sets.len());
        self.listener.tell(Event::Writing { writes, change_sets: total });
        self.reader.extend_deadline(FINISH);
        match send(to, &sets).await {
            Sent::All => self.verify().await,
            Sent::Refused { written: 0, fault } if is_conflict(&fault) => {
                self.conflict(fault).await
            }
            Sent::Refused { written: 0, fault } => Err(ApplyError::Refused(fault)),
            Sent::Unsent { written: 0, error } => Err(error.into()),
            Sent::Refused { written, fault } => {
                Err(ApplyError::Partial { written, total, cause: fault.to_string() })
            }
            Sent::Unsent { written, error } => {
                Err(ApplyError::Partial { written, total, cause: sentence(&error) })
            }
            Sent::Unclear { written, cause } => self.look(&sets, written, cause).await,
        }
    }

    /// Plans again from what the targets hold now.
    async fn plan_again(&self) -> Result<Plan, DiscoverError> {
        self.goal.plan(self.reader, self.cloud).await
    }

    /// Makes sure that nothing is left to do.
    async fn verify(&self) -> Result<Applied, ApplyError> {
        self.listener.tell(Event::Verifying);
        let cause = "the service took the write".to_owned();
        match self.plan_again().await {
            Ok(after) if after.is_agreed() => Ok(Applied::ByThisRun),
            Ok(after) => Err(ApplyError::Unknown { cause, after: Box::new(after) }),
            Err(source) => Err(ApplyError::Unverified { cause, source }),
        }
    }

    /// Somebody else wrote first: if they wrote the same, all is well.
    async fn conflict(&self, fault: Fault) -> Result<Applied, ApplyError> {
        self.listener.tell(Event::Verifying);
        match self.plan_again().await {
            Ok(after) if after.is_agreed() => {
                self.listener.tell(Event::WrittenElsewhere);
                Ok(Applied::ByAnotherRun(after))
            }
            _ => Err(ApplyError::Conflict(fault)),
        }
    }

    /// An answer was lost: reading shows whether its change set is in, until the service must
    /// have given up on it.
    async fn look(
        &self,
        sets: &[&[Write]],
        written: usize,
        cause: String,
    ) -> Result<Applied, ApplyError> {
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
                return Ok(Applied::ByThisRun);
            }
        }
        let open = sets[written..].concat();
        match written {
            0 if after.writes() == open => Err(ApplyError::NotWritten { cause }),
            _ if after.writes() == open => {
                Err(ApplyError::Partial { written, total: sets.len(), cause })
            }
            _ => Err(ApplyError::Unknown { cause, after: Box::new(after) }),
        }
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

/// Whether a guard no longer held: the row has another version, is there already, or is gone.
fn is_conflict(fault: &Fault) -> bool {
    let codes =
        ["0x80060882", "0x80060892", "0x80040237", "0x80073002", "0x80060891", "0x80040217"];
    fault.status == 412 || codes.iter().any(|code| fault.is(code))
}
