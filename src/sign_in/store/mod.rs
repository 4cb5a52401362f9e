//! The store in which one sign-in is kept for many runs.
//!
//! ```text
//! TokenStore              the user's choice of a store
//! Store::open             the store with its file and its key
//! Store::read             reads the sign-ins without a lock
//! Store::lock_and_read    locks the store and reads the sign-ins -> LockedStore::save
//! ```
//!
//! A refresh token may be replaced whenever it is used, so a run that uses one holds the store
//! until the new one is saved. Where there is no store, a sealed line in a secret variable can
//! bring a sign-in: see [`StoreKey::encrypt_line`].

mod choice;
mod damage;
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
pub use damage::Damage;
pub use error::{KeySource, KeyringError, SignInsOrigin, StoreError, StoreKeyError};
pub use key::{StoreDecryptError, StoreKey, is_encrypted, is_encrypted_line};
pub use sign_ins::{SignIn, SignInName, SignIns};

use file::AllowedReaders;
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
    /// Whether the user named the file. Any other file has a name of this program's own.
    is_named: bool,
    protection: FileProtection,
}

/// What keeps others from reading the file.
#[derive(Clone, Debug)]
enum FileProtection {
    /// Its mode alone.
    Mode,
    /// A key of the user's.
    Key(StoreKey),
    /// A key in the keyring.
    Keyring(Keyring),
}

/// A store that is locked, so that no other run changes it. Dropping this releases the lock.
#[derive(Debug)]
pub struct LockedStore {
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
            TokenStore::Plain(named) => (place(named, PLAIN_FILE), FileProtection::Mode),
            TokenStore::File(named) => {
                let key = key.ok_or(StoreError::MissingKey)?;
                (place(named, FILE), FileProtection::Key(key))
            }
            TokenStore::Keyring => {
                (folder.join(KEYRING_FILE), FileProtection::Keyring(Keyring::system_keyring()))
            }
        };
        let is_named = matches!(choice, TokenStore::Plain(Some(_)) | TokenStore::File(Some(_)));
        Ok(Some(Self { file: file::follow_links(&file)?, is_named, protection }))
    }

    /// Returns the path of the file of sign-ins.
    pub fn file_path(&self) -> &Path {
        &self.file
    }

    /// Reads the sign-ins without a lock. Creates no file, no folder and no key.
    ///
    /// # Errors
    /// The file cannot be read or opened, or the keyring is unavailable.
    pub async fn read(&self) -> Result<SignIns, StoreError> {
        let Some(content) = self.read_file_content()? else { return Ok(SignIns::default()) };
        let key = self.file_key(true).await?;
        self.decrypt_sign_ins(key.as_ref(), &content)
    }

    /// Waits until no other run uses the store, locks it, and reads the sign-ins. If the keyring
    /// has no key yet, one is made now, so that a keyring that takes no key is known before a
    /// person signs in.
    ///
    /// # Errors
    /// As [`Self::read`]; or another run does not release the store, or its folder cannot be
    /// written.
    pub async fn lock_and_read(&self) -> Result<LockedStore, StoreError> {
        file::make_folder(&self.file)?;
        let lock = lock::lock_file(&file::with_added_ending(&self.file, "lock")).await?;
        file::refuse_hard_links(&self.file)?;
        file::remove_leftovers(&self.file)?;
        let content = self.read_file_content()?;
        let key = self.file_key(content.is_some()).await?;
        let sign_ins = match content {
            Some(content) => self.decrypt_sign_ins(key.as_ref(), &content)?,
            None => SignIns::default(),
        };
        Ok(LockedStore { file: self.file.clone(), key, sign_ins, reserved: None, _lock: lock })
    }

    /// Removes all sign-ins, readable or not, and the key in the keyring. Returns whether there was
    /// anything to remove.
    ///
    /// # Errors
    /// The file is no store and was left as it is; another run does not release the store, a file cannot be removed, or the keyring is
    /// unavailable; the files are removed in spite of that.
    pub async fn remove_all(&self) -> Result<bool, StoreError> {
        if !atomic_file::folder(&self.file).is_dir() {
            return self.remove_keyring_key().await;
        }
        // Held to the end, so that no run encrypts anything with a key that is being removed.
        let _lock = lock::lock_file(&file::with_added_ending(&self.file, "lock")).await?;
        self.refuse_other_content()?;
        let left = file::remove_leftovers(&self.file)?;
        let kept = file::empty_and_remove(&self.file)?;
        Ok(self.remove_keyring_key().await? || kept || left)
    }

    /// Refuses a file that the user named and that never was a store, so that a wrong path does not remove
    /// it. A damaged store is one: it begins as an encrypted file does, or has the list of sign-ins.
    fn refuse_other_content(&self) -> Result<(), StoreError> {
        if !self.is_named {
            return Ok(());
        }
        let Some(content) = file::read_file(&self.file, AllowedReaders::Anybody)? else {
            return Ok(());
        };
        let content = content.expose_secret();
        let list = b"\"sign-ins\"";
        let is_store = content.is_empty()
            || is_encrypted(content)
            || content.windows(list.len()).any(|part| part == list);
        if is_store { Ok(()) } else { Err(StoreError::NotAStore { file: self.file.clone() }) }
    }

    /// Removes the key if it is in the keyring, and returns whether there was one.
    async fn remove_keyring_key(&self) -> Result<bool, StoreError> {
        match &self.protection {
            FileProtection::Keyring(keyring) => Ok(keyring.remove_key().await?),
            FileProtection::Mode | FileProtection::Key(_) => Ok(false),
        }
    }

    /// Reads the file without decrypting it.
    fn read_file_content(&self) -> Result<Option<SecretSlice<u8>>, StoreError> {
        let access = match self.protection {
            FileProtection::Mode => AllowedReaders::Owner,
            FileProtection::Key(_) | FileProtection::Keyring(_) => AllowedReaders::Anybody,
        };
        file::read_file(&self.file, access)
    }

    /// Returns the key of the file. If the keyring has none and no file was encrypted yet (`used`
    /// is false), a key is made there.
    async fn file_key(&self, used: bool) -> Result<Option<StoreKey>, StoreError> {
        let keyring = match &self.protection {
            FileProtection::Mode => return Ok(None),
            FileProtection::Key(key) => return Ok(Some(key.clone())),
            FileProtection::Keyring(keyring) => keyring,
        };
        match keyring.read_key().await? {
            Some(key) => Ok(Some(key)),
            None if used => Err(StoreError::LostKey { file: self.file.clone() }),
            None => Ok(Some(keyring.make_key().await?)),
        }
    }

    /// Decrypts the content of the file and reads the sign-ins.
    fn decrypt_sign_ins(
        &self,
        key: Option<&StoreKey>,
        content: &SecretSlice<u8>,
    ) -> Result<SignIns, StoreError> {
        let content = content.expose_secret();
        let read = |text: &[u8]| SignIns::from_json(text).map_err(StoreDecryptError::Damage);
        let opened = match key {
            Some(key) => key.decrypt(content).and_then(|plain| read(plain.expose_secret())),
            None => read(content),
        };
        let holder = match self.protection {
            FileProtection::Keyring(_) => KeySource::Keyring,
            FileProtection::Mode | FileProtection::Key(_) => KeySource::Variable,
        };
        opened.map_err(|shut| shut.into_store_error(SignInsOrigin::File(self.file.clone()), holder))
    }
}

