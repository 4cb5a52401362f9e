//! Sign-in against a scripted authority on this machine. Nothing waits: sleeps are recorded.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::http::testing::{Received, Reply, Server};
use crate::http::{Settings, Transport, TransportError};
use crate::model::{Clouds, EnvironmentUrl, Event, Notify, RefreshToken};
use crate::services::entra::Authority;
use crate::sign_in::exchange::Sleep;

/// The answers of an authority to polls and renewals, one after the other; the last one repeats.
struct Script {
    device: Value,
    tokens: Vec<Reply>,
}

/// The result of a sign-in, and what it took.
struct Ended {
    result: Result<Session, AuthError>,
    waits: Vec<u64>,
    server: Server,
    notices: Notices,
}

/// The notices that a person got.
#[derive(Default)]
struct Notices {
    prompts: Vec<DeviceCodePrompt>,
    warnings: Vec<String>,
}

impl Script {
    fn new(tokens: impl IntoIterator<Item = Reply>) -> Self {
        let device = json!({
            "user_code": "ABCD1234", "device_code": "made-up-device-code",
            "verification_uri": "https://login.example.com/device", "expires_in": 900,
            "interval": 5, "message": "open the page and enter ABCD1234",
        });
        let tokens = tokens.into_iter().collect();
        Self { device, tokens }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.device[name] = value;
        self
    }

    async fn serve(self) -> Server {
        let asked = AtomicUsize::new(0);
        Server::start(move |_, received| {
            if received.line.contains("/devicecode") {
                return Reply::json(200, &self.device.to_string());
            }
            let place = asked.fetch_add(1, Ordering::Relaxed).min(self.tokens.len() - 1);
            self.tokens[place].clone()
        })
        .await
    }

    async fn run(self) -> Ended {
        sign_in_at(self.serve().await).await
    }
}

impl Ended {
    fn error(&self) -> &AuthError {
        let error = self.result.as_ref().unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.hints());
        assert!(!shown.contains("made-up"), "{shown}");
        error
    }

    fn session(&self) -> &Session {
        self.result.as_ref().unwrap()
    }

    fn forms(&self) -> Vec<std::collections::HashMap<String, String>> {
        self.server.received().iter().map(Received::form).collect()
    }
}

fn transport() -> Transport {
    Transport::new(Settings::default()).unwrap()
}

fn environment(server: &Server) -> EnvironmentUrl {
    server.url("/").as_str().parse().unwrap()
}

fn application(server: &Server) -> Application {
    let tenant = "contoso.example".parse().unwrap();
    Application {
        authority: Authority::new(&server.url("/"), tenant),
        client_id: "app-1".parse().unwrap(),
        code_pages: vec!["login.example.com".to_owned()],
    }
}

/// A sign-in whose tokens are the person's, with what they hold already.
async fn begin(
    server: &Server,
    transport: &Transport,
    way: SignInMethod,
    kept: Option<&str>,
    notify: Notify,
    sleep: Sleep,
) -> Result<Session, AuthError> {
    let clouds = Clouds::embedded().unwrap();
    let keeper = SharedRefreshToken::in_memory(kept.map(RefreshToken::new));
    let person = Person::new(application(server), way, keeper).with_sleep(sleep);
    let setup = SessionSetup {
        environment: &environment(server),
        cloud: clouds.get("sandbox").unwrap(),
        tenant: None,
        sources: TokenSources { dataverse: TokenSource::Person, flow: TokenSource::Person },
        person: Some(person),
    };
    let session = Session::begin(transport, setup, notify).await?;
    session.token(Audience::Flow).await?;
    Ok(session)
}

async fn sign_in_at(server: Server) -> Ended {
    sign_in_with(server, SignInMethod::DeviceCode, None).await
}

async fn sign_in_with(server: Server, way: SignInMethod, kept: Option<&str>) -> Ended {
    let waits = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&waits);
    let sleep: Sleep = Arc::new(move |time: Duration| {
        log.lock().unwrap().push(time.as_secs());
        Box::pin(tokio::task::yield_now())
    });
    let notices = Arc::new(Mutex::new(Notices::default()));
    let recorder = Arc::clone(&notices);
    let notify: Notify = Arc::new(move |event| {
        let mut notices = recorder.lock().unwrap();
        match event {
            Event::SignIn { verification_uri, user_code, message, expires_in, .. } => {
                notices.prompts.push(DeviceCodePrompt {
                    verification_uri: verification_uri.to_owned(),
                    user_code: user_code.to_owned(),
                    message: message.map(str::to_owned),
                    expires_in,
                });
            }
            Event::SignInWarning { text } => notices.warnings.push(text.to_owned()),
            _ => {}
        }
    });
    let result = begin(&server, &transport(), way, kept, notify, sleep).await;
    let waits = waits.lock().unwrap().clone();
    let notices = std::mem::take(&mut *notices.lock().unwrap());
    Ended { result, waits, server, notices }
}

