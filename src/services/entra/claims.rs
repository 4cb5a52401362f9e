//! What a token says of itself, where it can be read.
//!
//! A client is to treat access tokens as opaque, so nothing here decides about trust: no
//! signature is checked, and a token that cannot be read is merely unknown.

use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::model::printable;

/// The longest claim that is kept for printing, in characters.
const MOST_CHARACTERS: usize = 256;

/// The claims of a token that this program looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Whom the token is for (`aud`).
    pub audience: Option<String>,
    /// The tenant's id (`tid`).
    pub tenant: Option<String>,
    /// What was granted, separated by spaces (`scp`): only tokens of people have it.
    pub scopes: Option<String>,
    /// Whether it is the token of a `user` or an `app` (`idtyp`), which few services tell.
    pub kind: Option<String>,
    /// When it ends, in seconds since 1970 (`exp`).
    pub expires: Option<u64>,
    /// The id of the person or the application in the tenant (`oid`).
    pub object: Option<String>,
    /// The name with which a person signs in (`upn`, `unique_name` or `preferred_username`).
    pub user: Option<String>,
    /// The application that asked (`appid` or `azp`).
    pub application: Option<String>,
    /// What binds an identity token to the sign-in that asked for it (`nonce`).
    nonce: Option<Nonce>,
}

/// A value that was made for one sign-in, and is not printed.
#[derive(Clone, PartialEq, Eq)]
struct Nonce(String);

impl Claims {
    /// Reads the middle part of a JSON Web Token; none if the token is of another kind.
    pub fn in_token(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
        Some(Self::read_claims(&claims))
    }

    /// Picks the claims.
    fn read_claims(claims: &Map<String, Value>) -> Self {
        let first =
            |names: &[&str]| names.iter().find_map(|name| printable_text(claims.get(*name)?));
        Self {
            audience: first(&["aud"]),
            tenant: first(&["tid"]),
            // RFC 9068 calls it `scope`, as other servers than Entra do.
            scopes: first(&["scp", "scope"]),
            kind: first(&["idtyp"]),
            expires: claims.get("exp").and_then(Value::as_u64),
            object: first(&["oid"]),
            user: first(&["upn", "unique_name", "preferred_username"]),
            application: first(&["appid", "azp"]),
            nonce: claims.get("nonce").and_then(Value::as_str).map(|text| Nonce(text.to_owned())),
        }
    }

    /// Returns the time at which the token expires.
    pub fn ends(&self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(self.expires?))
    }

    /// Returns true if the token is plainly that of an application without a person.
    pub fn is_app_only(&self) -> bool {
        self.kind.as_deref() == Some("app") || self.scopes.is_none()
    }

    /// Returns true if the token belongs to the sign-in that the nonce was made for ([OpenID
    /// Connect Core
    /// 3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation)).
    pub fn answers(&self, nonce: &str) -> bool {
        self.nonce.as_ref().is_some_and(|Nonce(text)| text == nonce)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Nonce(****)")
    }
}

/// Returns a claim as text, or a list of them, safe to print. Returns none if it is empty.
fn printable_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            texts.join(" ")
        }
        _ => return None,
    };
    let text = printable(text.trim(), MOST_CHARACTERS);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(claims: &Value) -> Option<Claims> {
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        Claims::in_token(&format!("e30.{payload}.made-up"))
    }

    #[test]
    fn a_token_is_read_where_it_can_be() {
        let claims = read(&json!({
            "aud": "https://contoso.example/", "tid": "t-1", "scp": "user_impersonation",
            "exp": 1_900_000_000, "oid": "o-1", "upn": "megan@contoso.example", "appid": "a-1",
        }))
        .unwrap();
        assert_eq!(claims.audience.as_deref(), Some("https://contoso.example/"));
        assert_eq!(claims.user.as_deref(), Some("megan@contoso.example"));
        assert_eq!(claims.expires, Some(1_900_000_000));
        assert!(!claims.is_app_only());
    }

    #[test]
    fn an_application_alone_shows_by_its_kind_or_by_having_no_scope() {
        let app_only = |claims| read(&claims).unwrap().is_app_only();
        assert!(app_only(json!({"idtyp": "app", "scp": "x"})));
        assert!(app_only(json!({"roles": ["x"]})));
        assert!(app_only(json!({"scp": " "})));
        assert!(!app_only(json!({"scp": ["User", "Flows.Read.All"]})));
        assert!(!app_only(json!({"idtyp": "user", "scope": "User"})));
    }

    #[test]
    fn a_token_answers_the_sign_in_whose_nonce_it_has() {
        let claims = read(&json!({"nonce": "made-up-nonce"})).unwrap();
        assert!(claims.answers("made-up-nonce"));
        assert!(!claims.answers("made-up"));
        assert!(!format!("{claims:?}").contains("made-up"), "{claims:?}");
        for other in [json!({}), json!({"nonce": null}), json!({"nonce": ["made-up-nonce"]})] {
            assert!(!read(&other).unwrap().answers("made-up-nonce"), "{other}");
        }
    }

    #[test]
    fn what_is_no_token_of_that_kind_is_unknown() {
        for text in ["opaque", "a.b", "a.!.c", "a.e30", "", "..", "a.W10.c"] {
            assert_eq!(Claims::in_token(text), None, "{text}");
        }
    }
}
