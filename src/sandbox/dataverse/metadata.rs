//! Descriptions of tables: `EntityDefinitions` and what stands below it.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::super::message::Answer;
use super::context::Context;
use super::describe::{attribute, cast_of, entity, key, relationship};
use super::evaluate::holds;
use super::fault::Fault;
use super::options::{Expand, Options, parse};
use super::path::Segment;
use super::read::data;
use super::schema::Table;

const PREFIX: &str = "Microsoft.Dynamics.CRM.";

/// Answers a GET of descriptions; `segments` are those after `EntityDefinitions`, whose own arguments come first.
pub(crate) fn answer(
    context: &Context<'_>,
    first: &Segment,
    rest: &[Segment],
) -> Result<Answer, Fault> {
    if context.call.method != Method::GET {
        return Err(Fault::method("The sandbox does not model changes of tables."));
    }
    let options = parse(&context.call.parameters())?;
    let Some(name) = named(first) else {
        return definitions(context, &options);
    };
    let table = find(context, first, &name)?;
    match rest {
        [] => one(context, &options, "EntityDefinitions", described(context, table)),
        [part, rest @ ..] => below(context, &options, table, part, rest),
    }
}

/// Reads the value of `(LogicalName='x')` or `(id)`.
fn named(segment: &Segment) -> Option<String> {
    let argument = segment.arguments.as_ref()?.first()?;
    argument.value.as_str().map(str::to_owned)
}

fn find<'a>(context: &Context<'a>, segment: &Segment, name: &str) -> Result<&'a Table, Fault> {
    let schema = &context.site.schema;
    let by_name =
        segment.arguments.as_ref().and_then(|all| all.first()).and_then(|one| one.name.as_deref());
    let found = match by_name {
        Some("LogicalName") => schema.table(&name.to_lowercase()),
        Some("EntitySetName") => schema.set(name),
        _ => schema.tables.iter().find(|table| super::schema::metadata_id(&[&table.name]) == name),
    };
    let message = format!("Could not find an entity with specified name: {name}.");
    found.ok_or_else(|| Fault::new(StatusCode::NOT_FOUND, "0x80060888", message))
}

fn definitions(context: &Context<'_>, options: &Options) -> Result<Answer, Fault> {
    let tables = context.site.schema.tables.iter();
    let tables: Vec<Value> = tables.map(|table| described(context, table)).collect();
    many(context, options, "EntityDefinitions", tables)
}

/// Describes a table, with the relationships that are shown only when they are expanded.
fn described(context: &Context<'_>, table: &Table) -> Value {
    let mut body = entity(table);
    body["ManyToOneRelationships"] = json!(relationships(context, table, Side::Many));
    body["OneToManyRelationships"] = json!(relationships(context, table, Side::One));
    body["ManyToManyRelationships"] = json!([]);
    body
}

