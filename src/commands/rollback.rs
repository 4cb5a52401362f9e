//! `flowbind rollback`: undoes an apply that kept a journal.

use std::collections::BTreeSet;

use crate::apply::{Applied, ApplyError, ApplyRun, Goal, LOOK_PAUSES, Progress};
use crate::cli::RollbackArgs;
use crate::discover::{
    DiscoverError, Reader, environment_id, find_journal_rows, label_tables, subjects,
};
use crate::manifest::{Environment, Location};
use crate::model::{
    Cloud, Clouds, Code, EnvironmentId, Event, Exit, Failure, Listener as _, Problem, Stage,
    note_name,
};
use crate::plan::Plan;
use crate::plan::compare::rollback::{changed, plan_rollback};
use crate::plan::journal::{Journal, mislabelled, mistaken_tables, not_created_by_apply};
use crate::report::{Console, Outcome, RunCommand};
use crate::run::connect::Connection;
use crate::run::consent::Consent;
use crate::run::environment_run::{EnvironmentRun, detailed_exit_code, run_and_report};
use crate::run::failures::LOOK;
use crate::run::inputs::{self, clouds};
use crate::run::login::Login;
use crate::run::next_command::NextCommand;
use crate::run::prepare::sign_in;
use crate::run::process::Process;
use crate::run::{journal_file, reviewed_plan};

/// The hint for a journal with more rows than one change set takes.
const SEVERAL_CHANGE_SETS: &str =
    "roll it back with the flowbind version that wrote it, which uses several change sets";

/// The inputs of a rollback, read before anything is contacted.
struct RollbackInputs {
    journal: Journal,
    environment: Environment,
    login: Login,
}

/// Undoes an apply, or shows what would change, and reports.
pub(super) async fn command(args: &RollbackArgs, process: &Process) -> Exit {
    let about = (&args.run.reports, args.journal.path.as_path());
    let ended = run_and_report(RunCommand::Rollback(Vec::new()), about, process, async |run| {
        stages(args, process, run).await
    })
    .await;
    detailed_exit_code(ended, args.write.detailed_exitcode)
}

