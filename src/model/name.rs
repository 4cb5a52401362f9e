//! Names that Dataverse and the Flow service give to things.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// Why a text is not a name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing stands where a name is needed.
    #[error("is empty")]
    Empty,
    /// The name is longer than the service stores.
    #[error("is longer than {0} characters")]
    TooLong(usize),
    /// The name has a character that such names cannot have.
    #[error(
        "has the character `{0}`: such a name has only letters, digits and `_`, and does not begin with a digit"
    )]
    Character(char),
    /// A trigger's key has a control character.
    #[error("has a control character")]
    Control,
}

/// The schema name of an environment variable, such as `contoso_OrderUrl`: compared without
/// case, printed as written.
#[derive(Clone, Debug)]
pub struct SchemaName(String);

impl SchemaName {
    /// The longest schema name that Dataverse stores.
    const MOST_CHARACTERS: usize = 100;

    /// Returns the name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SchemaName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        identifier(text, Self::MOST_CHARACTERS)?;
        Ok(Self(text.to_owned()))
    }
}

impl PartialEq for SchemaName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for SchemaName {}

impl PartialOrd for SchemaName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SchemaName {
    fn cmp(&self, other: &Self) -> Ordering {
        let (ours, others) = (self.0.as_bytes(), other.0.as_bytes());
        let mut pairs = ours.iter().zip(others);
        match pairs.find(|(our, other)| !our.eq_ignore_ascii_case(other)) {
            Some((our, other)) => our.to_ascii_lowercase().cmp(&other.to_ascii_lowercase()),
            None => ours.len().cmp(&others.len()),
        }
    }
}

impl Hash for SchemaName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_ascii_lowercase().hash(state);
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The logical name of a table or column, such as `contoso_endpoint`: always in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogicalName(String);

impl LogicalName {
    /// The longest logical name that Dataverse stores.
    const MOST_CHARACTERS: usize = 128;

    /// Takes the name of a table or column of Dataverse itself, spelled as in its reference.
    pub fn of_system(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    /// Returns the name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the property that holds the id to which this lookup column refers.
    #[must_use]
    pub fn of_lookup(&self) -> Self {
        Self(format!("_{}_value", self.0))
    }

    /// Returns the lookup column, if this is the name of the property of one.
    pub fn lookup_column(&self) -> Option<&str> {
        self.0.strip_prefix('_')?.strip_suffix("_value")
    }
}

impl FromStr for LogicalName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        identifier(text, Self::MOST_CHARACTERS)?;
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for LogicalName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The key of a trigger in its flow's definition: `manual` unless somebody renamed it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TriggerName(String);

impl TriggerName {
    /// Longer than any key that the designer makes.
    const MOST_CHARACTERS: usize = 256;

    /// Returns the key as it stands in the definition.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TriggerName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        length(text, Self::MOST_CHARACTERS)?;
        if text.chars().any(char::is_control) {
            return Err(NameError::Control);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for TriggerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Checks the form that Dataverse gives to schema and logical names.
fn identifier(text: &str, most: usize) -> Result<(), NameError> {
    length(text, most)?;
    let wrong = |(place, c): &(usize, char)| {
        !(c.is_ascii_alphabetic() || *c == '_' || (c.is_ascii_digit() && *place > 0))
    };
    match text.chars().enumerate().find(wrong) {
        Some((_, character)) => Err(NameError::Character(character)),
        None => Ok(()),
    }
}

/// Checks that a name is neither empty nor too long.
fn length(text: &str, most: usize) -> Result<(), NameError> {
    match text.chars().count() {
        0 => Err(NameError::Empty),
        count if count > most => Err(NameError::TooLong(most)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_names_are_compared_without_case_and_printed_as_written() {
        let written: SchemaName = "contoso_OrderUrl".parse().unwrap();
        assert_eq!(written, "CONTOSO_orderurl".parse().unwrap());
        assert_eq!(written.to_string(), "contoso_OrderUrl");
    }

    #[test]
    fn schema_names_are_sorted_without_case_and_the_shorter_first() {
        let names = ["a", "A_b", "a_B1", "a_c", "B"];
        let names = names.map(|name| name.parse::<SchemaName>().unwrap());
        assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
    }

    #[test]
    fn names_with_characters_that_dataverse_cannot_have_are_refused() {
        for (text, character) in [("contoso-url", '-'), ("a'b", '\''), ("1url", '1'), ("a b", ' ')]
        {
            assert_eq!(text.parse::<LogicalName>(), Err(NameError::Character(character)));
        }
        assert_eq!("".parse::<SchemaName>(), Err(NameError::Empty));
        assert_eq!("a".repeat(101).parse::<SchemaName>(), Err(NameError::TooLong(100)));
    }
}
