//! Bodies of writes: JSON to values of columns, with the checks that the platform makes.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::guid::Guid;
use super::super::state::Database;
use super::context::{Context, RowKey, locate, row_key};
use super::evaluate::type_of;
use super::fault::Fault;
use super::path::segments;
use super::rows::Values;
use super::schema::{Column, Kind, Lookup, Table};
use super::token::without_fraction;

/// Whether a row is created or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is created.
    Create,
    /// It is changed.
    Update,
}

/// Reads the JSON object of a body.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Fault> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Fault::payload(
            "Error identified in Payload provided by the user: a JSON object is expected.",
        )),
        Err(error) => Err(Fault::payload(format!(
            "Error identified in Payload provided by the user: {error}"
        ))),
    }
}

/// Turns a body into values; annotations stand for nothing, `x@odata.bind` for a lookup.
pub(crate) fn values(
    context: &Context<'_>,
    database: &Database,
    table: &Table,
    body: &Map<String, Value>,
    purpose: Purpose,
) -> Result<Values, Fault> {
    let mut values = Values::new();
    for (name, value) in body {
        if let Some(navigation) = name.strip_suffix("@odata.bind") {
            let (column, lookup) =
                table.navigation(navigation).ok_or_else(|| undeclared(navigation))?;
            let target = bound(context, database, table, lookup, value)?;
            allowed(column, purpose)?;
            values.insert(column.name.clone(), target);
        } else if !name.contains('@') {
            let column = table.property(name).filter(|column| column.lookup().is_none());
            let column = column.ok_or_else(|| unknown(table, name))?;
            // The primary id may be repeated in an update.
            if column.name == table.id && purpose == Purpose::Update {
                continue;
            }
            allowed(column, purpose)?;
            values.insert(column.name.clone(), checked(table, column, value)?);
        }
    }
    Ok(values)
}

/// Reads the id that a body gives its new row.
pub(crate) fn own_id(table: &Table, body: &Map<String, Value>) -> Result<Option<Guid>, Fault> {
    let Some(value) = body.get(&table.id).filter(|value| !value.is_null()) else { return Ok(None) };
    let id = value.as_str().and_then(|text| text.parse().ok());
    id.map(Some).ok_or_else(|| mismatch(value, "Edm.Guid"))
}

fn undeclared(name: &str) -> Fault {
    Fault::payload(format!(
        "An undeclared property '{name}' which only has property annotations in the payload but no property value was found in the payload. In OData, only declared navigation properties and declared named streams can be represented as properties without values."
    ))
}

fn unknown(table: &Table, name: &str) -> Fault {
    if table.navigation(name).is_some() || table.column(name).is_some() {
        return Fault::payload(format!(
            "The sandbox does not model inserting into the navigation property '{name}': bind it with '@odata.bind'."
        ));
    }
    let type_name = table.type_name();
    Fault::payload(format!(
        "Error identified in Payload provided by the user for Entity :'{}'. InnerException : Invalid property '{name}' was found in entity '{type_name}'.",
        table.set
    ))
}

/// Refuses what only the platform sets, or what cannot be changed any more.
fn allowed(column: &Column, purpose: Purpose) -> Result<(), Fault> {
    let allowed = match purpose {
        Purpose::Create => column.for_create,
        Purpose::Update => column.for_update,
    };
    let verb = if purpose == Purpose::Create { "created" } else { "updated" };
    allowed
        .then_some(())
        .ok_or_else(|| Fault::argument(format!("The property '{}' cannot be {verb}.", column.name)))
}

/// Checks type, length and options.
fn checked(table: &Table, column: &Column, value: &Value) -> Result<Value, Fault> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let wrong = || mismatch(value, type_of(&column.kind));
    match &column.kind {
        Kind::Text(longest) | Kind::Memo(longest) => {
            let text = value.as_str().ok_or_else(wrong)?;
            length(table, column, text, *longest)?;
            Ok(value.clone())
        }
        Kind::Id | Kind::Guid | Kind::Lookup(_) => {
            let guid: Option<Guid> = value.as_str().and_then(|text| text.parse().ok());
            guid.map(|guid| json!(guid.to_string())).ok_or_else(wrong)
        }
        Kind::Integer => value
            .as_i64()
            .and_then(|number| i32::try_from(number).ok())
            .map(Value::from)
            .ok_or_else(wrong),
        Kind::BigInteger => value.as_i64().map(Value::from).ok_or_else(wrong),
        Kind::Decimal | Kind::Double => value.is_number().then(|| value.clone()).ok_or_else(wrong),
        Kind::Boolean => value.is_boolean().then(|| value.clone()).ok_or_else(wrong),
        Kind::DateTime => moment(value).ok_or_else(wrong),
        Kind::Choice(options) | Kind::State(options) => {
            option(table, column, value, &mut options.keys())
        }
        Kind::Status(options) => option(table, column, value, &mut options.keys()),
    }
}

