//! What a tenant file says of the sign-in beyond who may sign in: its times, and what is refused.

use serde::Deserialize;

use super::file::ServiceName;

/// Times of the sign-in, in seconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct SignIn {
    /// The polling interval that is announced.
    pub(crate) interval: u64,
    /// How long a code can be used.
    pub(crate) expires_in: u64,
    /// How long an access token is good for; absent, it varies as the real service's does.
    pub(crate) access_token_lifetime: Option<u64>,
}

impl Default for SignIn {
    fn default() -> Self {
        Self { interval: 5, expires_in: 900, access_token_lifetime: None }
    }
}

/// A resource that a refresh token is refused for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RefreshRefusal {
    /// The resource.
    pub(crate) resource: RefusedResource,
    /// Why.
    pub(crate) reason: RefusalReason,
}

/// The resource of a refusal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RefusedResource {
    /// The organisation.
    Dataverse,
    /// The Flow service.
    Flow,
    /// Every resource.
    #[default]
    Any,
}

/// Why a refresh is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RefusalReason {
    /// 65001: a device login for this resource cures it.
    ConsentRequired,
    /// 53003: blocked by Conditional Access.
    Blocked,
    /// 70043: the sign-in frequency.
    SignInFrequency,
    /// 50173: revoked.
    Revoked,
    /// 50076: a second factor.
    SecondFactor,
}

impl RefusalReason {
    /// Returns the code.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::ConsentRequired => 65001,
            Self::Blocked => 53003,
            Self::SignInFrequency => 70043,
            Self::Revoked => 50173,
            Self::SecondFactor => 50076,
        }
    }
}

/// A scripted refusal: requests of one kind are refused with a code.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SignInRefusal {
    /// The kind of request.
    pub(crate) on: Stage,
    /// The resource that it asks for.
    #[serde(default)]
    pub(crate) resource: RefusedResource,
    /// The number after `AADSTS`.
    pub(crate) code: u32,
    /// The `error`, when it is not the code's usual one.
    pub(crate) error: Option<String>,
    /// The `suberror`, when it is not the code's usual one.
    pub(crate) suberror: Option<String>,
    /// The sentence, when it is not the code's usual one.
    pub(crate) description: Option<String>,
    /// The `claims`: JSON as text.
    pub(crate) claims: Option<String>,
    /// The status, when it is not the code's usual one.
    pub(crate) status: Option<u16>,
    /// How often; absent, always.
    pub(crate) times: Option<u32>,
    /// How many such requests pass first.
    #[serde(default)]
    pub(crate) after: u32,
}

/// A kind of request that can be refused, at the moment when it would be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// For a device code.
    DeviceCode,
    /// For the tokens of a device code that the person has approved.
    Poll,
    /// For tokens in exchange for a refresh token.
    Refresh,
    /// For an authorization code.
    Authorize,
    /// For the tokens of an authorization code.
    Code,
    /// For a token of the application itself.
    ClientCredentials,
}

/// A revocation: after so many requests, a service takes the access tokens issued until then no more.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TokenRevocation {
    /// The service.
    pub(crate) service: ServiceName,
    /// How many requests are accepted first.
    pub(crate) after: u32,
}
