//! Compares the addresses in a journal with the rows that they stand for: a journal may have been
//! forged, and whoever reviews a rollback knows a row by its address alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{ColumnChange, Journal, JournalRow, JournalTarget, Origin, RowKey};
use crate::model::{
    Code, JsonPointer, KeyValue, LogicalName, Problem, Reading, RowId, SchemaName, ServiceError,
    Table, escape_hidden, is_hidden,
};
use crate::plan::explain_refusal;

/// The hint for a journal with an address that names another row.
const ASK_WHO: &str = "find out who could write to the journal, or who renamed the row, and restore the value by hand if it is right";

/// What a target's address says of the row that the target is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// The value of an environment variable.
    Variable(SchemaName),
    /// A record of a table.
    Record {
        /// The table.
        table: LogicalName,
        /// Which record.
        key: LabelKey,
    },
}

/// What an address says of which record it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelKey {
    /// Its primary key.
    Id(RowId),
    /// What columns hold, each as addresses write it.
    Columns(BTreeMap<LogicalName, String>),
}

/// What reading tells of a row that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSubject {
    /// Its primary key.
    pub id: RowId,
    /// The variable or record that it is.
    pub subject: Subject,
    /// When it was created, as the service writes it; none if that was not read.
    pub created_on: Option<String>,
}

/// The variable or record that a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// It is the value of the variable with that name; none if it belongs to no variable.
    Variable(Option<SchemaName>),
    /// It is a record.
    Record {
        /// What the columns of the label hold, as far as they are texts, numbers, or true or false.
        columns: BTreeMap<LogicalName, KeyValue>,
        /// Whether the label fits another row, too.
        fits_several: bool,
    },
    /// The service does not show what it is.
    Hidden(ServiceError),
}

impl Label {
    /// Reads a target's address; none if it is no address of that column and that member.
    pub fn from_address(place: &JournalTarget) -> Option<Self> {
        if let Some(rest) = place.address.strip_prefix("environment-variable/") {
            let escaped = |pointer: &JsonPointer| pointer.to_string().escape_debug().to_string();
            let member = |pointer: &_| format!("#{}", escape_hidden(&escaped(pointer)));
            let member = place.pointer.as_ref().map(member).unwrap_or_default();
            return Some(Self::Variable(rest.strip_suffix(&member)?.parse().ok()?));
        }
        let (table, rest) = place.address.strip_prefix("record/")?.split_once('[')?;
        let key = rest.strip_suffix(&format!("]/{}", place.column))?;
        let is_whole = place.pointer.is_none() && !key.contains(is_hidden);
        let key = match key.parse() {
            Ok(id) => LabelKey::Id(id),
            Err(_) => LabelKey::Columns(columns(key)?),
        };
        is_whole.then_some(Self::Record { table: table.parse().ok()?, key })
    }

    /// Returns the name of the variable, if it is one.
    pub(in crate::plan) fn into_variable(self) -> Option<SchemaName> {
        match self {
            Self::Variable(name) => Some(name),
            Self::Record { .. } => None,
        }
    }

    /// Checks whether the label means this row of its table, and no other.
    fn means(&self, row: &RowSubject) -> bool {
        match (self, &row.subject) {
            (Self::Variable(name), Subject::Variable(found)) => found.as_ref() == Some(name),
            (Self::Record { key, .. }, Subject::Record { columns, fits_several }) => {
                !fits_several && key.fits(row.id, columns)
            }
            _ => false,
        }
    }
}

impl LabelKey {
    /// Returns the columns that must be read to compare the label with the row.
    pub fn columns(&self) -> Vec<&LogicalName> {
        match self {
            Self::Id(_) => Vec::new(),
            Self::Columns(columns) => columns.keys().collect(),
        }
    }

    fn fits(&self, id: RowId, found: &BTreeMap<LogicalName, KeyValue>) -> bool {
        match self {
            Self::Id(own) => *own == id,
            Self::Columns(columns) => columns.iter().all(|(name, written)| {
                found.get(name).is_some_and(|held| is_written_as(held, written))
            }),
        }
    }
}

