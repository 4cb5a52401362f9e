//! `flowbind import`: makes a manifest out of deployment settings and the flows of their environment.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::interrupt::interruptible;
use super::next::Next;
use super::settings_file::SettingsFile;
use super::sign_in::Login;
use super::{Connection, auth, clouds, connect, ended, plain_console, tenant};
use crate::bridge::{Import, bindings, flow_urls};
use crate::cli::ImportArgs;
use crate::discover::{http_flows, observe};
use crate::disk;
use crate::domain::printable_path;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::manifest::Environment;
use crate::plan::explain_refusal;
use crate::report::{Console, counted};

/// Imports, and tells what came of it.
pub(super) async fn command(args: &ImportArgs, color: anstream::ColorChoice) -> Exit {
    let console = Arc::new(plain_console(color));
    ended(stages(args, &console).await, color)
}

/// The stages of an import: file, sign-in, the flows and their URLs, the manifest.
async fn stages(args: &ImportArgs, console: &Arc<Console>) -> Result<(), Failure> {
    let file = SettingsFile::open(&args.deployment_settings)?;
    check(args, &file)?;
    let clouds = clouds(args.connect.clouds.as_deref(), console)?;
    let wanted = args.connect.environment.as_deref();
    let environment = auth::environment(&args.connect, wanted, &clouds, console)?;
    let login = Login::of(&args.connect, &environment, &clouds)?;
    let place = tenant::place(&environment, &args.connect.sandbox, console).await?;
    let transport = connect::transport(&args.connect, console)?;
    let connection = interruptible(login.sign_in(place, transport, console)).await?;
    let reading = Box::pin(read(args, &file, &connection, &environment, console));
    let import = interruptible(reading).await;
    connection.close().await;
    tell(args, &import?, console)
}

/// Checks what can be told without the environment.
fn check(args: &ImportArgs, file: &SettingsFile) -> Result<(), Failure> {
    let missing = args.variable.iter().find(|name| file.settings.entry(name).is_none());
    if let Some(name) = missing {
        let message = format!("the deployment settings have no variable `{name}`");
        return Err(Failure::new(Exit::Usage, format!("{message}; nothing was contacted"))
            .hint("name one of its variables by --variable, or leave the option out for all"));
    }
    match &args.out {
        Some(out) if out.symlink_metadata().is_ok() => Err(is_there(out)),
        Some(out) => disk::check_folder(out).map_err(|error| {
            let message = format!(
                "the manifest `{}` cannot be written: {error}; nothing was contacted",
                out.display()
            );
            Failure::new(Exit::Usage, message)
                .hint("name a file in a folder that you may write to by --out")
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
    console: &Console,
) -> Result<Import, Failure> {
    let reader = connection.reader();
    let desired = http_flows(&reader).await?.map_err(|refusal| {
        let (message, hint) = explain_refusal(&refusal);
        Failure::new(Exit::Refused, message).hint(hint)
    })?;
    let known_id = environment.environment_id.clone();
    let discovery = observe(&reader, &desired, known_id, console).await?;
    let flows = flow_urls(&desired, &discovery.observed);
    let (settings, only) = (&file.settings, &args.variable);
    Ok(bindings(settings, only, &flows, environment, &connection.cloud))
}

/// Writes the manifest; without a binding it is none.
fn tell(args: &ImportArgs, import: &Import, console: &Console) -> Result<(), Failure> {
    if import.bound == 0 {
        console.message(&import.manifest);
        let message =
            "no value of the deployment settings is the URL of a flow in this environment";
        return Err(Failure::new(Exit::Refused, message)
            .nothing_written()
            .hint("see above why each was left out; a file of another environment belongs to that one: name it by --environment")
            .hint("sign in as an owner of the flows, and turn them on"));
    }
    match &args.out {
        None => console.result(&import.manifest),
        Some(out) => write(out, &import.manifest)?,
    }
    let (bound, left_out) = (counted(import.bound, "binding"), import.left_out);
    let summary = format!("{bound}, {left_out} left out.");
    console.message(&match &args.out {
        None => format!("{summary}\n"),
        Some(out) => {
            let look = Next::command("plan").about(out);
            format!("Wrote {}: {summary} Look with:\n  {look}\n", printable_path(out))
        }
    });
    Ok(())
}

fn write(out: &Path, manifest: &str) -> Result<(), Failure> {
    disk::make(out, manifest.as_bytes()).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => is_there(out),
        _ => Failure::new(
            Exit::Unexpected,
            format!("the manifest `{}` cannot be written: {error}", out.display()),
        )
        .hint("name a file in a folder that you may write to by --out"),
    })
}

/// A manifest may have been written by hand.
fn is_there(out: &Path) -> Failure {
    let message = format!("`{}` is there already, and is not overwritten", out.display());
    Failure::new(Exit::Usage, message).hint("name another file by --out, or move this one away")
}
