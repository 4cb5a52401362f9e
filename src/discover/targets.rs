//! Reads the current values of the targets.

use std::collections::{BTreeMap, BTreeSet};

use super::concurrent::{AT_ONCE, all_of};
use super::error::DiscoverError;
use super::reader::Reader;
use crate::model::{
    Column, ColumnType, Desired, InactiveKey, LogicalName, ReadResult, Reading, Record, Row,
    SchemaName, Selector, Table, TableKind, Target, Targets, ValueRow, Variable, VariableType,
    WritePrivileges, printable,
};
use crate::services::dataverse::{
    AttributeRow, KeyRow, MOST_VARIABLES, PrivilegeRow, TableRow, VariableRow, VariableValueRow,
};

/// Tables by their names.
pub(super) type Tables = BTreeMap<LogicalName, Reading<Table>>;

/// Variables by their names; none if a value row came without a version.
type Variables = BTreeMap<SchemaName, Option<Reading<Variable>>>;

/// Rows by the record that they were looked up for; none if a row came without a version.
type Records = BTreeMap<Record, Option<ReadResult<Vec<Row>>>>;

/// The columns that the manifest names, by table.
type Columns<'run> = BTreeMap<&'run LogicalName, BTreeSet<&'run LogicalName>>;

/// Reads every target.
pub(super) async fn observe(
    reader: &Reader<'_>,
    desired: &Desired,
) -> Result<Targets, DiscoverError> {
    let (variables, (tables, records)) =
        tokio::try_join!(variables(reader, desired), tables_and_records(reader, desired))?;
    Ok(split_unversioned(variables, tables, records))
}

/// Reads every target again, but not the tables: they do not change during a run.
///
/// # Errors
/// Returns the first error that leaves the targets unknown.
pub(crate) async fn reread_targets(
    reader: &Reader<'_>,
    desired: &Desired,
    tables: &Tables,
) -> Result<Targets, DiscoverError> {
    let records = records(reader, desired, tables);
    let (variables, records) = tokio::try_join!(variables(reader, desired), records)?;
    Ok(split_unversioned(variables, tables.clone(), records))
}

/// Separates what came without a version: no write to it can be guarded.
fn split_unversioned(variables: Variables, tables: Tables, records: Records) -> Targets {
    let mut targets = Targets { tables, ..Targets::default() };
    for (name, reading) in variables {
        match reading {
            Some(reading) => drop(targets.variables.insert(name, reading)),
            None => drop(targets.unversioned_variables.insert(name)),
        }
    }
    for (record, rows) in records {
        match rows {
            Some(rows) => drop(targets.records.insert(record, rows)),
            None => drop(targets.unversioned_records.insert(record)),
        }
    }
    targets
}

async fn variables(reader: &Reader<'_>, desired: &Desired) -> Result<Variables, DiscoverError> {
    let wanted = desired.bindings.iter().filter_map(|binding| binding.target.variable());
    let wanted: BTreeSet<&SchemaName> = wanted.collect();
    let wanted: Vec<SchemaName> = wanted.into_iter().cloned().collect();
    let chunks = wanted.chunks(MOST_VARIABLES).map(async |names| {
        let rows = reader.variables(names).await?;
        Ok::<_, DiscoverError>(by_name(names, rows))
    });
    Ok(all_of(chunks, AT_ONCE).await?.into_iter().flatten().collect())
}

/// Returns the variables of one read by their names, or the refusal for each of `names`.
fn by_name(names: &[SchemaName], rows: ReadResult<Vec<VariableRow>>) -> Variables {
    match rows {
        Err(refusal) => {
            let refused = || Some(Reading::Refused(refusal.clone()));
            names.iter().map(|name| (name.clone(), refused())).collect()
        }
        Ok(rows) => {
            let entry =
                |row: VariableRow| (row.schemaname.clone(), variable(row).map(Reading::Found));
            rows.into_iter().map(entry).collect()
        }
    }
}

/// Returns a variable with its values; none if a value row came without a version.
fn variable(row: VariableRow) -> Option<Variable> {
    let value = |value: VariableValueRow| {
        let (id, text) = (value.environmentvariablevalueid, value.value);
        Some(ValueRow { id, tag: value.tag?, text })
    };
    Some(Variable {
        definition: row.environmentvariabledefinitionid,
        schema_name: row.schemaname,
        variable_type: variable_type(row.variable_type),
        default: row.defaultvalue,
        values: row.values.into_iter().map(value).collect::<Option<_>>()?,
    })
}

/// Converts a choice of the column `type`
/// (<https://learn.microsoft.com/power-apps/developer/data-platform/reference/entities/environmentvariabledefinition>).
fn variable_type(number: i64) -> VariableType {
    match number {
        100_000_000 => VariableType::String,
        100_000_001 => VariableType::Number,
        100_000_002 => VariableType::Boolean,
        100_000_003 => VariableType::Json,
        100_000_004 => VariableType::DataSource,
        100_000_005 => VariableType::Secret,
        other => VariableType::Other(other),
    }
}

async fn tables_and_records(
    reader: &Reader<'_>,
    desired: &Desired,
) -> Result<(Tables, Records), DiscoverError> {
    let tables = tables(reader, desired).await?;
    let records = records(reader, desired, &tables).await?;
    Ok((tables, records))
}

async fn tables(reader: &Reader<'_>, desired: &Desired) -> Result<Tables, DiscoverError> {
    let tables = columns(desired).into_iter().map(async |(name, columns)| {
        let columns: Vec<&LogicalName> = columns.into_iter().collect();
        Ok::<_, DiscoverError>((name.clone(), read_table(reader, name, &columns).await?))
    });
    Ok(all_of(tables, AT_ONCE).await?.into_iter().collect())
}

