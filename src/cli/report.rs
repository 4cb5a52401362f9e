//! Options of reports and pipelines.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::report::ReportFormat;

/// What a run leaves behind besides its result on standard output.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports and pipelines (docs/reports.md)")]
pub struct ReportArgs {
    /// Write a report to this file, however the run ends; may be repeated. The extension tells the
    /// form: .md, .xml (JUnit), .sarif, .json or .html. No report holds a secret.
    #[arg(long, value_name = "FILE", env = "FLOWBIND_REPORT")]
    pub report: Vec<PathBuf>,
    /// The form of the one report, where its extension does not tell.
    #[arg(long, value_name = "FORMAT", env = "FLOWBIND_REPORT_FORMAT")]
    pub report_format: Option<ReportFormat>,
    /// The pipeline to tell of errors, warnings, a summary and outputs, in its own commands.
    #[arg(long, value_name = "PIPELINE", default_value = "auto", env = "FLOWBIND_CI")]
    pub ci: Ci,
}

/// The pipeline that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// The one that the variables of the process tell of, if any.
    Auto,
    /// GitHub Actions.
    Github,
    /// Azure Pipelines.
    Azure,
    /// None.
    None,
}
