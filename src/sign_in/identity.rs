//! The identity of the person who signed in, read from tokens.

use crate::services::entra::Claims;
use crate::sign_in::exchange::GrantedTokens;

/// A person and their tenant, as far as the tokens name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user name.
    pub user: Option<String>,
    /// The person's id in the tenant.
    pub object_id: Option<String>,
    /// The tenant's id.
    pub tenant_id: Option<String>,
}

impl Identity {
    /// Reads the identity from the access token, and what is missing there from the id token.
    pub(super) fn from_grant(grant: &GrantedTokens) -> Self {
        let own = grant.id_token.as_ref();
        let own = own.and_then(|token| Claims::in_token(token.expose())).unwrap_or_default();
        let claims = Claims::in_token(grant.access.expose()).unwrap_or_default();
        Self {
            user: claims.user.or(own.user),
            object_id: claims.object.or(own.object),
            tenant_id: claims.tenant.or(own.tenant),
        }
    }

    /// Returns false if the two differ in a value that both have.
    pub(super) fn may_be_same_person(&self, other: &Self) -> bool {
        let agree = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        agree(&self.object_id, &other.object_id) && agree(&self.tenant_id, &other.tenant_id)
    }

    /// Returns whether the two are different people of one tenant. In another tenant the same person has
    /// another id.
    pub(super) fn differs_within_tenant(&self, other: &Self) -> bool {
        self.tenant_id.is_some()
            && self.tenant_id == other.tenant_id
            && !self.may_be_same_person(other)
    }

    /// Returns the name, for people.
    pub(super) fn name(&self) -> String {
        self.user.clone().unwrap_or_else(|| "somebody".to_owned())
    }

    /// Reads the identity from the claims of a token.
    pub(super) fn from_claims(claims: &Claims) -> Self {
        let Claims { user, object, tenant, .. } = claims.clone();
        Self { user, object_id: object, tenant_id: tenant }
    }
}
