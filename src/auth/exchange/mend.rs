//! Reads what a token endpoint answered, and mends what `oauth2` would stumble over.
//!
//! Entra and others break the letter of RFC 6749 and RFC 8628 in ways that are well known:
//! errors come with status 200, numbers as texts, a field under two names. This is a pure
//! function of an answer; nothing here waits, sends or logs.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use crate::api::entra::Refusal;
use crate::http::{Answer, DecodeError, retry_after};

/// Members that are numbers, whatever a server makes of them.
const NUMBERS: [&str; 4] = ["expires_in", "interval", "ext_expires_in", "refresh_in"];

/// Members that are texts, and are left out where a server has something else.
const TEXTS: [&str; 3] = ["message", "id_token", "refresh_token"];

/// Members that an answer cannot do without: an empty one is as good as none.
const NEEDED: [&str; 3] = ["access_token", "device_code", "user_code"];

/// The least and the most seconds between two polls.
const INTERVAL: (u64, u64) = (1, 600);

/// The most seconds that a device code is waited for: nobody is at the keyboard for longer.
const LONGEST_CODE: u64 = 3_600;

/// Codes that pass by themselves, which Entra does not always send with status 5xx.
const PASSING_CODES: [u64; 5] = [50033, 90006, 90012, 90024, 90033];

/// The code of a client that asks too often, in the place of `slow_down`.
const LOOP_DETECTED: u64 = 50196;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::auth) enum Meaning {
    /// What was asked for, as JSON that keeps to the letter.
    Granted(Vec<u8>),
    /// The person has not decided yet.
    Pending,
    /// The polls come too often.
    SlowDown,
    /// The service cannot answer now; it may have said for how long.
    Busy(Option<Duration>),
    /// The service says no.
    Refused(Refusal),
    /// The answer is none that such an endpoint gives.
    Unreadable(Option<DecodeError>),
}

/// Reads an answer.
pub(in crate::auth) fn read(answer: &Answer, now: SystemTime) -> Meaning {
    let wait = retry_after(answer.header("retry-after"), now);
    let body = answer.json::<Map<String, Value>>();
    let refusal = body.as_ref().ok().and_then(Refusal::from_body);
    match (refusal, body) {
        (Some(refusal), _) => refused(refusal, answer.status, wait),
        (None, _) if is_busy(answer.status) => Meaning::Busy(wait),
        (None, Ok(body)) if answer.status == 200 => Meaning::Granted(mend(body)),
        (None, body) => Meaning::Unreadable(body.err()),
    }
}

/// Tells the refusals apart that do not end a sign-in.
fn refused(refusal: Refusal, status: u16, wait: Option<Duration>) -> Meaning {
    let passing = refusal.codes.iter().any(|code| PASSING_CODES.contains(code));
    match refusal.error.as_str() {
        "authorization_pending" => Meaning::Pending,
        "slow_down" => Meaning::SlowDown,
        _ if refusal.codes.contains(&LOOP_DETECTED) => Meaning::SlowDown,
        "temporarily_unavailable" => Meaning::Busy(wait),
        _ if passing || is_busy(status) => Meaning::Busy(wait),
        _ => Meaning::Refused(refusal),
    }
}

/// Whether a status tells that the service cannot answer now.
fn is_busy(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

/// Makes the body keep to the letter.
fn mend(mut body: Map<String, Value>) -> Vec<u8> {
    // `oauth2` takes the two for one and the same member that is there twice.
    if body.contains_key("verification_uri") {
        body.remove("verification_url");
    }
    for name in NUMBERS {
        mend_number(&mut body, name);
    }
    for name in TEXTS {
        if !body.get(name).is_none_or(Value::is_string) || body.get(name) == Some(&"".into()) {
            body.remove(name);
        }
    }
    for name in NEEDED {
        if body.get(name) == Some(&"".into()) {
            body.remove(name);
        }
    }
    if let Some(interval) = body.get("interval").and_then(Value::as_u64) {
        let (least, most) = INTERVAL;
        body.insert("interval".to_owned(), interval.clamp(least, most).into());
    }
    if body.contains_key("device_code")
        && let Some(seconds) = body.get("expires_in").and_then(Value::as_u64)
    {
        body.insert("expires_in".to_owned(), seconds.min(LONGEST_CODE).into());
    }
    Value::Object(body).to_string().into_bytes()
}

/// Makes a text that is a number into one, and leaves out a member that is null.
fn mend_number(body: &mut Map<String, Value>, name: &str) {
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

    fn meaning(status: u16, body: &str) -> Meaning {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        let body = body.as_bytes().to_vec();
        let answer = Answer::new(status, headers, body);
        read(&answer, SystemTime::UNIX_EPOCH)
    }

    fn mended(body: &Value) -> Value {
        let Meaning::Granted(bytes) = meaning(200, &body.to_string()) else {
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
            assert!(matches!(refused, Meaning::Refused(_)), "{status}");
        }
    }

    #[test]
    fn what_passes_by_itself_does_not_end_a_sign_in() {
        let wait = Some(Duration::from_secs(7));
        let code = |code| format!("{{\"error\":\"invalid_grant\",\"error_codes\":[{code}]}}");
        let cases = [
            (400, "{\"error\":\"authorization_pending\"}", Meaning::Pending),
            (429, "{\"error\":\"slow_down\"}", Meaning::SlowDown),
            (400, &code(50196), Meaning::SlowDown),
            (400, &code(90033), Meaning::Busy(wait)),
            (400, "{\"error\":\"temporarily_unavailable\"}", Meaning::Busy(wait)),
            (503, "<html>", Meaning::Busy(wait)),
            (429, "", Meaning::Busy(wait)),
            (500, "{\"error\":\"server_error\"}", Meaning::Busy(wait)),
        ];
        for (status, body, wanted) in cases {
            assert_eq!(meaning(status, body), wanted, "{status} {body}");
        }
    }

    #[test]
    fn what_no_such_endpoint_answers_is_unreadable() {
        for (status, body) in [(200, "<html>"), (302, ""), (404, "{}"), (200, "[]"), (201, "{}")] {
            let meaning = meaning(status, body);
            assert!(matches!(meaning, Meaning::Unreadable(_)), "{status} {body}");
        }
    }
}
