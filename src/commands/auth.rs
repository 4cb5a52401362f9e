//! `flowbind auth`: one sign-in for many runs.

use secrecy::{ExposeSecret, SecretString};

use crate::cli::{AuthCommand, LoginArgs, LogoutArgs, StatusArgs};
use crate::model::{Exit, Failure, Stage, printable_path};
use crate::report::{self, Console, KeptSignIn};
use crate::run::environment_events::EnvironmentEvents;
use crate::run::inputs::{clouds, environment};
use crate::run::login::Login;
use crate::run::process::Process;
use crate::run::token_store::{STORE_KEY, TokenStoreChoice, is_pipeline, store_key};
use crate::run::{connect, handed_in_tokens, place};
use crate::sign_in::{SignIn, SignInName, SignIns, Store, StoreError, StoreKey};

/// The instructions for an exported sign-in.
const EXPORTED: &str = "Store this line in the pipeline's secret variable FLOWBIND_REFRESH_TOKEN, and the key in \
     FLOWBIND_STORE_KEY. Sign in again within 90 days.\n";

/// The instructions for an exported sign-in with a new key.
const EXPORTED_WITH_KEY: &str = "Store each value in the pipeline's secret variable of that name. The key is stored nowhere and \
     not shown again. Sign in again within 90 days.\n";

/// Carries out `flowbind auth`.
pub(super) async fn command(command: &AuthCommand, process: &Process) -> Exit {
    let ended = match command {
        AuthCommand::Login(args) => Box::pin(login(args, process)).await,
        AuthCommand::Status(args) => status(args, &process.console).await,
        AuthCommand::Logout(args) => logout(args, &process.console).await,
    };
    ended.unwrap_or_else(|failure| process.fail(&failure))
}

/// The destination of a sign-in.
enum Destination {
    /// Into a store.
    Store(Store),
    /// To standard output, encrypted with the key of this process.
    Line(StoreKey),
    /// To standard output, encrypted, together with a new key.
    LineAndKey(StoreKey, SecretString),
}

async fn login(args: &LoginArgs, process: &Process) -> Result<Exit, Failure> {
    let console = &process.console;
    let destination = destination(args).await?;
    let clouds = clouds(args.connect.clouds.as_deref(), console)?;
    let wanted = args.connect.environment.as_deref();
    let environment = environment(&args.connect, wanted, &clouds, console)?;
    let login = Login::for_kept_sign_in(&args.connect, &environment, &clouds)?;
    let events = EnvironmentEvents::new(&environment.name, console);
    let place = place::place(&environment, &args.connect.sandbox, &*events).await?;
    let transport = connect::transport(&args.connect, &events).await?;
    let signing_in = Box::pin(login.sign_in(place, transport, &events));
    let connection = process.unless_interrupted(Stage::SignIn.log(signing_in)).await?;
    let keeping = Box::pin(connection.sign_in_to_keep());
    let kept = process.unless_interrupted(Stage::SignIn.log(keeping)).await;
    connection.close().await;
    let (name, sign_in) = kept?;
    match destination {
        Destination::Store(store) => {
            keep(&store, name, sign_in).await?;
            console.message(&format!(
                "Stored the sign-in in {}.\n",
                printable_path(store.file_path())
            ));
        }
        Destination::Line(key) => {
            console.write_verbatim(&format!("{}\n", line(&key, name, sign_in)?));
            console.message(EXPORTED);
        }
        Destination::LineAndKey(key, text) => {
            let (text, line) = (text.expose_secret(), line(&key, name, sign_in)?);
            console.write_verbatim(&format!("{STORE_KEY}={text}\nFLOWBIND_REFRESH_TOKEN={line}\n"));
            console.message(EXPORTED_WITH_KEY);
        }
    }
    Ok(Exit::Done)
}

/// Returns the destination of the sign-in, and checks that it can be used before anybody is asked
/// to sign in.
async fn destination(args: &LoginArgs) -> Result<Destination, Failure> {
    if args.export {
        return match store_key()? {
            Some(key) => Ok(Destination::Line(key)),
            // What a pipeline prints is kept in its log.
            None if is_pipeline() => Err(StoreError::MissingKey.into()),
            None => {
                let (key, text) = StoreKey::generate();
                Ok(Destination::LineAndKey(key, text))
            }
        };
    }
    let Some(store) = TokenStoreChoice::from_args(&args.connect.sign_in.store)?.store else {
        return Err(Failure::new(Exit::Usage, "the token store `none` does not store a sign-in")
            .hint("choose another store with --token-store, or print the sign-in for a secret variable with --export"));
    };
    // Taking hold of it shows whether it can be used and written, and lets it go at once.
    store.lock_and_read().await?.reserve_space()?;
    Ok(Destination::Store(store))
}

/// Encrypts a sign-in to one line.
fn line(key: &StoreKey, name: SignInName, sign_in: SignIn) -> Result<String, StoreError> {
    let mut sign_ins = SignIns::default();
    sign_ins.put(name, sign_in);
    key.encrypt_line(&sign_ins)
}

async fn keep(store: &Store, name: SignInName, sign_in: SignIn) -> Result<(), StoreError> {
    let mut exclusive = store.lock_and_read().await?;
    let mut sign_ins = exclusive.sign_ins().clone();
    sign_ins.put(name, sign_in);
    exclusive.save(sign_ins)
}

async fn status(args: &StatusArgs, console: &Console) -> Result<Exit, Failure> {
    let keeping = TokenStoreChoice::from_args(&args.store)?;
    let kept = match &keeping.store {
        Some(store) => store.read().await?,
        None => SignIns::default(),
    };
    let file = keeping.store.as_ref().map(|store| printable_path(store.file_path()));
    let shown: Vec<KeptSignIn> = kept.iter().map(shown).collect();
    for name in handed_in_tokens::set_token_variables() {
        console.message(&format!("{name} is set: runs use it instead of a stored sign-in.\n"));
    }
    let store = keeping.choice.kind_name();
    console.write_result(&report::sign_ins(&shown, store, file.as_deref(), args.format));
    Ok(if shown.is_empty() { Exit::SignIn } else { Exit::Done })
}

/// Returns the row that `flowbind auth status` shows for a kept sign-in.
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
    let keeping = TokenStoreChoice::for_logout(&args.store)?;
    let Some(store) = keeping.store else {
        console.write_result("The token store `none` stores no sign-in.\n");
        return Ok(Exit::Done);
    };
    let kept = store.file_path().exists();
    let was_there = match store.remove_all().await {
        // The file is gone, and the key that is left opens nothing.
        Err(StoreError::KeyringUnavailable { .. }) => kept,
        cleared => cleared?,
    };
    let words = if was_there { "Removed" } else { "No sign-in found in" };
    console.write_result(&format!("{words} {}\n", printable_path(store.file_path())));
    Ok(Exit::Done)
}
