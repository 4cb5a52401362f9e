//! Carries out a plan and proves it.
//!
//! Nothing is decided here: the plan holds every write with its guard. All of them go in one
//! change set, or, past a thousand, in change sets one after the other.

mod change_set;
mod writer;

use std::time::Duration;

use crate::api::Fault;
use crate::api::dataverse::{ChangeSetAnswer, MOST_OPERATIONS};
use crate::auth::AuthError;
use crate::discover::{DiscoverError, Reader, reread};
use crate::domain::{Cloud, sentence};
use crate::event::{Event, Listener};
use crate::http::TransportError;
use crate::plan::{Plan, plan};
use crate::state::{Desired, Observed};

pub use writer::Writer;

/// How long to wait before looking again whether a write whose answer was lost is in.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// Why a plan is not carried out, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The service refused, and nothing was written.
    #[error("{0}")]
    Refused(Fault),
    /// Somebody else wrote after the targets were read, and nothing was written.
    #[error("somebody else wrote to a target after it was read: {0}")]
    Conflict(Fault),
    /// The write did not reach the service, and nothing was written.
    #[error("the write did not reach the service")]
    NotSent(#[source] TransportError),
    /// There was no token to write with, and nothing was written.
    #[error("there is no token to write with")]
    NotSignedIn(#[source] AuthError),
    /// The answer to the write was lost, and reading shows that nothing was written.
    #[error(
        "the answer to the write was lost ({cause}); reading back shows that nothing was written"
    )]
    NotWritten {
        /// How it was lost.
        cause: String,
    },
    /// Some change sets are in, and the next one is not.
    #[error("{written} of {total} change sets are in; the next was not taken: {cause}")]
    Partial {
        /// How many are in.
        written: usize,
        /// How many there are.
        total: usize,
        /// Why the next is not.
        cause: String,
    },
    /// Something was or may have been written, and reading back does not show what was planned.
    #[error("{cause}; reading back shows that {} of {} targets do not hold what was planned", .after.writes().len(), .after.changes.len())]
    Unknown {
        /// What happened.
        cause: String,
        /// What would still have to be done.
        after: Box<Plan>,
    },
    /// Something was or may have been written, and reading back failed.
    #[error("{cause}; reading back failed")]
    Unverified {
        /// What happened.
        cause: String,
        /// Why reading back failed.
        #[source]
        source: DiscoverError,
    },
}

/// How a plan was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// By this run.
    ByThisRun,
    /// By another run that wrote the same meanwhile.
    ByAnotherRun,
}

/// What a run knows when it begins to write.
pub struct Applying<'run> {
    /// What reads back.
    pub reader: &'run Reader<'run>,
    /// What should be.
    pub desired: &'run Desired,
    /// What was, when the plan was made.
    pub observed: &'run Observed,
    /// The cloud whose hosts are trusted.
    pub cloud: &'run Cloud,
    /// Whom to tell.
    pub listener: &'run dyn Listener,
}

/// How the writes ended.
enum Sent {
    All,
    Refused { written: usize, fault: Fault },
    Unsent { written: usize, error: NotSent },
    Unclear { written: usize, cause: String },
}

/// Why a change set was not sent.
pub(crate) enum NotSent {
    Transport(TransportError),
    Auth(AuthError),
}

