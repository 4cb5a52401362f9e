//! `flowbind schema`, `completions` and `man`: files for other programs, generated from this one.

use std::path::Path;
use std::{fs, io};

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::manifest::json_schema;
use crate::model::{Exit, Failure};
use crate::report::Console;

/// The name of the program in a shell.
const NAME: &str = "flowbind";

/// Prints the JSON Schema of manifests.
pub(super) fn schema(console: &Console) -> Exit {
    console.write_verbatim(&format!("{:#}\n", json_schema()));
    Exit::Done
}

/// Prints the completions for a shell.
pub(super) fn completions(args: &CompletionsArgs, console: &Console) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    console.write_verbatim(&String::from_utf8_lossy(&script));
    Exit::Done
}

/// Prints the manual page, or writes all.
pub(super) fn man(args: &ManArgs, console: &Console) -> Result<(), Failure> {
    if let Some(folder) = &args.out {
        return pages(folder).map_err(|error| unwritten(folder, &error));
    }
    let page = page().map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
    console.write_verbatim(&page);
    Ok(())
}

/// Renders the manual page of the program as a whole.
fn page() -> io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Creates a manual page for the program and one for each of its commands.
fn pages(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}

/// Tells that the pages cannot be written.
fn unwritten(folder: &Path, error: &io::Error) -> Failure {
    let folder = folder.display();
    Failure::new(Exit::Usage, format!("the manual pages cannot be written to `{folder}`: {error}"))
        .hint("name a writable folder with --out")
}
