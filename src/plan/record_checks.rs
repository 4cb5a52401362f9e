//! Checks that a record's table, key and columns can take a URL.

use super::builder::{PlanBuilder, WantedUrl, did_you_mean};
use super::contents::Contents;
use crate::model::{
    CallbackUrl, Code, Column, ColumnType, InactiveKey, LogicalName, Record, Row, Selector, Table,
    TableKind, Target,
};

/// The hint for a table that cannot be written to safely.
const KEEP_ELSEWHERE: &str =
    "keep the URL in a standard table with optimistic concurrency, or in an environment variable";

/// Notes a problem if writes to the table cannot be guarded or rolled back.
pub(super) fn unguarded_table(
    draft: &mut PlanBuilder<'_>,
    wanted: &WantedUrl<'_>,
    record: &Record,
    table: &Table,
) {
    let (code, reason) = match table.kind {
        TableKind::Elastic => (
            Code::TableElastic,
            "is elastic, and writes to elastic tables are not rolled back when a later write of the same change set fails",
        ),
        TableKind::Virtual => (
            Code::TableVirtual,
            "is virtual: another system keeps its rows, they have no versions, and a write may not be kept",
        ),
        TableKind::Standard if !table.versioned => (
            Code::TableNotVersioned,
            "keeps no versions, so a write cannot be guarded against others",
        ),
        TableKind::Standard => return,
    };
    let message = format!("the table `{}` {reason}", record.table);
    draft.problem(wanted, code, message, KEEP_ELSEWHERE);
}

/// Notes a problem for each key column that cannot be used to find the record.
pub(super) fn key_problems(
    draft: &mut PlanBuilder<'_>,
    wanted: &WantedUrl<'_>,
    record: &Record,
    table: &Table,
) {
    let Selector::Columns(columns) = &record.selector else {
        return;
    };
    for (name, value) in columns {
        match table.columns.get(name) {
            None => column_missing(draft, wanted, record, name),
            Some(column) if !column.readable => not_readable(draft, wanted, name, "key"),
            Some(column) if !column.column_type.can_equal(value) => {
                let message = format!(
                    "the key column `{name}` is of type {}, and `{value}` is not",
                    column.column_type
                );
                draft.problem(wanted, Code::KeyType, message, key_hint(&column.column_type));
            }
            Some(_) => (),
        }
    }
}

/// Returns how a key's value has to be written for a column of that type.
fn key_hint(column_type: &ColumnType) -> &'static str {
    match column_type {
        ColumnType::Lookup => {
            "give the id of the row that the lookup refers to: a GUID in quotes, the same in every environment that the manifest is for"
        }
        ColumnType::Id => "give a GUID in quotes",
        ColumnType::Other(_) => {
            "name columns that records can be found by in `key`: text, whole number, choice, yes/no, lookup or unique identifier"
        }
        ColumnType::Text { .. } | ColumnType::Integer | ColumnType::Boolean => {
            "give the key's value as the column has it: a text in quotes, a whole number, true or false"
        }
    }
}

/// Notes a column of the key that column security may keep from the user, and returns whether there
/// is one: then nobody knows whether the records that were found are all that fit.
pub(super) fn hides_key(
    draft: &mut PlanBuilder<'_>,
    record: &Record,
    table: &Table,
    rows: &[Row],
    wanted: &WantedUrl<'_>,
) -> bool {
    let Selector::Columns(key) = &record.selector else { return false };
    let is_secured = |name: &&LogicalName| table.columns.get(*name).is_some_and(|one| one.secured);
    let is_read = |name: &LogicalName| {
        !rows.is_empty() && rows.iter().all(|row| row.texts.contains_key(name))
    };
    let hidden: Vec<&LogicalName> =
        key.keys().filter(is_secured).filter(|name| !is_read(name)).collect();
    for name in &hidden {
        let message = format!(
            "column security is on for the key column `{name}`, and no value of it was read: the signed-in user may not see which records have it"
        );
        let hint = format!(
            "give the signed-in user Read for `{name}` in a column security profile, and create the record; or name other columns in `key`"
        );
        draft.problem(wanted, Code::ColumnSecured, message, hint);
    }
    !hidden.is_empty()
}

/// Notes that more than one record fits the key.
pub(super) fn ambiguous(draft: &mut PlanBuilder<'_>, wanted: &WantedUrl<'_>) {
    let message = "more than one record matches the key".to_owned();
    let hint = "add columns to `key` until it names exactly one record, or use `id`";
    draft.problem(wanted, Code::RecordAmbiguous, message, hint);
}

/// Notes that the table has no such column.
fn column_missing(
    draft: &mut PlanBuilder<'_>,
    wanted: &WantedUrl<'_>,
    record: &Record,
    name: &LogicalName,
) {
    let message = format!("the table `{}` has no column `{name}`", record.table);
    let hint = if let Some(column) = name.lookup_column() {
        format!("name the lookup by its logical name, `{column}`")
    } else {
        let known = draft.known.columns.get(&record.table).into_iter().flatten();
        let near = did_you_mean(name.as_str(), known.map(String::as_str));
        format!("{near}give the column's logical name (lower case, with its prefix)")
    };
    draft.problem(wanted, Code::ColumnMissing, message, hint);
}

/// Notes that a column cannot be read. `key` is the manifest key that names the column.
fn not_readable(
    draft: &mut PlanBuilder<'_>,
    wanted: &WantedUrl<'_>,
    name: &LogicalName,
    key: &str,
) {
    let message = format!("the column `{name}` cannot be read (`IsValidForRead` is false)");
    let hint = format!("name another column in `{key}`");
    draft.problem(wanted, Code::ColumnNotReadable, message, hint);
}

