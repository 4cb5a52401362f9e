//! The option `--dry-run`, which the commands that never write refuse.

use clap::builder::UnknownArgumentValueParser;
use clap::{Arg, ArgAction, Command};

/// What is answered to who asks a command for a dry run that is one.
const TIP: &str = "leave it out: this command writes nothing, so that every run of it is a dry run";

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
    fn a_command_that_never_writes_tells_who_asks_for_a_dry_run_that_it_is_one() {
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
