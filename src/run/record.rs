//! What is known of a run as it goes on, for the report at its end.

use std::path::Path;
use std::time::{Instant, SystemTime};

use super::pipeline;
use super::report::Reports;
use super::wait::NotReady;

use crate::apply::{ApplyError, Refused};
use crate::domain::{EnvironmentId, EnvironmentUrl};
use crate::error::key_taken_hints;
use crate::event::{Event, Listener};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::Transport;
use crate::plan::{Plan, TargetResult};
use crate::problem::{Code, Problem};
use crate::report::{Checked, Console, ExportedFile, Outcome, Run, RunCommand, RunEnvironment};

/// A run so far.
pub(super) struct Record {
    command: RunCommand,
    began: SystemTime,
    started: Instant,
    /// The file that it reads, from the root of the repository.
    source: String,
    environment: Option<(String, EnvironmentUrl)>,
    environment_id: Option<EnvironmentId>,
    flow_host: Option<String>,
    plan: Plan,
    planned: bool,
    /// What is wrong with the manifest.
    pub(super) manifest_problems: Vec<Problem>,
    /// What an export is about.
    pub(super) exported: Option<ExportedFile>,
    /// What a check found out besides the plan.
    pub(super) checked: Option<Checked>,
    /// What sends the run's requests and counts them.
    pub(super) transport: Option<Transport>,
    /// The flows that its plan lacks after they were waited for.
    pub(super) not_ready: Option<NotReady>,
    /// What became of the targets whose writes were sent and are not proved.
    pub(super) results: Vec<TargetResult>,
    /// The reports that are to be written at its end.
    pub(super) reports: Reports,
    /// What could not be done after its outcome was known.
    pub(super) shortcomings: Vec<Failure>,
}

impl Record {
    /// Begins a run now, on that file.
    pub(super) fn begin(command: RunCommand, file: &Path, console: &Console) -> Self {
        Self {
            command,
            began: SystemTime::now(),
            started: Instant::now(),
            source: pipeline::source(file, console.runner()),
            environment: None,
            environment_id: None,
            flow_host: None,
            plan: Plan::default(),
            planned: false,
            manifest_problems: Vec::new(),
            exported: None,
            checked: None,
            transport: None,
            not_ready: None,
            results: Vec::new(),
            reports: Reports::default(),
            shortcomings: Vec::new(),
        }
    }

    /// Notes where the run runs.
    pub(super) fn environment(&mut self, name: &str, url: &EnvironmentUrl) {
        self.environment = Some((name.to_owned(), url.clone()));
    }

    /// Notes the environment's id.
    pub(super) fn environment_id(&mut self, id: &EnvironmentId) {
        self.environment_id = Some(id.clone());
    }

    /// Notes at which host the Flow service was asked.
    pub(super) fn flow_host(&mut self, host: &str) {
        self.flow_host = Some(host.to_owned());
    }

    /// Notes the plan.
    pub(super) fn plan(&mut self, plan: Plan) {
        self.plan = plan;
        self.planned = true;
    }

    /// Adds to the plan what keeps it from being carried out.
    pub(super) fn refuse(&mut self, problems: Vec<Problem>) {
        self.plan.problems.extend(problems);
    }

    /// Adds to the plan what a person should know.
    pub(super) fn warn(&mut self, warnings: Vec<Problem>) {
        self.plan.warn(warnings);
    }

    /// Notes what became of the targets where the writes of the plan are not proved.
    pub(super) fn not_applied(&mut self, error: &ApplyError) {
        self.results = error.results(&self.plan);
        if let ApplyError::KeyTaken { targets, of_value_name, .. } = error {
            self.plan.problems.extend(self.key_taken(targets, *of_value_name, error));
        }
    }

    /// Returns the problem of a key that a row has which the user does not see.
    fn key_taken(
        &self,
        targets: &[String],
        of_value_name: bool,
        error: &ApplyError,
    ) -> Option<Problem> {
        let changes = self.plan.changes.iter();
        let mut meant = changes.filter(|change| targets.contains(&change.address));
        let change = meant.next()?;
        let (address, site) = (Some(change.address.clone()), change.site);
        let hint = key_taken_hints(of_value_name).join("; ");
        Some(Problem { code: Code::KeyTaken, address, message: error.to_string(), hint, site })
    }

