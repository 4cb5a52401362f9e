//! Reads the names, keys and ages of the rows of a journal, to compare them with the journal.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::concurrent::{AT_ONCE, all_of};
use super::error::DiscoverError;
use super::reader::Reader;
use super::rows::property;
use super::targets::{Tables, read_table};
use crate::discover::journal_rows::{CREATED_ON, DEFINITION};
use crate::model::{
    EntityTag, KeyValue, LogicalName, ReadResult, Reading, Row, RowId, SchemaName, Selector,
    ServiceError, StoredText, Table,
};
use crate::plan::journal::{FoundRows, JournalRow, Label, LabelKey, Origin, RowSubject, Subject};
use crate::services::dataverse::MOST_ROWS;

/// The table of environment variables: its entity set name, its primary key and its name column.
const DEFINITIONS: [&str; 3] =
    ["environmentvariabledefinitions", "environmentvariabledefinitionid", "schemaname"];

/// The current values of a record's columns.
type Values = BTreeMap<LogicalName, KeyValue>;

/// A record that was found, with its index in the journal and the keys of its labels.
struct Labelled<'run> {
    index: usize,
    id: RowId,
    row: &'run JournalRow,
    keys: Vec<LabelKey>,
}

/// Reads the tables that the labels of a journal name.
///
/// # Errors
/// Returns the first error that leaves the tables unknown.
pub(crate) async fn label_tables(
    reader: &Reader<'_>,
    rows: &[JournalRow],
) -> Result<Tables, DiscoverError> {
    let created_on = LogicalName::of_system(CREATED_ON);
    let mut wanted: BTreeMap<LogicalName, BTreeSet<LogicalName>> = BTreeMap::new();
    for (table, key) in rows.iter().flat_map(record_labels) {
        let columns = wanted.entry(table).or_insert_with(|| [created_on.clone()].into());
        columns.extend(key.columns().into_iter().cloned());
    }
    let reads = wanted.iter().map(async |(table, columns)| {
        let columns: Vec<&LogicalName> = columns.iter().collect();
        Ok::<_, DiscoverError>((table.clone(), read_table(reader, table, &columns).await?))
    });
    Ok(all_of(reads, AT_ONCE).await?.into_iter().collect())
}

/// Returns the tables and keys in the labels of a row that is a record.
fn record_labels(row: &JournalRow) -> impl Iterator<Item = (LogicalName, LabelKey)> {
    row.places.iter().filter_map(|place| match Label::from_address(place)? {
        Label::Record { table, key } => Some((table, key)),
        Label::Variable(_) => None,
    })
}

/// Reads which variable or record each found row is, in the order of the journal. `tables` has the
/// tables of the labels.
///
/// # Errors
/// Returns the first error that leaves the rows unknown.
pub(crate) async fn subjects(
    reader: &Reader<'_>,
    rows: &[JournalRow],
    tables: &Tables,
    found: &[FoundRows],
) -> Result<Vec<Option<RowSubject>>, DiscoverError> {
    let mut read: Vec<Option<RowSubject>> = rows.iter().map(|_| None).collect();
    let gone: Vec<(usize, Row)> = deleted_values(rows, found).collect();
    let mut values: Vec<(usize, &Row)> = gone.iter().map(|(index, row)| (*index, row)).collect();
    let mut records: BTreeMap<LogicalName, Vec<Labelled<'_>>> = BTreeMap::new();
    for (index, (row, found)) in rows.iter().zip(found).enumerate() {
        let Ok([one]) = found.as_deref() else { continue };
        let (mut of_tables, mut keys): (Vec<_>, Vec<_>) = record_labels(row).unzip();
        keys.dedup();
        match of_tables.pop() {
            Some(table) => {
                records.entry(table).or_default().push(Labelled { index, id: one.id, row, keys });
            }
            None => values.push((index, one)),
        }
    }
    let records = record_subjects(reader, tables, &records);
    let (values, records) = tokio::try_join!(variable_subjects(reader, &values), records)?;
    for (index, subject) in values.into_iter().chain(records) {
        read[index] = Some(subject);
    }
    Ok(read)
}

