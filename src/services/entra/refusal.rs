//! How Entra says no: the error body of its token endpoints, or the parameters with which it
//! sends a browser back, read leniently.
//!
//! Clients are to branch on `error`; the numbers only choose a hint:
//! <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.

use serde_json::{Map, Value};

use crate::model::printable;

/// Where the part of a description begins that repeats the ids.
const TRAILER: &str = " Trace ID:";

/// What stands before the correlation id in that part.
const CORRELATION: &str = "Correlation ID:";

/// The longest description that is kept, in characters.
const MOST_DESCRIPTION_CHARACTERS: usize = 600;

/// The longest of the other texts that is kept, in characters.
const MOST_WORD_CHARACTERS: usize = 64;

/// The longest request for claims that is passed on, in bytes.
const MOST_CLAIMS_BYTES: usize = 8 * 1024;

/// What Entra said when it refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The error's name, such as `invalid_grant`.
    pub error: String,
    /// The sentence for people, without its trailer of ids.
    pub description: Option<String>,
    /// The numbers that follow `AADSTS`.
    pub codes: Vec<u64>,
    /// What kind of `invalid_grant` it is, such as `message_only`.
    pub suberror: Option<String>,
    /// What a token must prove next time, as JSON in a text.
    pub claims: Option<String>,
    /// The id of the request at the service.
    pub trace_id: Option<String>,
    /// The id by which an administrator finds the attempt in the sign-in log.
    pub correlation_id: Option<String>,
}

impl Refusal {
    /// Reads a body that has `error`, whatever status came with it.
    pub fn from_body(body: &Map<String, Value>) -> Option<Self> {
        let error = printable_word(body, "error")?;
        let description = body.get("error_description").and_then(Value::as_str);
        Some(Self {
            error,
            description: description.map(without_trailer).filter(|text| !text.is_empty()),
            codes: read_codes(body, description),
            suberror: printable_word(body, "suberror"),
            claims: body
                .get("claims")
                .and_then(Value::as_str)
                .filter(|text| is_claims_request(text))
                .map(str::to_owned),
            trace_id: printable_word(body, "trace_id"),
            correlation_id: printable_word(body, "correlation_id")
                .or_else(|| description.and_then(named_correlation)),
        })
    }

    /// Returns the sentence for people, without the number that it begins with.
    pub fn words(&self) -> Option<&str> {
        let text = self.description.as_deref()?;
        let words = text.split_once(": ").filter(|(number, _)| is_number(number));
        Some(words.map_or(text, |(_, words)| words)).filter(|words| !words.is_empty())
    }

    /// Reads the parameters of a redirect that have `error`
    /// ([RFC 6749 section 4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1)).
    pub fn from_redirect<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<Self> {
        let text = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
        Self::from_body(&parameters.into_iter().map(text).collect())
    }
}

/// Returns true if a text is `AADSTS` and a number.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix("AADSTS").unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns true if a text is a request for claims: an object in JSON, and of a size that a URL can
/// take.
fn is_claims_request(text: &str) -> bool {
    text.len() <= MOST_CLAIMS_BYTES && serde_json::from_str::<Map<String, Value>>(text).is_ok()
}

/// Reads a short text of the body, made safe to print.
fn printable_word(body: &Map<String, Value>, name: &str) -> Option<String> {
    let text = printable(body.get(name)?.as_str()?.trim(), MOST_WORD_CHARACTERS);
    (!text.is_empty()).then_some(text)
}

/// Drops the trailer of a description. Its parts were separated by line ends until 2023 and by
/// spaces since.
fn without_trailer(text: &str) -> String {
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    let end = line.find(TRAILER).unwrap_or(line.len());
    printable(line[..end].trim(), MOST_DESCRIPTION_CHARACTERS)
}

/// Reads the numbers of `error_codes`, else the one in the description.
fn read_codes(body: &Map<String, Value>, description: Option<&str>) -> Vec<u64> {
    let listed = body.get("error_codes").and_then(Value::as_array);
    let listed: Vec<u64> = listed.into_iter().flatten().filter_map(read_number).collect();
    if listed.is_empty() {
        return description.and_then(named_code).into_iter().collect();
    }
    listed
}

