//! `flowbind import`: makes a manifest from deployment settings and the flows of their environment.

use std::io::ErrorKind;
use std::path::Path;

use crate::atomic_file;
use crate::cli::ImportArgs;
use crate::deployment_settings::{Import, flow_urls, import_bindings};
use crate::discover::{http_flows, observe};
use crate::manifest::Environment;
use crate::model::{Exit, Failure, Listener, did_you_mean, nearest, printable, printable_path};
use crate::plan::explain_refusal;
use crate::report::{Console, counted};
use crate::run::connect::{self, Connection};
use crate::run::environment_events::EnvironmentEvents;
use crate::run::inputs::{clouds, environment};
use crate::run::login::Login;
use crate::run::next_command::NextCommand;
use crate::run::place;
use crate::run::process::Process;
use crate::run::settings_file::SettingsFile;

/// The maximum number of characters of a name that is shown.
const MOST_SHOWN: usize = 120;

/// The hint for a manifest that cannot be written.
const WRITABLE: &str = "name a file in a writable folder with --out";

/// Runs `flowbind import`: reads the deployment settings and the flows, and writes the manifest.
pub(super) async fn command(args: &ImportArgs, process: &Process) -> Result<(), Failure> {
    let console = &process.console;
    let file = SettingsFile::open(&args.deployment_settings)?;
    check(args, &file)?;
    let clouds = clouds(args.connect.clouds.as_deref(), console)?;
    let wanted = args.connect.environment.as_deref();
    let environment = environment(&args.connect, wanted, &clouds, console)?;
    let login = Login::for_run(&args.connect, &environment, &clouds)?;
    let events = EnvironmentEvents::new(&environment.name, console);
    let place = place::place(&environment, &args.connect.sandbox, &*events).await?;
    let transport = connect::transport(&args.connect, &events).await?;
    let signing_in = login.sign_in(place, transport, &events);
    let connection = process.unless_interrupted(signing_in).await?;
    let reading = read(args, &file, &connection, &environment, &*events);
    let import = process.unless_interrupted(reading).await;
    connection.close().await;
    tell(args, &import?, console)
}

/// Checks what can be told without the environment.
fn check(args: &ImportArgs, file: &SettingsFile) -> Result<(), Failure> {
    let missing = args.variable.iter().find(|name| file.settings.entry(name).is_none());
    if let Some(name) = missing {
        let message = format!("the deployment settings have no variable `{name}`");
        let names = file.settings.entries().iter().map(|entry| entry.name.as_str());
        let near = nearest(name.as_str(), names).map(|near| printable(near, MOST_SHOWN));
        let near = did_you_mean(near.as_deref());
        let hint =
            format!("{near}name one of its variables with --variable, or omit the option for all");
        return Err(
            Failure::new(Exit::Usage, format!("{message}; nothing was contacted")).hint(hint)
        );
    }
    match &args.out {
        Some(out) if out.symlink_metadata().is_ok() => Err(is_there(out)),
        Some(out) => atomic_file::check_folder(out).map_err(|error| {
            let message = format!(
                "the manifest `{}` cannot be written: {error}; nothing was contacted",
                out.display()
            );
            Failure::new(Exit::Usage, message).hint(WRITABLE)
        }),
        None => Ok(()),
    }
}

/// Compares the file with what the environment's flows have today.
async fn read(
    args: &ImportArgs,
    file: &SettingsFile,
    connection: &Connection,
    environment: &Environment,
    listener: &dyn Listener,
) -> Result<Import, Failure> {
    let reader = connection.reader();
    let desired = http_flows(&reader).await?.map_err(|refusal| {
        let (message, hint) = explain_refusal(&refusal);
        Failure::new(Exit::Refused, message).hint(hint)
    })?;
    let known_id = environment.environment_id.clone();
    let discovery = observe(&reader, &desired, known_id, listener).await?;
    let flows = flow_urls(&desired, &discovery.observed);
    let (settings, only) = (&file.settings, &args.variable);
    Ok(import_bindings(settings, only, &flows, environment, &connection.cloud))
}

/// Outputs the manifest, or fails if it would have no binding.
fn tell(args: &ImportArgs, import: &Import, console: &Console) -> Result<(), Failure> {
    if import.bound == 0 {
        console.message(&import.manifest);
        let message =
            "no variable in the deployment settings holds the URL of a flow in this environment";
        return Err(Failure::new(Exit::Refused, message)
            .nothing_written()
            .hint("the reasons are shown above; if the file belongs to another environment, name that one with --environment")
            .hint("sign in as an owner of the flows, and turn the flows on"));
    }
    match &args.out {
        None => console.write_result(&import.manifest),
        Some(out) => write(out, &import.manifest)?,
    }
    let (bound, left_out) = (counted(import.bound, "binding"), import.left_out);
    let summary = format!("{bound}, {left_out} left out.");
    console.message(&match &args.out {
        None => format!("{summary}\n"),
        Some(out) => {
            let look = NextCommand::command("plan").with_manifest(out);
            format!("Wrote {}: {summary} Next, look at the plan:\n  {look}\n", printable_path(out))
        }
    });
    Ok(())
}

fn write(out: &Path, manifest: &str) -> Result<(), Failure> {
    atomic_file::create(out, manifest.as_bytes()).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => is_there(out),
        _ => Failure::new(
            Exit::Unexpected,
            format!("the manifest `{}` cannot be written: {error}", out.display()),
        )
        .hint(WRITABLE),
    })
}

/// Refuses to overwrite a manifest, which may have been written by hand.
fn is_there(out: &Path) -> Failure {
    let message = format!("`{}` already exists and is not overwritten", out.display());
    Failure::new(Exit::Usage, message).hint("name another file with --out, or move this one")
}
