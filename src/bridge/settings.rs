//! A file of deployment settings: what it holds for environment variables, and how that is changed
//! while every other byte stays as it is.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::layout::{Layout, Members, between, colon, end, opening};
use crate::domain::{SchemaName, StoredText, printable};
use crate::plan::json::{Children, children_of, offset, quoted, splice};

/// The member that holds the values of environment variables.
const VARIABLES: &str = "EnvironmentVariables";

/// The member that holds the other list of such a file.
const CONNECTIONS: &str = "ConnectionReferences";

/// The member of an entry that names its variable.
const NAME: &str = "SchemaName";

/// The member of an entry that holds its value.
const VALUE: &str = "Value";

/// What a file begins with that does not exist yet.
const NEW: &str = "{\n  \"EnvironmentVariables\": [],\n  \"ConnectionReferences\": []\n}\n";

/// The byte order mark that some programs begin a file with.
const MARK: char = '\u{feff}';

/// The most characters of a name that are shown.
const MOST_SHOWN: usize = 120;

/// Why a file cannot be used as deployment settings.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// It is not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// It is not JSON.
    #[error("is not JSON (line {line}, column {column})")]
    NotJson {
        /// Where it stops being JSON, counted from 1.
        line: usize,
        /// The column of that place.
        column: usize,
    },
    /// It is JSON, but no object.
    #[error("is JSON, but no object")]
    NotObject,
    /// It is an object of another kind.
    #[error("has neither `EnvironmentVariables` nor `ConnectionReferences`")]
    NotSettings,
    /// A member that counts is there twice.
    #[error("has the member `{0}` twice")]
    Twice(&'static str),
    /// The list of variables is something else.
    #[error("has something else than a list as `EnvironmentVariables` (line {0})")]
    NotList(usize),
    /// An entry of the list does not say which variable it is about.
    #[error(
        "has an entry of `EnvironmentVariables` that is no object with a text as `SchemaName` (line {0})"
    )]
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
pub struct Settings {
    text: StoredText,
    entries: Vec<Entry>,
}

/// What the file says of one environment variable.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name as the file has it.
    pub name: String,
    /// The value; none if it is missing, null or blank.
    pub value: Option<StoredText>,
}

impl SettingsError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "save the file as UTF-8, as `Set-Content -Encoding utf8` does",
            Self::NotJson { .. }
            | Self::NotObject
            | Self::NotSettings
            | Self::NotList(_)
            | Self::NotEntry(_) => {
                "name a file as `pac solution create-settings` makes it: {\"EnvironmentVariables\": [{\"SchemaName\": \"\", \"Value\": \"\"}], \"ConnectionReferences\": []}"
            }
            Self::Twice(_) | Self::Duplicate { .. } => "remove one of the two",
        }
    }
}

impl Default for Settings {
    /// Settings of which nothing is known yet.
    fn default() -> Self {
        Self { text: StoredText::new(NEW), entries: Vec::new() }
    }
}

impl Settings {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be used: nothing of it is overlooked that a later import would trip over.
    pub fn parse(bytes: &[u8]) -> Result<Self, SettingsError> {
        let text = str::from_utf8(bytes).map_err(|_| SettingsError::NotUtf8)?;
        let entries = entries(without_mark(text))?;
        Ok(Self { text: StoredText::new(text), entries })
    }

    /// The whole file, for the one place that writes it.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// What it says of variables, in its order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What it says of that variable.
    pub fn entry(&self, name: &SchemaName) -> Option<&Entry> {
        self.entries.iter().find(|entry| is_same(&entry.name, name.as_str()))
    }

    /// The same settings with that value: in the place of an earlier one, else in an entry at the
    /// end of the list.
    ///
    /// # Errors
    /// None, as the settings were read before.
    pub fn with(&self, name: &SchemaName, value: &StoredText) -> Result<Self, SettingsError> {
        let text = self.text.expose();
        let body = without_mark(text);
        let mark = &text[..text.len() - body.len()];
        let body = with_list(body)?;
        let body = with_value(&body, name, value.expose())?;
        Self::parse(format!("{mark}{body}").as_bytes())
    }
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// The whole text as a value.
fn root(text: &str) -> Result<&RawValue, SettingsError> {
    serde_json::from_str(text).map_err(|error| not_json(&error))
}

fn not_json(error: &serde_json::Error) -> SettingsError {
    SettingsError::NotJson { line: error.line(), column: error.column() }
}

/// The members of an object; none if the value is something else.
fn members(raw: &RawValue) -> Result<Option<Members<'_>>, SettingsError> {
    Ok(match children_of(raw).map_err(|error| not_json(&error))? {
        Children::Members(members) => Some(members),
        Children::Elements(_) | Children::Neither => None,
    })
}

/// The member of that name. The programs that read such files compare names without case.
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

