//! What applying sends: each write names its row and carries its guard.

use std::collections::BTreeMap;

use crate::domain::{EntityTag, LogicalName, RowId, SchemaName, StoredText};
use crate::state::KeyValue;

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
}

/// What a new record holds in one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellValue {
    /// A part of its key, as the manifest says it.
    Key(KeyValue),
    /// A URL.
    Url(StoredText),
}
