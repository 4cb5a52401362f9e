//! What an operation of the Web API works with.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::guid::Guid;
use super::super::message::Call;
use super::super::site::Site;
use super::super::state::Database;
use super::fault::Fault;
use super::path::{Argument, Segment};
use super::prefer::Preferences;
use super::rows::{Values, same};
use super::schema::{Column, Key, Kind, Table};

/// Rows that were created under a `Content-ID` of the change set: the address and the row.
pub(crate) type References = BTreeMap<String, (String, Guid)>;

/// The surroundings of one operation.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The fixed side of the sandbox.
    pub(crate) site: &'a Site,
    /// The request.
    pub(crate) call: &'a Call,
    /// What `$1` and its like stand for.
    pub(crate) references: &'a References,
    /// The address under which the entity sets stand, without a slash at the end.
    pub(crate) base: String,
    /// What the client prefers.
    pub(crate) preferences: Preferences,
}

/// How a path names a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RowKey {
    /// By its id.
    Id(Guid),
    /// By the values of an alternate key.
    Alternate(Values),
}

impl<'a> Context<'a> {
    /// Finds the table of an entity set.
    pub(crate) fn set(&self, name: &str) -> Result<&'a Table, Fault> {
        self.site.schema.set(name).ok_or_else(|| Fault::segment(name))
    }

    /// Returns the address of a row.
    pub(crate) fn address(&self, table: &Table, id: Guid) -> String {
        format!("{}/{}({id})", self.base, table.set)
    }

    /// Refuses the person who lacks a privilege.
    pub(crate) fn privilege(&self, verb: &str, table: &Table) -> Result<(), Fault> {
        let name = format!("prv{verb}{}", table.schema_name);
        let user = &self.site.tenant.file.user;
        if !user.missing_privileges.iter().any(|missing| missing.eq_ignore_ascii_case(&name)) {
            return Ok(());
        }
        let message = format!(
            "Principal user (Id={}, type=8, roleCount=1, privilegeCount=214, accessMode=0) is missing {name} privilege (Id={}) on OTC={} for entity '{}' (LocalizedName='{}'). context.Caller={}",
            user.id,
            Guid::derived(&["privilege", &name.to_lowercase()]),
            table.type_code,
            table.name,
            table.display,
            user.id,
        );
        Err(Fault::new(http::StatusCode::FORBIDDEN, "0x80040220", message))
    }
}

/// Reads the key of `set(...)`.
pub(crate) fn row_key(table: &Table, segment: &Segment) -> Result<RowKey, Fault> {
    let arguments = segment.arguments.as_deref().unwrap_or_default();
    match arguments {
        [Argument { name: None, value }] => {
            id(value).map(RowKey::Id).ok_or_else(|| not_a_key(table))
        }
        // `systemusers(systemuserid=...)` is one of the two that the service does not take.
        [Argument { name: Some(name), value }]
            if *name == table.id && table.name != "systemuser" =>
        {
            id(value).map(RowKey::Id).ok_or_else(|| not_a_key(table))
        }
        _ => alternate(table, arguments),
    }
}

fn id(value: &Value) -> Option<Guid> {
    value.as_str().filter(|text| text.len() == 36)?.parse().ok()
}

fn alternate(table: &Table, arguments: &[Argument]) -> Result<RowKey, Fault> {
    let mut values = Values::new();
    for argument in arguments {
        let column = argument
            .name
            .as_deref()
            .and_then(|name| table.property(name))
            .ok_or_else(|| not_a_key(table))?;
        values.insert(
            column.name.clone(),
            key_value(column, &argument.value).ok_or_else(|| not_a_key(table))?,
        );
    }
    let declared = table.keys.iter().any(|key| covers(key, &values));
    if declared { Ok(RowKey::Alternate(values)) } else { Err(not_a_key(table)) }
}

/// Tells whether the values are those of a key, all of them and no other.
fn covers(key: &Key, values: &Values) -> bool {
    key.columns.len() == values.len()
        && key.columns.iter().all(|column| values.contains_key(column))
}

fn key_value(column: &Column, value: &Value) -> Option<Value> {
    let fits = match column.kind {
        Kind::Text(_)
        | Kind::Memo(_)
        | Kind::DateTime
        | Kind::Guid
        | Kind::Id
        | Kind::Lookup(_) => value.is_string(),
        Kind::Boolean => value.is_boolean(),
        _ => value.is_number(),
    };
    fits.then(|| value.clone())
}

fn not_a_key(table: &Table) -> Fault {
    let name = table.type_name();
    Fault::address(format!(
        "The key in the request URI is not valid for resource '{name}'. Ensure that the names and number of key properties match the declared or alternate key properties for the resource '{name}'."
    ))
}

/// Finds the row that a key names.
pub(crate) fn locate(database: &Database, table: &Table, key: &RowKey) -> Option<Guid> {
    match key {
        RowKey::Id(id) => database.row(&table.name, *id).map(|_| *id),
        RowKey::Alternate(values) => {
            let fits = |(_, row): &(Guid, &super::super::state::Row)| {
                values.iter().all(|(column, value)| same(row.value(column), value))
            };
            database.rows(&table.name).find(fits).map(|(id, _)| id)
        }
    }
}

/// Tells that the row of a key does not exist.
pub(crate) fn absent(table: &Table, key: &RowKey) -> Fault {
    match key {
        RowKey::Id(id) => Fault::absent(table, &id.to_string()),
        RowKey::Alternate(_) => Fault::absent_key(table),
    }
}
