//! Changes to rows under the platform's rules: defaults, keys, states, versions, cascades.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

use super::super::clock::Moment;
use super::super::guid::Guid;
use super::super::site::Site;
use super::super::state::{Database, Row, seed};
use super::super::tenant::tables::IndexStatus;
use super::fault::Fault;
use super::plug_in;
use super::schema::{Column, Key, Kind, Schema, Table, Violation};

/// Values by column.
pub(crate) type Values = BTreeMap<String, Value>;

/// Fills in what the platform sets on a new row.
pub(crate) fn complete(table: &Table, id: Guid, given: Values, user: Guid, now: Moment) -> Values {
    let mut values = defaults(table);
    values.insert(table.id.clone(), json!(id.to_string()));
    values.insert("createdon".to_owned(), json!(now.iso()));
    values.insert("modifiedon".to_owned(), json!(now.iso()));
    for name in ["ownerid", "createdby", "modifiedby"] {
        if table.column(name).is_some() {
            values.insert(name.to_owned(), json!(user.to_string()));
        }
    }
    values.extend(given);
    values.insert(table.id.clone(), json!(id.to_string()));
    values
}

fn defaults(table: &Table) -> Values {
    let with_default = table
        .columns
        .iter()
        .filter_map(|column| Some((column.name.clone(), column.default.clone()?)));
    with_default.collect()
}

/// Creates a row.
pub(crate) fn create(
    site: &Site,
    database: &mut Database,
    table: &Table,
    id: Guid,
    mut given: Values,
) -> Result<(), Fault> {
    if database.row(&table.name, id).is_some() {
        return Err(Fault::exists());
    }
    prepare(table, &mut given);
    let Some(given) = plug_in::run(site, table, None, given)? else { return Ok(()) };
    let mut values = complete(table, id, given, site.tenant.file.user.id, Moment::now());
    settle_state(table, &mut values)?;
    unique(database, table, id, &values)?;
    database.put(&table.name, id, values);
    Ok(())
}

/// Sets what only the platform knows about new rows of some tables.
fn prepare(table: &Table, given: &mut Values) {
    match table.name.as_str() {
        // A value without a schema name is given a GUID, as the column's default in the database is.
        "environmentvariablevalue" => {
            given
                .entry("schemaname".to_owned())
                .or_insert_with(|| json!(Guid::random().to_string()));
        }
        // Cloud flows begin in draft whatever is asked for.
        "workflow" => {
            given.retain(|name, _| name != "statecode" && name != "statuscode");
            given.insert("workflowidunique".to_owned(), json!(Guid::random().to_string()));
        }
        _ => {}
    }
}

/// Changes a row that exists.
pub(crate) fn update(
    site: &Site,
    database: &mut Database,
    table: &Table,
    id: Guid,
    changes: Values,
) -> Result<(), Fault> {
    let row = database.row(&table.name, id).ok_or_else(|| Fault::absent(table, &id.to_string()))?;
    let mut values = row.values.clone();
    let Some(changes) = plug_in::run(site, table, Some(&values), changes)? else { return Ok(()) };
    follow_state(table, &changes, &mut values);
    values.extend(changes);
    settle_state(table, &mut values)?;
    activate(site, table, id, &mut values);
    unique(database, table, id, &values)?;
    values.insert("modifiedon".to_owned(), json!(Moment::now().iso()));
    database.put(&table.name, id, values);
    Ok(())
}

/// Removes a row, and what goes with it.
pub(crate) fn delete(schema: &Schema, database: &mut Database, table: &Table, id: Guid) {
    for (other, column) in cascades(schema, table) {
        let pointing = json!(id.to_string());
        let rows: Vec<Guid> = database
            .rows(&other.name)
            .filter(|(_, row)| *row.value(&column.name) == pointing)
            .map(|(id, _)| id)
            .collect();
        for child in rows {
            delete(schema, database, other, child);
        }
    }
    database.remove(&table.name, id);
}

fn cascades<'s>(schema: &'s Schema, table: &Table) -> Vec<(&'s Table, &'s Column)> {
    let all = schema
        .tables
        .iter()
        .flat_map(|other| other.columns.iter().map(move |column| (other, column)));
    all.filter(|(_, column)| {
        column.lookup().is_some_and(|lookup| lookup.cascade && lookup.target == table.name)
    })
    .collect()
}

