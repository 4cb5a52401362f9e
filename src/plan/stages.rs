//! The stages that carry out a plan, in the order in which they run.
//!
//! Each stage is planned here, in `plan/`, without any effect, and carried out by the file of the
//! same name in `apply/`.

use super::write::Write;
use crate::model::RowId;

/// One stage of carrying out a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedStage {
    /// Writes rows, all of them or none.
    Write(WriteStage),
}

/// The writes of a plan, all in one change set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteStage {
    /// The writes in their order.
    pub writes: Vec<Write>,
    /// The addresses of the targets that each write changes.
    pub targets: Vec<Vec<String>>,
}

impl WriteStage {
    /// Returns the addresses of the targets that a write changes, by its place among the writes.
    pub(super) fn targets_of(&self, write: usize) -> &[String] {
        self.targets.get(write).map_or(&[], Vec::as_slice)
    }

    /// Returns the row that is written for a target, if the row existed before.
    pub(super) fn row_of(&self, address: &str) -> Option<RowId> {
        let writes = self.writes.iter().zip(&self.targets);
        let mut meant =
            writes.filter(|(_, targets)| targets.iter().any(|target| target == address));
        meant.next()?.0.row()
    }
}
