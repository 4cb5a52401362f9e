//! The journal of an apply: the values before and after, so that the apply can be undone.
//!
//! ```text
//! record      Plan + Observed -> Journal     before the change set is sent
//! format      Journal <-> text               what a file holds; it holds earlier values: a secret
//! labels      Journal x subjects -> Problems  what the journal calls a row is what the row is
//! origins     Journal x subjects -> Problems  what the journal says the apply created, it created
//! links       earlier values -> hosts        where what is restored leads
//! rollback    Journal + found rows -> Plan   what still holds what was written is restored
//! ```
//!
//! Everything here is pure: files, keys and requests are the matter of others.

mod fields;
mod file;
mod format;
mod labels;
pub(crate) mod links;
mod members;
mod origins;
mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{
    EnvironmentId, EnvironmentUrl, JsonPointer, KeyValue, LogicalName, Row, RowId, ServiceError,
    StoredText, WorkflowId,
};

pub use file::JournalFile;
pub use labels::{Label, LabelKey, RowSubject, Subject, mislabelled, mistaken_tables};
pub use origins::not_created_by_apply;
pub use record::record;

/// What an apply changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// Where and when.
    pub head: JournalHead,
    /// The rows that are written, in the order of the writes.
    pub rows: Vec<JournalRow>,
}

/// Where and when an apply writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct JournalHead {
    /// When the journal was begun, as RFC 3339 writes it.
    pub time: String,
    /// The path of the manifest.
    pub manifest: String,
    /// The manifest's name for the environment.
    pub environment: String,
    /// The environment's address.
    #[serde(with = "fields::text")]
    pub url: EnvironmentUrl,
    /// The id that the Flow service knows it by.
    #[serde(with = "fields::text")]
    pub environment_id: EnvironmentId,
    /// Whether it is the sandbox that ships with the program, whose address differs from run to run.
    pub sandbox: bool,
    /// When it was rolled back, if it was: what its targets hold after that is not its apply's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<String>,
}

/// A row that is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct JournalRow {
    /// The name of its table in addresses.
    #[serde(with = "fields::text")]
    pub entity_set: LogicalName,
    /// The column of the table's primary key.
    #[serde(with = "fields::text")]
    pub primary_id: LogicalName,
    /// Which row it is.
    pub origin: Origin,
    /// The columns that are written.
    #[serde(with = "fields::columns")]
    pub columns: BTreeMap<LogicalName, ColumnChange>,
    /// The targets in it.
    pub places: Vec<JournalTarget>,
}

/// Where a row comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Origin {
    /// It was there before the apply.
    Updated(RowId),
    /// The apply makes it.
    Created {
        /// Its primary key, once it is known.
        id: Option<RowId>,
        /// Its version, once it is known.
        tag: Option<String>,
        /// What it is found by until then.
        key: RowKey,
    },
    /// The apply deletes it: it is the value of an environment variable.
    Deleted {
        /// Its primary key.
        id: RowId,
        /// The variable's definition, by which another value is found.
        definition: RowId,
    },
}

/// What a row is found by whose id is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum RowKey {
    /// It is the value of the environment variable with this definition.
    Definition(RowId),
    /// It is the record whose columns hold these values.
    Columns(#[serde(with = "fields::key")] BTreeMap<LogicalName, KeyValue>),
}

/// What a column holds before and after the apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ColumnChange {
    /// The text before; none if there was none, or no row.
    #[serde(with = "fields::optional_stored")]
    pub before: Option<StoredText>,
    /// The text after.
    #[serde(with = "fields::optional_stored")]
    pub after: Option<StoredText>,
}

/// A target of the apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct JournalTarget {
    /// Its address.
    pub address: String,
    /// The column that it is in.
    #[serde(with = "fields::text")]
    pub column: LogicalName,
    /// The member of the column's JSON, if it is one.
    #[serde(with = "fields::optional_text")]
    pub pointer: Option<JsonPointer>,
    /// The flow's name.
    pub flow_name: String,
    /// The flow.
    pub workflow_id: WorkflowId,
}

/// What reading found of a row: none, one, or in an odd organisation several.
pub type FoundRows = Result<Vec<Row>, UnusableRows>;

/// Why nothing can be planned from rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnusableRows {
    /// The service does not show them.
    Refused(ServiceError),
    /// A row came without its version, which guards a write.
    WithoutEtag,
}

impl JournalRow {
    /// Returns the row's primary key, if it is known.
    pub fn id(&self) -> Option<RowId> {
        match &self.origin {
            Origin::Updated(id) | Origin::Deleted { id, .. } => Some(*id),
            Origin::Created { id, .. } => *id,
        }
    }

    /// Checks whether the apply creates the row.
    pub fn is_created(&self) -> bool {
        matches!(self.origin, Origin::Created { .. })
    }
}

impl Journal {
    /// Returns the journal with the ids and versions of the rows that the apply created, as far as
    /// they were found by reading.
    #[must_use]
    pub fn completed(mut self, found: &[FoundRows]) -> Self {
        for (row, found) in self.rows.iter_mut().zip(found) {
            if let (Origin::Created { id, tag, .. }, Ok([one])) =
                (&mut row.origin, found.as_deref())
            {
                *id = Some(one.id);
                *tag = Some(one.tag.as_str().to_owned());
            }
        }
        self
    }

    /// Returns the journal with the ids of some rows that the apply created. Each id has the index
    /// of its row.
    #[must_use]
    pub fn with_ids(mut self, ids: &[(usize, RowId)]) -> Self {
        for (place, known) in ids {
            if let Some(JournalRow { origin: Origin::Created { id, .. }, .. }) =
                self.rows.get_mut(*place)
            {
                *id = Some(*known);
            }
        }
        self
    }

    /// Checks whether the id of every row is known.
    pub fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| row.id().is_some())
    }
}