/// Checks whether an address writes the value `held` as `written`. Ignores case and space at the
/// end of what is held, as Dataverse does.
fn is_written_as(held: &KeyValue, written: &str) -> bool {
    let same = |text: String| text.to_lowercase() == written.to_lowercase();
    match held {
        KeyValue::Text(text) => [text.as_str(), text.trim_end()]
            .into_iter()
            .any(|text| same(text.to_owned()) || same(escape_hidden(&format!("{text:?}")))),
        other => same(other.to_string()),
    }
}

/// Reads `name=value,...`, where a value may be a quoted text.
fn columns(mut text: &str) -> Option<BTreeMap<LogicalName, String>> {
    let mut columns = BTreeMap::new();
    loop {
        let (name, rest) = text.split_once('=')?;
        let end = value_end(rest)?;
        let earlier = columns.insert(name.parse().ok()?, rest[..end].to_owned());
        text = match (&rest[end..], earlier) {
            ("", None) => return Some(columns),
            (more, None) => more.strip_prefix(',')?,
            _ => return None,
        };
    }
}

/// Finds where a value ends: at a comma or the end, and of a quoted text at its second quote.
fn value_end(text: &str) -> Option<usize> {
    let Some(quoted) = text.strip_prefix('"') else {
        return Some(text.find(',').unwrap_or(text.len()));
    };
    let mut escaped = false;
    let end = quoted.char_indices().find(|(_, character)| {
        let ends = *character == '"' && !escaped;
        escaped = *character == '\\' && !escaped;
        ends
    });
    end.map(|(place, _)| place + 2)
}

/// Returns a problem for each target whose address names a table that does not have the row, by what
/// was read of the labels' tables.
pub fn mistaken_tables(
    journal: &Journal,
    tables: &BTreeMap<LogicalName, Reading<Table>>,
) -> Vec<Problem> {
    let targets = journal.rows.iter().flat_map(|row| row.places.iter().map(move |at| (row, at)));
    targets.filter_map(|(row, place)| table_problem(row, place, tables)).collect()
}

/// Returns a problem if the table of a target's address does not have the target's row.
fn table_problem(
    row: &JournalRow,
    place: &JournalTarget,
    tables: &BTreeMap<LogicalName, Reading<Table>>,
) -> Option<Problem> {
    let Some(Label::Record { table: name, .. }) = Label::from_address(place) else { return None };
    let JournalRow { entity_set, primary_id, .. } = row;
    let message = match tables.get(&name)? {
        Reading::Refused(refusal) => return Some(hidden(place, refusal)),
        Reading::Absent => format!("the table `{name}` was not found in this environment"),
        Reading::Found(table) if table.entity_set != entity_set.as_str() => format!(
            "the journal gives this address to a row of `{entity_set}`, and the rows of the table `{name}` are in `{}`",
            table.entity_set
        ),
        Reading::Found(table) if table.primary_id != *primary_id => format!(
            "the journal says that the primary key of the table `{name}` is `{primary_id}`, and it is `{}`",
            table.primary_id
        ),
        Reading::Found(_) => return None,
    };
    Some(mismatch(place, message))
}

/// Returns a problem for each target whose address names another row than it is in, or whose row
/// the service does not show. `subjects` has what was read of each row that was found.
pub fn mislabelled(journal: &Journal, subjects: &[Option<RowSubject>]) -> Vec<Problem> {
    let rows = journal.rows.iter().zip(subjects);
    let read = rows.filter_map(|(row, subject)| Some((row, subject.as_ref()?)));
    let problems = read.flat_map(|(row, subject)| {
        row.places.iter().filter_map(move |place| label_problem(row, place, subject))
    });
    problems.collect()
}

/// Returns a problem if the address of a target does not name the row that the target is in.
fn label_problem(row: &JournalRow, place: &JournalTarget, found: &RowSubject) -> Option<Problem> {
    if let Subject::Hidden(refusal) = &found.subject {
        return Some(hidden(place, refusal));
    }
    if Label::from_address(place).is_some_and(|label| label.means(found)) {
        return None;
    }
    let RowSubject { id, subject, .. } = found;
    let set = &row.entity_set;
    let message = format!("the journal gives this address to the row {id} of `{set}`, {subject}");
    Some(mismatch(place, message))
}

