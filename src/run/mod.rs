//! The commands, each as a short story of its stages.

mod auth;
mod check;
mod confirm;
mod connect;
mod explain;
mod export;
mod files;
mod folder;
mod generate;
mod given;
mod import;
mod init;
mod input;
mod interrupt;
mod journal;
mod keep;
mod lint;
mod log;
mod next;
mod pipeline;
mod principal;
mod record;
mod report;
mod review;
mod rollback;
mod settings_file;
mod sign_in;
mod tenant;
mod wait;

use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::apply::{Applied, Applying, Goal, LOOKS, Progress};
use crate::cli::{
    ApplyArgs, Ci, Cli, Color, Command, ConnectArgs, PlanArgs, ReportArgs, RunArgs, WriteArgs,
};
use crate::discover::{Discovery, Reader, observe};
use crate::domain::EnvironmentId;
use crate::event::{Event, Listener};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::Transport;
use crate::journal::{Head, JournalFile};
use crate::manifest::{Environment, Manifest};
use crate::plan::{Plan, elsewhere, plan};
use crate::report::{Console, Format, Outcome, OutputUrl, RunCommand, lost_result};
use crate::review::Reviewed;
use crate::stage::Stage;

use connect::Connection;
use input::{clouds, invalid, manifest, refuse};
use interrupt::{Interrupts, linger};
use journal::{Begun, Journaling};
use next::Next;
use pipeline::{HandOver, runner};
use record::Record;
use review::Saving;
use sign_in::Login;
use tenant::Place;
use wait::Wait;

/// How somebody agrees to a plan where nobody can be asked.
const REVIEW: &str = "or have the plan looked at first: `flowbind plan --out FILE` saves it, and `flowbind apply --plan FILE` writes it without asking";

/// What is to come of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    /// It is shown.
    Show,
    /// It is carried out, after asking where somebody can be asked.
    Carry {
        /// Whether nobody is asked.
        yes: bool,
    },
}

/// What is wanted of a run.
struct Wish<'run> {
    /// What is to come of the plan.
    intent: Intent,
    /// Where a journal is to be kept.
    journal: Option<&'run JournalFile>,
    /// Where the plan is to be saved, to be reviewed.
    save: Option<Saving>,
    /// How long flows that are not ready are waited for.
    wait: Option<Wait<'run>>,
    /// The plan that was reviewed, which is held to.
    reviewed: Option<Reviewed>,
    /// Which URLs a later step of a pipeline is to get.
    outputs: &'run [OutputUrl],
}

/// A run that is ready to write: everything that an apply needs, and the plan itself.
struct Ready {
    connection: Connection,
    manifest: Manifest,
    manifest_sha256: String,
    discovery: Discovery,
}

/// Runs the command and tells how the program ends.
pub async fn run(cli: Cli) -> Exit {
    let color = color(cli.global.color);
    let ready = files::distinct(&cli).and_then(|()| log::begin(&cli.global.log));
    if let Err(failure) = ready {
        plain_console(color).fail(&failure);
        return failure.exit;
    }
    let begin = Instant::now();
    let exit = match cli.command {
        Command::Plan(args) => show(&args, color).await,
        Command::Check(args) => check::command(&args, color).await,
        Command::Apply(args) => apply(&args, color).await,
        Command::Rollback(args) => rollback::command(&args, color).await,
        Command::Export(args) => export::command(&args, color).await,
        Command::Import(args) => import::command(&args, color).await,
        Command::Auth(command) => auth::command(&command, color).await,
        Command::Sandbox(args) => tenant::command(&args, color).await,
        Command::Init(args) => ended(init::command(&args, &plain_console(color)), color),
        Command::Lint(args) => lint::command(&args, color),
        Command::Schema => generate::schema(&plain_console(color)),
        Command::Explain(args) => ended(explain::command(&args, &plain_console(color)), color),
        Command::Completions(args) => generate::completions(&args, &plain_console(color)),
        Command::Man(args) => ended(generate::man(&args, &plain_console(color)), color),
    };
    linger(&plain_console(color)).await;
    let exit = told(exit, color);
    let Some(lost) = log::end(&cli.global.log, exit, begin.elapsed()) else { return exit };
    plain_console(color).fail(&lost);
    if matches!(exit, Exit::Done | Exit::ChangesPending) { lost.exit } else { exit }
}

