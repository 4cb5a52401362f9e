//! Writes the callback URLs of Power Automate cloud flows into Dataverse, at deploy time.
//!
//! A run is a pipeline, and the modules are its stages, in reading order:
//!
//! ```text
//!  manifest.toml                Dataverse + Flow API                          Dataverse
//!       |                              |                                          ^
//!    manifest  --- Desired --->     discover --- Observed --->  plan --- Plan --> apply --- report
//!    parse, check                   reads only                  pure              one change set
//! ```
//!
//! Begin with `commands` for the stories, [`model`] for what is compared, [`plan`] for the thinking and
//! `apply` for the one place that writes. `docs/architecture.md` walks through one apply.

// The command line, and the story of each command.
pub mod cli;
mod commands;
mod run;

// The stages of a run, in its order.
pub mod manifest;
pub mod sign_in;
mod discover;
pub mod plan;
mod apply;
mod report;
mod deployment_settings;

// The ground that the stages stand on.
pub mod services;
pub mod http;
pub mod model;
mod atomic_file;

use crate::cli::{Cli, usage_text};
use crate::model::Exit;

/// Prints what is wrong with the command line, or the help or version that was asked for, which
/// clap calls an error, too.
pub fn end_with_usage(error: &clap::Error) -> Exit {
    let is_mistake = error.exit_code() != 0;
    report::write_usage(&usage_text(error), is_mistake);
    if is_mistake { Exit::Usage } else { Exit::Done }
}

/// Runs the program with its command line.
pub fn start(cli: Cli) -> Exit {
    let runtime = run::limits::check().and_then(|()| run::limits::runtime());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(failure) => return report::write_failure(&failure),
    };
    let exit = runtime.block_on(async {
        #[cfg(unix)]
        run::interrupts::survive_file_size_limit();
        commands::run(cli).await
    });
    // Somebody may still be asked on standard input, which cannot be broken off.
    runtime.shutdown_background();
    exit
}
