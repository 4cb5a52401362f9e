//! Authorization codes (RFC 6749 section 4.1.3) and the proof that comes with them (RFC 7636).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::super::clock::Moment;
use super::super::seal;
use super::super::state::{Authorization, Database};
use super::super::tenant::file::Application;
use super::Request;
use super::refusal::Refusal;

/// How long a code can be used: ten minutes.
pub(super) const LIFETIME: Duration = Duration::from_mins(10);

/// Puts a finished sign-in under a new code.
pub(super) fn issue(database: &mut Database, authorization: Authorization) -> String {
    let now = Moment::now();
    let code = format!("1.{}{}", seal::opaque(), seal::opaque());
    database.authorizations.retain(|_, old| old.expires_at.after(Duration::from_hours(1)) > now);
    database.authorizations.insert(code.clone(), authorization);
    database.touch();
    code
}

/// Finds the sign-in of a code that this client may redeem now.
pub(super) fn find(
    database: &Database,
    request: &Request,
    application: &Application,
) -> Result<Authorization, Refusal> {
    let found = database.authorizations.get(request.needed("code")?);
    let found = found.ok_or_else(Refusal::foreign_code)?;
    if found.client_id != application.client_id {
        return Err(Refusal::foreign_code());
    }
    if found.redeemed {
        return Err(Refusal::redeemed());
    }
    if found.expires_at <= Moment::now() {
        return Err(Refusal::expired_code());
    }
    let redirect = request.needed("redirect_uri")?;
    if found.redirect_uri != redirect {
        return Err(Refusal::other_redirect(redirect));
    }
    let proven = proves(found.challenge.as_deref(), request.field("code_verifier"));
    if proven { Ok(found.clone()) } else { Err(Refusal::verifier()) }
}

/// Uses a code up.
pub(super) fn redeem(database: &mut Database, request: &Request) {
    let code = request.field("code").unwrap_or_default();
    if let Some(stored) = database.authorizations.get_mut(code) {
        stored.redeemed = true;
    }
    database.touch();
}

/// Tells whether a verifier is the one that a challenge was made from.
fn proves(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    let made = verifier.map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
    made.as_deref() == challenge
}

#[cfg(test)]
mod tests {
    use super::proves;

    #[test]
    fn a_verifier_proves_the_challenge_of_its_digest_alone() {
        // RFC 7636 appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(proves(Some(challenge), Some(verifier)));
        assert!(!proves(Some(challenge), Some("other")));
        assert!(!proves(Some(challenge), None));
        assert!(!proves(None, Some(verifier)));
        assert!(proves(None, None));
    }
}
