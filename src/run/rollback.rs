//! `flowbind rollback`: undoes an apply that kept a journal.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::interrupt::Interrupts;
use super::next::Next;
use super::record::Record;
use super::sign_in::Login;
use super::{
    Connection, Intent, auth, clouds, confirm, consent, detailed, journal, reach, reported, review,
};
use crate::apply::{Applied, ApplyError, Applying, Goal, LOOKS, Progress};
use crate::cli::RollbackArgs;
use crate::discover::{DiscoverError, Reader, environment_id, find, subjects};
use crate::domain::{Cloud, Clouds, EnvironmentId};
use crate::event::{Event, Listener};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journal::{Journal, changed, mislabelled, plan_rollback};
use crate::manifest::{Environment, Location};
use crate::problem::{Code, Problem};
use crate::report::{Console, Outcome, RunCommand};
use crate::stage::Stage;

/// What helps with a journal of more rows than one change set takes.
const SEVERAL_CHANGE_SETS: &str =
    "roll it back with the version of flowbind that kept it, which writes several change sets";

/// Everything that is known before anything is contacted.
struct Start {
    journal: Journal,
    environment: Environment,
    login: Login,
    intent: Intent,
}

/// A rollback that is ready to write.
struct Ready {
    connection: Connection,
    journal: Journal,
    /// The rows that are left alone, by their places in the journal.
    left: BTreeSet<usize>,
    intent: Intent,
}

/// Undoes an apply, or shows what that would mean, and reports.
pub(super) async fn command(args: &RollbackArgs, color: anstream::ColorChoice) -> Exit {
    let run = &args.run;
    let file = &args.journal.path;
    let outputs = (run.format, &run.reports);
    let ended = reported(RunCommand::Rollback, outputs, file, color, async |console, record| {
        stages(args, console, record).await
    })
    .await;
    detailed(ended, args.write.detailed_exitcode)
}

/// The stages of a rollback: journal, sign-in, reading, plan, apply.
async fn stages(
    args: &RollbackArgs,
    console: &Arc<Console>,
    record: &mut Record,
) -> Result<Outcome, Failure> {
    let start = start(args, console)?;
    let mut interrupts = Interrupts::begin();
    let ready = interrupts.unless(Box::pin(prepare(args, start, console, record))).await?;
    let outcome = settle(&ready, args, &mut interrupts, console, record).await;
    ready.connection.close().await;
    outcome
}

/// Opens the journal and finds out who signs in to its environment.
fn start(args: &RollbackArgs, console: &Console) -> Result<Start, Failure> {
    let journal = journal::open(&args.journal, &args.run.connect)?;
    let clouds = clouds(args.run.connect.clouds.as_deref(), console)?;
    let environment = environment(args, &journal, &clouds, console)?;
    let login = Login::of(&args.run.connect, &environment, &clouds)?;
    let intent = Intent::of(&args.write);
    confirm::possible(&environment.place, intent, &args.run.connect, console)?;
    Ok(Start { journal, environment, login, intent })
}

/// The environment that is given, else the journal's, with what the manifest knows of it.
fn environment(
    args: &RollbackArgs,
    journal: &Journal,
    clouds: &Clouds,
    console: &Console,
) -> Result<Environment, Failure> {
    let connect = &args.run.connect;
    if let Some(wanted) = connect.environment.as_deref() {
        return auth::environment(connect, Some(wanted), clouds, console);
    }
    if journal.head.sandbox {
        return Ok(Environment::unlisted(journal.head.environment.clone(), Location::Sandbox));
    }
    auth::environment(connect, Some(journal.head.url.origin()), clouds, console)
}

/// Signs in, reads the rows, and plans. Everything here may be broken off.
async fn prepare(
    args: &RollbackArgs,
    start: Start,
    console: &Arc<Console>,
    record: &mut Record,
) -> Result<Ready, Failure> {
    let Start { journal, environment, login, intent } = start;
    let (place, transport) = reach(&args.run.connect, &environment, console, record).await?;
    let signed_in = Stage::SignIn.log(login.sign_in(place, transport, console)).await;
    let connection = signed_in.map_err(Failure::nothing_written)?;
    let reader = connection.reader();
    let known_id = environment.environment_id.as_ref();
    let planned = async {
        same_environment(&reader, known_id, &journal, record).await?;
        plan(&reader, args.skip_changed, &journal, (&connection.cloud, &**console), record).await
    };
    let left = planned.await.map_err(Failure::nothing_written)?;
    Ok(Ready { connection, journal, left, intent })
}

