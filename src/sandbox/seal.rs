//! The secrets of a tenant, and what is sealed with them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A 256-bit secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// Makes a random key.
    pub(crate) fn random() -> Self {
        let mut digest = Sha256::new();
        for _ in 0..4 {
            digest.update(Uuid::new_v4().as_bytes());
        }
        Self(digest.finalize().into())
    }

    /// Makes the key that always belongs to `words`.
    pub(crate) fn derived(words: &str) -> Self {
        Self(Sha256::digest(words.as_bytes()).into())
    }

    /// Seals `text`: base64url of HMAC-SHA256, always 43 characters.
    pub(crate) fn seal(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.code(text).finalize().into_bytes())
    }

    /// Tells whether `seal` was made from `text` with this key.
    pub(crate) fn holds(&self, text: &str, seal: &str) -> bool {
        URL_SAFE_NO_PAD.decode(seal).is_ok_and(|bytes| self.code(text).verify_slice(&bytes).is_ok())
    }

    fn code(&self, text: &str) -> Hmac<Sha256> {
        // A key shorter than the block is padded with zeros (RFC 2104 section 2).
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        let mut code = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block.into());
        code.update(text.as_bytes());
        code
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("****")
    }
}

/// Makes an opaque random text that nobody can guess.
pub(crate) fn opaque() -> String {
    URL_SAFE_NO_PAD.encode(Key::random().0)
}

/// Encodes bytes as base64url without padding.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn a_seal_has_43_characters_and_holds_for_its_text_only() {
        let key = Key::derived("k");
        let seal = key.seal("text");
        assert_eq!(seal.len(), 43);
        assert!(key.holds("text", &seal));
        assert!(!key.holds("other", &seal));
        assert_eq!(format!("{key:?}"), "****");
    }
}
