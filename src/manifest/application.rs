//! The ids of an application and of its tenant, and names of hosts.

use super::fields::parse_as;
use crate::model::Guid;

/// The most characters of a domain name (RFC 1035 section 2.3.4).
const MOST_DOMAIN_CHARACTERS: usize = 253;

/// Parses the id of an application.
pub(super) fn client_id(text: &str) -> Result<String, String> {
    parse_as::<Guid>(text).map(|guid| guid.to_string())
}

/// Parses the id of a tenant, or one of its domains.
pub(super) fn tenant(text: &str) -> Result<String, String> {
    if let Ok(guid) = text.parse::<Guid>() {
        return Ok(guid.to_string());
    }
    if text.contains('.') && is_host_name(text) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("is neither a GUID nor a domain name such as `contoso.onmicrosoft.com`".into())
}

/// Checks whether a text has the form of a host name.
pub(super) fn is_host_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= MOST_DOMAIN_CHARACTERS && text.split('.').all(label)
}
