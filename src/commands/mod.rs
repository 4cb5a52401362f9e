//! The commands: one file for each, with one line for each stage.

mod apply;
mod auth;
mod check;
mod explain;
mod export;
mod generate;
mod import;
mod init;
mod lint;
mod manual;
mod plan;
mod rollback;
mod sandbox;
mod set;

use std::path::Path;
use std::time::Instant;

use crate::cli::{AuthCommand, Ci, Cli, Command};
use crate::model::Exit;
use crate::report::Format;
use crate::run::file_conflicts::{
    MANIFEST, NamedFile, check_no_file_named_twice, of_connect, of_reports, of_run, of_state,
    of_store, read, written,
};
use crate::run::place::lost_record;
use crate::run::process::{Process, lost_output};
use crate::run::{bundle, log};

/// Runs the command, and returns the exit code of the program.
pub(crate) async fn run(cli: Cli) -> Exit {
    let (format, ci, source) = output_of(&cli.command);
    let process = Process::new(format, cli.global.color, ci, source);
    let options = &cli.global;
    let file = options.bundle.as_deref();
    let ready = check_no_file_named_twice(files_of(&cli.command), options)
        .and_then(|()| log::begin(&options.log))
        .and_then(|()| bundle::begin(file));
    if let Err(failure) = ready {
        return process.fail(&failure);
    }
    let begin = Instant::now();
    let exit = dispatch(&cli.command, &process).await;
    process.console.clear();
    process.linger().await;
    let exit = check_output(exit, &process);
    let elapsed = begin.elapsed();
    let lost =
        [bundle::end(file, exit, elapsed, &process.console), log::end(&options.log, exit, elapsed)];
    let failed = lost.iter().flatten().map(|lost| process.fail(lost)).last();
    let is_success = matches!(exit, Exit::Done | Exit::ChangesPending);
    failed.filter(|_| is_success).unwrap_or(exit)
}

async fn dispatch(command: &Command, process: &Process) -> Exit {
    match command {
        Command::Plan(args) => plan::command(args, process).await,
        Command::Check(args) => check::command(args, process).await,
        Command::Apply(args) => apply::command(args, process).await,
        Command::Set(args) => set::command(args, process).await,
        Command::Rollback(args) => rollback::command(args, process).await,
        Command::Export(args) => export::command(args, process).await,
        Command::Import(args) => process.exit(import::command(args, process).await),
        Command::Auth(command) => auth::command(command, process).await,
        Command::Sandbox(args) => process.exit(sandbox::command(args, process).await),
        Command::Init(args) => process.exit(init::command(args, &process.console)),
        Command::Lint(args) => lint::command(args, process),
        Command::Schema => generate::schema(&process.console),
        Command::Explain(args) => process.exit(explain::command(args, &process.console)),
        Command::Completions(args) => generate::completions(args, &process.console),
        Command::Man(args) => process.exit(generate::man(args, &process.console)),
    }
}

/// Returns the output format of a command, with true if `--verbose` is given, the pipeline that it
/// reports to, and the file that it reads.
fn output_of(command: &Command) -> ((Format, bool), Ci, &Path) {
    let run = match command {
        Command::Plan(args) => &args.run,
        Command::Check(args) => &args.run,
        Command::Apply(args) => &args.run,
        Command::Export(args) => &args.run,
        Command::Set(args) => {
            return (args.run.output(), args.run.reports.ci, Path::new(set::SOURCE));
        }
        Command::Rollback(args) => {
            return (args.run.output(), args.run.reports.ci, &args.journal.path);
        }
        Command::Lint(args) => return ((args.format, false), args.reports.ci, &args.manifest),
        _ => return ((Format::Human, false), Ci::Auto, Path::new("")),
    };
    (run.output(), run.reports.ci, &run.connect.manifest)
}

/// Lists the files that the options of a command name.
pub(crate) fn files_of(command: &Command) -> Vec<NamedFile<'_>> {
    match command {
        Command::Plan(args) => [of_run(&args.run), written("--out", &args.review.out)].concat(),
        Command::Check(args) => of_run(&args.run),
        Command::Apply(args) => {
            let journal = args.journal.as_ref().map(|journal| &journal.path);
            [of_run(&args.run), read("--plan", &args.plan), written("--journal", journal)].concat()
        }
        Command::Set(args) => {
            let journal = args.journal.as_ref().map(|journal| &journal.path);
            [of_run(&args.run), written("--journal", journal)].concat()
        }
        Command::Rollback(args) => {
            [of_run(&args.run), written("flowbind rollback", Some(&args.journal.path))].concat()
        }
        Command::Export(args) => {
            let settings = written("--deployment-settings", Some(&args.deployment_settings));
            [of_run(&args.run), settings].concat()
        }
        Command::Import(args) => {
            let settings = read("--deployment-settings", Some(&args.deployment_settings));
            let mut connect = of_connect(&args.connect);
            // The manifest that is looked for may be the one that is to be made.
            connect.retain(|named| !named.is_missing_manifest());
            [connect, settings, written("--out", &args.out)].concat()
        }
        Command::Auth(AuthCommand::Login(args)) => of_connect(&args.connect),
        Command::Auth(AuthCommand::Status(args)) => of_store(&args.store),
        Command::Auth(AuthCommand::Logout(args)) => of_store(&args.store),
        Command::Sandbox(args) => [
            of_state(&args.state),
            read("--tenant", &args.serve.tenant),
            written("--record", &args.serve.record),
            written("--write-manifest", &args.serve.write_manifest),
        ]
        .concat(),
        Command::Init(args) => written("--out", Some(&args.out)),
        Command::Lint(args) => [
            read(MANIFEST, Some(&args.manifest)),
            read("--clouds", &args.clouds),
            of_reports(&args.reports),
        ]
        .concat(),
        Command::Schema | Command::Explain(_) | Command::Completions(_) | Command::Man(_) => {
            Vec::new()
        }
    }
}

/// Turns success into exit code 1 if standard output or a sandbox's record could not be written.
fn check_output(exit: Exit, process: &Process) -> Exit {
    let is_success = matches!(exit, Exit::Done | Exit::ChangesPending);
    let hint = "check where standard output goes, such as its free space, and run again";
    let lost = [lost_output(hint).filter(|_| is_success), lost_record()];
    let failed = lost.iter().flatten().map(|lost| process.fail(lost)).last();
    failed.filter(|_| is_success).unwrap_or(exit)
}
