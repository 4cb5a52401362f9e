//! Builders of tables and columns, and the tables of the tenant file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::tenant::tables::{ColumnFile, ColumnKind, IndexStatus, TableFile, TableKind};
use super::schema::{Column, Key, Kind, Lookup, Table, Violation};
use super::standard;

/// The moment that components which were never overwritten carry.
const NEVER_OVERWRITTEN: &str = "1900-01-01T00:00:00Z";

/// Columns of everything that can stand in a solution.
pub(super) fn component() -> [Column; 5] {
    let labels = ["Published", "Unpublished", "Deleted", "Deleted Unpublished"];
    [
        system(boolean("ismanaged", Some(false))),
        system(column("solutionid", Kind::Guid))
            .default(json!("fd140aad-4df4-11dd-bd17-0019b9312238")),
        system(choice("componentstate", &labels)).default(json!(0)),
        system(column("overwritetime", Kind::DateTime)).default(json!(NEVER_OVERWRITTEN)),
        system(boolean("iscustomizable", None)),
    ]
}

/// Columns of rows that belong to a person.
pub(super) fn owned() -> Vec<Column> {
    let mut columns = vec![lookup("ownerid", "systemuser", "ownerid")];
    columns.push(system(lookup("createdby", "systemuser", "createdby")));
    columns.push(system(lookup("modifiedby", "systemuser", "modifiedby")));
    columns.extend(dates());
    columns
}

/// Columns that the platform keeps on every row.
pub(super) fn dates() -> [Column; 3] {
    [
        system(column("createdon", Kind::DateTime)),
        system(column("modifiedon", Kind::DateTime)),
        system(column("versionnumber", Kind::BigInteger)),
    ]
}

/// Makes the columns of state and status.
pub(super) fn states(labels: &[&str], statuses: &[(i64, i64, &str)]) -> [Column; 2] {
    let status = statuses
        .iter()
        .map(|(value, state, label)| (*value, (*state, (*label).to_owned())))
        .collect();
    let first = statuses.first().map(|(value, ..)| *value);
    [
        column("statecode", Kind::State(numbered(labels))).default(json!(0)),
        Column { default: first.map(Value::from), ..column("statuscode", Kind::Status(status)) },
    ]
}

/// Makes a table of the tenant file. Type codes of custom tables differ from organisation to organisation.
pub(super) fn custom(file: &TableFile, index: usize) -> Table {
    let code = 10_300 + u32::try_from(index).unwrap_or_default();
    let display = file.display_name.as_deref().unwrap_or(&file.name);
    let mut table = start(&file.name, &file.name, display, code, &file.primary_name)
        .with(file.columns.iter().map(custom_column))
        .with(states(&["Active", "Inactive"], &[(1, 0, "Active"), (2, 1, "Inactive")]))
        .with(owned())
        .with(standard::housekeeping())
        .with(standard::ownership());
    table.keys.extend(file.keys.iter().map(|key| Key {
        name: key.name.clone(),
        columns: key.columns.clone(),
        violation: Violation::EntityKey,
        index: key.index_status,
    }));
    if let Some(set) = &file.set {
        table.set.clone_from(set);
    }
    table.optimistic = file.optimistic_concurrency;
    table.kind = file.kind;
    table.custom = true;
    table
}

fn custom_column(file: &ColumnFile) -> Column {
    let kind = match file.kind {
        ColumnKind::Text => Kind::Text(file.max_length.unwrap_or(100)),
        ColumnKind::Memo => Kind::Memo(file.max_length.unwrap_or(2000)),
        ColumnKind::Integer => Kind::Integer,
        ColumnKind::Decimal => Kind::Decimal,
        ColumnKind::Boolean => Kind::Boolean,
        ColumnKind::DateTime => Kind::DateTime,
        ColumnKind::Guid => Kind::Guid,
        ColumnKind::Choice => Kind::Choice(
            file.options.iter().map(|(label, value)| (*value, label.clone())).collect(),
        ),
        ColumnKind::Lookup => Kind::Lookup(Lookup {
            target: file.target.clone().unwrap_or_default(),
            navigation: file.navigation.clone().unwrap_or_else(|| file.name.clone()),
            collection: None,
            cascade: false,
            platform: false,
        }),
    };
    Column {
        for_create: file.valid_for_create,
        for_update: file.valid_for_update,
        for_read: file.valid_for_read,
        secured: file.secured,
        ..column(&file.name, kind)
    }
}

