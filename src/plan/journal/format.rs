//! A journal as the text that a file holds.

use std::io::{self, Write};

use secrecy::SecretSlice;
use serde::{Deserialize, Serialize};

use super::{Journal, JournalHead, JournalRow};
use crate::model::{DocumentError, DocumentKind};

/// What a journal begins with.
const KIND: DocumentKind = DocumentKind { kind: "flowbind-journal", version: 1, called: "journal" };

/// The document.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct JournalText<H, R> {
    kind: String,
    version: u64,
    head: H,
    rows: R,
}

/// Counts the bytes that are written to it.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Journal {
    /// Returns the journal as JSON.
    pub fn to_json(&self) -> SecretSlice<u8> {
        let document = JournalText {
            kind: KIND.kind.to_owned(),
            version: KIND.version,
            head: &self.head,
            rows: &self.rows,
        };
        // What a buffer grows out of would stay in memory, so its length is found out first.
        let mut length = Length(0);
        let mut text = Vec::new();
        let written = serde_json::to_writer_pretty(&mut length, &document).and_then(|()| {
            text.reserve_exact(length.0);
            serde_json::to_writer_pretty(&mut text, &document)
        });
        written.unwrap_or_else(|error| unreachable!("texts and numbers: {error}"));
        SecretSlice::from(text)
    }

    /// Reads a journal.
    ///
    /// # Errors
    /// It is of another version, no journal, or one that no apply keeps.
    pub fn from_json(text: &[u8]) -> Result<Self, DocumentError> {
        let document: JournalText<JournalHead, Vec<JournalRow>> = KIND.read(text)?;
        let journal = Self { head: document.head, rows: document.rows };
        match journal.contradiction() {
            None => Ok(journal),
            Some(why) => Err(DocumentError::Inconsistent { called: KIND.called, why }),
        }
    }
}
