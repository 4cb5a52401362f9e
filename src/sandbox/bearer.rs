//! Access tokens: what the sign-in service issues and the other services accept.

use serde_json::{Value, json};

use super::clock::Moment;
use super::guid::Guid;
use super::seal::{Key, decoded, encoded};
use super::signing;

/// The claim of a token's number. Like the next, it is the sandbox's own.
pub(crate) const SERIAL: &str = "sandbox_serial";
/// The claim that repeats the `claims` of the request.
pub(crate) const ASKED: &str = "sandbox_claims";

/// What a token that is no JWT begins with.
const OBSCURED: &str = "EwCA";
/// The length of a seal.
const SEAL_LENGTH: usize = 43;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The resource it is for, exactly as it was asked for.
    pub(crate) audience: String,
    /// The directory.
    pub(crate) tenant: Guid,
    /// The object id of the person or of the service principal.
    pub(crate) object: Guid,
    /// The application.
    pub(crate) application: Guid,
    /// The delegated permissions; absent from a token without a person.
    pub(crate) scope: Option<String>,
    /// When it ends, in seconds since 1970.
    pub(crate) expires: u64,
    /// Which of the sandbox's access tokens it is.
    pub(crate) serial: u64,
    /// The `claims` that it was asked for with.
    pub(crate) asked: Option<String>,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// It is not a token of this sandbox.
    Malformed,
    /// It has expired.
    Expired,
}

impl Claims {
    /// Reads the claims of a token that this sandbox issued.
    pub(crate) fn read(token: &str, key: &Key, now: Moment) -> Result<Self, Rejection> {
        let body = opened(token, key).ok_or(Rejection::Malformed)?;
        let claims = Self::parse(&body).ok_or(Rejection::Malformed)?;
        if claims.expires <= now.seconds() { Err(Rejection::Expired) } else { Ok(claims) }
    }

    fn parse(body: &Value) -> Option<Self> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        Some(Self {
            audience: text("aud")?.to_owned(),
            tenant: text("tid")?.parse().ok()?,
            object: text("oid")?.parse().ok()?,
            application: text("appid")?.parse().ok()?,
            scope: text("scp").map(str::to_owned),
            expires: body.get("exp")?.as_u64()?,
            serial: body.get(SERIAL)?.as_u64()?,
            asked: text(ASKED).map(str::to_owned),
        })
    }

    /// Tells whether the token acts for a person.
    pub(crate) fn delegated(&self) -> bool {
        self.scope.as_ref().is_some_and(|scope| !scope.is_empty())
    }
}

/// Seals the JSON of a token (RFC 7519, HS256).
pub(crate) fn sealed(body: &Value, key: &Key) -> String {
    let header = json!({"typ": "JWT", "alg": "HS256"});
    let signed = format!(
        "{}.{}",
        encoded(header.to_string().as_bytes()),
        encoded(body.to_string().as_bytes())
    );
    let seal = key.seal(&signed);
    format!("{signed}.{seal}")
}

/// The member of a token's header that holds the seal of its body.
const SEAL: &str = "sandbox_seal";

/// Signs the JSON of a token with the published key (RS256), and seals it with this state's own.
pub(crate) fn signed(body: &Value, key: &Key) -> String {
    let body = encoded(body.to_string().as_bytes());
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": signing::id(), SEAL: key.seal(&body)});
    let text = format!("{}.{body}", encoded(header.to_string().as_bytes()));
    let signature = signing::sign(&text);
    format!("{text}.{}", encoded(&signature))
}

/// Seals the JSON of a token in a form that is no JWT.
pub(crate) fn obscured(body: &Value, key: &Key) -> String {
    let text = encoded(body.to_string().as_bytes());
    format!("{OBSCURED}{}{text}", key.seal(&text))
}

/// Reads the JSON of a token that was sealed with this key.
pub(crate) fn opened(token: &str, key: &Key) -> Option<Value> {
    let (text, body, seal) = parts(token)?;
    let holds = match signed_seal(text) {
        Some(own) => key.holds(body, &own) && signing::is_signed(text, &decoded(seal)?),
        None => key.holds(text, seal),
    };
    serde_json::from_slice(&decoded(body).filter(|_| holds)?).ok()
}

/// Reads the seal in the header of a token that is signed with the published key.
fn signed_seal(text: &str) -> Option<String> {
    let (header, _) = text.split_once('.')?;
    let header: Value = serde_json::from_slice(&decoded(header)?).ok()?;
    header.get(SEAL)?.as_str().map(str::to_owned)
}

/// Splits a token of either form: what was sealed, the JSON in it, and the seal.
fn parts(token: &str) -> Option<(&str, &str, &str)> {
    if let Some(rest) = token.strip_prefix(OBSCURED) {
        let (seal, text) = rest.split_at_checked(SEAL_LENGTH)?;
        return Some((text, text, seal));
    }
    let (signed, seal) = token.rsplit_once('.')?;
    let (_, body) = signed.split_once('.')?;
    Some((signed, body, seal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_token_open_with_their_key_alone() {
        let (key, other) = (Key::derived("one"), Key::derived("two"));
        let body = json!({"aud": "x"});
        for token in [sealed(&body, &key), signed(&body, &key), obscured(&body, &key)] {
            assert_eq!(opened(&token, &key), Some(body.clone()));
            assert_eq!(opened(&token, &other), None);
        }
        assert!(!obscured(&body, &key).contains('.'));
        assert_eq!(opened(OBSCURED, &key), None);
        let token = signed(&body, &key);
        let (text, _) = token.rsplit_once('.').unwrap();
        assert_eq!(opened(&format!("{text}.{}", encoded(&[0; 256])), &key), None);
    }
}
