//! The id of an application.

use std::fmt;
use std::str::FromStr;

/// The id of an application: a GUID at Entra, and no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId(String);

/// A text that is not the id of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the id of an application, such as `8a0e4a0d-3a1c-4011-998a-7c1e5275cfe9`")]
pub struct ClientIdError;

impl ClientId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = ClientIdError;

    fn from_str(text: &str) -> Result<Self, ClientIdError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if text.is_empty() || text.len() > 128 || !text.chars().all(plain) {
            return Err(ClientIdError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
