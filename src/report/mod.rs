//! Renders the result of a run: as text on two streams, as one JSON document, as a file, and for
//! the log of a pipeline.
//!
//! The result goes to standard output; progress, the sign-in code and errors go to standard
//! error. Meaning never depends on colour. Each report format is a pure function of one [`Run`].

mod event_log;
pub(crate) mod explain;
mod files;
mod log;
mod pipeline;
mod printed;
mod run;
mod terminal;
#[cfg(test)]
mod tests;
mod wording;

pub(crate) use crate::report::files::format::ReportFormat;
pub(crate) use crate::report::files::markdown::document as job_summary;
pub(crate) use crate::report::pipeline::command_filter::CommandFilter;
pub(crate) use crate::report::pipeline::runner::{Runner, RunnerCommand};
pub(crate) use crate::report::pipeline::secret_outputs::{OutputUrl, Secrets};
pub(crate) use crate::report::printed::{safe_json, safe_text};
pub(crate) use crate::report::terminal::console::{
    Console, Format, lost_result, write_failure, write_usage,
};
pub(crate) use crate::report::terminal::layout::counted;
pub(crate) use crate::report::terminal::sign_ins::{KeptSignIn, sign_ins};
pub(crate) use log::{LogFormat, lost_log, start_log};
pub(crate) use run::{Checked, ExportedFile, Outcome, Run, RunCommand, RunEnvironment};

use run::VERSION;
