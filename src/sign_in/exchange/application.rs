//! The application with which people sign in.

use url::Url;

use crate::model::{Cloud, is_loopback};
use crate::services::entra::Authority;
use crate::sign_in::AuthError;

use super::ClientId;

/// An application at an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The authority.
    pub authority: Authority,
    /// The application's id at the authority.
    pub client_id: ClientId,
    /// The hosts besides the authority's own on which a person may enter a code, each with its port
    /// unless that is 443.
    pub code_pages: Vec<String>,
}

impl Application {
    /// Checks whether a person may be sent to a page to enter a code: it is at the authority, at one
    /// of the listed hosts over https, or on this machine, as its authority is.
    pub(in crate::sign_in) fn trusts_page(&self, page: &Url) -> bool {
        let port = page.port().map_or_else(String::new, |port| format!(":{port}"));
        let place = format!("{}{port}", page.host_str().unwrap_or_default());
        let is_plain = page.username().is_empty() && page.password().is_none();
        let is_listed = page.scheme() == "https" && self.code_pages.contains(&place);
        let authority = self.authority.origin();
        let is_here = is_loopback(authority) && is_loopback(page);
        is_plain && (page.origin() == authority.origin() || is_here || is_listed)
    }
}

/// Reads the named application's id, else the cloud's default.
///
/// # Errors
/// No application is named, or the id is malformed.
pub fn resolve_client_id(named: Option<&str>, cloud: &Cloud) -> Result<ClientId, AuthError> {
    let text = named.or(cloud.client_id());
    let text = text.ok_or(AuthError::MissingClientId)?;
    text.parse().map_err(|source| AuthError::MalformedClientId { text: text.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Clouds;

    #[test]
    fn a_named_application_comes_first_and_then_the_clouds_own() {
        let clouds = Clouds::embedded().unwrap();
        let (public, sandbox) = (clouds.get("public"), clouds.get("sandbox"));
        let (public, sandbox) = (public.unwrap(), sandbox.unwrap());
        let named = resolve_client_id(Some("my-app"), sandbox).unwrap();
        assert_eq!(named.as_str(), "my-app");
        assert!(resolve_client_id(None, sandbox).is_ok());
        let missing = resolve_client_id(None, public).unwrap_err();
        assert!(matches!(missing, AuthError::MissingClientId));
        let malformed = resolve_client_id(Some("my app"), public).unwrap_err();
        assert!(malformed.to_string().contains("`my app`"), "{malformed}");
    }
}
