//! Callback URLs: secrets that are compared by what they mean and stored as they came.

mod parts;
mod stored;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{Fingerprint, Signature};
pub use parts::{UrlForm, UrlParts};
pub use stored::{Oddities, StoredUrl};

/// The URL that runs a flow. Whoever holds a signed one may run it, so it is never printed.
#[derive(Clone)]
pub struct CallbackUrl {
    verbatim: SecretString,
    view: UrlView,
    https: bool,
    method: Option<&'static str>,
}

/// Who may call a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UrlAccess {
    /// The URL carries a signature: whoever has it may call.
    Signed,
    /// The caller needs an Entra token.
    Authenticated,
}

/// The methods that a trigger can be set to take.
const METHODS: [&str; 5] = ["GET", "PUT", "POST", "PATCH", "DELETE"];

/// The steps of a path from `workflows` to `invoke`.
const TRIGGER_STEPS: usize = 6;

/// What a new path has before the workflow, and what follows it in some.
const NEW_PATH: [&[u8]; 4] = [b"powerautomate", b"automations", b"direct", b"cu"];

/// What may be shown of a URL.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct UrlView {
    /// Who may call it.
    pub kind: UrlAccess,
    /// Where it leads.
    pub host: Arc<str>,
    /// What tells it from another URL.
    pub fingerprint: Fingerprint,
}

/// Why a text is not a callback URL. The text itself is never part of the answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CallbackUrlError {
    /// The text is no absolute http or https URL.
    #[error("is not an absolute http or https URL")]
    Malformed,
}

/// The identity of a trigger, taken from its URL: equal for all URLs of one trigger, whatever their
/// hosts, forms and signatures.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TriggerKey {
    trigger: Vec<Vec<u8>>,
    path: Vec<Vec<u8>>,
}

/// A URL's parts in one spelling: no default port, percent-encoding undone, the query sorted.
#[derive(Clone, PartialEq, Eq)]
struct NormalizedUrl {
    origin: String,
    path: Vec<Vec<u8>>,
    query: Vec<(Vec<u8>, Vec<u8>)>,
    fragment: Option<String>,
}

impl CallbackUrl {
    /// Exposes the URL exactly as the service sent it, for the one place that writes it.
    pub fn expose(&self) -> &str {
        self.verbatim.expose_secret()
    }

    /// Returns the parts of the URL that may be shown.
    pub fn view(&self) -> &UrlView {
        &self.view
    }

    /// Returns the id of the environment, if the URL's host is an environment's own.
    pub fn environment(&self) -> Option<String> {
        parts::environment_of_host(&self.view.host)
    }

    /// Reads the parts of the URL that may be shown in detail.
    pub fn read_parts(&self) -> UrlParts {
        self.read().as_ref().map(UrlParts::from_url).unwrap_or_default()
    }

    /// Returns whether the scheme is https.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Returns whether every program reads the same host out of the URL. It must not have what
    /// parsers disagree on, such as a backslash, credentials or a missing slash.
    pub fn is_unambiguous(&self) -> bool {
        let text = self.expose();
        let origin = format!("https://{}", self.view.host);
        let (start, rest) = text.split_at(origin.len().min(text.len()));
        let rest = rest.strip_prefix(":443").unwrap_or(rest);
        start.eq_ignore_ascii_case(&origin)
            && rest.starts_with(['/', '?'])
            && !text.contains(['\\', '#', '@'])
    }

    /// Returns the signatures in the URL, as written and with percent-encoding undone. Logs must
    /// mask them besides the whole URL, since masking a text does not mask a part of it.
    pub fn signatures(&self) -> Vec<Signature> {
        let query = self.expose().split_once('?').map_or("", |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let values = pairs.filter(|(name, _)| decoded(name).eq_ignore_ascii_case("sig"));
        let mut signatures = Vec::new();
        for (_, value) in values.filter(|(_, value)| !value.is_empty()) {
            signatures.push(Signature::new(value));
            let plain = decoded(value);
            if plain != value && plain.bytes().all(|byte| byte.is_ascii_graphic()) {
                signatures.push(Signature::new(plain));
            }
        }
        signatures
    }

    /// Sets the HTTP method that the service names for the URL; an unknown method is dropped.
    #[must_use]
    pub fn with_method(self, method: Option<&str>) -> Self {
        let is_said = |known: &&str| method.is_some_and(|said| said.eq_ignore_ascii_case(known));
        Self { method: METHODS.into_iter().find(is_said), ..self }
    }

    /// Returns the HTTP method of the URL, if the service named one that is known.
    pub fn method(&self) -> Option<&'static str> {
        self.method
    }

