//! Options of writing deployment settings.

use std::path::PathBuf;

use clap::Args;

use super::{RunArgs, WaitArgs};

/// Options of an export.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The deployment settings to write to, as `pac solution import --settings-file` takes them; a
    /// file that is not there is made. A signed URL makes it a secret.
    #[arg(long, short = 's', value_name = "FILE", visible_alias = "settings-file")]
    pub deployment_settings: PathBuf,
    /// Show what would be written to the file, and leave it as it is.
    #[arg(long, alias = "what-if", visible_alias = "whatif")]
    pub dry_run: bool,
    /// Exit with 2 if the file was changed, or with --dry-run would be.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Waiting for flows.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunArgs,
}