/// Returns the values of variables that the apply deleted and that are gone, each with its index in
/// the journal, as far as they tell which variable they are of.
fn deleted_values(rows: &[JournalRow], found: &[FoundRows]) -> impl Iterator<Item = (usize, Row)> {
    rows.iter().zip(found).enumerate().filter_map(|(index, (row, found))| {
        let (Origin::Deleted { id, definition }, Ok([])) = (&row.origin, found.as_deref()) else {
            return None;
        };
        let definition = StoredText::new(definition.to_string());
        let texts = BTreeMap::from([(LogicalName::of_system(DEFINITION), definition)]);
        Some((index, Row { id: *id, tag: EntityTag::new("gone")?, texts }))
    })
}

/// Reads which environment variable each value row belongs to.
async fn variable_subjects(
    reader: &Reader<'_>,
    values: &[(usize, &Row)],
) -> Result<Vec<(usize, RowSubject)>, DiscoverError> {
    let [definition, created_on] = [DEFINITION, CREATED_ON].map(LogicalName::of_system);
    let of = |row: &Row| row.texts.get(&definition)?.expose().parse::<RowId>().ok();
    let ids: BTreeSet<RowId> = values.iter().filter_map(|(_, row)| of(row)).collect();
    let known = schema_names(reader, ids.into_iter().collect()).await?;
    let subject = |row: &Row| match &known {
        Ok(known) => Subject::Variable(of(row).and_then(|id| known.get(&id).cloned())),
        Err(refusal) => Subject::Hidden(refusal.clone()),
    };
    let of_row = |(index, row): &(usize, &Row)| {
        let created_on = row.texts.get(&created_on).map(StoredText::expose).map(str::to_owned);
        (*index, RowSubject { id: row.id, subject: subject(row), created_on })
    };
    Ok(values.iter().map(of_row).collect())
}

/// Reads the names of environment variables by their ids.
async fn schema_names(
    reader: &Reader<'_>,
    ids: Vec<RowId>,
) -> Result<ReadResult<BTreeMap<RowId, SchemaName>>, DiscoverError> {
    let [set, id, name] = DEFINITIONS;
    let (id, name) = (LogicalName::of_system(id), LogicalName::of_system(name));
    let columns = [&name];
    let reads = ids.chunks(MOST_ROWS).map(|ids| reader.values_of((set, &id), ids, &columns));
    let chunks: ReadResult<Vec<Vec<_>>> = all_of(reads, AT_ONCE).await?.into_iter().collect();
    let text = |row: &Map<String, Value>, name: &LogicalName| {
        row.get(name.as_str()).and_then(Value::as_str).map(str::to_owned)
    };
    let named = |row| Some((text(&row, &id)?.parse().ok()?, text(&row, &name)?.parse().ok()?));
    Ok(chunks.map(|chunks| chunks.into_iter().flatten().filter_map(named).collect()))
}

/// Reads the values of the columns in the records' labels, table by table.
async fn record_subjects(
    reader: &Reader<'_>,
    tables: &Tables,
    records: &BTreeMap<LogicalName, Vec<Labelled<'_>>>,
) -> Result<Vec<(usize, RowSubject)>, DiscoverError> {
    let known = records.iter().filter_map(|(name, records)| match tables.get(name) {
        Some(Reading::Found(table)) => Some((table, records)),
        _ => None,
    });
    let reads = known.map(|(table, records)| records_of(reader, table, records));
    Ok(all_of(reads, AT_ONCE).await?.into_iter().flatten().collect())
}

