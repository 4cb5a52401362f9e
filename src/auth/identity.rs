//! Who signed in, as far as tokens tell.

use crate::api::entra::Claims;
use crate::auth::exchange::Grant;

/// Who signed in and where, as far as the tokens tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The name with which the person signs in.
    pub user: Option<String>,
    /// The person's id in the tenant.
    pub object_id: Option<String>,
    /// The tenant's id.
    pub tenant_id: Option<String>,
}

impl Identity {
    /// Reads who it is from the token for an audience, else from the one for ourselves.
    pub(super) fn of(grant: &Grant) -> Self {
        let own = grant.id_token.as_ref();
        let own = own.and_then(|token| Claims::of(token.expose())).unwrap_or_default();
        let claims = Claims::of(grant.access.expose()).unwrap_or_default();
        Self {
            user: claims.user.or(own.user),
            object_id: claims.object.or(own.object),
            tenant_id: claims.tenant.or(own.tenant),
        }
    }

    /// Whether the two may be the same person, as far as both tell.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        let agree = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        agree(&self.object_id, &other.object_id) && agree(&self.tenant_id, &other.tenant_id)
    }

    /// Tells whether the two are different people of one tenant. In another tenant the same person has
    /// another id.
    pub(super) fn differs_within_tenant(&self, other: &Self) -> bool {
        self.tenant_id.is_some() && self.tenant_id == other.tenant_id && !self.may_be(other)
    }

    /// Returns the name, for people.
    pub(super) fn name(&self) -> String {
        self.user.clone().unwrap_or_else(|| "somebody".to_owned())
    }

    /// Reads who it is from what a token says.
    pub(super) fn told_by(claims: &Claims) -> Self {
        let Claims { user, object, tenant, .. } = claims.clone();
        Self { user, object_id: object, tenant_id: tenant }
    }
}
