//! What the token endpoint answers when it grants.

use serde_json::{Map, Value, json};

use super::super::bearer::{ASKED, SERIAL, obscured, signed};
use super::super::clock::Moment;
use super::super::guid::Guid;
use super::super::message::Call;
use super::super::seal::{encoded, opaque};
use super::super::site::Site;
use super::super::state::Database;
use super::super::tenant::file::Application;
use super::super::tenant::switches::{AccessTokens, IdTokens};
use super::basis::Basis;
use super::scope::Scope;
use super::{Request, number, refresh};

/// Whom tokens are for, and what they say.
pub(super) struct Grant<'a> {
    /// The fixed side of the sandbox.
    pub(super) site: &'a Site,
    /// The request.
    pub(super) call: &'a Call,
    /// The application.
    pub(super) application: &'a Application,
    /// What was asked for.
    pub(super) scope: &'a Scope,
    /// What they are issued on.
    pub(super) basis: &'a Basis,
}

impl Grant<'_> {
    /// Prints the answer for a person.
    pub(super) fn for_person(
        &self,
        database: &mut Database,
        request: &Request,
        refreshes: bool,
    ) -> Value {
        let now = Moment::now();
        let mut body = self.bearer(now);
        let token = self.access_token(database, now, &body);
        body.insert("scope".to_owned(), json!(self.scope.granted()));
        body.insert("access_token".to_owned(), json!(token));
        if refreshes {
            let client = self.application.client_id;
            let token = refresh::issue(&database.token_key, client, self.basis, now);
            body.insert("refresh_token".to_owned(), json!(token));
        }
        if self.scope.open_id {
            body.insert(
                "id_token".to_owned(),
                json!(signed(&self.id_claims(now), &database.token_key)),
            );
        }
        if request.field("client_info").is_some() {
            body.insert("client_info".to_owned(), json!(self.client_info()));
        }
        for name in ["expires_in", "ext_expires_in"] {
            let seconds = body.get(name).and_then(Value::as_u64).unwrap_or_default();
            body.insert(name.to_owned(), number(self.site, seconds));
        }
        Value::Object(body)
    }

    /// Prints the answer for an application that acts for itself: a token without `scp`.
    pub(super) fn for_application(&self, database: &mut Database) -> Value {
        let now = Moment::now();
        let mut body = self.bearer(now);
        let object = Guid::derived(&["service principal", &self.application.client_id.to_string()]);
        let mut claims = self.claims(now, lifetime(&body), object);
        claims.insert("appidacr".to_owned(), json!("1"));
        claims.insert("idtyp".to_owned(), json!("app"));
        body.insert("access_token".to_owned(), json!(self.numbered(database, claims)));
        Value::Object(body)
    }

    fn bearer(&self, now: Moment) -> Map<String, Value> {
        // The real service varies the time between one hour and an hour and a half.
        let varied = 3599 + now.milliseconds() % 1600;
        let seconds = self.site.tenant.file.sign_in.access_token_lifetime.unwrap_or(varied);
        let mut body = Map::new();
        body.insert("token_type".to_owned(), json!("Bearer"));
        body.insert("expires_in".to_owned(), json!(seconds));
        body.insert("ext_expires_in".to_owned(), json!(seconds));
        body
    }

    fn access_token(
        &self,
        database: &mut Database,
        now: Moment,
        body: &Map<String, Value>,
    ) -> String {
        let user = &self.site.tenant.file.user;
        let mut claims = self.claims(now, lifetime(body), user.object_id);
        claims.insert("appidacr".to_owned(), json!("0"));
        claims.insert("amr".to_owned(), json!(["pwd", "mfa"]));
        claims.insert("name".to_owned(), json!(user.name));
        claims.insert("scp".to_owned(), json!(self.scope.permissions()));
        claims.insert("unique_name".to_owned(), json!(user.principal_name));
        claims.insert("upn".to_owned(), json!(user.principal_name));
        self.numbered(database, claims)
    }

    /// Seals an access token under its number.
    fn numbered(&self, database: &mut Database, mut claims: Map<String, Value>) -> String {
        claims.insert(SERIAL.to_owned(), json!(database.issue()));
        claims.extend(self.basis.claims.as_ref().map(|asked| (ASKED.to_owned(), json!(asked))));
        let body = Value::Object(claims);
        match self.site.tenant.file.switches.entra.access_tokens {
            AccessTokens::Jwt => signed(&body, &database.token_key),
            AccessTokens::Opaque => obscured(&body, &database.token_key),
        }
    }

    /// Returns what tokens of version 1.0 have in common.
    fn claims(&self, now: Moment, lifetime: u64, object: Guid) -> Map<String, Value> {
        let tenant = self.site.tenant.file.directory.id;
        let body = json!({
            "aud": self.scope.resource.as_deref().unwrap_or("00000003-0000-0000-c000-000000000000"),
            "iss": format!("https://sts.windows.net/{tenant}/"),
            "iat": now.seconds(),
            "nbf": now.seconds(),
            "exp": now.seconds() + lifetime,
            "appid": self.application.client_id,
            "oid": object,
            "sub": encoded(Guid::derived(&["subject", &object.to_string()]).simple().as_bytes()),
            "tid": tenant,
            "uti": Guid::random().simple(),
            "ver": "1.0",
        });
        if let Value::Object(claims) = body { claims } else { Map::new() }
    }

    fn id_claims(&self, now: Moment) -> Value {
        let file = &self.site.tenant.file;
        let mut claims = json!({
            "aud": self.application.client_id,
            "iss": format!("{}/{}/v2.0", self.call.origin.address(), file.directory.id),
            "iat": now.seconds(),
            "nbf": now.seconds(),
            "exp": now.seconds() + 3600,
            "name": file.user.name,
            "oid": file.user.object_id,
            "preferred_username": file.user.principal_name,
            "sub": encoded(Guid::derived(&["subject", &self.application.client_id.to_string()]).simple().as_bytes()),
            "tid": file.directory.id,
            "uti": Guid::random().simple(),
            "ver": "2.0",
        });
        if let Some(nonce) = self.nonce() {
            claims["nonce"] = json!(nonce);
        }
        claims
    }

    fn nonce(&self) -> Option<String> {
        let sent = self.basis.nonce.clone()?;
        match self.site.tenant.file.switches.entra.id_tokens {
            IdTokens::Right => Some(sent),
            IdTokens::Missing => None,
            IdTokens::Wrong => Some(opaque()),
        }
    }

    fn client_info(&self) -> String {
        let file = &self.site.tenant.file;
        encoded(
            json!({"uid": file.user.object_id, "utid": file.directory.id}).to_string().as_bytes(),
        )
    }
}

fn lifetime(body: &Map<String, Value>) -> u64 {
    body.get("expires_in").and_then(Value::as_u64).unwrap_or_default()
}
