//! The option of taking a part of the manifest.

use clap::Args;

/// The option of taking a part of the manifest.
#[derive(Debug, Args)]
pub struct OnlyArgs {
    /// Take only this flow or target of the manifest; can be repeated.
    ///
    /// A flow's name or workflow id, or a target's address as `flowbind plan` shows it. The run lists
    /// the targets that it leaves out.
    #[arg(long, value_name = "NAME|ADDRESS")]
    pub only: Vec<String>,
}