/// Begins a table with its primary id.
pub(super) fn start(
    name: &str,
    schema_name: &str,
    display: &str,
    type_code: u32,
    primary_name: &str,
) -> Table {
    let id = format!("{name}id");
    let columns = vec![fixed(column(&id, Kind::Id))];
    Table {
        name: name.to_owned(),
        set: format!("{name}s"),
        display: display.to_owned(),
        schema_name: schema_name.to_owned(),
        type_code,
        id,
        primary_name: primary_name.to_owned(),
        columns,
        keys: Vec::new(),
        optimistic: true,
        tagged: true,
        kind: TableKind::Standard,
        custom: false,
    }
}

impl Table {
    /// Adds columns.
    pub(super) fn with(mut self, columns: impl IntoIterator<Item = Column>) -> Self {
        self.columns.extend(columns);
        self
    }

    /// Adds an alternate key.
    pub(super) fn key(mut self, name: &str, columns: &[&str], violation: Violation) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        let index = IndexStatus::Active;
        self.keys.push(Key { name: name.to_owned(), columns, violation, index });
        self
    }
}

impl Column {
    /// Sets what the column holds when nothing is given.
    pub(super) fn default(mut self, value: Value) -> Self {
        self.default = Some(value);
        self
    }

    /// Numbers the options of a choice from one.
    pub(super) fn numbered_from_one(mut self) -> Self {
        if let Kind::Choice(options) = self.kind {
            self.kind = Kind::Choice(
                options.into_iter().map(|(value, label)| (value + 1, label)).collect(),
            );
        }
        self
    }
}

/// Makes a column that can be set at any time.
pub(super) fn column(name: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        schema_name: name.to_owned(),
        kind,
        for_create: true,
        for_update: true,
        for_read: true,
        secured: None,
        default: None,
        common: None,
    }
}

/// Makes a column of one line of text.
pub(super) fn text(name: &str, length: usize) -> Column {
    column(name, Kind::Text(length))
}

/// Makes a column of many lines of text.
pub(super) fn memo(name: &str, length: usize) -> Column {
    column(name, Kind::Memo(length))
}

/// Makes a column of yes or no.
pub(super) fn boolean(name: &str, default: Option<bool>) -> Column {
    Column { default: default.map(Value::from), ..column(name, Kind::Boolean) }
}

/// Makes a choice whose options are numbered from zero.
pub(super) fn choice(name: &str, labels: &[&str]) -> Column {
    column(name, Kind::Choice(numbered(labels)))
}

/// Makes a lookup that the platform fills.
pub(super) fn lookup(name: &str, target: &str, navigation: &str) -> Column {
    let lookup = Lookup {
        target: target.to_owned(),
        navigation: navigation.to_owned(),
        collection: None,
        cascade: false,
        platform: true,
    };
    column(name, Kind::Lookup(lookup))
}

/// Lets a column be set on creation only.
pub(super) fn fixed(column: Column) -> Column {
    Column { for_update: false, ..column }
}

/// Lets a column be set by the platform only.
pub(super) fn system(column: Column) -> Column {
    Column { for_create: false, for_update: false, ..column }
}

/// Numbers labels from zero.
fn numbered(labels: &[&str]) -> BTreeMap<i64, String> {
    (0..).zip(labels.iter().map(|label| (*label).to_owned())).collect()
}
