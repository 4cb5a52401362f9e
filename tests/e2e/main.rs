//! The whole program on the sandbox tenant, as a user runs it.

#![cfg(feature = "sandbox")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod answers;
mod authoring;
mod azure_cli;
mod bridge;
mod bundle;
mod causes;
mod change_sets;
mod check;
mod clouds;
mod crashes;
mod crowd;
mod exit_codes;
mod faults;
mod files;
mod harness;
mod hostile;
mod identities;
mod interrupts;
mod journal;
mod leaks;
mod logging;
mod matrix;
mod only;
mod outcomes;
mod pipelines;
mod printed;
mod problems;
mod processes;
mod proxy;
mod readiness;
mod recipes;
mod redaction;
mod remedies;
mod remedy_table;
mod removed;
mod renewals;
mod reports;
mod requests;
mod review;
mod secrets;
mod sign_in;
mod sign_in_errors;
mod sign_in_secrets;
mod solutions;
mod stores;
mod synthetic;
mod tables;
mod tenant;
mod terminal;
mod tls;
mod urls;
mod watch;
mod windows;
mod write_answers;
