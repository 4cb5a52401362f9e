//! The token endpoint: which grant a request makes, and whether it is honoured.

use super::super::clock::Moment;
use super::super::message::{Answer, Call};
use super::super::site::Site;
use super::super::state::Database;
use super::super::tenant::file::Application;
use super::super::tenant::sign_in::{RefusalReason, Stage};
use super::super::tenant::switches::{ProtocolTracking, Rotation};
use super::basis::{Basis, Via};
use super::refusal::{BLOCKED, Refusal};
use super::scope::Scope;
use super::token::Grant;
use super::{Request, application, check_authority, code, device, refresh, success};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Answers the token endpoint.
pub(super) fn answer(
    site: &Site,
    database: &mut Database,
    call: &Call,
    request: &Request,
    authority: &str,
) -> Result<Answer, Refusal> {
    check_authority(site, authority)?;
    let grant = request.needed("grant_type")?;
    let application = application(site, request)?;
    match grant {
        // msal-node sends the short name.
        DEVICE_CODE | "device_code" => poll(site, database, call, request, application),
        "authorization_code" => redeem(site, database, call, request, application),
        "refresh_token" => renew(site, database, call, request, application),
        "client_credentials" => as_itself(site, database, call, request, application),
        other => Err(Refusal::grant(other)),
    }
}

fn poll(
    site: &Site,
    database: &mut Database,
    call: &Call,
    request: &Request,
    application: &Application,
) -> Result<Answer, Refusal> {
    check_public(request, application)?;
    let session = device::find(site, database, request, application)?;
    let scope = Scope::parse(site, &call.origin, &session.scope)?;
    site.script.check(Stage::Poll, scope.kind)?;
    let basis = Basis::new(Via::Device, request.claims()?.or(session.claims));
    device::redeem(database, request);
    consent(database, &scope);
    let grant = Grant { site, call, application, scope: &scope, basis: &basis };
    Ok(success(&grant.for_person(database, request, scope.offline)))
}

fn redeem(
    site: &Site,
    database: &mut Database,
    call: &Call,
    request: &Request,
    application: &Application,
) -> Result<Answer, Refusal> {
    check_public(request, application)?;
    let found = code::find(database, request, application)?;
    let begun = Scope::parse(site, &call.origin, &found.scope)?;
    let asked = request.field("scope").map(|text| Scope::parse(site, &call.origin, text));
    let scope = asked.transpose()?.map_or(begun.clone(), |asked| asked.with_identity_of(&begun));
    site.script.check(Stage::Code, scope.kind)?;
    let claims = request.claims()?.or(found.claims);
    let basis = Basis { nonce: found.nonce, ..Basis::new(Via::Browser, claims) };
    code::redeem(database, request);
    consent(database, &scope);
    let grant = Grant { site, call, application, scope: &scope, basis: &basis };
    Ok(success(&grant.for_person(database, request, scope.offline)))
}

/// Notes that the person agreed to what was asked for.
fn consent(database: &mut Database, scope: &Scope) {
    database.consents.insert(scope.kind.name().to_owned());
    database.touch();
}

fn renew(
    site: &Site,
    database: &mut Database,
    call: &Call,
    request: &Request,
    application: &Application,
) -> Result<Answer, Refusal> {
    check_public(request, application)?;
    let token = request.needed("refresh_token")?;
    let read = refresh::read(token, &database.token_key, application.client_id, Moment::now())?;
    refresh::check_unspent(database, &read)?;
    let scope =
        Scope::parse(site, &call.origin, request.field("scope").unwrap_or("openid profile"))?;
    check_refusals(site, database, &scope, &read.basis)?;
    let claims = request.claims()?.or(read.basis.claims);
    let basis = Basis { claims, ..read.basis };
    let renewed = match site.tenant.file.switches.entra.refresh_rotation {
        Rotation::EachUse => scope.offline,
        Rotation::Never => false,
        Rotation::Once => refresh::spend(database, read.id),
    };
    let grant = Grant { site, call, application, scope: &scope, basis: &basis };
    Ok(success(&grant.for_person(database, request, renewed)))
}

fn as_itself(
    site: &Site,
    database: &mut Database,
    call: &Call,
    request: &Request,
    application: &Application,
) -> Result<Answer, Refusal> {
    let sent = request.field("client_secret").ok_or_else(Refusal::not_public)?;
    if application.secret.as_deref() != Some(sent) {
        return Err(Refusal::wrong_secret(application.client_id));
    }
    let text = request.needed("scope")?;
    let scope = Scope::parse(site, &call.origin, text)?;
    if !text.ends_with("/.default") {
        return Err(Refusal::scope(text));
    }
    site.script.check(Stage::ClientCredentials, scope.kind)?;
    let basis = Basis::new(Via::Application, request.claims()?);
    let grant = Grant { site, call, application, scope: &scope, basis: &basis };
    Ok(success(&grant.for_application(database)))
}

/// Refuses a secret from a client that has none.
fn check_public(request: &Request, application: &Application) -> Result<(), Refusal> {
    match (request.field("client_secret"), &application.secret) {
        (Some(_), None) => Err(Refusal::secret_sent()),
        (None, Some(_)) => Err(Refusal::not_public()),
        (Some(sent), Some(secret)) if sent != secret => {
            Err(Refusal::wrong_secret(application.client_id))
        }
        _ => Ok(()),
    }
}

/// Refuses what the tenant file says; a consent that was given since then cures a missing one.
fn check_refusals(
    site: &Site,
    database: &Database,
    scope: &Scope,
    basis: &Basis,
) -> Result<(), Refusal> {
    let file = &site.tenant.file;
    let tracked = file.switches.entra.protocol_tracking == ProtocolTracking::BlockRefresh;
    if tracked && basis.via == Via::Device {
        return Err(Refusal::coded(BLOCKED));
    }
    site.script.check(Stage::Refresh, scope.kind)?;
    let refusal =
        file.refresh_refusals.iter().find(|refusal| scope.kind.is_refused_by(refusal.resource));
    match refusal.map(|refusal| refusal.reason) {
        None => Ok(()),
        Some(RefusalReason::ConsentRequired) if database.consents.contains(scope.kind.name()) => {
            Ok(())
        }
        Some(reason) => Err(Refusal::coded(reason.code())),
    }
}
