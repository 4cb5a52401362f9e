//! Where a run runs: at an environment's address, or at the sandbox that it starts for itself.

use crate::cli::{SandboxArgs, SandboxState};
use crate::domain::EnvironmentUrl;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::manifest::{Environment, Location};
use crate::report::Console;

#[cfg(feature = "sandbox")]
mod embedded;

/// Where a run runs.
pub(super) struct Place {
    /// The address of the environment.
    pub(super) url: EnvironmentUrl,
    /// Whether a sign-in is approved without a person.
    pub(super) approves_itself: bool,
    #[cfg(feature = "sandbox")]
    server: Option<flowbind_sandbox::Server>,
}

impl Place {
    fn at(url: EnvironmentUrl) -> Self {
        Self {
            url,
            approves_itself: false,
            #[cfg(feature = "sandbox")]
            server: None,
        }
    }

    /// Stops the sandbox, if this run started one.
    #[cfg_attr(
        not(feature = "sandbox"),
        expect(clippy::unused_async, reason = "the same signature as with the sandbox")
    )]
    pub(super) async fn close(self) {
        #[cfg(feature = "sandbox")]
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

/// The place that the manifest means; the sandbox is started.
pub(super) async fn place(
    environment: &Environment,
    args: &SandboxState,
    console: &Console,
) -> Result<Place, Failure> {
    match &environment.place {
        Location::Url(url) => Ok(Place::at(url.clone())),
        Location::Sandbox => sandbox(args, console).await,
    }
}

#[cfg(feature = "sandbox")]
use embedded::{run as command_of, start as sandbox};

/// Carries out `flowbind sandbox`.
pub(super) async fn command(args: &SandboxArgs, color: anstream::ColorChoice) -> Exit {
    let console = super::plain_console(color);
    match command_of(args, &console).await {
        Ok(()) => Exit::Done,
        Err(failure) => {
            console.fail(&failure);
            failure.exit
        }
    }
}

/// The program was built without the sandbox.
#[cfg(not(feature = "sandbox"))]
fn absent() -> Failure {
    Failure::new(Exit::Usage, "this program was built without the sandbox")
        .hint("build it with the default features, or choose another environment")
}

#[cfg(not(feature = "sandbox"))]
#[expect(clippy::unused_async, reason = "the same signature as with the sandbox")]
async fn sandbox(_: &SandboxState, _: &Console) -> Result<Place, Failure> {
    Err(absent())
}

#[cfg(not(feature = "sandbox"))]
#[expect(clippy::unused_async, reason = "the same signature as with the sandbox")]
async fn command_of(_: &SandboxArgs, _: &Console) -> Result<(), Failure> {
    Err(absent())
}
