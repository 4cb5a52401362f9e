//! Options of reports and pipelines.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::report::ReportFormat;

/// Options of reports and pipelines.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports and pipelines")]
pub struct ReportArgs {
    /// Write a report to this file, even if the run fails; can be repeated.
    ///
    /// The extension selects the format: .md, .xml (JUnit), .sarif, .json or .html. No report
    /// contains a secret.
    #[arg(long, value_name = "FILE", env = "FLOWBIND_REPORT")]
    pub report: Vec<PathBuf>,
    /// Format of the report if its file has another extension.
    #[arg(long, value_name = "FORMAT", env = "FLOWBIND_REPORT_FORMAT", hide_short_help = true)]
    pub report_format: Option<ReportFormat>,
    /// Pipeline to report to.
    ///
    /// It gets annotations for errors and warnings, a summary, and outputs for later steps.
    #[arg(long, value_name = "PIPELINE", default_value = "auto", env = "FLOWBIND_CI")]
    pub ci: Ci,
}

/// The pipelines to report to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// The pipeline of this process, if its environment variables show one.
    Auto,
    /// GitHub Actions.
    Github,
    /// Azure Pipelines.
    Azure,
    /// No pipeline.
    None,
}
