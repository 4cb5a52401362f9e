//! Errors of saving and reading sign-ins, and hints to fix them.
//!
//! No message contains any part of a sign-in.

use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

use super::damage::Damage;

/// The fewest characters of a passphrase.
pub(super) const FEWEST_CHARACTERS: usize = 16;

/// The name of the program in the keyring.
pub(super) const KEYRING_SERVICE: &str = "flowbind";

/// The name of the key there.
pub(super) const KEYRING_ENTRY: &str = "store-key";

/// How long the keyring may take to answer.
pub(super) const KEYRING_TIMEOUT: Duration = Duration::from_secs(3);

/// The hint that tells how to make a key.
const MAKE_A_KEY: &str = "set `FLOWBIND_STORE_KEY` to a key that you keep safe; `openssl rand -base64 32` makes one, and so does `age-keygen`";

/// The hint that tells how to remove all sign-ins and sign in again.
const START_AFRESH: &str =
    "remove it with `flowbind auth logout` and the same `--token-store`, and sign in again";

/// An error of saving or reading sign-ins.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The encrypted file was chosen, and no key is set.
    #[error("the token store `file` needs a key, and `FLOWBIND_STORE_KEY` is not set")]
    MissingKey,
    /// The text in `FLOWBIND_STORE_KEY` is not a usable key.
    #[error("the key in `FLOWBIND_STORE_KEY` cannot be used")]
    UnusableKey {
        /// What is wrong with it.
        #[from]
        source: StoreKeyError,
    },
    /// The sign-ins were encrypted with another key.
    #[error("{holder} does not open {origin}: it was made with another key")]
    WrongKey {
        /// Where the encrypted sign-ins are.
        origin: SignInsOrigin,
        /// Where the key is from.
        holder: KeySource,
    },
    /// The keyring no longer has the key that the file was made with.
    #[error("the keyring has no key for `{}`", file.display())]
    LostKey {
        /// The file.
        file: PathBuf,
    },
    /// What was read is not what this program writes.
    #[error("{origin} holds no sign-ins that can be read")]
    Unreadable {
        /// What was read.
        origin: SignInsOrigin,
        /// What is wrong with it.
        source: Damage,
    },
    /// A file that is not encrypted is open to others.
    #[error("others may read or write `{}`: its mode is {mode:03o}", file.display())]
    Exposed {
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file that is not encrypted is another user's.
    #[error("`{}` belongs to another user", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// A file has another name by a hard link.
    #[error("`{}` has another name by a hard link, and each name would keep its own token", file.display())]
    Linked {
        /// The file.
        file: PathBuf,
    },
    /// The path is not that of a regular file.
    #[error("`{}` is no regular file", file.display())]
    NotAFile {
        /// The path.
        file: PathBuf,
    },
    /// The file holds something else than sign-ins.
    #[error("`{}` holds no sign-ins of flowbind, and was left as it is", file.display())]
    NotAStore {
        /// The file.
        file: PathBuf,
    },
    /// Another run did not release the lock on the store in time.
    #[error("another flowbind has held `{}` for {} seconds", file.display(), waited.as_secs())]
    Busy {
        /// The file that is locked.
        file: PathBuf,
        /// How long this run waited.
        waited: Duration,
    },
    /// The keyring is absent, locked, or does not answer.
    #[error("the keyring of the operating system is unavailable")]
    KeyringUnavailable {
        /// Why.
        #[from]
        source: KeyringError,
    },
    /// The encryption failed.
    #[error("the sign-ins cannot be encrypted")]
    Unsealable,
    /// The file system refused.
    #[error("cannot {action} `{}`", file.display())]
    File {
        /// What was to be done, as a verb.
        action: &'static str,
        /// To which file or folder.
        file: PathBuf,
        /// Why it was not.
        source: io::Error,
    },
}

/// What sign-ins are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInsOrigin {
    /// A file.
    File(PathBuf),
    /// A line that holds them encrypted.
    Line,
}

/// Where a key is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The environment variable `FLOWBIND_STORE_KEY`.
    Variable,
    /// The keyring of the operating system.
    Keyring,
}

/// An error in the text of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreKeyError {
    /// It could be guessed.
    #[error("it has fewer than {FEWEST_CHARACTERS} characters")]
    Short,
    /// It begins like an identity of age and is none.
    #[error("it begins with `AGE-` and is no identity as `age-keygen` makes them")]
    Identity,
    /// It is the half of a key that is not secret.
    #[error("it is a public key of age: give the `AGE-SECRET-KEY-1...` that it belongs to")]
    Public,
}

/// An error of reading or writing the key in the keyring.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is none, or it refuses.
    #[error("{0}")]
    Refused(String),
    /// It may be waiting for somebody to unlock it.
    #[error("it did not answer within {} seconds", KEYRING_TIMEOUT.as_secs())]
    Silent,
    /// Another program wrote the entry.
    #[error("its entry `{KEYRING_ENTRY}` of `{KEYRING_SERVICE}` holds no key of flowbind")]
    Foreign,
}

