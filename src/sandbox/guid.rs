//! GUIDs as the services print them: hyphenated and lower case.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Guid(Uuid);

impl Guid {
    /// Makes a random GUID.
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Makes the GUID that always belongs to these words, so that it is the same in every run.
    pub(crate) fn derived(words: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for word in words {
            digest.update(word.as_bytes());
            digest.update([0]);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.finalize()[..16]);
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Prints the 32 hex digits without hyphens.
    pub(crate) fn simple(self) -> String {
        self.0.simple().to_string()
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

impl FromStr for Guid {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| de::Error::custom(format!("`{text}` is not a GUID")))
    }
}
