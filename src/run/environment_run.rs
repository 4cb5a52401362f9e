//! One environment's run: collects the facts for the report at its end.

use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::apply::{ApplyError, Refused};
use crate::cli::ReportArgs;
use crate::http::Transport;
use crate::model::{
    Code, EnvironmentId, EnvironmentUrl, Event, Exit, Failure, Listener as _, Problem, note_name,
};
use crate::plan::Plan;
use crate::report::{Console, Outcome, Run, RunCommand, RunEnvironment};
use crate::run::bundle;
use crate::run::environment_events::EnvironmentEvents;
use crate::run::failures::key_taken_hints;
use crate::run::not_ready::NotReady;
use crate::run::pipeline;
use crate::run::pipeline::StepFiles;
use crate::run::process::{ALL_WRITTEN, Process, lost_output};
use crate::run::report_files::Reports;

/// The run of a command on one environment so far.
pub(crate) struct EnvironmentRun {
    /// The command, with the results that only this command has.
    pub(crate) command: RunCommand,
    began: SystemTime,
    started: Instant,
    /// The file that the run reads, from the root of the repository.
    source: String,
    /// Takes the events of this environment.
    pub(crate) events: Arc<EnvironmentEvents>,
    environment: Option<(String, EnvironmentUrl)>,
    environment_id: Option<EnvironmentId>,
    flow_host: Option<String>,
    plan: Plan,
    planned: bool,
    /// The problems of the manifest.
    pub(crate) manifest_problems: Vec<Problem>,
    /// The transport, which also counts the run's requests.
    pub(crate) transport: Option<Transport>,
    /// The flows that were still not ready after the wait.
    pub(crate) not_ready: Option<NotReady>,
    /// The reports to write at the end of the run.
    reports: Reports,
    /// The files of the pipeline's step.
    step_files: StepFiles,
    /// The failures after the outcome was known, such as an unwritable report.
    pub(crate) shortcomings: Vec<Failure>,
}

impl EnvironmentRun {
    /// Begins a run of this command now, on this file.
    pub(crate) fn new(command: RunCommand, file: &Path, console: &Arc<Console>) -> Self {
        Self {
            command,
            began: SystemTime::now(),
            started: Instant::now(),
            source: pipeline::source(file, console.runner()),
            events: EnvironmentEvents::new("", console),
            environment: None,
            environment_id: None,
            flow_host: None,
            plan: Plan::default(),
            planned: false,
            manifest_problems: Vec::new(),
            transport: None,
            not_ready: None,
            reports: Reports::default(),
            step_files: StepFiles::default(),
            shortcomings: Vec::new(),
        }
    }

    /// Notes the manifest's name for the environment, which its events carry from here on.
    pub(crate) fn begin_environment(&mut self, name: &str, process: &Process) {
        note_name(name);
        self.events = EnvironmentEvents::new(name, &process.console);
    }

    /// Notes the address of the environment.
    pub(crate) fn set_address(&mut self, url: &EnvironmentUrl) {
        self.environment = Some((self.events.environment.clone(), url.clone()));
    }

    /// Notes the environment's id.
    pub(crate) fn set_environment_id(&mut self, id: &EnvironmentId) {
        self.environment_id = Some(id.clone());
    }

    /// Notes the host of the Flow service.
    pub(crate) fn set_flow_host(&mut self, host: &str) {
        self.flow_host = Some(host.to_owned());
    }

    /// Notes the plan.
    pub(crate) fn set_plan(&mut self, plan: Plan) {
        self.plan = plan;
        self.planned = true;
    }

    /// Adds problems to the plan, which keep it from being applied.
    pub(crate) fn add_problems(&mut self, problems: Vec<Problem>) {
        self.plan.refuse(problems);
    }

    /// Adds warnings to the plan.
    pub(crate) fn add_warnings(&mut self, warnings: Vec<Problem>) {
        self.plan.warn(warnings);
    }

    /// Notes the result of each target whose write was sent and is not verified.
    pub(crate) fn note_failed_writes(&mut self, error: &ApplyError) {
        if let RunCommand::Apply(results) | RunCommand::Rollback(results) = &mut self.command {
            *results = error.results(&self.plan);
        }
        if let ApplyError::KeyTaken { targets, of_value_name, .. } = error {
            self.plan.problems.extend(self.key_taken(targets, *of_value_name, error));
        }
    }

    /// Returns the problem that a row which the user cannot see already has the key.
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

    /// Warns that the service refused the writes although all of them were written.
    pub(crate) fn note_refused_but_written(&mut self, refused: &Refused, anew: Option<Plan>) {
        if let Some(plan) = anew {
            self.set_plan(plan);
        }
        let message =
            format!("{refused}; reading back shows that everything was written all the same");
        self.events.on_event(Event::WrittenThoughRefused { text: &format!("warning: {message}.") });
        let hint = "ask the operators of the service or of your proxy about the request: something may have replaced the service's own response";
        let (code, hint) = (Code::WrittenThoughRefused, hint.to_owned());
        self.add_warnings(vec![Problem { code, address: None, message, hint, site: None }]);
    }

