//! The goal of an apply, and planning it again from the rows' current values.

use std::collections::{BTreeMap, BTreeSet};

use crate::discover::{DiscoverError, Reader, find_journal_rows, reread_targets};
use crate::model::{Cloud, Desired, LogicalName, ObservedFlow, Reading, Table};
use crate::plan::compare::rollback::plan_rollback;
use crate::plan::journal::Journal;
use crate::plan::{Plan, plan_of};

/// The goal of an apply.
#[derive(Clone, Copy)]
pub(crate) enum Goal<'run> {
    /// Bring the targets up to date with a manifest.
    Manifest {
        /// The state that the manifest asks for.
        desired: &'run Desired,
        /// The flows, as they were when the plan was made.
        flows: &'run [ObservedFlow],
        /// The tables of the records.
        tables: &'run BTreeMap<LogicalName, Reading<Table>>,
    },
    /// Undo an earlier apply.
    Rollback {
        /// The changes of that apply.
        journal: &'run Journal,
        /// The rows to leave unchanged, by their indexes in the journal.
        left: &'run BTreeSet<usize>,
    },
}

impl Goal<'_> {
    /// Returns the primary key of a table by its entity set name, if the table is known.
    pub(super) fn primary_id(&self, entity_set: &str) -> Option<&LogicalName> {
        match self {
            Self::Manifest { tables, .. } => tables.values().find_map(|table| match table {
                Reading::Found(table) if table.entity_set == entity_set => Some(&table.primary_id),
                _ => None,
            }),
            Self::Rollback { .. } => None,
        }
    }

    /// Plans again from the rows' current values.
    pub(super) async fn plan(
        &self,
        reader: &Reader<'_>,
        cloud: &Cloud,
    ) -> Result<Plan, DiscoverError> {
        match self {
            Self::Manifest { desired, flows, tables } => {
                let targets = reread_targets(reader, desired, tables).await?;
                Ok(plan_of(desired, flows, &targets, cloud))
            }
            Self::Rollback { journal, left } => {
                let found = find_journal_rows(reader, &journal.rows).await?;
                Ok(plan_rollback(journal, &found, left, cloud))
            }
        }
    }
}
