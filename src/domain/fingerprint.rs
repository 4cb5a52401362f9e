//! What is shown in the place of a secret.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first 12 hex digits of the SHA-256 of a URL, as
/// `printf %s "$URL" | sha256sum | cut -c1-12` prints them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a text, byte for byte.
    pub fn of(text: &str) -> Self {
        let digest = format!("{:x}", Sha256::digest(text.as_bytes()));
        Self(digest.chars().take(12).collect())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_start_of_the_sha_256_that_anyone_can_compute() {
        assert_eq!(Fingerprint::of("abc").to_string(), "ba7816bf8f01");
    }
}