    /// Returns the trigger that the URL starts, if its path has one of the known forms.
    pub fn trigger_key(&self) -> Option<TriggerKey> {
        let meaning = self.normalized()?;
        let (trigger, path) = meaning.path.split_at(meaning.relative_path()?);
        let begin = trigger.len() - TRIGGER_STEPS;
        Some(TriggerKey { trigger: trigger[begin..].to_vec(), path: path.to_vec() })
    }

    /// Returns the scheme, host and port of the URL, the port only if it is not the default.
    pub fn origin(&self) -> String {
        self.read().map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }

    /// Returns whether the URL has the relative path of the other one, or that path filled in.
    pub fn has_path_of(&self, other: &Self) -> bool {
        match (self.trigger_key(), other.trigger_key()) {
            (Some(own), Some(other)) => is_filled_in(&own.path, &other.path),
            _ => self.normalized().map(|url| url.path) == other.normalized().map(|url| url.path),
        }
    }

    /// Counts the characters that have to be stored.
    pub fn length(&self) -> usize {
        self.expose().chars().count()
    }

    /// Returns whether both URLs lead to the same place with the same rights, however they are
    /// spelled.
    pub fn is_equivalent_to(&self, other: &Self) -> bool {
        self.normalized() == other.normalized()
    }

    /// Returns whether the URL is another one with the parameters of its relative path filled in,
    /// such as `/clips/4711` for `/clips/{id}`.
    pub fn fills_in(&self, template: &Self) -> bool {
        let (Some(filled), Some(template)) = (self.normalized(), template.normalized()) else {
            return false;
        };
        let rest =
            |url: &NormalizedUrl| (url.origin.clone(), url.query.clone(), url.fragment.clone());
        rest(&filled) == rest(&template) && filled.path_fills_in(&template)
    }

    /// Normalizes the parts of the URL. The result is not cached: few URLs are compared by it, and
    /// it takes several times the memory of the text.
    fn normalized(&self) -> Option<NormalizedUrl> {
        self.read().as_ref().map(NormalizedUrl::from_url)
    }

    /// Parses the stored text again.
    fn read(&self) -> Option<Url> {
        Url::parse(self.expose()).ok()
    }
}

impl CallbackUrl {
    /// Returns whether both URLs have the same origin and path, or `other` has the path of `self`
    /// filled in; their queries may differ, and with them the signatures.
    pub fn same_trigger_as(&self, other: &Self) -> bool {
        let (Some(own), Some(other)) = (self.normalized(), other.normalized()) else {
            return false;
        };
        own.origin == other.origin && (own.path == other.path || other.path_fills_in(&own))
    }
}

impl TriggerKey {
    /// Returns the key of the trigger alone, without a relative path.
    #[must_use]
    pub fn without_path(&self) -> Self {
        Self { trigger: self.trigger.clone(), path: Vec::new() }
    }

    /// Returns whether a URL with this key starts the trigger whose own URL has the key
    /// `template`: it has its relative path, or that path filled in.
    pub fn starts(&self, template: &Self) -> bool {
        self.trigger == template.trigger && is_filled_in(&self.path, &template.path)
    }
}

/// Returns whether a relative path is a template, or the template filled in.
fn is_filled_in(path: &[Vec<u8>], template: &[Vec<u8>]) -> bool {
    let fits =
        |(step, template): (&Vec<u8>, &Vec<u8>)| step == template || step_fills_in(step, template);
    path.len() == template.len() && path.iter().zip(template).all(fits)
}

/// Returns whether a step of a path is a template's with something in the place of each parameter,
/// which is a name in braces.
fn step_fills_in(step: &[u8], template: &[u8]) -> bool {
    let (Ok(mut step), Ok(template)) = (str::from_utf8(step), str::from_utf8(template)) else {
        return false;
    };
    let mut parts = template.split('{');
    let Some(rest) = parts.next().and_then(|begin| step.strip_prefix(begin)) else { return false };
    step = rest;
    for part in parts {
        let Some((_, text)) = part.split_once('}') else { return false };
        let first = step.chars().next().map_or(0, char::len_utf8);
        let end = if text.is_empty() { Some(step.len()) } else { step[first..].find(text) };
        let Some(end) = end.filter(|_| first > 0) else { return false };
        step = if text.is_empty() { "" } else { &step[first + end + text.len()..] };
    }
    step.is_empty() && template.contains('{')
}

impl FromStr for CallbackUrl {
    type Err = CallbackUrlError;

