//! Reads the answers of a token endpoint, and normalizes what `oauth2` would reject.
//!
//! Entra and others deviate from RFC 6749 and RFC 8628 in known ways: errors come with status 200,
//! numbers as texts, a field under two names. This is a pure function of an answer; nothing here
//! waits, sends or logs.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use crate::http::{Answer, DecodeError, retry_after};
use crate::services::entra::Refusal;

/// Members that must be numbers.
const NUMBER_MEMBERS: [&str; 4] = ["expires_in", "interval", "ext_expires_in", "refresh_in"];

/// Members that must be texts, and are left out otherwise.
const TEXT_MEMBERS: [&str; 3] = ["message", "id_token", "refresh_token"];

/// Members that an answer needs: an empty one counts as missing.
const REQUIRED_MEMBERS: [&str; 3] = ["access_token", "device_code", "user_code"];

/// The minimum and maximum seconds between two polls.
const POLL_INTERVAL_BOUNDS: (u64, u64) = (1, 600);

/// The maximum lifetime of a device code in seconds: nobody stays at the keyboard longer.
const MAX_CODE_LIFETIME: u64 = 3_600;

/// Codes of temporary faults, which Entra does not always send with status 5xx.
const TEMPORARY_FAULT_CODES: [u64; 5] = [50033, 90006, 90012, 90024, 90033];

/// The code of a client that asks too often, sent in place of `slow_down`.
const LOOP_DETECTED: u64 = 50196;

/// The meaning of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sign_in) enum AnswerKind {
    /// The granted tokens or code, as JSON that `oauth2` can read.
    Granted(Vec<u8>),
    /// The person has not decided yet.
    Pending,
    /// The polls come too often.
    SlowDown,
    /// The service is busy or unavailable, and may have named a delay.
    Busy(Option<Duration>),
    /// The service refused.
    Refused(Refusal),
    /// The answer is not one of a token endpoint.
    Unreadable(Option<DecodeError>),
}

/// Classifies an answer.
pub(in crate::sign_in) fn read_answer(answer: &Answer, now: SystemTime) -> AnswerKind {
    let wait = retry_after(answer.header("retry-after"), now);
    let body = answer.json::<Map<String, Value>>();
    let refusal = body.as_ref().ok().and_then(Refusal::from_body);
    match (refusal, body) {
        (Some(refusal), _) => classify_refusal(refusal, answer.status, wait),
        (None, _) if is_busy(answer.status) => AnswerKind::Busy(wait),
        (None, Ok(body)) if answer.status == 200 => AnswerKind::Granted(normalize_body(body)),
        (None, body) => AnswerKind::Unreadable(body.err()),
    }
}

/// Classifies a refusal: some do not end a sign-in.
fn classify_refusal(refusal: Refusal, status: u16, wait: Option<Duration>) -> AnswerKind {
    let passing = refusal.codes.iter().any(|code| TEMPORARY_FAULT_CODES.contains(code));
    match refusal.error.as_str() {
        "authorization_pending" => AnswerKind::Pending,
        "slow_down" => AnswerKind::SlowDown,
        _ if refusal.codes.contains(&LOOP_DETECTED) => AnswerKind::SlowDown,
        "temporarily_unavailable" => AnswerKind::Busy(wait),
        _ if passing || is_busy(status) => AnswerKind::Busy(wait),
        _ => AnswerKind::Refused(refusal),
    }
}

