//! A run as its reports see it.

use std::time::{Duration, SystemTime};

use crate::deployment_settings::ExportedVariable;
use crate::discover::probe::Probed;
use crate::http::RequestCounts;
use crate::model::{EnvironmentId, EnvironmentUrl, Failure, Problem};
use crate::plan::{Action, Change, Plan, TargetResult};

/// The version of this program.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The command of a run, with the results that only this command has.
#[derive(Debug)]
pub enum RunCommand {
    /// Shows the changes.
    Plan,
    /// Writes the changes. Has the results of the targets whose writes were sent and not verified.
    Apply(Vec<TargetResult>),
    /// Undoes an apply. Has the same results as an apply.
    Rollback(Vec<TargetResult>),
    /// Shows the problems of a manifest.
    Lint,
    /// Writes the changes into a deployment settings file. Has the file, once it is planned.
    Export(Option<ExportedFile>),
    /// Shows the targets that no longer hold the expected value. Has their number, once they are
    /// read.
    Check(Option<Checked>),
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
    /// The command with its own results.
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
    /// The plan. A run that ended before it had one has the problems of its manifest, if any.
    pub plan: Result<&'run Plan, &'run [Problem]>,
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
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply(_) => "apply",
            Self::Rollback(_) => "rollback",
            Self::Lint => "lint",
            Self::Export(_) => "export",
            Self::Check(_) => "check",
        }
    }

    /// Returns the kind of file that the command reads: `journal` or `manifest`.
    pub(super) fn input(&self) -> &'static str {
        if self.is_rollback() { "journal" } else { "manifest" }
    }

    /// Checks if the command undoes an apply.
    pub(super) fn is_rollback(&self) -> bool {
        matches!(self, Self::Rollback(_))
    }

    /// Checks if the command compares the targets with the expected values, and writes nothing.
    pub(super) fn is_check(&self) -> bool {
        matches!(self, Self::Check(_))
    }

    /// Returns the results of the targets whose writes were sent and not verified.
    pub fn results(&self) -> &[TargetResult] {
        match self {
            Self::Apply(results) | Self::Rollback(results) => results,
            Self::Plan | Self::Lint | Self::Export(_) | Self::Check(_) => &[],
        }
    }

    /// Returns the file of an export, once it is planned.
    pub(super) fn exported_file(&self) -> Option<&ExportedFile> {
        if let Self::Export(file) = self { file.as_ref() } else { None }
    }

    /// Returns the number of targets and the probes of a check, once the targets are read.
    pub(super) fn checked(&self) -> Option<&Checked> {
        if let Self::Check(checked) = self { checked.as_ref() } else { None }
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
        let plan = self.plan.ok()?;
        let present = plan.changes.iter().any(is_change);
        (present || plan.problems.is_empty()).then_some(present)
    }

    /// Returns the result of a target whose write was sent and not verified.
    pub(super) fn result_of(&self, change: &Change) -> Option<&TargetResult> {
        self.command.results().iter().find(|result| result.address == change.address)
    }

    /// Returns the changes of the plan.
    pub(super) fn changes(&self) -> &'run [Change] {
        self.plan.map_or(&[][..], |plan| &plan.changes)
    }

    /// Returns the targets that a check found to hold another value; none for other commands, where
    /// a change is no finding.
    pub(super) fn drifts(&self) -> impl Iterator<Item = &'run Change> + use<'run> {
        let changes = if self.command.is_check() { self.changes() } else { &[] };
        changes.iter().filter(|change| is_change(change))
    }

    /// Returns the warnings of the plan.
    pub(super) fn warnings(&self) -> impl Iterator<Item = &'run Problem> + use<'run> {
        self.plan.map_or(&[][..], |plan| &plan.warnings).iter()
    }

    /// Returns the probes of the URLs that the targets hold, if they were probed.
    pub(super) fn probes(&self) -> Option<&[Probed]> {
        self.command.checked()?.probes.as_deref()
    }

    /// Returns the problems that keep the run from writing, the manifest's problems first.
    pub(super) fn problems(&self) -> impl Iterator<Item = &'run Problem> + use<'run> {
        self.plan.map_or_else(|of_manifest| of_manifest, |plan| &plan.problems).iter()
    }
}

/// Checks if the target has a change to make, or had one.
pub(super) fn is_change(change: &Change) -> bool {
    change.action != Action::NoOp
}
