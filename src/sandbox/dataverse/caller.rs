//! Who sends a request: a token for this organisation, and the user that it acts for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::bearer::Claims;
use super::super::clock::Moment;
use super::super::guid::Guid;
use super::super::message::{Answer, Call};
use super::super::site::Site;
use super::super::state::{Database, seed};
use super::super::tenant::file::ServiceName;
use super::super::tenant::switches::ClaimsChallenge;
use super::fault::Fault;

/// The moment that a claims challenge asks tokens to come after, in seconds since 1970.
const NOT_BEFORE: &str = "1790000000";

/// Refuses a request without a good token for this organisation and one of its users.
pub(super) fn authorized(site: &Site, database: &Database, call: &Call) -> Result<(), Box<Answer>> {
    let claims = read(database, call)
        .filter(|claims| site.accepts(claims.audience.trim_end_matches('/'), &call.origin))
        .ok_or_else(|| Box::new(challenge(site, call)))?;
    if user(site, &claims).is_none() {
        let text = "The user is not a member of the organization.";
        let fault = Fault::new(StatusCode::FORBIDDEN, "0x80072560", text);
        return Err(Box::new(fault.answer()));
    }
    let challenges = site.tenant.file.switches.dataverse.claims_challenge == ClaimsChallenge::Once;
    if challenges && !meets(claims.asked.as_deref()) {
        return Err(Box::new(claims_challenge(site, call)));
    }
    if site.revocations.refuses(ServiceName::Dataverse, claims.serial, database.issued) {
        return Err(Box::new(challenge(site, call)));
    }
    Ok(())
}

/// Returns the user that a request comes from.
pub(super) fn caller(site: &Site, database: &Database, call: &Call) -> Option<Guid> {
    user(site, &read(database, call)?)
}

fn read(database: &Database, call: &Call) -> Option<Claims> {
    Claims::read(call.bearer()?, &database.token_key, Moment::now()).ok()
}

/// Returns the organisation's user that a token acts for: the person, or the application itself where the
/// organisation has a user for it.
fn user(site: &Site, claims: &Claims) -> Option<Guid> {
    let person = &site.tenant.file.user;
    if claims.delegated() {
        return (claims.object == person.object_id).then_some(person.id);
    }
    let mut applications = site.tenant.file.applications.iter();
    let application = applications.find(|one| one.client_id == claims.application)?;
    application.is_member.then(|| seed::application_user(application.client_id))
}

/// Tells where a token for this organisation can be had.
fn challenge(site: &Site, call: &Call) -> Answer {
    let told = format!(
        "Bearer authorization_uri={}, resource_id={}/",
        authorization(site, call),
        call.origin.address()
    );
    Answer::empty(StatusCode::UNAUTHORIZED).with("www-authenticate", &told)
}

/// Asks for a token that was asked for with claims
/// (<https://learn.microsoft.com/entra/identity-platform/claims-challenge>).
fn claims_challenge(site: &Site, call: &Call) -> Answer {
    let told = format!(
        "Bearer authorization_uri=\"{}\", error=\"insufficient_claims\", claims=\"{}\"",
        authorization(site, call),
        STANDARD.encode(wanted().to_string())
    );
    Answer::empty(StatusCode::UNAUTHORIZED).with("www-authenticate", &told)
}

fn authorization(site: &Site, call: &Call) -> String {
    let authority = site.names.authority(&call.origin).address();
    format!("{authority}/{}/oauth2/authorize", site.tenant.file.directory.id)
}

fn wanted() -> Value {
    json!({"access_token": {"nbf": {"essential": true, "value": NOT_BEFORE}}})
}

/// Tells whether a token was asked for with the claims, among others perhaps.
fn meets(asked: Option<&str>) -> bool {
    let asked = asked.and_then(|text| serde_json::from_str::<Value>(text).ok());
    asked.is_some_and(|asked| {
        asked.pointer("/access_token/nbf") == wanted().pointer("/access_token/nbf")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_met_by_a_request_that_has_them_among_others() {
        let mut merged = wanted();
        merged["access_token"]["xms_cc"] = json!({"values": ["cp1"]});
        assert!(meets(Some(&wanted().to_string())));
        assert!(meets(Some(&merged.to_string())));
        assert!(!meets(Some("{\"access_token\":{\"nbf\":{\"value\":\"1\"}}}")));
        assert!(!meets(Some("{")));
        assert!(!meets(None));
    }
}
