//! What is applied, and how it is planned again from what the rows hold now.

use std::collections::{BTreeMap, BTreeSet};

use crate::discover::{DiscoverError, Reader, find, reread};
use crate::model::{Cloud, Desired, LogicalName, ObservedFlow, Reading, Table};
use crate::plan::compare::rollback::plan_rollback;
use crate::plan::journal::Journal;
use crate::plan::{Plan, plan_of};

/// What is applied.
#[derive(Clone, Copy)]
pub(crate) enum Goal<'run> {
    /// The targets are to hold what a manifest says.
    Manifest {
        /// What should be.
        desired: &'run Desired,
        /// The flows, as they were when the plan was made.
        flows: &'run [ObservedFlow],
        /// The tables of the records.
        tables: &'run BTreeMap<LogicalName, Reading<Table>>,
    },
    /// An earlier apply is to be undone.
    Rollback {
        /// What it changed.
        journal: &'run Journal,
        /// The rows that are left alone, by their places in the journal.
        left: &'run BTreeSet<usize>,
    },
}

impl Goal<'_> {
    /// Returns the primary key of a table by its name in addresses, if the table is known.
    pub(super) fn primary_id(&self, entity_set: &str) -> Option<&LogicalName> {
        match self {
            Self::Manifest { tables, .. } => tables.values().find_map(|table| match table {
                Reading::Found(table) if table.entity_set == entity_set => Some(&table.primary_id),
                _ => None,
            }),
            Self::Rollback { .. } => None,
        }
    }

    /// Plans from what the rows hold now.
    pub(super) async fn plan(
        &self,
        reader: &Reader<'_>,
        cloud: &Cloud,
    ) -> Result<Plan, DiscoverError> {
        match self {
            Self::Manifest { desired, flows, tables } => {
                let targets = reread(reader, desired, tables).await?;
                Ok(plan_of(desired, flows, &targets, cloud))
            }
            Self::Rollback { journal, left } => {
                let found = find(reader, &journal.rows).await?;
                Ok(plan_rollback(journal, &found, left, cloud))
            }
        }
    }
}