/// Runs the stages of `flowbind rollback`.
async fn stages(
    args: &RollbackArgs,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<Outcome, Failure> {
    let RollbackInputs { journal, environment, login } = read(args, &process.console)?;
    let consent = Consent::from_args(&args.write, false);
    consent.check_possible(&environment.place, &args.run.connect, &process.console)?;

    let reading = async {
        let connect = &args.run.connect;
        let connection = sign_in(connect, &environment, login, process, run).await?;
        let planning = read_and_plan(args, &connection, &environment, &journal, run);
        let left_alone = planning.await.map_err(Failure::nothing_written)?;
        Ok((connection, left_alone))
    };
    let (connection, left_alone) = process.unless_interrupted(reading).await?;
    run.show_plan(connection.url(), &process.console);
    let outcome = write(args, consent, &connection, (&journal, &left_alone), process, run).await;
    connection.close().await;
    outcome
}

/// Opens the journal, and prepares the sign-in to its environment.
fn read(args: &RollbackArgs, console: &Console) -> Result<RollbackInputs, Failure> {
    let journal = journal_file::open(&args.journal, &args.run.connect)?;
    for target in journal.rows.iter().flat_map(|row| &row.places) {
        note_name(&target.address);
        note_name(&target.flow_name);
    }
    let clouds = clouds(args.run.connect.clouds.as_deref(), console)?;
    let environment = environment(args, &journal, &clouds, console)?;
    let login = Login::for_run(&args.run.connect, &environment, &clouds)?;
    Ok(RollbackInputs { journal, environment, login })
}

/// Returns the environment of `--environment`, else the journal's, with the manifest's settings for
/// it.
fn environment(
    args: &RollbackArgs,
    journal: &Journal,
    clouds: &Clouds,
    console: &Console,
) -> Result<Environment, Failure> {
    let connect = &args.run.connect;
    if let Some(wanted) = connect.environment.as_deref() {
        return inputs::environment(connect, Some(wanted), clouds, console);
    }
    if journal.head.sandbox {
        return Ok(Environment::unlisted(journal.head.environment.clone(), Location::Sandbox));
    }
    inputs::environment(connect, Some(journal.head.url.origin()), clouds, console)
}

/// Reads the rows of the journal, and plans; returns which rows are left alone.
async fn read_and_plan(
    args: &RollbackArgs,
    connection: &Connection,
    environment: &Environment,
    journal: &Journal,
    run: &mut EnvironmentRun,
) -> Result<BTreeSet<usize>, Failure> {
    let reader = connection.reader();
    same_environment(&reader, environment.environment_id.as_ref(), journal, run).await?;
    plan(&reader, args.skip_changed, journal, &connection.cloud, run).await
}

/// Checks that the journal belongs to this environment. The environment's id is requested unless
/// the manifest has it, as for an apply.
async fn same_environment(
    reader: &Reader<'_>,
    known: Option<&EnvironmentId>,
    journal: &Journal,
    run: &mut EnvironmentRun,
) -> Result<(), Failure> {
    let id = match known {
        Some(id) => id.clone(),
        None => Stage::Discover.log(environment_id(reader)).await?,
    };
    run.set_environment_id(&id);
    let head = &journal.head;
    if id == head.environment_id {
        return Ok(());
    }
    let message = format!(
        "the journal belongs to another environment: {} with the id {}; this environment has the id {id}",
        head.url, head.environment_id
    );
    Err(Failure::new(Exit::Refused, message)
        .hint("omit --environment, or name the environment of the apply"))
}

/// Plans from the current values of the journal's rows; returns which rows are left alone.
async fn plan(
    reader: &Reader<'_>,
    skip_changed: bool,
    journal: &Journal,
    cloud: &Cloud,
    run: &mut EnvironmentRun,
) -> Result<BTreeSet<usize>, Failure> {
    let targets = journal.rows.iter().map(|row| row.places.len()).sum();
    run.events.on_event(Event::Discovering { flows: 0, targets });
    let tables = Stage::Discover.log(label_tables(reader, &journal.rows)).await?;
    let mistaken = mistaken_tables(journal, &tables);
    if !mistaken.is_empty() {
        run.set_plan(Plan::default());
        run.add_problems(mistaken);
        return Ok(BTreeSet::new());
    }
    let reading = async {
        let found = find_journal_rows(reader, &journal.rows).await?;
        let subjects = subjects(reader, &journal.rows, &tables, &found).await?;
        Ok::<_, DiscoverError>((found, subjects))
    };
    let (found, subjects) = Stage::Discover.log(reading).await?;
    let left = if skip_changed { changed(journal, &found) } else { BTreeSet::new() };
    let planning = async { plan_rollback(journal, &found, &left, cloud) };
    let mut plan = Stage::Plan.log(planning).await;
    plan.refuse_too_many_rows(SEVERAL_CHANGE_SETS);
    let spent = journal.head.rolled_back.as_deref().filter(|_| !plan.is_up_to_date());
    run.set_plan(plan);
    run.add_problems(spent.map(spent_already).into_iter().collect());
    run.add_problems(mislabelled(journal, &subjects));
    run.add_problems(not_created_by_apply(journal, &subjects, &left));
    Ok(left)
}

/// Returns the problem of a journal that was rolled back already: the current values are from a
/// later apply.
fn spent_already(time: &str) -> Problem {
    let message = format!(
        "this journal was already rolled back at {time}; the current values come from a later apply"
    );
    let hint = "roll back the journal of the later apply".to_owned();
    Problem { code: Code::ChangedSince, address: None, message, hint, site: None }
}

/// Asks, writes, and reads back.
async fn write(
    args: &RollbackArgs,
    consent: Consent,
    connection: &Connection,
    (journal, left): (&Journal, &BTreeSet<usize>),
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<Outcome, Failure> {
    let reader = connection.reader();
    let deciding = consent.decide(connection, &reader, process, run);
    if let Some(outcome) = process.unless_interrupted(deciding).await? {
        return Ok(outcome);
    }
    let applying = ApplyRun {
        reader: &reader,
        goal: Goal::Rollback { journal, left },
        may_replan: false,
        cloud: &connection.cloud,
        listener: &*run.events,
        look_pauses: LOOK_PAUSES,
        progress: Progress::default(),
    };
    let applied = process.apply(&applying, run.plan()).await;
    let applied = applied.map_err(|error| {
        run.note_failed_writes(&error);
        explain_failure(error, args)
    })?;
    if let Applied::ThoughRefused { refused, .. } = &applied {
        run.note_refused_but_written(refused, None);
    }
    match applied {
        Applied::ByThisRun | Applied::ByThisRunAnew(_) | Applied::ThoughRefused { .. } => {
            journal_file::mark_rolled_back(
                &args.journal,
                journal,
                reviewed_plan::now(),
                &process.console,
            );
            Ok(Outcome::Applied)
        }
        Applied::ByAnotherRun(plan) => {
            run.set_plan(plan);
            Ok(Outcome::Agreed)
        }
    }
}

/// Converts an apply's error to the failure of a rollback, with the rollback's command in the hint.
fn explain_failure(error: ApplyError, args: &RollbackArgs) -> Failure {
    let looks = matches!(
        error,
        ApplyError::Conflict { .. }
            | ApplyError::Unknown { .. }
            | ApplyError::Unverified { .. }
            | ApplyError::Abandoned { .. }
            | ApplyError::Unchecked { .. }
    );
    let mut failure = Failure::from(error);
    if looks {
        if failure.hints.last().is_some_and(|hint| hint == LOOK) {
            failure.hints.pop();
        }
        let look = NextCommand::command("rollback").journal(&args.journal).flag("--dry-run");
        let look = look.with_connect_options(&args.run.connect);
        failure = failure
            .with_next_command(format!("check with `{look}`; running the rollback again is safe"));
    }
    failure
}
