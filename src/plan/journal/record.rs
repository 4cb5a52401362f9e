//! What a plan is going to change, noted before it is carried out.

use std::collections::BTreeMap;

use super::{ColumnChange, Head, Journal, JournalRow, Origin, Place, RowKey};
use crate::model::{
    Binding, Desired, JsonPointer, KeyValue, LogicalName, NameError, Observed, Reading, Record,
    Row, RowId, SchemaName, Selector, StoredText, Table, Target, Variable,
};
use crate::plan::{Action, CellValue, Change, Plan, Write};

/// The table of environment variables' values, by its name in addresses.
const VALUES: &str = "environmentvariablevalues";

/// The primary key of that table.
const VALUE_ID: &str = "environmentvariablevalueid";

/// Its column that holds the value.
const VALUE: &str = "value";

/// Why a write cannot be undone.
#[derive(Debug, thiserror::Error)]
pub enum Unrecorded {
    /// A write belongs to no target of the manifest.
    #[error("a write belongs to no target")]
    NoTarget,
    /// A table's name is none that a request could be made of.
    #[error("the name of a table")]
    Name(#[from] NameError),
}

/// The row that a write or a target is about.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Spot<'run> {
    /// The first value of a variable.
    Value(&'run SchemaName),
    /// A row that is there, by its table and its id.
    There(&'run str, RowId),
    /// A record that is not there, by its table and its key.
    New(&'run str, Vec<(&'run LogicalName, &'run KeyValue)>),
}

/// A target that is written to.
struct Part<'run> {
    binding: &'run Binding,
    change: &'run Change,
    held: Held<'run>,
}

/// What a target is in, as it was observed.
enum Held<'run> {
    Variable(&'run Variable),
    Record { table: &'run Table, row: Option<&'run Row>, column: &'run LogicalName },
}

/// Notes what a plan changes, from what to what.
///
/// # Errors
/// Something of it could not be undone.
pub fn record(
    head: Head,
    desired: &Desired,
    observed: &Observed,
    plan: &Plan,
) -> Result<Journal, Unrecorded> {
    let parts = parts(desired, observed, plan);
    let rows = plan.writes().iter().map(|write| {
        let spot = spot_of(write).ok_or(Unrecorded::NoTarget)?;
        row(write, parts.get(&spot).ok_or(Unrecorded::NoTarget)?)
    });
    Ok(Journal { head, rows: rows.collect::<Result<_, _>>()? })
}

/// The targets that are written to, by the rows that they are in.
fn parts<'run>(
    desired: &'run Desired,
    observed: &'run Observed,
    plan: &'run Plan,
) -> BTreeMap<Spot<'run>, Vec<Part<'run>>> {
    let changes: BTreeMap<&str, &Change> =
        plan.changes.iter().map(|change| (change.address.as_str(), change)).collect();
    let mut parts: BTreeMap<Spot<'run>, Vec<Part<'run>>> = BTreeMap::new();
    for binding in &desired.bindings {
        let change = changes.get(binding.target.address().as_str()).copied();
        let change = change.filter(|change| change.action != Action::NoOp);
        if let (Some(change), Some((spot, held))) = (change, held(&binding.target, observed)) {
            parts.entry(spot).or_default().push(Part { binding, change, held });
        }
    }
    parts
}

/// The row that a target is in, and what it holds.
fn held<'run>(target: &'run Target, observed: &'run Observed) -> Option<(Spot<'run>, Held<'run>)> {
    match target {
        Target::Variable { schema_name, .. } => {
            let Reading::Found(variable) = observed.targets.variables.get(schema_name)? else {
                return None;
            };
            let there = variable.values.first().map(|row| Spot::There(VALUES, row.id));
            Some((there.unwrap_or(Spot::Value(schema_name)), Held::Variable(variable)))
        }
        Target::Column { record, column, .. } => {
            let Reading::Found(table) = observed.targets.tables.get(&record.table)? else {
                return None;
            };
            let rows = observed.targets.records.get(record)?.as_ref().ok()?;
            let row = rows.first();
            let there = row.map(|row| Spot::There(&table.entity_set, row.id));
            let spot = there.or_else(|| new(table, record))?;
            Some((spot, Held::Record { table, row, column }))
        }
    }
}

/// A record that is made from its key.
fn new<'run>(table: &'run Table, record: &'run Record) -> Option<Spot<'run>> {
    match &record.selector {
        Selector::Columns(key) => Some(Spot::New(&table.entity_set, key.iter().collect())),
        Selector::Id(_) => None,
    }
}

/// The row that a write is about; none if the write undoes another.
fn spot_of(write: &Write) -> Option<Spot<'_>> {
    match write {
        Write::CreateVariableValue { schema_name, .. } => Some(Spot::Value(schema_name)),
        Write::UpdateVariableValue { id, .. } => Some(Spot::There(VALUES, *id)),
        Write::CreateRow { entity_set, columns } => {
            Some(Spot::New(entity_set, key_of(columns).collect()))
        }
        Write::UpdateRow { entity_set, id, .. } => Some(Spot::There(entity_set, *id)),
        Write::Restore { .. } | Write::Delete { .. } => None,
    }
}

