//! A file of deployment settings: reads the values of environment variables, and changes them while
//! every other byte stays as it is.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::layout::{Layout, Members, Slot, colon, leading_space, space_after_comma};
use crate::model::{SchemaName, StoredText, missing_in_json, printable};
use crate::plan::json_children::{Children, children_of, offset, position, quoted};

/// The member that holds the values of environment variables.
const VARIABLES: &str = "EnvironmentVariables";

/// The member that holds the other list of such a file.
const CONNECTIONS: &str = "ConnectionReferences";

/// The member of an entry that names its variable.
const NAME: &str = "SchemaName";

/// The member of an entry that holds its value.
const VALUE: &str = "Value";

/// The byte order mark that some programs begin a file with.
const MARK: char = '\u{feff}';

/// The maximum number of characters of a name that are shown.
const MOST_SHOWN: usize = 120;

/// The reason why a file cannot be used as deployment settings.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SettingsError {
    /// It is not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// It is not JSON.
    #[error("is not JSON{} (line {line}, column {column})", .missing.map(|missing| format!(": {missing}")).unwrap_or_default())]
    NotJson {
        /// The line of the syntax error, counted from 1.
        line: usize,
        /// The column of the syntax error.
        column: usize,
        /// What is missing there, if that is known.
        missing: Option<&'static str>,
    },
    /// It is JSON, but no object.
    #[error("is JSON, but not an object")]
    NotObject,
    /// It is an object of another kind.
    #[error("has neither `EnvironmentVariables` nor `ConnectionReferences`")]
    NotSettings,
    /// A known member is there twice.
    #[error("has the member `{0}` twice")]
    Twice(&'static str),
    /// The list of variables is not a list.
    #[error("has an `EnvironmentVariables` that is not a list (line {0})")]
    NotList(usize),
    /// An entry of the list does not say which variable it is about.
    #[error("has an entry of `EnvironmentVariables` without a text as `SchemaName` (line {0})")]
    NotEntry(usize),
    /// Two entries are about one variable.
    #[error("has two entries for the variable `{name}` (lines {first} and {second})")]
    Duplicate {
        /// The variable.
        name: String,
        /// The line of the one.
        first: usize,
        /// The line of the other.
        second: usize,
    },
}

/// The deployment settings of one environment. They may hold signed URLs, so they are a secret.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    text: StoredText,
    entries: Vec<Entry>,
    /// The index of each entry, by its name in lower case.
    places: HashMap<String, usize>,
    /// The slot for new entries.
    further: Slot,
    /// The spacing of new entries.
    layout: Layout,
}

/// The entry of one environment variable.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The name as the file has it.
    pub name: String,
    /// The value; none if it is missing, null or blank.
    pub value: Option<StoredText>,
    /// The slot for a new value.
    slot: Slot,
}

impl SettingsError {
    /// Returns what the operator can do about the error.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "save the file as UTF-8, as `Set-Content -Encoding utf8` does",
            Self::NotJson { .. }
            | Self::NotObject
            | Self::NotSettings
            | Self::NotList(_)
            | Self::NotEntry(_) => {
                "name a file in the format of `pac solution create-settings`: {\"EnvironmentVariables\": [{\"SchemaName\": \"\", \"Value\": \"\"}], \"ConnectionReferences\": []}"
            }
            Self::Twice(_) | Self::Duplicate { .. } => "remove one of the two",
        }
    }
}

impl Settings {
    /// The text of a new file without entries.
    pub(crate) const NEW: &str =
        "{\n  \"EnvironmentVariables\": [],\n  \"ConnectionReferences\": []\n}\n";