/// Reads a number, or a text that is one.
fn read_number(value: &Value) -> Option<u64> {
    let text = || value.as_str()?.parse().ok();
    value.as_u64().or_else(text)
}

/// Finds the number that a description begins with, after `AADSTS`.
fn named_code(description: &str) -> Option<u64> {
    let (_, rest) = description.split_once("AADSTS")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// Finds the correlation id in the trailer of a description: a redirect tells it nowhere else.
fn named_correlation(description: &str) -> Option<String> {
    let (_, rest) = description.split_once(CORRELATION)?;
    let id = rest.split_whitespace().next()?;
    Some(printable(id, MOST_WORD_CHARACTERS))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Option<Refusal> {
        Refusal::from_body(body.as_object().unwrap())
    }

    #[test]
    fn a_body_is_read_with_all_that_helps() {
        let refusal = read(&json!({
            "error": "invalid_grant",
            "error_description": "AADSTS53003: Access has been blocked. Trace ID: 1 Correlation ID: 2 Timestamp: 3",
            "error_codes": [53003, "7"],
            "suberror": "message_only",
            "claims": "{\"access_token\":{}}",
            "trace_id": "1",
            "correlation_id": "2",
        }))
        .unwrap();
        assert_eq!(refusal.description.as_deref(), Some("AADSTS53003: Access has been blocked."));
        assert_eq!(refusal.codes, [53003, 7]);
        assert_eq!(refusal.suberror.as_deref(), Some("message_only"));
        assert_eq!(refusal.correlation_id.as_deref(), Some("2"));
        assert!(refusal.claims.is_some());
    }

    #[test]
    fn an_older_description_ends_at_its_line() {
        let refusal = read(&json!({
            "error": "x",
            "error_description": "AADSTS70020: Expired.\r\nTrace ID: 1\r\nCorrelation ID: 2",
        }))
        .unwrap();
        assert_eq!(refusal.description.as_deref(), Some("AADSTS70020: Expired."));
        assert_eq!(refusal.codes, [70020]);
        assert_eq!(refusal.correlation_id.as_deref(), Some("2"));
    }

    #[test]
    fn a_redirect_is_read_as_a_body_is() {
        let refusal = Refusal::from_redirect([
            ("error", "access_denied"),
            (
                "error_description",
                "AADSTS65004: Declined. Trace ID: t Correlation ID: c Timestamp: x",
            ),
            ("state", "made-up"),
        ])
        .unwrap();
        assert_eq!(refusal.error, "access_denied");
        assert_eq!(refusal.description.as_deref(), Some("AADSTS65004: Declined."));
        assert_eq!((refusal.codes, refusal.correlation_id.as_deref()), (vec![65004], Some("c")));
        assert_eq!(Refusal::from_redirect([("code", "made-up")]), None);
    }

    #[test]
    fn the_words_of_a_description_come_without_its_number() {
        let words = |text: &str| {
            let description = Some(text.to_owned());
            let refusal = Refusal { description, ..Refusal::default() };
            refusal.words().map(str::to_owned)
        };
        assert_eq!(words("AADSTS53003: Blocked: by a policy.").unwrap(), "Blocked: by a policy.");
        assert_eq!(words("Blocked: by a policy.").unwrap(), "Blocked: by a policy.");
        assert_eq!(words("AADSTSx: y").unwrap(), "AADSTSx: y");
        assert_eq!(words("AADSTS1: "), None);
        assert_eq!(Refusal::default().words(), None);
    }

    #[test]
    fn without_an_error_it_is_no_refusal() {
        assert_eq!(read(&json!({"access_token": "made-up"})), None);
        assert_eq!(read(&json!({"error": {"code": "x"}})), None);
        let bare = read(&json!({"error": "access_denied", "error_codes": "x"})).unwrap();
        assert_eq!((bare.codes, bare.description), (Vec::new(), None));
    }
}
