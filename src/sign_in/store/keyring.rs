//! The keyring of the operating system, which keeps the key and nothing else.
//!
//! The Credential Manager of Windows takes 2,560 bytes at most, which is less than sign-ins need.
//! So the sign-ins are in an encrypted file, and the keyring has only the key of that file.

use std::collections::HashMap;
use std::sync::Arc;
use std::{fmt, thread};

use age::secrecy::{ExposeSecret, SecretString};
use keyring_core::{CredentialStore, Entry, Error};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::StoreKey;
use super::error::{KEYRING_ENTRY, KEYRING_SERVICE, KEYRING_TIMEOUT, KeyringError};
use crate::model::printable;

/// The most characters that are shown of what the keyring says.
const MOST_SHOWN: usize = 200;

/// The function that opens a keyring.
type Opener = dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync;

/// A keyring.
#[derive(Clone)]
pub(super) struct Keyring {
    opener: Arc<Opener>,
    modifiers: Option<HashMap<&'static str, &'static str>>,
}

impl Keyring {
    /// Returns the keyring of this operating system.
    pub(super) fn system_keyring() -> Self {
        // On Windows the key stays on this machine, as the file of the sign-ins does. A roaming
        // profile would take it along otherwise.
        let modifiers = cfg!(windows).then(|| HashMap::from([("persistence", "Local")]));
        Self { modifiers, ..Self::new(system_store) }
    }

    /// Creates a keyring that calls `opener` for each access.
    pub(super) fn new(
        opener: impl Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync + 'static,
    ) -> Self {
        Self { opener: Arc::new(opener), modifiers: None }
    }

    /// Reads the key from the keyring, if there is one.
    ///
    /// # Errors
    /// The keyring is unavailable, or holds something else under this name.
    pub(super) async fn read_key(&self) -> Result<Option<StoreKey>, KeyringError> {
        let text = self.query_entry(|entry| entry.get_password().map(SecretString::from)).await?;
        let key = text.map(|text| text.expose_secret().parse()).transpose();
        key.map_err(|_| KeyringError::Foreign)
    }

    /// Makes a key and saves it in the keyring.
    ///
    /// # Errors
    /// The keyring is unavailable.
    pub(super) async fn make_key(&self) -> Result<StoreKey, KeyringError> {
        let (key, text) = StoreKey::generate();
        self.query_entry(move |entry| entry.set_password(text.expose_secret())).await?;
        Ok(key)
    }

    /// Removes the key, and returns whether there was one.
    ///
    /// # Errors
    /// The keyring is unavailable.
    pub(super) async fn remove_key(&self) -> Result<bool, KeyringError> {
        Ok(self.query_entry(Entry::delete_credential).await?.is_some())
    }

    /// Runs `question` on the key's entry in the keyring. Returns none if the entry does not exist.
    ///
    /// A keyring that never answers holds its thread for ever. Nothing waits for that thread, so
    /// the program can end in spite of it.
    async fn query_entry<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<Option<T>, KeyringError> {
        let (sender, receiver) = oneshot::channel();
        let Self { opener, modifiers } = self.clone();
        let answer = move || {
            let entry = opener()
                .and_then(|store| store.build(KEYRING_SERVICE, KEYRING_ENTRY, modifiers.as_ref()));
            let _ = sender.send(entry.and_then(|entry| question(&entry)));
        };
        let thread = thread::Builder::new().name("keyring".to_owned()).spawn(answer);
        thread.map_err(|error| KeyringError::Refused(error.to_string()))?;
        match timeout(KEYRING_TIMEOUT, receiver).await {
            Ok(Ok(Ok(answer))) => Ok(Some(answer)),
            Ok(Ok(Err(Error::NoEntry))) => Ok(None),
            Ok(Ok(Err(error))) => Err(keyring_error(&error)),
            Ok(Err(_)) => Err(KeyringError::Refused("it ended without an answer".to_owned())),
            Err(_) => Err(KeyringError::Silent),
        }
    }
}

/// Converts an error of the keyring, leaving out any content of its entry.
fn keyring_error(error: &Error) -> KeyringError {
    match error {
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::Ambiguous(_) => {
            KeyringError::Foreign
        }
        other => KeyringError::Refused(printable(&other.to_string(), MOST_SHOWN)),
    }
}

/// Opens the Keychain of macOS.
#[cfg(all(feature = "keyring", target_os = "macos"))]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

/// Opens the Credential Manager of Windows.
#[cfg(all(feature = "keyring", windows))]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

/// Opens the Secret Service of a desktop session.
#[cfg(all(feature = "keyring", unix, not(target_os = "macos")))]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

/// Refuses: the program was built without the keyring.
#[cfg(not(feature = "keyring"))]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Err(Error::NotSupportedByStore("flowbind was built without the feature `keyring`".to_owned()))
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keyring")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;
    use crate::sign_in::store::testing::keyring;

    #[tokio::test]
    async fn a_key_is_made_given_and_removed() {
        let (keyring, _) = keyring();
        assert!(keyring.read_key().await.unwrap().is_none());
        let key = keyring.make_key().await.unwrap();
        let sealed = key.encrypt(b"made-up").unwrap();
        let given = keyring.read_key().await.unwrap().unwrap();
        assert!(given.decrypt(&sealed).is_ok());
        assert!(keyring.remove_key().await.unwrap());
        assert!(!keyring.remove_key().await.unwrap());
    }

    #[tokio::test]
    async fn something_else_under_the_name_is_no_key() {
        let (keyring, store) = keyring();
        let entry = store.build(KEYRING_SERVICE, KEYRING_ENTRY, None).unwrap();
        for secret in [&b"hush"[..], b"\xff"] {
            entry.set_secret(secret).unwrap();
            let error = keyring.read_key().await.unwrap_err();
            assert_eq!(error, KeyringError::Foreign);
            assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_keyring_that_is_absent_says_why() {
        let keyring = Keyring::new(|| Err(Error::NoStorageAccess("no bus".into())));
        let error = keyring.read_key().await.unwrap_err().to_string();
        assert!(error.contains("no bus"), "{error}");
    }

    #[tokio::test]
    async fn a_keyring_that_gives_up_without_a_word_is_told() {
        let keyring = Keyring::new(|| std::panic::resume_unwind(Box::new("made-up")));
        let error = keyring.read_key().await.unwrap_err();
        assert!(matches!(error, KeyringError::Refused(_)), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_keyring_that_never_answers_is_left_alone() {
        let (release, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let keyring = Keyring::new(move || {
            let _ = wait.lock().unwrap().recv();
            Err(Error::NoEntry)
        });
        assert_eq!(keyring.read_key().await.unwrap_err(), KeyringError::Silent);
        drop(release);
    }
}
