//! Decides how a run goes on after somebody else wrote to its targets.

use crate::model::ServiceError;
use crate::plan::{Divergence, Plan, Write};
use crate::services::dataverse::{ChangeSetRefusal, RefusedPart};

/// The writes are sent at most this many times, with a new plan after each conflict: more tries
/// will not win a race that is always lost.
pub(super) const MOST_ROUNDS: usize = 3;

/// The meaning of a new plan that was made after a conflict.
#[derive(Debug)]
pub(super) enum NewPlanVerdict {
    /// All targets are up to date: somebody else wrote the same.
    Done,
    /// The new plan has the same effect as the agreed plan.
    Again,
    /// The new plan has another effect, on these targets.
    Diverged(Vec<Divergence>),
}

/// Compares the agreed plan with a new plan made from the targets' current values.
pub(super) fn judge(agreed: &Plan, now: &Plan) -> NewPlanVerdict {
    if !agreed.same_in_substance(now) {
        NewPlanVerdict::Diverged(agreed.divergences(now))
    } else if now.is_up_to_date() {
        NewPlanVerdict::Done
    } else {
        NewPlanVerdict::Again
    }
}

/// Checks whether a guard no longer held: the row has another version, exists already, or is gone.
pub(super) fn is_conflict(refusal: &ChangeSetRefusal, writes: &[Write]) -> bool {
    let ChangeSetRefusal { error, part } = refusal;
    error.is_conflict() || is_gone(error, *part, writes)
}

/// Checks whether a row that was read no longer exists. A 404 for the whole request says nothing
/// about a row.
fn is_gone(error: &ServiceError, part: RefusedPart, writes: &[Write]) -> bool {
    let is_meant = match part {
        RefusedPart::Whole => false,
        RefusedPart::Untold => writes.iter().any(Write::is_guarded),
        RefusedPart::Write(place) => writes.get(place).is_some_and(Write::is_guarded),
    };
    error.status == 404 && is_meant
}

/// Returns the indexes of the writes whose key is taken by a row that the user cannot see: the
/// write creates a row, the service says that the row exists, and a new plan would still create it.
/// If the service does not say which write it refuses, returns all writes that create rows,
/// provided that none of those rows is visible by now.
pub(super) fn taken_by_unseen_row(
    refusal: &ChangeSetRefusal,
    plan: &Plan,
    now: &Plan,
) -> Vec<usize> {
    let makes = |place: &usize| plan.writes().get(*place).is_some_and(Write::is_new);
    let is_unseen = |place: &usize| makes(place) && now.writes().contains(&plan.writes()[*place]);
    let meant: Vec<usize> = match refusal.part {
        RefusedPart::Write(place) => vec![place],
        RefusedPart::Untold | RefusedPart::Whole => {
            (0..plan.writes().len()).filter(makes).collect()
        }
    };
    let all = refusal.error.is_duplicate_key() && meant.iter().all(is_unseen);
    if all { meant } else { Vec::new() }
}
