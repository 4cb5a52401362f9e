//! Reading rows.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::guid::Guid;
use super::super::message::Answer;
use super::super::state::{Database, Row};
use super::context::{Context, absent, locate, row_key};
use super::fault::Fault;
use super::filter::Condition;
use super::functions;
use super::options::{Options, cookie, parse};
use super::path::Segment;
use super::plug_in;
use super::render::{check_options, projection, query, row, tag};
use super::schema::Table;

/// The largest page, and the one that is sent when none is asked for.
const PAGE: usize = 5000;

/// Answers a GET below an entity set.
pub(crate) fn read(
    context: &Context<'_>,
    database: &Database,
    segments: &[Segment],
) -> Result<Answer, Fault> {
    let (first, rest) = segments.split_first().ok_or_else(|| Fault::segment(""))?;
    let table = context.set(&first.name)?;
    context.privilege("Read", table)?;
    let options = parse(&context.call.parameters())?;
    let keyed = first.arguments.as_ref().is_some_and(|arguments| !arguments.is_empty());
    if !keyed {
        return match rest {
            [] => rows(context, database, table, candidates(database, table, &options), &options),
            [one] if one.name == "$count" => count(context, database, table, &options),
            [other, ..] => Err(Fault::segment(&other.name)),
        };
    }
    let key = row_key(table, first)?;
    let id = locate(database, table, &key).ok_or_else(|| absent(table, &key))?;
    let found = database.row(&table.name, id);
    let found = found.filter(|row| !plug_in::is_hidden(context.site, table, row));
    let found = found.ok_or_else(|| absent(table, &key))?;
    match rest {
        [] => single(context, database, table, found, &options),
        [function] if functions::is_held_privileges(table, function) => {
            functions::held_privileges(context, function)
        }
        [property, rest @ ..] => below(context, database, table, found, (property, rest), &options),
    }
}