/// Reads a table with some of its columns.
pub(super) async fn read_table(
    reader: &Reader<'_>,
    name: &LogicalName,
    columns: &[&LogicalName],
) -> Result<Reading<Table>, DiscoverError> {
    Ok(match reader.table(name, columns).await? {
        Reading::Found(row) => table(row).map_or(Reading::Absent, Reading::Found),
        Reading::Absent => Reading::Absent,
        Reading::Refused(refusal) => Reading::Refused(refusal),
    })
}

/// Lists the columns that the manifest writes to or finds records by.
fn columns(desired: &Desired) -> Columns<'_> {
    let mut columns = Columns::new();
    for binding in &desired.bindings {
        if let Target::Column { record, column, .. } = &binding.target {
            let named = columns.entry(&record.table).or_default();
            named.insert(column);
            if let Selector::Columns(key) = &record.selector {
                named.extend(key.keys());
            }
        }
    }
    columns
}

/// Converts a table's metadata; none if its names are not valid in a request.
fn table(row: TableRow) -> Option<Table> {
    let TableRow { entity_set_name, primary_id_attribute, .. } = row;
    let (keys, inactive): (Vec<&KeyRow>, Vec<&KeyRow>) =
        row.keys.iter().partition(|key| is_active(key));
    Some(Table {
        primary_id: primary_id_attribute.parse().ok()?,
        entity_set: entity_set_name.parse::<LogicalName>().ok()?.to_string(),
        kind: table_kind(row.table_type.as_deref().unwrap_or_default()),
        versioned: row.is_optimistic_concurrency_enabled,
        columns: row.attributes.iter().filter_map(column).collect(),
        keys: keys.into_iter().filter_map(key_columns).collect(),
        inactive_keys: inactive.into_iter().filter_map(inactive_key).collect(),
        privileges: write_privileges(&row.privileges),
    })
}

/// Returns the privileges that writes to a table need.
fn write_privileges(rows: &[PrivilegeRow]) -> WritePrivileges {
    let name_of = |action: &str| {
        let row = rows.iter().find(|row| row.privilege_type == action)?;
        Some(printable(&row.name, 120))
    };
    WritePrivileges { create: name_of("Create"), write: name_of("Write") }
}

/// Returns the storage of a table's rows by its type's name.
fn table_kind(name: &str) -> TableKind {
    match name {
        "Elastic" => TableKind::Elastic,
        "Virtual" => TableKind::Virtual,
        _ => TableKind::Standard,
    }
}

/// Checks whether Dataverse enforces an alternate key: only while its index is active.
fn is_active(row: &KeyRow) -> bool {
    row.entity_key_index_status.as_deref() == Some("Active")
}

/// Returns the columns of an alternate key.
fn key_columns(row: &KeyRow) -> Option<BTreeSet<LogicalName>> {
    let names = row.key_attributes.iter().map(|name| name.parse().ok());
    names.collect::<Option<BTreeSet<_>>>().filter(|names| !names.is_empty())
}

/// Returns an alternate key whose index is not active.
fn inactive_key(row: &KeyRow) -> Option<InactiveKey> {
    let status = row.entity_key_index_status.as_deref().unwrap_or("unknown");
    Some(InactiveKey {
        name: printable(&row.logical_name, 120),
        columns: key_columns(row)?,
        status: printable(status, 60),
    })
}

fn column(row: &AttributeRow) -> Option<(LogicalName, Column)> {
    let column_type = match (row.attribute_type.as_str(), row.max_length) {
        ("String" | "Memo", Some(max_length)) => ColumnType::Text { max_length },
        ("Integer" | "BigInt" | "Picklist" | "State" | "Status", _) => ColumnType::Integer,
        ("Boolean", _) => ColumnType::Boolean,
        ("Uniqueidentifier", _) => ColumnType::Id,
        ("Lookup" | "Customer" | "Owner", _) => ColumnType::Lookup,
        (other, _) => ColumnType::Other(printable(other, 60)),
    };
    let column = Column {
        column_type,
        creatable: row.is_valid_for_create,
        updatable: row.is_valid_for_update,
        readable: row.is_valid_for_read.unwrap_or(true),
        secured: row.is_secured && row.can_be_secured_for_read.unwrap_or(true),
    };
    Some((row.logical_name.parse().ok()?, column))
}

/// Reads the records whose tables are standard and can be queried by the record's key.
async fn records(
    reader: &Reader<'_>,
    desired: &Desired,
    tables: &Tables,
) -> Result<Records, DiscoverError> {
    let mut wanted: BTreeMap<&Record, BTreeSet<&LogicalName>> = BTreeMap::new();
    for binding in &desired.bindings {
        if let Target::Column { record, column, .. } = &binding.target {
            wanted.entry(record).or_default().insert(column);
        }
    }
    let records =
        wanted.into_iter().filter_map(|(record, columns)| match tables.get(&record.table) {
            // A table that is refused whatever its rows hold is not asked for them.
            Some(Reading::Found(table))
                if table.kind == TableKind::Standard && table.can_select(&record.selector) =>
            {
                Some(read_record(reader, record, table, columns))
            }
            _ => None,
        });
    Ok(all_of(records, AT_ONCE).await?.into_iter().collect())
}

async fn read_record(
    reader: &Reader<'_>,
    record: &Record,
    table: &Table,
    columns: BTreeSet<&LogicalName>,
) -> Result<(Record, Option<ReadResult<Vec<Row>>>), DiscoverError> {
    let there = columns.into_iter().filter(|name| table.columns.contains_key(*name));
    let there: Vec<&LogicalName> = there.collect();
    let rows = reader.records(table, &record.selector, &there).await?;
    Ok((record.clone(), rows))
}
