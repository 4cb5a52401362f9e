//! `flowbind auth`: one sign-in for many runs.

use std::sync::Arc;

use super::given;
use super::interrupt::interruptible;
use super::keep::{Keeping, store_key};
use super::sign_in::Login;
use super::{clouds, connect, plain_console, tenant};
use crate::auth::{SignIn, SignInName, SignIns, Store, StoreError, StoreKey};
use crate::cli::{AuthCommand, ConnectArgs, LoginArgs, LogoutArgs, StatusArgs};
use crate::domain::{Clouds, printable_path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::manifest::{Environment, Manifest, render};
use crate::report::{self, Console, KeptSignIn};
use crate::stage::Stage;

/// What to do with an exported sign-in.
const EXPORTED: &str = "Put this line into the secret variable FLOWBIND_REFRESH_TOKEN of the pipeline, and the key into \
     FLOWBIND_STORE_KEY. Sign in again before 90 days have passed.\n";

/// Carries out `flowbind auth`.
pub(super) async fn command(command: &AuthCommand, color: anstream::ColorChoice) -> Exit {
    let console = Arc::new(plain_console(color));
    let ended = match command {
        AuthCommand::Login(args) => Box::pin(login(args, &console)).await,
        AuthCommand::Status(args) => status(args, &console).await,
        AuthCommand::Logout(args) => logout(args, &console).await,
    };
    ended.unwrap_or_else(|failure| {
        console.fail(&failure);
        failure.exit
    })
}

/// Where a sign-in goes.
enum Destination {
    /// Into a store.
    Store(Store),
    /// To standard output, encrypted.
    Line(StoreKey),
}

async fn login(args: &LoginArgs, console: &Arc<Console>) -> Result<Exit, Failure> {
    let destination = destination(args).await?;
    let clouds = clouds(args.connect.clouds.as_deref(), console)?;
    let wanted = args.connect.environment.as_deref();
    let environment = environment(&args.connect, wanted, &clouds, console)?;
    let login = Login::to_keep(&args.connect, &environment, &clouds)?;
    let place = tenant::place(&environment, &args.connect.sandbox, console).await?;
    let transport = connect::transport(&args.connect, console)?;
    let signing_in = Box::pin(login.sign_in(place, transport, console));
    let connection = interruptible(Stage::SignIn.log(signing_in)).await?;
    let keeping = Box::pin(connection.to_keep());
    let kept = interruptible(Stage::SignIn.log(keeping)).await;
    connection.close().await;
    let (name, sign_in) = kept?;
    match destination {
        Destination::Store(store) => {
            keep(&store, name, sign_in).await?;
            console.message(&format!("Kept in {}.\n", printable_path(store.file())));
        }
        Destination::Line(key) => {
            let mut sign_ins = SignIns::default();
            sign_ins.put(name, sign_in);
            console.result(&format!("{}\n", key.seal_line(&sign_ins)?));
            console.message(EXPORTED);
        }
    }
    Ok(Exit::Done)
}

/// Where the sign-in is to go, tried before anybody is asked to sign in.
async fn destination(args: &LoginArgs) -> Result<Destination, Failure> {
    if args.export {
        let key = store_key()?.ok_or(StoreError::MissingKey)?;
        return Ok(Destination::Line(key));
    }
    let Some(store) = Keeping::of(&args.connect.sign_in.store)?.store else {
        return Err(Failure::new(Exit::Usage, "nothing would be kept of this sign-in")
            .hint("choose a place by --token-store, or print the sign-in for a secret variable by --export"));
    };
    // Taking hold of it shows whether it can be used and written, and lets it go at once.
    store.exclusive().await?.reserve()?;
    Ok(Destination::Store(store))
}

async fn keep(store: &Store, name: SignInName, sign_in: SignIn) -> Result<(), StoreError> {
    let mut exclusive = store.exclusive().await?;
    let mut sign_ins = exclusive.sign_ins().clone();
    sign_ins.put(name, sign_in);
    exclusive.save(sign_ins)
}

/// The environment of the manifest; an address needs no manifest.
pub(super) fn environment(
    args: &ConnectArgs,
    wanted: Option<&str>,
    clouds: &Clouds,
    console: &Console,
) -> Result<Environment, Failure> {
    let is_address = wanted.is_some_and(|wanted| wanted.contains("://"));
    let name = args.manifest.display().to_string();
    let refused = |bytes: &[u8], problems: Vec<_>| {
        console.problems(&render(&name, bytes, &problems));
        let count = report::counted(problems.len(), "problem");
        Failure::new(Exit::Usage, format!("{count}; nothing was contacted"))
    };
    let manifest = match super::input::read(&args.manifest) {
        Err(_) if is_address => Manifest::without_file(clouds),
        Err(error) => {
            let problem = crate::manifest::unreadable(&name, &error);
            return Err(refused(&[], vec![problem]).hint(
                "or sign in without a manifest: `--environment https://contoso.crm4.dynamics.com --client-id GUID`, with your own host and application",
            ));
        }
        Ok(bytes) => {
            Manifest::parse(&bytes, clouds).map_err(|problems| refused(&bytes, problems))?
        }
    };
    manifest.environment(wanted).map_err(|problem| refused(&[], vec![problem]))
}

async fn status(args: &StatusArgs, console: &Console) -> Result<Exit, Failure> {
    let keeping = Keeping::of(&args.store)?;
    let kept = match &keeping.store {
        Some(store) => store.read().await?,
        None => SignIns::default(),
    };
    let file = keeping.store.as_ref().map(|store| printable_path(store.file()));
    let shown: Vec<KeptSignIn> = kept.iter().map(shown).collect();
    for name in given::handed_in() {
        console.message(&format!("{name} is set: runs use it before anything that is kept.\n"));
    }
    let store = keeping.choice.kind();
    console.result(&report::sign_ins(&shown, store, file.as_deref(), args.format));
    Ok(if shown.is_empty() { Exit::SignIn } else { Exit::Done })
}

/// What is told of a sign-in.
fn shown((name, sign_in): (&SignInName, &SignIn)) -> KeptSignIn {
    KeptSignIn {
        user: sign_in.user.clone(),
        tenant: name.tenant.clone(),
        tenant_id: sign_in.tenant_id.clone(),
        client_id: name.client_id.clone(),
        authority: name.authority.clone(),
        since: sign_in.since,
        answered: sign_in.answered.clone(),
    }
}

async fn logout(args: &LogoutArgs, console: &Console) -> Result<Exit, Failure> {
    let keeping = Keeping::to_clear(&args.store)?;
    let Some(store) = keeping.store else {
        console.result("Nothing is kept in the token store `none`.\n");
        return Ok(Exit::Done);
    };
    let kept = store.file().exists();
    let was_there = match store.clear().await {
        // The file is gone, and the key that is left opens nothing.
        Err(StoreError::KeyringUnavailable { .. }) => kept,
        cleared => cleared?,
    };
    let words = if was_there { "Removed" } else { "There was no sign-in in" };
    console.result(&format!("{words} {}\n", printable_path(store.file())));
    Ok(Exit::Done)
}