/// The key that a record is made from.
fn key_of(
    columns: &BTreeMap<LogicalName, CellValue>,
) -> impl Iterator<Item = (&LogicalName, &KeyValue)> {
    columns.iter().filter_map(|(name, cell)| match cell {
        CellValue::Key(value) => Some((name, value)),
        CellValue::Url(_) => None,
    })
}

/// The row that a write leaves behind, and what was there.
fn row(write: &Write, parts: &[Part<'_>]) -> Result<JournalRow, Unrecorded> {
    let first = parts.first().ok_or(Unrecorded::NoTarget)?;
    let (entity_set, primary_id) = table_of(first)?;
    let (origin, columns) = match write {
        Write::CreateVariableValue { definition, text, .. } => {
            (created(RowKey::Definition(*definition)), vec![value(None, text)])
        }
        Write::UpdateVariableValue { id, text, .. } => {
            (Origin::Updated(*id), vec![value(first.before(), text)])
        }
        Write::CreateRow { columns, .. } => {
            let key = key_of(columns).map(|(name, value)| (name.clone(), value.clone()));
            (created(RowKey::Columns(key.collect())), columns.iter().filter_map(cell).collect())
        }
        Write::UpdateRow { id, columns, .. } => {
            let change = |(name, text)| (LogicalName::clone(name), change(parts, name, text));
            (Origin::Updated(*id), columns.iter().map(change).collect())
        }
        Write::Restore { .. } | Write::Delete { .. } => return Err(Unrecorded::NoTarget),
    };
    let places = parts.iter().map(Part::place).collect();
    Ok(JournalRow {
        entity_set,
        primary_id,
        origin,
        columns: columns.into_iter().collect(),
        places,
    })
}

/// The name of a part's table in addresses, and its primary key.
fn table_of(part: &Part<'_>) -> Result<(LogicalName, LogicalName), NameError> {
    match &part.held {
        Held::Variable(_) => Ok((LogicalName::of_system(VALUES), LogicalName::of_system(VALUE_ID))),
        Held::Record { table, .. } => Ok((table.entity_set.parse()?, table.primary_id.clone())),
    }
}

fn created(key: RowKey) -> Origin {
    Origin::Created { id: None, tag: None, key }
}

/// The change of a variable's value.
fn value(before: Option<StoredText>, after: &StoredText) -> (LogicalName, ColumnChange) {
    (LogicalName::of_system(VALUE), ColumnChange { before, after: after.clone() })
}

/// What a new record holds in one column, if that is text.
fn cell((name, cell): (&LogicalName, &CellValue)) -> Option<(LogicalName, ColumnChange)> {
    let after = match cell {
        CellValue::Url(text) => text.clone(),
        CellValue::Key(KeyValue::Text(text)) => StoredText::new(text.as_str()),
        CellValue::Key(_) => return None,
    };
    Some((name.clone(), ColumnChange { before: None, after }))
}

/// The change of a record's column: what it held was read for the binding to it.
fn change(parts: &[Part<'_>], name: &LogicalName, after: &StoredText) -> ColumnChange {
    let part = parts.iter().find(|part| part.column() == *name);
    ColumnChange { before: part.and_then(Part::before), after: after.clone() }
}

impl Part<'_> {
    /// The column that the target is in.
    fn column(&self) -> LogicalName {
        match &self.held {
            Held::Variable(_) => LogicalName::of_system(VALUE),
            Held::Record { column, .. } => (*column).clone(),
        }
    }

    /// What the column holds.
    fn before(&self) -> Option<StoredText> {
        match &self.held {
            Held::Variable(variable) => variable.values.first()?.text.clone(),
            Held::Record { row, column, .. } => row.as_ref()?.texts.get(*column).cloned(),
        }
    }

    fn pointer(&self) -> Option<JsonPointer> {
        match &self.binding.target {
            Target::Variable { pointer, .. } => pointer.clone(),
            Target::Column { .. } => None,
        }
    }

    fn place(&self) -> Place {
        Place {
            address: self.change.address.clone(),
            column: self.column(),
            pointer: self.pointer(),
            flow_name: self.change.flow_name.to_string(),
            workflow_id: self.change.workflow_id,
        }
    }
}
