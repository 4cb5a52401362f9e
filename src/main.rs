//! The `flowbind` program: parse, run, exit.

use std::process::ExitCode;

use flowbind::cli::Cli;

fn main() -> ExitCode {
    match Cli::read(std::env::args_os()) {
        Ok(cli) => flowbind::start(cli).into(),
        Err(error) => flowbind::end_with_usage(&error).into(),
    }
}
