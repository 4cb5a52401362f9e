//! The user's choice of a file, as `--journal` takes it.

use std::convert::Infallible;
use std::fmt;
use std::path::{PathBuf, is_separator};
use std::str::FromStr;

/// What stands before the path of a journal that is not encrypted.
const PLAIN: &str = "plain:";

/// What stands for the time in the name of a new journal.
const TIME: &str = "{time}";

/// The name of a new journal in a folder.
const NAME: &str = "flowbind-{time}.journal";

/// Where a journal is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalFile {
    /// The file.
    pub path: PathBuf,
    /// Whether it is readable by its owner without a key.
    pub plain: bool,
}

impl JournalFile {
    /// Puts a time, as `2026-01-31T09:00:00.000Z`, into the name of a new journal, and a name of its
    /// own into a folder. A path that is not UTF-8 is taken as it is.
    #[must_use]
    pub fn named_at(self, time: &str) -> Self {
        let Some(path) = self.path.to_str() else { return self };
        let name = if path.ends_with(is_separator) { NAME } else { "" };
        // Windows has no colons in the names of files.
        let path = format!("{path}{name}").replace(TIME, &time.replace(':', ""));
        Self { path: path.into(), ..self }
    }
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

    #[test]
    fn a_new_journal_has_the_time_in_its_name_in_a_folder_and_where_it_is_asked_for() {
        let time = "2023-11-14T22:13:20.007Z";
        for (given, named) in [
            ("kept/", "kept/flowbind-2023-11-14T221320.007Z.journal"),
            ("plain:/", "plain:/flowbind-2023-11-14T221320.007Z.journal"),
            ("a-{time}.journal", "a-2023-11-14T221320.007Z.journal"),
            ("{time}/a", "2023-11-14T221320.007Z/a"),
            ("a", "a"),
        ] {
            let file: JournalFile = given.parse().unwrap();
            assert_eq!(file.named_at(time).to_string(), named);
        }
    }
}
