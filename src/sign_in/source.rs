//! A source of tokens for one audience.

use super::{Audience, Principal, TokenCommand};
use crate::model::{AccessToken, Guid};
use crate::services::entra::Authority;

/// A source of tokens for one audience.
#[derive(Debug)]
pub enum TokenSource {
    /// A person who signs in.
    Person,
    /// A token that was made elsewhere and handed in.
    HandedIn(HandedInToken),
    /// A program that prints a token.
    Command(TokenCommand),
    /// An application that signs in as itself.
    Principal(Box<ApplicationSignIn>),
}

/// The source of tokens for each audience.
#[derive(Debug)]
pub struct TokenSources {
    /// The source of tokens for Dataverse.
    pub dataverse: TokenSource,
    /// The source of tokens for the Flow service.
    pub flow: TokenSource,
}

/// An application that signs in as itself, with its authority.
#[derive(Debug)]
pub struct ApplicationSignIn {
    /// The application.
    pub principal: Principal,
    /// The authority at which it signs in.
    pub authority: Authority,
    /// The audience of the token that a pipeline's identity provider signs.
    pub federation_audience: String,
}

/// A token that was made elsewhere and cannot be renewed.
#[derive(Debug)]
pub struct HandedInToken {
    /// The token.
    pub token: AccessToken,
    /// The origin of the token, such as the name of an environment variable.
    pub origin: String,
}

impl TokenSource {
    /// Returns the id of the source's own tenant, which replaces the session's.
    pub(super) fn own_tenant(&self) -> Option<Guid> {
        match self {
            Self::Principal(own) => own.authority.tenant().id(),
            Self::Person | Self::HandedIn(_) | Self::Command(_) => None,
        }
    }

    /// Returns true if the tokens come from the Azure CLI that `--sign-in az` chose.
    pub fn is_azure_cli(&self) -> bool {
        matches!(self, Self::Command(command) if command.is_azure_cli())
    }

    /// Names the tenant to the Azure CLI, if the tokens come from it.
    pub fn set_tenant(&mut self, tenant: &str) {
        if let Self::Command(command) = self {
            command.set_tenant(tenant);
        }
    }

    /// Returns the name of the origin of tokens that no authority issued to this run.
    pub(super) fn external_origin(&self) -> Option<String> {
        match self {
            Self::Person | Self::Principal(_) => None,
            Self::HandedIn(given) => Some(given.origin.clone()),
            Self::Command(command) => Some(command.to_string()),
        }
    }
}

impl TokenSources {
    /// Returns true if a person has to sign in for at least one audience.
    pub fn need_person(&self) -> bool {
        Audience::ALL
            .iter()
            .any(|audience| matches!(self.for_audience(*audience), TokenSource::Person))
    }

    /// Returns true if a person signs in for both audiences.
    pub(super) fn are_all_from_person(&self) -> bool {
        Audience::ALL
            .iter()
            .all(|audience| matches!(self.for_audience(*audience), TokenSource::Person))
    }

    /// Returns the source of tokens for an audience.
    pub(super) fn for_audience(&self, audience: Audience) -> &TokenSource {
        match audience {
            Audience::Dataverse => &self.dataverse,
            Audience::Flow => &self.flow,
        }
    }
}
