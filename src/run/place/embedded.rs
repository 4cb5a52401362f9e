//! The sandbox that ships with the program, started for a run.

use std::path::PathBuf;
use std::time::Duration;

use flowbind_sandbox::{Options, SandboxError, Server, StateLocation, Tenant};

use crate::cli::{SandboxState, StateArgs};
use crate::model::{EnvironmentUrl, Event, Exit, Failure, Listener, docs_page, error_chain};
use crate::run::blocking::in_thread;
use crate::run::quoting::quote;
use crate::run::state_dir;

/// The hint for a tenant file that the sandbox cannot use.
pub(crate) const TENANT_FILE_HINT: &str =
    concat!("for every key of a tenant file see ", docs_page!("sandbox"));

/// The value of `--sandbox-state` that keeps the state in memory.
const NONE: &str = "none";

/// Starts a sandbox for one run at a free port.
pub(crate) async fn start(
    args: &SandboxState,
    listener: &dyn Listener,
) -> Result<(EnvironmentUrl, Server), Failure> {
    let file = args.sandbox_tenant.clone();
    let options = Options {
        listen: ([127, 0, 0, 1], 0).into(),
        approve_after: Some(Duration::ZERO),
        latency: Duration::ZERO,
        state: location(&args.state)?,
        tenant: in_thread(move || tenant(file.as_ref())).await??,
        record: args.sandbox_record.clone(),
        tls: None,
    };
    let state = options.state.clone();
    let server = open(options).await?;
    announce(&server, &state, listener);
    let url = format!("http://{}", server.address()).parse::<EnvironmentUrl>();
    let url = url.map_err(|error| {
        Failure::new(Exit::Unexpected, format!("the sandbox's address {error}"))
    })?;
    Ok((url, server))
}

/// Starts a sandbox.
pub(crate) async fn open(options: Options) -> Result<Server, Failure> {
    Server::start(options).await.map_err(|error| failure(&error))
}

/// Reports the address of a sandbox, and the location of its state.
pub(crate) fn announce(server: &Server, state: &StateLocation, listener: &dyn Listener) {
    let state = match state {
        StateLocation::File(path) => Some(path.as_path()),
        StateLocation::Memory => None,
    };
    listener.on_event(Event::SandboxStarted {
        address: &format!("http://{}", server.address()),
        state,
        anew: server.started_anew(),
    });
}

/// Returns the location of the state: the one of the option, else the platform's folder for state.
pub(crate) fn location(args: &StateArgs) -> Result<StateLocation, Failure> {
    match args.sandbox_state.as_deref() {
        Some(NONE) => Ok(StateLocation::Memory),
        Some(path) => Ok(StateLocation::File(PathBuf::from(path))),
        None => default_file().map(StateLocation::File),
    }
}

/// Returns the state file in the platform's folder.
fn default_file() -> Result<PathBuf, Failure> {
    let folder = state_dir::state().map_err(|error| {
        Failure::new(Exit::Usage, format!("no folder for the sandbox's state was found: {error}"))
            .hint("name a file with --sandbox-state, or keep the state in memory with --sandbox-state none")
    })?;
    Ok(folder.join(state_dir::SANDBOX_STATE))
}

/// Reads the tenant of a file, or returns the built-in tenant if there is no file.
pub(crate) fn tenant(file: Option<&PathBuf>) -> Result<Tenant, Failure> {
    match file {
        Some(file) => Tenant::load(file).map_err(|error| failure(&error)),
        None => Ok(Tenant::embedded()),
    }
}

/// Converts an error of the sandbox to a failure, with a hint about what to type.
pub(crate) fn failure(error: &SandboxError) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("the sandbox: {}", error_chain(error)));
    match error {
        SandboxError::StateCorrupt { path, .. } => failure.hint(format!(
            "`flowbind sandbox reset --sandbox-state {}` deletes the state",
            quote(&path.display().to_string())
        )),
        SandboxError::State { .. } | SandboxError::StateTaken { .. } => failure.hint(
            "name another file with `--sandbox-state FILE`, or keep the state in memory with `--sandbox-state none`",
        ),
        SandboxError::Listen { .. } | SandboxError::NotLoopback(_) => failure.hint(
            "name another loopback address, such as `--listen 127.0.0.1:0` for a free port",
        ),
        SandboxError::TenantUnreadable { .. }
        | SandboxError::TenantSyntax { .. }
        | SandboxError::TenantInvalid { .. } => {
            failure.hint(TENANT_FILE_HINT)
        }
        _ => failure,
    }
}
