//! An access token that was just made, or handed in.

use std::time::Duration;

use crate::model::AccessToken;

/// The maximum length of a token in bytes: more than any service sends.
const MAX_BYTES: usize = 64 * 1024;

/// A new token, with its lifetime if the issuer stated one.
#[derive(Debug)]
pub(super) struct NewToken {
    pub(super) access: AccessToken,
    pub(super) lifetime: Option<Duration>,
}

/// Reads a token from a text. Returns `None` if the text is empty, too long, or has characters that
/// a bearer token cannot have ([RFC 6750 section
/// 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
pub fn read_token(text: &str) -> Option<AccessToken> {
    let text = text.trim();
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    let usable = (1..=MAX_BYTES).contains(&text.len()) && text.chars().all(is_part);
    usable.then(|| AccessToken::new(text))
}
