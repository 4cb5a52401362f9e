//! Compares the manifest with the environment, and returns the difference as a value.
//!
//! [`plan`] is a pure function. It finds every problem at once, and a plan without problems
//! holds every id and guard that applying needs, so that applying decides nothing.

mod builder;
mod changes;
pub(crate) mod compare;
mod contents;
mod current_values;
mod difference;
mod equivalence;
mod flows;
mod foreign_environment;
pub mod journal;
pub(crate) mod json;
pub(crate) mod json_children;
mod privileges;
mod read_back;
mod record_checks;
mod records;
mod refusals;
mod stages;
mod suspension;
mod value_view;
mod variables;
mod waitable;
mod write;
use crate::model::{Cloud, Desired, Observed, ObservedFlow, Targets};

use builder::PlanBuilder;

pub use changes::{Action, Change, MOST_ROWS, Plan};
pub use current_values::{current_values, text_at};
pub use difference::{Difference, UrlPart};
pub use equivalence::Divergence;
pub use foreign_environment::warn_of_foreign_environments;
pub use privileges::NeededPrivileges;
pub use read_back::{TargetResult, TargetState};
pub use refusals::{explain_refusal, privilege_hint};
pub use stages::{PlannedStage, WriteStage};
pub use value_view::ValueView;
pub use waitable::{FlowsToWaitFor, flows_to_wait_for};
pub use write::{CellValue, Write};

/// Compares the wanted URLs of all targets with what was observed.
pub fn plan(desired: &Desired, observed: &Observed, cloud: &Cloud) -> Plan {
    plan_of(desired, &observed.flows, &observed.targets, cloud)
}

/// Compares the wanted URLs with flows and targets that were not read together.
pub fn plan_of(
    desired: &Desired,
    flows: &[ObservedFlow],
    targets: &Targets,
    cloud: &Cloud,
) -> Plan {
    let mut draft = PlanBuilder::new(desired, cloud);
    (draft.in_file, draft.known) = (targets.in_file, targets.known.clone());
    let urls = flows::urls(&mut draft, flows);
    variables::plan(&mut draft, targets, &urls);
    records::plan(&mut draft, targets, &urls);
    draft.parts.finish()
}

#[cfg(test)]
mod tests;
