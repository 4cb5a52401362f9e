//! Plans the bindings to configuration records.

use std::collections::{BTreeMap, BTreeSet};

use super::builder::{CurrentText, PlanBuilder, WantedUrl, did_you_mean, without_etag};
use super::contents::Contents;
use super::record_checks::{
    ambiguous, column_secured, fits, hides_key, holds_more, key_not_active, key_problems,
    no_record_of_id, text_column, unguarded_table, warn_of_twins, writable,
};
use super::write::{CellValue, Write};
use crate::model::{
    CallbackUrl, Code, Column, KeyValue, LogicalName, Missing, Reading, Record, Row, RowId,
    Selector, StoredText, Table, Target, Targets,
};

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
    /// The texts; none where the column is emptied.
    columns: BTreeMap<LogicalName, Option<StoredText>>,
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
    let is_gone =
        !matches!(targets.tables.get(&record.table), Some(Reading::Found(_) | Reading::Refused(_)));
    if is_gone && parts.iter().all(|(wanted, ..)| draft.is_removed(wanted)) {
        let gone = CurrentText::missing("the table was not found", None);
        return each(parts, |wanted| {
            draft.remove(wanted, &gone);
        });
    }
    let Some(table) = table(draft, targets, record, parts) else {
        return;
    };
    let places: Vec<ColumnBinding<'_, 'run>> = parts
        .iter()
        .map(|part| (part, text_column(draft, record, table, (&part.0, part.1))))
        .collect();
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
            unguarded_table(draft, wanted, record, table);
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
    if draft.is_removed(wanted) {
        let removes = draft.remove(wanted, &CurrentText::in_row(held, &row.tag))
            && writable(draft, wanted, name, column.updatable);
        if removes {
            entry.columns.insert((*name).clone(), None);
        }
        return;
    }
    if let Some(contents) = Contents::of_text(held) {
        return holds_more(draft, wanted, name, contents);
    }
    let Some(url) = wanted.url else { return };
    let writes = draft.compare(wanted, url, &CurrentText::in_row(held, &row.tag))
        && writable(draft, wanted, name, column.updatable)
        && fits(draft, wanted, url, *most);
    if writes {
        entry.columns.insert((*name).clone(), Some(StoredText::new(url.expose())));
    }
}

/// Plans the bindings to a record that does not exist.
fn absent<'run>(
    draft: &mut PlanBuilder<'run>,
    record: &Record,
    table: &Table,
    places: &[ColumnBinding<'_, 'run>],
) {
    let (gone, places): (Vec<_>, Vec<_>) =
        places.iter().copied().partition(|((wanted, ..), _)| draft.is_removed(wanted));
    for ((wanted, ..), _) in gone {
        draft.remove(wanted, &CurrentText::missing("the record was not found", None));
    }
    if places.is_empty() {
        return;
    }
    let creates = places.iter().any(|((_, _, missing), _)| *missing == Missing::Create);
    let hint = match &record.selector {
        Selector::Columns(key) if creates => return create(draft, key, table, &places),
        Selector::Columns(_) => "correct `key`, or set `missing = \"create\"` to create the record",
        Selector::Id(_) => "correct `id`",
    };
    for ((wanted, ..), _) in &places {
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

impl<'run> Update<'run> {
    fn new(table: &'run Table, row: &'run Row) -> Self {
        let (bindings, columns) = (Vec::new(), BTreeMap::new());
        Self { bindings, table, row, columns, taken: BTreeSet::new() }
    }

    fn write(self) -> Write {
        let (entity_set, id) = (self.table.entity_set.clone(), self.row.id);
        let guard = self.row.tag.clone();
        let written =
            || self.columns.iter().map(|(name, text)| Some((name.clone(), text.clone()?)));
        match written().collect() {
            Some(columns) => Write::UpdateRow { entity_set, id, guard, columns },
            None => Write::Restore { entity_set, id, guard, columns: self.columns },
        }
    }
}