    fn from_str(text: &str) -> Result<Self, CallbackUrlError> {
        // A URL parser drops line breaks and tabs; what is stored must not have them at all.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CallbackUrlError::Malformed);
        }
        let url = Url::parse(text).map_err(|_| CallbackUrlError::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(CallbackUrlError::Malformed);
        }
        let signed = url.query_pairs().any(|(name, _)| name.eq_ignore_ascii_case("sig"));
        let read = Self {
            verbatim: SecretString::from(text.to_owned()),
            view: UrlView {
                kind: if signed { UrlAccess::Signed } else { UrlAccess::Authenticated },
                host: url.host_str().unwrap_or_default().into(),
                fingerprint: Fingerprint::from_text(text),
            },
            https: url.scheme() == "https",
            method: None,
        };
        // Each signature that is read is known from then on, and covered in all output.
        drop(read.signatures());
        Ok(read)
    }
}

impl fmt::Debug for CallbackUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CallbackUrl({} ****)", self.view.host)
    }
}

impl PartialEq for CallbackUrl {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for CallbackUrl {}

/// Undoes the percent-encoding of a part of a query.
fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

impl NormalizedUrl {
    fn from_url(url: &Url) -> Self {
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let path = url.path().trim_end_matches('/').split('/').skip(1);
        let pairs = url.query().unwrap_or_default().split('&');
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut query: Vec<_> =
            pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
        // Of pairs with one name the order may matter.
        query.sort_by(|(one, _), (other, _)| one.cmp(other));
        let credentials = format!("{}:{}", url.username(), url.password().unwrap_or_default());
        Self {
            origin: format!("{credentials}@{}", url.origin().ascii_serialization()),
            path: path.map(decoded).collect(),
            query,
            fragment: url.fragment().map(str::to_owned),
        }
    }

    /// Returns where the relative path begins, which may be empty, if the path has one of the forms
    /// that lead to a trigger.
    fn relative_path(&self) -> Option<usize> {
        let begin = self.path.iter().position(|segment| segment == b"workflows")?;
        let (before, started) = self.path.split_at(begin);
        let known = match before.len() {
            0 => true,
            // After the fourth comes the number of a unit.
            3 | 5 => before.iter().zip(NEW_PATH).all(|(segment, known)| segment == known),
            _ => false,
        };
        let leads = |[_, _, triggers, _, paths, invoke]: &[Vec<u8>; 6]| {
            triggers == b"triggers" && paths == b"paths" && invoke == b"invoke"
        };
        (known && started.first_chunk().is_some_and(leads)).then_some(begin + TRIGGER_STEPS)
    }

    /// Returns whether the path is that of a template, or the template's filled in.
    fn path_fills_in(&self, template: &Self) -> bool {
        let Some(begin) = template.relative_path() else { return false };
        let (before, path) = template.path.split_at(begin);
        self.path.get(..begin) == Some(before) && is_filled_in(&self.path[begin..], path)
    }
}

impl fmt::Display for UrlAccess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Signed => "signed",
            Self::Authenticated => "authenticated",
        })
    }
}

