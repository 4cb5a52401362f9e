//! The command line of `flowbind check`.

use clap::Args;

use super::{OnlyArgs, RunArgs};

/// Options of a check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Exit with code 2 if a target drifted.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Also call each URL that the targets hold, to test that it still works.
    ///
    /// The calls carry no token, so no flow runs. Signed URLs are called only with --probe-signed.
    #[arg(long)]
    pub probe: bool,
    /// With --probe, also call signed URLs.
    ///
    /// Each is called with an HTTP method that its trigger does not accept, so that the service
    /// rejects the call and no flow runs. The order of these checks is not documented by Microsoft,
    /// and proxies may log the URL with its signature.
    #[arg(long, requires = "probe")]
    pub probe_signed: bool,
    /// Taking a part of the manifest.
    #[command(flatten)]
    pub only: OnlyArgs,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunArgs,
}
