//! The store in which one sign-in is kept for many runs.
//!
//! ```text
//! TokenStore              the user's choice of a store
//! Store::open             the store with its file and its key
//! Store::read             reads the sign-ins without a lock
//! Store::exclusive        locks the store and reads the sign-ins -> Exclusive::save
//! ```
//!
//! A refresh token may be replaced whenever it is used, so a run that uses one holds the store
//! until the new one is saved. Where there is no store, a sealed line in a secret variable can
//! bring a sign-in: see [`StoreKey::seal_line`].

mod choice;
mod error;
mod file;
mod key;
mod keyring;
mod lock;
mod sign_ins;
#[cfg(test)]
mod testing;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretSlice};

pub use choice::{TokenStore, TokenStoreError};
pub use error::{Damage, KeyHolder, Origin, StoreError};
pub use key::{Shut, StoreKey, StoreKeyError, is_sealed_line};
pub use keyring::KeyringError;
pub use sign_ins::{SignIn, SignInName, SignIns};

use file::Access;
use keyring::Keyring;

use crate::atomic_file;
use crate::atomic_file::NewFile;

/// The name of the file that is encrypted with the user's key.
const FILE: &str = "sign-ins.age";

/// The name of the file that is encrypted with the keyring's key.
const KEYRING_FILE: &str = "sign-ins.keyring.age";

/// The name of the file that is not encrypted.
const PLAIN_FILE: &str = "sign-ins.json";

/// The names of the files of sign-ins in the program's own folder.
pub const STORE_FILES: [&str; 3] = [FILE, KEYRING_FILE, PLAIN_FILE];

/// A place in which sign-ins are kept.
#[derive(Clone, Debug)]
pub struct Store {
    file: PathBuf,
    protection: Protection,
}

/// What keeps others from reading the file.
#[derive(Clone, Debug)]
enum Protection {
    /// Its mode alone.
    Mode,
    /// A key of the user's.
    Key(StoreKey),
    /// A key in the keyring.
    Keyring(Keyring),
}

/// A store that is locked, so that no other run changes it. Dropping this releases the lock.
#[derive(Debug)]
pub struct Exclusive {
    file: PathBuf,
    key: Option<StoreKey>,
    sign_ins: SignIns,
    /// The new file for the next sign-ins, if disk space was reserved.
    reserved: Option<NewFile>,
    _lock: File,
}

/// How many more bytes a store may need for a token that is longer than the earlier one.
const RESERVE_BYTES: usize = 16 * 1024;

impl Store {
    /// Opens the store that the user chose, or returns none if the user chose none. Its file is in
    /// `folder` unless the choice names a path; links are followed. The file is not read yet.
    ///
    /// # Errors
    /// The choice needs a key and there is none, or the file's links lead in a circle.
    pub fn open(
        choice: &TokenStore,
        folder: &Path,
        key: Option<StoreKey>,
    ) -> Result<Option<Self>, StoreError> {
        let place = |named: &Option<PathBuf>, usual| match named {
            Some(file) => file.clone(),
            None => folder.join(usual),
        };
        let (file, protection) = match choice {
            TokenStore::None => return Ok(None),
            TokenStore::Plain(named) => (place(named, PLAIN_FILE), Protection::Mode),
            TokenStore::File(named) => {
                let key = key.ok_or(StoreError::MissingKey)?;
                (place(named, FILE), Protection::Key(key))
            }
            TokenStore::Keyring => {
                (folder.join(KEYRING_FILE), Protection::Keyring(Keyring::of_the_system()))
            }
        };
        Ok(Some(Self { file: file::resolved(&file)?, protection }))
    }

    /// Returns the path of the file of sign-ins.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Reads the sign-ins without a lock. Creates no file, no folder and no key.
    ///
    /// # Errors
    /// The file cannot be read or opened, or the keyring is unavailable.
    pub async fn read(&self) -> Result<SignIns, StoreError> {
        let Some(content) = self.content()? else { return Ok(SignIns::default()) };
        let key = self.key(true).await?;
        self.opened(key.as_ref(), &content)
    }

    /// Waits until no other run uses the store, locks it, and reads the sign-ins. If the keyring
    /// has no key yet, one is made now, so that a keyring that takes no key is known before a
    /// person signs in.
    ///
    /// # Errors
    /// As [`Self::read`]; or another run does not release the store, or its folder cannot be
    /// written.
    pub async fn exclusive(&self) -> Result<Exclusive, StoreError> {
        file::make_folder(&self.file)?;
        let lock = lock::take(&file::beside(&self.file, "lock")).await?;
        file::check_names(&self.file)?;
        file::sweep(&self.file)?;
        let content = self.content()?;
        let key = self.key(content.is_some()).await?;
        let sign_ins = match content {
            Some(content) => self.opened(key.as_ref(), &content)?,
            None => SignIns::default(),
        };
        Ok(Exclusive { file: self.file.clone(), key, sign_ins, reserved: None, _lock: lock })
    }

