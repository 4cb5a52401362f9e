//! Environment variables and custom tables in the tenant file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::file::yes;

/// An environment variable: a definition, and its value if it has one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct VariableFile {
    /// The schema name.
    pub(crate) schema_name: String,
    /// The display name.
    pub(crate) display_name: Option<String>,
    /// The type.
    #[serde(rename = "type")]
    pub(crate) kind: VariableKind,
    /// The default.
    pub(crate) default: Option<String>,
    /// The value.
    pub(crate) value: Option<String>,
    /// A second value row, which only organisations with the older unique key can have.
    pub(crate) second_value: Option<String>,
}

/// The type of an environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VariableKind {
    /// Text.
    String,
    /// A number.
    Number,
    /// `yes` or `no`.
    Boolean,
    /// JSON.
    Json,
    /// A data source.
    DataSource,
    /// A reference to a secret.
    Secret,
}

impl VariableKind {
    /// Returns the option value of the `type` column.
    pub(crate) fn option(self) -> i64 {
        100_000_000 + self as i64
    }
}

/// A custom table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TableFile {
    /// The logical name.
    pub(crate) name: String,
    /// The entity set name; the name and `s` when absent.
    pub(crate) set: Option<String>,
    /// The display name.
    pub(crate) display_name: Option<String>,
    /// The primary name column.
    pub(crate) primary_name: String,
    /// Where its rows are kept.
    #[serde(default, rename = "type")]
    pub(crate) kind: TableKind,
    /// Whether rows can be guarded by their version.
    #[serde(default = "yes")]
    pub(crate) optimistic_concurrency: bool,
    /// The columns, the primary id aside.
    #[serde(default, rename = "column")]
    pub(crate) columns: Vec<ColumnFile>,
    /// The alternate keys.
    #[serde(default, rename = "key")]
    pub(crate) keys: Vec<KeyFile>,
    /// The rows.
    #[serde(default, rename = "row")]
    pub(crate) rows: Vec<toml::Table>,
}

/// Where the rows of a table are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TableKind {
    /// In the database: change sets are transactions.
    #[default]
    Standard,
    /// In a store without transactions.
    Elastic,
    /// In another system, which a data provider asks: rows have no versions.
    Virtual,
}

impl TableKind {
    /// Returns the value of `TableType`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Elastic => "Elastic",
            Self::Virtual => "Virtual",
        }
    }
}

/// Whether column security keeps a column from the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Security {
    /// The person may read and write it.
    Readable,
    /// The person may write it, and reads nothing in it.
    Unreadable,
}

/// The state of an alternate key's index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum IndexStatus {
    /// The key is enforced.
    #[default]
    Active,
    /// The index is going to be built.
    Pending,
    /// The index is being built.
    InProgress,
    /// The index could not be built.
    Failed,
}

impl IndexStatus {
    /// Returns the value of `EntityKeyIndexStatus`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
        }
    }
}

/// A column.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ColumnFile {
    /// The logical name.
    pub(crate) name: String,
    /// The type.
    #[serde(rename = "type")]
    pub(crate) kind: ColumnKind,
    /// The longest text, in characters.
    pub(crate) max_length: Option<usize>,
    /// The options of a choice: their labels by their values.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, i64>,
    /// The table that a lookup points to.
    pub(crate) target: Option<String>,
    /// The navigation property of a lookup, which is case-sensitive.
    pub(crate) navigation: Option<String>,
    /// Whether it can be set when a row is created.
    #[serde(default = "yes")]
    pub(crate) valid_for_create: bool,
    /// Whether it can be set later.
    #[serde(default = "yes")]
    pub(crate) valid_for_update: bool,
    /// Whether it can be read.
    #[serde(default = "yes")]
    pub(crate) valid_for_read: bool,
    /// Column security; none where it is off.
    pub(crate) secured: Option<Security>,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ColumnKind {
    /// One line of text.
    Text,
    /// Many lines of text.
    Memo,
    /// A whole number of 32 bits.
    Integer,
    /// A decimal number.
    Decimal,
    /// Yes or no.
    Boolean,
    /// A date and time.
    DateTime,
    /// One of some options.
    Choice,
    /// A GUID.
    Guid,
    /// A reference to a row.
    Lookup,
}

/// An alternate key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct KeyFile {
    /// The schema name.
    pub(crate) name: String,
    /// The columns.
    pub(crate) columns: Vec<String>,
    /// The state of its index.
    #[serde(default)]
    pub(crate) index_status: IndexStatus,
}
