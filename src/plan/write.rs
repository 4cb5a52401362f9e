//! The writes that an apply sends: each names its row and carries its guard.

use std::collections::BTreeMap;

use crate::model::{EntityTag, KeyValue, LogicalName, RowId, SchemaName, StoredText};

/// The table of environment variables' values, by its name in addresses.
pub(super) const VALUES: &str = "environmentvariablevalues";

/// One write of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// The first value of a variable; the service refuses a second one.
    CreateVariableValue {
        /// The variable's definition.
        definition: RowId,
        /// The variable's name, as the organisation spells it.
        schema_name: SchemaName,
        /// The value.
        text: StoredText,
    },
    /// Another value of a variable, if nobody changed it meanwhile.
    UpdateVariableValue {
        /// The value row.
        id: RowId,
        /// The version that was read.
        guard: EntityTag,
        /// The value.
        text: StoredText,
    },
    /// A new record.
    CreateRow {
        /// The name of the table in addresses.
        entity_set: String,
        /// The key and the URLs.
        columns: BTreeMap<LogicalName, CellValue>,
    },
    /// Other columns of a record, if nobody changed it meanwhile.
    UpdateRow {
        /// The name of the table in addresses.
        entity_set: String,
        /// The record.
        id: RowId,
        /// The version that was read.
        guard: EntityTag,
        /// The URLs.
        columns: BTreeMap<LogicalName, StoredText>,
    },
    /// Sets columns of a row to texts or to null, if nobody changed the row meanwhile.
    Restore {
        /// The name of the table in addresses.
        entity_set: String,
        /// The row.
        id: RowId,
        /// The version that was read.
        guard: EntityTag,
        /// The texts; none stands for null.
        columns: BTreeMap<LogicalName, Option<StoredText>>,
    },
    /// The end of a row, if nobody changed it meanwhile.
    Delete {
        /// The name of the table in addresses.
        entity_set: String,
        /// The row.
        id: RowId,
        /// The version that was read.
        guard: EntityTag,
    },
}

impl Write {
    /// Checks whether the write creates a row.
    pub fn is_new(&self) -> bool {
        matches!(self, Self::CreateVariableValue { .. } | Self::CreateRow { .. })
    }

    /// Returns the name of the written table in addresses.
    pub fn entity_set(&self) -> &str {
        match self {
            Self::CreateVariableValue { .. } | Self::UpdateVariableValue { .. } => VALUES,
            Self::CreateRow { entity_set, .. }
            | Self::UpdateRow { entity_set, .. }
            | Self::Restore { entity_set, .. }
            | Self::Delete { entity_set, .. } => entity_set,
        }
    }

    /// Returns the row that the write changes; none if it creates one.
    pub fn row(&self) -> Option<RowId> {
        match self {
            Self::CreateVariableValue { .. } | Self::CreateRow { .. } => None,
            Self::UpdateVariableValue { id, .. }
            | Self::UpdateRow { id, .. }
            | Self::Restore { id, .. }
            | Self::Delete { id, .. } => Some(*id),
        }
    }

    /// Checks whether the write succeeds only if the row still has the version that was read.
    pub fn is_guarded(&self) -> bool {
        !self.is_new()
    }
}

/// What a new record holds in one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellValue {
    /// A part of its key, as the manifest says it.
    Key(KeyValue),
    /// A URL.
    Url(StoredText),
}
