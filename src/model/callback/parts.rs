//! The parts of a trigger's address that may be shown.
//!
//! Old addresses are those of Logic Apps, `/workflows/{id}/triggers/{name}/paths/invoke`; new ones
//! lie under `/powerautomate/automations/direct`, on the host of an environment, which is made of
//! its id (<https://learn.microsoft.com/power-automate/triggers-introduction>).

use std::fmt;

use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use url::Url;

/// Where the host of an environment tells no more of the environment's id.
const END_OF_ID: &str = ".environment.api.";

/// What stands before the hexadecimal digits of a tenant's first environment.
const DEFAULT: &str = "default";

/// The path below which the new addresses lie.
const NEW_PATH: &str = "/powerautomate/automations/direct";

/// The most characters of a part that is shown.
const MOST_CHARACTERS: usize = 80;

/// How many digits of a workflow's name tell it from another.
const WORKFLOW_DIGITS: usize = 8;

/// The parts of the address of a trigger. What is not there, or not of its usual form, is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlParts {
    /// Which form the address has.
    pub generation: UrlForm,
    /// The id of the environment, if the host tells it: a GUID, or `Default-` and one.
    pub environment: Option<String>,
    /// The first digits of the name that the service gave the workflow.
    pub workflow: Option<String>,
    /// The key of the trigger.
    pub trigger: Option<String>,
    /// The version of the service's API.
    pub api_version: Option<String>,
    /// The signature, which can be compared and not be shown.
    pub(crate) signature: PartDigest,
    /// The parts above as they are, to be compared: not everything in a URL may be shown.
    pub(crate) whole: WholeParts,
}

/// The parts of an address that tell what it starts, whole and decoded. They are compared, and
/// never shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WholeParts {
    /// The name that the service gave the workflow.
    pub(crate) workflow: PartDigest,
    /// The key of the trigger.
    pub(crate) trigger: PartDigest,
    /// The version of the service's API.
    pub(crate) api_version: PartDigest,
}

/// The form of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UrlForm {
    /// That of Logic Apps, which has been retired.
    Old,
    /// That of the environment's own host.
    New,
    /// Neither.
    #[default]
    Unknown,
}

/// A part of a URL or that there is none, as a digest that never leaves the program.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct PartDigest(Option<[u8; 32]>);

impl UrlParts {
    /// Reads the parts of a URL that may be shown.
    pub(super) fn from_url(url: &Url) -> Self {
        let (generation, path) = match url.path().strip_prefix(NEW_PATH) {
            Some(rest) => (UrlForm::New, without_unit(rest)),
            None => (UrlForm::Old, url.path()),
        };
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (generation, workflow, trigger) = match segments[..] {
            ["workflows", workflow, "triggers", trigger, "paths", "invoke", ..] => {
                (generation, Some(workflow), Some(trigger))
            }
            _ => (UrlForm::Unknown, None, None),
        };
        let api_version = parameter(url, "api-version");
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        Self {
            generation,
            environment: environment_of_host(url.host_str().unwrap_or_default()),
            workflow: workflow.and_then(digits),
            trigger: trigger.and_then(name),
            signature: PartDigest::from_part(parameter(url, "sig")),
            whole: WholeParts {
                workflow: PartDigest::from_part(workflow.map(str::to_ascii_lowercase)),
                trigger: PartDigest::from_part(trigger.map(decoded)),
                api_version: PartDigest::from_part(api_version.as_deref()),
            },
            api_version: api_version.and_then(|version| name(&version)),
        }
    }
}

impl PartDigest {
    fn from_part(part: Option<impl AsRef<[u8]>>) -> Self {
        Self(part.map(|part| Sha256::digest(part).into()))
    }
}

impl fmt::Debug for PartDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "****" } else { "none" })
    }
}

impl fmt::Display for UrlForm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Old => "Logic Apps",
            Self::New => "Power Platform",
            Self::Unknown => "another form",
        })
    }
}

/// Removes the unit that some of the new addresses name, such as `/cu/07`, from the beginning of a
/// path.
fn without_unit(path: &str) -> &str {
    let unit = path.strip_prefix("/cu/").and_then(|rest| rest.split_once('/'));
    unit.map_or(path, |(_, rest)| rest)
}