/// How a command ends whose result may not have reached whoever reads standard output.
fn told(exit: Exit, color: anstream::ColorChoice) -> Exit {
    let is_result = matches!(exit, Exit::Done | Exit::ChangesPending);
    let Some(why) = lost_result().filter(|_| is_result) else { return exit };
    let message = format!("the result cannot be written to standard output: {why}");
    let failure = Failure::new(Exit::Unexpected, message)
        .hint("make room where standard output goes to, and run again");
    plain_console(color).fail(&failure);
    failure.exit
}

async fn show(args: &PlanArgs, color: anstream::ColorChoice) -> Exit {
    let wish = || {
        let (save, wait) = (Saving::of(&args.review)?, Wait::of(&args.wait));
        Ok(Wish { save, wait, ..Wish::of(Intent::Show) })
    };
    let ended = populate(RunCommand::Plan, &args.run, wish, color).await;
    detailed(ended, args.detailed_exitcode)
}

async fn apply(args: &ApplyArgs, color: anstream::ColorChoice) -> Exit {
    let wish = || {
        let reviewed = args.plan.as_deref().map(review::open).transpose()?;
        // Whoever reviewed the plan was asked.
        let intent = Intent::of(&args.write).agreed_if(reviewed.is_some());
        let (journal, outputs) = (args.journal.as_ref(), &args.output_url[..]);
        let wait = Wait::of(&args.wait);
        Ok(Wish { journal, wait, reviewed, outputs, ..Wish::of(intent) })
    };
    let ended = populate(RunCommand::Apply, &args.run, wish, color).await;
    detailed(ended, args.write.detailed_exitcode)
}

impl Wish<'_> {
    /// That, and nothing else.
    fn of(intent: Intent) -> Self {
        Self { intent, journal: None, save: None, wait: None, reviewed: None, outputs: &[] }
    }
}

impl Intent {
    /// What the command line says of writing.
    fn of(args: &WriteArgs) -> Self {
        if args.dry_run { Self::Show } else { Self::Carry { yes: args.yes } }
    }

    /// The same, where nobody is asked if somebody has agreed already.
    fn agreed_if(self, agreed: bool) -> Self {
        match self {
            Self::Carry { yes } => Self::Carry { yes: yes || agreed },
            Self::Show => Self::Show,
        }
    }
}

/// The exit code of a run, told apart further if that was asked for.
fn detailed((outcome, exit): (Outcome, Exit), asked: bool) -> Exit {
    let differs = matches!(outcome, Outcome::Planned | Outcome::Drifted);
    if asked && differs && exit == Exit::Done { Exit::ChangesPending } else { exit }
}

/// Brings the targets up to date, or shows what that would mean, and reports.
async fn populate<'run>(
    command: RunCommand,
    args: &RunArgs,
    wish: impl FnOnce() -> Result<Wish<'run>, Failure>,
    color: anstream::ColorChoice,
) -> (Outcome, Exit) {
    let (outputs, file) = ((args.format, &args.reports), &args.connect.manifest);
    reported(command, outputs, file, color, async |console, record| {
        let wish = wish()?;
        let ended = stages(args, &wish, console, record).await;
        let saved = matches!(ended, Ok(Outcome::Agreed | Outcome::Planned));
        wish.save.filter(|_| !saved).iter().for_each(|saving| saving.left(console));
        ended
    })
    .await
}