fn below(
    context: &Context<'_>,
    options: &Options,
    table: &Table,
    part: &Segment,
    rest: &[Segment],
) -> Result<Answer, Fault> {
    let about = format!("EntityDefinitions('{}')/{}", table.name, part.name);
    match (part.name.as_str(), named(part), rest) {
        ("Attributes", None, []) => many(
            context,
            options,
            &about,
            table.columns.iter().map(|column| attribute(table, column)).collect(),
        ),
        ("Attributes", None, [cast]) => casted(context, options, table, &cast.name),
        ("Attributes", Some(name), rest) => column(context, options, table, &name, rest),
        ("Keys", None, []) => {
            many(context, options, &about, table.keys.iter().map(|one| key(table, one)).collect())
        }
        ("Keys", Some(name), []) => {
            let found = table.keys.iter().find(|key| key.name.eq_ignore_ascii_case(&name));
            one(context, options, &about, key(table, found.ok_or_else(|| Fault::segment(&name))?))
        }
        ("ManyToOneRelationships", None, []) => {
            many(context, options, &about, relationships(context, table, Side::Many))
        }
        ("OneToManyRelationships", None, []) => {
            many(context, options, &about, relationships(context, table, Side::One))
        }
        ("ManyToManyRelationships", None, []) => many(context, options, &about, Vec::new()),
        (property, None, []) => {
            let value =
                entity(table).get(property).cloned().ok_or_else(|| Fault::segment(property))?;
            Ok(data(
                context,
                &json!({"@odata.context": format!("{}/$metadata#{about}", context.base), "value": value}),
            ))
        }
        (other, ..) => Err(Fault::segment(other)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    One,
    Many,
}

fn relationships(context: &Context<'_>, table: &Table, side: Side) -> Vec<Value> {
    let schema = &context.site.schema;
    let all = schema
        .tables
        .iter()
        .flat_map(|other| other.columns.iter().map(move |column| (other, column)));
    let found = all.filter_map(|(other, column)| {
        let lookup = column.lookup()?;
        let wanted =
            if side == Side::Many { other.name == table.name } else { lookup.target == table.name };
        let target = schema.table(&lookup.target)?;
        wanted.then(|| relationship(other, column, lookup, target))
    });
    found.collect()
}

/// Answers the columns of one type; for a type that no column has, none.
fn casted(
    context: &Context<'_>,
    options: &Options,
    table: &Table,
    cast: &str,
) -> Result<Answer, Fault> {
    let wanted = cast.strip_prefix(PREFIX).ok_or_else(|| Fault::segment(cast))?;
    if !wanted.ends_with("AttributeMetadata") {
        return Err(Fault::segment(cast));
    }
    let columns = table.columns.iter().filter(|column| cast_of(&column.kind) == wanted);
    let about = format!("EntityDefinitions('{}')/Attributes/{cast}", table.name);
    many(context, options, &about, columns.map(|column| attribute(table, column)).collect())
}

fn column(
    context: &Context<'_>,
    options: &Options,
    table: &Table,
    name: &str,
    rest: &[Segment],
) -> Result<Answer, Fault> {
    let found = table.column(&name.to_lowercase());
    let message = format!(
        "Could not find an attribute with specified name: {name} for entity: {}.",
        table.name
    );
    let found = found.ok_or_else(|| Fault::new(StatusCode::NOT_FOUND, "0x80060888", message))?;
    let about = format!("EntityDefinitions('{}')/Attributes", table.name);
    match rest {
        [] => {
            plain_only(options)?;
            one(context, options, &about, attribute(table, found))
        }
        [cast] if cast.name.strip_prefix(PREFIX) == Some(cast_of(&found.kind)) => {
            one(context, options, &format!("{about}/{}", cast.name), attribute(table, found))
        }
        [cast, option_set]
            if option_set.name == "OptionSet"
                && cast.name.strip_prefix(PREFIX) == Some(cast_of(&found.kind)) =>
        {
            let set = attribute(table, found)
                .get("OptionSet")
                .cloned()
                .ok_or_else(|| Fault::segment("OptionSet"))?;
            one(context, options, &format!("{about}/OptionSet"), set)
        }
        [other, ..] => Err(Fault::segment(&other.name)),
    }
}

/// Refuses properties that only a type derived from `AttributeMetadata` has: they need the cast in the path.
fn plain_only(options: &Options) -> Result<(), Fault> {
    let derived = [
        "MaxLength",
        "Format",
        "FormatName",
        "OptionSet",
        "MinValue",
        "MaxValue",
        "Precision",
        "Targets",
        "DatabaseLength",
    ];
    let wanted = options
        .select
        .iter()
        .flatten()
        .map(String::as_str)
        .chain(options.expand.iter().map(|expand| expand.name.as_str()));
    match wanted.into_iter().find(|name| derived.contains(name)) {
        Some(name) => Err(Fault::property(name, "Microsoft.Dynamics.CRM.AttributeMetadata")),
        None => Ok(()),
    }
}

fn one(
    context: &Context<'_>,
    options: &Options,
    about: &str,
    value: Value,
) -> Result<Answer, Fault> {
    let mut body = Map::new();
    let about =
        format!("{}/$metadata#{about}{}/$entity", context.base, super::render::projection(options));
    body.insert("@odata.context".to_owned(), json!(about));
    body.extend(shape(value, options)?);
    Ok(data(context, &Value::Object(body)))
}

fn many(
    context: &Context<'_>,
    options: &Options,
    about: &str,
    values: Vec<Value>,
) -> Result<Answer, Fault> {
    let mut kept = Vec::new();
    for value in values {
        if fulfils(&value, options)? {
            kept.push(Value::Object(shape(value, options)?));
        }
    }
    if about.ends_with("/Attributes") {
        plain_only(options)?;
    }
    let about = format!("{}/$metadata#{about}{}", context.base, super::render::projection(options));
    Ok(data(context, &json!({"@odata.context": about, "value": kept})))
}

/// Tells whether a member of a collection is asked for.
fn fulfils(value: &Value, options: &Options) -> Result<bool, Fault> {
    options.filter.as_ref().map_or(Ok(true), |condition| holds(condition, value))
}

/// Keeps what is selected and expanded. Collections such as `Keys` come only when expanded.
fn shape(value: Value, options: &Options) -> Result<Map<String, Value>, Fault> {
    let Value::Object(full) = value else { return Ok(Map::new()) };
    let expanded: BTreeMap<&str, &Expand> =
        options.expand.iter().map(|expand| (expand.name.as_str(), expand)).collect();
    let select = options.select.as_deref().filter(|names| !names.is_empty());
    for name in select.into_iter().flatten().map(String::as_str).chain(expanded.keys().copied()) {
        if !full.contains_key(name) {
            return Err(Fault::property(name, "Microsoft.Dynamics.CRM.EntityMetadata"));
        }
    }
    let mut body = Map::new();
    for (name, value) in full {
        if let Some(expand) = expanded.get(name.as_str()) {
            body.insert(name, nested(value, &expand.options)?);
        } else if !is_navigation(&name, &value) && kept(&name, select) {
            body.insert(name, value);
        }
    }
    Ok(body)
}

fn kept(name: &str, select: Option<&[String]>) -> bool {
    let always = name == "MetadataId" || name == "@odata.type";
    always || select.is_none_or(|names| names.iter().any(|wanted| wanted == name))
}

fn is_navigation(name: &str, value: &Value) -> bool {
    let navigation = matches!(name, "Attributes" | "Keys" | "OptionSet" | "Settings")
        || name.ends_with("Relationships");
    navigation && !value.is_null()
}

fn nested(value: Value, options: &Options) -> Result<Value, Fault> {
    match value {
        Value::Array(members) => {
            let mut kept = Vec::new();
            for member in members {
                if fulfils(&member, options)? {
                    kept.push(Value::Object(shape(member, options)?));
                }
            }
            Ok(Value::Array(kept))
        }
        other => shape(other, options).map(Value::Object),
    }
}
