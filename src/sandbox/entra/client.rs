//! How the client of a request proves which application it is: not at all where it is a public one, else by its
//! secret, in the body or as HTTP Basic (RFC 6749 section 2.3.1), or by an assertion.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::message::{Call, pairs};
use super::super::seal::Key;
use super::Request;
use super::assertion::Checked;
use super::refusal::Refusal;

/// Refuses a client that does not prove what it has to, or proves what it cannot.
pub(super) fn check(checked: &Checked<'_>, request: &Request, key: &Key) -> Result<(), Refusal> {
    let application = checked.application;
    let secret = request.field("client_secret");
    let asserts = request.field("client_assertion").is_some();
    match (application.is_confidential(), secret) {
        (false, None) if !asserts => Ok(()),
        (false, _) => Err(Refusal::secret_sent()),
        (true, None) if !asserts => Err(Refusal::not_public()),
        (true, Some(sent)) if application.secret.as_deref() == Some(sent) => Ok(()),
        (true, Some(_)) => Err(Refusal::wrong_secret(application.client_id)),
        (true, None) => checked.check(request, key),
    }
}

/// Reads the id and the secret that a client sends as HTTP Basic, each encoded as a form's values are.
pub(super) fn basic(call: &Call) -> Vec<(String, String)> {
    let sent = call.header("authorization").and_then(|value| value.split_once(' '));
    let encoded = sent.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let bytes = encoded.and_then(|(_, text)| STANDARD.decode(text.trim()).ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let Some((id, secret)) = text.split_once(':') else { return Vec::new() };
    pairs(&format!("client_id={id}&client_secret={secret}"))
}