/// The stages of a run: manifest, sign-in, discover, plan, apply.
async fn stages(
    args: &RunArgs,
    wish: &Wish<'_>,
    console: &Arc<Console>,
    record: &mut Record,
) -> Result<Outcome, Failure> {
    let journaling = wish.journal.map(Journaling::of).transpose()?;
    // Before anything waits for a signal, so that the system's own Ctrl-C ends a read that hangs.
    let start = start(args, wish, console, record)?;
    let handing = HandOver::of(wish.outputs, start.manifest.desired(), console)?;
    let mut interrupts = Interrupts::begin();
    let wait = wish.wait.map(|wait| wait.for_plan(wish.reviewed.as_ref()));
    let mut ready =
        interrupts.unless(Box::pin(prepare(args, start, wait, console, record))).await?;
    if let Some(reviewed) = &wish.reviewed {
        review::hold(reviewed, &ready, record, console);
    }
    let head = || ready.head(&args.connect.manifest, record);
    let journaling = journaling.as_ref().map(|journaling| (journaling, head()));
    let settling = settle(&mut ready, wish, args, journaling, &mut interrupts, console, record);
    let outcome = settling.await;
    let outcome = outcome.map_err(|failure| undoing(failure, wish, args));
    ready.connection.close().await;
    if let (Some(handing), Ok(Outcome::Applied | Outcome::Agreed)) = (handing, &outcome) {
        let handed = handing.over(&ready.discovery.observed, console);
        record.shortcomings.extend(handed.err());
    }
    outcome
}

/// The same failure, which also says how what is in can be undone, if a journal tells that.
fn undoing(failure: Failure, wish: &Wish<'_>, args: &RunArgs) -> Failure {
    let Some(journal) = wish.journal.filter(|_| failure.exit == Exit::Unknown) else {
        return failure;
    };
    let undo = Next::command("rollback").journal(journal).reaching(&args.connect);
    failure.next(format!("or undo what is in: `{undo}`"))
}

/// Everything that is known before anything is contacted.
struct Start {
    manifest: Manifest,
    manifest_sha256: String,
    environment: Environment,
    login: Login,
}

/// Reads what was given: files, variables and standard input.
fn start(
    args: &RunArgs,
    wish: &Wish<'_>,
    console: &Console,
    record: &mut Record,
) -> Result<Start, Failure> {
    let clouds = clouds(args.connect.clouds.as_deref(), console)?;
    let file = &args.connect.manifest;
    let (manifest, manifest_sha256) = manifest(file, &clouds, console, record)?;
    if let Some(reviewed) = &wish.reviewed {
        let moved = reviewed.moved_here(&manifest_sha256, &review::now());
        if !moved.is_empty() {
            let name = file.display().to_string();
            return Err(refuse(Exit::Refused, &name, &[], moved, console, record));
        }
    }
    let environment = manifest.environment(args.connect.environment.as_deref());
    let environment = environment.map_err(|problem| invalid(args, problem, console, record))?;
    let login = Login::of(&args.connect, &environment, &clouds)?;
    confirm::possible(&environment.place, wish.intent, &args.connect, console)
        .map_err(|failure| failure.hint(REVIEW))?;
    Ok(Start { manifest, manifest_sha256, environment, login })
}

/// Signs in, reads the environment, and plans. Everything here may be broken off.
async fn prepare(
    args: &RunArgs,
    start: Start,
    wait: Option<Wait<'_>>,
    console: &Arc<Console>,
    record: &mut Record,
) -> Result<Ready, Failure> {
    let Start { manifest, manifest_sha256, environment, login } = start;
    let (place, transport) = reach(&args.connect, &environment, console, record).await?;
    let signing_in = Stage::SignIn.log(login.sign_in(place, transport, console));
    let connection = signing_in.await.map_err(Failure::nothing_written)?;
    let known_id = environment.environment_id;
    let read = read_and_plan(&connection, &manifest, known_id, wait, console, record);
    let discovery = read.await.map_err(Failure::nothing_written)?;
    Ok(Ready { connection, manifest, manifest_sha256, discovery })
}

/// Finds out where the environment is, and makes what sends requests to it.
async fn reach(
    args: &ConnectArgs,
    environment: &Environment,
    console: &Arc<Console>,
    record: &mut Record,
) -> Result<(Place, Transport), Failure> {
    let place = tenant::place(environment, &args.sandbox, console).await?;
    record.environment(&environment.name, &place.url);
    let transport = connect::transport(args, console)?;
    record.transport = Some(transport.clone());
    Ok((place, transport))
}

/// An environment as it was read, and what that means.
struct Found {
    discovery: Discovery,
    plan: Plan,
}

