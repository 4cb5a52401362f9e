//! `flowbind schema`, `completions` and `man`: files for other programs, generated from this one.

use std::io;
use std::path::Path;

use super::manual;
use crate::cli::{CompletionsArgs, ManArgs, program};
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
    clap_complete::generate(args.shell, &mut program(), NAME, &mut script);
    console.write_verbatim(&String::from_utf8_lossy(&script));
    Exit::Done
}

/// Prints the manual page, or writes all.
pub(super) fn man(args: &ManArgs, console: &Console) -> Result<(), Failure> {
    if let Some(folder) = &args.out {
        return manual::write_pages(folder).map_err(|error| unwritten(folder, &error));
    }
    let page =
        manual::main_page().map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
    console.write_verbatim(&page);
    Ok(())
}

/// Tells that the pages cannot be written.
fn unwritten(folder: &Path, error: &io::Error) -> Failure {
    let folder = folder.display();
    Failure::new(Exit::Usage, format!("the manual pages cannot be written to `{folder}`: {error}"))
        .hint("name a writable folder with --out")
}
