//! The option `--dry-run`, which the commands that never write refuse.

use clap::builder::UnknownArgumentValueParser;
use clap::{Arg, ArgAction, Command};

/// The hint for `--dry-run` with a command that never writes.
const TIP: &str = "remove it: this command never writes, so every run is a dry run";

/// The commands that never write.
const COMMANDS: [&str; 2] = ["plan", "check"];

/// Makes the commands that never write refuse `--dry-run` and say why. The option is hidden from
/// help pages and completions.
pub(super) fn refusing(program: Command) -> Command {
    COMMANDS.into_iter().fold(program, |program, name| {
        program.mut_subcommand(name, |command| command.arg(refused()))
    })
}

fn refused() -> Arg {
    Arg::new("dry_run")
        .long("dry-run")
        .aliases(["what-if", "whatif"])
        .action(ArgAction::SetTrue)
        .value_parser(UnknownArgumentValueParser::suggest(TIP))
        .hide(true)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn a_command_that_never_writes_refuses_dry_run_and_says_why() {
        for command in COMMANDS {
            for option in ["--dry-run", "--what-if", "-WhatIf"] {
                let words = ["flowbind", command, option].map(OsString::from);
                let refused = Cli::read(words).unwrap_err().to_string();
                assert!(refused.contains("unexpected argument '--dry-run'"), "{refused}");
                assert!(refused.contains(TIP), "{refused}");
            }
            assert!(Cli::read(["flowbind", command].map(OsString::from)).is_ok());
            let offered = Cli::command().find_subcommand(command).cloned().unwrap();
            assert!(offered.get_arguments().all(|option| option.get_id() != "dry_run"));
        }
    }
}
