//! The fields of a journal as the text of a file has them.

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

    use crate::model::{KeyValue, LogicalName};
    use crate::plan::journal::fields::columns;

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
