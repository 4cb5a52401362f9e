//! The command line of `flowbind check`.

use clap::Args;

use super::RunArgs;

/// Options of a check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Exit with 2 if something drifted.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Also ask each URL that the targets hold, without a token and so that no flow runs.
    #[arg(long)]
    pub probe: bool,
    /// With --probe: ask signed URLs too, by a method that their triggers do not take.
    /// docs/check.md tells what can go wrong.
    #[arg(long, requires = "probe")]
    pub probe_signed: bool,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunArgs,
}
