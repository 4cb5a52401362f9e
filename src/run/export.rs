//! `flowbind export`: writes the URLs into deployment settings, and nothing into the environment.

use std::sync::Arc;

use super::interrupt::interruptible;
use super::next::Next;
use super::record::Record;
use super::settings_file::SettingsFile;
use super::wait::Wait;
use super::{Intent, Ready, Start, Wish, consent, prepare, reported, start};
use crate::bridge::{Export, plan_export};
use crate::cli::{ConnectArgs, ExportArgs};
use crate::domain::printable_path;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::{Console, ExportedFile, Outcome, RunCommand, counted};

/// Exports and reports.
pub(super) async fn command(args: &ExportArgs, color: anstream::ColorChoice) -> Exit {
    let run = &args.run;
    let file = &run.connect.manifest;
    let outputs = (run.format, &run.reports);
    let (outcome, exit) =
        reported(RunCommand::Export, outputs, file, color, async |console, record| {
            stages(args, console, record).await
        })
        .await;
    let changed = matches!(outcome, Outcome::Planned | Outcome::Exported);
    if args.detailed_exitcode && changed { Exit::ChangesPending } else { exit }
}

/// The stages of an export: file, manifest, sign-in, discover, plan, write.
async fn stages(
    args: &ExportArgs,
    console: &Arc<Console>,
    record: &mut Record,
) -> Result<Outcome, Failure> {
    let file = SettingsFile::open_or_begin(&args.deployment_settings)?;
    if !args.dry_run {
        file.check_folder()?;
    }
    let start = start(&args.run, &Wish::of(Intent::Show), console, record)?;
    let (start, records) = of_variables(start)?;
    let wait = Wait::of(&args.wait).map(Wait::for_flows_alone);
    let preparing = Box::pin(prepare(&args.run, start, wait, console, record));
    let ready = interruptible(preparing).await?;
    let export = compare(&ready, &file);
    record.plan(export.plan.clone());
    record.exported = Some(ExportedFile {
        path: args.deployment_settings.display().to_string(),
        variables: export.variables.clone(),
        others: export.others,
        records,
    });
    let reader = ready.connection.reader();
    let shown = consent(&ready.connection, &reader, Intent::Show, console, record).await;
    ready.connection.close().await;
    if records > 0 {
        console.message(&note_of_records(records, &args.run.connect));
    }
    match shown?.unwrap_or(Outcome::Planned) {
        Outcome::Planned if !args.dry_run => write(args, &file, &export, console),
        outcome => Ok(outcome),
    }
}

/// Compares what should be with what the file holds.
fn compare(ready: &Ready, file: &SettingsFile) -> Export {
    let (desired, observed) = (ready.manifest.desired(), &ready.discovery.observed);
    plan_export(desired, observed, &file.settings, &ready.connection.cloud)
}

/// The same start with the bindings to variables alone, and the number of the others.
fn of_variables(start: Start) -> Result<(Start, usize), Failure> {
    let all = start.manifest.desired().bindings.len();
    let manifest = start.manifest.of_variables();
    let variables = manifest.desired().bindings.len();
    if variables == 0 {
        let message = "the manifest binds no environment variable, and deployment settings hold nothing else; nothing was contacted";
        return Err(Failure::new(Exit::Usage, message)
            .hint("write columns of records with `flowbind apply`"));
    }
    Ok((Start { manifest, ..start }, all - variables))
}

fn note_of_records(records: usize, connect: &ConnectArgs) -> String {
    let apply = Next::command("apply").reaching(connect);
    let (targets, are) =
        (counted(records, "target"), if records == 1 { "is a column" } else { "are columns" });
    format!(
        "{targets} {are} of records, which deployment settings cannot hold: `{apply}` writes them.\n"
    )
}

/// Writes the file.
fn write(
    args: &ExportArgs,
    file: &SettingsFile,
    export: &Export,
    console: &Console,
) -> Result<Outcome, Failure> {
    file.write(&export.after)?;
    let shown = printable_path(&args.deployment_settings);
    let how = if file.is_new() { "Made" } else { "Updated" };
    console.message(&format!("{how} {shown}. Nothing was written to the environment.\n"));
    Ok(Outcome::Exported)
}
