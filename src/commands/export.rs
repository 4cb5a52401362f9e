//! `flowbind export`: writes the URLs into deployment settings, and nothing into the environment.

use crate::cli::{ConnectArgs, ExportArgs};
use crate::deployment_settings::{Export, plan_export};
use crate::model::{Exit, Failure, printable_path};
use crate::report::{Console, ExportedFile, Outcome, RunCommand, counted};
use crate::run::consent::Consent;
use crate::run::environment_run::{EnvironmentRun, run_and_report};
use crate::run::next_command::NextCommand;
use crate::run::prepare::{Inputs, PreparedRun, prepare};
use crate::run::process::Process;
use crate::run::settings_file::SettingsFile;
use crate::run::wait::Wait;

/// Exports the URLs, and reports.
pub(super) async fn command(args: &ExportArgs, process: &Process) -> Exit {
    let about = (&args.run.reports, args.run.connect.manifest.as_path());
    let (outcome, exit) = run_and_report(RunCommand::Export(None), about, process, async |run| {
        stages(args, process, run).await
    })
    .await;
    let changed = matches!(outcome, Outcome::Planned | Outcome::Exported);
    if args.detailed_exitcode && changed { Exit::ChangesPending } else { exit }
}

/// Runs the stages of `flowbind export`.
async fn stages(
    args: &ExportArgs,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<Outcome, Failure> {
    let file = SettingsFile::open_or_begin(&args.deployment_settings)?;
    if !args.dry_run {
        file.check_folder()?;
    }
    let inputs = Inputs::read(&args.run, &[], None, process, run)?;
    let (inputs, records) = keep_variables(inputs)?;
    let wait = Wait::from_args(&args.wait).map(Wait::for_flows_alone);
    let preparing = prepare(&args.run, inputs, wait, process, run);
    let prepared = process.unless_interrupted(preparing).await?;
    let export = compare(&prepared, &file);
    run.set_plan(export.plan.clone());
    run.command = RunCommand::Export(Some(ExportedFile {
        path: args.deployment_settings.display().to_string(),
        variables: export.variables.clone(),
        others: export.others,
        records,
    }));
    run.show_plan(prepared.connection.url(), &process.console);
    let (connection, reader) = (&prepared.connection, prepared.connection.reader());
    let decided = Consent::ShowOnly.decide(connection, &reader, process, run).await;
    prepared.connection.close().await;
    if records > 0 {
        process.console.message(&note_of_records(records, &args.run.connect));
    }
    match decided?.unwrap_or(Outcome::Planned) {
        Outcome::Planned if !args.dry_run => write(args, &file, &export, &process.console),
        outcome => Ok(outcome),
    }
}

/// Compares the wanted values with the content of the file.
fn compare(prepared: &PreparedRun, file: &SettingsFile) -> Export {
    let (desired, observed) = (prepared.manifest.desired(), &prepared.discovery.observed);
    plan_export(desired, observed, &file.settings, &prepared.connection.cloud)
}

/// Keeps the bindings to variables, and returns the number of the others.
fn keep_variables(inputs: Inputs) -> Result<(Inputs, usize), Failure> {
    let all = inputs.manifest.desired().bindings.len();
    let manifest = inputs.manifest.of_variables();
    let variables = manifest.desired().bindings.len();
    if variables == 0 {
        let message = "the manifest has no environment variable, and deployment settings cannot hold records; nothing was contacted";
        return Err(Failure::new(Exit::Usage, message).hint("write records with `flowbind apply`"));
    }
    Ok((Inputs { manifest, ..inputs }, all - variables))
}

fn note_of_records(records: usize, connect: &ConnectArgs) -> String {
    let apply = NextCommand::command("apply").with_connect_options(connect);
    let targets = counted(records, "target");
    format!(
        "Not exported: {targets} in records, which deployment settings cannot hold. `{apply}` writes them.\n"
    )
}

/// Saves the deployment settings with the new URLs.
fn write(
    args: &ExportArgs,
    file: &SettingsFile,
    export: &Export,
    console: &Console,
) -> Result<Outcome, Failure> {
    file.write(&export.after)?;
    let shown = printable_path(&args.deployment_settings);
    let how = if file.is_new() { "Created" } else { "Updated" };
    console.message(&format!("{how} {shown}. Nothing was written to the environment.\n"));
    Ok(Outcome::Exported)
}