/// Drops the old status when only the state changes: it then becomes the state's first.
fn follow_state(table: &Table, changes: &Values, values: &mut Values) {
    let state_alone = changes.contains_key("statecode") && !changes.contains_key("statuscode");
    if state_alone && table.column("statuscode").is_some() {
        values.remove("statuscode");
    }
}

/// Holds state and status together: a status belongs to one state.
fn settle_state(table: &Table, values: &mut Values) -> Result<(), Fault> {
    let Some(Kind::Status(statuses)) = table.column("statuscode").map(|column| &column.kind) else {
        return Ok(());
    };
    let state = values.get("statecode").and_then(Value::as_i64).unwrap_or_default();
    let status = values.get("statuscode").and_then(Value::as_i64);
    let first = statuses.iter().find(|(_, (of, _))| *of == state).map(|(status, _)| *status);
    match status {
        None => {
            values.insert("statuscode".to_owned(), json!(first));
            Ok(())
        }
        Some(status) if statuses.get(&status).is_some_and(|(of, _)| *of == state) => Ok(()),
        Some(status) => Err(Fault::new(
            StatusCode::BAD_REQUEST,
            "0x80048408",
            format!(
                "{status} is not a valid status code for state code {state} on {} with Id {}.",
                table.name,
                id_of(table, values)
            ),
        )),
    }
}

fn id_of(table: &Table, values: &Values) -> String {
    values.get(&table.id).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Registers a cloud flow with the Flow service when it is turned on for the first time.
fn activate(site: &Site, table: &Table, id: Guid, values: &mut Values) {
    let on = values.get("statecode") == Some(&json!(1));
    let cloud = values.get("category") == Some(&json!(5));
    if table.name == "workflow" && on && cloud {
        values.remove("suspensionreasondetails");
        let known = site.tenant.file.flows.iter().find(|flow| flow.workflow_id == id);
        let unregistered = known.is_some_and(|flow| flow.resource_id.as_deref() == Some("none"));
        if !unregistered {
            values
                .entry("resourceid".to_owned())
                .or_insert_with(|| json!(seed::resource_id(&site.tenant, id).to_string()));
        }
    }
}

/// Refuses a second row with the values of a key. A key of which a column is null binds nothing.
fn unique(database: &Database, table: &Table, id: Guid, values: &Values) -> Result<(), Fault> {
    for key in table.keys.iter().filter(|key| key.index == IndexStatus::Active) {
        let wanted: Vec<&Value> =
            key.columns.iter().map(|column| values.get(column).unwrap_or(&Value::Null)).collect();
        if wanted.iter().any(|value| value.is_null()) {
            continue;
        }
        let mut rivals = rivals(database, table, key, &wanted);
        if rivals.any(|(other, row)| other != id && carries(row, key, &wanted)) {
            return Err(duplicate(table, key));
        }
    }
    Ok(())
}

/// Returns the rows that may have the values of a key: those that one of its columns leads to, or all.
fn rivals<'d>(
    database: &'d Database,
    table: &'d Table,
    key: &Key,
    wanted: &[&Value],
) -> Box<dyn Iterator<Item = (Guid, &'d Row)> + 'd> {
    let mut columns = key.columns.iter().zip(wanted);
    let led = columns
        .find_map(|(column, value)| database.holding(&table.name, column, &[value.as_str()?]));
    match led {
        Some(rows) => Box::new(rows.into_iter()),
        None => Box::new(database.rows(&table.name)),
    }
}

fn carries(row: &Row, key: &Key, wanted: &[&Value]) -> bool {
    key.columns.iter().zip(wanted).all(|(column, value)| same(row.value(column), value))
}

/// Compares as the database's collation does: text without regard to case.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => same_text(left, right),
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}

fn same_text(left: &str, right: &str) -> bool {
    if left.is_ascii() && right.is_ascii() {
        return left.eq_ignore_ascii_case(right);
    }
    left.to_lowercase() == right.to_lowercase()
}

fn duplicate(table: &Table, key: &Key) -> Fault {
    let message = match key.violation {
        Violation::Record => return Fault::exists(),
        Violation::EntityKey => format!(
            "Entity Key {} violated. A record with the same value for {} already exists. A duplicate record cannot be created. Select one or more unique values and try again.",
            key.name,
            key.columns.iter().map(|name| label(table, name)).collect::<Vec<_>>().join(", "),
        ),
    };
    Fault::new(StatusCode::PRECONDITION_FAILED, "0x80060892", message)
}

fn label(table: &Table, name: &str) -> String {
    table.column(name).map_or_else(|| name.to_owned(), |column| column.schema_name.clone())
}
