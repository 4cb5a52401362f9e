//! The errors of an apply: what was not written, and what is not known.

use std::fmt;

use crate::discover::DiscoverError;
use crate::model::{Problem, ServiceError};
use crate::plan::{Divergence, Plan, TargetResult, TargetState};
use crate::services::dataverse::{ChangeSetRefusal, RefusedPart};
use crate::sign_in::SendError;

use super::CreatedRow;

/// At most this many targets of one row are named.
const MOST_NAMES: usize = 3;

/// The message for a guard that no longer holds.
const MOVED: &str = "somebody else wrote to a target after it was read";

/// The message for a guard that no longer holds, although the rows read the same as before.
const UNMOVED: &str = "the service says that a row was changed after it was read, but reading it again shows no change";

/// The service's refusal of a plan's writes, with the targets that it is about.
#[derive(Debug)]
pub struct Refused {
    /// What the service said.
    pub error: ServiceError,
    /// The part of the writes that was refused.
    part: RefusedPart,
    /// The addresses of the targets of the refused write.
    pub targets: Vec<String>,
    /// The number of writes that were sent.
    writes: usize,
}

/// An apply that failed, or whose outcome is not known.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The service refused, and reading back shows that nothing was written.
    #[error("{0}")]
    Refused(Refused),
    /// The service refused, and what the targets hold could not be read.
    #[error("{refused}; reading back failed, so it is not known whether anything was written")]
    Unchecked {
        /// What the service said.
        refused: Refused,
        /// Why reading back failed.
        #[source]
        source: DiscoverError,
    },
    /// Somebody else wrote after the targets were read, and nothing was written.
    #[error("{}: {refused}", if *unmoved { UNMOVED } else { MOVED })]
    Conflict {
        /// What the service said.
        refused: Refused,
        /// The targets that changed; none if no target changed or they could not be read.
        both: Vec<Divergence>,
        /// The problems of a new plan made from the targets' current values.
        problems: Vec<Problem>,
        /// Whether reading again shows every row as it was.
        unmoved: bool,
    },
    /// The key of a new row is taken by a row that the user cannot see.
    #[error(
        "a row with the key of {} already exists, but reading does not find it: the user may not read it, or something in the environment changes the key: {}",
        names(.targets), .refused.error
    )]
    KeyTaken {
        /// What the service said.
        refused: Refused,
        /// The addresses of the targets whose row was to be created.
        targets: Vec<String>,
        /// Whether the key is the name of a variable's value.
        of_value_name: bool,
    },
    /// The write did not reach the service, or there was no token to write with.
    #[error(transparent)]
    NotSent(#[from] SendError),
    /// The answer to the write was lost, and reading shows that nothing was written.
    #[error("{cause}; reading back shows that nothing was written")]
    NotWritten {
        /// How it was lost.
        cause: String,
        /// Whether the write was to create rows, which are looked for by their keys alone.
        has_new_rows: bool,
    },
    /// Somebody interrupted the run, and nothing was written.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// Somebody interrupted the run while a write that was turned away waited to be sent again.
    #[error(
        "interrupted after Dataverse had refused the write (429 or 401): it should not be carried out, but the targets were not read back"
    )]
    TurnedAway,
    /// Somebody interrupted the run before its outcome was known.
    #[error("outcome unknown: the run was interrupted while {doubt}")]
    Abandoned {
        /// What is not known.
        doubt: &'static str,
    },
    /// The service accepted the writes, and reading back shows something else than was sent.
    #[error("outcome unknown: {cause}, but reading back shows other values than were sent")]
    Altered {
        /// What happened.
        cause: String,
        /// The result for each target.
        results: Vec<TargetResult>,
        /// The rows that the service says it created, but that are not found by their keys.
        created: Vec<CreatedRow>,
        /// What would still have to be done.
        after: Box<Plan>,
    },
    /// Something was or may have been written, and reading back does not show what was planned.
    #[error("outcome unknown: {cause}, but reading back shows other values than were planned")]
    Unknown {
        /// What happened.
        cause: String,
        /// What would still have to be done.
        after: Box<Plan>,
        /// The result for each target.
        results: Vec<TargetResult>,
        /// Whether a new row may exist that is not found by its key.
        may_repeat: bool,
    },
    /// Something was or may have been written, and reading back failed.
    #[error("outcome unknown: {cause}, but reading back failed")]
    Unverified {
        /// What happened.
        cause: String,
        /// Why reading back failed.
        #[source]
        source: DiscoverError,
    },
}

