//! A plan as a value: what happens to each target, what keeps the plan from being carried out, and
//! the stages that carry it out.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::difference::Difference;
use super::stages::{PlannedStage, WriteStage};
use super::value_view::ValueView;
use super::write::Write;
use crate::model::{Code, EntityTag, ManifestPosition, Problem, RowId, StoredText, WorkflowId};

/// The most rows that Dataverse writes together: the most operations of a change set
/// (<https://learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api>).
pub const MOST_ROWS: usize = 1_000;

/// What a run would change, and what keeps it from doing so.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One for each binding that could be thought through, in the manifest's order.
    pub changes: Vec<Change>,
    /// What must be mended before anything is written, in the manifest's order.
    pub problems: Vec<Problem>,
    /// What a person should know, in the manifest's order.
    pub warnings: Vec<Problem>,
    /// How many targets a rollback leaves alone, since somebody changed them.
    pub left_alone: usize,
    stages: Vec<PlannedStage>,
}

/// What happens to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The target.
    pub address: String,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reason: Cow<'static, str>,
    /// The manifest's name for the flow, else the environment's.
    pub flow_name: Arc<str>,
    /// The flow.
    pub workflow_id: WorkflowId,
    /// What is there now.
    pub before: Option<ValueView>,
    /// What will be there.
    pub after: Option<ValueView>,
    /// In what the URL that is there differs from the one that will be; empty if none is there, or
    /// one that leads out of the flow services.
    pub differences: Vec<Difference>,
    /// The binding's place in the manifest, if the plan was made from one.
    pub site: Option<ManifestPosition>,
    /// The version of the row that holds it, as it was read; where no row is there and a variable's
    /// default is what the new one is made of, a digest of that.
    pub guard: Option<EntityTag>,
    /// What is there now, to the letter; none if that is nothing, or stays.
    pub(crate) held: Option<StoredText>,
}

/// What is done to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A value is written where there is none.
    Create,
    /// A value is replaced.
    Update,
    /// A value is removed, or the row that holds it.
    Delete,
    /// Nothing: what should be is there.
    NoOp,
}

impl Plan {
    /// Creates a plan from changes, problems, warnings and writes that were decided elsewhere.
    pub fn new(
        changes: Vec<Change>,
        problems: Vec<Problem>,
        warnings: Vec<Problem>,
        write: WriteStage,
    ) -> Self {
        let stages =
            if write.writes.is_empty() { vec![] } else { vec![PlannedStage::Write(write)] };
        Self { changes, problems, warnings, left_alone: 0, stages }
    }

    /// Returns the stages that carry out the plan; none at all if the plan has a problem.
    pub fn stages(&self) -> &[PlannedStage] {
        if self.problems.is_empty() { &self.stages } else { &[] }
    }

    /// Returns the stage that writes rows, even if the plan has a problem.
    fn write_stage(&self) -> Option<&WriteStage> {
        self.stages.iter().map(|PlannedStage::Write(stage)| stage).next()
    }

    /// Returns the writes in their order; none at all if the plan has a problem.
    pub fn writes(&self) -> &[Write] {
        if self.problems.is_empty() { self.planned_writes() } else { &[] }
    }

    /// Returns the writes in their order, even if the plan has a problem.
    pub(super) fn planned_writes(&self) -> &[Write] {
        self.write_stage().map_or(&[], |stage| &stage.writes)
    }

    /// Returns the addresses of the targets that a write changes, by its place among the writes.
    pub fn targets_of(&self, write: usize) -> &[String] {
        self.write_stage().map_or(&[], |stage| stage.targets_of(write))
    }

    /// Returns the row that is written for a target, if the row existed before.
    pub fn row_of(&self, address: &str) -> Option<RowId> {
        self.write_stage()?.row_of(address)
    }

    /// Checks whether the record of a target was not found by its key.
    pub fn misses_record(&self, address: &str) -> bool {
        let mut problems = self.problems.iter();
        problems
            .any(|one| one.code == Code::RecordMissing && one.address.as_deref() == Some(address))
    }

    /// Adds a problem if there are more rows to write than one change set takes.
    pub fn refuse_too_many_rows(&mut self, hint: &str) {
        let rows = self.planned_writes().len();
        if rows > MOST_ROWS {
            let message = format!(
                "the plan writes {rows} rows, but Dataverse accepts at most {MOST_ROWS} in one change set"
            );
            let (code, hint) = (Code::TooManyRows, hint.to_owned());
            self.problems.push(Problem { code, address: None, message, hint, site: None });
        }
    }

    /// Adds problems, in the manifest's order.
    pub fn refuse(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
        self.problems.sort_by_key(|problem| problem.site);
    }

    /// Adds warnings, in the manifest's order.
    pub fn warn(&mut self, warnings: Vec<Problem>) {
        self.warnings.extend(warnings);
        self.warnings.sort_by_key(|warning| warning.site);
    }

    /// Checks whether all targets are up to date and the plan has no problem.
    pub fn is_up_to_date(&self) -> bool {
        self.problems.is_empty() && self.stages.is_empty()
    }

    /// Counts the changes with this action.
    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|change| change.action == action).count()
    }
}

impl Action {
    /// Returns the stable name of the action.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::NoOp => "no-op",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