/// Contacts the environment, but only reads. Where the plan lacks nothing but flows that are not
/// ready yet, they are waited for if that is wanted.
async fn read_and_plan(
    connection: &Connection,
    manifest: &Manifest,
    known_id: Option<EnvironmentId>,
    wait: Option<Wait<'_>>,
    console: &Console,
    record: &mut Record,
) -> Result<Discovery, Failure> {
    let mut found = find(connection, manifest, known_id, console).await?;
    if let Some(wait) = wait {
        (found, record.not_ready) = wait.until_ready(found, manifest, connection, console).await?;
    }
    let Found { discovery, plan } = found;
    record.environment_id(&discovery.environment_id);
    if let Some(way) = &discovery.flow_api {
        record.flow_host(way.host());
    }
    record.plan(plan);
    Ok(discovery)
}

/// Reads everything and plans.
async fn find(
    connection: &Connection,
    manifest: &Manifest,
    known_id: Option<EnvironmentId>,
    listener: &dyn Listener,
) -> Result<Found, Failure> {
    let reader = connection.reader();
    let observing = observe(&reader, manifest.desired(), known_id, listener);
    let discovery = Stage::Discover.log(observing).await?;
    let planning = async { planned(manifest, &discovery, connection) };
    let plan = Stage::Plan.log(planning).await;
    Ok(Found { discovery, plan })
}

/// The plan, which also tells of targets that point at another environment.
fn planned(manifest: &Manifest, discovery: &Discovery, connection: &Connection) -> Plan {
    let (desired, observed) = (manifest.desired(), &discovery.observed);
    let mut plan = plan(desired, observed, &connection.cloud);
    let name_of = |id: &str| manifest.environment_of_id(id).map(Environment::called);
    let (cloud, own) = (&connection.cloud, &discovery.environment_id);
    plan.warn(elsewhere(desired, observed, cloud, own, name_of));
    plan.refuse_too_many_rows("split the manifest, and run once for each part");
    plan
}

/// Shows the plan and, if that is the intent, carries it out.
async fn settle(
    ready: &mut Ready,
    wish: &Wish<'_>,
    args: &RunArgs,
    journaling: Option<(&Journaling, Head)>,
    interrupts: &mut Interrupts,
    console: &Console,
    record: &mut Record,
) -> Result<Outcome, Failure> {
    let reader = ready.connection.reader();
    let consented = consent(&ready.connection, &reader, wish.intent, console, record);
    if let Some(outcome) = interrupts.unless(consented).await? {
        if let Some(saving) = wish.save.as_ref().filter(|_| outcome != Outcome::Refused) {
            saving.save(ready, record, &args.connect, console)?;
        }
        if journaling.is_some() {
            console.message("Nothing is changed, so no journal is kept.\n");
        }
        return Ok(outcome);
    }
    let (desired, observed) = (ready.manifest.desired(), &mut ready.discovery.observed);
    let plan = record.planned();
    let begun = journaling
        .map(|(journaling, head)| journaling.begin(head, desired, observed, plan, console));
    let begun = begun.transpose()?;
    // What the targets hold is read again; of thousands, it takes much room.
    let tables = std::mem::take(&mut observed.targets).tables;
    let applying = Applying {
        reader: &reader,
        goal: Goal::Manifest { desired, flows: &observed.flows, tables: &tables },
        goes_on: begun.is_none() && wish.reviewed.is_none(),
        cloud: &ready.connection.cloud,
        listener: console,
        looks: LOOKS,
        progress: Progress::default(),
    };
    match interrupts.apply(&applying, plan, console).await {
        Ok(applied) => Ok(conclude(applied, begun, &reader, interrupts, console, record).await),
        Err(error) => {
            record.not_applied(&error);
            if let Some(begun) = begun {
                begun.not_applied(&error, console);
            }
            Err(error.into())
        }
    }
}

