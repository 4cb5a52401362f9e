//! Records the changes of a plan before its writes are sent.

use std::collections::BTreeMap;

use super::{ColumnChange, Journal, JournalHead, JournalRow, JournalTarget, Origin, RowKey};
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
struct WrittenTarget<'run> {
    binding: &'run Binding,
    change: &'run Change,
    held: ObservedTarget<'run>,
}

/// The variable or the record that holds a target, as it was observed.
enum ObservedTarget<'run> {
    Variable(&'run Variable),
    Record { table: &'run Table, row: Option<&'run Row>, column: &'run LogicalName },
}

/// Creates the journal of a plan: the values before and after each planned change.
///
/// # Errors
/// Something of it could not be undone.
pub fn record(
    head: JournalHead,
    desired: &Desired,
    observed: &Observed,
    plan: &Plan,
) -> Result<Journal, Unrecorded> {
    let parts = parts(desired, observed, plan);
    let rows = plan
        .writes()
        .iter()
        .map(|write| row(write, parts.get(&spot_of(write)).ok_or(Unrecorded::NoTarget)?));
    Ok(Journal { head, rows: rows.collect::<Result<_, _>>()? })
}

/// Groups the targets that are written to by their rows.
fn parts<'run>(
    desired: &'run Desired,
    observed: &'run Observed,
    plan: &'run Plan,
) -> BTreeMap<Spot<'run>, Vec<WrittenTarget<'run>>> {
    let changes: BTreeMap<&str, &Change> =
        plan.changes.iter().map(|change| (change.address.as_str(), change)).collect();
    let mut parts: BTreeMap<Spot<'run>, Vec<WrittenTarget<'run>>> = BTreeMap::new();
    for binding in &desired.bindings {
        let change = changes.get(binding.target.address().as_str()).copied();
        let change = change.filter(|change| change.action != Action::NoOp);
        if let (Some(change), Some((spot, held))) = (change, held(&binding.target, observed)) {
            parts.entry(spot).or_default().push(WrittenTarget { binding, change, held });
        }
    }
    parts
}

/// Returns the row that a target is in, and what was observed of it.
fn held<'run>(
    target: &'run Target,
    observed: &'run Observed,
) -> Option<(Spot<'run>, ObservedTarget<'run>)> {
    match target {
        Target::Variable { schema_name, .. } => {
            let Reading::Found(variable) = observed.targets.variables.get(schema_name)? else {
                return None;
            };
            let there = variable.values.first().map(|row| Spot::There(VALUES, row.id));
            Some((there.unwrap_or(Spot::Value(schema_name)), ObservedTarget::Variable(variable)))
        }
        Target::Column { record, column, .. } => {
            let Reading::Found(table) = observed.targets.tables.get(&record.table)? else {
                return None;
            };
            let rows = observed.targets.records.get(record)?.as_ref().ok()?;
            let row = rows.first();
            let there = row.map(|row| Spot::There(&table.entity_set, row.id));
            let spot = there.or_else(|| new(table, record))?;
            Some((spot, ObservedTarget::Record { table, row, column }))
        }
    }
}

/// Returns the row of a record that has to be created, named by its key; none if the manifest
/// names the record by its id.
fn new<'run>(table: &'run Table, record: &'run Record) -> Option<Spot<'run>> {
    match &record.selector {
        Selector::Columns(key) => Some(Spot::New(&table.entity_set, key.iter().collect())),
        Selector::Id(_) => None,
    }
}

/// Returns the row that a write changes.
fn spot_of(write: &Write) -> Spot<'_> {
    match write {
        Write::CreateVariableValue { schema_name, .. } => Spot::Value(schema_name),
        Write::UpdateVariableValue { id, .. } => Spot::There(VALUES, *id),
        Write::CreateRow { entity_set, columns } => {
            Spot::New(entity_set, key_of(columns).collect())
        }
        Write::UpdateRow { entity_set, id, .. }
        | Write::Restore { entity_set, id, .. }
        | Write::Delete { entity_set, id, .. } => Spot::There(entity_set, *id),
    }
}

/// Returns the key columns of a new record, with their values.
fn key_of(
    columns: &BTreeMap<LogicalName, CellValue>,
) -> impl Iterator<Item = (&LogicalName, &KeyValue)> {
    columns.iter().filter_map(|(name, cell)| match cell {
        CellValue::Key(value) => Some((name, value)),
        CellValue::Url(_) => None,
    })
}

