//! Reads the keys of one table: known ones to typed values, the rest to problems.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::findings::Findings;
use super::nearest::{nearest, quoted_list};
use super::schema::{self, Schema};
use super::show::{printable, quoted};
use crate::model::{Code, ManifestPosition};

/// One table of the manifest.
pub(super) struct Fields<'a> {
    findings: &'a Findings<'a>,
    schema: &'static Schema,
    place: usize,
    entries: BTreeMap<&'static str, FieldEntry<'a>>,
}

/// A key of the table, as written.
#[derive(Clone, Copy)]
struct FieldEntry<'a> {
    place: usize,
    value: &'a Spanned<DeValue<'a>>,
}

/// The mark of a value that has already been reported as wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reported;

/// A value, unless it was wrong.
pub(super) type FieldResult<T> = Result<T, Reported>;

impl<'a> Fields<'a> {
    /// Reads the keys of a table, and reports every key that the schema does not have.
    pub(super) fn new(
        table: &'a DeTable<'a>,
        place: usize,
        schema: &'static Schema,
        findings: &'a Findings<'a>,
    ) -> Self {
        let mut fields = Self { findings, schema, place, entries: BTreeMap::new() };
        let entries = table.iter().map(|(key, value)| {
            let place = key.span().start;
            (key.get_ref().as_ref(), FieldEntry { place, value })
        });
        let (known, unknown): (Vec<_>, Vec<_>) =
            entries.partition(|(name, _)| schema.key(name).is_some());
        let known = known.into_iter();
        fields.entries =
            known.filter_map(|(name, entry)| Some((schema.key(name)?.name, entry))).collect();
        for (name, entry) in unknown {
            fields.report_unknown(name, entry);
        }
        fields
    }

    /// Reports an unknown key, and reads it as the key that was most likely meant.
    fn report_unknown(&mut self, name: &str, entry: FieldEntry<'a>) {
        let owner = schema::owner(name);
        let near = nearest(name, self.schema.names()).filter(|_| owner.is_none());
        let hint = match (owner, near) {
            (Some(owner), _) => format!("{} belongs in {}", quoted(name), owner.header),
            (None, Some(near)) => format!("write `{near}`"),
            (None, None) => format!("use one of {}", quoted_list(self.schema.names())),
        };
        let message = format!("{} is not a key of {}", quoted(name), self.schema.header);
        self.add(entry.place, Code::KeyUnknown, message, hint);
        if let Some(near) = near {
            self.entries.entry(near).or_insert(entry);
        }
    }

    /// Returns the collection to which problems are added.
    pub(super) fn findings(&self) -> &'a Findings<'a> {
        self.findings
    }

    /// Adds a problem at a byte of the text.
    pub(super) fn add(
        &self,
        place: usize,
        code: Code,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.findings.add(place, code, message, hint);
    }

    /// Returns true if the key is present, even with a wrong value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Returns the offset of the key, or of the table if the key is missing.
    pub(super) fn key_offset(&self, name: &str) -> usize {
        self.entries.get(name).map_or(self.place, |entry| entry.place)
    }

    /// Returns the offset of the key's value, or of the table if the key is missing.
    pub(super) fn value_offset(&self, name: &str) -> usize {
        self.value(name).map_or(self.place, |value| value.span().start)
    }

    /// Returns the offset of the table.
    pub(super) fn table_offset(&self) -> usize {
        self.place
    }

    /// Returns the line and column of the key, or of the table if the key is missing.
    pub(super) fn site(&self, name: &str) -> ManifestPosition {
        self.findings.site(self.key_offset(name))
    }

