//! Where the tokens of an audience come from.

use super::{Audience, Principal, TokenCommand};
use crate::api::entra::Authority;
use crate::domain::{AccessToken, Guid};

/// Where the tokens of an audience come from.
#[derive(Debug)]
pub enum Source {
    /// The person who signs in.
    Person,
    /// Somebody made a token and gave it.
    Given(GivenToken),
    /// A program prints one.
    Command(TokenCommand),
    /// An application signs in as itself.
    Principal(Box<OwnIdentity>),
}

/// The source of each audience.
#[derive(Debug)]
pub struct Sources {
    /// Of tokens for the environment.
    pub dataverse: Source,
    /// Of tokens for the Flow service.
    pub flow: Source,
}

/// An application that signs in as itself, and where.
#[derive(Debug)]
pub struct OwnIdentity {
    /// The application.
    pub principal: Principal,
    /// Where it signs in.
    pub authority: Authority,
    /// The audience of what a pipeline's identity provider signs.
    pub federation_audience: String,
}

/// A token that was made elsewhere. It cannot be renewed.
#[derive(Debug)]
pub struct GivenToken {
    /// The token.
    pub token: AccessToken,
    /// What gave it, such as the name of an environment variable.
    pub origin: String,
}

/// The longest token that is taken, in bytes: more than any service sends.
const MOST_BYTES: usize = 64 * 1024;

/// Takes a text for a token; none if it has other characters than a bearer token may have
/// ([RFC 6750 section 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
pub fn read_token(text: &str) -> Option<AccessToken> {
    let text = text.trim();
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    let usable = (1..=MOST_BYTES).contains(&text.len()) && text.chars().all(is_part);
    usable.then(|| AccessToken::new(text))
}

impl Source {
    /// Whether a further token can be had when one is refused.
    pub(super) fn renews(&self) -> bool {
        !matches!(self, Self::Given(_))
    }

    /// The tenant's id, where it is another than the session's.
    pub(super) fn tenant(&self) -> Option<Guid> {
        match self {
            Self::Principal(own) => own.authority.tenant().id(),
            Self::Person | Self::Given(_) | Self::Command(_) => None,
        }
    }

    /// What gave the token, if that was not the authority on our own request.
    pub(super) fn elsewhere(&self) -> Option<String> {
        match self {
            Self::Person | Self::Principal(_) => None,
            Self::Given(given) => Some(given.origin.clone()),
            Self::Command(command) => Some(command.to_string()),
        }
    }
}

impl Sources {
    /// Whether a person has to sign in.
    pub fn need_person(&self) -> bool {
        Audience::ALL.iter().any(|audience| matches!(self.of(*audience), Source::Person))
    }

    /// Whether one person's sign-in brings the tokens of both audiences.
    pub(super) fn are_one_person(&self) -> bool {
        Audience::ALL.iter().all(|audience| matches!(self.of(*audience), Source::Person))
    }

    /// The source of an audience.
    pub(super) fn of(&self, audience: Audience) -> &Source {
        match audience {
            Audience::Dataverse => &self.dataverse,
            Audience::Flow => &self.flow,
        }
    }
}
