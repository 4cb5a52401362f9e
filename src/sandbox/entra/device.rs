//! The device authorization grant (RFC 8628): codes, and what polling for them answers.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, json};

use super::super::clock::Moment;
use super::super::message::{Answer, Call};
use super::super::seal;
use super::super::site::Site;
use super::super::state::{Database, Decision, Session};
use super::super::tenant::file::Application;
use super::super::tenant::sign_in::Stage;
use super::super::tenant::switches::{
    ConditionalAccess, ErrorStatus, PublicClientFlows, SlowPolling, VerificationAddress,
};
use super::refusal::Refusal;
use super::scope::Scope;
use super::{Request, application, check_authority, number, success};

/// The letters of a user code: none that is easily taken for another.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const USER_CODE_LENGTH: usize = 9;

/// Issues a device code.
pub(super) fn issue(
    site: &Site,
    database: &mut Database,
    call: &Call,
    request: &Request,
    authority: &str,
) -> Result<Answer, Refusal> {
    let switches = &site.tenant.file.switches.entra;
    let issued = prepare(site, call, request, authority).map_err(|refusal| {
        match switches.device_code_errors {
            ErrorStatus::BadRequest => refusal,
            ErrorStatus::Ok => refusal.with_status(StatusCode::OK),
        }
    })?;
    Ok(begin(site, database, call, issued, request))
}

fn prepare<'s>(
    site: &'s Site,
    call: &Call,
    request: &Request,
    authority: &str,
) -> Result<&'s Application, Refusal> {
    check_authority(site, authority)?;
    let application = application(site, request)?;
    let scope = Scope::parse(site, &call.origin, request.needed("scope")?)?;
    request.claims()?;
    site.script.check(Stage::DeviceCode, scope.kind)?;
    // Without a directory in the authority, a resource that belongs to one cannot be found.
    if authority.eq_ignore_ascii_case("common") && scope.resource.is_some() {
        return Err(Refusal::no_tenant());
    }
    let refused = site.tenant.file.switches.entra.public_client_flows
        == PublicClientFlows::RefusedAtDeviceCode;
    if refused || application.is_confidential() {
        return Err(Refusal::not_public());
    }
    Ok(application)
}

fn begin(
    site: &Site,
    database: &mut Database,
    call: &Call,
    application: &Application,
    request: &Request,
) -> Answer {
    let now = Moment::now();
    let times = &site.tenant.file.sign_in;
    let code = format!("GAQ{}{}", seal::opaque(), seal::opaque());
    let session = Session {
        user_code: user_code(),
        client_id: application.client_id,
        scope: request.field("scope").unwrap_or_default().to_owned(),
        expires_at: now.after(Duration::from_secs(times.expires_in)),
        approved_at: approval(site, now),
        decision: Decision::Pending,
        polled_at: None,
        claims: request.field("claims").map(str::to_owned),
    };
    let answer = success(&described(site, call, &session, &code));
    database.sessions.retain(|_, old| old.expires_at.after(Duration::from_hours(1)) > now);
    database.sessions.insert(code, session);
    database.touch();
    answer
}

/// Tells when the person approves by itself; never where a policy blocks the flow.
fn approval(site: &Site, now: Moment) -> Option<Moment> {
    let blocked =
        site.tenant.file.switches.entra.conditional_access == ConditionalAccess::BlockDeviceCode;
    site.approve_after.filter(|_| !blocked).map(|after| now.after(after))
}

fn described(site: &Site, call: &Call, session: &Session, code: &str) -> serde_json::Value {
    let times = &site.tenant.file.sign_in;
    let page = format!("{}/devicelogin", call.origin.address());
    let message = format!(
        "To sign in, use a web browser to open the page {page} and enter the code {} to authenticate.",
        session.user_code
    );
    let mut body = Map::new();
    body.insert("user_code".to_owned(), json!(session.user_code));
    body.insert("device_code".to_owned(), json!(code));
    let address = site.tenant.file.switches.entra.verification_address;
    if address != VerificationAddress::Url {
        body.insert("verification_uri".to_owned(), json!(page));
    }
    if address != VerificationAddress::Uri {
        body.insert("verification_url".to_owned(), json!(page));
    }
    body.insert("expires_in".to_owned(), number(site, times.expires_in));
    body.insert("interval".to_owned(), number(site, times.interval));
    body.insert("message".to_owned(), json!(message));
    body.into()
}

fn user_code() -> String {
    let bytes = seal::decoded(&seal::opaque()).unwrap_or_default();
    let letters =
        bytes.iter().take(USER_CODE_LENGTH).map(|byte| LETTERS[usize::from(*byte) % LETTERS.len()]);
    letters.map(char::from).collect()
}

/// Answers a poll: the session whose tokens can now be fetched.
pub(super) fn find(
    site: &Site,
    database: &mut Database,
    request: &Request,
    application: &Application,
) -> Result<Session, Refusal> {
    if site.tenant.file.switches.entra.public_client_flows == PublicClientFlows::RefusedAtPoll {
        return Err(Refusal::not_public());
    }
    let code = sent(request).ok_or_else(|| Refusal::missing("device_code"))?;
    let session =
        database.sessions.get(code).filter(|session| session.client_id == application.client_id);
    let session = session.cloned().ok_or_else(Refusal::unknown_code)?;
    let now = Moment::now();
    check_pace(site, database, code, &session, now)?;
    ready(&session, now)?;
    Ok(session)
}

/// Returns the code of a poll, which some clients send under both names.
fn sent(request: &Request) -> Option<&str> {
    request.field("device_code").or_else(|| request.field("code"))
}

/// Uses a code up.
pub(super) fn redeem(database: &mut Database, request: &Request) {
    let code = sent(request).unwrap_or_default();
    if let Some(stored) = database.sessions.get_mut(code) {
        stored.decision = Decision::Redeemed;
    }
    database.touch();
}

fn ready(session: &Session, now: Moment) -> Result<(), Refusal> {
    match session.decision {
        Decision::Redeemed => Err(Refusal::redeemed()),
        Decision::Declined => Err(Refusal::declined()),
        _ if session.expires_at <= now => Err(Refusal::expired()),
        Decision::Approved => Ok(()),
        Decision::Pending if session.approved_at.is_some_and(|at| at <= now) => Ok(()),
        Decision::Pending => Err(Refusal::pending()),
    }
}

/// Refuses a client that polls sooner than the interval, where the switch says so.
fn check_pace(
    site: &Site,
    database: &mut Database,
    code: &str,
    session: &Session,
    now: Moment,
) -> Result<(), Refusal> {
    let switch = site.tenant.file.switches.entra.slow_polling;
    if switch == SlowPolling::Ignored {
        return Ok(());
    }
    if let Some(stored) = database.sessions.get_mut(code) {
        stored.polled_at = Some(now);
    }
    database.touch();
    let interval = Duration::from_secs(site.tenant.file.sign_in.interval);
    let hasty = session.polled_at.is_some_and(|last| last.after(interval) > now);
    match switch {
        SlowPolling::SlowDown if hasty => Err(Refusal::slow_down()),
        SlowPolling::LoopDetected if hasty => Err(Refusal::loop_detected()),
        _ => Ok(()),
    }
}

/// Finds the session of a code that a person entered, which may have spaces and any case.
pub(super) fn entered<'d>(database: &'d Database, text: &str) -> Option<(&'d String, &'d Session)> {
    let typed: String =
        text.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>().to_uppercase();
    database.sessions.iter().find(|(_, session)| session.user_code == typed)
}