impl StoreError {
    /// Returns hints to fix the error, most likely first.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::MissingKey | Self::UnusableKey { .. } => MAKE_A_KEY.to_owned(),
            Self::WrongKey { origin, holder } => wrong_key_hint(origin, *holder),
            Self::LostKey { .. } => START_AFRESH.to_owned(),
            Self::Unreadable { origin, source } => unreadable_hint(origin, *source),
            Self::Exposed { file, .. } => {
                format!("let nobody else read it: `chmod 600 {}`", file.display())
            }
            Self::Foreign { .. } => {
                "sign in anew with a file of your own: `--token-store plain:PATH`".to_owned()
            }
            Self::Linked { .. } => "remove the other name, or make it a symbolic link; `flowbind auth logout` empties both".to_owned(),
            Self::NotAFile { .. } | Self::NotAStore { .. } => {
                "name the file of the store by `--token-store`".to_owned()
            }
            Self::Busy { .. } => {
                "let the other run end, or stop it: the lock ends with it".to_owned()
            }
            Self::KeyringUnavailable { .. } => return keyring_hints(),
            Self::Unsealable => "run again".to_owned(),
            Self::File { .. } => "check that you may read and write there, or name another place by `--token-store`".to_owned(),
        };
        vec![hint]
    }

    /// Checks whether the user can fix the error by different input, before anything is requested.
    pub fn is_input_error(&self) -> bool {
        match self {
            Self::MissingKey
            | Self::UnusableKey { .. }
            | Self::WrongKey { holder: KeySource::Variable, .. }
            | Self::Unreadable { origin: SignInsOrigin::Line, .. }
            | Self::Exposed { .. }
            | Self::Foreign { .. }
            | Self::Linked { .. }
            | Self::NotAFile { .. }
            | Self::NotAStore { .. } => true,
            Self::WrongKey { holder: KeySource::Keyring, .. }
            | Self::LostKey { .. }
            | Self::Unreadable { origin: SignInsOrigin::File(_), .. }
            | Self::Busy { .. }
            | Self::KeyringUnavailable { .. }
            | Self::Unsealable
            | Self::File { .. } => false,
        }
    }
}

/// Returns the hint for a key that does not decrypt the sign-ins.
fn wrong_key_hint(origin: &SignInsOrigin, holder: KeySource) -> String {
    match (origin, holder) {
        (SignInsOrigin::File(_), KeySource::Variable) => {
            format!("set `FLOWBIND_STORE_KEY` to the key it was made with, or {START_AFRESH}")
        }
        (SignInsOrigin::File(_), KeySource::Keyring) => START_AFRESH.to_owned(),
        (SignInsOrigin::Line, _) => {
            "set `FLOWBIND_STORE_KEY` to the key it was made with, or make a new line with this key"
                .to_owned()
        }
    }
}

/// Returns the hint for sign-ins that cannot be read.
fn unreadable_hint(origin: &SignInsOrigin, damage: Damage) -> String {
    match (origin, damage) {
        (SignInsOrigin::File(_), Damage::Version(_)) => {
            format!("use the flowbind that wrote it, or {START_AFRESH}")
        }
        (SignInsOrigin::File(_), _) => START_AFRESH.to_owned(),
        (SignInsOrigin::Line, _) => {
            "copy the whole line again, from its first character to its last, or make a new one"
                .to_owned()
        }
    }
}

impl fmt::Display for SignInsOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(formatter, "`{}`", file.display()),
            Self::Line => formatter.write_str("the encrypted sign-in"),
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Variable => "`FLOWBIND_STORE_KEY`",
            Self::Keyring => "the key in the keyring",
        })
    }
}

/// Returns what to do without a keyring: a server has none, and what is typed instead are two commands.
fn keyring_hints() -> Vec<String> {
    let mut hints = vec![
        "on a desktop, unlock the keyring".to_owned(),
        "elsewhere, keep the sign-in in an encrypted file: make a key once and keep it for later runs, then name the store with --token-store".to_owned(),
    ];
    let commands = if cfg!(windows) {
        [
            "`$env:FLOWBIND_STORE_KEY = [guid]::NewGuid().ToString()`",
            "`flowbind auth login --token-store file`",
        ]
    } else {
        [
            "`export FLOWBIND_STORE_KEY=\"$(openssl rand -base64 32)\"`",
            "`flowbind auth login --token-store file`",
        ]
    };
    hints.extend(commands.map(str::to_owned));
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(origin: SignInsOrigin, holder: KeySource) -> StoreError {
        StoreError::WrongKey { origin, holder }
    }

    #[test]
    fn a_wrong_key_is_told_with_where_it_is_from_and_what_to_do() {
        let file = || SignInsOrigin::File("/kept/sign-ins.age".into());
        let error = wrong(file(), KeySource::Variable);
        let text =
            "`FLOWBIND_STORE_KEY` does not open `/kept/sign-ins.age`: it was made with another key";
        assert_eq!(error.to_string(), text);
        assert!(error.is_input_error());
        let hint = &error.hints()[0];
        assert!(hint.contains("the key it was made with"), "{hint}");
        assert!(hint.contains("`flowbind auth logout`"), "{hint}");

        let error = wrong(file(), KeySource::Keyring);
        assert!(error.to_string().starts_with("the key in the keyring does not open"), "{error}");
        assert!(!error.is_input_error() && !error.hints()[0].contains("FLOWBIND_STORE_KEY"));

        let error = wrong(SignInsOrigin::Line, KeySource::Variable);
        assert!(!error.hints()[0].contains("logout"), "{:?}", error.hints());
    }

    #[test]
    fn a_missing_key_is_told_with_a_way_to_make_one() {
        let error = StoreError::MissingKey;
        assert!(error.to_string().contains("FLOWBIND_STORE_KEY"));
        assert!(error.hints()[0].contains("openssl rand -base64 32"));
        assert!(error.is_input_error());
    }

    #[test]
    fn a_mode_is_told_as_chmod_takes_it() {
        let error = StoreError::Exposed { file: "/kept/sign-ins.json".into(), mode: 0o64 };
        assert!(error.to_string().ends_with("its mode is 064"), "{error}");
        assert!(error.hints()[0].contains("`chmod 600 /kept/sign-ins.json`"));
    }
}