impl LockedStore {
    /// Returns the sign-ins in the store.
    pub fn sign_ins(&self) -> &SignIns {
        &self.sign_ins
    }

    /// Reserves disk space for the next token. Some authorities accept a refresh token only once,
    /// so a next token that cannot be saved would be lost.
    ///
    /// # Errors
    /// The folder cannot be written, or the disk is full; the earlier sign-ins stay saved.
    pub fn reserve_space(&mut self) -> Result<(), StoreError> {
        let kept = self.sign_ins.to_json().expose_secret().len();
        self.reserved = Some(file::reserve_new_file(&self.file, kept + RESERVE_BYTES)?);
        Ok(())
    }

    /// Saves these sign-ins in place of the earlier ones. If there are none, the file is removed.
    ///
    /// # Errors
    /// The file cannot be written; the earlier sign-ins stay saved.
    pub fn save(&mut self, sign_ins: SignIns) -> Result<(), StoreError> {
        if sign_ins.is_empty() {
            file::remove_file(&self.file)?;
        } else {
            let text = sign_ins.to_json();
            let plain = text.expose_secret().as_bytes();
            let sealed = self.key.as_ref().map(|key| key.encrypt(plain)).transpose()?;
            let new = match self.reserved.take() {
                Some(reserved) => reserved,
                None => file::reserve_new_file(&self.file, 0)?,
            };
            file::replace_file(&self.file, new, sealed.as_deref().unwrap_or(plain))?;
        }
        self.sign_ins = sign_ins;
        Ok(())
    }
}
