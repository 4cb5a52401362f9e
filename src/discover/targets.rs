//! Reads what the targets hold now.

use std::collections::{BTreeMap, BTreeSet};

use super::{AT_ONCE, DiscoverError, Reader, all_of};
use crate::api::dataverse::{AttributeRow, KeyRow, MOST_VARIABLES, TableRow, VariableRow};
use crate::domain::{LogicalName, SchemaName};
use crate::state::{
    Column, ColumnType, Desired, Reading, Record, Row, Seen, Selector, Table, Target, Targets,
    ValueRow, Variable, VariableType,
};

/// Tables by their names.
type Tables = BTreeMap<LogicalName, Reading<Table>>;

/// Records by what finds them.
type Records = BTreeMap<Record, Seen<Vec<Row>>>;

/// The columns that the manifest names, by table.
type Columns<'run> = BTreeMap<&'run LogicalName, BTreeSet<&'run LogicalName>>;

/// Reads every target.
pub(super) async fn observe(
    reader: &Reader<'_>,
    desired: &Desired,
) -> Result<Targets, DiscoverError> {
    let (variables, (tables, records)) =
        tokio::try_join!(variables(reader, desired), tables_and_records(reader, desired))?;
    Ok(Targets { variables, tables, records })
}

/// Reads every target again; tables do not change during a run.
///
/// # Errors
/// The first answer without which the targets are not known.
pub async fn reread(
    reader: &Reader<'_>,
    desired: &Desired,
    tables: &Tables,
) -> Result<Targets, DiscoverError> {
    let records = records(reader, desired, tables);
    let (variables, records) = tokio::try_join!(variables(reader, desired), records)?;
    Ok(Targets { variables, tables: tables.clone(), records })
}

async fn variables(
    reader: &Reader<'_>,
    desired: &Desired,
) -> Result<BTreeMap<SchemaName, Reading<Variable>>, DiscoverError> {
    let wanted: BTreeSet<SchemaName> = desired.bindings.iter().filter_map(name_of).collect();
    let wanted: Vec<SchemaName> = wanted.into_iter().collect();
    let chunks = wanted.chunks(MOST_VARIABLES).map(async |names| {
        let rows = reader.variables(names).await?;
        Ok::<_, DiscoverError>(by_name(names, rows))
    });
    Ok(all_of(chunks, AT_ONCE).await?.into_iter().flatten().collect())
}

fn name_of(binding: &crate::state::Binding) -> Option<SchemaName> {
    match &binding.target {
        Target::Variable { schema_name, .. } => Some(schema_name.clone()),
        Target::Column { .. } => None,
    }
}

/// What one read found of those variables.
fn by_name(
    names: &[SchemaName],
    rows: Seen<Vec<VariableRow>>,
) -> BTreeMap<SchemaName, Reading<Variable>> {
    match rows {
        Err(refusal) => {
            names.iter().map(|name| (name.clone(), Reading::Refused(refusal.clone()))).collect()
        }
        Ok(rows) => {
            let entry = |row: VariableRow| (row.schemaname.clone(), Reading::Found(variable(row)));
            rows.into_iter().map(entry).collect()
        }
    }
}

fn variable(row: VariableRow) -> Variable {
    let values = row.values.into_iter().map(|value| ValueRow {
        id: value.environmentvariablevalueid,
        tag: value.tag,
        text: value.value,
    });
    Variable {
        definition: row.environmentvariabledefinitionid,
        schema_name: row.schemaname,
        variable_type: variable_type(row.variable_type),
        default: row.defaultvalue,
        values: values.collect(),
    }
}

/// The choices of the column `type`
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
        let reading = match reader.table(name, &columns).await? {
            Reading::Found(row) => table(row).map_or(Reading::Absent, Reading::Found),
            Reading::Absent => Reading::Absent,
            Reading::Refused(refusal) => Reading::Refused(refusal),
        };
        Ok::<_, DiscoverError>((name.clone(), reading))
    });
    Ok(all_of(tables, AT_ONCE).await?.into_iter().collect())
}

/// The columns that the manifest writes to or finds records by.
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

/// A table, unless its names are none that a request could be made of.
fn table(row: TableRow) -> Option<Table> {
    let TableRow { entity_set_name, primary_id_attribute, .. } = row;
    Some(Table {
        primary_id: primary_id_attribute.parse().ok()?,
        entity_set: entity_set_name.parse::<LogicalName>().ok()?.to_string(),
        versioned: row.is_optimistic_concurrency_enabled,
        columns: row.attributes.iter().filter_map(column).collect(),
        keys: row.keys.iter().filter_map(key).collect(),
    })
}

/// The columns of an alternate key that is in force.
fn key(row: &KeyRow) -> Option<BTreeSet<LogicalName>> {
    let active = row.entity_key_index_status.as_deref() == Some("Active");
    let names = row.key_attributes.iter().map(|name| name.parse().ok());
    names.collect::<Option<BTreeSet<_>>>().filter(|names| active && !names.is_empty())
}

fn column(row: &AttributeRow) -> Option<(LogicalName, Column)> {
    let column_type = match (row.attribute_type.as_str(), row.max_length) {
        ("String" | "Memo", Some(max_length)) => ColumnType::Text { max_length },
        ("Integer" | "BigInt" | "Picklist" | "State" | "Status", _) => ColumnType::Integer,
        ("Boolean", _) => ColumnType::Boolean,
        (other, _) => ColumnType::Other(crate::domain::printable(other, 60)),
    };
    let (creatable, updatable) = (row.is_valid_for_create, row.is_valid_for_update);
    Some((row.logical_name.parse().ok()?, Column { column_type, creatable, updatable }))
}

/// Reads the records whose tables can be asked by their keys.
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
            Some(Reading::Found(table)) if table.can_select(&record.selector) => {
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
) -> Result<(Record, Seen<Vec<Row>>), DiscoverError> {
    let there = columns.into_iter().filter(|name| table.columns.contains_key(*name));
    let there: Vec<&LogicalName> = there.collect();
    let rows = reader.records(table, &record.selector, &there).await?;
    Ok((record.clone(), rows))
}
