//! Renders what a run tells: for people on two streams, for machines as one document, for either
//! as a file, and for the log of a pipeline.
//!
//! The result goes to standard output; progress, the sign-in code and errors go to standard
//! error. Meaning never depends on colour. Each form of a file is a pure function of one [`Run`].

mod event_log;
pub(crate) mod explain;
mod files;
mod log;
mod pipeline;
mod terminal;
#[cfg(test)]
mod tests;
mod wording;

use std::time::{Duration, SystemTime};

use crate::deployment_settings::Exported;
use crate::discover::probe::Probed;
use crate::http::RequestCounts;
use crate::model::{EnvironmentId, EnvironmentUrl, Failure, Problem};
use crate::plan::{Change, Plan, TargetResult};

pub(crate) use crate::report::files::format::ReportFormat;
pub(crate) use crate::report::files::markdown::document as job_summary;
pub(crate) use crate::report::pipeline::command_filter::Harmless;
pub(crate) use crate::report::pipeline::runner::{Runner, RunnerCommand};
pub(crate) use crate::report::pipeline::secret_outputs::{OutputUrl, Secrets};
pub(crate) use crate::report::terminal::console::{Console, Format, lost_result};
pub(crate) use crate::report::terminal::layout::counted;
pub(crate) use crate::report::terminal::sign_ins::{KeptSignIn, sign_ins};
pub(crate) use log::{LogFormat, lost_log, start_log};

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a run was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunCommand {
    /// To show what would be written.
    Plan,
    /// To write it.
    Apply,
    /// To undo an apply.
    Rollback,
    /// To tell what is wrong with a manifest.
    Lint,
    /// To write it into a file of deployment settings.
    Export,
    /// To tell whether everything is still as it should be.
    Check,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was as it should be.
    Agreed,
    /// The plan has changes, and nothing was to be written.
    Planned,
    /// A check found that the environment is not as it should be.
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

/// A run, as far as it came.
#[derive(Debug)]
pub struct Run<'run> {
    /// What it was asked to do.
    pub command: RunCommand,
    /// When it began.
    pub started: SystemTime,
    /// The manifest, or of a rollback the journal, by its path from the root of the repository
    /// where that is known.
    pub source: &'run str,
    /// Who signed in, as far as the token tells.
    pub user: Option<&'run str>,
    /// How it ended.
    pub outcome: Outcome,
    /// Where it ran.
    pub environment: Option<RunEnvironment<'run>>,
    /// What it planned.
    pub plan: Option<&'run Plan>,
    /// What is wrong with the manifest.
    pub manifest_problems: &'run [Problem],
    /// What it exported, or was to.
    pub exported: Option<&'run ExportedFile>,
    /// What a check found out besides the plan.
    pub checked: Option<&'run Checked>,
    /// What became of the targets whose writes were sent and are not proved.
    pub results: &'run [TargetResult],
    /// Why it ended early.
    pub failure: Option<&'run Failure>,
    /// How many requests it sent.
    pub requests: RequestCounts,
    /// How long it took.
    pub duration: Duration,
}

/// A file of deployment settings, and what is in it afterwards.
#[derive(Clone, Debug)]
pub struct ExportedFile {
    /// The file as it was named.
    pub path: String,
    /// What happens to each variable.
    pub variables: Vec<Exported>,
    /// How many of its entries are about other variables, and left alone.
    pub others: usize,
    /// How many targets such a file cannot hold.
    pub records: usize,
}

/// What a check found out besides the plan.
#[derive(Clone, Debug)]
pub struct Checked {
    /// How many targets the manifest has.
    pub targets: usize,
    /// How many of them an apply would write; none where a problem keeps it from writing.
    pub pending: Option<usize>,
    /// What came of asking the URLs that the targets hold, if they were asked.
    pub probes: Option<Vec<Probed>>,
}

/// Where a run ran.
#[derive(Clone, Copy, Debug)]
pub struct RunEnvironment<'run> {
    /// The manifest's name for it.
    pub name: &'run str,
    /// Its address.
    pub url: &'run EnvironmentUrl,
    /// The id that the Flow service knows it by, once it is known.
    pub id: Option<&'run EnvironmentId>,
    /// The host at which the Flow service was asked, once it was.
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
    fn input(self) -> &'static str {
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
        let is_change = |change| wording::is_change(change);
        let plan = self.plan?;
        let present = plan.changes.iter().any(is_change);
        (present || plan.problems.is_empty()).then_some(present)
    }

    /// Returns what became of a target whose write was sent and is not proved.
    fn result_of(&self, change: &Change) -> Option<&'run TargetResult> {
        self.results.iter().find(|result| result.address == change.address)
    }

    /// Returns the warnings of the plan.
    fn warnings(&self) -> impl Iterator<Item = &'run Problem> + use<'run> {
        self.plan.map_or(&[][..], |plan| &plan.warnings).iter()
    }

    /// Returns the probes of the URLs that the targets hold, if they were probed.
    fn probes(&self) -> Option<&'run [Probed]> {
        self.checked?.probes.as_deref()
    }

    /// Returns the problems that keep the run from writing, the manifest's problems first.
    fn problems(&self) -> impl Iterator<Item = &'run Problem> + use<'run> {
        let planned = self.plan.map_or(&[][..], |plan| &plan.problems);
        self.manifest_problems.iter().chain(planned)
    }
}
