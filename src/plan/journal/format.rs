//! A journal as the text that a file holds.

use std::io::{self, Write};

use secrecy::SecretSlice;
use serde::{Deserialize, Serialize};

use super::{Journal, JournalHead, JournalRow};
use crate::model::{DocumentError, DocumentKind};

/// What a journal begins with.
const KIND: DocumentKind = DocumentKind { kind: "flowbind-journal", version: 1, called: "journal" };

/// The document.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct JournalText<H, R> {
    kind: String,
    version: u64,
    head: H,
    rows: R,
}

/// Counts the bytes that are written to it.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Journal {
    /// Returns the journal as JSON.
    pub fn to_json(&self) -> SecretSlice<u8> {
        let document = JournalText {
            kind: KIND.kind.to_owned(),
            version: KIND.version,
            head: &self.head,
            rows: &self.rows,
        };
        // What a buffer grows out of would stay in memory, so its length is found out first.
        let mut length = Length(0);
        let mut text = Vec::new();
        let written = serde_json::to_writer_pretty(&mut length, &document).and_then(|()| {
            text.reserve_exact(length.0);
            serde_json::to_writer_pretty(&mut text, &document)
        });
        written.unwrap_or_else(|error| unreachable!("texts and numbers: {error}"));
        SecretSlice::from(text)
    }

    /// Reads a journal.
    ///
    /// # Errors
    /// It is of another version, no journal, or one that no apply keeps.
    pub fn from_json(text: &[u8]) -> Result<Self, DocumentError> {
        let document: JournalText<JournalHead, Vec<JournalRow>> = KIND.read(text)?;
        let journal = Self { head: document.head, rows: document.rows };
        match journal.contradiction() {
            None => Ok(journal),
            Some(why) => Err(DocumentError::Inconsistent { called: KIND.called, why }),
        }
    }
}

/// A value by its text.
pub(super) mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in super::super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A value by its text, which may be missing.
pub(super) mod optional_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde passes a field by reference")]
    pub(in super::super) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(ToString::to_string).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse()).transpose().map_err(D::Error::custom)
    }
}

/// A stored text as it is.
pub(super) mod stored {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::model::StoredText;

    pub(in super::super) fn serialize<S: Serializer>(
        text: &StoredText,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text.expose())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<StoredText, D::Error> {
        String::deserialize(deserializer).map(StoredText::new)
    }
}

/// A stored text as it is, which may be missing.
pub(super) mod optional_stored {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::StoredText;

    #[expect(clippy::ref_option, reason = "serde passes a field by reference")]
    pub(in super::super) fn serialize<S: Serializer>(
        text: &Option<StoredText>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.as_ref().map(StoredText::expose).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<StoredText>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(StoredText::new))
    }
}

/// Something for each of a row's columns, by their names.
pub(super) mod columns {
    use std::collections::BTreeMap;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::LogicalName;

    pub(in super::super) fn serialize<T: Serialize, S: Serializer>(
        columns: &BTreeMap<LogicalName, T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(columns.iter().map(|(name, value)| (name.as_str(), value)))
    }

    pub(in super::super) fn deserialize<'de, T, D>(
        deserializer: D,
    ) -> Result<BTreeMap<LogicalName, T>, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        let columns = BTreeMap::<String, T>::deserialize(deserializer)?;
        let named =
            |(name, value): (String, T)| Ok((name.parse().map_err(D::Error::custom)?, value));
        columns.into_iter().map(named).collect()
    }
}

/// The values of a record's key, each as JSON writes it.
pub(super) mod key {
    use std::collections::BTreeMap;

    use serde::de::Error;
    use serde::{Deserializer, Serializer};
    use serde_json::Value;

    use super::columns;
    use crate::model::{KeyValue, LogicalName};

    pub(in super::super) fn serialize<S: Serializer>(
        key: &BTreeMap<LogicalName, KeyValue>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let value = |value: &KeyValue| match value {
            KeyValue::Text(text) => Value::from(text.as_str()),
            KeyValue::Integer(number) => Value::from(*number),
            KeyValue::Boolean(truth) => Value::from(*truth),
        };
        let values: BTreeMap<LogicalName, Value> =
            key.iter().map(|(name, held)| (name.clone(), value(held))).collect();
        columns::serialize(&values, serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<LogicalName, KeyValue>, D::Error> {
        let values: BTreeMap<LogicalName, Value> = columns::deserialize(deserializer)?;
        let value = |value: Value| match value {
            Value::String(text) => Some(KeyValue::Text(text)),
            Value::Bool(truth) => Some(KeyValue::Boolean(truth)),
            Value::Number(number) => number.as_i64().map(KeyValue::Integer),
            _ => None,
        };
        let missing = || D::Error::custom("no value of a key");
        let named = |(name, held)| Ok((name, value(held).ok_or_else(missing)?));
        values.into_iter().map(named).collect()
    }
}