/// Notes that column security may keep the target's column from the user, who reads null there.
pub(super) fn column_secured(
    draft: &mut PlanBuilder<'_>,
    wanted: &WantedUrl<'_>,
    name: &LogicalName,
    reads: &str,
) {
    let message = format!(
        "column security is on for the column `{name}`, and {reads}: a user who may not read the column sees the same, and a write could not be verified"
    );
    let hint = format!(
        "give the signed-in user Read and Update for `{name}` in a column security profile; if the column is empty, have somebody put any text such as `-` into it, then run again"
    );
    draft.problem(wanted, Code::ColumnSecured, message, hint);
}

/// Returns the column and its maximum number of characters, if it exists and holds text.
pub(super) fn text_column<'run>(
    draft: &mut PlanBuilder<'_>,
    record: &Record,
    table: &'run Table,
    (wanted, name): (&WantedUrl<'_>, &LogicalName),
) -> Option<(&'run Column, usize)> {
    let Some(column) = table.columns.get(name) else {
        column_missing(draft, wanted, record, name);
        return None;
    };
    if !column.readable {
        not_readable(draft, wanted, name, "column");
        return None;
    }
    let ColumnType::Text { max_length } = column.column_type else {
        let message = format!(
            "the column `{name}` is of type {}, which cannot hold a URL",
            column.column_type
        );
        draft.problem(wanted, Code::ColumnNotText, message, "name a text column in `column`");
        return None;
    };
    Some((column, max_length))
}

/// Checks whether a column can be written, and notes a problem if not.
pub(super) fn writable(
    draft: &mut PlanBuilder<'_>,
    wanted: &WantedUrl<'_>,
    name: &LogicalName,
    is: bool,
) -> bool {
    if !is {
        let message = format!("the column `{name}` cannot be written");
        draft.problem(wanted, Code::ColumnNotWritable, message, "name another column in `column`");
    }
    is
}

/// Checks whether the URL has at most `most` characters, and notes a problem if not.
pub(super) fn fits(
    draft: &mut PlanBuilder<'_>,
    wanted: &WantedUrl<'_>,
    url: &CallbackUrl,
    most: usize,
) -> bool {
    let length = url.length();
    if length > most {
        let message = format!("the URL has {length} characters, and the column holds {most}");
        let hint = match &wanted.binding.target {
            Target::Column { column, .. } if !is_custom(column) => format!(
                "name a column that holds {length} characters: the length of a system column cannot be changed"
            ),
            _ => "make the column longer (up to 4,000 characters for a text column), or name another one".to_owned(),
        };
        draft.problem(wanted, Code::ValueTooLong, message, hint);
    }
    length <= most
}

/// Returns whether a table or column was made by a publisher, whose prefix its name has.
fn is_custom(name: &LogicalName) -> bool {
    name.as_str().contains('_')
}

/// Notes that the column holds more than a URL, all of which a URL would replace.
pub(super) fn holds_more(
    draft: &mut PlanBuilder<'_>,
    wanted: &WantedUrl<'_>,
    name: &LogicalName,
    contents: Contents,
) {
    let message =
        format!("the column `{name}` holds {contents}, and a URL would replace the whole text");
    let hint = "name another column in `column`; if nobody needs the text, empty the column first";
    draft.problem(wanted, Code::TextHoldsMore, message, hint);
}

/// Notes that Dataverse does not enforce, or not yet, the alternate key over the key's columns.
///
/// Without an alternate key a warning is enough: whoever wrote the manifest knows that nothing
/// guards the record. Here somebody relies on a guard. A second record that is made while the index is
/// built makes the index fail, and it stays failed until somebody removes one of the two.
pub(super) fn key_not_active(
    draft: &mut PlanBuilder<'_>,
    wanted: &WantedUrl<'_>,
    key: &InactiveKey,
) {
    let InactiveKey { name, status, .. } = key;
    let message = format!(
        "the record is to be created, and Dataverse does not enforce the alternate key `{name}`: the state of its index is {status}, so two runs at once could create the record twice"
    );
    let hint = if status == "Failed" {
        "remove the records that have the same values in the key's columns, reactivate the key in the table's settings, and run again once it is active"
    } else {
        "wait until the key is active in the table's settings, and run again"
    };
    draft.problem(wanted, Code::KeyNotActive, message, hint);
}

/// Notes that no record is created from a key column that holds an id.
pub(super) fn no_record_of_id(
    draft: &mut PlanBuilder<'_>,
    wanted: &WantedUrl<'_>,
    name: &LogicalName,
    column: &Column,
) {
    let message = format!(
        "the record was not found, and cannot be created from the key column `{name}` of type {}",
        column.column_type
    );
    let hint = "create the record first, with the table's other data, and leave out `missing = \"create\"`";
    draft.problem(wanted, Code::RecordMissing, message, hint);
}

/// Warns that the database does not keep a second run from creating the record too.
pub(super) fn warn_of_twins(draft: &mut PlanBuilder<'_>, wanted: &WantedUrl<'_>) {
    let message = "no alternate key covers the columns of `key`, so two runs at once could create the record twice";
    let hint = match &wanted.binding.target {
        Target::Column { record, .. } if !is_custom(&record.table) => {
            "let only one run at a time create the record"
        }
        _ => {
            "define an alternate key over these columns, or let only one run at a time create the record"
        }
    };
    let warning = wanted.problem(Code::KeyNotUnique, message.to_owned(), hint);
    draft.parts.warnings.push(warning);
}
