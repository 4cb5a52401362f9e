//! A reviewed plan, and its comparison with a later one.
//!
//! ```text
//! of        Head + Plan -> Reviewed           what `plan --out` saves
//! format    Reviewed <-> text                 what the file holds: no secret
//! moved     Reviewed x Present x Plan -> Problems    what changed since the review
//! ```
//!
//! A plan is made anew before it is applied, and the file only says what somebody agreed to: whoever
//! changes the file cannot have anything written but what the manifest says. Everything here is pure.

mod format;
mod moved;

use serde::{Deserialize, Serialize};

use crate::model::EntityTag;
use crate::plan::{Action, Change, Plan, ValueView};

pub(crate) use format::ReviewError;
pub(crate) use moved::Present;

/// A plan as it was reviewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reviewed {
    /// What it is bound to.
    pub head: ReviewHead,
    changes: Vec<ReviewedChange>,
}

/// What a reviewed plan is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ReviewHead {
    /// When it was made, as `2026-01-31T09:00:00Z`.
    pub made: String,
    /// When it is no longer applied, in the same form.
    pub expires: String,
    /// The SHA-256 of the manifest's bytes, in hexadecimal digits.
    pub manifest_sha256: String,
    /// The flows and targets that `--only` named; empty for the whole manifest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// The name and the address of the environment, for people.
    pub environment: String,
    /// The environment's id.
    pub environment_id: String,
    /// Who was signed in, as far as the tokens told.
    pub user: User,
}

/// Who is signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct User {
    /// The name, for people.
    pub name: Option<String>,
    /// The id in the tenant.
    pub object_id: Option<String>,
    /// The tenant's id.
    pub tenant_id: Option<String>,
}

/// What was going to happen to one target.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ReviewedChange {
    address: String,
    action: Action,
    reason: String,
    flow: String,
    workflow_id: String,
    before: Option<ValueView>,
    after: Option<ValueView>,
    /// The version of the row that is written; none where no row is there.
    guard: Option<String>,
}

impl Reviewed {
    /// Creates a reviewed plan, to be saved now and applied later.
    pub(crate) fn from_plan(head: ReviewHead, plan: &Plan) -> Self {
        Self { head, changes: plan.changes.iter().map(ReviewedChange::of).collect() }
    }
}

impl ReviewedChange {
    fn of(change: &Change) -> Self {
        Self {
            address: change.address.clone(),
            action: change.action,
            reason: change.reason.to_string(),
            flow: change.flow_name.to_string(),
            workflow_id: change.workflow_id.to_string(),
            before: change.before.clone(),
            after: change.after.clone(),
            guard: change.guard.as_ref().map(EntityTag::as_str).map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests;
