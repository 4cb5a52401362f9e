//! How the client of a request proves which application it is: not at all where it is a public one, else by its
//! secret or by an assertion.

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
