//! Rows as the JSON that the Web API answers.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::super::guid::Guid;
use super::super::state::{Database, Row};
use super::context::Context;
use super::evaluate::{Fields as _, RowFields, check, check_path, holds, order, read};
use super::fault::Fault;
use super::options::{Expand, Options};
use super::schema::{Column, Kind, Lookup, Table};

const FORMATTED: &str = "OData.Community.Display.V1.FormattedValue";
const LOOKUP_NAME: &str = "Microsoft.Dynamics.CRM.lookuplogicalname";
const NAVIGATION: &str = "Microsoft.Dynamics.CRM.associatednavigationproperty";

/// Prints the entity tag of a row.
pub(crate) fn tag(row: &Row) -> String {
    format!("W/\"{}\"", row.version)
}

/// Refuses options that name what the table has not, and expansions that the person may not read.
pub(crate) fn check_options(
    context: &Context<'_>,
    table: &Table,
    options: &Options,
) -> Result<(), Fault> {
    let schema = &context.site.schema;
    let type_name = table.type_name();
    for name in options.select.iter().flatten().filter(|name| *name != "*") {
        let property = table.property(name);
        let known = property.is_some() || table.navigation(name).is_some();
        known.then_some(()).ok_or_else(|| Fault::property(name, &type_name))?;
        property.map_or(Ok(()), |column| readable(table, column))?;
    }
    if let Some(condition) = &options.filter {
        check(condition, schema, table)?;
    }
    for (path, _) in &options.order {
        check_path(path, schema, table)?;
    }
    for expand in &options.expand {
        let other = expanded_table(context, table, &expand.name)?;
        context.privilege("Read", other)?;
        check_options(context, other, &expand.options)?;
    }
    Ok(())
}

/// Refuses a column that cannot be read.
pub(crate) fn readable(table: &Table, column: &Column) -> Result<(), Fault> {
    let message = format!("Attribute '{}' of '{}' is not valid for read.", column.name, table.name);
    column.for_read.then_some(()).ok_or_else(|| Fault::argument(message))
}

fn expanded_table<'a>(
    context: &Context<'a>,
    table: &Table,
    name: &str,
) -> Result<&'a Table, Fault> {
    let schema = &context.site.schema;
    let single = table.navigation(name).and_then(|(_, lookup)| schema.table(&lookup.target));
    let other = single.or_else(|| schema.collection(table, name).map(|(other, _)| other));
    other.ok_or_else(|| Fault::property(name, &table.type_name()))
}

/// Selects, orders and limits rows.
pub(crate) fn query<'d>(
    context: &Context<'_>,
    database: &'d Database,
    table: &Table,
    rows: impl Iterator<Item = (Guid, &'d Row)>,
    options: &Options,
) -> Result<Vec<&'d Row>, Fault> {
    let schema = &context.site.schema;
    let fields = |row| RowFields { schema, database, table, row };
    let mut found = Vec::new();
    let seen = rows.filter(|(_, row)| !super::plug_in::is_hidden(context.site, table, row));
    for (_, row) in seen {
        let fulfils =
            options.filter.as_ref().map_or(Ok(true), |condition| holds(condition, &fields(row)))?;
        if fulfils {
            let keys = options
                .order
                .iter()
                .map(|(path, _)| fields(row).value(path))
                .collect::<Result<Vec<_>, _>>()?;
            found.push((keys, row));
        }
    }
    found.sort_by(|(left, _), (right, _)| compare(left, right, &options.order));
    Ok(found.into_iter().map(|(_, row)| row).collect())
}

fn compare(left: &[Value], right: &[Value], directions: &[(Vec<String>, bool)]) -> Ordering {
    let pairs = left.iter().zip(right).zip(directions);
    let orders = pairs.map(|((left, right), (_, down))| {
        let order = match (left.is_null(), right.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => order(left, right).unwrap_or(Ordering::Equal),
        };
        if *down { order.reverse() } else { order }
    });
    orders.into_iter().find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
}

/// Prints a row.
pub(crate) fn row(
    context: &Context<'_>,
    database: &Database,
    table: &Table,
    row: &Row,
    options: &Options,
) -> Result<Map<String, Value>, Fault> {
    let mut body = Map::new();
    if table.tagged {
        body.insert("@odata.etag".to_owned(), json!(tag(row)));
    }
    for column in
        table.columns.iter().filter(|column| wanted(table, column, options.select.as_deref()))
    {
        property(context, database, row, column, &mut body);
    }
    for expand in &options.expand {
        let value = expanded(context, database, table, row, expand)?;
        body.insert(expand.name.clone(), value);
    }
    Ok(body)
}