/// Creates the problem of a label that names another row.
fn mismatch(place: &JournalTarget, message: String) -> Problem {
    let (code, address) = (Code::LabelMismatch, Some(place.address.clone()));
    Problem { code, address, message, hint: ASK_WHO.to_owned(), site: None }
}

/// Creates the problem of a row or table that the service does not show.
fn hidden(place: &JournalTarget, refusal: &ServiceError) -> Problem {
    let (message, hint) = explain_refusal(refusal);
    let (code, address) = (Code::PrivilegeMissing, Some(place.address.clone()));
    Problem { code, address, message, hint, site: None }
}

impl std::fmt::Display for Subject {
    /// Formats the end of a sentence about a row whose label does not mean it.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(Some(name)) => write!(formatter, "which is the value of `{name}`"),
            Self::Variable(None) => formatter.write_str("which is the value of no variable"),
            Self::Record { fits_several: true, .. } => {
                formatter.write_str("but it matches several")
            }
            Self::Record { .. } | Self::Hidden(_) => formatter.write_str("which is another record"),
        }
    }
}

impl Journal {
    /// Returns what shows that no apply kept the journal, as the end of a sentence that begins with
    /// "it".
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        if !self.rows.iter().all(JournalRow::has_right_key_column) {
            Some("gives variables' values a wrong primary key")
        } else if !self.rows.iter().all(JournalRow::is_shown) {
            Some("changes something that none of its addresses names")
        } else if !self.rows.iter().all(JournalRow::can_be_made_again) {
            Some("deletes a row that is not the value of a variable")
        } else if self.names_a_row_twice() {
            Some("changes the same row twice")
        } else if !self.head.has_time() {
            Some("does not say when it was kept")
        } else {
            None
        }
    }

    fn names_a_row_twice(&self) -> bool {
        let mut known = BTreeSet::new();
        let name = |row: &JournalRow| match &row.origin {
            Origin::Created { id: None, key, .. } => (None, Some(key.clone())),
            Origin::Updated(_) | Origin::Created { .. } | Origin::Deleted { .. } => {
                (row.id(), None)
            }
        };
        self.rows.iter().any(|row| !known.insert((&row.entity_set, name(row))))
    }
}

impl Label {
    /// Checks whether the label can mean a row of the table that this row is in.
    fn suits(&self, row: &JournalRow) -> bool {
        let is_value = row.is_variable_value();
        match self {
            Self::Variable(_) => {
                is_value && row.columns.keys().all(|name| name.as_str() == "value")
            }
            Self::Record { table, .. } => !is_value || table.as_str() == "environmentvariablevalue",
        }
    }
}

impl JournalRow {
    /// Checks whether the row is in the table of the values of environment variables.
    pub fn is_variable_value(&self) -> bool {
        let (set, id) = (self.entity_set.as_str(), self.primary_id.as_str());
        set == "environmentvariablevalues" && id == "environmentvariablevalueid"
    }

    /// Checks whether a row that the apply deletes is the value of a variable, whose text is known.
    fn can_be_made_again(&self) -> bool {
        let is_deleted = matches!(self.origin, Origin::Deleted { .. });
        let is_known = |change: &ColumnChange| change.before.is_some() && change.after.is_none();
        !is_deleted || (self.is_variable_value() && self.columns.values().all(is_known))
    }

    /// Checks whether the journal gives the values of variables the primary key that they have.
    fn has_right_key_column(&self) -> bool {
        self.entity_set.as_str() != "environmentvariablevalues" || self.is_variable_value()
    }

    /// Checks whether every change is named by the address of a target. Without that, a rollback
    /// would write changes that nobody sees.
    fn is_shown(&self) -> bool {
        let is_labelled = |place: &JournalTarget| {
            Label::from_address(place).is_some_and(|label| label.suits(self))
        };
        !self.places.is_empty()
            && self.places.iter().all(is_labelled)
            && self.columns.keys().all(|name| self.shows(name))
    }

