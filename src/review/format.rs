//! A reviewed plan as the text that a file holds.

use serde::{Deserialize, Serialize};

use super::{Head, Reviewed, ReviewedChange};

/// The version of the document's shape.
const VERSION: u64 = 1;

/// What tells a plan from other documents.
const KIND: &str = "flowbind-plan";

/// Why a text is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// It is no such document.
    #[error("it is no plan of flowbind, or it was changed: see line {line}, column {column}")]
    Malformed {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// It is a document of another kind.
    #[error("it is no plan of flowbind")]
    Kind,
    /// It is of another version of the program.
    #[error("it has version {0}, and this program reads version {VERSION}")]
    Version(u64),
    /// It does not say when it was made and when it expires.
    #[error("its times are not of the form 2026-01-31T09:00:00Z")]
    Time,
}

/// The beginning of a document, by which it is known.
#[derive(Deserialize)]
struct Versioned {
    kind: String,
    version: u64,
}

/// The document.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document<H, C> {
    kind: String,
    version: u64,
    head: H,
    changes: C,
}

impl Reviewed {
    /// The plan as JSON.
    pub fn to_json(&self) -> String {
        let (head, changes) = (&self.head, &self.changes);
        let document = Document { kind: KIND.to_owned(), version: VERSION, head, changes };
        let text = serde_json::to_string_pretty(&document);
        text.unwrap_or_else(|error| unreachable!("texts and numbers: {error}")) + "\n"
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// It is of another version, or no plan.
    pub fn from_json(text: &[u8]) -> Result<Self, ReviewError> {
        let versioned: Versioned =
            serde_json::from_slice(text).map_err(|error| malformed(&error))?;
        if versioned.kind != KIND {
            return Err(ReviewError::Kind);
        }
        if versioned.version != VERSION {
            return Err(ReviewError::Version(versioned.version));
        }
        let document: Document<Head, Vec<ReviewedChange>> =
            serde_json::from_slice(text).map_err(|error| malformed(&error))?;
        let Document { head, changes, .. } = document;
        if !is_time(&head.made) || !is_time(&head.expires) {
            return Err(ReviewError::Time);
        }
        Ok(Self { head, changes })
    }
}

fn malformed(error: &serde_json::Error) -> ReviewError {
    ReviewError::Malformed { line: error.line(), column: error.column() }
}

/// Whether a text is a time in UTC to the second, which sorts as time goes.
fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    let fits = |(byte, form): (u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == *form,
    };
    text.len() == FORM.len() && text.bytes().zip(FORM).all(fits)
}
