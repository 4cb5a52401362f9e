//! The action `BulkDelete`, carried out at once: the service does it by a job in the background
//! (<https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/bulkdelete>).

use serde_json::{Map, Value, json};

use super::super::guid::Guid;
use super::super::message::Answer;
use super::super::state::Database;
use super::context::Context;
use super::evaluate::{RowFields, check, holds};
use super::fault::Fault;
use super::filter::{Comparison, Condition, Operand};
use super::payload::object;
use super::rows;
use super::schema::Table;

/// Tells whether a path names the action.
pub(super) fn is_named(name: &str) -> bool {
    matches!(name, "BulkDelete" | "Microsoft.Dynamics.CRM.BulkDelete")
}

/// Deletes the rows that each query of the request finds.
pub(super) fn carry_out(context: &Context<'_>, database: &mut Database) -> Result<Answer, Fault> {
    let body = object(&context.call.body)?;
    let queries: Vec<&Map<String, Value>> = objects(body.get("QuerySet")).collect();
    if queries.is_empty() {
        return Err(Fault::argument("The parameter 'QuerySet' must hold at least one query."));
    }
    let mut doomed = Vec::new();
    for query in queries {
        doomed.push(found(context, database, query)?);
    }
    for (table, ids) in doomed {
        for id in ids {
            rows::delete(&context.site.schema, database, table, id);
        }
    }
    let about = format!("{}/$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse", context.base);
    let answer = json!({"@odata.context": about, "JobId": Guid::random().to_string()});
    Ok(super::read::data(context, &answer))
}

/// Finds the rows of a `QueryExpression`.
fn found<'a>(
    context: &Context<'a>,
    database: &Database,
    query: &Map<String, Value>,
) -> Result<(&'a Table, Vec<Guid>), Fault> {
    let schema = &context.site.schema;
    let name = text(query, "EntityName")?;
    let table = schema.table(name).ok_or_else(|| Fault::segment(name))?;
    context.privilege("Delete", table)?;
    let condition = query.get("Criteria").and_then(Value::as_object).map(filter).transpose()?;
    let condition = condition.flatten();
    if let Some(condition) = &condition {
        check(condition, schema, table)?;
    }
    let mut ids = Vec::new();
    for (id, row) in database.rows(&table.name) {
        let fields = RowFields { schema, database, table, row };
        if condition.as_ref().map_or(Ok(true), |condition| holds(condition, &fields))? {
            ids.push(id);
        }
    }
    Ok((table, ids))
}

/// Reads a `FilterExpression`; one without conditions finds every row.
fn filter(filter: &Map<String, Value>) -> Result<Option<Condition>, Fault> {
    let either = filter.get("FilterOperator").and_then(Value::as_str) == Some("Or");
    let inner = objects(filter.get("Filters")).filter_map(|inner| self::filter(inner).transpose());
    let conditions = objects(filter.get("Conditions")).map(condition).chain(inner);
    conditions.reduce(|left, right| Ok(joined(either, left?, right?))).transpose()
}

fn joined(either: bool, left: Condition, right: Condition) -> Condition {
    let (left, right) = (Box::new(left), Box::new(right));
    if either { Condition::Or(left, right) } else { Condition::And(left, right) }
}

/// Reads a `ConditionExpression`.
fn condition(condition: &Map<String, Value>) -> Result<Condition, Fault> {
    let path = vec![text(condition, "AttributeName")?.to_owned()];
    let values = condition.get("Values").and_then(Value::as_array).into_iter().flatten();
    let values: Vec<Value> = values.map(plain).collect();
    let compared = |comparison, value| {
        Condition::Compare(Operand::Path(path.clone()), comparison, Operand::Literal(value))
    };
    let first = || values.first().cloned().unwrap_or_default();
    Ok(match text(condition, "Operator")? {
        "In" => Condition::Among(path, values),
        "NotIn" => Condition::Not(Box::new(Condition::Among(path, values))),
        "Equal" => compared(Comparison::Equal, first()),
        "NotEqual" => compared(Comparison::NotEqual, first()),
        "GreaterThan" => compared(Comparison::Greater, first()),
        "GreaterEqual" => compared(Comparison::GreaterOrEqual, first()),
        "LessThan" => compared(Comparison::Less, first()),
        "LessEqual" => compared(Comparison::LessOrEqual, first()),
        "Null" => compared(Comparison::Equal, Value::Null),
        "NotNull" => compared(Comparison::NotEqual, Value::Null),
        other => {
            return Err(Fault::argument(format!(
                "The sandbox does not model the condition operator '{other}'."
            )));
        }
    })
}

/// Takes the value out of `{"Value": ..., "Type": "System.Guid"}`.
fn plain(value: &Value) -> Value {
    value.get("Value").unwrap_or(value).clone()
}

fn objects(value: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn text<'v>(values: &'v Map<String, Value>, name: &str) -> Result<&'v str, Fault> {
    let value = values.get(name).and_then(Value::as_str);
    value.ok_or_else(|| Fault::argument(format!("The property '{name}' must be a text.")))
}
