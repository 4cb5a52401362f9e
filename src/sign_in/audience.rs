//! The services that tokens are for, and requests for tokens.

use std::fmt;

/// A service that tokens are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Dataverse, the environment's Web API.
    Dataverse,
    /// The Flow service.
    Flow,
}

/// A request to Entra.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInStep {
    /// A device code or an authorization code, and the first token after it.
    SignIn,
    /// A token without asking the person.
    Token(Audience),
}

/// A request for a token of a person.
#[derive(Clone)]
pub(super) struct TokenRequest {
    /// The audience of the token.
    pub(super) audience: Audience,
    /// The scopes, separated by spaces.
    pub(super) scopes: String,
    /// The claims that the token must prove, as JSON.
    pub(super) claims: Option<String>,
}

impl Audience {
    /// All audiences of a run.
    pub const ALL: [Self; 2] = [Self::Dataverse, Self::Flow];

    /// Returns the audience's name in settings and variables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dataverse => "dataverse",
            Self::Flow => "flow",
        }
    }

    /// Returns the id of the service's application in Entra, which tokens of version 2.0 carry as
    /// their audience.
    pub(super) fn application_id(self) -> &'static str {
        match self {
            Self::Dataverse => "00000007-0000-0000-c000-000000000000",
            Self::Flow => "7df0a125-d3be-4c96-aa54-591f83ff541c",
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dataverse => "Dataverse",
            Self::Flow => "the Flow service",
        })
    }
}

impl fmt::Display for SignInStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn => formatter.write_str("the sign-in"),
            Self::Token(audience) => write!(formatter, "a token for {audience}"),
        }
    }
}