fn token(scopes: &str) -> String {
    let claims = json!({"scp": scopes, "upn": "megan@contoso.example", "tid": "t-1"});
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("e30.{payload}.made-up")
}

fn granted(more: Value) -> Reply {
    let mut body = json!({
        "token_type": "Bearer", "expires_in": 3600, "scope": "x",
        "access_token": token("user_impersonation"), "refresh_token": "made-up-refresh-1",
    });
    let more: serde_json::Map<_, _> = serde_json::from_value(more).unwrap();
    body.as_object_mut().unwrap().extend(more);
    body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    Reply::json(200, &body.to_string())
}

fn refused(status: u16, error: &str) -> Reply {
    Reply::json(status, &json!({"error": error}).to_string())
}

fn pending() -> Reply {
    refused(400, "authorization_pending")
}

#[tokio::test]
async fn a_sign_in_may_run_as_a_task_of_its_own() {
    fn is_send<T: Send>(_: &T) {}
    let server = Script::new([granted(json!({}))]).serve().await;
    let transport = transport();
    let sleep: Sleep = Arc::new(|_| Box::pin(tokio::task::yield_now()));
    let notify: Notify = Arc::new(|_| {});
    let running = begin(&server, &transport, SignInMethod::DeviceCode, None, notify, sleep);
    is_send(&running);
    let session = running.await.unwrap();
    is_send(&session.token(Audience::Flow));
    assert_eq!(transport.counts().entra, 3);
}

#[tokio::test]
async fn a_person_approves_after_a_while() {
    let script = Script::new([pending(), pending(), granted(json!({}))]);
    let ended = script.run().await;
    assert_eq!(ended.session().identity().user.as_deref(), Some("megan@contoso.example"));
    assert_eq!(ended.waits, [5, 5]);
    let prompt = &ended.notices.prompts[0];
    assert_eq!(prompt.verification_uri, "https://login.example.com/device");
    assert_eq!(prompt.user_code, "ABCD1234");
    assert_eq!(prompt.expires_in, Duration::from_mins(15));
    let origin = environment(&ended.server).to_string();
    let forms = ended.forms();
    assert_eq!(forms[0]["scope"], format!("{origin}/.default offline_access openid profile"));
    assert_eq!(forms[1]["device_code"], "made-up-device-code");
    let lines = ended.server.received();
    assert_eq!(lines[0].line, "POST /contoso.example/oauth2/v2.0/devicecode HTTP/1.1");
    assert_eq!(lines[3].line, "POST /contoso.example/oauth2/v2.0/token HTTP/1.1");
}

#[tokio::test]
async fn numbers_as_texts_two_names_and_a_lower_case_bearer_are_taken() {
    let script = Script::new([granted(json!({"token_type": "bearer", "expires_in": "3600"}))]);
    let script = script.with("expires_in", json!("900"));
    let script = script.with("interval", json!("5"));
    let script = script.with("verification_url", json!("https://login.example.com/old"));
    assert!(script.run().await.result.is_ok());
}

#[tokio::test]
async fn without_an_interval_it_is_five_seconds() {
    let script = Script::new([pending(), granted(json!({}))]).with("interval", Value::Null);
    assert_eq!(script.run().await.waits, [5]);
}

#[tokio::test]
async fn slow_down_makes_the_interval_longer_for_good() {
    let slow = || refused(400, "slow_down");
    let script = Script::new([slow(), slow(), pending(), granted(json!({}))]);
    assert_eq!(script.run().await.waits, [10, 15, 15]);
}

#[tokio::test]
async fn a_busy_service_or_a_dropped_connection_does_not_end_it() {
    let script = Script::new([
        Reply::text(503, "text/html", "<html>").with("retry-after", "9"),
        Reply::Drop,
        Reply::json(429, "").with("retry-after", "2"),
        pending(),
        granted(json!({})),
    ]);
    let ended = script.run().await;
    assert!(ended.result.is_ok());
    assert_eq!(ended.waits, [9, 5, 10, 5, 2, 5, 5]);
    assert_eq!(ended.server.received().len(), 7);
}