impl Refused {
    /// Adds the targets of the refused write to the service's refusal.
    pub(super) fn from_change_set(refusal: &ChangeSetRefusal, plan: &Plan) -> Self {
        let ChangeSetRefusal { error, part } = refusal.clone();
        let targets = match part {
            RefusedPart::Write(write) => plan.targets_of(write).to_vec(),
            RefusedPart::Whole | RefusedPart::Untold => Vec::new(),
        };
        Self { error, part, targets, writes: plan.writes().len() }
    }

    /// Checks whether the service rejected the request unread: it did not accept the token (401),
    /// or it throttles requests (429).
    pub fn is_turned_away(&self) -> bool {
        matches!(self.error.status, 401 | 429)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { error, part, targets, writes } = self;
        match part {
            RefusedPart::Write(_) if !targets.is_empty() => {
                write!(formatter, "the write to {} was refused: {error}", names(targets))
            }
            RefusedPart::Untold if *writes > 1 => {
                write!(
                    formatter,
                    "{error}; the service did not say which of {writes} rows it refuses"
                )
            }
            _ => error.fmt(formatter),
        }
    }
}

impl ApplyError {
    /// Checks whether waiting may show more of what was written.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Abandoned { .. })
    }

    /// Checks whether it is known that nothing was written.
    pub fn is_nothing_written(&self) -> bool {
        matches!(
            self,
            Self::Refused(_)
                | Self::Conflict { .. }
                | Self::KeyTaken { .. }
                | Self::NotSent(_)
                | Self::NotWritten { .. }
                | Self::Interrupted
        )
    }

    /// Returns how far a rollback by the journal of this apply undoes what was written.
    pub fn rollback_reach(&self) -> RollbackReach {
        let (results, created): (_, &[CreatedRow]) = match self {
            Self::Altered { results, created, .. } => (results, created),
            Self::Unknown { results, .. } => (results, &[]),
            _ => return RollbackReach::All,
        };
        let is_changed = |one: &TargetResult| one.state == TargetState::Changed || one.is_unread();
        if results.iter().any(|one| one.is_unread() && one.row.is_some()) {
            RollbackReach::Refused
        } else if results.iter().any(is_changed) || created.iter().any(CreatedRow::is_changed) {
            RollbackReach::Unchanged
        } else if matches!(self, Self::Unknown { may_repeat: true, .. }) || !created.is_empty() {
            RollbackReach::Found
        } else {
            RollbackReach::All
        }
    }

    /// Returns the result for each target of the plan, if the service answered the write.
    pub fn results(&self, plan: &Plan) -> Vec<TargetResult> {
        let refused = |targets: &[String]| {
            let mut results = plan.nothing_written();
            let meant = results.iter_mut().filter(|one| targets.contains(&one.address));
            meant.for_each(|one| one.state = TargetState::Refused);
            results
        };
        match self {
            Self::Refused(Refused { targets, .. }) | Self::KeyTaken { targets, .. } => {
                refused(targets)
            }
            Self::Altered { results, .. } | Self::Unknown { results, .. } => results.clone(),
            _ => Vec::new(),
        }
    }
}

/// How far a rollback undoes an apply whose outcome is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackReach {
    /// It undoes all that was written.
    All,
    /// It undoes all but a new row that it does not find.
    Found,
    /// It undoes the targets that still hold what was written, and is refused unless it is told to
    /// skip the others.
    Unchanged,
    /// It is refused: a row that was written is no longer found by its key.
    Refused,
}

/// Formats the names of targets: the first few, and the number of the others.
pub(crate) fn names(targets: &[String]) -> String {
    let shown = targets.iter().take(MOST_NAMES).map(|address| format!("`{address}`"));
    let more = targets.len().saturating_sub(MOST_NAMES);
    let more = (more > 0).then(|| format!("{more} more"));
    shown.chain(more).collect::<Vec<_>>().join(", ")
}
