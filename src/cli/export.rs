//! Options of writing deployment settings.

use std::path::PathBuf;

use clap::Args;

use super::{RunArgs, WaitArgs};

/// Options of an export.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Deployment settings file to update; created if missing.
    ///
    /// It is the file for `pac solution import --settings-file`. Entries of other variables stay
    /// unchanged. A file with a signed URL is a secret.
    #[arg(long, short = 's', value_name = "FILE", visible_alias = "settings-file")]
    pub deployment_settings: PathBuf,
    /// Show what would be written to the file, and write nothing.
    #[arg(long, alias = "what-if", visible_alias = "whatif")]
    pub dry_run: bool,
    /// Exit with code 2 if the file changed, or would change with --dry-run.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Waiting for flows.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunArgs,
}
