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

use std::path::Path;
use std::time::Instant;

use crate::cli::{Ci, Cli, Command};
use crate::model::Exit;
use crate::report::Format;
use crate::run::place::lost_record;
use crate::run::process::{Process, lost_output};
use crate::run::{file_conflicts, log};

/// Runs the command, and returns the exit code of the program.
pub(crate) async fn run(cli: Cli) -> Exit {
    let (format, ci, file) = output_of(&cli.command);
    let process = Process::new(format, cli.global.color, ci, file);
    let ready =
        file_conflicts::check_no_file_named_twice(&cli).and_then(|()| log::begin(&cli.global.log));
    if let Err(failure) = ready {
        return process.fail(&failure);
    }
    let begin = Instant::now();
    let exit = dispatch(&cli.command, &process).await;
    process.linger().await;
    let exit = check_output(exit, &process);
    let Some(lost) = log::end(&cli.global.log, exit, begin.elapsed()) else { return exit };
    process.console.fail(&lost);
    if matches!(exit, Exit::Done | Exit::ChangesPending) { lost.exit } else { exit }
}

async fn dispatch(command: &Command, process: &Process) -> Exit {
    match command {
        Command::Plan(args) => plan::command(args, process).await,
        Command::Check(args) => check::command(args, process).await,
        Command::Apply(args) => apply::command(args, process).await,
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
        Command::Rollback(args) => {
            return (args.run.output(), args.run.reports.ci, &args.journal.path);
        }
        Command::Lint(args) => return ((args.format, false), args.reports.ci, &args.manifest),
        _ => return ((Format::Human, false), Ci::Auto, Path::new("")),
    };
    (run.output(), run.reports.ci, &run.connect.manifest)
}

/// Turns success into exit code 1 if standard output or a sandbox's record could not be written.
fn check_output(exit: Exit, process: &Process) -> Exit {
    let is_success = matches!(exit, Exit::Done | Exit::ChangesPending);
    let hint = "check where standard output goes, such as its free space, and run again";
    let lost = [lost_output(hint).filter(|_| is_success), lost_record()];
    let failed = lost.iter().flatten().map(|lost| process.fail(lost)).last();
    failed.filter(|_| is_success).unwrap_or(exit)
}
