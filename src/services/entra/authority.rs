//! Where people sign in: an authority's origin and a tenant of it.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::model::Guid;

/// One tenant at one authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    origin: Url,
    tenant: Tenant,
}

/// A tenant: a GUID, a domain, or a word such as `organizations`. It stands in a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant(String);

/// Why a text is not a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is neither a tenant's GUID nor one of its domains, such as `contoso.onmicrosoft.com`")]
pub struct TenantError;

impl Authority {
    /// Makes an authority for a tenant at the origin of an address, whose path and query are
    /// dropped.
    pub fn new(address: &Url, tenant: Tenant) -> Self {
        let mut origin = address.clone();
        origin.set_path("/");
        origin.set_query(None);
        origin.set_fragment(None);
        Self { origin, tenant }
    }

    /// Returns the scheme, host and port.
    pub fn origin(&self) -> &Url {
        &self.origin
    }

    /// Returns the tenant.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Returns the address that a browser signs in at.
    pub fn authorize_url(&self) -> Url {
        self.endpoint_url("authorize")
    }

    /// Returns the address that gives device codes.
    pub fn device_code_url(&self) -> Url {
        self.endpoint_url("devicecode")
    }

    /// Returns the address that gives tokens.
    pub fn token_url(&self) -> Url {
        self.endpoint_url("token")
    }

    /// Returns the address of an endpoint of version 2.0. Neither part can change the URL's host.
    fn endpoint_url(&self, name: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&format!("/{}/oauth2/v2.0/{name}", self.tenant));
        url
    }
}

impl Tenant {
    /// Returns the tenant's id, if it is named by that.
    pub fn id(&self) -> Option<Guid> {
        self.0.parse().ok()
    }
}

impl FromStr for Tenant {
    type Err = TenantError;

    fn from_str(text: &str) -> Result<Self, TenantError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let edges = text.starts_with(['.', '-']) || text.ends_with(['.', '-']);
        if text.is_empty() || text.len() > 253 || edges || !text.chars().all(plain) {
            return Err(TenantError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.origin, self.tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_those_of_version_two() {
        let address = "https://login.example.com/old?x=1#y".parse().unwrap();
        let authority = Authority::new(&address, "contoso.example".parse().unwrap());
        assert_eq!(
            authority.token_url().as_str(),
            "https://login.example.com/contoso.example/oauth2/v2.0/token"
        );
        assert_eq!(
            authority.authorize_url().as_str(),
            "https://login.example.com/contoso.example/oauth2/v2.0/authorize"
        );
        assert_eq!(
            authority.device_code_url().as_str(),
            "https://login.example.com/contoso.example/oauth2/v2.0/devicecode"
        );
    }

    #[test]
    fn a_tenant_cannot_leave_its_place_in_the_path() {
        for text in ["", "..", "a/b", "a?b", "a%2fb", "a b", ".a", "ä"] {
            assert_eq!(text.parse::<Tenant>(), Err(TenantError), "{text}");
        }
        for text in ["contoso.onmicrosoft.com", "8a0e4a0d-3a1c-4011-998a-7c1e5275cfe9"] {
            assert!(text.parse::<Tenant>().is_ok());
        }
    }
}
