//! The authorization endpoint (RFC 6749 section 4.1.1): a browser comes with the request of an application and is
//! sent back with a code. A request whose application or redirect address is not good ends at a page.

use std::time::Duration;

use http::Method;

use super::super::clock::Moment;
use super::super::guid::Guid;
use super::super::message::{Answer, Call, pairs};
use super::super::seal;
use super::super::site::Site;
use super::super::state::{Authorization, Database};
use super::super::tenant::file::Application;
use super::super::tenant::sign_in::Stage;
use super::super::tenant::switches::ReturnedState;
use super::redirect::{Mode, Redirect};
use super::refusal::{Refusal, Stamp};
use super::scope::Scope;
use super::{Request, application, check_authority, code, page};

/// The length of a challenge: base64url of SHA-256.
const CHALLENGE_LENGTH: usize = 43;

/// Answers a browser.
pub(super) fn answer(
    site: &Site,
    database: &mut Database,
    call: &Call,
    authority: &str,
    stamp: &Stamp,
) -> Answer {
    let request = Request::of_query(call);
    let switches = &site.tenant.file.switches.entra;
    let (application, redirect) = match target(site, &request, authority) {
        Ok(target) => target,
        Err(refusal) => return page::failed(&refusal.description(switches, stamp)),
    };
    let visit = Visit { site, call, request, application, redirect };
    let told = match visit.outcome(database) {
        Ok(Outcome::Page(answer)) => return answer,
        Ok(Outcome::Code(code)) => {
            vec![("code", code), ("session_state", Guid::random().to_string())]
        }
        Err(refusal) => refusal.parameters(switches, stamp),
    };
    let mode = visit.mode().unwrap_or(Mode::Query);
    Answer { held: visit.held(), ..visit.redirect.to(mode, &visit.with_state(told)) }
}

/// Finds who asks and where the browser goes back to. Until both are known, nothing is sent anywhere.
fn target<'s>(
    site: &'s Site,
    request: &Request,
    authority: &str,
) -> Result<(&'s Application, Redirect), Refusal> {
    check_authority(site, authority)?;
    let application = application(site, request)?;
    let uri = request.needed("redirect_uri")?;
    let redirect =
        Redirect::parse(uri).ok_or_else(|| Refusal::redirect(uri, application.client_id))?;
    Ok((application, redirect))
}

/// A browser that came with a request whose answer it can be sent back with.
struct Visit<'a> {
    site: &'a Site,
    call: &'a Call,
    request: Request,
    application: &'a Application,
    redirect: Redirect,
}

/// What becomes of a visit.
enum Outcome {
    /// The person is asked.
    Page(Answer),
    /// The browser is sent back with a code.
    Code(String),
}

impl Visit<'_> {
    fn outcome(&self, database: &mut Database) -> Result<Outcome, Refusal> {
        let scope = self.check()?;
        let approved = self.site.approve_after.is_some();
        match self.decision().as_str() {
            "cancel" => Err(Refusal::cancelled()),
            "continue" => self.code(database, &scope),
            _ if approved => self.code(database, &scope),
            _ if self.request.field("prompt") == Some("none") => Err(Refusal::nobody()),
            _ => Ok(Outcome::Page(self.page())),
        }
    }

    /// Refuses what the application must not ask for.
    fn check(&self) -> Result<Scope, Refusal> {
        let wanted = self.request.needed("response_type")?;
        if wanted != "code" {
            return Err(Refusal::response_type(wanted));
        }
        self.mode()?;
        self.check_challenge()?;
        self.request.claims()?;
        Scope::parse(self.site, &self.call.origin, self.request.needed("scope")?)
    }

    fn mode(&self) -> Result<Mode, Refusal> {
        let asked = self.request.field("response_mode").unwrap_or("query");
        Mode::parse(asked).ok_or_else(|| Refusal::response_mode(asked))
    }

    fn check_challenge(&self) -> Result<(), Refusal> {
        let method = self.request.field("code_challenge_method").unwrap_or("plain");
        match self.request.field("code_challenge") {
            None if self.application.is_confidential() => Ok(()),
            None => Err(Refusal::no_challenge()),
            Some(challenge) if method == "S256" && challenge.len() == CHALLENGE_LENGTH => Ok(()),
            Some(_) => Err(Refusal::challenge()),
        }
    }

    /// Reads what the person pressed.
    fn decision(&self) -> String {
        let pressed = self.call.method == Method::POST;
        let fields = pairs(&String::from_utf8_lossy(&self.call.body));
        let decision = fields.into_iter().find(|(name, _)| pressed && name == "decision");
        decision.map(|(_, value)| value).unwrap_or_default()
    }

    fn code(&self, database: &mut Database, scope: &Scope) -> Result<Outcome, Refusal> {
        self.site.script.check(Stage::Authorize, scope.kind)?;
        let field = |name| self.request.field(name).map(str::to_owned);
        let authorization = Authorization {
            client_id: self.application.client_id,
            redirect_uri: self.redirect.uri.clone(),
            scope: field("scope").unwrap_or_default(),
            challenge: field("code_challenge"),
            nonce: field("nonce"),
            claims: self.request.claims()?,
            expires_at: Moment::now().after(code::LIFETIME),
            redeemed: false,
        };
        Ok(Outcome::Code(code::issue(database, authorization)))
    }

    fn page(&self) -> Answer {
        let action = format!("{}?{}", self.call.path, self.call.query);
        let scope = self.request.field("scope").unwrap_or_default();
        page::continuation(self.site, self.application, scope, &action, &self.redirect.source())
    }

    /// Tells how long the person takes who approves by itself.
    fn held(&self) -> Duration {
        let by_hand = self.call.method == Method::POST;
        self.site.approve_after.filter(|_| !by_hand).unwrap_or_default()
    }

    /// Adds the state that the application sent, or a wrong one where the switch says so.
    fn with_state(&self, told: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
        let state = self.request.field("state").map(|sent| {
            match self.site.tenant.file.switches.entra.authorize_state {
                ReturnedState::Same => sent.to_owned(),
                ReturnedState::Wrong => seal::opaque(),
            }
        });
        told.into_iter().chain(state.map(|state| ("state", state))).collect()
    }
}
