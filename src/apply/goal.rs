//! What is applied, and how it is planned again from what the rows hold now.

use std::collections::BTreeSet;

use crate::discover::{DiscoverError, Reader, find, reread};
use crate::domain::Cloud;
use crate::journal::{Journal, plan_rollback};
use crate::plan::{Plan, plan_of};
use crate::state::{Desired, Observed};

/// What is applied.
#[derive(Clone, Copy)]
pub enum Goal<'run> {
    /// The targets are to hold what a manifest says.
    Manifest {
        /// What should be.
        desired: &'run Desired,
        /// What was, when the plan was made.
        observed: &'run Observed,
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
    /// Plans from what the rows hold now.
    pub(super) async fn plan(
        &self,
        reader: &Reader<'_>,
        cloud: &Cloud,
    ) -> Result<Plan, DiscoverError> {
        match self {
            Self::Manifest { desired, observed } => {
                let targets = reread(reader, desired, &observed.targets).await?;
                Ok(plan_of(desired, &observed.flows, &targets, cloud))
            }
            Self::Rollback { journal, left } => {
                let found = find(reader, &journal.rows).await?;
                Ok(plan_rollback(journal, &found, left, cloud))
            }
        }
    }
}
