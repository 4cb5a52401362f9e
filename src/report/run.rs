//! A run as its reports see it.

use std::time::{Duration, SystemTime};

use crate::deployment_settings::ExportedVariable;
use crate::discover::probe::Probed;
use crate::http::RequestCounts;
use crate::model::{EnvironmentId, EnvironmentUrl, Failure, Problem};
use crate::plan::{Action, Change, Plan, TargetResult};

/// The version of this program.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The command of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunCommand {
    /// Shows the changes.
    Plan,
    /// Writes the changes.
    Apply,
    /// Undoes an apply.
    Rollback,
    /// Shows the problems of a manifest.
    Lint,
    /// Writes the changes into a deployment settings file.
    Export,
    /// Shows the targets that no longer hold the expected value.
    Check,
}

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All targets were up to date.
    Agreed,
    /// The plan has changes, and nothing was to be written.
    Planned,
    /// A check found drift.
    Drifted,
    /// The changes are in, and reading back proved it.
    Applied,
    /// The changes are in a file of deployment settings.
    Exported,
    /// Nothing was written.
    Refused,
    /// Nothing was written: flows were not ready when the wait for them was over.
    NotReady,
    /// Something was or may have been written, and reading back did not prove it.
    Unknown,
}

/// A run, up to the step at which it ended.
#[derive(Debug)]
pub struct Run<'run> {
    /// The command.
    pub command: RunCommand,
    /// The time of its start.
    pub started: SystemTime,
    /// The path of the manifest, or of the journal in a rollback: relative to the root of the
    /// repository if that is known.
    pub source: &'run str,
    /// The name of the signed-in user, if the token contains it.
    pub user: Option<&'run str>,
    /// The outcome.
    pub outcome: Outcome,
    /// The environment.
    pub environment: Option<RunEnvironment<'run>>,
    /// The plan.
    pub plan: Option<&'run Plan>,
    /// The problems of the manifest.
    pub manifest_problems: &'run [Problem],
    /// The file that it exported, or was to export.
    pub exported: Option<&'run ExportedFile>,
    /// The results of a check besides the plan.
    pub checked: Option<&'run Checked>,
    /// The results of the targets whose writes were sent and not verified.
    pub results: &'run [TargetResult],
    /// The error that ended it early.
    pub failure: Option<&'run Failure>,
    /// The numbers of requests that it sent.
    pub requests: RequestCounts,
    /// Its duration.
    pub duration: Duration,
}

/// A deployment settings file with its content after the export.
#[derive(Clone, Debug)]
pub struct ExportedFile {
    /// The path as the user wrote it.
    pub path: String,
    /// The action on each variable.
    pub variables: Vec<ExportedVariable>,
    /// The number of its entries for other variables, which are left alone.
    pub others: usize,
    /// The number of targets that such a file cannot hold.
    pub records: usize,
}

/// The results of a check besides the plan.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The number of targets in the manifest.
    pub targets: usize,
    /// The number of targets that an apply would write; `None` if a problem keeps it from writing.
    pub pending: Option<usize>,
    /// The probes of the URLs that the targets hold, if they were probed.
    pub probes: Option<Vec<Probed>>,
}

/// The environment of a run.
#[derive(Clone, Copy, Debug)]
pub struct RunEnvironment<'run> {
    /// The manifest's name for it.
    pub name: &'run str,
    /// Its address.
    pub url: &'run EnvironmentUrl,
    /// Its id in the Flow service, once known.
    pub id: Option<&'run EnvironmentId>,
    /// The host of the Flow service, once a request was sent to it.
    pub flow_host: Option<&'run str>,
}

impl RunCommand {
    /// Returns the stable name of the command.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Rollback => "rollback",
            Self::Lint => "lint",
            Self::Export => "export",
            Self::Check => "check",
        }
    }

    /// Returns the kind of file that the command reads: `journal` or `manifest`.
    pub(super) fn input(self) -> &'static str {
        if self == Self::Rollback { "journal" } else { "manifest" }
    }
}

impl Outcome {
    /// Returns the stable name of the outcome.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::Planned => "planned",
            Self::Drifted => "drifted",
            Self::Applied => "applied",
            Self::Exported => "exported",
            Self::Refused => "refused",
            Self::NotReady => "not-ready",
            Self::Unknown => "unknown",
        }
    }
}

impl<'run> Run<'run> {
    /// Checks if the run has changes to write. Returns nothing before there is a plan, or if a
    /// problem may hide a change.
    pub fn changes_present(&self) -> Option<bool> {
        let is_change = |change| is_change(change);
        let plan = self.plan?;
        let present = plan.changes.iter().any(is_change);
        (present || plan.problems.is_empty()).then_some(present)
    }

    /// Returns the result of a target whose write was sent and not verified.
    pub(super) fn result_of(&self, change: &Change) -> Option<&'run TargetResult> {
        self.results.iter().find(|result| result.address == change.address)
    }

    /// Returns the warnings of the plan.
    pub(super) fn warnings(&self) -> impl Iterator<Item = &'run Problem> + use<'run> {
        self.plan.map_or(&[][..], |plan| &plan.warnings).iter()
    }

    /// Returns the probes of the URLs that the targets hold, if they were probed.
    pub(super) fn probes(&self) -> Option<&'run [Probed]> {
        self.checked?.probes.as_deref()
    }

    /// Returns the problems that keep the run from writing, the manifest's problems first.
    pub(super) fn problems(&self) -> impl Iterator<Item = &'run Problem> + use<'run> {
        let planned = self.plan.map_or(&[][..], |plan| &plan.problems);
        self.manifest_problems.iter().chain(planned)
    }
}

/// Checks if the target has a change to make, or had one.
pub(super) fn is_change(change: &Change) -> bool {
    change.action != Action::NoOp
}
