//! Options of checking a manifest alone.

use std::path::PathBuf;

use clap::Args;

use super::ReportArgs;
use crate::report::Format;

/// Options of checking a manifest alone.
#[derive(Debug, Args)]
pub struct LintArgs {
    /// Manifest to check.
    #[arg(
        long,
        short,
        value_name = "FILE",
        default_value = "flowbind.toml",
        env = "FLOWBIND_MANIFEST"
    )]
    pub manifest: PathBuf,
    /// Clouds file with additional or changed hosts and token audiences.
    #[arg(long, value_name = "FILE", env = "FLOWBIND_CLOUDS")]
    pub clouds: Option<PathBuf>,
    /// Output format of the result.
    #[arg(long, default_value = "human", env = "FLOWBIND_FORMAT")]
    pub format: Format,
    /// Reports in files.
    #[command(flatten)]
    pub reports: ReportArgs,
}