    /// Removes all sign-ins, readable or not, and the key in the keyring. Returns whether there was
    /// anything to remove.
    ///
    /// # Errors
    /// Another run does not release the store, a file cannot be removed, or the keyring is
    /// unavailable; the files are removed in spite of that.
    pub async fn clear(&self) -> Result<bool, StoreError> {
        if !atomic_file::folder(&self.file).is_dir() {
            return self.clear_key().await;
        }
        // Held to the end, so that no run encrypts anything with a key that is being removed.
        let _lock = lock::take(&file::beside(&self.file, "lock")).await?;
        let left = file::sweep(&self.file)?;
        let kept = file::wipe(&self.file)?;
        Ok(self.clear_key().await? || kept || left)
    }

    /// Removes the key if it is in the keyring, and returns whether there was one.
    async fn clear_key(&self) -> Result<bool, StoreError> {
        match &self.protection {
            Protection::Keyring(keyring) => Ok(keyring.remove_key().await?),
            Protection::Mode | Protection::Key(_) => Ok(false),
        }
    }

    /// Reads the file without decrypting it.
    fn content(&self) -> Result<Option<SecretSlice<u8>>, StoreError> {
        let access = match self.protection {
            Protection::Mode => Access::Owner,
            Protection::Key(_) | Protection::Keyring(_) => Access::Anybody,
        };
        file::read(&self.file, access)
    }

    /// Returns the key of the file. If the keyring has none and no file was encrypted yet (`used`
    /// is false), a key is made there.
    async fn key(&self, used: bool) -> Result<Option<StoreKey>, StoreError> {
        let keyring = match &self.protection {
            Protection::Mode => return Ok(None),
            Protection::Key(key) => return Ok(Some(key.clone())),
            Protection::Keyring(keyring) => keyring,
        };
        match keyring.key().await? {
            Some(key) => Ok(Some(key)),
            None if used => Err(StoreError::LostKey { file: self.file.clone() }),
            None => Ok(Some(keyring.make_key().await?)),
        }
    }

    /// Decrypts the content of the file and reads the sign-ins.
    fn opened(
        &self,
        key: Option<&StoreKey>,
        content: &SecretSlice<u8>,
    ) -> Result<SignIns, StoreError> {
        let content = content.expose_secret();
        let read = |text: &[u8]| SignIns::from_json(text).map_err(Shut::Damage);
        let opened = match key {
            Some(key) => key.open(content).and_then(|plain| read(plain.expose_secret())),
            None => read(content),
        };
        let holder = match self.protection {
            Protection::Keyring(_) => KeyHolder::Keyring,
            Protection::Mode | Protection::Key(_) => KeyHolder::Variable,
        };
        opened.map_err(|shut| shut.error(Origin::File(self.file.clone()), holder))
    }
}

impl Exclusive {
    /// Returns the sign-ins in the store.
    pub fn sign_ins(&self) -> &SignIns {
        &self.sign_ins
    }

    /// Reserves disk space for the next token. Some authorities accept a refresh token only once,
    /// so a next token that cannot be saved would be lost.
    ///
    /// # Errors
    /// The folder cannot be written, or the disk is full; the earlier sign-ins stay saved.
    pub fn reserve(&mut self) -> Result<(), StoreError> {
        let kept = self.sign_ins.to_json().expose_secret().len();
        self.reserved = Some(file::reserve(&self.file, kept + RESERVE_BYTES)?);
        Ok(())
    }

    /// Saves these sign-ins in place of the earlier ones. If there are none, the file is removed.
    ///
    /// # Errors
    /// The file cannot be written; the earlier sign-ins stay saved.
    pub fn save(&mut self, sign_ins: SignIns) -> Result<(), StoreError> {
        if sign_ins.is_empty() {
            file::remove(&self.file)?;
        } else {
            let text = sign_ins.to_json();
            let plain = text.expose_secret().as_bytes();
            let sealed = self.key.as_ref().map(|key| key.seal(plain)).transpose()?;
            let new = match self.reserved.take() {
                Some(reserved) => reserved,
                None => file::reserve(&self.file, 0)?,
            };
            file::replace(&self.file, new, sealed.as_deref().unwrap_or(plain))?;
        }
        self.sign_ins = sign_ins;
        Ok(())
    }
}