impl Applying<'_> {
    /// Writes what the plan says and reads it back: a plan made anew must be empty.
    ///
    /// # Errors
    /// [`ApplyError`] says what was written and what was not.
    pub async fn apply(&self, to: &Writer<'_>, agreed: &Plan) -> Result<Applied, ApplyError> {
        let sets: Vec<_> = agreed.writes().chunks(MOST_OPERATIONS).collect();
        let total = sets.len();
        let writes = agreed.writes().len();
        self.listener.tell(Event::Writing { writes, change_sets: total });
        match send(to, &sets).await {
            Sent::All => self.verify("the writes were taken").await.map(|()| Applied::ByThisRun),
            Sent::Refused { written: 0, fault } if is_conflict(&fault) => {
                self.conflict(fault).await
            }
            Sent::Refused { written: 0, fault } => Err(ApplyError::Refused(fault)),
            Sent::Unsent { written: 0, error } => Err(error.into()),
            Sent::Refused { written, fault } => {
                Err(ApplyError::Partial { written, total, cause: fault.to_string() })
            }
            Sent::Unsent { written, error } => {
                Err(ApplyError::Partial { written, total, cause: error.to_string() })
            }
            Sent::Unclear { written, cause } => self.look(agreed, written, total, cause).await,
        }
    }

    /// Plans again from what the targets hold now.
    async fn plan_again(&self) -> Result<Plan, DiscoverError> {
        let targets = reread(self.reader, self.desired, &self.observed.targets).await?;
        let flows = self.observed.flows.clone();
        Ok(plan(self.desired, &Observed { flows, targets }, self.cloud))
    }

    /// Makes sure that nothing is left to do.
    async fn verify(&self, cause: &str) -> Result<(), ApplyError> {
        self.listener.tell(Event::Verifying);
        let cause = cause.to_owned();
        match self.plan_again().await {
            Ok(after) if after.is_agreed() => Ok(()),
            Ok(after) => Err(ApplyError::Unknown { cause, after: Box::new(after) }),
            Err(source) => Err(ApplyError::Unverified { cause, source }),
        }
    }

    /// Somebody else wrote first: if they wrote the same, all is well.
    async fn conflict(&self, fault: Fault) -> Result<Applied, ApplyError> {
        match self.plan_again().await {
            Ok(after) if after.is_agreed() => Ok(Applied::ByAnotherRun),
            _ => Err(ApplyError::Conflict(fault)),
        }
    }

    /// An answer was lost: reading shows whether the change set is in. It is looked for twice,
    /// since the service may still be at work on it.
    async fn look(
        &self,
        agreed: &Plan,
        written: usize,
        total: usize,
        cause: String,
    ) -> Result<Applied, ApplyError> {
        self.listener.tell(Event::Verifying);
        let mut after = self.look_once(&cause).await?;
        if !after.is_agreed() {
            tokio::time::sleep(SECOND_LOOK).await;
            after = self.look_once(&cause).await?;
        }
        if after.is_agreed() {
            Ok(Applied::ByThisRun)
        } else if after.writes() == agreed.writes() {
            Err(ApplyError::NotWritten { cause })
        } else if written > 0 && after.writes() == &agreed.writes()[written * MOST_OPERATIONS..] {
            Err(ApplyError::Partial { written, total, cause })
        } else {
            Err(ApplyError::Unknown { cause, after: Box::new(after) })
        }
    }

    async fn look_once(&self, cause: &str) -> Result<Plan, ApplyError> {
        let unverified = |source| ApplyError::Unverified { cause: cause.to_owned(), source };
        self.plan_again().await.map_err(unverified)
    }
}

/// Sends the change sets in order, up to the first that is not committed.
async fn send(writer: &Writer<'_>, sets: &[&[crate::plan::Write]]) -> Sent {
    for (written, set) in sets.iter().enumerate() {
        match writer.send(set).await {
            Ok(ChangeSetAnswer::Committed) => (),
            Ok(ChangeSetAnswer::Refused(fault)) => return Sent::Refused { written, fault },
            Ok(ChangeSetAnswer::Unclear(cause)) => return Sent::Unclear { written, cause },
            Err(NotSent::Transport(error)) if !error.is_never_sent() => {
                return Sent::Unclear { written, cause: sentence(&error) };
            }
            Err(error) => return Sent::Unsent { written, error },
        }
    }
    Sent::All
}

/// Whether a guard no longer held: the row has another version, or is there already.
fn is_conflict(fault: &Fault) -> bool {
    let codes =
        ["0x80060882", "0x80060892", "0x80040237", "0x80073002", "0x80060891", "0x80040217"];
    fault.status == 412 || codes.iter().any(|code| fault.is(code))
}

impl From<NotSent> for ApplyError {
    fn from(error: NotSent) -> Self {
        match error {
            NotSent::Transport(error) => Self::NotSent(error),
            NotSent::Auth(error) => Self::NotSignedIn(error),
        }
    }
}

impl std::fmt::Display for NotSent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(formatter),
            Self::Auth(error) => error.fmt(formatter),
        }
    }
}