    /// Notes that the service refused the writes and that all of them are in.
    pub(super) fn written_though_refused(
        &mut self,
        refused: &Refused,
        anew: Option<Plan>,
        console: &Console,
    ) {
        if let Some(plan) = anew {
            self.plan(plan);
        }
        let message = format!("{refused}; but reading back shows that all of it is written");
        console.tell(Event::WrittenThoughRefused { text: &format!("warning: {message}.") });
        let hint = "have the service's operators, or those of the proxy between, look at the request: another answer than the service's own may have been sent";
        let (code, hint) = (Code::WrittenThoughRefused, hint.to_owned());
        self.warn(vec![Problem { code, address: None, message, hint, site: None }]);
    }

    /// How the run ends where its plan has a problem.
    pub(super) fn refused(&self) -> Result<Outcome, Failure> {
        match &self.not_ready {
            Some(not_ready) if self.plan.problems.iter().all(|one| one.code.may_pass()) => {
                Err(not_ready.failure())
            }
            _ => Ok(Outcome::Refused),
        }
    }

    /// The manifest's name for the environment.
    pub(super) fn environment_name(&self) -> &str {
        self.environment.as_ref().map_or("", |(name, _)| name)
    }

    /// The plan; an empty one before there is one.
    pub(super) fn planned(&self) -> &Plan {
        &self.plan
    }

    /// Reports the end of the run.
    pub(super) fn conclude(
        mut self,
        ended: Result<Outcome, Failure>,
        console: &Console,
    ) -> (Outcome, Exit) {
        let (outcome, failure) = match ended {
            Ok(outcome) => (outcome, None),
            Err(failure) if failure.exit == Exit::Unknown => (Outcome::Unknown, Some(failure)),
            Err(failure) if failure.exit == Exit::NotReady => (Outcome::NotReady, Some(failure)),
            Err(failure) => (Outcome::Refused, Some(failure)),
        };
        let (user, mut shortcomings) = (console.user(), std::mem::take(&mut self.shortcomings));
        let run = Run {
            command: self.command,
            started: self.began,
            source: &self.source,
            user: user.as_deref(),
            outcome,
            environment: self.run_environment(),
            plan: self.planned.then_some(&self.plan),
            manifest_problems: &self.manifest_problems,
            exported: self.exported.as_ref(),
            checked: self.checked.as_ref(),
            results: &self.results,
            failure: failure.as_ref(),
            requests: self.transport.as_ref().map(Transport::counts).unwrap_or_default(),
            duration: self.started.elapsed(),
        };
        console.conclude(&run);
        shortcomings.extend(self.reports.write(&run));
        shortcomings.extend(pipeline::tell(&run, console));
        for shortcoming in &shortcomings {
            console.fail(shortcoming);
        }
        let exit = match exit(outcome, failure.as_ref()) {
            Exit::Done if !shortcomings.is_empty() => Exit::Unexpected,
            exit => exit,
        };
        (outcome, exit)
    }

    fn run_environment(&self) -> Option<RunEnvironment<'_>> {
        let (name, url) = self.environment.as_ref()?;
        let (id, flow_host) = (self.environment_id.as_ref(), self.flow_host.as_deref());
        Some(RunEnvironment { name, url, id, flow_host })
    }
}

fn exit(outcome: Outcome, failure: Option<&Failure>) -> Exit {
    match (failure, outcome) {
        (Some(failure), _) => failure.exit,
        (None, Outcome::Refused) => Exit::Refused,
        (None, Outcome::NotReady) => Exit::NotReady,
        (None, Outcome::Unknown) => Exit::Unknown,
        (
            None,
            Outcome::Agreed
            | Outcome::Planned
            | Outcome::Drifted
            | Outcome::Applied
            | Outcome::Exported,
        ) => Exit::Done,
    }
}
