//! `flowbind init`: a manifest to begin with.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::cli::InitArgs;
use crate::model::{Exit, Failure, printable_path};
use crate::report::Console;
use crate::run::next_command::NextCommand;

/// The manifest; it fits the sandbox.
const STARTER: &str = include_str!("../../config/starter.toml");

/// Creates the starter manifest, and fails if the file exists already.
pub(super) fn command(args: &InitArgs, console: &Console) -> Result<(), Failure> {
    write(&args.out).map_err(|error| refused(&args.out, &error))?;
    console.message(&format!("Wrote {}.\n{}", printable_path(&args.out), next_steps(&args.out)));
    Ok(())
}

/// Returns the next steps after the manifest is created.
fn next_steps(manifest: &Path) -> String {
    let next = |command| NextCommand::command(command).with_manifest(manifest);
    let (plan, lint) = (next("plan"), next("lint"));
    format!(
        "Try it in the sandbox: {plan} --environment sandbox\n\
         Then add your own environments and flows, and check the manifest: {lint}\n"
    )
}

fn write(path: &Path) -> io::Result<()> {
    let written = File::create_new(path)?.write_all(STARTER.as_bytes());
    // A part of a manifest is none, and would be in the way of the next try.
    written.inspect_err(|_| drop(fs::remove_file(path)))
}

/// Tells why nothing was written.
fn refused(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    if error.kind() == ErrorKind::AlreadyExists {
        return Failure::new(
            Exit::Usage,
            format!("`{path}` already exists and is not overwritten"),
        )
        .hint("name another file with --out, or edit this one and check it with `flowbind lint`");
    }
    Failure::new(Exit::Usage, format!("`{path}` cannot be written: {error}"))
        .hint("name a file in a writable folder with --out")
}
