//! The user's choice of a file, as `--journal` takes it.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What stands before the path of a journal that is not encrypted.
const PLAIN: &str = "plain:";

/// Where a journal is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalFile {
    /// The file.
    pub path: PathBuf,
    /// Whether it is readable by its owner without a key.
    pub plain: bool,
}

impl FromStr for JournalFile {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let plain = text.strip_prefix(PLAIN);
        Ok(Self { path: PathBuf::from(plain.unwrap_or(text)), plain: plain.is_some() })
    }
}

impl fmt::Display for JournalFile {
    /// Formats the value as the command line takes it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = if self.plain { PLAIN } else { "" };
        write!(formatter, "{plain}{}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_encrypted_unless_plain_stands_before_it() {
        let file = |text: &str| text.parse::<JournalFile>().unwrap();
        assert_eq!(file("a/b"), JournalFile { path: "a/b".into(), plain: false });
        assert_eq!(file("plain:a/b"), JournalFile { path: "a/b".into(), plain: true });
        assert_eq!(["a/b", "plain:a/b"].map(|text| file(text).to_string()), ["a/b", "plain:a/b"]);
    }
}
