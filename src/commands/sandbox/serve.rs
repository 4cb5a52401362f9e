//! Serving the sandbox, and emptying its state.

use std::net::SocketAddr;
use std::path::Path;

use flowbind_sandbox::{Options, StateLocation, Synthetic, Tenant, TlsOptions};

use crate::cli::{ServeArgs, StateArgs};
use crate::model::{Exit, Failure, printable_path};
use crate::report::Console;
use crate::run::environment_events::EnvironmentEvents;
use crate::run::place::embedded::{TENANT_FILE_HINT, announce, failure, location, open, tenant};
use crate::run::process::Process;

/// Serves the sandbox until a signal stops it.
pub(crate) async fn until_stopped(
    args: &ServeArgs,
    state: &StateArgs,
    process: &Process,
) -> Result<(), Failure> {
    let console = &process.console;
    let options = Options {
        listen: args.listen,
        approve_after: args.approve_after,
        latency: args.latency,
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
    announce(&server, &state, &*EnvironmentEvents::new("sandbox", console));
    if let Some(file) = server.authority() {
        console.message(&https(address, args, file));
    }
    console.message(&format!(
        "Sign in at http://{address}/devicelogin. In a manifest: url = \"http://{address}\". Ctrl-C stops it.\n"
    ));
    let _ = process.unless_interrupted(std::future::pending::<Result<(), Failure>>()).await;
    server.stop().await;
    Ok(())
}

/// Returns the tenant to serve, with made-up flows if `--flows` is given.
fn served(args: &ServeArgs) -> Result<Tenant, Failure> {
    let tenant = tenant(args.tenant.as_ref())?;
    let targets_per_flow = args.targets_per_flow;
    Ok(match args.flows {
        Some(flows) => tenant.with_synthetic(Synthetic { flows, targets_per_flow }),
        None => tenant,
    })
}

/// Returns the location of a served sandbox's state. The default for made-up flows is memory.
fn location_of(args: &ServeArgs, state: &StateArgs) -> Result<StateLocation, Failure> {
    match (args.flows, &state.sandbox_state) {
        (Some(_), None) => Ok(StateLocation::Memory),
        _ => location(state),
    }
}

/// Saves the manifest of the made-up flows, if `--write-manifest` asks for it.
fn write_manifest(args: &ServeArgs, tenant: &Tenant, address: SocketAddr) -> Result<(), Failure> {
    let Some(path) = &args.write_manifest else { return Ok(()) };
    let Some(text) = tenant.manifest(address) else {
        let words = "the sandbox: the tenant has no application that a person can sign in with";
        return Err(Failure::new(Exit::Usage, words).hint(TENANT_FILE_HINT));
    };
    std::fs::write(path, text).map_err(|error| {
        Failure::new(Exit::Usage, format!("failed to write `{}`: {error}", path.display()))
            .hint("name a file in a writable folder with --write-manifest")
    })
}

/// Returns the options for https, if `--tls-dir` is given.
fn tls(args: &ServeArgs) -> Option<TlsOptions> {
    let dir = args.tls_dir.clone()?;
    Some(TlsOptions { dir, hosts: args.host.clone(), http1: args.http1 })
}

/// Formats the message about reaching the sandbox over https.
fn https(address: SocketAddr, args: &ServeArgs, file: &Path) -> String {
    let names: Vec<&str> =
        ["localhost"].into_iter().chain(args.host.iter().map(String::as_str)).collect();
    let (port, names) = (address.port(), names.join(", "));
    format!(
        "Also serving https on port {port} of {names}. CA certificate: {}.\n",
        printable_path(file)
    )
}

/// Empties the state of the sandbox.
pub(crate) fn reset(args: &StateArgs, console: &Console) -> Result<(), Failure> {
    let StateLocation::File(path) = location(args)? else {
        return Err(Failure::new(Exit::Usage, "a sandbox in memory has no stored state"));
    };
    let was_there = flowbind_sandbox::reset(&path).map_err(|error| failure(&error))?;
    let words = if was_there { "Emptied" } else { "No state found in" };
    console.write_result(&format!("{words} {}\n", printable_path(&path)));
    Ok(())
}
