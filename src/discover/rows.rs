//! Rows as the plan sees them, and the terms by which they are found.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::DiscoverError;
use crate::model::{
    ColumnType, KeyValue, LogicalName, ReadResult, Row, Selector, Service, StoredText, Table,
};
use crate::plan::journal::{FoundRows, UnusableRows};
use crate::services::dataverse::Comparison;
use crate::services::{ApiError, dataverse};

/// Returns the columns to request: the primary key, then `texts`.
pub(super) fn with_id<'name>(
    primary_id: &'name LogicalName,
    texts: &[&'name LogicalName],
) -> Vec<&'name LogicalName> {
    [&[primary_id], texts].concat()
}

/// One column of a key, and the value that a record must have there.
pub(super) struct KeyTerm<'run> {
    /// The column.
    pub(super) name: &'run LogicalName,
    /// The column as rows and filters name it.
    pub(super) property: LogicalName,
    /// The value that it must have.
    pub(super) value: Comparison<'run>,
    /// Whether column security may hide it from the user.
    pub(super) secured: bool,
}

/// Returns the value that a selector requires of each column.
pub(super) fn key_terms<'run>(table: &'run Table, selector: &'run Selector) -> Vec<KeyTerm<'run>> {
    match selector {
        Selector::Id(id) => {
            let (name, value) = (&table.primary_id, Comparison::Id(*id));
            vec![KeyTerm { name, property: name.clone(), value, secured: false }]
        }
        Selector::Columns(key) => {
            let term = |(name, value): (&'run LogicalName, &'run KeyValue)| {
                let column = table.columns.get(name)?;
                let value = key_comparison(&column.column_type, value);
                let property = property(&column.column_type, name);
                Some(KeyTerm { name, property, value, secured: column.secured })
            };
            key.iter().filter_map(term).collect()
        }
    }
}

/// Returns the name by which rows and filters name a column.
pub(super) fn property(column_type: &ColumnType, name: &LogicalName) -> LogicalName {
    match column_type {
        ColumnType::Lookup => name.of_lookup(),
        _ => name.clone(),
    }
}

/// Returns the value to compare with a key column of that type.
fn key_comparison<'run>(column_type: &ColumnType, value: &'run KeyValue) -> Comparison<'run> {
    match value {
        KeyValue::Text(text) if column_type.is_id() => {
            text.parse().map_or(Comparison::Text(text), Comparison::Id)
        }
        value => comparison(value),
    }
}

/// Adds to each row the values of its secured key columns, except those that are null.
pub(super) fn with_keys(
    mut rows: Vec<Row>,
    found: &[Map<String, Value>],
    secured: &[&KeyTerm<'_>],
) -> Vec<Row> {
    for (row, found) in rows.iter_mut().zip(found) {
        for term in secured {
            let value = found.get(term.property.as_str()).filter(|value| !value.is_null());
            if let Some(value) = value {
                row.texts.insert(term.name.clone(), StoredText::new(value.to_string()));
            }
        }
    }
    rows
}

/// Returns the value to compare with a column, of the same type as the key's.
pub(super) fn comparison(value: &KeyValue) -> Comparison<'_> {
    match value {
        KeyValue::Text(text) => Comparison::Text(text),
        KeyValue::Integer(number) => Comparison::Integer(*number),
        KeyValue::Boolean(truth) => Comparison::Boolean(*truth),
    }
}

/// Converts rows to ids, versions and texts, or returns why they cannot be rolled back.
pub(super) fn row_list(
    rows: ReadResult<Vec<Map<String, Value>>>,
    primary_id: &LogicalName,
    texts: &[&LogicalName],
    request_id: Option<String>,
) -> Result<FoundRows, DiscoverError> {
    match rows {
        Ok(rows) if rows.iter().any(|row| dataverse::read_tag(row).is_none()) => {
            Ok(Err(UnusableRows::WithoutEtag))
        }
        Ok(rows) => Ok(Ok(read_rows(&rows, primary_id, texts, request_id)?)),
        Err(refusal) => Ok(Err(UnusableRows::Refused(refusal))),
    }
}

/// Converts rows to ids, versions and texts; fails if a row lacks its id or version, or a value is
/// not a text.
pub(super) fn read_rows(
    rows: &[Map<String, Value>],
    primary_id: &LogicalName,
    texts: &[&LogicalName],
    request_id: Option<String>,
) -> Result<Vec<Row>, DiscoverError> {
    let rows: Option<Vec<Row>> = rows.iter().map(|row| read_row(row, primary_id, texts)).collect();
    let expected = "rows with id, version and texts";
    let found = "a row without its id or version, or with a value that is no text".to_owned();
    let unusable =
        ApiError::Unexpected { service: Service::Dataverse, expected, found, request_id };
    Ok(rows.ok_or(unusable)?)
}

fn read_row(
    row: &Map<String, Value>,
    primary_id: &LogicalName,
    texts: &[&LogicalName],
) -> Option<Row> {
    let text = |name: &LogicalName| row.get(name.as_str()).and_then(Value::as_str);
    let id = text(primary_id)?.parse().ok()?;
    let tag = dataverse::read_tag(row)?;
    let mut stored = BTreeMap::new();
    for name in texts {
        match row.get(name.as_str()) {
            Some(Value::String(text)) => {
                drop(stored.insert((*name).clone(), StoredText::new(text)));
            }
            Some(Value::Null) | None => (),
            Some(_) => return None,
        }
    }
    Some(Row { id, tag, texts: stored })
}
