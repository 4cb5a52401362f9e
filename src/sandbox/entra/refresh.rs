//! Refresh tokens. They say themselves whose they are, so that no table of them is needed, and they stay
//! valid when the server starts again on the same state.

use serde_json::{Value, json};

use super::super::bearer::opened;
use super::super::clock::Moment;
use super::super::guid::Guid;
use super::super::seal::{Key, encoded};
use super::refusal::Refusal;

/// How long a refresh token is good for, in seconds: 90 days.
const LIFETIME_SECONDS: u64 = 90 * 24 * 3600;
const USE: &str = "refresh";

/// Makes a refresh token of an application for the person.
pub(super) fn issue(key: &Key, application: Guid, now: Moment) -> String {
    let body =
        json!({"use": USE, "appid": application, "iat": now.seconds(), "uti": Guid::random()});
    let text = encoded(body.to_string().as_bytes());
    let signed = format!("1.{text}");
    let seal = key.seal(&signed);
    format!("{signed}.{seal}")
}

/// Refuses a refresh token that is not one, is another application's, or is too old.
pub(super) fn check(token: &str, key: &Key, application: Guid, now: Moment) -> Result<(), Refusal> {
    let body = opened(token, key)
        .filter(|body| body.get("use") == Some(&json!(USE)))
        .ok_or_else(Refusal::malformed_refresh)?;
    if body.get("appid") != Some(&json!(application)) {
        return Err(Refusal::malformed_refresh());
    }
    let issued = body.get("iat").and_then(Value::as_u64).unwrap_or_default();
    if issued + LIFETIME_SECONDS < now.seconds() { Err(Refusal::old_refresh()) } else { Ok(()) }
}
