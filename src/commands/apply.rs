//! `flowbind apply`: writes the changes, all targets or none, and verifies them.

use std::path::Path;

use crate::apply::{Applied, ApplyError, ApplyRun, Goal, LOOK_PAUSES, Progress, RollbackReach};
use crate::cli::{ApplyArgs, RunArgs, WaitArgs, WriteArgs};
use crate::model::{Exit, Failure};
use crate::plan::compare::review::Reviewed;
use crate::plan::journal::JournalFile;
use crate::report::{Outcome, OutputUrl, RunCommand};
use crate::run::consent::Consent;
use crate::run::environment_run::{EnvironmentRun, detailed_exit_code, run_and_report};
use crate::run::journal_file::{KeptJournal, NewJournal};
use crate::run::next_command::NextCommand;
use crate::run::pipeline::OutputUrls;
use crate::run::prepare::{Inputs, PreparedRun, prepare_to_write};
use crate::run::process::Process;
use crate::run::reviewed_plan;
use crate::run::wait::Wait;

/// The hint for confirming a plan if nobody can be asked.
const REVIEW: &str = "or review the plan first: `flowbind plan --out FILE` saves it, and `flowbind apply --plan FILE` applies it without asking";

/// The options of an apply.
pub(super) struct ApplyOptions<'run> {
    /// The file that the plan is read from, for messages.
    pub(super) source: &'run Path,
    pub(super) plan: Option<&'run Path>,
    pub(super) output_url: &'run [OutputUrl],
    pub(super) write: &'run WriteArgs,
    pub(super) journal: Option<&'run JournalFile>,
    pub(super) wait: &'run WaitArgs,
    pub(super) run: &'run RunArgs,
}

/// Applies the manifest, and reports.
pub(super) async fn command(args: &ApplyArgs, process: &Process) -> Exit {
    let options = ApplyOptions {
        source: &args.run.connect.manifest,
        plan: args.plan.as_deref(),
        output_url: &args.output_url,
        write: &args.write,
        journal: args.journal.as_ref(),
        wait: &args.wait,
        run: &args.run,
    };
    let only = &args.only.only;
    let read = |reviewed: Option<&Reviewed>, run: &mut EnvironmentRun| {
        Inputs::read(&args.run, only, reviewed, process, run)
    };
    apply(&options, read, process).await
}

/// Applies what is read, and reports.
pub(super) async fn apply(
    options: &ApplyOptions<'_>,
    read: impl FnOnce(Option<&Reviewed>, &mut EnvironmentRun) -> Result<Inputs, Failure>,
    process: &Process,
) -> Exit {
    let about = (&options.run.reports, options.source);
    let ended = run_and_report(RunCommand::Apply(Vec::new()), about, process, async |run| {
        stages(options, read, process, run).await
    })
    .await;
    detailed_exit_code(ended, options.write.detailed_exitcode)
}

