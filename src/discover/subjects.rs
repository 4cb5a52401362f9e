//! Reads the names and keys of the rows of a journal, to compare them with the journal's labels.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{AT_ONCE, DiscoverError, Reader, all_of};
use crate::discover::journal_rows::DEFINITION;
use crate::model::{
    KeyValue, LogicalName, ReadResult, Reading, Row, RowId, SchemaName, ServiceError,
};
use crate::plan::journal::{FoundRows, JournalRow, Label, LabelKey, Subject};
use crate::services::dataverse::MOST_ROWS;

/// The table of environment variables: its entity set name, its primary key and its name column.
const DEFINITIONS: [&str; 3] =
    ["environmentvariabledefinitions", "environmentvariabledefinitionid", "schemaname"];

/// The variable or record that one row of a journal is, with the row's id; none if not found.
type ReadSubject = Option<(RowId, Subject)>;

/// The current values of a label's columns.
type Key = BTreeMap<LogicalName, KeyValue>;

/// A record that was found, with its index in the journal and its label.
struct Labelled<'run> {
    index: usize,
    id: RowId,
    row: &'run JournalRow,
    table: LogicalName,
    key: LabelKey,
}

/// Reads which variable or record each found row is, in the order of the journal.
///
/// # Errors
/// Returns the first error that leaves the rows unknown.
pub(crate) async fn subjects(
    reader: &Reader<'_>,
    rows: &[JournalRow],
    found: &[FoundRows],
) -> Result<Vec<ReadSubject>, DiscoverError> {
    let mut read: Vec<ReadSubject> = rows.iter().map(|_| None).collect();
    let (mut values, mut records) = (Vec::new(), Vec::new());
    for (index, (row, found)) in rows.iter().zip(found).enumerate() {
        let Ok([one]) = found.as_deref() else { continue };
        match row.places.first().and_then(Label::from_address) {
            Some(Label::Record { table, key }) => {
                records.push(Labelled { index, id: one.id, row, table, key });
            }
            _ => values.push((index, one)),
        }
    }
    let (values, records) =
        tokio::try_join!(variable_subjects(reader, &values), record_subjects(reader, &records))?;
    for (index, id, subject) in values.into_iter().chain(records) {
        read[index] = Some((id, subject));
    }
    Ok(read)
}

/// Reads which environment variable each value row belongs to.
async fn variable_subjects(
    reader: &Reader<'_>,
    values: &[(usize, &Row)],
) -> Result<Vec<(usize, RowId, Subject)>, DiscoverError> {
    let definition = LogicalName::of_system(DEFINITION);
    let of = |row: &Row| row.texts.get(&definition)?.expose().parse::<RowId>().ok();
    let ids: BTreeSet<RowId> = values.iter().filter_map(|(_, row)| of(row)).collect();
    let known = schema_names(reader, ids.into_iter().collect()).await?;
    let subject = |row: &Row| match &known {
        Ok(known) => Subject::Variable(of(row).and_then(|id| known.get(&id).cloned())),
        Err(refusal) => Subject::Hidden(refusal.clone()),
    };
    Ok(values.iter().map(|(index, row)| (*index, row.id, subject(row))).collect())
}

/// Reads the names of environment variables by their ids.
async fn schema_names(
    reader: &Reader<'_>,
    ids: Vec<RowId>,
) -> Result<ReadResult<BTreeMap<RowId, SchemaName>>, DiscoverError> {
    let [set, id, name] = DEFINITIONS;
    let (id, name) = (LogicalName::of_system(id), LogicalName::of_system(name));
    let columns = [&name];
    let reads = ids.chunks(MOST_ROWS).map(|ids| reader.rows_of((set, &id), ids, &columns));
    let chunks: ReadResult<Vec<Vec<Row>>> = all_of(reads, AT_ONCE).await?.into_iter().collect();
    let named = |row: Row| Some((row.id, row.texts.get(&name)?.expose().parse().ok()?));
    Ok(chunks.map(|chunks| chunks.into_iter().flatten().filter_map(named).collect()))
}

