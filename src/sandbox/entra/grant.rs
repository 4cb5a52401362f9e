//! The token endpoint: which grant a request makes, and whether it is honoured.

use super::super::clock::Moment;
use super::super::message::{Answer, Call};
use super::super::site::Site;
use super::super::state::Database;
use super::super::tenant::file::Application;
use super::super::tenant::sign_in::{RefusalReason, Stage};
use super::super::tenant::switches::{ProtocolTracking, Rotation};
use super::assertion::Checked;
use super::basis::{Basis, Via};
use super::refusal::{BLOCKED, Refusal};
use super::scope::Scope;
use super::token::Grant;
use super::{Request, application, check_authority, client, code, device, refresh, success};

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
    let checked = Checked { site, call, application, authority };
    client::check(&checked, request, &database.token_key)?;
    let attempt = Attempt { site, call, request, application };
    match grant {
        // msal-node sends the short name.
        DEVICE_CODE | "device_code" => attempt.poll(database),
        "authorization_code" => attempt.redeem(database),
        "refresh_token" => attempt.renew(database),
        "client_credentials" => attempt.as_itself(database),
        other => Err(Refusal::grant(other)),
    }
}

/// A request for tokens, whose client is known.
struct Attempt<'a> {
    site: &'a Site,
    call: &'a Call,
    request: &'a Request,
    application: &'a Application,
}

impl Attempt<'_> {
    fn poll(&self, database: &mut Database) -> Result<Answer, Refusal> {
        let session = device::find(self.site, database, self.request, self.application)?;
        let scope = self.scope(&session.scope)?;
        self.site.script.check(Stage::Poll, scope.kind)?;
        let basis = Basis::new(Via::Device, self.request.claims()?.or(session.claims));
        device::redeem(database, self.request);
        consent(database, &scope);
        Ok(self.granted(database, &scope, &basis, scope.offline))
    }

    fn redeem(&self, database: &mut Database) -> Result<Answer, Refusal> {
        let found = code::find(database, self.request, self.application)?;
        let begun = self.scope(&found.scope)?;
        let asked = self.request.field("scope").map(|text| self.scope(text)).transpose()?;
        let scope = asked.map_or(begun.clone(), |asked| asked.with_identity_of(&begun));
        self.site.script.check(Stage::Code, scope.kind)?;
        let claims = self.request.claims()?.or(found.claims);
        let basis = Basis { nonce: found.nonce, ..Basis::new(Via::Browser, claims) };
        code::redeem(database, self.request);
        consent(database, &scope);
        Ok(self.granted(database, &scope, &basis, scope.offline))
    }

    fn renew(&self, database: &mut Database) -> Result<Answer, Refusal> {
        let token = self.request.needed("refresh_token")?;
        let client = self.application.client_id;
        let read = refresh::read(token, &database.token_key, client, Moment::now())?;
        refresh::check_unspent(database, &read)?;
        let scope = self.scope(self.request.field("scope").unwrap_or("openid profile"))?;
        check_refusals(self.site, database, &scope, &read.basis)?;
        let claims = self.request.claims()?.or(read.basis.claims);
        let basis = Basis { claims, ..read.basis };
        let renewed = match self.site.tenant.file.switches.entra.refresh_rotation {
            Rotation::EachUse => scope.offline,
            Rotation::Never => false,
            Rotation::Once => refresh::spend(database, read.id),
        };
        Ok(self.granted(database, &scope, &basis, renewed))
    }

    fn as_itself(&self, database: &mut Database) -> Result<Answer, Refusal> {
        if !self.application.is_confidential() {
            return Err(Refusal::not_public());
        }
        let text = self.request.needed("scope")?;
        let scope = self.scope(text)?;
        if !text.ends_with("/.default") {
            return Err(Refusal::scope(text));
        }
        self.site.script.check(Stage::ClientCredentials, scope.kind)?;
        let basis = Basis::new(Via::Application, self.request.claims()?);
        Ok(success(&self.grant(&scope, &basis).for_application(database)))
    }

    fn scope(&self, text: &str) -> Result<Scope, Refusal> {
        Scope::parse(self.site, &self.call.origin, text)
    }

    fn grant<'g>(&'g self, scope: &'g Scope, basis: &'g Basis) -> Grant<'g> {
        Grant { site: self.site, call: self.call, application: self.application, scope, basis }
    }

    /// Grants tokens of the person, with a refresh token or without.
    fn granted(
        &self,
        database: &mut Database,
        scope: &Scope,
        basis: &Basis,
        refreshes: bool,
    ) -> Answer {
        success(&self.grant(scope, basis).for_person(database, self.request, refreshes))
    }
}

/// Notes that the person agreed to what was asked for.
fn consent(database: &mut Database, scope: &Scope) {
    database.consents.insert(scope.kind.name().to_owned());
    database.touch();
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