/// Reads the id of an environment from its own host; none for any other host.
pub(super) fn environment_of_host(host: &str) -> Option<String> {
    let (begin, _) = host.split_once(END_OF_ID)?;
    let id = begin.replace('.', "");
    let (before, digits) = match id.strip_prefix(DEFAULT) {
        Some(digits) => ("Default-", digits),
        None => ("", id.as_str()),
    };
    let is_id = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let guid = uuid::Uuid::try_parse(digits).ok().filter(|_| is_id)?;
    Some(format!("{before}{}", guid.hyphenated()))
}

/// Returns the first digits of a hexadecimal name; none for any other text, which may be a secret.
fn digits(segment: &str) -> Option<String> {
    let is_name = segment.len() >= WORKFLOW_DIGITS
        && segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_name.then(|| segment.chars().take(WORKFLOW_DIGITS).collect())
}

/// Decodes a name of at most 80 letters, digits, `-`, `_` and `.`; none for any other text.
fn name(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    let joins = |character: char| matches!(character, '-' | '_' | '.');
    let is_name = (1..=MOST_CHARACTERS).contains(&text.chars().count())
        && text.chars().all(|character| character.is_alphanumeric() || joins(character));
    is_name.then(|| text.into_owned())
}

/// Returns the first query parameter of that name, compared without case.
fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef";

    fn parts(text: &str) -> UrlParts {
        UrlParts::from_url(&Url::parse(text).unwrap())
    }

    fn new(host: &str) -> String {
        format!(
            "https://{host}/powerautomate/automations/direct/workflows/{HEX}/triggers/manual/paths/invoke?api-version=1&sig=made-up"
        )
    }

    #[test]
    fn both_forms_of_an_address_have_the_same_parts() {
        let host = "3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com:443";
        let parts = [
            parts(&new(host)),
            parts(&format!(
                "https://prod-1.westeurope.logic.azure.com/workflows/{HEX}/triggers/manual/paths/invoke?api-version=2016-06-01"
            )),
        ];
        assert_eq!(parts[0].generation, UrlForm::New);
        assert_eq!(parts[0].environment.as_deref(), Some("3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6"));
        assert_eq!(parts[1].generation, UrlForm::Old);
        assert_eq!(parts[1].environment, None);
        for parts in &parts {
            assert_eq!(parts.workflow.as_deref(), Some("01234567"));
            assert_eq!(parts.trigger.as_deref(), Some("manual"));
        }
        assert_eq!(parts[1].api_version.as_deref(), Some("2016-06-01"));
    }

    #[test]
    fn a_new_address_may_name_a_unit() {
        let host = "3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com";
        let (plain, unit) = (new(host), new(host).replace("direct/", "direct/cu/07/"));
        assert_eq!(parts(&unit), parts(&plain));
    }

    #[test]
    fn the_first_environment_of_a_tenant_and_those_of_other_clouds_are_known_by_their_hosts() {
        let id = |host: &str| parts(&new(host)).environment;
        assert_eq!(
            id("default3d5b2f8417ce4e099b6ac80d4f7e21a.6.environment.api.appsplatform.us")
                .as_deref(),
            Some("Default-3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6")
        );
        for host in [
            "orders.environment.api.powerplatform.com",
            "3d5b2f8417ce4e099b6ac80d4f7e21.environment.api.powerplatform.com",
            "api.powerplatform.com",
        ] {
            assert_eq!(id(host), None, "{host}");
        }
    }

    #[test]
    fn what_is_not_of_the_usual_form_is_not_shown() {
        let odd =
            parts("https://example.com/workflows/pass-word/triggers/a%20b/paths/invoke?sig=x");
        assert_eq!((odd.workflow, odd.trigger, odd.api_version), (None, None, None));
        let other = parts("https://example.com/hooks/0123456789abcdef?api-version=%1b[31m");
        assert_eq!((other.generation, other.workflow), (UrlForm::Unknown, None));
        assert_eq!(other.api_version, None);
    }

    #[test]
    fn signatures_are_compared_and_not_shown() {
        let one = parts(&new("example.com"));
        let other = parts(&new("example.com").replace("made-up", "another"));
        assert!(one.signature != other.signature && one.signature == one.clone().signature);
        assert!(!format!("{one:?}").contains("made-up"));
    }
}
