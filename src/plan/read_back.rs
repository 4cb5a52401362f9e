//! Compares a plan whose writes were sent with what its targets hold afterwards.

use std::collections::BTreeMap;

use super::changes::{Action, Change, Plan};
use super::value_view::ValueView;
use super::write::Write;
use crate::model::RowId;

/// What became of one target after its write was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetResult {
    /// The target.
    pub address: String,
    /// What became of it.
    pub state: TargetState,
    /// What was sent.
    pub sent: Option<ValueView>,
    /// Its current value; none if it is empty or could not be read.
    pub holds: Option<ValueView>,
    /// The row that the service says it created for the target, or the row that was written and is
    /// no longer found by its key.
    pub row: Option<RowId>,
}

/// What became of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetState {
    /// It holds what was sent.
    Written,
    /// It holds what it held before.
    Unchanged,
    /// It holds something else.
    Changed,
    /// It could not be read.
    Unread,
    /// The service refused its row, and it holds what it held before.
    Refused,
}

impl TargetState {
    /// Returns the stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Unread => "unread",
            Self::Refused => "refused",
        }
    }
}

impl TargetResult {
    /// Checks whether the target could not be read.
    pub fn is_unread(&self) -> bool {
        self.state == TargetState::Unread
    }

    /// Compares the planned change of a target with the change that a later plan found.
    fn of(was: &Change, is: Option<&Change>) -> Self {
        let state = match is {
            None => TargetState::Unread,
            Some(is) if is.action == Action::NoOp => TargetState::Written,
            Some(is) if is.held == was.held && is.before == was.before => TargetState::Unchanged,
            Some(_) => TargetState::Changed,
        };
        let holds = is.and_then(|is| is.before.clone());
        let (address, sent) = (was.address.clone(), was.after.clone());
        Self { address, state, sent, holds, row: None }
    }
}

impl Plan {
    /// Compares this plan, whose writes were sent, with a later plan of the same targets. Returns a
    /// result for each target that was to be changed, or was up to date and no longer is.
    pub fn results(&self, now: &Self) -> Vec<TargetResult> {
        let later: BTreeMap<&str, &Change> =
            now.changes.iter().map(|change| (change.address.as_str(), change)).collect();
        let pairs = self.changes.iter().map(|was| (was, later.get(was.address.as_str()).copied()));
        let touched = pairs.filter(|(was, is)| {
            let differs = is.is_some_and(|is| is.action != Action::NoOp);
            was.action != Action::NoOp || differs
        });
        touched.map(|(was, is)| TargetResult::of(was, is)).collect()
    }

    /// Checks whether the plan creates the same row as a write that creates one.
    pub fn makes(&self, write: &Write) -> bool {
        write.is_new() && self.planned_writes().contains(write)
    }

    /// Returns a result for each target that the plan would change, if none of it was written.
    pub fn nothing_written(&self) -> Vec<TargetResult> {
        let open = self.changes.iter().filter(|change| change.action != Action::NoOp);
        open.map(|change| TargetResult::of(change, Some(change))).collect()
    }
}
