//! Which store keeps sign-ins for later runs, as the command line and the surroundings tell.

use std::env;
use std::path::PathBuf;

use crate::cli::StoreArgs;
use crate::model::{Exit, Failure};
use crate::run::secret_variable::variable_of;
use crate::run::state_dir;
use crate::sign_in::{Store, StoreError, StoreKey, TokenStore};

/// Holds the key with which a store file is encrypted.
const STORE_KEY: &str = "FLOWBIND_STORE_KEY";

/// The store of a run.
pub(crate) struct Keeping {
    /// The store; none if nothing is kept.
    pub(crate) store: Option<Store>,
    /// Which one it is.
    pub(crate) choice: TokenStore,
    /// Whether somebody asked for it: otherwise a run goes on without it.
    pub(crate) asked: bool,
}

impl Keeping {
    /// The store that is asked for, else the keyring, and none in a pipeline.
    pub(crate) fn of(args: &StoreArgs) -> Result<Self, Failure> {
        Self::with_key(args, store_key()?)
    }

    /// The same store, for who only removes: that needs no key.
    pub(crate) fn to_clear(args: &StoreArgs) -> Result<Self, Failure> {
        Self::with_key(args, Some(StoreKey::random()))
    }

    /// No store.
    pub(crate) fn nowhere() -> Self {
        Self { store: None, choice: TokenStore::None, asked: false }
    }

    fn with_key(args: &StoreArgs, key: Option<StoreKey>) -> Result<Self, Failure> {
        let asked = args.token_store.is_some();
        let choice = args.token_store.clone().unwrap_or_else(usual);
        let folder = match state_dir::state() {
            // A container's user may have no home; then there is nothing kept there either.
            Err(_) if !asked => return Ok(Self::nowhere()),
            Err(_) if !choice.needs_folder() => PathBuf::new(),
            folder => folder.map_err(|error| no_folder(&error))?,
        };
        let store = Store::open(&choice, &folder, key)?;
        Ok(Self { store, choice, asked })
    }
}

/// Tells that there is no folder for state.
fn no_folder(error: &etcetera::HomeDirError) -> Failure {
    Failure::new(Exit::Usage, format!("there is no folder for sign-ins: {error}"))
        .hint("name a file by --token-store file:PATH, or keep nothing by --token-store none")
}

/// The store where nobody asks for one: a pipeline's machine is wiped after the run.
fn usual() -> TokenStore {
    let is_set =
        |name| env::var(name).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
    if ["CI", "TF_BUILD", "GITHUB_ACTIONS"].into_iter().any(is_set) {
        TokenStore::None
    } else {
        TokenStore::Keyring
    }
}

/// The key with which what is kept or handed over is encrypted.
pub(crate) fn store_key() -> Result<Option<StoreKey>, Failure> {
    let Some(text) = variable_of(STORE_KEY)? else { return Ok(None) };
    Ok(Some(text.parse::<StoreKey>().map_err(StoreError::from)?))
}
