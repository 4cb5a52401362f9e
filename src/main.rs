//! The `flowbind` program: parse, run, exit.

use std::process::ExitCode;

use flowbind::cli::Cli;
use flowbind::model::Exit;

fn main() -> ExitCode {
    match Cli::read(std::env::args_os()) {
        Ok(cli) => flowbind::start(cli).into(),
        Err(error) => {
            // What clap calls an error may be the help or the version, which go to standard output.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            exit.into()
        }
    }
}
