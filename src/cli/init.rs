//! Options of beginning a manifest.

use std::path::PathBuf;

use clap::Args;

/// Options of beginning a manifest.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The new file. An existing file is not overwritten.
    #[arg(long, value_name = "FILE", default_value = "flowbind.toml")]
    pub out: PathBuf,
}
