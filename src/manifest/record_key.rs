//! The columns that a record is found by.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use toml::Spanned;
use toml::de::{DeString, DeValue};

use super::fields::{FieldResult, Fields, Reported, parse_as, type_name, whole_number};
use super::show::{printable, quoted, without_secrets};
use crate::model::{Code, KeyValue, LogicalName};

/// The most characters of a key's text: a single line of text in Dataverse holds no more
/// (<https://learn.microsoft.com/power-apps/maker/data-platform/types-of-fields>).
const MOST_TEXT_CHARACTERS: usize = 4000;

/// The hint for a wrong column or value.
const HINT: &str = "write logical names with a text, a whole number, `true` or `false`, such as `key = { contoso_name = \"orders\" }`";

/// Reads the columns of `key`; none if the target does not have `key`.
pub(super) fn read(fields: &Fields<'_>) -> FieldResult<Option<BTreeMap<LogicalName, KeyValue>>> {
    let Some((table, _)) = fields.table("key")? else {
        return Ok(None);
    };
    if table.is_empty() {
        return Err(fields.report_invalid("key", "is empty, and would match every record"));
    }
    let pairs: Vec<_> =
        table.iter().map(|(name, value)| (name.span().start, pair(fields, name, value))).collect();
    let mut columns = BTreeMap::new();
    let mut all = true;
    for (place, pair) in pairs {
        all &= pair.is_ok_and(|(name, value)| insert(fields, &mut columns, place, name, value));
    }
    if all { Ok(Some(columns)) } else { Err(Reported) }
}

/// Adds a column, or reports it if it is already there in another spelling.
fn insert(
    fields: &Fields<'_>,
    columns: &mut BTreeMap<LogicalName, KeyValue>,
    place: usize,
    name: LogicalName,
    value: KeyValue,
) -> bool {
    match columns.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(value);
            true
        }
        Entry::Occupied(entry) => {
            let name = entry.key();
            let message =
                format!("the column `{name}` is in `key` twice: names are compared without case");
            fields.add(place, Code::KeyConflict, message, "keep one of them");
            false
        }
    }
}

/// Reads one column and its value.
fn pair(
    fields: &Fields<'_>,
    name: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> FieldResult<(LogicalName, KeyValue)> {
    let column = parse_as(name.get_ref()).map_err(|reason| {
        let message = format!("the column {} {}", quoted(name.get_ref()), printable(&reason));
        fields.add(name.span().start, Code::ValueInvalid, message, HINT);
        Reported
    });
    let value = key_value(value.get_ref()).map_err(|(code, reason)| {
        let message = format!("the column {} {reason}", quoted(name.get_ref()));
        fields.add(value.span().start, code, message, HINT);
        Reported
    });
    Ok((column?, value?))
}

/// Reads the value of a column, or returns why it is wrong.
fn key_value(value: &DeValue<'_>) -> Result<KeyValue, (Code, String)> {
    let invalid = |reason: &str| Err((Code::ValueInvalid, reason.to_owned()));
    match value {
        DeValue::Boolean(truth) => Ok(KeyValue::Boolean(*truth)),
        DeValue::Integer(number) => match whole_number(number) {
            Some(number) => Ok(KeyValue::Integer(number)),
            None => invalid("has a number of more than 64 bits"),
        },
        DeValue::String(text) => key_text(text).map_err(|reason| (Code::ValueInvalid, reason)),
        other => {
            let found = type_name(other);
            let needed = "a text, a whole number, `true` or `false`";
            Err((Code::TypeWrong, format!("is {found}, but {needed} is needed")))
        }
    }
}

/// Checks a text by which a record is found.
fn key_text(text: &str) -> Result<KeyValue, String> {
    if text.is_empty() {
        return Err("is empty, and an empty text finds no record".into());
    }
    if text.chars().count() > MOST_TEXT_CHARACTERS {
        return Err(format!("is longer than {MOST_TEXT_CHARACTERS} characters"));
    }
    match text.chars().find(|character| character.is_control()) {
        Some(control) => Err(format!("has the control character {}", control.escape_unicode())),
        None => without_secrets(text).map(|()| KeyValue::Text(text.to_owned())),
    }
}
