//! What runs in the organisation when rows are written, and which rows the person does not see.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Something that runs when a row of a table is written: a plug-in, a flow, an auto-number.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PlugInFile {
    /// The logical name of the table.
    pub(crate) table: String,
    /// When it runs.
    #[serde(default)]
    pub(crate) on: Occasion,
    /// What the row holds, or is to hold, that it runs for; it runs for every row when absent.
    #[serde(default, rename = "where")]
    pub(crate) condition: BTreeMap<String, String>,
    /// What it does.
    pub(crate) does: Deed,
    /// The column that `rewrite` changes.
    pub(crate) column: Option<String>,
    /// What `rewrite` puts there.
    pub(crate) value: Option<String>,
    /// The sentence of `refuse`.
    pub(crate) message: Option<String>,
}

/// When a plug-in runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Occasion {
    /// Before a row is created or changed.
    #[default]
    Write,
    /// Before a row is created.
    Create,
    /// Before a row is changed.
    Update,
}

/// What a plug-in does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Deed {
    /// It has nothing kept; the answer is one of success.
    Drop,
    /// It puts a value of its own into a column.
    Rewrite,
    /// It refuses the write.
    Refuse,
}

/// Rows that the person may not see, and that reading leaves out without an error.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct HiddenRowFile {
    /// The logical name of the table.
    pub(crate) table: String,
    /// The column that tells them from others.
    pub(crate) column: String,
    /// What it holds.
    pub(crate) value: String,
}

impl Occasion {
    /// Tells whether it comes when a row is created, or when one is changed.
    pub(crate) fn comes(self, creates: bool) -> bool {
        match self {
            Self::Write => true,
            Self::Create => creates,
            Self::Update => !creates,
        }
    }
}
