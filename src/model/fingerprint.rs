//! Fingerprints, which are shown in the place of secrets.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The first 12 hex digits of the SHA-256 of a URL, as
/// `printf %s "$URL" | sha256sum | cut -c1-12` prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// Computes the fingerprint of a text, byte for byte.
    pub fn from_text(text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        Self(digest[..6].iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Parses a fingerprint from its printed form.
    fn parse(text: &str) -> Option<Self> {
        let read = Self(u64::from_str_radix(text, 16).ok()?);
        (text.len() == 12 && read.to_string() == text).then_some(read)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:012x}", self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("no fingerprint"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_start_of_the_sha_256_that_anyone_can_compute() {
        assert_eq!(Fingerprint::from_text("abc").to_string(), "ba7816bf8f01");
    }

    #[test]
    fn a_fingerprint_is_read_as_it_is_printed() {
        assert_eq!(Fingerprint::parse("ba7816bf8f01"), Some(Fingerprint::from_text("abc")));
        for other in ["", "ba7816bf8f", "ba7816bf8f0100", "BA7816BF8F01", "+a7816bf8f01", "é"] {
            assert_eq!(Fingerprint::parse(other), None, "{other}");
        }
    }
}
