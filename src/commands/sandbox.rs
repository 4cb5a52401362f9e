//! `flowbind sandbox`: serves the emulated tenant until stopped, or empties its state.

#[cfg(feature = "sandbox")]
mod serve;

use crate::cli::SandboxArgs;
use crate::model::Failure;
use crate::run::process::Process;

/// Carries out `flowbind sandbox`.
#[cfg(feature = "sandbox")]
pub(super) async fn command(args: &SandboxArgs, process: &Process) -> Result<(), Failure> {
    match &args.command {
        Some(crate::cli::SandboxCommand::Reset) => serve::reset(&args.state, &process.console),
        None => serve::until_stopped(&args.serve, &args.state, process).await,
    }
}

/// Refuses: the program was built without the sandbox.
#[cfg(not(feature = "sandbox"))]
#[expect(clippy::unused_async, reason = "the same signature as with the sandbox")]
pub(super) async fn command(_: &SandboxArgs, _: &Process) -> Result<(), Failure> {
    Err(crate::run::place::without_sandbox())
}
