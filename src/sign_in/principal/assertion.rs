//! The signed token by which an application proves that it has a certificate's private key (RFC
//! 7523 section 2.2), in Entra's form:
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::{Certificate, PrincipalError};
use crate::model::ClientAssertion;
use crate::sign_in::ClientId;

/// The lifetime of an assertion.
const LIFETIME: Duration = Duration::from_mins(5);

/// Makes and signs an assertion for a token endpoint. `id` must be unique.
///
/// # Errors
/// The key could not sign.
pub(super) fn sign_assertion(
    certificate: &Certificate,
    client_id: &ClientId,
    endpoint: &Url,
    now: SystemTime,
    id: Uuid,
) -> Result<ClientAssertion, PrincipalError> {
    let header = encode_part(&assertion_header(certificate));
    let payload = encode_part(&assertion_payload(client_id, endpoint, now, id));
    let message = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(certificate.sign(message.as_bytes())?);
    Ok(ClientAssertion::new(format!("{message}.{signature}")))
}

/// Makes the header, which names the signing algorithm and the certificate.
fn assertion_header(certificate: &Certificate) -> Value {
    json!({"typ": "JWT", "alg": "PS256", "x5t#S256": certificate.thumbprint()})
}

/// Makes the payload: audience, issuer, id and lifetime, in seconds since 1970.
fn assertion_payload(client_id: &ClientId, endpoint: &Url, now: SystemTime, id: Uuid) -> Value {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (begin, end) = (now.as_secs(), (now + LIFETIME).as_secs());
    json!({
        "aud": endpoint.as_str(),
        "iss": client_id.as_str(),
        "sub": client_id.as_str(),
        "jti": id.to_string(),
        "nbf": begin,
        "iat": begin,
        "exp": end,
    })
}

/// Encodes a part of a token (RFC 7515 section 3.1).
fn encode_part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
