//! Ids: a GUID by itself, and what each GUID of ours names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A GUID that is not nil, printed in lower case with hyphens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(uuid::Uuid);

/// Why a text is not an id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GuidError {
    /// The text does not have the form of a GUID.
    #[error("is not a GUID such as `a09e4a0d-3a1c-f011-998a-7c1e5275cfe9`")]
    Malformed,
    /// All digits are zero, which names nothing.
    #[error("is the nil GUID, which names nothing")]
    Nil,
}

impl FromStr for Guid {
    type Err = GuidError;

    /// Accepts upper and lower case, with or without braces, as exported solutions write both.
    fn from_str(text: &str) -> Result<Self, GuidError> {
        let text = text.trim();
        let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let inner = inner.unwrap_or(text);
        if inner.len() != 36 {
            return Err(GuidError::Malformed);
        }
        let guid = uuid::Uuid::try_parse(inner).map_err(|_| GuidError::Malformed)?;
        if guid.is_nil() {
            return Err(GuidError::Nil);
        }
        Ok(Self(guid))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Defines an id that is a [`Guid`] with a meaning.
macro_rules! guid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Guid);

        impl FromStr for $name {
            type Err = GuidError;

            fn from_str(text: &str) -> Result<Self, GuidError> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

guid_id! {
    /// The id of a solution cloud flow, the same in every environment.
    WorkflowId
}
guid_id! {
    /// The id that the Flow service gave to a flow in one environment.
    ResourceId
}
guid_id! {
    /// The primary key of a Dataverse row.
    RowId
}

/// The id by which the Flow service knows an environment: a GUID, `Default-` and a tenant's
/// GUID, or an older name. It is compared without case, and with or without `Default-`, as services
/// write both; it is printed as written.
#[derive(Clone, Debug)]
pub struct EnvironmentId(String);

impl EnvironmentId {
    /// What stands before the GUID of a tenant in the id of its first environment.
    const DEFAULT: &str = "default-";

    /// Normalizes the id for comparison: lower case, without `default-`.
    fn bare(&self) -> String {
        let id = self.0.to_ascii_lowercase();
        id.strip_prefix(Self::DEFAULT).map_or_else(|| id.clone(), str::to_owned)
    }
}

impl PartialEq for EnvironmentId {
    fn eq(&self, other: &Self) -> bool {
        self.bare() == other.bare()
    }
}

impl Eq for EnvironmentId {}

impl FromStr for EnvironmentId {
    type Err = GuidError;

    fn from_str(text: &str) -> Result<Self, GuidError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.is_empty() || text.len() > 128 || !text.chars().all(plain) {
            return Err(GuidError::Malformed);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for EnvironmentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_read_in_any_case_and_printed_in_lower_case() {
        let plain: WorkflowId = "A09E4A0D-3A1C-F011-998A-7C1E5275CFE9".parse().unwrap();
        let braced: WorkflowId = "{a09e4a0d-3a1c-f011-998a-7c1e5275cfe9}".parse().unwrap();
        assert_eq!(plain, braced);
        assert_eq!(plain.to_string(), "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9");
    }

    #[test]
    fn the_nil_guid_and_a_text_of_another_form_are_refused() {
        let nil = "00000000-0000-0000-0000-000000000000".parse::<WorkflowId>();
        assert_eq!(nil, Err(GuidError::Nil));
        for text in ["", "a09e4a0d3a1cf011998a7c1e5275cfe9", "a09e4a0d-3a1c"] {
            assert_eq!(text.parse::<WorkflowId>(), Err(GuidError::Malformed));
        }
    }

    #[test]
    fn an_environment_id_is_the_same_in_any_case_and_with_the_word_of_a_first_environment() {
        let id = |text: &str| text.parse::<EnvironmentId>().unwrap();
        let guid = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9";
        assert_eq!(id(guid), id(&guid.to_uppercase()));
        assert_eq!(id(guid), id(&format!("Default-{guid}")));
        assert_ne!(id(guid), id("a09e4a0d-3a1c-f011-998a-7c1e5275cfe8"));
        assert_eq!(id("Default-A").to_string(), "Default-A");
    }

    #[test]
    fn an_environment_id_has_no_character_that_a_path_could_stumble_over() {
        assert!("Default-a09e4a0d-3a1c-f011-998a-7c1e5275cfe9".parse::<EnvironmentId>().is_ok());
        assert!("../admin".parse::<EnvironmentId>().is_err());
    }
}
