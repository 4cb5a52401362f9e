//! Plans the bindings to configuration records.

use std::collections::{BTreeMap, BTreeSet};

use super::builder::{CurrentText, PlanBuilder, WantedUrl, did_you_mean, without_etag};
use super::contents::Contents;
use super::write::{CellValue, Write};
use crate::model::{
    CallbackUrl, Code, Column, ColumnType, InactiveKey, KeyValue, LogicalName, Missing, Reading,
    Record, Row, RowId, Selector, StoredText, Table, TableKind, Target, Targets,
};

/// The hint for a table that cannot be written to safely.
const KEEP_ELSEWHERE: &str =
    "keep the URL in a standard table with optimistic concurrency, or in an environment variable";

/// The hint for a record that exists, and that the user may not see.
const READ_DEPTH: &str = "give the user's role the read privilege of the table with the depth Organization: rows beyond the depth are left out without an error";

/// A binding to a record, with the column that it is about.
type RecordBinding<'run> = (WantedUrl<'run>, &'run LogicalName, Missing);

/// A part with its column, if that can hold text, and how much.
type ColumnBinding<'part, 'run> = (&'part RecordBinding<'run>, Option<(&'run Column, usize)>);

/// The rows that are updated, each with the columns that are written to it.
type Updates<'run> = BTreeMap<(&'run LogicalName, RowId), Update<'run>>;

/// The update of one row.
struct Update<'run> {
    bindings: Vec<usize>,
    table: &'run Table,
    row: &'run Row,
    columns: BTreeMap<LogicalName, StoredText>,
    taken: BTreeSet<&'run LogicalName>,
}

/// Plans every binding to a record.
pub(super) fn plan<'run>(
    draft: &mut PlanBuilder<'run>,
    targets: &'run Targets,
    urls: &[Option<&'run CallbackUrl>],
) {
    let mut groups: BTreeMap<&'run Record, Vec<RecordBinding<'run>>> = BTreeMap::new();
    for wanted in draft.wanted(urls) {
        if let Target::Column { record, column, missing } = &wanted.binding.target {
            groups.entry(record).or_default().push((wanted, column, *missing));
        }
    }
    let mut updates = Updates::new();
    for (record, parts) in groups {
        plan_record(draft, targets, record, &parts, &mut updates);
    }
    for update in updates.into_values().filter(|update| !update.columns.is_empty()) {
        draft.parts.writes.push((update.bindings.clone(), update.write()));
    }
}

/// Plans the bindings to one record, as one selector names it.
fn plan_record<'run>(
    draft: &mut PlanBuilder<'run>,
    targets: &'run Targets,
    record: &'run Record,
    parts: &[RecordBinding<'run>],
    updates: &mut Updates<'run>,
) {
    let Some(table) = table(draft, targets, record, parts) else {
        return;
    };
    let places: Vec<ColumnBinding<'_, 'run>> =
        parts.iter().map(|part| (part, text_column(draft, record, table, part))).collect();
    let rows = match targets.records.get(record) {
        Some(Ok(rows)) => rows.as_slice(),
        Some(Err(refusal)) => {
            return each(parts, |wanted| draft.refusal(wanted, refusal));
        }
        None if targets.unversioned_records.contains(record) && table.versioned => {
            return each(parts, |wanted| without_etag(draft, wanted));
        }
        // The table was not asked for its rows, for a problem that is noted already.
        None => return,
    };
    if hides_key(draft, record, table, rows, &parts[0].0) {
        return;
    }
    match rows {
        [] => absent(draft, record, table, &places),
        [row] => {
            for place in &places {
                update(draft, record, table, row, place, updates);
            }
        }
        _ => each(parts, |wanted| ambiguous(draft, wanted)),
    }
}

