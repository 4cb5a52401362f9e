//! `flowbind plan`: shows what an apply would change, and writes nothing.

use crate::cli::PlanArgs;
use crate::model::{Exit, Failure};
use crate::report::{Outcome, RunCommand};
use crate::run::consent::Consent;
use crate::run::environment_run::{EnvironmentRun, detailed_exit_code, run_and_report};
use crate::run::prepare::{Inputs, PreparedRun, prepare_to_write};
use crate::run::process::Process;
use crate::run::reviewed_plan::PlanFile;
use crate::run::wait::Wait;

/// Plans and reports.
pub(super) async fn command(args: &PlanArgs, process: &Process) -> Exit {
    let run = &args.run;
    let about = (&run.reports, run.connect.manifest.as_path());
    let ended = run_and_report(RunCommand::Plan, about, process, async |run| {
        let file = PlanFile::from_args(&args.review)?;
        let ended = stages(args, file.as_ref(), process, run).await;
        let is_saved = matches!(ended, Ok(Outcome::Agreed | Outcome::Planned));
        if let Some(file) = file.filter(|_| !is_saved) {
            file.warn_if_older(&process.console);
        }
        ended
    })
    .await;
    detailed_exit_code(ended, args.detailed_exitcode)
}

/// Runs the stages of `flowbind plan`.
async fn stages(
    args: &PlanArgs,
    file: Option<&PlanFile>,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<Outcome, Failure> {
    let inputs = Inputs::read(&args.run, &args.only.only, None, process, run)?;
    let wait = Wait::from_args(&args.wait);
    let preparing = prepare_to_write(&args.run, inputs, wait, process, run);
    let prepared = process.unless_interrupted(preparing).await?;
    run.show_plan(prepared.connection.url(), &process.console);
    let outcome = show_and_save(args, file, &prepared, process, run).await;
    prepared.connection.close().await;
    outcome
}

async fn show_and_save(
    args: &PlanArgs,
    file: Option<&PlanFile>,
    prepared: &PreparedRun,
    process: &Process,
    run: &EnvironmentRun,
) -> Result<Outcome, Failure> {
    let (connection, reader) = (&prepared.connection, prepared.connection.reader());
    let decided = Consent::ShowOnly.decide(connection, &reader, process, run).await?;
    let outcome = decided.unwrap_or(Outcome::Planned);
    if let Some(file) = file.filter(|_| outcome != Outcome::Refused) {
        let (sha256, present) = (&prepared.manifest_sha256, prepared.present());
        let only = args.only.only.clone();
        file.save((sha256, only), present, run, &args.run.connect, &process.console)?;
    }
    Ok(outcome)
}
