//! Creating, changing and deleting rows, under the guards that a request carries.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::super::guid::Guid;
use super::super::message::Answer;
use super::super::state::Database;
use super::context::{Context, RowKey, absent, locate, row_key};
use super::fault::Fault;
use super::options::{Options, parse};
use super::path::Segment;
use super::payload::{Purpose, no_reference, object, own_id, values};
use super::read::entity;
use super::render::tag;
use super::rows;
use super::schema::Table;

/// The precondition of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Guard {
    /// None.
    Free,
    /// The row must exist.
    Exists,
    /// The row must not exist.
    Absent,
    /// The row must have one of these versions.
    Version(String),
}

impl Guard {
    fn of(context: &Context<'_>) -> Self {
        let call = context.call;
        match (call.header("if-match"), call.header("if-none-match")) {
            (Some("*"), _) => Self::Exists,
            (Some(tags), _) => Self::Version(tags.to_owned()),
            (None, Some("*")) => Self::Absent,
            // `If-None-Match: null` only defeats the caches of browsers.
            (None, _) => Self::Free,
        }
    }

    fn admits(&self, table: &Table, tag: &str) -> Result<(), Fault> {
        let message = format!(
            "Optimistic concurrency isn't enabled for entity type {}. The IfVersionMatches value of ConcurrencyBehavior can only be used if optimistic concurrency is enabled.",
            table.name
        );
        match self {
            Self::Free | Self::Exists => Ok(()),
            Self::Absent => Err(Fault::exists()),
            Self::Version(_) if !table.optimistic => {
                Err(Fault::new(StatusCode::BAD_REQUEST, "0x8006088d", message))
            }
            Self::Version(tags) => {
                let matches = tags.split(',').any(|one| bare(one) == bare(tag));
                matches.then_some(()).ok_or_else(Fault::version)
            }
        }
    }
}

/// Drops the mark of a weak tag: `W/"1"` and `"1"` name one version.
fn bare(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/").trim_matches('"')
}

/// A row that was written.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// The logical name of its table.
    pub(crate) table: String,
    /// Its id.
    pub(crate) id: Guid,
}

/// Carries out a request that changes rows. Whatever can be refused is refused before the first change, so that
/// a failed operation leaves nothing behind.
pub(crate) fn write(
    context: &Context<'_>,
    database: &mut Database,
    segments: &[Segment],
) -> Result<(Answer, Option<Written>), Fault> {
    let (first, rest) = segments.split_first().ok_or_else(|| Fault::segment(""))?;
    let (table, key) = target(context, first)?;
    let method = &context.call.method;
    match (key, rest) {
        (None, []) if method == Method::POST => create(context, database, table),
        (None, [action]) if method == Method::POST => {
            super::bulk::carry_out(context, database, table, &action.name)
                .map(|answer| (answer, None))
        }
        (Some(key), []) if method == Method::PATCH => patch(context, database, table, &key),
        (Some(key), []) if method == Method::DELETE => {
            delete(context, database, table, &key).map(|answer| (answer, None))
        }
        (Some(key), [property, rest @ ..]) if method == Method::PUT || method == Method::DELETE => {
            single(context, database, (table, &key), &property.name, rest)
                .map(|answer| (answer, None))
        }
        _ => Err(Fault::method(format!(
            "The requested resource does not support http method '{method}'."
        ))),
    }
}

/// Finds what a path begins with: an entity set, a row of it, or `$1` of the same change set.
fn target<'a>(
    context: &Context<'a>,
    segment: &Segment,
) -> Result<(&'a Table, Option<RowKey>), Fault> {
    if let Some(number) = segment.name.strip_prefix('$') {
        let (table, id) = context.references.get(number).ok_or_else(|| no_reference(number))?;
        let table = context.site.schema.table(table).ok_or_else(|| no_reference(number))?;
        return Ok((table, Some(RowKey::Id(*id))));
    }
    let table = context.set(&segment.name)?;
    let keyed = segment.arguments.as_ref().is_some_and(|arguments| !arguments.is_empty());
    Ok((table, if keyed { Some(row_key(table, segment)?) } else { None }))
}

fn create(
    context: &Context<'_>,
    database: &mut Database,
    table: &Table,
) -> Result<(Answer, Option<Written>), Fault> {
    let body = object(&context.call.body)?;
    let shown = shown(context, table)?;
    let id = insert(context, database, table, &body, None)?;
    respond(context, database, table, (id, true), shown.as_ref())
}

/// Creates a row from a body, under the values of the key that named it, if one did.
pub(super) fn insert(
    context: &Context<'_>,
    database: &mut Database,
    table: &Table,
    body: &Map<String, Value>,
    key: Option<&RowKey>,
) -> Result<Guid, Fault> {
    context.privilege("Create", table)?;
    let mut given = values(context, database, table, body, Purpose::Create)?;
    let id = match key {
        Some(RowKey::Id(id)) => *id,
        Some(RowKey::Alternate(keys)) => {
            given.extend(keys.clone());
            own_id(table, body)?.unwrap_or_else(Guid::random)
        }
        None => own_id(table, body)?.unwrap_or_else(Guid::random),
    };
    rows::create(context.site, database, table, id, given)?;
    Ok(id)
}

