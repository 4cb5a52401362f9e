//! `flowbind lint`: checks a manifest offline.

use crate::cli::LintArgs;
use crate::model::{Exit, Failure, printable_path};
use crate::report::{Format, Outcome, RunCommand, counted};
use crate::run::environment_run::EnvironmentRun;
use crate::run::inputs::{clouds, manifest};
use crate::run::process::Process;

/// Checks the manifest, and reports.
pub(super) fn command(args: &LintArgs, process: &Process) -> Exit {
    let mut run = EnvironmentRun::new(RunCommand::Lint, &args.manifest, &process.console);
    let opened = run.open_outputs(&args.reports, &process.console);
    let ended = opened.and_then(|()| check(args, process, &mut run));
    let (_, exit) = run.conclude(ended, process);
    exit
}

/// Reads the manifest, and counts what is in it.
fn check(args: &LintArgs, process: &Process, run: &mut EnvironmentRun) -> Result<Outcome, Failure> {
    let clouds = clouds(args.clouds.as_deref(), &process.console)?;
    let (manifest, _) = manifest(&args.manifest, &clouds, process, run)?;
    if args.format == Format::Human {
        let flows = counted(manifest.desired().flows.len(), "flow");
        let targets = counted(manifest.desired().bindings.len(), "target");
        let environments = counted(manifest.environment_names().count(), "environment");
        let file = printable_path(&args.manifest);
        process
            .console
            .write_result(&format!("{file}: no problems. {flows}, {targets}, {environments}.\n"));
    }
    Ok(Outcome::Agreed)
}