/// Reads which tables the records are in and the values of their label's columns, table by table.
async fn record_subjects(
    reader: &Reader<'_>,
    records: &[Labelled<'_>],
) -> Result<Vec<(usize, RowId, Subject)>, DiscoverError> {
    let mut groups: BTreeMap<(&LogicalName, Vec<&LogicalName>), Vec<&Labelled<'_>>> =
        BTreeMap::new();
    for record in records {
        groups.entry((&record.table, record.key.columns())).or_default().push(record);
    }
    let reads = groups.into_iter().map(|((table, columns), records)| async move {
        records_of(reader, table, &columns, &records).await
    });
    Ok(all_of(reads, AT_ONCE).await?.into_iter().flatten().collect())
}

/// Reads the label's columns of records of one table, whose labels all have the same columns.
async fn records_of(
    reader: &Reader<'_>,
    table: &LogicalName,
    columns: &[&LogicalName],
    records: &[&Labelled<'_>],
) -> Result<Vec<(usize, RowId, Subject)>, DiscoverError> {
    let primary_id = &records[0].row.primary_id;
    let named: &[&LogicalName] = if columns.is_empty() { &[primary_id] } else { columns };
    let (entity_set, there) = match reader.table(table, named).await? {
        Reading::Found(found) => (Some(found.entity_set_name), found.attributes),
        Reading::Absent => (None, Vec::new()),
        Reading::Refused(refusal) => return Ok(hidden_subjects(records, &refusal)),
    };
    // A column that the table does not have cannot be asked for.
    let is_there = |name: &&LogicalName| there.iter().any(|one| one.logical_name == name.as_str());
    let columns: Vec<&LogicalName> = columns.iter().copied().filter(is_there).collect();
    let held = match &entity_set {
        Some(set) => keys(reader, (set, primary_id), &columns, records).await?,
        None => Ok(BTreeMap::new()),
    };
    let held = match held {
        Ok(held) => held,
        Err(refusal) => return Ok(hidden_subjects(records, &refusal)),
    };
    let subject = |one: &&Labelled<'_>| {
        let columns = held.get(&one.id).cloned().unwrap_or_default();
        (one.index, one.id, Subject::Record { entity_set: entity_set.clone(), columns })
    };
    Ok(records.iter().map(subject).collect())
}

/// Reads the values of columns of those records that are in that table.
async fn keys(
    reader: &Reader<'_>,
    (entity_set, primary_id): (&str, &LogicalName),
    columns: &[&LogicalName],
    records: &[&Labelled<'_>],
) -> Result<ReadResult<BTreeMap<RowId, Key>>, DiscoverError> {
    let is_of_table = |one: &&&Labelled<'_>| one.row.entity_set.as_str() == entity_set;
    let ids = records.iter().filter(is_of_table).map(|one| one.id).collect::<Vec<RowId>>();
    let mut held = BTreeMap::new();
    for ids in ids.chunks(MOST_ROWS).filter(|_| !columns.is_empty()) {
        match reader.values_of((entity_set, primary_id), ids, columns).await? {
            Ok(rows) => {
                held.extend(rows.iter().filter_map(|row| key_values(row, primary_id, columns)));
            }
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    Ok(Ok(held))
}

/// Marks all of these records as hidden by the service's refusal.
fn hidden_subjects(
    records: &[&Labelled<'_>],
    refusal: &ServiceError,
) -> Vec<(usize, RowId, Subject)> {
    let subject = |one: &&Labelled<'_>| (one.index, one.id, Subject::Hidden(refusal.clone()));
    records.iter().map(subject).collect()
}

/// Returns the values of a row's columns, except those whose type cannot be in a key.
fn key_values(
    row: &Map<String, Value>,
    primary_id: &LogicalName,
    columns: &[&LogicalName],
) -> Option<(RowId, Key)> {
    let id = row.get(primary_id.as_str())?.as_str()?.parse().ok()?;
    let held = columns.iter().filter_map(|name| {
        let value = match row.get(name.as_str())? {
            Value::String(text) => KeyValue::Text(text.clone()),
            Value::Number(number) => KeyValue::Integer(number.as_i64()?),
            Value::Bool(truth) => KeyValue::Boolean(*truth),
            _ => return None,
        };
        Some(((*name).clone(), value))
    });
    Some((id, held.collect()))
}
