//! Reads the rows of a journal.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::comparison;
use super::{AT_ONCE, DiscoverError, Reader, all_of};
use crate::api::dataverse::{Comparison, MOST_ROWS};
use crate::domain::{EnvironmentId, LogicalName, RowId};
use crate::journal::{Found, JournalRow, Origin, RowKey};

/// The column of a variable's value that names its definition.
const DEFINITION: &str = "_environmentvariabledefinitionid_value";

/// Rows of one table, each with its place in the journal.
#[derive(Default)]
struct Group<'run> {
    rows: Vec<(usize, RowId)>,
    columns: BTreeSet<&'run LogicalName>,
}

/// The id that the Flow service knows the environment by.
///
/// # Errors
/// The answer does not tell it.
pub async fn environment_id(reader: &Reader<'_>) -> Result<EnvironmentId, DiscoverError> {
    reader.environment_id().await
}

/// Reads the rows of a journal, in its order: by their ids, else by what they were made with.
///
/// # Errors
/// The first answer without which the rows are not known.
pub async fn find(reader: &Reader<'_>, rows: &[JournalRow]) -> Result<Vec<Found>, DiscoverError> {
    let (known, new) = tokio::try_join!(by_id(reader, rows), by_key(reader, rows))?;
    let found: BTreeMap<usize, Found> = known.into_iter().chain(new).collect();
    Ok(found.into_values().collect())
}

/// The rows whose ids are known, each with its place in the journal.
async fn by_id(
    reader: &Reader<'_>,
    rows: &[JournalRow],
) -> Result<Vec<(usize, Found)>, DiscoverError> {
    let mut groups: BTreeMap<(&LogicalName, &LogicalName), Group<'_>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        if let Some(id) = row.id() {
            let group = groups.entry((&row.entity_set, &row.primary_id)).or_default();
            group.rows.push((index, id));
            group.columns.extend(row.columns.keys());
        }
    }
    let reads = groups.iter().flat_map(|((entity_set, primary_id), group)| {
        let columns: Vec<&LogicalName> = group.columns.iter().copied().collect();
        group.rows.chunks(MOST_ROWS).map(move |rows| {
            chunk(reader, (entity_set.as_str(), primary_id), rows, columns.clone())
        })
    });
    Ok(all_of(reads, AT_ONCE).await?.into_iter().flatten().collect())
}

/// Some rows of one table.
async fn chunk(
    reader: &Reader<'_>,
    table: (&str, &LogicalName),
    rows: &[(usize, RowId)],
    columns: Vec<&LogicalName>,
) -> Result<Vec<(usize, Found)>, DiscoverError> {
    let ids: Vec<RowId> = rows.iter().map(|(_, id)| *id).collect();
    let found = reader.rows_of(table, &ids, &columns).await?;
    let of = |(index, id): &(usize, RowId)| {
        let found = found.as_ref().map_err(Clone::clone);
        let found = found.map(|all| all.iter().filter(|row| row.id == *id).cloned().collect());
        (*index, found)
    };
    Ok(rows.iter().map(of).collect())
}

/// The rows whose ids are not known, each with its place in the journal.
async fn by_key(
    reader: &Reader<'_>,
    rows: &[JournalRow],
) -> Result<Vec<(usize, Found)>, DiscoverError> {
    let reads = rows.iter().enumerate().filter_map(|(index, row)| match &row.origin {
        Origin::Created { id: None, key, .. } => {
            Some(async move { Ok::<_, DiscoverError>((index, made(reader, row, key).await?)) })
        }
        _ => None,
    });
    all_of(reads, AT_ONCE).await
}

/// The row that was made with that key.
async fn made(reader: &Reader<'_>, row: &JournalRow, key: &RowKey) -> Result<Found, DiscoverError> {
    let definition = LogicalName::of_system(DEFINITION);
    let filter = match key {
        RowKey::Definition(id) => vec![(&definition, Comparison::Id(*id))],
        RowKey::Columns(columns) => {
            columns.iter().map(|(name, value)| (name, comparison(value))).collect()
        }
    };
    let columns: Vec<&LogicalName> = row.columns.keys().collect();
    reader.matching((row.entity_set.as_str(), &row.primary_id), &filter, &columns).await
}
