//! The code that the commands share: this process, one environment's run, and its steps.

pub(crate) mod environment_events;
pub(crate) mod environment_run;
pub(crate) mod limits;
pub(crate) mod process;

pub(crate) mod inputs;
pub(crate) mod observation;
pub(crate) mod prepare;

mod blocking;
pub(crate) mod connect;
pub(crate) mod handed_in_tokens;
pub(crate) mod login;
pub(crate) mod place;
pub(crate) mod principal;
pub(crate) mod secret_variable;
pub(crate) mod token_store;

pub(crate) mod consent;
pub(crate) mod interrupts;
pub(crate) mod not_ready;
pub(crate) mod wait;

pub(crate) mod bundle;
pub(crate) mod file_conflicts;
pub(crate) mod journal_file;
pub(crate) mod log;
pub(crate) mod report_files;
pub(crate) mod reviewed_plan;
pub(crate) mod settings_file;
pub(crate) mod state_dir;

pub(crate) mod failures;
pub(crate) mod next_command;
pub(crate) mod pipeline;
mod quoting;