/// Tells whether a column is printed: the primary id always is.
fn wanted(table: &Table, column: &Column, select: Option<&[String]>) -> bool {
    let Some(names) = select.filter(|names| !names.is_empty()) else { return column.for_read };
    let navigation = column.lookup().map(|lookup| lookup.navigation.as_str());
    let property = column.property();
    column.name == table.id
        || names
            .iter()
            .any(|name| name == "*" || *name == property || Some(name.as_str()) == navigation)
}

fn property(
    context: &Context<'_>,
    database: &Database,
    row: &Row,
    column: &Column,
    body: &mut Map<String, Value>,
) {
    let name = column.property();
    let value = read(row, column);
    let preferences = &context.preferences;
    if !value.is_null() && !preferences.annotations.is_empty() {
        if let Some(text) =
            formatted(context, database, column, &value).filter(|_| preferences.wants(FORMATTED))
        {
            body.insert(format!("{name}@{FORMATTED}"), json!(text));
        }
        if let Some(lookup) = column.lookup() {
            annotate_lookup(context, &name, lookup, body);
        }
    }
    body.insert(name, value);
}

fn annotate_lookup(
    context: &Context<'_>,
    name: &str,
    lookup: &Lookup,
    body: &mut Map<String, Value>,
) {
    for (annotation, value) in [(NAVIGATION, &lookup.navigation), (LOOKUP_NAME, &lookup.target)] {
        if context.preferences.wants(annotation) {
            body.insert(format!("{name}@{annotation}"), json!(value));
        }
    }
}

/// Prints a value as people see it, where that differs.
fn formatted(
    context: &Context<'_>,
    database: &Database,
    column: &Column,
    value: &Value,
) -> Option<String> {
    match &column.kind {
        Kind::Choice(labels) | Kind::State(labels) => labels.get(&value.as_i64()?).cloned(),
        Kind::Status(labels) => labels.get(&value.as_i64()?).map(|(_, label)| label.clone()),
        Kind::Boolean => Some(if value.as_bool()? { "Yes" } else { "No" }.to_owned()),
        Kind::Integer | Kind::BigInteger | Kind::Decimal | Kind::Double => Some(value.to_string()),
        Kind::DateTime => value.as_str().map(|text| text.replace('T', " ").replace('Z', "")),
        Kind::Lookup(lookup) => {
            let table = context.site.schema.table(&lookup.target)?;
            let target = database.row(&table.name, value.as_str()?.parse().ok()?)?;
            target.text(&table.primary_name).map(str::to_owned)
        }
        Kind::Id | Kind::Guid | Kind::Text(_) | Kind::Memo(_) => None,
    }
}

fn expanded(
    context: &Context<'_>,
    database: &Database,
    table: &Table,
    from: &Row,
    expand: &Expand,
) -> Result<Value, Fault> {
    let schema = &context.site.schema;
    let other = expanded_table(context, table, &expand.name)?;
    if let Some((column, _)) = table.navigation(&expand.name) {
        let target = from.guid(&column.name).and_then(|id| database.row(&other.name, id));
        return target.map_or(Ok(Value::Null), |target| {
            row(context, database, other, target, &expand.options).map(Value::Object)
        });
    }
    let (_, column) = schema
        .collection(table, &expand.name)
        .ok_or_else(|| Fault::property(&expand.name, &table.type_name()))?;
    let members = members(database, other, column, from.value(&table.id));
    let members = query(context, database, other, members, &expand.options)?;
    let limit = expand.options.top.unwrap_or(usize::MAX);
    members
        .into_iter()
        .take(limit)
        .map(|member| row(context, database, other, member, &expand.options).map(Value::Object))
        .collect()
}

/// Returns the rows whose lookup points to a row.
fn members<'d>(
    database: &'d Database,
    other: &'d Table,
    column: &'d Column,
    own: &'d Value,
) -> Box<dyn Iterator<Item = (Guid, &'d Row)> + 'd> {
    let text = own.as_str().unwrap_or_default();
    match database.holding(&other.name, &column.name, &[text]) {
        Some(rows) => Box::new(rows.into_iter()),
        None => Box::new(
            database.rows(&other.name).filter(move |(_, member)| member.value(&column.name) == own),
        ),
    }
}

/// Prints what stands in parentheses of `@odata.context`.
pub(crate) fn projection(options: &Options) -> String {
    let mut parts: Vec<String> = options.select.clone().unwrap_or_default();
    parts.extend(options.expand.iter().map(|expand| {
        let inner = projection(&expand.options);
        if inner.is_empty() {
            format!("{}()", expand.name)
        } else {
            format!("{}{inner}", expand.name)
        }
    }));
    if parts.is_empty() { String::new() } else { format!("({})", parts.join(",")) }
}
