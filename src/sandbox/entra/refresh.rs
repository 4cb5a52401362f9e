//! Refresh tokens. They say themselves whose they are, so that no table of them is needed, and they stay
//! valid when the server starts again on the same state.

use serde_json::{Value, json};

use super::super::bearer::opened;
use super::super::clock::Moment;
use super::super::guid::Guid;
use super::super::seal::{Key, encoded};
use super::super::state::Database;
use super::basis::Basis;
use super::refusal::Refusal;

/// How long a refresh token is good for, in seconds: 90 days.
const LIFETIME_SECONDS: u64 = 90 * 24 * 3600;
const USE: &str = "refresh";

/// A refresh token that was read.
#[derive(Debug, Clone)]
pub(super) struct Refresh {
    /// The token itself, as told apart from every other.
    pub(super) id: Guid,
    /// The sign-in that it came of.
    pub(super) basis: Basis,
}

/// Makes a refresh token of an application for the person.
pub(super) fn issue(key: &Key, application: Guid, basis: &Basis, now: Moment) -> String {
    let body = json!({
        "use": USE,
        "appid": application,
        "iat": now.seconds(),
        "uti": Guid::random(),
        "via": basis.via,
        "family": basis.family,
        "claims": basis.claims,
    });
    let text = encoded(body.to_string().as_bytes());
    let signed = format!("1.{text}");
    let seal = key.seal(&signed);
    format!("{signed}.{seal}")
}

/// Reads a refresh token; refuses one that is none, is another application's, or is too old.
pub(super) fn read(
    token: &str,
    key: &Key,
    application: Guid,
    now: Moment,
) -> Result<Refresh, Refusal> {
    let body = opened(token, key)
        .filter(|body| body.get("use") == Some(&json!(USE)))
        .ok_or_else(Refusal::malformed_refresh)?;
    if body.get("appid") != Some(&json!(application)) {
        return Err(Refusal::malformed_refresh());
    }
    let issued = body.get("iat").and_then(Value::as_u64).unwrap_or_default();
    if issued + LIFETIME_SECONDS < now.seconds() {
        return Err(Refusal::old_refresh());
    }
    parse(&body).ok_or_else(Refusal::malformed_refresh)
}

fn parse(body: &Value) -> Option<Refresh> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let basis = Basis {
        via: serde_json::from_value(body.get("via")?.clone()).ok()?,
        family: text("family")?.parse().ok()?,
        nonce: None,
        claims: text("claims").map(str::to_owned),
    };
    Some(Refresh { id: text("uti")?.parse().ok()?, basis })
}

/// Refuses a token that was used up. Whoever sends one may have stolen it, so every token of the same sign-in is
/// worthless from then on (RFC 9700 section 4.14.2).
pub(super) fn check_unspent(database: &mut Database, refresh: &Refresh) -> Result<(), Refusal> {
    let family = refresh.basis.family;
    if database.spent.contains(&refresh.id) && database.revoked.insert(family) {
        database.touch();
    }
    if database.revoked.contains(&family) { Err(Refusal::revoked()) } else { Ok(()) }
}

/// Uses a token up, in whose place comes another.
pub(super) fn spend(database: &mut Database, id: Guid) -> bool {
    database.touch();
    database.spent.insert(id)
}
