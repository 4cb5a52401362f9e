//! The manual pages: what the command line knows of itself, with examples, variables, exit codes and
//! files.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::{EXIT_CODES, examples, program};

/// Variables without an option, of the commands that sign in.
const SIGN_IN_VARIABLES: &[(&str, &str)] = &[
    (
        "FLOWBIND_REFRESH_TOKEN",
        "Sign-in of a pipeline, as `flowbind auth login --export` printed it.",
    ),
    ("FLOWBIND_STORE_KEY", "Key of stored sign-ins and journals."),
    ("FLOWBIND_DATAVERSE_TOKEN", "Access token for Dataverse."),
    ("FLOWBIND_FLOW_TOKEN", "Access token for the Flow service."),
    ("HTTPS_PROXY, NO_PROXY", "Proxy, and hosts that are reached without it."),
];

/// The files that commands read and keep.
const FILES: &[(&str, &str)] = &[
    (
        "flowbind.toml",
        "Manifest, unless --manifest names another. `flowbind init` writes a first one.",
    ),
    (
        "~/.local/state/flowbind",
        "Stored sign-ins of `--token-store file`, and the state of the sandbox. On Windows the folder \
         is %LOCALAPPDATA%\\flowbind.",
    ),
];

/// A section of a manual page: a row for each name.
type Rows = Vec<(String, String)>;

/// Renders the manual page of the program as a whole.
pub(super) fn main_page() -> io::Result<String> {
    let mut program = program();
    program.build();
    Ok(String::from_utf8_lossy(&page(&program, "")?).into_owned())
}

/// Writes the manual page of the program and of each of its commands to a folder.
pub(super) fn write_pages(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut program = program().disable_help_subcommand(true);
    program.build();
    write_page(&program, "", folder)
}

fn write_page(command: &Command, words: &str, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let words = format!("{words} {}", below.get_name());
        write_page(below, words.trim_start(), folder)?;
    }
    let name = Man::new(command.clone()).get_filename();
    fs::write(folder.join(name), page(command, words)?)
}

/// Renders the manual page of the command with these words.
fn page(command: &Command, words: &str) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    render_examples(examples(words), &mut page)?;
    render_rows("ENVIRONMENT", &variables(command), &mut page)?;
    render_rows("EXIT STATUS", &exit_codes(), &mut page)?;
    render_rows("FILES", &owned(FILES), &mut page)?;
    if command.get_version().is_some() {
        man.render_version_section(&mut page)?;
    }
    Ok(page)
}

fn render_examples(examples: &[&str], page: &mut Vec<u8>) -> io::Result<()> {
    let mut section = Roff::default();
    section.control("SH", ["EXAMPLES"]);
    for example in examples {
        section.control("PP", []).text([bold(*example)]);
    }
    section.to_writer(page)
}

fn render_rows(heading: &str, rows: &Rows, page: &mut Vec<u8>) -> io::Result<()> {
    let mut section = Roff::default();
    section.control("SH", [heading]);
    for (name, text) in rows {
        section.control("TP", []).text([bold(name)]).text([roman(text)]);
    }
    section.to_writer(page)
}

/// Lists the variables of a command: those of its options, and those without an option.
fn variables(command: &Command) -> Rows {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let mut rows: Rows = shown.filter_map(variable).collect();
    if runs(command) {
        rows.extend(owned(SIGN_IN_VARIABLES));
    }
    rows.push(("NO_COLOR".to_owned(), "Turns colours off with `--color auto`.".to_owned()));
    rows
}

fn variable(arg: &Arg) -> Option<(String, String)> {
    let name = arg.get_env()?.to_string_lossy().into_owned();
    Some((name, format!("Stands for --{}.", arg.get_long()?)))
}

fn exit_codes() -> Rows {
    EXIT_CODES.iter().map(|(code, meaning)| (code.to_string(), (*meaning).to_owned())).collect()
}

/// Returns true if the command runs on an environment, or is the program as a whole.
fn runs(command: &Command) -> bool {
    let has_environment = command.get_arguments().any(|arg| arg.get_id() == "environment");
    has_environment || command.get_version().is_some()
}

fn owned(rows: &[(&str, &str)]) -> Rows {
    rows.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}