    /// Reads the file.
    ///
    /// # Errors
    /// The file cannot be used. Everything that would make a later import fail is an error here.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, SettingsError> {
        let text = str::from_utf8(bytes).map_err(|_| SettingsError::NotUtf8)?;
        let root = root(without_mark(text))?;
        let members = members(text, root)?.ok_or(SettingsError::NotObject)?;
        let list = variable_list(&members)?;
        let elements = list.map_or_else(|| Ok(Vec::new()), |list| elements(text, list))?;
        let (entries, places) = entries(text, &elements)?;
        let (further, layout) = match (list, elements.last()) {
            (Some(list), Some((model, members))) => slot_after_last(text, list, model, members),
            _ => slot_for_first(text, root, &members, list),
        };
        Ok(Self { text: StoredText::new(text), entries, places, further, layout })
    }

    /// Returns the whole file, secrets included.
    pub(crate) fn expose(&self) -> &str {
        self.text.expose()
    }

    /// Returns the entries of environment variables, in the file's order.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the entry of the variable.
    pub(crate) fn entry(&self, name: &SchemaName) -> Option<&Entry> {
        self.places.get(&lookup_key(name.as_str())).map(|place| &self.entries[*place])
    }

    /// Returns the whole file with these values, one for each variable. A value replaces that of an
    /// existing entry, or goes into a new entry at the end of the list.
    pub(crate) fn with_values(&self, values: &[(&SchemaName, &StoredText)]) -> StoredText {
        let (mut fillings, mut added) = (Vec::new(), Vec::new());
        for (name, value) in values {
            match self.entry(name) {
                Some(entry) => fillings.push((&entry.slot, quoted(value.expose()))),
                None => added.push(self.layout.render(name.as_str(), value.expose())),
            }
        }
        if !added.is_empty() {
            fillings.push((&self.further, added.join(&self.layout.between_entries())));
        }
        fillings.sort_by_key(|(slot, _)| slot.range.start);
        StoredText::new(Slot::fill_slots(self.text.expose(), &fillings))
    }
}

/// An element of the list, with the members that it has.
type Element<'text> = (&'text RawValue, Members<'text>);

fn without_mark(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// Parses the whole text as one JSON value.
fn root(text: &str) -> Result<&RawValue, SettingsError> {
    serde_json::from_str(text).map_err(|error| not_json(text, text, &error))
}

fn not_json(text: &str, part: &str, error: &serde_json::Error) -> SettingsError {
    let (line, column) = position(text, part, error);
    SettingsError::NotJson { line, column, missing: missing_in_json(part, error) }
}

/// Returns the members of an object in the text, or none if the value is not an object.
fn members<'text>(
    text: &str,
    raw: &'text RawValue,
) -> Result<Option<Members<'text>>, SettingsError> {
    Ok(match children_of(raw).map_err(|error| not_json(text, raw.get(), &error))? {
        Children::Members(members) => Some(members),
        Children::Elements(_) | Children::Neither => None,
    })
}

/// Finds the member with the name, ignoring case as the programs that read such files do.
fn member<'text>(
    members: &Members<'text>,
    name: &'static str,
) -> Result<Option<&'text RawValue>, SettingsError> {
    let mut found = members.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(SettingsError::Twice(name)),
        (first, None) => Ok(first.map(|(_, value)| *value)),
    }
}

/// Finds the list of variables among the members of the root.
fn variable_list<'text>(
    members: &Members<'text>,
) -> Result<Option<&'text RawValue>, SettingsError> {
    let variables = member(members, VARIABLES)?;
    if variables.is_none() && member(members, CONNECTIONS)?.is_none() && !members.is_empty() {
        return Err(SettingsError::NotSettings);
    }
    Ok(variables)
}

/// Returns the elements of the list, each with its members.
fn elements<'text>(
    text: &str,
    list: &'text RawValue,
) -> Result<Vec<Element<'text>>, SettingsError> {
    let elements = match children_of(list).map_err(|error| not_json(text, list.get(), &error))? {
        Children::Elements(elements) => elements,
        Children::Neither if list.get() == "null" => Vec::new(),
        _ => return Err(SettingsError::NotList(line_number(text, list))),
    };
    let element = |raw: &'text RawValue| {
        let members = members(text, raw)?;
        let members = members.ok_or_else(|| SettingsError::NotEntry(line_number(text, raw)))?;
        Ok((raw, members))
    };
    elements.into_iter().map(element).collect()
}