/// Returns the journal entry of a write: the row it leaves behind, and the values before and
/// after.
fn row(write: &Write, parts: &[WrittenTarget<'_>]) -> Result<JournalRow, Unrecorded> {
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
            let change = |(name, text)| (LogicalName::clone(name), change(parts, name, Some(text)));
            (Origin::Updated(*id), columns.iter().map(change).collect())
        }
        Write::Restore { id, columns, .. } => {
            let change = |(name, text): (&LogicalName, &Option<StoredText>)| {
                (name.clone(), change(parts, name, text.as_ref()))
            };
            (Origin::Updated(*id), columns.iter().map(change).collect())
        }
        Write::Delete { id, .. } => {
            let ObservedTarget::Variable(Variable { definition, .. }) = &first.held else {
                return Err(Unrecorded::NoTarget);
            };
            let change = ColumnChange { before: first.before(), after: None };
            let origin = Origin::Deleted { id: *id, definition: *definition };
            (origin, vec![(LogicalName::of_system(VALUE), change)])
        }
    };
    let places = parts.iter().map(WrittenTarget::place).collect();
    Ok(JournalRow {
        entity_set,
        primary_id,
        origin,
        columns: columns.into_iter().collect(),
        places,
    })
}

/// Returns a part's table, by its name in addresses, and the table's primary key.
fn table_of(part: &WrittenTarget<'_>) -> Result<(LogicalName, LogicalName), NameError> {
    match &part.held {
        ObservedTarget::Variable(_) => {
            Ok((LogicalName::of_system(VALUES), LogicalName::of_system(VALUE_ID)))
        }
        ObservedTarget::Record { table, .. } => {
            Ok((table.entity_set.parse()?, table.primary_id.clone()))
        }
    }
}

fn created(key: RowKey) -> Origin {
    Origin::Created { id: None, tag: None, key }
}

/// Returns the change of a variable's value.
fn value(before: Option<StoredText>, after: &StoredText) -> (LogicalName, ColumnChange) {
    (LogicalName::of_system(VALUE), ColumnChange { before, after: Some(after.clone()) })
}

/// Returns the change of one column of a new record; none if the column holds no text.
fn cell((name, cell): (&LogicalName, &CellValue)) -> Option<(LogicalName, ColumnChange)> {
    let after = match cell {
        CellValue::Url(text) => text.clone(),
        CellValue::Key(KeyValue::Text(text)) => StoredText::new(text.as_str()),
        CellValue::Key(_) => return None,
    };
    Some((name.clone(), ColumnChange { before: None, after: Some(after) }))
}

/// Returns the change of a record's column. Its earlier value was read for the binding to the
/// column.
fn change(
    parts: &[WrittenTarget<'_>],
    name: &LogicalName,
    after: Option<&StoredText>,
) -> ColumnChange {
    let part = parts.iter().find(|part| part.column() == *name);
    ColumnChange { before: part.and_then(WrittenTarget::before), after: after.cloned() }
}

impl WrittenTarget<'_> {
    /// Returns the column that the target is in.
    fn column(&self) -> LogicalName {
        match &self.held {
            ObservedTarget::Variable(_) => LogicalName::of_system(VALUE),
            ObservedTarget::Record { column, .. } => (*column).clone(),
        }
    }

    /// Returns the text that the column held when it was read.
    fn before(&self) -> Option<StoredText> {
        match &self.held {
            ObservedTarget::Variable(variable) => variable.values.first()?.text.clone(),
            ObservedTarget::Record { row, column, .. } => row.as_ref()?.texts.get(*column).cloned(),
        }
    }

    fn pointer(&self) -> Option<JsonPointer> {
        match &self.binding.target {
            Target::Variable { pointer, .. } => pointer.clone(),
            Target::Column { .. } => None,
        }
    }

    fn place(&self) -> JournalTarget {
        JournalTarget {
            address: self.change.address.clone(),
            column: self.column(),
            pointer: self.pointer(),
            flow_name: self.change.flow_name.to_string(),
            workflow_id: self.change.workflow_id,
        }
    }
}
