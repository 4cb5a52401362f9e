//! The shape of tables: columns, keys and relationships, built in or from the tenant file.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::guid::Guid;
use super::super::tenant::tables::{IndexStatus, Security, TableKind};

/// Every table of the organisation.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    /// The tables.
    pub(crate) tables: Vec<Table>,
}

impl Schema {
    /// Finds a table by its logical name.
    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Finds a table by its entity set name.
    pub(crate) fn set(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.set == name)
    }

    /// Finds the lookup whose other side is this collection-valued navigation property.
    pub(crate) fn collection(&self, table: &Table, navigation: &str) -> Option<(&Table, &Column)> {
        self.tables.iter().find_map(|other| {
            let column = other.columns.iter().find(|column| {
                column.lookup().is_some_and(|lookup| {
                    lookup.target == table.name && lookup.collection.as_deref() == Some(navigation)
                })
            })?;
            Some((other, column))
        })
    }
}

/// One table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// The logical name.
    pub(crate) name: String,
    /// The entity set name.
    pub(crate) set: String,
    /// The name that people see.
    pub(crate) display: String,
    /// The schema name, which privileges are named by.
    pub(crate) schema_name: String,
    /// The object type code.
    pub(crate) type_code: u32,
    /// The primary id column.
    pub(crate) id: String,
    /// The primary name column.
    pub(crate) primary_name: String,
    /// The columns, the primary id first.
    pub(crate) columns: Vec<Column>,
    /// The alternate keys.
    pub(crate) keys: Vec<Key>,
    /// Whether rows can be guarded by their version.
    pub(crate) optimistic: bool,
    /// Whether rows come with an entity tag.
    pub(crate) tagged: bool,
    /// Where its rows are kept.
    pub(crate) kind: TableKind,
    /// Whether this is a custom table.
    pub(crate) custom: bool,
}

impl Table {
    /// Finds a column by its logical name.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Finds a column by its single-valued navigation property, which is case-sensitive.
    pub(crate) fn navigation(&self, name: &str) -> Option<(&Column, &Lookup)> {
        self.columns.iter().find_map(|column| {
            let lookup = column.lookup()?;
            (lookup.navigation == name).then_some((column, lookup))
        })
    }

    /// Finds a column by the name of its property: `name`, or `_name_value` for a lookup.
    pub(crate) fn property(&self, name: &str) -> Option<&Column> {
        let lookup = name.strip_prefix('_').and_then(|rest| rest.strip_suffix("_value"));
        match lookup {
            Some(inner) => self.column(inner).filter(|column| column.lookup().is_some()),
            None => self.column(name).filter(|column| column.lookup().is_none()),
        }
    }

    /// Returns the name that `OData` types carry.
    pub(crate) fn type_name(&self) -> String {
        format!("Microsoft.Dynamics.CRM.{}", self.name)
    }
}

/// One column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// The logical name.
    pub(crate) name: String,
    /// The schema name.
    pub(crate) schema_name: String,
    /// The type.
    pub(crate) kind: Kind,
    /// Whether it can be set when a row is created.
    pub(crate) for_create: bool,
    /// Whether it can be set later.
    pub(crate) for_update: bool,
    /// Whether it can be read.
    pub(crate) for_read: bool,
    /// Column security; none where it is off.
    pub(crate) secured: Option<Security>,
    /// What it holds when nothing is given.
    pub(crate) default: Option<Value>,
    /// What every row shows that holds nothing.
    pub(crate) common: Option<Value>,
}

impl Column {
    /// Returns the name of its property: `name`, or `_name_value` for a lookup.
    pub(crate) fn property(&self) -> String {
        if self.lookup().is_some() { format!("_{}_value", self.name) } else { self.name.clone() }
    }

    /// Returns what a lookup points to.
    pub(crate) fn lookup(&self) -> Option<&Lookup> {
        match &self.kind {
            Kind::Lookup(lookup) => Some(lookup),
            _ => None,
        }
    }
}

/// The type of a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// The primary id.
    Id,
    /// Another GUID.
    Guid,
    /// One line of text, of so many characters.
    Text(usize),
    /// Many lines of text, of so many characters.
    Memo(usize),
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    BigInteger,
    /// A decimal number.
    Decimal,
    /// A floating point number.
    Double,
    /// Yes or no.
    Boolean,
    /// A date and time.
    DateTime,
    /// One of some options: their labels by their values.
    Choice(BTreeMap<i64, String>),
    /// The state: its labels by its values.
    State(BTreeMap<i64, String>),
    /// The status: the state and label of each value.
    Status(BTreeMap<i64, (i64, String)>),
    /// A reference to a row.
    Lookup(Lookup),
}

/// What a lookup points to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lookup {
    /// The table.
    pub(crate) target: String,
    /// The single-valued navigation property on this side.
    pub(crate) navigation: String,
    /// The collection-valued navigation property on the other side.
    pub(crate) collection: Option<String>,
    /// Whether the row goes when its target goes.
    pub(crate) cascade: bool,
    /// Whether the platform sets it, so that no privilege to append is needed.
    pub(crate) platform: bool,
}

/// An alternate key.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// The schema name.
    pub(crate) name: String,
    /// The columns.
    pub(crate) columns: Vec<String>,
    /// The code of a violation.
    pub(crate) violation: Violation,
    /// The state of its index: it is enforced only while it is active.
    pub(crate) index: IndexStatus,
}

/// How the violation of a key is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Violation {
    /// 0x80060892, naming the key.
    EntityKey,
    /// 0x80040237.
    Record,
}

/// Returns the id that the platform gives the description of something.
pub(crate) fn metadata_id(words: &[&str]) -> String {
    let mut all = vec!["metadata"];
    all.extend(words);
    Guid::derived(&all).to_string()
}