#[tokio::test]
async fn a_network_that_stays_dead_ends_it_with_its_cause() {
    let ended = Script::new([pending(), Reply::Drop]).run().await;
    let AuthError::Transport { source } = ended.error() else {
        panic!("{:?}", ended.error());
    };
    assert!(matches!(source, TransportError::Lost { .. }), "{source:?}");
    assert_eq!(ended.waits, [5, 5, 5, 10, 5, 20, 5, 40, 5]);
}

#[tokio::test]
async fn a_person_declines() {
    for error in ["authorization_declined", "access_denied"] {
        let ended = Script::new([pending(), refused(400, error)]).run().await;
        assert!(matches!(ended.error(), AuthError::Declined { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_code_expires_at_the_server_or_by_the_clock() {
    for error in ["expired_token", "code_expired"] {
        let ended = Script::new([refused(400, error)]).run().await;
        assert!(matches!(ended.error(), AuthError::CodeExpired { .. }), "{error}");
    }
    let ended = Script::new([pending()]).with("expires_in", json!(0)).run().await;
    assert!(matches!(ended.error(), AuthError::Expired));
}

#[tokio::test]
async fn a_refusal_inside_a_success_is_told_with_all_that_entra_said() {
    let body = json!({
        "error": "invalid_client",
        "error_description": "AADSTS7000218: The request body must contain more. Trace ID: x",
        "error_codes": [7_000_218], "correlation_id": "c-1", "suberror": "s-1",
    });
    let server = Server::start(move |_, _| Reply::json(200, &body.to_string())).await;
    let ended = sign_in_at(server).await;
    assert_eq!(
        ended.error().to_string(),
        "Entra refused the sign-in (AADSTS7000218): Entra expects a client secret because the application is registered as a web application, but a command-line program has none"
    );
    assert_eq!(ended.error().correlation_id(), Some("c-1"));
    let refusal = ended.error().refusal().unwrap();
    assert_eq!(refusal.suberror.as_deref(), Some("s-1"));
    assert!(ended.error().hints()[0].contains("Allow public client flows"));
}

#[tokio::test]
async fn what_is_no_answer_of_such_an_endpoint_ends_it() {
    let cases = [
        (Reply::redirect("https://login.example.com/made-up"), "302"),
        (Reply::text(200, "text/html", "made-up"), "200"),
        (granted(json!({"access_token": null})), "200"),
        (granted(json!({"expires_in": "made-up"})), "200"),
        (granted(json!({"token_type": "mac"})), "200"),
    ];
    for (reply, status) in cases {
        let ended = Script::new([reply]).run().await;
        let error = ended.error();
        assert!(matches!(error, AuthError::Unreadable { .. }), "{error:?}");
        assert!(error.to_string().contains(status), "{error}");
    }
}

#[tokio::test]
async fn a_page_that_is_not_https_is_shown_to_nobody() {
    let script = Script::new([pending()]);
    let script = script.with("verification_uri", json!("http://login.example.com/device"));
    let ended = script.run().await;
    assert!(matches!(ended.error(), AuthError::UntrustedPage { .. }));
    assert!(ended.notices.prompts.is_empty());
}

#[tokio::test]
async fn one_refresh_token_serves_every_audience_and_rotates() {
    let ended = Script::new([
        granted(json!({})),
        granted(json!({"access_token": token("User"), "refresh_token": "made-up-refresh-2", "expires_in": 0})),
        granted(json!({"access_token": token("Again"), "refresh_token": null, "expires_in": 0})),
    ])
    .run()
    .await;
    let session = ended.session();
    let dataverse = session.token(Audience::Dataverse).await.unwrap();
    assert_eq!(dataverse.expose(), token("user_impersonation"));
    // Each token for the Flow service has ended at once, so the next is asked for.
    session.token(Audience::Flow).await.unwrap();
    session.token(Audience::Flow).await.unwrap();
    let forms = ended.forms();
    let used: Vec<_> = forms[2..].iter().map(|form| form["refresh_token"].as_str()).collect();
    assert_eq!(used, ["made-up-refresh-1", "made-up-refresh-2", "made-up-refresh-2"]);
    assert_eq!(forms[2]["scope"], "https://service.flow.microsoft.com//.default offline_access");
    assert_eq!(forms[2]["client_id"], "app-1");
}

#[tokio::test]
async fn tasks_that_want_one_token_cause_one_renewal() {
    let ended = Script::new([granted(json!({}))]).run().await;
    let session = ended.session();
    let all = (0..8).map(|_| session.token(Audience::Flow));
    for token in futures_util::future::join_all(all).await {
        assert!(token.is_ok());
    }
    assert_eq!(ended.server.received().len(), 3);
}

#[tokio::test]
async fn a_token_without_a_person_is_refused_for_the_flow_service() {
    let script = Script::new([granted(json!({})), granted(json!({"access_token": token("")}))]);
    let ended = script.run().await;
    let error = ended.error();
    assert!(
        matches!(error, AuthError::UnusableToken { reason: UnusableToken::Application, .. }),
        "{error:?}"
    );
    assert!(error.hints()[0].contains("delegated"));
}

#[tokio::test]
async fn a_token_that_cannot_be_read_is_used_and_the_identity_token_tells_who_it_is() {
    let opaque = json!({"access_token": "made-up-opaque", "id_token": token("")});
    let ended = Script::new([granted(opaque)]).run().await;
    assert_eq!(ended.session().identity().user.as_deref(), Some("megan@contoso.example"));
    assert!(ended.session().token(Audience::Flow).await.is_ok());
}

#[tokio::test]
async fn without_a_refresh_token_the_person_is_asked_for_each_audience() {
    let ended = Script::new([granted(json!({"refresh_token": ""}))]).run().await;
    assert!(ended.session().token(Audience::Flow).await.is_ok());
    assert_eq!(ended.notices.prompts.len(), 2);
    let scopes: Vec<_> =
        ended.forms().iter().filter_map(|form| form.get("scope").cloned()).collect();
    assert!(scopes[1].starts_with("https://service.flow.microsoft.com//.default "), "{scopes:?}");
}

#[tokio::test]
async fn an_earlier_sign_in_serves_without_asking() {
    let server = Script::new([granted(json!({}))]).serve().await;
    let ended = sign_in_with(server, SignInMethod::NonInteractive, Some("made-up-refresh-0")).await;
    assert!(ended.result.is_ok() && ended.notices.prompts.is_empty());
    let forms = ended.forms();
    assert_eq!(forms[0]["refresh_token"], "made-up-refresh-0");
    assert_eq!(forms[1]["refresh_token"], "made-up-refresh-1");
}

#[tokio::test]
async fn where_nobody_is_to_be_asked_a_sign_in_ends_at_once_and_tells_why() {
    let server = Script::new([pending()]).serve().await;
    let ended = sign_in_with(server, SignInMethod::NonInteractive, None).await;
    assert!(matches!(ended.error(), AuthError::PersonNeeded { why: None }));
    assert!(ended.server.received().is_empty());
    let revoked =
        json!({"error": "invalid_grant", "error_codes": [50173], "suberror": "bad_token"});
    let server = Script::new([Reply::json(400, &revoked.to_string())]).serve().await;
    let ended = sign_in_with(server, SignInMethod::NonInteractive, Some("made-up-refresh-0")).await;
    assert!(matches!(ended.error(), AuthError::PersonNeeded { why: Some(_) }));
    assert!(ended.error().hints().join("\n").contains("flowbind auth login"));
}

#[tokio::test]
async fn a_policy_that_a_sign_in_cannot_meet_asks_nobody() {
    let blocked =
        json!({"error": "invalid_grant", "error_codes": [53003], "suberror": "message_only"});
    let server = Script::new([Reply::json(400, &blocked.to_string())]).serve().await;
    let ended = sign_in_with(server, SignInMethod::DeviceCode, Some("made-up-refresh-0")).await;
    assert!(matches!(ended.error(), AuthError::Refused { .. }));
    assert!(ended.notices.prompts.is_empty());
}

#[tokio::test]
async fn a_sign_in_that_has_ended_is_made_anew_with_the_claims_that_were_asked_for() {
    let claims = "{\"access_token\":{\"nbf\":{\"essential\":true}}}";
    let ended = json!({"error": "invalid_grant", "suberror": "basic_action", "claims": claims});
    let server =
        Script::new([Reply::json(400, &ended.to_string()), granted(json!({}))]).serve().await;
    let ended = sign_in_with(server, SignInMethod::DeviceCode, Some("made-up-refresh-0")).await;
    assert!(ended.result.is_ok());
    assert_eq!(ended.notices.prompts.len(), 1);
    assert!(ended.notices.warnings[0].contains("a new sign-in is needed"));
    let forms = ended.forms();
    assert_eq!((forms[1]["claims"].as_str(), forms[2]["claims"].as_str()), (claims, claims));
    assert_eq!(forms[3]["refresh_token"], "made-up-refresh-1");
}

/// A service that refuses the tokens that are named, and what it was asked with.
async fn service(refuses: &'static [&'static str], challenge: &'static str) -> Server {
    Server::start(move |_, received| {
        let sent = received.headers("authorization").join("");
        if refuses.iter().any(|token| sent.ends_with(token)) {
            return Reply::json(401, "{}").with("www-authenticate", challenge);
        }
        Reply::json(200, "{}")
    })
    .await
}

fn question(service: &Server) -> crate::http::Request {
    crate::http::Request::get(crate::model::Service::Dataverse, service.url("/x"), "/x")
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_request_sent_again() {
    let first = granted(json!({"access_token": "made-up-1"}));
    let later = granted(json!({"access_token": "made-up-2"}));
    let ended = Script::new([first, later]).run().await;
    let service = service(&["made-up-1"], "Bearer").await;
    let request = question(&service);
    let all = (0..6).map(|_| ended.session().send(&request, Audience::Dataverse));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.unwrap().status, 200);
    }
    // A code, a poll, the other audience's token, and one renewal for all six requests.
    assert_eq!(ended.server.received().len(), 4);
}

#[tokio::test]
async fn a_service_that_refuses_the_renewed_token_too_has_the_last_word() {
    let ended = Script::new([granted(json!({"access_token": "made-up-1"}))]).run().await;
    let service = service(&["made-up-1"], "Bearer").await;
    for _ in 0..3 {
        let answer = ended.session().send(&question(&service), Audience::Dataverse).await.unwrap();
        assert_eq!(answer.status, 401);
    }
    assert_eq!(ended.server.received().len(), 4);
}

#[tokio::test]
async fn a_claims_challenge_is_passed_on_to_the_authority() {
    let first = granted(json!({"access_token": "made-up-1"}));
    let later = granted(json!({"access_token": "made-up-2"}));
    let ended = Script::new([first, later]).run().await;
    let challenge = "Bearer error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnt9fQ==\"";
    let service = service(&["made-up-1"], challenge).await;
    let answer = ended.session().send(&question(&service), Audience::Dataverse).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(ended.forms()[3]["claims"], "{\"access_token\":{}}");
}

/// A session whose tokens were made elsewhere.
async fn given(dataverse: &str, flow: &str) -> Result<Session, AuthError> {
    let given = |text: &str, origin: &str| {
        let token = read_token(text).unwrap();
        TokenSource::HandedIn(HandedInToken { token, origin: origin.to_owned() })
    };
    let clouds = Clouds::embedded().unwrap();
    let setup = SessionSetup {
        environment: &"http://127.0.0.1:9".parse().unwrap(),
        cloud: clouds.get("sandbox").unwrap(),
        tenant: None,
        sources: TokenSources { dataverse: given(dataverse, "D"), flow: given(flow, "F") },
        person: None,
    };
    Session::begin(&transport(), setup, Arc::new(|_| {})).await
}

#[tokio::test]
async fn tokens_from_elsewhere_need_no_authority_and_are_checked_before_they_are_sent() {
    let session = given(&token("user_impersonation"), &token("User")).await.unwrap();
    assert_eq!(session.identity().user.as_deref(), Some("megan@contoso.example"));
    let error = given(&token("x"), &token("")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the token for the Flow service from F belongs to an application, not to a person"
    );
}

#[tokio::test]
async fn a_given_token_that_is_refused_or_ends_soon_cannot_be_renewed() {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let payload = URL_SAFE_NO_PAD.encode(json!({"scp": "x", "exp": now + 60}).to_string());
    let session = given(&format!("e30.{payload}.made-up"), &token("User")).await.unwrap();
    let service = service(&["made-up"], "Bearer").await;
    let answer = session.send(&question(&service), Audience::Dataverse).await.unwrap();
    assert_eq!((answer.status, service.received().len()), (401, 1));
    let error = session.ensure_lasting(Audience::Dataverse).await.unwrap_err();
    assert!(matches!(error, AuthError::ExpiresTooSoon { .. }), "{error:?}");
    assert!(session.ensure_lasting(Audience::Flow).await.is_ok());
}

#[tokio::test]
async fn a_renewal_that_is_refused_names_its_audience() {
    let ended = Script::new([granted(json!({})), refused(400, "unheard_of")]).run().await;
    let error = ended.error();
    assert_eq!(error.to_string(), "Entra refused a token for the Flow service: unheard_of");
}
