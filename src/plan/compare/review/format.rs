//! A reviewed plan as the text that a file holds.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::{ReviewHead, Reviewed, ReviewedChange};
use crate::model::{DocumentError, DocumentKind};

/// What a plan begins with.
const KIND: DocumentKind = DocumentKind { kind: "flowbind-plan", version: 1, called: "plan" };

/// Why a text is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReviewError {
    /// It is no such document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// It does not say when it was made and when it expires.
    #[error("its times are not of the form 2026-01-31T09:00:00Z")]
    Time,
}

/// The document.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SavedPlanText<H, C> {
    kind: String,
    version: u64,
    head: H,
    changes: C,
}

impl Reviewed {
    /// Serializes the plan as JSON into `to`.
    ///
    /// # Errors
    /// It cannot be written there.
    pub(crate) fn write(&self, mut to: impl Write) -> io::Result<()> {
        let (head, changes) = (&self.head, &self.changes);
        let document =
            SavedPlanText { kind: KIND.kind.to_owned(), version: KIND.version, head, changes };
        serde_json::to_writer_pretty(&mut to, &document)?;
        writeln!(to)
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// It is of another version, or no plan.
    pub(crate) fn from_json(text: &[u8]) -> Result<Self, ReviewError> {
        let document: SavedPlanText<ReviewHead, Vec<ReviewedChange>> = KIND.read(text)?;
        let SavedPlanText { head, changes, .. } = document;
        if !is_time(&head.made) || !is_time(&head.expires) {
            return Err(ReviewError::Time);
        }
        Ok(Self { head, changes })
    }
}

/// Checks whether a text is a UTC time to the second, so that times sort as texts.
fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    let fits = |(byte, form): (u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == *form,
    };
    text.len() == FORM.len() && text.bytes().zip(FORM).all(fits)
}
