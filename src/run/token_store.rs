//! Chooses the store that keeps sign-ins for later runs, by the command line and the environment.

use std::env;
use std::path::PathBuf;

use crate::cli::StoreArgs;
use crate::model::{Exit, Failure};
use crate::run::secret_variable::{self, read_secret_variable};
use crate::run::state_dir;
use crate::sign_in::{Store, StoreError, StoreKey, TokenStore, empty_variable_hint};

/// The variable that holds the key of an encrypted store file.
pub(crate) const STORE_KEY: &str = "FLOWBIND_STORE_KEY";

/// The token store that a run uses.
pub(crate) struct TokenStoreChoice {
    /// The store; none if nothing is kept.
    pub(crate) store: Option<Store>,
    /// The kind of the store.
    pub(crate) choice: TokenStore,
    /// True if the user chose the store: otherwise a run goes on without a store that it cannot
    /// use.
    pub(crate) asked: bool,
}

impl TokenStoreChoice {
    /// Opens the store that the user chose. The default is the keyring, or no store in a pipeline.
    pub(crate) fn from_args(args: &StoreArgs) -> Result<Self, Failure> {
        Self::with_key(args, store_key()?)
    }

    /// Opens the store in order to remove sign-ins, which needs no key.
    pub(crate) fn for_logout(args: &StoreArgs) -> Result<Self, Failure> {
        Self::with_key(args, Some(StoreKey::random()))
    }

    /// Returns the choice of no store.
    pub(crate) fn without_store() -> Self {
        Self { store: None, choice: TokenStore::None, asked: false }
    }

    fn with_key(args: &StoreArgs, key: Option<StoreKey>) -> Result<Self, Failure> {
        let asked = args.token_store.is_some();
        let choice = args.token_store.clone().unwrap_or_else(usual);
        let folder = match state_dir::state() {
            // A container's user may have no home; then there is nothing kept there either.
            Err(_) if !asked => return Ok(Self::without_store()),
            Err(_) if !choice.uses_default_folder() => PathBuf::new(),
            folder => folder.map_err(|error| no_folder(&error))?,
        };
        let store = Store::open(&choice, &folder, key).map_err(missing_key)?;
        Ok(Self { store, choice, asked })
    }
}

/// Returns the failure of a store that cannot be opened: an empty variable is told as such.
fn missing_key(error: StoreError) -> Failure {
    let is_empty = matches!(error, StoreError::MissingKey) && secret_variable::is_empty(STORE_KEY);
    let mut failure = Failure::from(error);
    if is_empty {
        failure.hints.insert(0, empty_variable_hint(STORE_KEY));
    }
    failure
}

/// Returns the failure of a machine that has no folder for state.
fn no_folder(error: &etcetera::HomeDirError) -> Failure {
    Failure::new(Exit::Usage, format!("no folder for stored sign-ins was found: {error}"))
        .hint("name a file with --token-store file:PATH, or store nothing with --token-store none")
}

/// Returns the default store: none in a pipeline, whose machine is wiped after the run.
fn usual() -> TokenStore {
    if is_pipeline() { TokenStore::None } else { TokenStore::Keyring }
}

/// Returns true if a pipeline runs this process.
pub(crate) fn is_pipeline() -> bool {
    let is_set =
        |name| env::var(name).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
    ["CI", "TF_BUILD", "GITHUB_ACTIONS"].into_iter().any(is_set)
}

/// Reads the key that encrypts kept and exported sign-ins.
pub(crate) fn store_key() -> Result<Option<StoreKey>, Failure> {
    let Some(text) = read_secret_variable(STORE_KEY)? else { return Ok(None) };
    Ok(Some(text.parse::<StoreKey>().map_err(StoreError::from)?))
}