    /// Checks whether the targets in a column account for its whole change: the column itself is a
    /// target, or only those members of its JSON change that are targets. Every address shows the
    /// key of a new row.
    fn shows(&self, name: &LogicalName) -> bool {
        let places: Vec<&JournalTarget> =
            self.places.iter().filter(|place| place.column == *name).collect();
        // A row that the apply made is deleted, and nothing of it is restored.
        if let Origin::Created { key, .. } = &self.origin {
            let is_key = matches!(key, RowKey::Columns(key) if key.contains_key(name));
            return is_key || !places.is_empty();
        }
        if places.is_empty() {
            return false;
        }
        let pointers: Option<Vec<_>> = places.iter().map(|place| place.pointer.as_ref()).collect();
        let Some(pointers) = pointers else { return true };
        self.columns.get(name).is_some_and(|change| change.is_only_at(&pointers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str, column: &str, pointer: Option<&str>) -> JournalTarget {
        JournalTarget {
            address: address.to_owned(),
            column: column.parse().unwrap(),
            pointer: pointer.map(|text| text.parse().unwrap()),
            flow_name: String::new(),
            workflow_id: "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9".parse().unwrap(),
        }
    }

    fn key(address: &str) -> Option<BTreeMap<LogicalName, String>> {
        match Label::from_address(&place(address, "url", None))? {
            Label::Record { key: LabelKey::Columns(columns), .. } => Some(columns),
            _ => None,
        }
    }

    #[test]
    fn an_address_is_read_only_if_it_names_the_column_and_the_member_that_are_restored() {
        let label = |address: &str, pointer| Label::from_address(&place(address, "value", pointer));
        let name = "contoso_Url".parse().unwrap();
        assert_eq!(label("environment-variable/contoso_Url", None), Some(Label::Variable(name)));
        assert!(label("environment-variable/contoso_Url#/a/b", Some("/a/b")).is_some());
        for (address, pointer) in [
            ("environment-variable/contoso_Url", Some("/a")),
            ("environment-variable/contoso_Url#/a", None),
            ("environment-variable/contoso_Url#/a", Some("/b")),
            ("environment-variable/", None),
            ("environment-variable/contoso_Url\u{1b}[2J", None),
            ("record/t[name=a]/url", None),
            ("something else", None),
        ] {
            assert_eq!(label(address, pointer), None, "{address:?}");
        }
    }

    #[test]
    fn the_columns_of_a_key_are_read_out_of_an_address_whatever_their_texts_hold() {
        let read = key(r#"record/t[a="x\"],b=1",c=plain text,d=7]/url"#).unwrap();
        let read: Vec<_> = read.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(read, [("a", r#""x\"],b=1""#), ("c", "plain text"), ("d", "7")]);
        for address in [
            "record/t[]/url",
            "record/t[a]/url",
            "record/t[a=1,a=1]/url",
            "record/t[a=\"x]/url",
            "record/t[a=\"x\"y]/url",
            "record/t[a=\u{202e}]/url",
            "record/t[a=1]/other",
        ] {
            assert_eq!(key(address), None, "{address:?}");
        }
    }

    #[test]
    fn a_value_is_known_as_addresses_write_it_whatever_its_case() {
        for (held, written, is) in [
            (KeyValue::Text("Orders".into()), "orders", true),
            (KeyValue::Text("7".into()), "\"7\"", true),
            (KeyValue::Integer(7), "7", true),
            (KeyValue::Boolean(true), "true", true),
            (KeyValue::Text("TRUE".into()), "\"true\"", true),
            (KeyValue::Text("invoices".into()), "orders", false),
            (KeyValue::Integer(7), "\"7\"", false),
            (KeyValue::Text("orders ".into()), "orders", true),
            (KeyValue::Text("orders".into()), "orders ", false),
        ] {
            assert_eq!(is_written_as(&held, written), is, "{held:?} {written}");
        }
    }
}
