//! The sandbox that ships with the program: started for a run, or served until stopped.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flowbind_sandbox::{
    Options, SandboxError, Server, StateLocation, Synthetic, Tenant, TlsOptions,
};

use super::Place;
use crate::cli::{SandboxArgs, SandboxCommand, SandboxState, ServeArgs, StateArgs};
use crate::domain::{printable_path, sentence};
use crate::event::{Event, Listener};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::Console;
use crate::run::folder;
use crate::run::interrupt::interruptible;

/// When the user of an embedded sandbox approves a sign-in: late enough to be seen waiting.
const APPROVE_AFTER: Duration = Duration::from_millis(800);

/// What keeps the state in memory.
const NONE: &str = "none";

/// Starts a sandbox for one run at a free port.
pub(in crate::run) async fn start(
    args: &SandboxState,
    console: &Console,
) -> Result<Place, Failure> {
    let options = Options {
        listen: ([127, 0, 0, 1], 0).into(),
        approve_after: Some(APPROVE_AFTER),
        latency: Duration::ZERO,
        state: location(&args.state)?,
        tenant: tenant(args.sandbox_tenant.as_ref())?,
        record: args.sandbox_record.clone(),
        tls: None,
    };
    let server = serve(options, console).await?;
    let url = format!("http://{}", server.address()).parse();
    let url = url.map_err(|error| {
        Failure::new(Exit::Unexpected, format!("the sandbox's address {error}"))
    })?;
    Ok(Place { url, approves_itself: true, server: Some(server) })
}

/// Carries out `flowbind sandbox`.
pub(in crate::run) async fn run(args: &SandboxArgs, console: &Console) -> Result<(), Failure> {
    match &args.command {
        Some(SandboxCommand::Reset) => reset(&args.state, console),
        None => serve_until_stopped(&args.serve, &args.state, console).await,
    }
}

async fn serve_until_stopped(
    args: &ServeArgs,
    state: &StateArgs,
    console: &Console,
) -> Result<(), Failure> {
    let options = Options {
        listen: args.listen,
        approve_after: args.approve_after.map(Duration::from_secs),
        latency: Duration::from_millis(args.latency),
        state: location_of(args, state)?,
        tenant: served(args)?,
        record: args.record.clone(),
        tls: tls(args),
    };
    let tenant = options.tenant.clone();
    let state = options.state.clone();
    let server = open(options).await?;
    let address = server.address();
    write_manifest(args, &tenant, address)?;
    tell(&server, &state, console);
    if let Some(file) = server.authority() {
        console.message(&https(address, args, file));
    }
    console.message(&format!(
        "Sign in at http://{address}/devicelogin. In a manifest: url = \"http://{address}\". Ctrl-C stops it.\n"
    ));
    let _ = interruptible(std::future::pending::<Result<(), Failure>>()).await;
    server.stop().await;
    Ok(())
}

/// The tenant to serve, with made-up flows if so many were asked for.
fn served(args: &ServeArgs) -> Result<Tenant, Failure> {
    let tenant = tenant(args.tenant.as_ref())?;
    let targets_per_flow = args.targets_per_flow;
    Ok(match args.flows {
        Some(flows) => tenant.with_synthetic(Synthetic { flows, targets_per_flow }),
        None => tenant,
    })
}

/// Where a served sandbox keeps its state: made-up flows are in memory, unless it is told otherwise.
fn location_of(args: &ServeArgs, state: &StateArgs) -> Result<StateLocation, Failure> {
    match (args.flows, &state.sandbox_state) {
        (Some(_), None) => Ok(StateLocation::Memory),
        _ => location(state),
    }
}

/// Writes the manifest of the made-up flows, if one was asked for.
fn write_manifest(args: &ServeArgs, tenant: &Tenant, address: SocketAddr) -> Result<(), Failure> {
    let Some(path) = &args.write_manifest else { return Ok(()) };
    let Some(text) = tenant.manifest(address) else {
        let words = "the sandbox: the tenant has no application that a person can sign in with";
        return Err(Failure::new(Exit::Usage, words)
            .hint("docs/sandbox.md explains every key of a tenant file"));
    };
    std::fs::write(path, text).map_err(|error| {
        Failure::new(Exit::Usage, format!("failed to write `{}`: {error}", path.display()))
            .hint("name a file in a folder that is there with `--write-manifest FILE`")
    })
}

