//! `flowbind lint`: what is wrong with a manifest, without anybody or anything but the file.

use super::record::Record;
use super::{begin, clouds, manifest};
use crate::cli::LintArgs;
use crate::domain::printable_path;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::{Console, Format, Outcome, RunCommand, counted};

/// Checks and reports.
pub(super) fn command(args: &LintArgs, color: anstream::ColorChoice) -> Exit {
    let (console, mut record, opened) =
        begin(RunCommand::Lint, (args.format, &args.reports), &args.manifest, color);
    let ended = opened.and_then(|()| check(args, &console, &mut record));
    let (_, exit) = record.conclude(ended, &console);
    exit
}

/// Reads the manifest, and counts what is in it.
fn check(args: &LintArgs, console: &Console, record: &mut Record) -> Result<Outcome, Failure> {
    let clouds = clouds(args.clouds.as_deref(), console)?;
    let (manifest, _) = manifest(&args.manifest, &clouds, console, record)?;
    if args.format == Format::Human {
        let flows = counted(manifest.desired().flows.len(), "flow");
        let targets = counted(manifest.desired().bindings.len(), "target");
        let environments = counted(manifest.environments().count(), "environment");
        let file = printable_path(&args.manifest);
        console.result(&format!("{file}: no problems. {flows}, {targets}, {environments}.\n"));
    }
    Ok(Outcome::Agreed)
}