/// Reads the columns in the labels of one table's records, and how many rows each label fits.
async fn records_of(
    reader: &Reader<'_>,
    table: &Table,
    records: &[Labelled<'_>],
) -> Result<Vec<(usize, RowSubject)>, DiscoverError> {
    let held = match values(reader, table, records).await? {
        Ok(held) => held,
        Err(refusal) => return Ok(hidden_subjects(records, &refusal)),
    };
    let none = Values::new();
    let subjects = records.iter().map(async |record| {
        let mut columns = held.get(&record.id).unwrap_or(&none).clone();
        let created_on = match columns.remove(&LogicalName::of_system(CREATED_ON)) {
            Some(KeyValue::Text(time)) => Some(time),
            _ => None,
        };
        let fits_several = fits_several(reader, table, record, &columns).await?;
        let subject = Subject::Record { columns, fits_several };
        Ok::<_, DiscoverError>((record.index, RowSubject { id: record.id, subject, created_on }))
    });
    all_of(subjects, AT_ONCE).await
}

/// Reads the columns in the labels of one table's records; when a record was created is read only
/// if the apply is said to have created one.
async fn values(
    reader: &Reader<'_>,
    table: &Table,
    records: &[Labelled<'_>],
) -> Result<ReadResult<BTreeMap<RowId, Values>>, DiscoverError> {
    let created_on = LogicalName::of_system(CREATED_ON);
    let keys = records.iter().flat_map(|record| &record.keys);
    let mut names: BTreeSet<&LogicalName> = keys.flat_map(LabelKey::columns).collect();
    if records.iter().any(|record| record.row.is_created()) {
        names.insert(&created_on);
    }
    // A column that the table does not have, or that cannot be read, cannot be asked for.
    let columns = names.into_iter().filter_map(|name| {
        let column = table.columns.get(name).filter(|column| column.readable)?;
        Some((name, property(&column.column_type, name)))
    });
    let columns: Vec<(&LogicalName, LogicalName)> = columns.collect();
    let properties: Vec<&LogicalName> = columns.iter().map(|(_, property)| property).collect();
    let ids: Vec<RowId> = records.iter().map(|record| record.id).collect();
    let of_table = (table.entity_set.as_str(), &table.primary_id);
    let chunks = ids.chunks(MOST_ROWS).filter(|_| !columns.is_empty());
    let reads = chunks.map(|ids| reader.values_of(of_table, ids, &properties));
    let rows: ReadResult<Vec<Vec<_>>> = all_of(reads, AT_ONCE).await?.into_iter().collect();
    let of_row = |row| values_of_row(&row, &table.primary_id, &columns);
    Ok(rows.map(|rows| rows.into_iter().flatten().filter_map(of_row).collect()))
}

/// Checks whether one of a record's labels fits another record, too.
async fn fits_several(
    reader: &Reader<'_>,
    table: &Table,
    record: &Labelled<'_>,
    held: &Values,
) -> Result<bool, DiscoverError> {
    for key in &record.keys {
        let columns = key.columns();
        let held = |name: &&LogicalName| Some(((*name).clone(), held.get(*name)?.clone()));
        let Some(key) = columns.iter().map(held).collect::<Option<Values>>() else { continue };
        if key.is_empty() || table.is_unique(&key) {
            continue;
        }
        let found = reader.records(table, &Selector::Columns(key), &[]).await?;
        if found.is_some_and(|found| found.is_ok_and(|rows| rows.len() > 1)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Marks all of these records as hidden by the service's refusal.
fn hidden_subjects(records: &[Labelled<'_>], refusal: &ServiceError) -> Vec<(usize, RowSubject)> {
    let subject = |one: &Labelled<'_>| {
        let subject = Subject::Hidden(refusal.clone());
        (one.index, RowSubject { id: one.id, subject, created_on: None })
    };
    records.iter().map(subject).collect()
}

/// Returns the values of a row's columns, except those whose type cannot be in a key. Each column
/// comes with the name by which rows name it.
fn values_of_row(
    row: &Map<String, Value>,
    primary_id: &LogicalName,
    columns: &[(&LogicalName, LogicalName)],
) -> Option<(RowId, Values)> {
    let id = row.get(primary_id.as_str())?.as_str()?.parse().ok()?;
    let held = columns.iter().filter_map(|(name, property)| {
        let value = match row.get(property.as_str())? {
            Value::String(text) => KeyValue::Text(text.clone()),
            Value::Number(number) => KeyValue::Integer(number.as_i64()?),
            Value::Bool(truth) => KeyValue::Boolean(*truth),
            _ => return None,
        };
        Some(((*name).clone(), value))
    });
    Some((id, held.collect()))
}