/// The list of variables, and the members of the root that it is one of.
fn list(text: &str) -> Result<(Option<&RawValue>, &RawValue, Members<'_>), SettingsError> {
    let root = root(text)?;
    let members = members(root)?.ok_or(SettingsError::NotObject)?;
    let variables = member(&members, VARIABLES)?;
    if variables.is_none() && member(&members, CONNECTIONS)?.is_none() && !members.is_empty() {
        return Err(SettingsError::NotSettings);
    }
    Ok((variables, root, members))
}

/// The entries of a list, each with the members that it has.
fn elements<'text>(
    text: &str,
    list: &'text RawValue,
) -> Result<Vec<(&'text RawValue, Members<'text>)>, SettingsError> {
    let elements = match children_of(list).map_err(|error| not_json(&error))? {
        Children::Elements(elements) => elements,
        Children::Neither if list.get() == "null" => Vec::new(),
        _ => return Err(SettingsError::NotList(line(text, list))),
    };
    let element = |raw: &'text RawValue| {
        let members = members(raw)?.ok_or_else(|| SettingsError::NotEntry(line(text, raw)))?;
        Ok((raw, members))
    };
    elements.into_iter().map(element).collect()
}

/// The line that a value begins in, counted from 1.
fn line(text: &str, raw: &RawValue) -> usize {
    text[..offset(text, raw)].matches('\n').count() + 1
}

/// Everything that the file says of variables.
fn entries(text: &str) -> Result<Vec<Entry>, SettingsError> {
    let Some(list) = list(text)?.0 else { return Ok(Vec::new()) };
    let mut entries: Vec<Entry> = Vec::new();
    let mut first_of: HashMap<String, &RawValue> = HashMap::new();
    for (raw, members) in elements(text, list)? {
        let entry = entry(text, raw, &members)?;
        if let Some(first) = first_of.insert(entry.name.to_ascii_lowercase(), raw) {
            let (first, second) = (line(text, first), line(text, raw));
            let name = printable(&entry.name, MOST_SHOWN);
            return Err(SettingsError::Duplicate { name, first, second });
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn entry(text: &str, raw: &RawValue, members: &Members<'_>) -> Result<Entry, SettingsError> {
    let name = member(members, NAME)?.and_then(|name| serde_json::from_str(name.get()).ok());
    let value = member(members, VALUE)?.filter(|value| value.get() != "null");
    let value = value.map(|value| {
        let unquoted = serde_json::from_str::<String>(value.get());
        StoredText::new(unquoted.unwrap_or_else(|_| value.get().to_owned()))
    });
    let value = value.filter(|value| !value.expose().trim().is_empty());
    let name = name.ok_or_else(|| SettingsError::NotEntry(line(text, raw)))?;
    Ok(Entry { name, value })
}

/// The text with a list of variables, if it had none.
fn with_list(text: &str) -> Result<String, SettingsError> {
    let (found, root, members) = list(text)?;
    match (found, members.last()) {
        (Some(list), _) if list.get() == "null" => {
            Ok(splice(text, offset(text, list), list.get().len(), "[]"))
        }
        (Some(_), _) => Ok(text.to_owned()),
        (None, Some((_, last))) => {
            let before = between(text, &members).unwrap_or_else(|| opening(root));
            let member = format!(",{before}\"{VARIABLES}\"{}[]", colon(text, &members));
            Ok(splice(text, end(text, last), 0, &member))
        }
        (None, None) => {
            let object = format!("{{\n  \"{VARIABLES}\": []\n}}");
            Ok(splice(text, offset(text, root), root.get().len(), &object))
        }
    }
}

/// The text with a value of a variable; it has a list of variables.
fn with_value(text: &str, name: &SchemaName, value: &str) -> Result<String, SettingsError> {
    let (found, root, members) = list(text)?;
    let list = found.ok_or(SettingsError::NotObject)?;
    let elements = elements(text, list)?;
    for (raw, members) in &elements {
        if is_same(&entry(text, raw, members)?.name, name.as_str()) {
            return replaced(text, members, value);
        }
    }
    let Some((model, members_of_model)) = elements.last() else {
        let layout = Layout::of_root(text, root, &members);
        let entry = layout.render(name.as_str(), value);
        let list_text = format!("[{}{entry}{}]", layout.entry, layout.end);
        return Ok(splice(text, offset(text, list), list.get().len(), &list_text));
    };
    let layout = Layout::of_entry(text, list, model, members_of_model);
    let entry = layout.render(name.as_str(), value);
    Ok(splice(text, end(text, model), 0, &format!(",{}{entry}", layout.entry)))
}

/// The text with another value in an entry that is there.
fn replaced(text: &str, members: &Members<'_>, value: &str) -> Result<String, SettingsError> {
    let value = quoted(value);
    if let Some(held) = member(members, VALUE)? {
        return Ok(splice(text, offset(text, held), held.get().len(), &value));
    }
    let last = members.last().map_or(0, |(_, last)| end(text, last));
    let before = between(text, members).unwrap_or(" ");
    Ok(splice(text, last, 0, &format!(",{before}\"{VALUE}\"{}{value}", colon(text, members))))
}
