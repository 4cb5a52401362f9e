//! Finds changes between the review of a plan and its apply.

use std::collections::BTreeMap;

use super::{ReviewHead, Reviewed, ReviewedChange, User};
use crate::model::{Code, EntityTag, EnvironmentId, Problem, UrlAccess};
use crate::plan::{Action, Change, Plan, ValueView};

/// What to do about anything that moved.
const AGAIN: &str = "make a new plan with `flowbind plan --out`, and have it reviewed";

/// The environment and the user of the run that applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Present {
    /// The environment's id.
    pub environment_id: EnvironmentId,
    /// Who is signed in.
    pub user: User,
}

impl Reviewed {
    /// Returns the problems that are known before any request: the manifest changed, or the plan
    /// expired.
    pub(crate) fn problems_before_requests(
        &self,
        manifest_sha256: &str,
        now: &str,
    ) -> Vec<Problem> {
        let made = &self.head.made;
        let mut problems = Vec::new();
        if self.head.manifest_sha256 != manifest_sha256 {
            let message = format!("the manifest changed after the plan was made at {made}");
            problems.push(problem(Code::PlanManifest, message));
        }
        problems.extend(self.expired(now));
        problems
    }

    /// Returns a problem if the plan has expired.
    fn expired(&self, now: &str) -> Option<Problem> {
        let expires = &self.head.expires;
        let over = expires.as_str() <= now;
        over.then(|| problem(Code::PlanExpired, format!("the plan expired at {expires}")))
    }

    /// Checks whether the problems say that the environment or the user is another than the
    /// reviewed one. Then all other differences follow from that and are not reported.
    pub(crate) fn is_other_environment_or_user(moved: &[Problem]) -> bool {
        let elsewhere = [Code::PlanEnvironment, Code::PlanUser];
        moved.iter().any(|problem| elsewhere.contains(&problem.code))
    }

    /// Returns the problems that are known once the environment was read. `plan` was made anew,
    /// and is the same in substance if each target either gets the reviewed value over the
    /// reviewed value and row version, or already has the reviewed value. The plan may also have
    /// expired since the run began.
    pub(crate) fn problems_since_review(
        &self,
        present: &Present,
        plan: &Plan,
        now: &str,
    ) -> Vec<Problem> {
        let ReviewHead { environment, environment_id, user, .. } = &self.head;
        let mut problems = Vec::new();
        if environment_id.parse().as_ref() != Ok(&present.environment_id) {
            let message = format!(
                "the plan was made for {environment} with the id {environment_id}, but this environment has the id {}",
                present.environment_id
            );
            problems.push(problem(Code::PlanEnvironment, message));
        }
        if !user.is_same_user(&present.user) {
            let message = format!("the plan was made by {user}, but {} is signed in", present.user);
            problems.push(problem(Code::PlanUser, message));
        }
        // Elsewhere, and to others, everything is another than it was.
        if problems.is_empty() {
            problems = self.moved_changes(plan);
        }
        problems.extend(self.expired(now));
        problems
    }

    /// Returns a problem for each target that changed since the review, in the manifest's order.
    fn moved_changes(&self, plan: &Plan) -> Vec<Problem> {
        let mut reviewed: BTreeMap<&str, &ReviewedChange> =
            self.changes.iter().map(|change| (change.address.as_str(), change)).collect();
        let mut problems = Vec::new();
        for change in &plan.changes {
            let how = match reviewed.remove(change.address.as_str()) {
                Some(reviewed) => reviewed.moved(change),
                None => Some("was not in the plan".to_owned()),
            };
            problems.extend(how.map(|how| Problem {
                address: Some(change.address.clone()),
                site: change.site,
                ..problem(Code::PlanMoved, how)
            }));
        }
        // A target that cannot be planned any more has a problem that says why.
        problems
    }
}

impl ReviewedChange {
    /// Describes how a target changed since the review; none if it did not.
    fn moved(&self, now: &Change) -> Option<String> {
        if self.after != now.after {
            let (was, is) =
                (ValueView::describe(self.after.as_ref()), ValueView::describe(now.after.as_ref()));
            let how = self.turned(now);
            return Some(format!("the flow's URL was {was}, and now is {is}{how}"));
        }
        if now.action == Action::NoOp {
            return None;
        }
        if self.before != now.before || self.action != now.action {
            let (was, is) = (
                ValueView::describe(self.before.as_ref()),
                ValueView::describe(now.before.as_ref()),
            );
            let how =
                as_sentence_end(visible_difference(self.before.as_ref(), now.before.as_ref()));
            return Some(format!("the target held {was}, and now holds {is}{how}"));
        }
        let guard = now.guard.as_ref().map(EntityTag::as_str);
        (self.guard.as_deref() != guard).then(|| {
            "the row, or the default that it uses, was written after the plan was made".to_owned()
        })
    }
}

impl ReviewedChange {
    /// Describes how the flow's URL changed since the review, as the end of a sentence. If the
    /// target holds the reviewed URL, the differing parts are known from the new plan.
    fn turned(&self, now: &Change) -> String {
        if self.after == now.before && !now.differences.is_empty() {
            return as_sentence_end(Some(&now.reason));
        }
        as_sentence_end(visible_difference(self.after.as_ref(), now.after.as_ref()))
    }
}

/// Describes how two URLs differ, as far as their views show it; none if one is no URL of a flow,
/// or if their kinds already differ.
fn visible_difference(was: Option<&ValueView>, is: Option<&ValueView>) -> Option<&'static str> {
    let (Some(ValueView::Url(was)), Some(ValueView::Url(is))) = (was, is) else { return None };
    match (was.kind, is.kind) {
        _ if was.host != is.host => Some("another host"),
        (UrlAccess::Signed, UrlAccess::Signed) => {
            Some("the signature was rotated, or a part other than the host differs")
        }
        (was, is) if was == is => Some("a part other than the host differs"),
        _ => None,
    }
}

/// Formats a difference as the end of a sentence.
fn as_sentence_end(difference: Option<&str>) -> String {
    difference.map_or_else(String::new, |difference| format!(": {difference}"))
}

impl User {
    /// Checks whether both users have the same object id and tenant id.
    fn is_same_user(&self, other: &Self) -> bool {
        self.object_id == other.object_id && self.tenant_id == other.tenant_id
    }
}

impl std::fmt::Display for User {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.name.as_deref().or(self.object_id.as_deref());
        formatter.write_str(shown.unwrap_or("a user whom the token does not name"))
    }
}

fn problem(code: Code, message: String) -> Problem {
    Problem { code, address: None, message, hint: AGAIN.to_owned(), site: None }
}
