//! The values that a file of clouds may have: nothing that would send tokens just anywhere.

use url::Url;

use super::application::is_host_name;
use crate::model::{EnvironmentUrl, EnvironmentUrlError};

/// The most characters of an audience that a federated credential can have.
const MOST_AUDIENCE_CHARACTERS: usize = 600;

/// Why a value cannot be taken, as the end of a sentence that begins with its key.
pub(super) type Reason = &'static str;

/// Reads the host of an authority, with a port if that is not the usual one.
pub(super) fn authority(text: &str) -> Result<String, Reason> {
    let (host, port) = text.split_once(':').unwrap_or((text, "0"));
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if !is_domain(host) || !digits {
        return Err("has a value that is not a lowercase host name");
    }
    match port.parse::<u16>() {
        Ok(443) => Err("has the default port 443: leave it out"),
        Ok(_) if !text.ends_with(":0") => Ok(text.to_owned()),
        Ok(_) | Err(_) => Err("has an invalid port"),
    }
}

/// Reads the origin of the Flow API.
pub(super) fn flow_api(text: &str) -> Result<Url, Reason> {
    let malformed = "is not an address such as `https://api.flow.microsoft.com`";
    if !is_graphic(text) {
        return Err(malformed);
    }
    let origin = text.parse::<EnvironmentUrl>().map_err(|error| match error {
        EnvironmentUrlError::Malformed => malformed,
        EnvironmentUrlError::NotHttps => {
            "is not https: plain http is accepted only for this machine (127.0.0.1, [::1], localhost)"
        }
        EnvironmentUrlError::Credentials => "contains credentials: remove them",
        EnvironmentUrlError::Path => "has a path: end it after the host",
        EnvironmentUrlError::Query => "has a query or a fragment: end it after the host",
    })?;
    origin.origin().parse().map_err(|_| malformed)
}

/// Reads the audience of a token for the Flow API, and keeps it exactly as written.
pub(super) fn flow_audience(text: &str) -> Result<String, Reason> {
    let url = Url::parse(text).ok().filter(|_| is_graphic(text));
    let url = url.filter(|url| url.scheme() == "https" && url.has_host());
    let url = url.ok_or("is not an https address")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("contains credentials: remove them");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment");
    }
    Ok(text.to_owned())
}

/// Reads the audience of a pipeline's own token.
pub(super) fn federation_audience(text: &str) -> Result<String, Reason> {
    if is_graphic(text) && text.len() <= MOST_AUDIENCE_CHARACTERS {
        return Ok(text.to_owned());
    }
    Err("is empty, too long, or has spaces or letters beyond ASCII")
}

/// Reads the end of a host name. One label alone, such as `.com`, is refused: everybody would be
/// trusted.
pub(super) fn suffix(text: &str) -> Result<String, Reason> {
    let rest = text.strip_prefix('.').ok_or("has a suffix that does not begin with a dot")?;
    if !is_domain(rest) {
        return Err("has a suffix that is not a lowercase host name");
    }
    if !rest.contains('.') {
        return Err("has a suffix with only one part, which would trust every host below it");
    }
    Ok(text.to_owned())
}

/// Checks whether a text is not empty and has only visible ASCII characters.
fn is_graphic(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Checks whether a text has the form of a host name in lower case.
fn is_domain(text: &str) -> bool {
    is_host_name(text) && !text.contains(|c: char| c.is_ascii_uppercase())
}