fn length(table: &Table, column: &Column, text: &str, longest: usize) -> Result<(), Fault> {
    // The platform counts UTF-16 units, as .NET strings do.
    if text.encode_utf16().count() <= longest {
        return Ok(());
    }
    let message = format!(
        "A validation error occurred.  The length of the '{}' attribute of the '{}' entity exceeded the maximum allowed length of '{longest}'.",
        column.name, table.name
    );
    Err(Fault::new(StatusCode::BAD_REQUEST, "0x80044331", message))
}

fn moment(value: &Value) -> Option<Value> {
    let text = value.as_str()?;
    let literal = super::token::literal(text).filter(Value::is_string)?;
    let day_alone = text.len() == 10;
    let moment =
        if day_alone { format!("{text}T00:00:00Z") } else { without_fraction(literal.as_str()?) };
    Some(json!(moment))
}

fn option(
    table: &Table,
    column: &Column,
    value: &Value,
    options: &mut dyn Iterator<Item = &i64>,
) -> Result<Value, Fault> {
    let number = value.as_i64().ok_or_else(|| mismatch(value, "Edm.Int32"))?;
    let known: Vec<String> = options.map(i64::to_string).collect();
    if known.contains(&number.to_string()) {
        return Ok(value.clone());
    }
    let message = format!(
        "A validation error occurred. The value {number} of '{}' on record of type '{}' is outside the valid range. Accepted Values: {}",
        column.name,
        table.name,
        known.join(",")
    );
    Err(Fault::new(StatusCode::BAD_REQUEST, "0x8004431a", message))
}

fn mismatch(value: &Value, type_name: &str) -> Fault {
    Fault::payload(format!(
        "Cannot convert the literal '{}' to the expected type '{type_name}'.",
        value.to_string().trim_matches('"')
    ))
}

/// Finds the row that a binding names: `/set(key)`, an address, or `$1` of the same change set.
fn bound(
    context: &Context<'_>,
    database: &Database,
    table: &Table,
    lookup: &Lookup,
    value: &Value,
) -> Result<Value, Fault> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let text = value.as_str().ok_or_else(|| mismatch(value, "Edm.String"))?;
    let (target, id) = row_of(context, database, text)?;
    if target.name != lookup.target {
        return Err(Fault::payload(format!(
            "The resource '{text}' is not of the type '{}'.",
            lookup.target
        )));
    }
    if !lookup.platform {
        context.privilege("Append", table)?;
        context.privilege("AppendTo", target)?;
    }
    Ok(json!(id.to_string()))
}

/// Finds the row that a reference names.
pub(crate) fn row_of<'a>(
    context: &Context<'a>,
    database: &Database,
    text: &str,
) -> Result<(&'a Table, Guid), Fault> {
    if let Some(number) = text.strip_prefix('$') {
        let (table, id) = context.references.get(number).ok_or_else(|| no_reference(number))?;
        return context
            .site
            .schema
            .table(table)
            .map(|table| (table, *id))
            .ok_or_else(|| no_reference(number));
    }
    let local = text
        .split_once("/api/data/")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map_or(text, |(_, rest)| rest);
    let parts = segments(local.trim_start_matches('/'))?;
    let [segment] = parts.as_slice() else {
        return Err(Fault::payload(format!("The resource '{text}' is not a record.")));
    };
    let table = context.set(&segment.name)?;
    let key = row_key(table, segment)?;
    match (locate(database, table, &key), &key) {
        (Some(id), _) => Ok((table, id)),
        (None, RowKey::Id(id)) => Err(Fault::absent(table, &id.to_string())),
        (None, RowKey::Alternate(_)) => Err(Fault::absent_key(table)),
    }
}

/// Refuses a reference to an operation that did not come before.
pub(crate) fn no_reference(number: &str) -> Fault {
    Fault::address(format!(
        "Content-ID Reference: '${number}' does not exist in the batch context."
    ))
}