/// Makes sure that the environment is the one that the journal is of. Its id is asked for unless the
/// manifest says it, as for an apply.
async fn same_environment(
    reader: &Reader<'_>,
    known: Option<&EnvironmentId>,
    journal: &Journal,
    record: &mut Record,
) -> Result<(), Failure> {
    let id = match known {
        Some(id) => id.clone(),
        None => Stage::Discover.log(environment_id(reader)).await?,
    };
    record.environment_id(&id);
    let head = &journal.head;
    if id == head.environment_id {
        return Ok(());
    }
    let message = format!(
        "the journal is of another environment: it was kept for {} with the id {}, and this one has the id {id}",
        head.url, head.environment_id
    );
    Err(Failure::new(Exit::Refused, message)
        .hint("leave out --environment, or name the environment that the apply was run on"))
}

/// Reads the rows of the journal and plans; tells which of them are left alone.
async fn plan(
    reader: &Reader<'_>,
    skip_changed: bool,
    journal: &Journal,
    (cloud, listener): (&Cloud, &dyn Listener),
    record: &mut Record,
) -> Result<BTreeSet<usize>, Failure> {
    let targets = journal.rows.iter().map(|row| row.places.len()).sum();
    listener.tell(Event::Discovering { flows: 0, targets });
    let reading = async {
        let found = find(reader, &journal.rows).await?;
        let subjects = subjects(reader, &journal.rows, &found).await?;
        Ok::<_, DiscoverError>((found, subjects))
    };
    let (found, subjects) = Stage::Discover.log(reading).await?;
    let left = if skip_changed { changed(journal, &found) } else { BTreeSet::new() };
    let planning = async { plan_rollback(journal, &found, &left, cloud) };
    let mut plan = Stage::Plan.log(planning).await;
    plan.refuse_too_many_rows(SEVERAL_CHANGE_SETS);
    let spent = journal.head.rolled_back.as_deref().filter(|_| !plan.is_agreed());
    record.plan(plan);
    record.refuse(spent.map(spent_already).into_iter().collect());
    record.refuse(mislabelled(journal, &subjects));
    Ok(left)
}

/// Says that what is there now is of a later apply.
fn spent_already(time: &str) -> Problem {
    let message = format!(
        "this journal was rolled back already, at {time}: what its targets hold now is of a later apply"
    );
    let hint = "roll back the journal of the later apply".to_owned();
    Problem { code: Code::ChangedSince, address: None, message, hint, site: None }
}

/// Shows the plan and, if that is the intent, carries it out.
async fn settle(
    ready: &Ready,
    args: &RollbackArgs,
    interrupts: &mut Interrupts,
    console: &Console,
    record: &mut Record,
) -> Result<Outcome, Failure> {
    let reader = ready.connection.reader();
    let consented = consent(&ready.connection, &reader, ready.intent, console, record);
    let consented = interrupts.unless(consented).await?;
    if let Some(outcome) = consented {
        return Ok(outcome);
    }
    let applying = Applying {
        reader: &reader,
        goal: Goal::Rollback { journal: &ready.journal, left: &ready.left },
        goes_on: false,
        cloud: &ready.connection.cloud,
        listener: console,
        looks: LOOKS,
        progress: Progress::default(),
    };
    let applied = interrupts.apply(&applying, record.planned(), console).await;
    let applied = applied.map_err(|error| {
        record.not_applied(&error);
        failed(error, args)
    })?;
    if let Applied::ThoughRefused { refused, .. } = &applied {
        record.written_though_refused(refused, None, console);
    }
    match applied {
        Applied::ByThisRun | Applied::ByThisRunAnew(_) | Applied::ThoughRefused { .. } => {
            journal::spend(&args.journal, &ready.journal, review::now(), console);
            Ok(Outcome::Applied)
        }
        Applied::ByAnotherRun(plan) => {
            record.plan(plan);
            Ok(Outcome::Agreed)
        }
    }
}

/// What an apply's error means for a rollback: the last hint is how to look, which differs.
fn failed(error: ApplyError, args: &RollbackArgs) -> Failure {
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
        failure.hints.pop();
        let look = Next::command("rollback").journal(&args.journal).flag("--dry-run");
        let look = look.reaching(&args.run.connect);
        failure = failure.next(format!("look with `{look}`; running the rollback again is safe"));
    }
    failure
}
