//! What becomes of a run that somebody else got in the way of.

use crate::plan::{Divergence, Plan};

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
