//! Writes the callback URLs of Power Automate cloud flows into Dataverse, at deploy time.
//!
//! A run is a pipeline, and the modules are its stages:
//!
//! ```text
//!  manifest.toml                Dataverse + Flow API                          Dataverse
//!       |                              |                                          ^
//!    manifest  --- Desired --->     discover --- Observed --->  plan --- Plan --> apply --- report
//!    parse, check                   reads only                  pure              one change set
//! ```
//!
//! Read [`run`] for the story, [`state`] for what is compared, [`plan`] for the thinking and
//! [`apply`] for the one place that writes. `docs/architecture.md` walks through one apply.

pub mod api;
pub mod apply;
pub mod auth;
pub mod bridge;
pub mod cli;
pub mod discover;
pub mod disk;
pub mod domain;
pub mod error;
pub mod event;
pub mod exit;
pub mod explain;
pub mod failure;
pub mod http;
pub mod journal;
pub mod manifest;
pub mod plan;
pub mod probe;
pub mod problem;
pub mod report;
pub mod review;
pub mod run;
pub mod stage;
pub mod state;

use crate::cli::Cli;
use crate::exit::Exit;

/// Runs the program with its command line.
pub fn start(cli: Cli) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return Exit::Unexpected };
    let exit = runtime.block_on(run::run(cli));
    // Somebody may still be asked on standard input, which cannot be broken off.
    runtime.shutdown_background();
    exit
}