/// Runs the stages of `flowbind apply`.
async fn stages(
    args: &ApplyOptions<'_>,
    read: impl FnOnce(Option<&Reviewed>, &mut EnvironmentRun) -> Result<Inputs, Failure>,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<Outcome, Failure> {
    let reviewed = args.plan.map(reviewed_plan::open).transpose()?;
    let journal = args.journal.map(NewJournal::check).transpose()?;
    let inputs = read(reviewed.as_ref(), run)?;
    let consent = check_consent(args, &inputs, reviewed.as_ref(), process)?;
    let outputs =
        OutputUrls::from_args(args.output_url, inputs.manifest.desired(), &process.console)?;

    let wait = Wait::from_args(args.wait).map(|wait| wait.for_plan(reviewed.as_ref()));
    let preparing = prepare_to_write(args.run, inputs, wait, process, run);
    let mut prepared = process.unless_interrupted(preparing).await?;
    if let Some(reviewed) = &reviewed {
        reviewed_plan::compare(reviewed, &prepared.present(), run, &process.console);
    }
    run.show_plan(prepared.connection.url(), &process.console);
    let may_replan = reviewed.is_none();
    let outcome = write(args, journal, consent, may_replan, &mut prepared, process, run).await;
    prepared.connection.close().await;
    if let (Some(outputs), Ok(Outcome::Applied | Outcome::Agreed)) = (outputs, &outcome) {
        let handed = outputs.hand_over(&prepared.discovery.observed, &process.console);
        run.shortcomings.extend(handed.err());
    }
    outcome
}

/// Checks, before anything is contacted, that the plan can be confirmed.
fn check_consent(
    args: &ApplyOptions<'_>,
    inputs: &Inputs,
    reviewed: Option<&Reviewed>,
    process: &Process,
) -> Result<Consent, Failure> {
    let consent = Consent::from_args(args.write, reviewed.is_some());
    let place = &inputs.environment.place;
    consent
        .check_possible(place, &args.run.connect, &process.console)
        .map_err(|failure| failure.hint(REVIEW))?;
    Ok(consent)
}

/// Asks, saves the journal, writes, and reads back. After a conflict the run plans again and goes
/// on only without a reviewed plan and without a journal: both bind it to the plan that was shown.
async fn write(
    args: &ApplyOptions<'_>,
    journal: Option<NewJournal>,
    consent: Consent,
    may_replan: bool,
    prepared: &mut PreparedRun,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<Outcome, Failure> {
    let head = prepared.journal_head(args.source, run);
    let PreparedRun { connection, manifest, discovery, .. } = prepared;
    let reader = connection.reader();
    let deciding = consent.decide(connection, &reader, process, run);
    if let Some(outcome) = process.unless_interrupted(deciding).await? {
        if journal.is_some() {
            process.console.message("No changes, so no journal was written.\n");
        }
        return Ok(outcome);
    }
    let (desired, observed, plan) = (manifest.desired(), &mut discovery.observed, run.plan());
    let keep = |journal: NewJournal| journal.keep(head, desired, observed, plan, &process.console);
    let kept = journal.map(keep).transpose()?;
    // Frees the values that the targets hold: the apply reads them again and needs the tables alone.
    let tables = std::mem::take(&mut observed.targets).tables;
    let applying = ApplyRun {
        reader: &reader,
        goal: Goal::Manifest { desired, flows: &observed.flows, tables: &tables },
        may_replan: may_replan && kept.is_none(),
        cloud: &connection.cloud,
        listener: &*run.events,
        look_pauses: LOOK_PAUSES,
        progress: Progress::default(),
    };
    let applied = match process.apply(&applying, plan).await {
        Ok(applied) => applied,
        Err(error) => {
            run.note_failed_writes(&error);
            if let Some(kept) = kept {
                kept.not_applied(&error, &process.console);
            }
            return Err(failure_with_rollback(error, args));
        }
    };
    match applied {
        Applied::ByThisRun => complete(kept, &reader, process).await,
        Applied::ThoughRefused { refused, anew } => {
            run.note_refused_but_written(&refused, anew);
            complete(kept, &reader, process).await;
        }
        Applied::ByThisRunAnew(plan) => run.set_plan(plan),
        Applied::ByAnotherRun(plan) => {
            if let Some(kept) = kept {
                kept.discard(&process.console);
            }
            run.set_plan(plan);
            return Ok(Outcome::Agreed);
        }
    }
    Ok(Outcome::Applied)
}

/// Completes the journal. The apply has succeeded even if this is interrupted.
async fn complete(
    kept: Option<KeptJournal>,
    reader: &crate::discover::Reader<'_>,
    process: &Process,
) {
    let Some(kept) = kept else { return };
    let completing = async {
        kept.complete(reader, &process.console).await;
        Ok(())
    };
    if process.unless_interrupted(completing).await.is_err() {
        process.console.message(crate::run::journal_file::INCOMPLETE);
    }
}

/// Returns the failure of an apply with the command that undoes its writes, if a journal was kept
/// and a rollback can undo them.
fn failure_with_rollback(error: ApplyError, args: &ApplyOptions<'_>) -> Failure {
    let reach = error.rollback_reach();
    let failure = Failure::from(error);
    let Some(journal) = args.journal.filter(|_| failure.exit == Exit::Unknown) else {
        return failure;
    };
    let rollback = NextCommand::command("rollback").journal(journal);
    let connect = &args.run.connect;
    match reach {
        RollbackReach::All => {
            let rollback = rollback.with_connect_options(connect);
            failure.with_next_command(format!("or undo what was written: `{rollback}`"))
        }
        RollbackReach::Found => {
            let rollback = rollback.with_connect_options(connect);
            failure.with_next_command(format!("or undo the other targets: `{rollback}`"))
        }
        RollbackReach::Unchanged => {
            let rollback = rollback.flag("--skip-changed").with_connect_options(connect);
            failure.with_next_command(format!("or undo the targets that hold what was sent, and leave the others as they are: `{rollback}`"))
        }
        RollbackReach::Refused => failure
            .hint("`flowbind rollback` refuses the journal, too, until that row has its key again"),
    }
}
