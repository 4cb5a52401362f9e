//! Options of what is made for other programs.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Options of completions.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Options of manual pages.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write one page per command to this folder instead of the main page to standard output.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