/// Notes a column of the key that column security may keep from the user, and returns whether there
/// is one: then nobody knows whether the records that were found are all that fit.
fn hides_key(
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

/// Notes that column security may keep the target's column from the user, who reads null there.
fn column_secured(
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

/// Calls `act` with every binding of a group.
fn each<'run>(parts: &[RecordBinding<'run>], mut act: impl FnMut(&WantedUrl<'run>)) {
    for (wanted, ..) in parts {
        act(wanted);
    }
}

/// Returns the record's table, if it exists. Notes a problem if writes to it cannot be guarded or
/// rolled back, or if the columns of the key do not fit.
fn table<'run>(
    draft: &mut PlanBuilder<'run>,
    targets: &'run Targets,
    record: &Record,
    parts: &[RecordBinding<'run>],
) -> Option<&'run Table> {
    let (wanted, ..) = &parts[0];
    match targets.tables.get(&record.table) {
        Some(Reading::Found(table)) => {
            match table.kind {
                TableKind::Elastic => elastic(draft, wanted, record),
                TableKind::Virtual => in_another_system(draft, wanted, record),
                TableKind::Standard if !table.versioned => not_versioned(draft, wanted, record),
                TableKind::Standard => (),
            }
            key_problems(draft, wanted, record, table);
            Some(table)
        }
        Some(Reading::Refused(refusal)) => {
            draft.refusal(wanted, refusal);
            None
        }
        Some(Reading::Absent) | None => {
            let message = format!("the table `{}` was not found in this environment", record.table);
            let near =
                did_you_mean(record.table.as_str(), draft.known.tables.iter().map(String::as_str));
            let hint = format!(
                "{near}give `table` the logical name (singular, lower case), and import the solution that has it first"
            );
            draft.problem(wanted, Code::TableMissing, message, hint);
            None
        }
    }
}

fn not_versioned(draft: &mut PlanBuilder<'_>, wanted: &WantedUrl<'_>, record: &Record) {
    let message = format!(
        "the table `{}` keeps no versions, so a write cannot be guarded against others",
        record.table
    );
    draft.problem(wanted, Code::TableNotVersioned, message, KEEP_ELSEWHERE);
}

fn elastic(draft: &mut PlanBuilder<'_>, wanted: &WantedUrl<'_>, record: &Record) {
    let message = format!(
        "the table `{}` is elastic, and writes to elastic tables are not rolled back when a later write of the same change set fails",
        record.table
    );
    draft.problem(wanted, Code::TableElastic, message, KEEP_ELSEWHERE);
}

fn in_another_system(draft: &mut PlanBuilder<'_>, wanted: &WantedUrl<'_>, record: &Record) {
    let message = format!(
        "the table `{}` is virtual: another system keeps its rows, they have no versions, and a write may not be kept",
        record.table
    );
    draft.problem(wanted, Code::TableVirtual, message, KEEP_ELSEWHERE);
}

