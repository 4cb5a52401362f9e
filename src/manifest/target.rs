//! One target of a flow: an environment variable, or a column of a record.

use std::collections::BTreeMap;

use super::choices::MISSING;
use super::fields::{FieldResult, Fields, Reported, parse_as};
use super::record_key;
use super::show::without_secrets;
use crate::model::{
    Code, JsonPointer, KeyValue, LogicalName, ManifestPosition, Missing, Record, RowId, SchemaName,
    Selector, Target,
};

/// The most characters of a JSON pointer: a variable's value has no more than 2,000.
const MOST_POINTER_CHARACTERS: usize = 1000;

/// The keys that a variable cannot have.
const RECORD_KEYS: &[&str] = &["key", "id", "column", "missing"];

/// The values of a target's keys, each read whatever became of the others.
struct TargetValues {
    variable: FieldResult<Option<SchemaName>>,
    pointer: FieldResult<Option<JsonPointer>>,
    table: FieldResult<Option<LogicalName>>,
    key: FieldResult<Option<BTreeMap<LogicalName, KeyValue>>>,
    id: FieldResult<Option<RowId>>,
    column: FieldResult<Option<LogicalName>>,
    missing: FieldResult<Option<Missing>>,
}

/// Reads one target, with its place in the manifest.
pub(super) fn read(fields: &Fields<'_>) -> FieldResult<(Target, ManifestPosition)> {
    let values = TargetValues {
        variable: fields.optional("environment-variable", parse_as),
        pointer: fields.optional("json-pointer", pointer),
        table: fields.optional("table", parse_as),
        key: record_key::read(fields),
        id: fields.optional("id", parse_as),
        column: fields.optional("column", parse_as),
        missing: fields.choice("missing", MISSING),
    };
    match (fields.has("environment-variable"), fields.has("table")) {
        (true, false) => {
            let target = variable(fields, values)?;
            Ok((target, fields.site("environment-variable")))
        }
        (false, true) => Ok((column(fields, values)?, fields.site("table"))),
        (true, true) => Err(two_places(fields)),
        (false, false) => Err(no_place(fields)),
    }
}

/// Reads a target that is an environment variable.
fn variable(fields: &Fields<'_>, values: TargetValues) -> FieldResult<Target> {
    let foreign = RECORD_KEYS.iter().filter(|name| fields.has(name));
    let conflicts = foreign.map(|name| {
        let message =
            format!("`{name}` is only for a record, but this target is an environment variable");
        let hint = "leave it out, or write `table` instead of `environment-variable`";
        fields.report_conflict(name, message, hint)
    });
    if conflicts.count() > 0 {
        return Err(Reported);
    }
    Ok(Target::Variable {
        schema_name: values.variable?.ok_or(Reported)?,
        pointer: values.pointer?,
    })
}

/// Reads a target that is a column of a record.
fn column(fields: &Fields<'_>, values: TargetValues) -> FieldResult<Target> {
    let pointer = no_pointer(fields);
    let missing = missing_policy(fields, values.missing);
    let selector = selector(fields, values.id, values.key);
    let column = match values.column {
        Ok(None) => Err(fields.report_missing("column")),
        Ok(Some(column)) => not_in_key(fields, column, &selector),
        Err(reported) => Err(reported),
    };
    pointer?;
    let table = values.table?.ok_or(Reported)?;
    Ok(Target::Column {
        record: Record { table, selector: selector? },
        column: column?,
        missing: missing?,
    })
}

/// Checks that the target, which is a record's column, has no `json-pointer`.
fn no_pointer(fields: &Fields<'_>) -> FieldResult<()> {
    if !fields.has("json-pointer") {
        return Ok(());
    }
    let message = "`json-pointer` is only for an environment variable, but this target is a record";
    let hint = "leave it out: a column holds only the URL";
    Err(fields.report_conflict("json-pointer", message, hint))
}

/// Checks what to do if the record is missing: a record that is found by its id cannot be created.
fn missing_policy(
    fields: &Fields<'_>,
    missing: FieldResult<Option<Missing>>,
) -> FieldResult<Missing> {
    let missing = missing?.unwrap_or_default();
    if missing == Missing::Create && fields.has("id") && !fields.has("key") {
        let message =
            "`missing = \"create\"` needs `key`: a record is created from its key columns";
        let hint = "find the record by `key = { ... }` instead of `id`, or leave `missing` out";
        return Err(fields.report_conflict("missing", message, hint));
    }
    Ok(missing)
}

/// Reads how the record is found: by its id or by its key columns.
fn selector(
    fields: &Fields<'_>,
    id: FieldResult<Option<RowId>>,
    key: FieldResult<Option<BTreeMap<LogicalName, KeyValue>>>,
) -> FieldResult<Selector> {
    if fields.has("id") && fields.has("key") {
        let message = "`id` and `key` exclude each other";
        return Err(fields.report_conflict("id", message, "keep one of them"));
    }
    match (id?, key?) {
        (Some(id), _) => Ok(Selector::Id(id)),
        (None, Some(key)) => Ok(Selector::Columns(key)),
        (None, None) => Err(fields.report_missing("key")),
    }
}

/// Checks that the column is not one of those by which the record is found.
fn not_in_key(
    fields: &Fields<'_>,
    column: LogicalName,
    selector: &FieldResult<Selector>,
) -> FieldResult<LogicalName> {
    let Ok(Selector::Columns(key)) = selector else {
        return Ok(column);
    };
    if !key.contains_key(&column) {
        return Ok(column);
    }
    let message =
        format!("the column `{column}` is also in `key`: writing it would change the record's key");
    let hint = "find the record by another column";
    Err(fields.report_conflict("column", message, hint))
}

/// Reports a target that has both `environment-variable` and `table`, at the second.
fn two_places(fields: &Fields<'_>) -> Reported {
    let names = ["environment-variable", "table"];
    let second = names.into_iter().max_by_key(|name| fields.key_offset(name));
    let message = "`environment-variable` and `table` exclude each other";
    let hint = "keep one of them, and write another `[[flow.target]]` for the other";
    fields.report_conflict(second.unwrap_or_default(), message, hint)
}

/// Reports a target that has neither `environment-variable` nor `table`.
fn no_place(fields: &Fields<'_>) -> Reported {
    let message =
        "this target names no place for the URL: it needs `environment-variable` or `table`";
    let hint =
        "write `environment-variable = \"contoso_OrderIntakeUrl\"`, or `table`, `key` and `column`";
    fields.add(fields.table_offset(), Code::KeyMissing, message, hint);
    Reported
}

/// Parses a JSON pointer of limited length.
fn pointer(text: &str) -> Result<JsonPointer, String> {
    if text.chars().count() > MOST_POINTER_CHARACTERS {
        return Err(format!("is longer than {MOST_POINTER_CHARACTERS} characters"));
    }
    without_secrets(text)?;
    parse_as(text)
}
