//! The place of a run: an environment's address, or a sandbox that the run starts for itself.

use crate::cli::SandboxState;
use crate::manifest::{Environment, Location};
use crate::model::{EnvironmentUrl, Exit, Failure, Listener};

#[cfg(feature = "sandbox")]
pub(crate) mod embedded;

/// The address of a run's environment, and the sandbox if the run started one.
pub(crate) struct Place {
    /// The address of the environment.
    pub(crate) url: EnvironmentUrl,
    /// True if a sign-in is approved without a person.
    pub(crate) approves_itself: bool,
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
    pub(crate) async fn close(self) {
        #[cfg(feature = "sandbox")]
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

/// Returns the place of an environment, and starts the sandbox if the environment is the sandbox.
pub(crate) async fn place(
    environment: &Environment,
    args: &SandboxState,
    listener: &dyn Listener,
) -> Result<Place, Failure> {
    match &environment.place {
        Location::Url(url) => Ok(Place::at(url.clone())),
        Location::Sandbox => sandbox(args, listener).await,
    }
}

/// Starts the sandbox of this run.
#[cfg(feature = "sandbox")]
async fn sandbox(args: &SandboxState, listener: &dyn Listener) -> Result<Place, Failure> {
    let (url, server) = embedded::start(args, listener).await?;
    Ok(Place { url, approves_itself: true, server: Some(server) })
}

/// Returns the failure of a record of requests that is not complete.
#[cfg(feature = "sandbox")]
pub(crate) fn lost_record() -> Option<Failure> {
    let lost = flowbind_sandbox::lost_record()?;
    Some(Failure::new(Exit::Unexpected, lost).hint("the run itself ended as is told above"))
}

/// Returns none: there is no sandbox that could keep a record.
#[cfg(not(feature = "sandbox"))]
pub(crate) fn lost_record() -> Option<Failure> {
    None
}

/// Refuses: the program was built without the sandbox.
#[cfg(not(feature = "sandbox"))]
#[expect(clippy::unused_async, reason = "the same signature as with the sandbox")]
async fn sandbox(_: &SandboxState, _: &dyn Listener) -> Result<Place, Failure> {
    Err(without_sandbox())
}

/// Returns the failure of a program that was built without the sandbox.
#[cfg(not(feature = "sandbox"))]
pub(crate) fn without_sandbox() -> Failure {
    Failure::new(Exit::Usage, "this program was built without the sandbox")
        .hint("build it with the default features, or choose another environment")
}
