//! What becomes of a run that somebody else got in the way of.

use crate::model::ServiceError;
use crate::plan::{Divergence, Plan, Write};
use crate::services::dataverse::{ChangeSetRefusal, RefusedPart};

/// How often the writes are sent at most, planned anew after each conflict: whoever always loses
/// is in a race that more tries will not end.
pub(super) const MOST_ROUNDS: usize = 3;

/// What a plan that was made anew after a conflict means.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Everything is as it should be: somebody else wrote the same.
    Done,
    /// What is left to do is what was agreed to.
    Again,
    /// It is not, and these targets show it.
    Diverged(Vec<Divergence>),
}

/// Compares the plan that was agreed to with one of what the targets hold now.
pub(super) fn judge(agreed: &Plan, now: &Plan) -> Verdict {
    if !agreed.same_in_substance(now) {
        Verdict::Diverged(agreed.divergences(now))
    } else if now.is_agreed() {
        Verdict::Done
    } else {
        Verdict::Again
    }
}

/// Tells whether a guard no longer held: the row has another version, is there already, or is gone.
pub(super) fn is_conflict(refusal: &ChangeSetRefusal, writes: &[Write]) -> bool {
    let ChangeSetRefusal { error, part } = refusal;
    error.is_conflict() || is_gone(error, *part, writes)
}

/// Tells whether a row that was read is not there any more. A 404 for the request as a whole says
/// nothing of a row.
fn is_gone(error: &ServiceError, part: RefusedPart, writes: &[Write]) -> bool {
    let is_meant = match part {
        RefusedPart::Whole => false,
        RefusedPart::Untold => writes.iter().any(Write::is_guarded),
        RefusedPart::Write(place) => writes.get(place).is_some_and(Write::is_guarded),
    };
    error.status == 404 && is_meant
}

/// Returns the places of the writes whose key a row has that nobody sees here: they make a row, the
/// service says that it is there, and a plan made anew would make it all the same. Where the service
/// does not tell which write it means, they are all that make rows, if none of those is seen by now.
pub(super) fn taken_unseen(refusal: &ChangeSetRefusal, plan: &Plan, now: &Plan) -> Vec<usize> {
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