/// Returns whether a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Returns whether nobody on the network can read what is sent to a URL: it is https, or on this
/// machine.
pub fn is_https_or_loopback(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = "https://example.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/0f/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=made-up";

    fn url(text: &str) -> CallbackUrl {
        text.parse().unwrap()
    }

    #[test]
    fn a_port_that_is_the_default_percent_encoding_and_the_order_of_the_query_mean_nothing() {
        let other = "https://EXAMPLE.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/0f/triggers/manual/paths/invoke/?sig=made-up&sv=1.0&sp=/triggers/manual/run&api-version=1";
        assert!(url(SIGNED).is_equivalent_to(&url(other)));
    }

    #[test]
    fn a_url_that_programs_read_differently_is_told_from_one_that_they_do_not() {
        assert!(url(SIGNED).is_unambiguous());
        assert!(url(&SIGNED.replace(":443", "")).is_unambiguous());
        let host = "example.environment.api.powerplatform.com";
        for text in [
            format!("https://{host}\\@evil.example/x"),
            format!("https:////{host}/x"),
            format!("https:{host}/x"),
            format!("https://user:word@{host}/x"),
            format!("https://{host}:8443/x"),
            format!("https://{host}/x#sig=made-up"),
            format!("http://{host}/x"),
            format!("https://{host}"),
        ] {
            assert!(!url(&text).is_unambiguous(), "{text}");
        }
    }

    #[test]
    fn another_signature_host_path_or_scheme_means_another_url() {
        for other in [
            SIGNED.replace("made-up", "another"),
            SIGNED.replace("example.", "elsewhere."),
            SIGNED.replace("manual", "orders"),
            SIGNED.replace("https:", "http:"),
            SIGNED.replace("sig=", "user="),
            format!("{SIGNED}#part"),
            SIGNED.replace("made-up", "made%2Bup"),
        ] {
            assert!(!url(SIGNED).is_equivalent_to(&url(&other)), "{other}");
        }
    }

    #[test]
    fn another_signature_leads_to_the_same_trigger_and_another_path_does_not() {
        assert!(url(SIGNED).same_trigger_as(&url(&SIGNED.replace("made-up", "another"))));
        assert!(
            !url(SIGNED).same_trigger_as(&url(&SIGNED.replace("manual/paths", "orders/paths")))
        );
        assert!(!url(SIGNED).same_trigger_as(&url(&SIGNED.replace("example.", "elsewhere."))));
    }

    #[test]
    fn a_signature_is_known_as_it_stands_and_as_it_reads() {
        let signatures = |text: &str| {
            let signatures = url(text).signatures();
            signatures.iter().map(|one| one.expose().to_owned()).collect::<Vec<_>>()
        };
        let at = "https://flow.example/x";
        assert_eq!(
            signatures(&format!("{at}?sv=1&sig=made%2Dup%3D&Sig=two")),
            ["made%2Dup%3D", "made-up=", "two"]
        );
        assert_eq!(signatures(&format!("{at}?s%69g=a#&sig=b")), ["a"]);
        assert_eq!(signatures(&format!("{at}?api-version=1&sig=")), [""; 0]);
    }

    #[test]
    fn a_url_is_shown_as_kind_host_and_fingerprint_and_never_as_itself() {
        let url = url(SIGNED);
        assert_eq!(url.view().kind, UrlAccess::Signed);
        assert_eq!(&*url.view().host, "example.environment.api.powerplatform.com");
        assert!(!format!("{url:?}").contains("made-up"));
    }

    #[test]
    fn a_trigger_is_the_same_on_another_host_in_another_form_and_with_another_signature() {
        let old = "https://prod-1.westeurope.logic.azure.com/workflows/0f/triggers/manual/paths/invoke?api-version=2016-06-01&sig=older";
        for same in [old.to_owned(), SIGNED.replace("direct/", "direct/cu/07/")] {
            assert_eq!(url(SIGNED).trigger_key(), url(&same).trigger_key(), "{same}");
        }
        for other in [
            SIGNED.replace("/0f/", "/f0/"),
            SIGNED.replace("triggers/manual", "triggers/orders"),
            SIGNED.replace("/invoke", "/invoke/more"),
            SIGNED.replace("direct/", "hooks/"),
        ] {
            assert_ne!(url(SIGNED).trigger_key(), url(&other).trigger_key(), "{other}");
        }
        let odd = "https://example.environment.api.powerplatform.com/hooks/0f";
        assert_eq!(url(odd).trigger_key(), None);
    }

    #[test]
    fn a_filled_in_path_is_that_of_its_template_and_another_path_is_not() {
        let at = |path: &str| url(&SIGNED.replace("/invoke", &format!("/invoke{path}")));
        let template = at("/clips/%7Bid%7D/v{version}.json");
        for filled in ["/clips/4711/v2.json", "/clips/a%2Fb/v1.0.json", "/clips/{id}/v{x}.json"] {
            assert!(at(filled).fills_in(&template), "{filled}");
            assert!(template.same_trigger_as(&at(filled)), "{filled}");
            assert!(at(filled).trigger_key().unwrap().starts(&template.trigger_key().unwrap()));
        }
        for other in
            ["", "/clips/4711", "/clips/4711/v.json", "/clips//v2.json", "/tapes/1/v2.json"]
        {
            assert!(!at(other).fills_in(&template), "{other}");
            assert!(!template.same_trigger_as(&at(other)), "{other}");
            assert!(!at(other).trigger_key().unwrap().starts(&template.trigger_key().unwrap()));
        }
        let other = SIGNED.replace("/invoke", "/invoke/clips/4711/v2.json");
        let rotated = url(&other.replace("made-up", "another"));
        assert!(!rotated.fills_in(&template) && template.same_trigger_as(&rotated));
        assert!(!template.fills_in(&url(&other)));
    }

    #[test]
    fn only_a_method_that_a_trigger_can_take_is_taken_over() {
        let method = |said| url(SIGNED).with_method(said).method();
        assert_eq!([method(Some("post")), method(Some("GET"))], [Some("POST"), Some("GET")]);
        assert_eq!([method(Some("ANY")), method(Some("")), method(None)], [None; 3]);
    }

    #[test]
    fn what_is_not_an_absolute_web_address_is_refused() {
        for text in [
            "",
            "hello",
            "/powerautomate",
            "mailto:someone@example.com",
            "javascript:alert(1)",
            "https://example.com/a\nb",
        ] {
            assert_eq!(text.parse::<CallbackUrl>(), Err(CallbackUrlError::Malformed));
        }
    }
}
