//! Compares the addresses in a journal with the rows that they stand for: a journal may have been
//! forged, and whoever reviews a rollback knows a row by its address alone.

use std::collections::BTreeMap;

use super::{Journal, JournalRow, JournalTarget, Origin, RowKey};
use crate::model::{
    Code, KeyValue, LogicalName, Problem, RowId, SchemaName, ServiceError, is_hidden,
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

/// What reading tells of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// It is the value of the variable with that name; none if it belongs to no variable.
    Variable(Option<SchemaName>),
    /// It is a record.
    Record {
        /// The name of the labelled table in addresses; none if there is no such table.
        entity_set: Option<String>,
        /// What the columns of the label hold, as far as they are texts, numbers, or true or false.
        columns: BTreeMap<LogicalName, KeyValue>,
    },
    /// The service does not show what it is.
    Hidden(ServiceError),
}

impl Label {
    /// Reads a target's address; none if it is no address of that column and that member.
    pub fn from_address(place: &JournalTarget) -> Option<Self> {
        if let Some(rest) = place.address.strip_prefix("environment-variable/") {
            let member = |pointer: &_| format!("#{}", format!("{pointer}").escape_debug());
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

    /// Checks whether the label means this row, which has this id.
    fn means(&self, row: &JournalRow, id: RowId, subject: &Subject) -> bool {
        match (self, subject) {
            (Self::Variable(name), Subject::Variable(found)) => found.as_ref() == Some(name),
            (Self::Record { key, .. }, Subject::Record { entity_set, columns }) => {
                entity_set.as_deref() == Some(row.entity_set.as_str()) && key.fits(id, columns)
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
/// end, as Dataverse does.
fn is_written_as(held: &KeyValue, written: &str) -> bool {
    let same = |text: String| text.to_lowercase() == written.to_lowercase();
    match held {
        KeyValue::Text(text) => {
            let text = text.trim_end();
            same(text.to_owned()) || same(format!("{text:?}"))
        }
        other => same(other.to_string()),
    }
}

/// Reads `name=value,...`, where a value may be a quoted text.
fn columns(mut text: &str) -> Option<BTreeMap<LogicalName, String>> {
    let mut columns = BTreeMap::new();
    loop {
        let (name, rest) = text.split_once('=')?;
        let end = value_end(rest)?;
        let value = rest[..end].trim_end().to_owned();
        let earlier = columns.insert(name.parse().ok()?, value);
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

/// Returns a problem for each target whose address names another row than it is in, or whose row
/// the service does not show. `subjects` has what was read of each row that was found, with its
/// id.
pub fn mislabelled(journal: &Journal, subjects: &[Option<(RowId, Subject)>]) -> Vec<Problem> {
    let rows = journal.rows.iter().zip(subjects);
    let read = rows.filter_map(|(row, subject)| Some((row, subject.as_ref()?)));
    let problems = read.flat_map(|(row, (id, subject))| {
        row.places.iter().filter_map(move |place| label_problem(row, place, *id, subject))
    });
    problems.collect()
}

/// Returns a problem if the address of a target does not name the row that the target is in.
fn label_problem(
    row: &JournalRow,
    place: &JournalTarget,
    id: RowId,
    subject: &Subject,
) -> Option<Problem> {
    let address = Some(place.address.clone());
    if let Subject::Hidden(refusal) = subject {
        let (message, hint) = explain_refusal(refusal);
        return Some(Problem { code: Code::PrivilegeMissing, address, message, hint, site: None });
    }
    if Label::from_address(place).is_some_and(|label| label.means(row, id, subject)) {
        return None;
    }
    let message = format!(
        "the journal gives this address to the row {id} of `{}`, which is {subject}",
        row.entity_set
    );
    let code = Code::LabelMismatch;
    Some(Problem { code, address, message, hint: ASK_WHO.to_owned(), site: None })
}

impl std::fmt::Display for Subject {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(Some(name)) => write!(formatter, "the value of `{name}`"),
            Self::Variable(None) => formatter.write_str("the value of no variable"),
            Self::Record { .. } | Self::Hidden(_) => formatter.write_str("another record"),
        }
    }
}

impl Journal {
    /// Checks whether every change is named by the address of a target. Without that, a rollback
    /// would write changes that nobody sees.
    pub(super) fn is_consistent(&self) -> bool {
        self.rows.iter().all(|row| {
            let is_labelled = |place: &JournalTarget| {
                Label::from_address(place).is_some_and(|label| label.suits(row))
            };
            !row.places.is_empty()
                && row.places.iter().all(is_labelled)
                && row.columns.keys().all(|name| row.shows(name))
        })
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
        ] {
            assert_eq!(is_written_as(&held, written), is, "{held:?} {written}");
        }
    }
}
