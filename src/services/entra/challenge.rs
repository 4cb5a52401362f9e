//! The challenge with which an environment tells where to sign in.
//!
//! It comes from whoever answers at that address, so nothing is sent to the authority it names
//! before somebody has decided to trust that host.

use http::header::{ACCEPT, HeaderValue, WWW_AUTHENTICATE};
use url::Url;

use super::{Authority, Tenant};
use crate::http::{Answer, Request};
use crate::model::{EnvironmentUrl, Service};

/// The path of the Web API's service document.
const SERVICE_DOCUMENT: &str = "/api/data/v9.2/";

/// The scheme of a challenge, in lower case; other schemes may stand before it.
const SCHEME: &str = "bearer ";

/// The name by which Entra means whatever tenant of an organisation a person has: `common`
/// would let in personal accounts too, which have no environment.
const ORGANIZATIONS: &str = "organizations";

/// Where an environment asks to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The authority and the tenant.
    pub authority: Authority,
}

/// Asks an environment, without a token, for its service document: the answer is a challenge.
///
/// # Errors
/// The address does not take a path.
pub fn ask_for_challenge(environment: &EnvironmentUrl) -> Result<Request, url::ParseError> {
    let url = format!("{}{SERVICE_DOCUMENT}", environment.origin()).parse()?;
    let request = Request::get(Service::Dataverse, url, SERVICE_DOCUMENT);
    Ok(request.with_header(ACCEPT, HeaderValue::from_static("application/json")))
}

impl Challenge {
    /// Reads `WWW-Authenticate: Bearer authorization_uri=..., resource_id=...`, of which several
    /// may be there.
    pub fn from_answer(answer: &Answer) -> Option<Self> {
        let values = answer.headers.get_all(WWW_AUTHENTICATE).iter();
        let mut texts = values.filter_map(|value| value.to_str().ok());
        texts.find_map(Self::parse)
    }

    /// Reads one header.
    fn parse(text: &str) -> Option<Self> {
        let place = text.to_ascii_lowercase().find(SCHEME)?;
        let parameters = &text[place + SCHEME.len()..];
        let url: Url = find_parameter(parameters, "authorization_uri")?.parse().ok()?;
        if !url.has_host() || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let authority = Authority::new(&url, tenant_in_path(&url)?);
        Some(Self { authority })
    }
}

/// Returns the tenant in the first part of the path of `authorization_uri`.
fn tenant_in_path(url: &Url) -> Option<Tenant> {
    let name = url.path_segments()?.next()?;
    let name = if name == "common" { ORGANIZATIONS } else { name };
    name.parse().ok()
}

/// Finds the value of a parameter: `name=value` or `name="value"`, separated by commas, names
/// without regard to case ([RFC 9110 section
/// 11.2](https://www.rfc-editor.org/rfc/rfc9110#section-11.2)).
fn find_parameter(mut text: &str, wanted: &str) -> Option<String> {
    while let Some((name, rest)) = text.split_once('=') {
        let (value, rest) = split_value(rest.trim_start());
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        text = rest.trim_start().trim_start_matches(',');
    }
    None
}

/// Splits off one value, whose quotes and escapes are taken away.
pub(super) fn split_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(',').unwrap_or((text, ""));
        return (value.trim().to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[place + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            plain => value.push(plain),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn read(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        let (status, body) = (401, Vec::new());
        let challenge = Challenge::from_answer(&Answer::new(status, headers, body));
        challenge.map(|challenge| challenge.authority.to_string())
    }

    #[test]
    fn a_challenge_is_read_quoted_or_not_in_any_case_and_order() {
        let forms = [
            "Bearer authorization_uri=https://login.example.com/t-1/oauth2/authorize, resource_id=https://contoso.example/",
            "bearer Authorization_Uri=\"https://login.example.com/t-1/oauth2/authorize\",resource_id=\"https://contoso.example/\"",
            "Basic realm=\"x\", Bearer authorization_uri=https://login.example.com/t-1/oauth2/authorize",
            "BEARER resource_id=\"a=\\\"b\\\",c\", authorization_uri = https://login.example.com/t-1/",
        ];
        for form in forms {
            let read = read(&[form]);
            assert_eq!(read.as_deref(), Some("https://login.example.com/t-1"), "{form}");
        }
    }

    #[test]
    fn the_bearer_challenge_is_found_among_others() {
        let authority = read(&[
            "Negotiate",
            "Basic realm=\"x\"",
            "Bearer error=\"invalid_token\"",
            "Bearer authorization_uri=https://login.example.com/common/oauth2/authorize",
        ]);
        assert_eq!(authority.unwrap(), "https://login.example.com/organizations");
    }

    #[test]
    fn what_names_no_authority_is_no_challenge() {
        let forms = [
            "Bearer",
            "Bearer realm=\"\"",
            "Bearer authorization_uri=",
            "Bearer authorization_uri=https://login.example.com/",
            "Bearer authorization_uri=https://user:word@login.example.com/t-1/",
            "Bearer authorization_uri=https://login.example.com/%2e%2e%2f/",
            "Basic authorization_uri=https://login.example.com/t-1/",
        ];
        for form in forms {
            assert_eq!(read(&[form]), None, "{form}");
        }
    }
}