/// Notes a problem for each key column that cannot be used to find the record.
fn key_problems(
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

fn ambiguous(draft: &mut PlanBuilder<'_>, wanted: &WantedUrl<'_>) {
    let message = "more than one record matches the key".to_owned();
    let hint = "add columns to `key` until it names exactly one record, or use `id`";
    draft.problem(wanted, Code::RecordAmbiguous, message, hint);
}

/// Returns the column and its maximum number of characters, if it exists and holds text.
fn text_column<'run>(
    draft: &mut PlanBuilder<'_>,
    record: &Record,
    table: &'run Table,
    (wanted, name, _): &RecordBinding<'_>,
) -> Option<(&'run Column, usize)> {
    let Some(column) = table.columns.get(*name) else {
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
fn writable(
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

/// Returns whether a table or column was made by a publisher, whose prefix its name has.
fn is_custom(name: &LogicalName) -> bool {
    name.as_str().contains('_')
}

/// Checks whether the URL has at most `most` characters, and notes a problem if not.
fn fits(
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

/// Plans one binding to a record that exists.
fn update<'run>(
    draft: &mut PlanBuilder<'run>,
    record: &'run Record,
    table: &'run Table,
    row: &'run Row,
    ((wanted, name, _), column): &ColumnBinding<'_, 'run>,
    updates: &mut Updates<'run>,
) {
    let entry = updates.entry((&record.table, row.id)).or_insert_with(|| Update::new(table, row));
    entry.bindings.push(wanted.index);
    if !entry.taken.insert(name) {
        let message =
            "another binding writes to the same column of the same record, found by another key"
                .to_owned();
        return draft.problem(
            wanted,
            Code::TargetCollision,
            message,
            "remove one of the two targets",
        );
    }
    let Some((column, most)) = column else { return };
    let held = row.texts.get(*name).map_or("", StoredText::expose);
    if column.secured && held.is_empty() {
        return column_secured(draft, wanted, name, "it reads as empty");
    }
    if let Some(contents) = Contents::of_text(held) {
        return holds_more(draft, wanted, name, contents);
    }
    let Some(url) = wanted.url else { return };
    let writes = draft.compare(wanted, url, &CurrentText::in_row(held, &row.tag))
        && writable(draft, wanted, name, column.updatable)
        && fits(draft, wanted, url, *most);
    if writes {
        entry.columns.insert((*name).clone(), StoredText::new(url.expose()));
    }
}

/// Notes that a URL in the place of the column's text would remove more than a URL.
fn holds_more(
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

/// Plans the bindings to a record that does not exist.
fn absent<'run>(
    draft: &mut PlanBuilder<'run>,
    record: &Record,
    table: &Table,
    places: &[ColumnBinding<'_, 'run>],
) {
    let creates = places.iter().any(|((_, _, missing), _)| *missing == Missing::Create);
    let hint = match &record.selector {
        Selector::Columns(key) if creates => return create(draft, key, table, places),
        Selector::Columns(_) => "correct `key`, or set `missing = \"create\"` to create the record",
        Selector::Id(_) => "correct `id`",
    };
    for ((wanted, ..), _) in places {
        let message = "the record was not found".to_owned();
        let hint = format!("{hint}; if it is there, {READ_DEPTH}");
        draft.problem(wanted, Code::RecordMissing, message, hint);
    }
}

/// Plans the bindings to a record that is created from its key.
fn create<'run>(
    draft: &mut PlanBuilder<'run>,
    key: &BTreeMap<LogicalName, KeyValue>,
    table: &Table,
    places: &[ColumnBinding<'_, 'run>],
) {
    let ((first, ..), _) = &places[0];
    match table.inactive_key(key) {
        _ if table.is_unique(key) => (),
        Some(inactive) => key_not_active(draft, first, inactive),
        None => warn_of_twins(draft, first),
    }
    let mut columns = BTreeMap::new();
    for (name, value) in key {
        let column = table.columns.get(name);
        if let Some(column) = column.filter(|column| column.column_type.is_id()) {
            no_record_of_id(draft, first, name, column);
        }
        writable(draft, first, name, column.is_none_or(|column| column.creatable));
        columns.insert(name.clone(), CellValue::Key(value.clone()));
    }
    for ((wanted, name, _), column) in places {
        let Some((column, most)) = column else { continue };
        if column.secured {
            column_secured(draft, wanted, name, "the record does not exist yet");
            continue;
        }
        let Some(url) = wanted.url else { continue };
        draft.compare(wanted, url, &CurrentText::missing("the record was not found", None));
        if writable(draft, wanted, name, column.creatable) && fits(draft, wanted, url, *most) {
            columns.insert((*name).clone(), CellValue::Url(StoredText::new(url.expose())));
        }
    }
    let entity_set = table.entity_set.clone();
    let bindings = places.iter().map(|((wanted, ..), _)| wanted.index).collect();
    draft.parts.writes.push((bindings, Write::CreateRow { entity_set, columns }));
}

/// Notes that Dataverse does not enforce, or not yet, the alternate key over the key's columns.
///
/// Without an alternate key a warning is enough: whoever wrote the manifest knows that nothing
/// guards the record. Here somebody relies on a guard. A second record that is made while the index is
/// built makes the index fail, and it stays failed until somebody removes one of the two.
fn key_not_active(draft: &mut PlanBuilder<'_>, wanted: &WantedUrl<'_>, key: &InactiveKey) {
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
fn no_record_of_id(
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
fn warn_of_twins(draft: &mut PlanBuilder<'_>, wanted: &WantedUrl<'_>) {
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

impl<'run> Update<'run> {
    fn new(table: &'run Table, row: &'run Row) -> Self {
        let (bindings, columns) = (Vec::new(), BTreeMap::new());
        Self { bindings, table, row, columns, taken: BTreeSet::new() }
    }

    fn write(self) -> Write {
        Write::UpdateRow {
            entity_set: self.table.entity_set.clone(),
            id: self.row.id,
            guard: self.row.tag.clone(),
            columns: self.columns,
        }
    }
}