/// How https is served, if it was asked for.
fn tls(args: &ServeArgs) -> Option<TlsOptions> {
    let dir = args.tls_dir.clone()?;
    Some(TlsOptions { dir, hosts: args.host.clone(), http1: args.http1 })
}

/// Tells how the sandbox is reached over https.
fn https(address: SocketAddr, args: &ServeArgs, file: &Path) -> String {
    let names: Vec<&str> =
        ["localhost"].into_iter().chain(args.host.iter().map(String::as_str)).collect();
    let (port, names) = (address.port(), names.join(", "));
    format!(
        "https as well, at port {port} of {names}; clients trust it by {}.\n",
        printable_path(file)
    )
}

async fn serve(options: Options, console: &Console) -> Result<Server, Failure> {
    let state = options.state.clone();
    let server = open(options).await?;
    tell(&server, &state, console);
    Ok(server)
}

async fn open(options: Options) -> Result<Server, Failure> {
    Server::start(options).await.map_err(|error| failure(&error))
}

/// Tells that a sandbox is served.
fn tell(server: &Server, state: &StateLocation, console: &Console) {
    let state = match state {
        StateLocation::File(path) => Some(path.as_path()),
        StateLocation::Memory => None,
    };
    console.tell(Event::SandboxStarted {
        address: &format!("http://{}", server.address()),
        state,
        anew: server.started_anew(),
    });
}

fn reset(args: &StateArgs, console: &Console) -> Result<(), Failure> {
    let StateLocation::File(path) = location(args)? else {
        return Err(Failure::new(Exit::Usage, "a sandbox in memory has no state to empty"));
    };
    let was_there = flowbind_sandbox::reset(&path).map_err(|error| failure(&error))?;
    let words = if was_there { "Emptied" } else { "There was no state in" };
    console.result(&format!("{words} {}\n", printable_path(&path)));
    Ok(())
}

/// Where the state is kept: as told, else in the platform's folder for it.
fn location(args: &StateArgs) -> Result<StateLocation, Failure> {
    match args.sandbox_state.as_deref() {
        Some(NONE) => Ok(StateLocation::Memory),
        Some(path) => Ok(StateLocation::File(PathBuf::from(path))),
        None => default_file().map(StateLocation::File),
    }
}

fn default_file() -> Result<PathBuf, Failure> {
    let folder = folder::state().map_err(|error| {
        Failure::new(Exit::Usage, format!("there is no folder for the sandbox's state: {error}"))
            .hint("name a file with --sandbox-state, or keep the state in memory with --sandbox-state none")
    })?;
    Ok(folder.join(folder::SANDBOX_STATE))
}

fn tenant(file: Option<&PathBuf>) -> Result<Tenant, Failure> {
    match file {
        Some(file) => Tenant::load(file).map_err(|error| failure(&error)),
        None => Ok(Tenant::embedded()),
    }
}

/// What went wrong with the sandbox, and what to type.
fn failure(error: &SandboxError) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("the sandbox: {}", sentence(error)));
    match error {
        SandboxError::StateCorrupt { path, .. } => failure.hint(format!(
            "`flowbind sandbox reset --sandbox-state {}` empties it",
            path.display()
        )),
        SandboxError::State { .. } | SandboxError::StateTaken { .. } => failure.hint(
            "name another file with `--sandbox-state FILE`, or keep the state in memory with `--sandbox-state none`",
        ),
        SandboxError::Listen { .. } | SandboxError::NotLoopback(_) => failure.hint(
            "name another address of this machine, such as `--listen 127.0.0.1:0` for a free port",
        ),
        SandboxError::TenantUnreadable { .. }
        | SandboxError::TenantSyntax { .. }
        | SandboxError::TenantInvalid { .. } => {
            failure.hint("docs/sandbox.md explains every key of a tenant file")
        }
        _ => failure,
    }
}