/// Changes a row, or creates it where the guard lets it (an upsert).
fn patch(
    context: &Context<'_>,
    database: &mut Database,
    table: &Table,
    key: &RowKey,
) -> Result<(Answer, Option<Written>), Fault> {
    let body = object(&context.call.body)?;
    let shown = shown(context, table)?;
    let written = upsert(context, database, table, key, &body, &Guard::of(context))?;
    respond(context, database, table, written, shown.as_ref())
}

/// Changes the row of a key, or creates it where the guard lets it; tells which.
pub(super) fn upsert(
    context: &Context<'_>,
    database: &mut Database,
    table: &Table,
    key: &RowKey,
    body: &Map<String, Value>,
    guard: &Guard,
) -> Result<(Guid, bool), Fault> {
    let Some(id) = locate(database, table, key) else {
        return match guard {
            Guard::Exists | Guard::Version(_) => Err(absent(table, key)),
            Guard::Free | Guard::Absent => {
                insert(context, database, table, body, Some(key)).map(|id| (id, true))
            }
        };
    };
    context.privilege("Write", table)?;
    let current = database.row(&table.name, id).map(tag).unwrap_or_default();
    guard.admits(table, &current)?;
    let body = without_key(body, key);
    let changes = values(context, database, table, &body, Purpose::Update)?;
    rows::update(context.site, database, table, id, changes)?;
    Ok((id, false))
}

/// Leaves out what the key already says.
fn without_key(body: &Map<String, Value>, key: &RowKey) -> Map<String, Value> {
    let mut body = body.clone();
    if let RowKey::Alternate(keys) = key {
        body.retain(|name, value| !keys.get(name).is_some_and(|known| rows::same(known, value)));
    }
    body
}

fn delete(
    context: &Context<'_>,
    database: &mut Database,
    table: &Table,
    key: &RowKey,
) -> Result<Answer, Fault> {
    context.privilege("Delete", table)?;
    let id = locate(database, table, key).ok_or_else(|| absent(table, key))?;
    let current = database.row(&table.name, id).map(tag).unwrap_or_default();
    Guard::of(context).admits(table, &current)?;
    rows::delete(&context.site.schema, database, table, id);
    Ok(no_content())
}

/// Sets or clears one property, or one lookup through `$ref`.
fn single(
    context: &Context<'_>,
    database: &mut Database,
    (table, key): (&Table, &RowKey),
    name: &str,
    rest: &[Segment],
) -> Result<Answer, Fault> {
    context.privilege("Write", table)?;
    let id = locate(database, table, key).ok_or_else(|| absent(table, key))?;
    let current = database.row(&table.name, id).map(tag).unwrap_or_default();
    Guard::of(context).admits(table, &current)?;
    let clears = context.call.method == Method::DELETE;
    let body = if clears { Map::new() } else { object(&context.call.body)? };
    let wanted = |field: &str| {
        if clears { Value::Null } else { body.get(field).cloned().unwrap_or_default() }
    };
    let change = match rest {
        [] => json!({name: wanted("value")}),
        [one] if one.name == "$ref" => json!({format!("{name}@odata.bind"): wanted("@odata.id")}),
        [other, ..] => return Err(Fault::segment(&other.name)),
    };
    let Value::Object(change) = change else { return Err(Fault::segment(name)) };
    let changes = values(context, database, table, &change, Purpose::Update)?;
    rows::update(context.site, database, table, id, changes)?;
    Ok(no_content())
}

/// Reads what of the written row is to be shown, before anything is written.
fn shown(context: &Context<'_>, table: &Table) -> Result<Option<Options>, Fault> {
    if !context.preferences.representation {
        return Ok(None);
    }
    let options = parse(&context.call.parameters())?;
    super::render::check_options(context, table, &options)?;
    Ok(Some(options))
}

/// Answers a write: the address of the row, and the row itself where that is preferred.
fn respond(
    context: &Context<'_>,
    database: &Database,
    table: &Table,
    (id, created): (Guid, bool),
    shown: Option<&Options>,
) -> Result<(Answer, Option<Written>), Fault> {
    let mut answer = no_content();
    if let Some(options) = shown {
        let row = database.row(&table.name, id);
        let row = row.ok_or_else(|| Fault::absent(table, &id.to_string()))?;
        answer = super::read::data(context, &entity(context, database, table, row, options)?);
        answer.status = if created { StatusCode::CREATED } else { StatusCode::OK };
        answer.set("etag", &tag(row));
    }
    let address = context.address(table, id);
    answer.set("odata-entityid", &address);
    if created {
        answer.set("location", &address);
    }
    Ok((answer, Some(Written { table: table.name.clone(), id })))
}

/// Makes an answer that has nothing to show.
pub(super) fn no_content() -> Answer {
    Answer::empty(StatusCode::NO_CONTENT).with("odata-version", "4.0")
}