    /// Returns the outcome of a run whose plan has a problem.
    ///
    /// # Errors
    /// Flows that were not ready when the wait for them was over, if nothing else is wrong.
    pub(crate) fn refused(&self) -> Result<Outcome, Failure> {
        match &self.not_ready {
            Some(not_ready) if self.plan.problems.iter().all(|one| one.code.is_temporary()) => {
                Err(not_ready.failure())
            }
            _ => Ok(Outcome::Refused),
        }
    }

    /// Returns the manifest's name for the environment.
    pub(crate) fn environment_name(&self) -> &str {
        self.environment.as_ref().map_or("", |(name, _)| name)
    }

    /// Returns the plan, which is empty until it is set.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Opens the reports and the pipeline's files, before anything is contacted.
    pub(crate) fn open_outputs(
        &mut self,
        reports: &ReportArgs,
        console: &Console,
    ) -> Result<(), Failure> {
        let opened = self.step_files.open(console);
        self.reports.open(reports).and(opened)
    }

    /// Reports the end of the run, and returns its exit code.
    pub(crate) fn conclude(
        mut self,
        ended: Result<Outcome, Failure>,
        process: &Process,
    ) -> (Outcome, Exit) {
        let console = &process.console;
        let (outcome, failure) = match ended {
            Ok(outcome) => (outcome, None),
            Err(failure) if failure.exit == Exit::Unknown => (Outcome::Unknown, Some(failure)),
            Err(failure) if failure.exit == Exit::NotReady => (Outcome::NotReady, Some(failure)),
            Err(failure) => (Outcome::Refused, Some(failure)),
        };
        let environment = self.environment.as_ref().map(|(name, url)| {
            let (id, flow_host) = (self.environment_id.as_ref(), self.flow_host.as_deref());
            RunEnvironment { name, url, id, flow_host }
        });
        let (user, mut shortcomings) = (console.user(), std::mem::take(&mut self.shortcomings));
        let run = Run {
            command: self.command,
            started: self.began,
            source: &self.source,
            user: user.as_deref(),
            outcome,
            environment,
            plan: if self.planned { Ok(&self.plan) } else { Err(&self.manifest_problems) },
            failure: failure.as_ref(),
            requests: self.transport.as_ref().map(Transport::counts).unwrap_or_default(),
            duration: self.started.elapsed(),
        };
        bundle::note_result(&run);
        console.conclude(&run);
        if outcome == Outcome::Applied {
            shortcomings.extend(lost_output(ALL_WRITTEN));
        }
        shortcomings.extend(self.reports.write(&run));
        shortcomings.extend(pipeline::report_to_pipeline(&run, &self.step_files, console));
        for shortcoming in &shortcomings {
            console.fail(shortcoming);
        }
        let exit = match exit(outcome, failure.as_ref()) {
            Exit::Done if !shortcomings.is_empty() => Exit::Unexpected,
            exit => exit,
        };
        (outcome, exit)
    }

    /// Shows the plan, or what a check found, and logs it.
    pub(crate) fn show_plan(&self, url: &EnvironmentUrl, console: &Console) {
        console.show_plan(&self.command, self.plan(), self.environment_name(), url);
    }

    /// Shows the numbers of changes that are about to be written.
    pub(crate) fn show_totals(&self, console: &Console) {
        console.show_totals(&self.command, self.plan());
    }

    /// Asks whether to write to the environment at this address.
    pub(crate) fn ask(&self, url: &EnvironmentUrl, console: &Console) {
        console.ask(&self.command, self.environment_name(), url);
    }
}

/// Opens the reports, runs the stages of a command on this file, and reports the outcome.
pub(crate) async fn run_and_report(
    command: RunCommand,
    (reports, file): (&ReportArgs, &Path),
    process: &Process,
    stages: impl AsyncFnOnce(&mut EnvironmentRun) -> Result<Outcome, Failure>,
) -> (Outcome, Exit) {
    let mut run = EnvironmentRun::new(command, file, &process.console);
    let ended = match run.open_outputs(reports, &process.console) {
        Ok(()) => stages(&mut run).await,
        Err(failure) => Err(failure),
    };
    run.conclude(ended, process)
}

/// Returns the exit code of a run.
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

/// Returns exit code 2 for a run that found differences, if `--detailed-exitcode` asks for it.
pub(crate) fn detailed_exit_code((outcome, exit): (Outcome, Exit), is_asked_for: bool) -> Exit {
    let differs = matches!(outcome, Outcome::Planned | Outcome::Drifted);
    if is_asked_for && differs && exit == Exit::Done { Exit::ChangesPending } else { exit }
}
