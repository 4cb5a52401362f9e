//! What tokens are issued on: how the person signed in, and what was asked for then.

use serde::{Deserialize, Serialize};

use super::super::guid::Guid;

/// How a sign-in was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Via {
    /// With a device code.
    Device,
    /// In a browser that the application opened.
    Browser,
    /// By the application itself, for nobody.
    Application,
}

/// What tokens are issued on.
#[derive(Debug, Clone)]
pub(super) struct Basis {
    /// How the sign-in was begun.
    pub(super) via: Via,
    /// The sign-in itself, which all tokens that come of it share.
    pub(super) family: Guid,
    /// What the id token repeats.
    pub(super) nonce: Option<String>,
    /// The `claims` that were asked for.
    pub(super) claims: Option<String>,
}

impl Basis {
    /// Begins a sign-in.
    pub(super) fn new(via: Via, claims: Option<String>) -> Self {
        Self { via, family: Guid::random(), nonce: None, claims }
    }
}