    /// Reads an optional text and parses it; none if the key is missing.
    pub(super) fn optional<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> FieldResult<Option<T>> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        self.text(name, value, parse).map(Some)
    }

    /// Reads an optional list of texts and parses each. Wrong texts are reported and left out; a
    /// list that is present must not be empty.
    pub(super) fn texts<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let Some(value) = self.value(name) else { return Vec::new() };
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong_type(name, value, "a list of texts");
            return Vec::new();
        };
        if list.is_empty() {
            self.report_invalid(name, "is empty");
        }
        list.iter().filter_map(|value| self.text(name, value, &parse).ok()).collect()
    }

    /// Parses a value of a key, which must be a text.
    fn text<T>(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> FieldResult<T> {
        let DeValue::String(text) = value.get_ref() else {
            return Err(self.wrong_type(name, value, "a text"));
        };
        parse(text).map_err(|reason| self.report_invalid_at(value.span().start, name, &reason))
    }

    /// Reads a required text and parses it.
    pub(super) fn required<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> FieldResult<T> {
        self.optional(name, parse)?.ok_or_else(|| self.report_missing(name))
    }

    /// Reads a text that must be one of the choices.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[(&str, T)],
    ) -> FieldResult<Option<T>> {
        let Some(word) = self.optional(name, |text| Ok(text.to_owned()))? else {
            return Ok(None);
        };
        let found = choices.iter().find(|(choice, _)| *choice == word);
        found.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| {
            self.not_a_choice(name, &word, choices.iter().map(|(choice, _)| *choice))
        })
    }

    /// Reports a word that is none of the choices.
    pub(super) fn not_a_choice<'k>(
        &self,
        name: &str,
        word: &str,
        choices: impl Iterator<Item = &'k str> + Clone,
    ) -> Reported {
        let hint = match nearest(word, choices.clone()) {
            Some(near) => format!("write `{name} = \"{near}\"`"),
            None => format!("use one of {}", quoted_list(choices)),
        };
        let message = format!("`{name}` cannot be {}", quoted(word));
        self.add(self.value_offset(name), Code::ValueInvalid, message, hint);
        Reported
    }

    /// Reads an optional boolean.
    pub(super) fn boolean(&self, name: &str) -> FieldResult<Option<bool>> {
        match self.value(name).map(|value| (value, value.get_ref())) {
            None => Ok(None),
            Some((_, DeValue::Boolean(truth))) => Ok(Some(*truth)),
            Some((value, _)) => Err(self.wrong_type(name, value, "`true` or `false`")),
        }
    }

    /// Reads an optional table, and returns its offset too.
    pub(super) fn table(&self, name: &str) -> FieldResult<Option<(&'a DeTable<'a>, usize)>> {
        match self.value(name).map(|value| (value, value.get_ref())) {
            None => Ok(None),
            Some((value, DeValue::Table(table))) => Ok(Some((table, value.span().start))),
            Some((value, _)) => Err(self.wrong_type(name, value, "a table")),
        }
    }

    /// Reads the tables of a list. A single table is reported, and read as a list of one.
    pub(super) fn list(&self, name: &str, schema: &'static Schema) -> FieldResult<Vec<Fields<'a>>> {
        let Some(value) = self.value(name) else {
            return Ok(Vec::new());
        };
        let DeValue::Array(list) = value.get_ref() else {
            let reported = self.wrong_type(name, value, "a list of tables");
            return self.element(value, schema).map(|one| vec![one]).ok_or(reported);
        };
        let tables = list.iter().map(|value| {
            let table = self.element(value, schema);
            table.ok_or_else(|| self.wrong_type(name, value, "a table"))
        });
        let tables: Vec<FieldResult<Fields<'a>>> = tables.collect();
        if !tables.is_empty() && tables.iter().all(Result::is_err) {
            return Err(Reported);
        }
        Ok(tables.into_iter().flatten().collect())
    }

    /// Reads one table of a list.
    fn element(
        &self,
        value: &'a Spanned<DeValue<'a>>,
        schema: &'static Schema,
    ) -> Option<Fields<'a>> {
        let table = value.get_ref().as_table()?;
        Some(Fields::new(table, value.span().start, schema, self.findings))
    }

    /// Returns the value of a key.
    pub(super) fn value(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.entries.get(name).map(|entry| entry.value)
    }

    /// Reports a value that its key cannot have.
    pub(super) fn report_invalid(&self, name: &str, reason: &str) -> Reported {
        self.report_invalid_at(self.value_offset(name), name, reason)
    }

    /// Reports a part of a key's value that cannot be there.
    fn report_invalid_at(&self, place: usize, name: &str, reason: &str) -> Reported {
        let message = format!("`{name}` {}", printable(reason));
        self.add(place, Code::ValueInvalid, message, self.schema.help(name));
        Reported
    }

    /// Reports a required key that is missing.
    pub(super) fn report_missing(&self, name: &str) -> Reported {
        let message = format!("{} needs the key `{name}`", self.schema.header);
        self.add(self.place, Code::KeyMissing, message, self.schema.help(name));
        Reported
    }

    /// Reports a value of the wrong type.
    pub(super) fn wrong_type(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        wanted: &str,
    ) -> Reported {
        let found = type_name(value.get_ref());
        let message = format!("`{name}` is {found}, but {wanted} is needed");
        let help = self.schema.help(name);
        self.add(value.span().start, Code::TypeWrong, message, help);
        Reported
    }

    /// Reports two keys that exclude each other, at the second.
    pub(super) fn report_conflict(
        &self,
        name: &str,
        message: impl Into<String>,
        hint: &str,
    ) -> Reported {
        self.add(self.key_offset(name), Code::KeyConflict, message, hint);
        Reported
    }
}

/// Returns the type of a value as words for a message.
pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(true) => "`true`",
        DeValue::Boolean(false) => "`false`",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Parses the number; none if it does not fit in 64 bits.
pub(super) fn whole_number(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// Parses a text with the type's own `FromStr`, for [`Fields::optional`].
pub(super) fn parse_as<T: std::str::FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}
