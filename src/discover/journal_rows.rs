//! Reads the rows that a journal names.

use std::collections::{BTreeMap, BTreeSet};

use super::concurrent::{AT_ONCE, all_of};
use super::error::DiscoverError;
use super::reader::Reader;
use super::rows::comparison;
use crate::model::{EnvironmentId, LogicalName, Row, RowId, StoredText};
use crate::plan::journal::{FoundRows, JournalRow, Origin, RowKey};
use crate::services::dataverse::MOST_ROWS;

/// The column of a variable's value that names its definition.
pub(super) const DEFINITION: &str = "_environmentvariabledefinitionid_value";

/// The column that holds when a row was created.
pub(super) const CREATED_ON: &str = "createdon";

/// Rows of one table, each with its index in the journal and the id to find it by.
#[derive(Default)]
struct TableRows<'run> {
    rows: Vec<(usize, RowId)>,
    columns: BTreeSet<&'run LogicalName>,
}

/// The id that rows are found by.
#[derive(Clone, Copy)]
enum IdKind {
    /// The row's own id.
    Id,
    /// The id of the variable's definition that the row is a value of.
    Definition,
}

/// Reads the environment's id in the Flow service.
///
/// # Errors
/// Returns an error if the answer does not contain the id.
pub(crate) async fn environment_id(reader: &Reader<'_>) -> Result<EnvironmentId, DiscoverError> {
    reader.environment_id().await
}

/// Reads the rows of a journal, in its order: by their ids, or else by the key that they were
/// created with.
///
/// # Errors
/// Returns the first error that leaves the rows unknown.
pub(crate) async fn find_journal_rows(
    reader: &Reader<'_>,
    rows: &[JournalRow],
) -> Result<Vec<FoundRows>, DiscoverError> {
    let (known, values, records) = tokio::try_join!(
        in_chunks(reader, rows, IdKind::Id),
        in_chunks(reader, rows, IdKind::Definition),
        by_columns(reader, rows)
    )?;
    let found: BTreeMap<usize, FoundRows> =
        known.into_iter().chain(values).chain(records).collect();
    Ok(found.into_values().collect())
}

/// Reads the rows that are found by one id, each with its index in the journal.
async fn in_chunks(
    reader: &Reader<'_>,
    rows: &[JournalRow],
    by: IdKind,
) -> Result<Vec<(usize, FoundRows)>, DiscoverError> {
    let (definition, created_on) =
        (LogicalName::of_system(DEFINITION), LogicalName::of_system(CREATED_ON));
    let mut groups: BTreeMap<(&LogicalName, &LogicalName), TableRows<'_>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        if let Some(id) = by.id_of(row) {
            let group = groups.entry((&row.entity_set, &row.primary_id)).or_default();
            group.rows.push((index, id));
            group.columns.extend(row.columns.keys());
            if row.is_variable_value() {
                group.columns.insert(&created_on);
                group.columns.extend(matches!(by, IdKind::Id).then_some(&definition));
            }
        }
    }
    let reads = groups.iter().flat_map(|((entity_set, primary_id), group)| {
        let columns: Vec<&LogicalName> = group.columns.iter().copied().collect();
        group.rows.chunks(MOST_ROWS).map(move |rows| {
            chunk(reader, by, (entity_set.as_str(), primary_id), rows, columns.clone())
        })
    });
    Ok(all_of(reads, AT_ONCE).await?.into_iter().flatten().collect())
}

/// Reads some rows of one table, each with its index in the journal.
async fn chunk(
    reader: &Reader<'_>,
    by: IdKind,
    table: (&str, &LogicalName),
    rows: &[(usize, RowId)],
    columns: Vec<&LogicalName>,
) -> Result<Vec<(usize, FoundRows)>, DiscoverError> {
    let ids: Vec<RowId> = rows.iter().map(|(_, id)| *id).collect();
    let definition = LogicalName::of_system(DEFINITION);
    let found = match by {
        IdKind::Id => reader.rows_of(table, &ids, &columns).await?,
        IdKind::Definition => reader.rows_referring(table, &definition, &ids, &columns).await?,
    };
    let is_meant = |row: &Row, id: RowId| match by {
        IdKind::Id => row.id == id,
        IdKind::Definition => {
            let text = row.texts.get(&definition).map(StoredText::expose);
            text.is_some_and(|text| text.parse() == Ok(id))
        }
    };
    let of = |(index, id): &(usize, RowId)| {
        let found = found.as_ref().map_err(Clone::clone);
        let found = found.map(|all| all.iter().filter(|row| is_meant(row, *id)).cloned().collect());
        (*index, found)
    };
    Ok(rows.iter().map(of).collect())
}

/// Reads the records that are found by the values of their columns, each with its index in the
/// journal.
async fn by_columns(
    reader: &Reader<'_>,
    rows: &[JournalRow],
) -> Result<Vec<(usize, FoundRows)>, DiscoverError> {
    let reads = rows.iter().enumerate().filter_map(|(index, row)| match &row.origin {
        Origin::Created { id: None, key: RowKey::Columns(key), .. } => Some(async move {
            let filter: Vec<_> =
                key.iter().map(|(name, value)| (name, comparison(value))).collect();
            let columns: Vec<&LogicalName> = row.columns.keys().collect();
            let table = (row.entity_set.as_str(), &row.primary_id);
            let found = reader.matching(table, &filter, &columns).await?;
            Ok::<_, DiscoverError>((index, found))
        }),
        _ => None,
    });
    all_of(reads, AT_ONCE).await
}

impl IdKind {
    /// Returns the id to find a row by; none if the row is not found by this kind of id.
    fn id_of(self, row: &JournalRow) -> Option<RowId> {
        match (self, &row.origin) {
            (Self::Id, Origin::Updated(id) | Origin::Created { id: Some(id), .. }) => Some(*id),
            (
                Self::Definition,
                Origin::Deleted { definition, .. }
                | Origin::Created { id: None, key: RowKey::Definition(definition), .. },
            ) => Some(*definition),
            _ => None,
        }
    }
}