/// Returns the line on which a value begins, counted from 1.
fn line_number(text: &str, raw: &RawValue) -> usize {
    text[..offset(text, raw.get())].matches('\n').count() + 1
}

/// Reads every entry of the list, and maps each name in lower case to the index of its entry.
fn entries(
    text: &str,
    elements: &[Element<'_>],
) -> Result<(Vec<Entry>, HashMap<String, usize>), SettingsError> {
    let (mut entries, mut places) = (Vec::new(), HashMap::new());
    for (place, (raw, members)) in elements.iter().enumerate() {
        let entry = entry(text, raw, members)?;
        if let Some(first) = places.insert(lookup_key(&entry.name), place) {
            let (first, second) = (line_number(text, elements[first].0), line_number(text, raw));
            let name = printable(&entry.name, MOST_SHOWN);
            return Err(SettingsError::Duplicate { name, first, second });
        }
        entries.push(entry);
    }
    Ok((entries, places))
}

/// Returns a name in lower case, for comparison.
fn lookup_key(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn entry(text: &str, raw: &RawValue, members: &Members<'_>) -> Result<Entry, SettingsError> {
    let name = member(members, NAME)?.and_then(|name| serde_json::from_str(name.get()).ok());
    let held = member(members, VALUE)?;
    let value = held.filter(|value| value.get() != "null").map(|value| {
        let unquoted = serde_json::from_str::<String>(value.get());
        StoredText::new(unquoted.unwrap_or_else(|_| value.get().to_owned()))
    });
    let value = value.filter(|value| !value.expose().trim().is_empty());
    let name = name.ok_or_else(|| SettingsError::NotEntry(line_number(text, raw)))?;
    Ok(Entry { name, value, slot: value_slot(text, raw, held, members) })
}

/// Finds the slot for a new value of an entry: in place of the current value, or after the entry's
/// last member.
fn value_slot(text: &str, raw: &RawValue, held: Option<&RawValue>, members: &Members<'_>) -> Slot {
    if let Some(held) = held {
        return Slot::replacing(text, held, "", "");
    }
    let before = space_after_comma(text, members).unwrap_or(" ");
    let before = format!(",{before}\"{VALUE}\"{}", colon(text, members));
    Slot::after_value(text, members.last().map_or(raw, |(_, last)| *last), before, "")
}

/// Finds the slot for new entries in a list that has entries.
fn slot_after_last(
    text: &str,
    list: &RawValue,
    model: &RawValue,
    members: &Members<'_>,
) -> (Slot, Layout) {
    let layout = Layout::from_entry(text, list, model, members);
    (Slot::after_value(text, model, layout.between_entries(), ""), layout)
}

/// Finds the slot for the first entries: in the list, or in the root together with a new list.
fn slot_for_first(
    text: &str,
    root: &RawValue,
    members: &Members<'_>,
    list: Option<&RawValue>,
) -> (Slot, Layout) {
    let layout = Layout::from_root(text, root, members);
    let (open, close) = (format!("[{}", layout.entry), format!("{}]", layout.end));
    let slot = match (list, members.last()) {
        (Some(list), _) => Slot::replacing(text, list, open, close),
        (None, Some((_, neighbour))) => {
            let before = space_after_comma(text, members).unwrap_or_else(|| leading_space(root));
            let colon = colon(text, members);
            Slot::after_value(
                text,
                neighbour,
                format!(",{before}\"{VARIABLES}\"{colon}{open}"),
                close,
            )
        }
        (None, None) => {
            let before = format!("{{\n  \"{VARIABLES}\": {open}");
            Slot::replacing(text, root, before, format!("{close}\n}}"))
        }
    };
    (slot, layout)
}