/// Returns true if a status says that the service is busy or unavailable.
fn is_busy(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

/// Rewrites the body so that `oauth2` can read it.
fn normalize_body(mut body: Map<String, Value>) -> Vec<u8> {
    // `oauth2` reads both names as one member, and rejects the duplicate.
    if body.contains_key("verification_uri") {
        body.remove("verification_url");
    }
    for name in NUMBER_MEMBERS {
        normalize_number(&mut body, name);
    }
    for name in TEXT_MEMBERS {
        if !body.get(name).is_none_or(Value::is_string) || body.get(name) == Some(&"".into()) {
            body.remove(name);
        }
    }
    for name in REQUIRED_MEMBERS {
        if body.get(name) == Some(&"".into()) {
            body.remove(name);
        }
    }
    if let Some(interval) = body.get("interval").and_then(Value::as_u64) {
        let (least, most) = POLL_INTERVAL_BOUNDS;
        body.insert("interval".to_owned(), interval.clamp(least, most).into());
    }
    if body.contains_key("device_code")
        && let Some(seconds) = body.get("expires_in").and_then(Value::as_u64)
    {
        body.insert("expires_in".to_owned(), seconds.min(MAX_CODE_LIFETIME).into());
    }
    Value::Object(body).to_string().into_bytes()
}

/// Turns a number in text form into a number, and removes a null.
fn normalize_number(body: &mut Map<String, Value>, name: &str) {
    match body.get(name) {
        Some(Value::Null) => {
            body.remove(name);
        }
        Some(Value::String(text)) => {
            if let Ok(number) = text.trim().parse::<u64>() {
                body.insert(name.to_owned(), number.into());
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::{HeaderValue, RETRY_AFTER};
    use serde_json::json;

    use super::*;

    fn meaning(status: u16, body: &str) -> AnswerKind {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        let body = body.as_bytes().to_vec();
        let answer = Answer::new(status, headers, body);
        read_answer(&answer, SystemTime::UNIX_EPOCH)
    }

    fn mended(body: &Value) -> Value {
        let AnswerKind::Granted(bytes) = meaning(200, &body.to_string()) else {
            panic!("not granted");
        };
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn numbers_become_numbers_and_one_of_two_names_stays() {
        let body = json!({
            "device_code": "d", "verification_url": "https://a.example",
            "verification_uri": "https://b.example", "expires_in": "900", "interval": " 5 ",
            "message": 7, "refresh_token": "", "ext_expires_in": null,
        });
        let wanted = json!({
            "device_code": "d", "verification_uri": "https://b.example",
            "expires_in": 900, "interval": 5,
        });
        assert_eq!(mended(&body), wanted);
        let only = json!({"verification_url": "https://a.example"});
        assert_eq!(mended(&only), only);
    }

    #[test]
    fn an_interval_is_kept_within_reason() {
        assert_eq!(mended(&json!({"interval": 0})), json!({"interval": 1}));
        let endless = json!({"interval": u64::MAX});
        assert_eq!(mended(&endless), json!({"interval": 600}));
    }

    #[test]
    fn an_error_counts_whatever_its_status() {
        for status in [200, 400, 401] {
            let refused = meaning(status, "{\"error\":\"unauthorized_client\"}");
            assert!(matches!(refused, AnswerKind::Refused(_)), "{status}");
        }
    }

    #[test]
    fn what_passes_by_itself_does_not_end_a_sign_in() {
        let wait = Some(Duration::from_secs(7));
        let code = |code| format!("{{\"error\":\"invalid_grant\",\"error_codes\":[{code}]}}");
        let cases = [
            (400, "{\"error\":\"authorization_pending\"}", AnswerKind::Pending),
            (429, "{\"error\":\"slow_down\"}", AnswerKind::SlowDown),
            (400, &code(50196), AnswerKind::SlowDown),
            (400, &code(90033), AnswerKind::Busy(wait)),
            (400, "{\"error\":\"temporarily_unavailable\"}", AnswerKind::Busy(wait)),
            (503, "<html>", AnswerKind::Busy(wait)),
            (429, "", AnswerKind::Busy(wait)),
            (500, "{\"error\":\"server_error\"}", AnswerKind::Busy(wait)),
        ];
        for (status, body, wanted) in cases {
            assert_eq!(meaning(status, body), wanted, "{status} {body}");
        }
    }

    #[test]
    fn what_no_such_endpoint_answers_is_unreadable() {
        for (status, body) in [(200, "<html>"), (302, ""), (404, "{}"), (200, "[]"), (201, "{}")] {
            let meaning = meaning(status, body);
            assert!(matches!(meaning, AnswerKind::Unreadable(_)), "{status} {body}");
        }
    }
}
