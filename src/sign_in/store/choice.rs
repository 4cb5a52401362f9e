//! The user's choice of a store, as `--token-store` takes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::model::printable;

/// Where sign-ins are kept between runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenStore {
    /// In an encrypted file whose key is in the keyring of the operating system.
    Keyring,
    /// In an encrypted file whose key the user keeps.
    File(Option<PathBuf>),
    /// In a file that only its owner may read.
    Plain(Option<PathBuf>),
    /// Nowhere.
    None,
}

impl TokenStore {
    /// Checks whether the file of sign-ins is in the platform's folder.
    pub fn uses_default_folder(&self) -> bool {
        matches!(self, Self::Keyring | Self::File(None) | Self::Plain(None))
    }

    /// Returns the kind of the store, without a path.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File(_) => "file",
            Self::Plain(_) => "plain",
            Self::None => "none",
        }
    }
}

/// An error in the text of `--token-store`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenStoreError {
    /// There is no such kind of store.
    #[error(
        "`{0}` is no token store: choose `keyring`, `file`, `file:PATH`, `plain`, `plain:PATH` or `none`"
    )]
    Unknown(String),
    /// A store that has no path was given one.
    #[error("`{0}` takes no path: write `{0}` alone, or choose `file:PATH`")]
    NoPath(&'static str),
    /// There is a colon and nothing after it.
    #[error("no path follows `{0}:`: write `{0}:PATH`, or `{0}` alone for the usual place")]
    EmptyPath(&'static str),
    /// A shell leaves `~` as it is behind a colon.
    #[error("`~` does not mean the home folder here: write `{0}:$HOME/...`, or the path in full")]
    Tilde(&'static str),
}

impl FromStr for TokenStore {
    type Err = TokenStoreError;

    fn from_str(text: &str) -> Result<Self, TokenStoreError> {
        let (kind, path) = match text.split_once(':') {
            Some((kind, path)) => (kind, Some(path)),
            None => (text, None),
        };
        match kind {
            "file" => Ok(Self::File(parse_store_path("file", path)?)),
            "plain" => Ok(Self::Plain(parse_store_path("plain", path)?)),
            "keyring" if path.is_some() => Err(TokenStoreError::NoPath("keyring")),
            "none" if path.is_some() => Err(TokenStoreError::NoPath("none")),
            "keyring" => Ok(Self::Keyring),
            "none" => Ok(Self::None),
            _ => Err(TokenStoreError::Unknown(printable(text, 60))),
        }
    }
}

/// Reads the path that follows a kind of store, as in `file:PATH`.
fn parse_store_path(
    kind: &'static str,
    path: Option<&str>,
) -> Result<Option<PathBuf>, TokenStoreError> {
    match path {
        Some("") => Err(TokenStoreError::EmptyPath(kind)),
        Some(path) if path == "~" || path.starts_with("~/") => Err(TokenStoreError::Tilde(kind)),
        path => Ok(path.map(PathBuf::from)),
    }
}

impl fmt::Display for TokenStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyring => formatter.write_str("keyring"),
            Self::File(None) => formatter.write_str("file"),
            Self::File(Some(path)) => write!(formatter, "file:{}", path.display()),
            Self::Plain(None) => formatter.write_str("plain"),
            Self::Plain(Some(path)) => write!(formatter, "plain:{}", path.display()),
            Self::None => formatter.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_written_as_it_is_read() {
        let texts = [
            "keyring",
            "file",
            "file:/srv/a b.age",
            "plain",
            "plain:kept.json",
            "none",
            r"file:C:\Users\me\kept.age",
        ];
        for text in texts {
            assert_eq!(text.parse::<TokenStore>().unwrap().to_string(), text);
        }
        assert_eq!("file:a:b".parse(), Ok(TokenStore::File(Some("a:b".into()))));
    }

    #[test]
    fn a_text_that_names_no_store_is_answered_with_what_to_write() {
        let cases = [
            ("", "choose `keyring`, `file`"),
            ("Keyring", "choose `keyring`"),
            ("keyring:mine", "write `keyring` alone"),
            ("none:", "write `none` alone"),
            ("file:", "write `file:PATH`"),
            ("plain:", "write `plain:PATH`"),
            ("file:~/kept.age", "write `file:$HOME/...`"),
        ];
        for (text, remedy) in cases {
            let error = text.parse::<TokenStore>().unwrap_err().to_string();
            assert!(error.contains(remedy), "{text}: {error}");
        }
    }
}