/// Returns the rows that may fulfil the filter, in the order of their ids: all of them, unless it asks
/// for one of some values in a column that leads to its rows.
fn candidates<'d>(
    database: &'d Database,
    table: &'d Table,
    options: &Options,
) -> Box<dyn Iterator<Item = (Guid, &'d Row)> + 'd> {
    let all = || Box::new(database.rows(&table.name)) as Box<_>;
    let Some(Condition::Among(path, values)) = &options.filter else { return all() };
    let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
    let (Some(texts), [name]) = (texts, path.as_slice()) else { return all() };
    if *name == table.id {
        let ids: BTreeSet<Guid> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        let row = |id| Some((id, database.row(&table.name, id)?));
        return Box::new(ids.into_iter().filter_map(row));
    }
    let column = table.property(name).map_or("", |column| column.name.as_str());
    database
        .holding(&table.name, column, &texts)
        .map_or_else(all, |rows| Box::new(rows.into_iter()))
}

/// Answers rows, in pages.
fn rows<'d>(
    context: &Context<'_>,
    database: &'d Database,
    table: &Table,
    all: impl Iterator<Item = (Guid, &'d Row)>,
    options: &Options,
) -> Result<Answer, Fault> {
    check_options(context, table, options)?;
    let found = query(context, database, table, all, options)?;
    let total = found.len();
    let start = options.skip_token.unwrap_or(0);
    let size = context.preferences.page.unwrap_or(PAGE).min(PAGE);
    // With a page size, $top is ignored.
    let end = if context.preferences.page.is_some() {
        total
    } else {
        options.top.map_or(total, |top| total.min(top))
    };
    let page = found.iter().take(end).skip(start).take(size);
    let values = page
        .map(|found| row(context, database, table, found, options).map(Value::Object))
        .collect::<Result<Vec<_>, _>>()?;
    let mut body = Map::new();
    body.insert(
        "@odata.context".to_owned(),
        json!(format!("{}/$metadata#{}{}", context.base, table.set, projection(options))),
    );
    if options.count {
        body.insert("@odata.count".to_owned(), json!(total));
    }
    if context.preferences.wants("Microsoft.Dynamics.CRM.totalrecordcount") {
        let known = if options.count { i64::try_from(total).unwrap_or(-1) } else { -1 };
        body.insert("@Microsoft.Dynamics.CRM.totalrecordcount".to_owned(), json!(known));
        body.insert(
            "@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded".to_owned(),
            json!(false),
        );
    }
    body.insert("value".to_owned(), json!(values));
    if start + size < end {
        body.insert(
            "@odata.nextLink".to_owned(),
            json!(next_link(context, start / size + 2, start + size)),
        );
    }
    Ok(data(context, &Value::Object(body)))
}

/// Repeats the request with the place where this page ended.
fn next_link(context: &Context<'_>, page: usize, position: usize) -> String {
    let call = context.call;
    let kept = call.query.split('&').filter(|part| {
        !part.is_empty() && !part.starts_with("$skiptoken=") && !part.starts_with("%24skiptoken=")
    });
    let token = percent_encoding::utf8_percent_encode(
        &cookie(page, position),
        percent_encoding::NON_ALPHANUMERIC,
    )
    .to_string();
    let parts: Vec<String> =
        kept.map(str::to_owned).chain([format!("$skiptoken={token}")]).collect();
    format!("{}{}?{}", call.origin.address(), call.path, parts.join("&"))
}

/// Answers the number of rows as text, which begins with a byte order mark.
fn count(
    context: &Context<'_>,
    database: &Database,
    table: &Table,
    options: &Options,
) -> Result<Answer, Fault> {
    check_options(context, table, options)?;
    let found = query(context, database, table, database.rows(&table.name), options)?;
    Ok(Answer::text(StatusCode::OK, "text/plain", format!("\u{feff}{}", found.len()))
        .with("odata-version", "4.0"))
}

/// Answers one row, or that it is the one the client has.
fn single(
    context: &Context<'_>,
    database: &Database,
    table: &Table,
    found: &Row,
    options: &Options,
) -> Result<Answer, Fault> {
    check_options(context, table, options)?;
    let known = context
        .call
        .header("if-none-match")
        .is_some_and(|tags| tags.split(',').any(|one| one.trim() == tag(found)));
    if known
        && table.optimistic
        && options.expand.is_empty()
        && context.preferences.annotations.is_empty()
    {
        return Ok(Answer::empty(StatusCode::NOT_MODIFIED)
            .with("etag", &tag(found))
            .with("odata-version", "4.0"));
    }
    let body = entity(context, database, table, found, options)?;
    Ok(data(context, &body).with("etag", &tag(found)))
}

/// Prints one row with its context.
pub(crate) fn entity(
    context: &Context<'_>,
    database: &Database,
    table: &Table,
    found: &Row,
    options: &Options,
) -> Result<Value, Fault> {
    let mut body = Map::new();
    let about = format!("{}/$metadata#{}{}/$entity", context.base, table.set, projection(options));
    body.insert("@odata.context".to_owned(), json!(about));
    body.extend(row(context, database, table, found, options)?);
    Ok(Value::Object(body))
}

/// Answers what stands below a row: a property, its raw value, or related rows.
fn below(
    context: &Context<'_>,
    database: &Database,
    table: &Table,
    found: &Row,
    (segment, rest): (&Segment, &[Segment]),
    options: &Options,
) -> Result<Answer, Fault> {
    let name = &segment.name;
    if let Some(column) = table.property(name) {
        let value = super::evaluate::read(found, column);
        return match rest {
            [] => Ok(property(context, table, found, name, &value)),
            [one] if one.name == "$value" => Ok(raw(&value)),
            [other, ..] => Err(Fault::segment(&other.name)),
        };
    }
    let schema = &context.site.schema;
    if let Some((column, lookup)) = table.navigation(name) {
        let other = schema.table(&lookup.target).ok_or_else(|| Fault::segment(name))?;
        context.privilege("Read", other)?;
        let Some(target) = found
            .guid(&column.name)
            .and_then(|id| database.row(&other.name, id).map(|row| (id, row)))
        else {
            return Ok(Answer::empty(StatusCode::NO_CONTENT).with("odata-version", "4.0"));
        };
        return match rest {
            [] => single(context, database, other, target.1, options),
            [one] if one.name == "$ref" => Ok(reference(context, other, target.0)),
            [other, ..] => Err(Fault::segment(&other.name)),
        };
    }
    let (other, column) = schema.collection(table, name).ok_or_else(|| Fault::segment(name))?;
    context.privilege("Read", other)?;
    let own = found.value(&table.id);
    rows(
        context,
        database,
        other,
        database.rows(&other.name).filter(|(_, member)| member.value(&column.name) == own),
        options,
    )
}

fn property(
    context: &Context<'_>,
    table: &Table,
    found: &Row,
    name: &str,
    value: &Value,
) -> Answer {
    if value.is_null() {
        return Answer::empty(StatusCode::NO_CONTENT).with("odata-version", "4.0");
    }
    let id = found.text(&table.id).unwrap_or_default();
    let about = format!("{}/$metadata#{}({id})/{name}", context.base, table.set);
    data(context, &json!({"@odata.context": about, "value": value}))
}

fn raw(value: &Value) -> Answer {
    let text = match value {
        Value::Null => {
            return Answer::empty(StatusCode::NO_CONTENT).with("odata-version", "4.0");
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Answer::text(StatusCode::OK, "text/plain", text).with("odata-version", "4.0")
}

fn reference(context: &Context<'_>, table: &Table, id: Guid) -> Answer {
    let about = format!("{}/$metadata#$ref", context.base);
    data(context, &json!({"@odata.context": about, "@odata.id": context.address(table, id)}))
}

/// Makes the answer of a read.
pub(crate) fn data(context: &Context<'_>, body: &Value) -> Answer {
    let mut answer =
        Answer::text(StatusCode::OK, "application/json; odata.metadata=minimal", body.to_string())
            .with("odata-version", "4.0");
    context.preferences.note(&mut answer);
    answer
}
