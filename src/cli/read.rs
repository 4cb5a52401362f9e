//! Reads a command line.

use std::ffi::OsString;

use clap::FromArgMatches;
use clap::error::ErrorKind;

use super::{Cli, dry_run, help, pac, program, variables};

impl Cli {
    /// Reads a command line, and translates the names that `pac` uses.
    ///
    /// # Errors
    /// The mistake in the command line, or the requested help or version.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let words = pac::understood(words).map_err(|pac::Misunderstood { word, hint }| {
            let message = format!("flowbind has no `{word}`: {hint}");
            program().error(ErrorKind::UnknownArgument, message)
        })?;
        let command = || help::for_words(dry_run::refusing(program()), &words);
        Self::from_arg_matches(&variables::matches(&command, &words)?)
    }
}
