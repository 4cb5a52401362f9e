//! Bulk operations on one table: all of their targets or none.

use serde_json::{Map, Value, json};

use super::super::message::Answer;
use super::super::state::Database;
use super::context::{Context, RowKey, row_key};
use super::fault::Fault;
use super::payload::{object, own_id, row_of};
use super::rows::Values;
use super::schema::Table;
use super::write::{Guard, insert, no_content, upsert};

/// Carries out `CreateMultiple`, `UpdateMultiple` or `UpsertMultiple`: all targets or none.
pub(crate) fn carry_out(
    context: &Context<'_>,
    database: &mut Database,
    table: &Table,
    action: &str,
) -> Result<Answer, Fault> {
    let body = object(&context.call.body)?;
    let targets: Vec<&Map<String, Value>> = body
        .get("Targets")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    let before = database.clone();
    let short = action.strip_prefix("Microsoft.Dynamics.CRM.").unwrap_or(action);
    let result = match short {
        "CreateMultiple" => create_all(context, database, table, &targets),
        "UpdateMultiple" => upsert_all(context, database, table, &targets, &Guard::Exists),
        "UpsertMultiple" => upsert_all(context, database, table, &targets, &Guard::Free),
        _ => Err(Fault::segment(action)),
    };
    if result.is_err() {
        *database = before;
    }
    result
}

fn create_all(
    context: &Context<'_>,
    database: &mut Database,
    table: &Table,
    targets: &[&Map<String, Value>],
) -> Result<Answer, Fault> {
    let ids = targets
        .iter()
        .map(|body| insert(context, database, table, body, None))
        .collect::<Result<Vec<_>, _>>()?;
    let about = format!("{}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse", context.base);
    Ok(super::read::data(context, &json!({"@odata.context": about, "Ids": ids})))
}

fn upsert_all(
    context: &Context<'_>,
    database: &mut Database,
    table: &Table,
    targets: &[&Map<String, Value>],
    guard: &Guard,
) -> Result<Answer, Fault> {
    for body in targets {
        let key = named(context, database, table, body)?;
        upsert(context, database, table, &key, body, guard)?;
    }
    Ok(no_content())
}

/// Finds out which row a target of a bulk operation means: by `@odata.id`, or by its own primary id.
fn named(
    context: &Context<'_>,
    database: &Database,
    table: &Table,
    body: &Map<String, Value>,
) -> Result<RowKey, Fault> {
    if let Some(address) = body.get("@odata.id").and_then(Value::as_str) {
        let local = address
            .split_once("/api/data/")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map_or(address, |(_, rest)| rest);
        return match super::path::segments(local.trim_start_matches('/'))?.as_slice() {
            [segment] if segment.name == table.set => row_key(table, segment),
            _ => row_of(context, database, address).map(|(_, id)| RowKey::Id(id)),
        };
    }
    match own_id(table, body)? {
        Some(id) => Ok(RowKey::Id(id)),
        None => by_columns(table, body),
    }
}

/// Takes the alternate key whose columns the target holds.
fn by_columns(table: &Table, body: &Map<String, Value>) -> Result<RowKey, Fault> {
    let key =
        table.keys.iter().find(|key| key.columns.iter().all(|column| body.contains_key(column)));
    let key = key.ok_or_else(|| {
        Fault::argument(
            "Each target must name its record by an id or by the columns of an alternate key.",
        )
    })?;
    let values: Values = key
        .columns
        .iter()
        .filter_map(|column| Some((column.clone(), body.get(column)?.clone())))
        .collect();
    Ok(RowKey::Alternate(values))
}