/// Notes who wrote what was planned, and sees to the journal.
async fn conclude(
    applied: Applied,
    begun: Option<Begun<'_>>,
    reader: &Reader<'_>,
    interrupts: &mut Interrupts,
    console: &Console,
    record: &mut Record,
) -> Outcome {
    match applied {
        Applied::ByThisRun => {
            if let Some(begun) = begun {
                complete(begun, reader, interrupts, console).await;
            }
            Outcome::Applied
        }
        Applied::ByThisRunAnew(plan) => {
            record.plan(plan);
            Outcome::Applied
        }
        Applied::ThoughRefused { refused, anew } => {
            record.written_though_refused(&refused, anew, console);
            if let Some(begun) = begun {
                complete(begun, reader, interrupts, console).await;
            }
            Outcome::Applied
        }
        Applied::ByAnotherRun(plan) => {
            if let Some(begun) = begun {
                begun.discard(console);
            }
            record.plan(plan);
            Outcome::Agreed
        }
    }
}

/// Completes a journal. Whoever interrupts that leaves it as it is: the apply is one all the same.
async fn complete(
    begun: Begun<'_>,
    reader: &Reader<'_>,
    interrupts: &mut Interrupts,
    console: &Console,
) {
    let completing = async {
        begun.complete(reader, console).await;
        Ok(())
    };
    if interrupts.unless(completing).await.is_err() {
        console.message(journal::INCOMPLETE);
    }
}

/// Shows the plan and asks about it. Tells how the run ends if nothing is to be written.
async fn consent(
    connection: &Connection,
    reader: &Reader<'_>,
    intent: Intent,
    console: &Console,
    record: &Record,
) -> Result<Option<Outcome>, Failure> {
    let plan = record.planned();
    let (environment, url) = (record.environment_name(), connection.url());
    console.tell(Event::Planned { plan, environment, url });
    if !plan.problems.is_empty() {
        return record.refused().map(Some);
    }
    if plan.is_agreed() {
        return Ok(Some(Outcome::Agreed));
    }
    let Intent::Carry { yes } = intent else { return Ok(Some(Outcome::Planned)) };
    let asked = Instant::now();
    confirm::ask(url, yes, console).await?;
    reader.extend_deadline(asked.elapsed());
    Ok(None)
}

impl Ready {
    /// What a journal says of where and when it was kept.
    fn head(&self, manifest: &Path, record: &Record) -> Head {
        Head {
            time: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            manifest: manifest.display().to_string(),
            environment: record.environment_name().to_owned(),
            url: self.connection.url().clone(),
            environment_id: self.discovery.environment_id.clone(),
            sandbox: self.connection.is_embedded(),
            rolled_back: None,
        }
    }
}

/// Runs the stages of a command that is about that file, and reports how they ended.
async fn reported(
    command: RunCommand,
    outputs: (Format, &ReportArgs),
    file: &Path,
    color: anstream::ColorChoice,
    stages: impl AsyncFnOnce(&Arc<Console>, &mut Record) -> Result<Outcome, Failure>,
) -> (Outcome, Exit) {
    let (console, mut record, opened) = begin(command, outputs, file, color);
    let ended = match opened {
        Ok(()) => stages(&console, &mut record).await,
        Err(failure) => Err(failure),
    };
    record.conclude(ended, &console)
}

/// Begins a run that reports and is about that file: its streams, what is known of it, and whether
/// its reports can be written.
fn begin(
    command: RunCommand,
    (format, reports): (Format, &ReportArgs),
    file: &Path,
    color: anstream::ColorChoice,
) -> (Arc<Console>, Record, Result<(), Failure>) {
    let (runner, name) = (runner(reports.ci), file.display().to_string());
    let console = Arc::new(Console::new(format, color, columns(), runner, &name));
    let mut record = Record::begin(command, file, &console);
    let opened = record.reports.open(reports);
    (console, record, opened)
}

/// The width that the surroundings tell where there is no terminal.
fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}

fn color(color: Color) -> anstream::ColorChoice {
    match color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
}

/// How a command without a report ends; why it failed is told.
fn ended(ended: Result<(), Failure>, color: anstream::ColorChoice) -> Exit {
    match ended {
        Ok(()) => Exit::Done,
        Err(failure) => {
            plain_console(color).fail(&failure);
            failure.exit
        }
    }
}

/// The streams of a command that has no result of its own.
fn plain_console(color: anstream::ColorChoice) -> Console {
    Console::new(Format::Human, color, columns(), runner(Ci::Auto), "")
}
