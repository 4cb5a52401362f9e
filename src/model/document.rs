//! Documents of this program's own that are kept in files: JSON that begins with a kind and a version.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What some editors put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The kind and version that a document begins with.
#[derive(Clone, Copy, Debug)]
pub struct DocumentKind {
    /// What tells it from other documents.
    pub kind: &'static str,
    /// The version of its shape.
    pub version: u64,
    /// What people call it.
    pub called: &'static str,
}

/// Why a text is no such document. Nothing of the text is told, since it may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It has another shape.
    #[error("it is no {called} of flowbind, or it was changed: see line {line}, column {column}")]
    Malformed {
        /// What it should be.
        called: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// It is a document of another kind.
    #[error("it is no {0} of flowbind")]
    Kind(&'static str),
    /// Its parts contradict one another.
    #[error("it is no {called} that flowbind wrote: it {why}")]
    Inconsistent {
        /// What it should be.
        called: &'static str,
        /// What it does that no document of this program does.
        why: &'static str,
    },
    /// It is of another version of the program.
    #[error("it has version {found}, and this program reads version {known}")]
    Version {
        /// The version that it has.
        found: u64,
        /// The version that is read.
        known: u64,
    },
}

/// The beginning of a document, by which it is known.
#[derive(Deserialize)]
struct Beginning {
    kind: String,
    version: u64,
}

impl DocumentKind {
    /// Reads a document of this kind. The parser's own words are left out, since they quote what they
    /// trip over.
    ///
    /// # Errors
    /// It is of another version, or no such document.
    pub fn read<D: DeserializeOwned>(&self, text: &[u8]) -> Result<D, DocumentError> {
        let beginning: Beginning = self.parse(text)?;
        if beginning.kind != self.kind {
            return Err(DocumentError::Kind(self.called));
        }
        if beginning.version != self.version {
            let (found, known) = (beginning.version, self.version);
            return Err(DocumentError::Version { found, known });
        }
        self.parse(text)
    }

    /// Parses JSON, and skips the byte order mark that some editors of Windows put before a text.
    fn parse<D: DeserializeOwned>(&self, text: &[u8]) -> Result<D, DocumentError> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        serde_json::from_slice(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            DocumentError::Malformed { called: self.called, line, column }
        })
    }
}
