//! Sign-in against a scripted authority on this machine. Nothing waits: sleeps are recorded.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::device::sign_in_with;
use super::session::Resources;
use super::wire::Sleep;
use super::*;
use crate::api::entra::Authority;
use crate::domain::{Clouds, EnvironmentUrl};
use crate::http::testing::{Received, Reply, Server};
use crate::http::{Settings, Transport, TransportError};

/// What an authority answers to the polls and refreshes, one after the other, the last for ever.
struct Script {
    device: Value,
    tokens: Vec<Reply>,
}

/// How a sign-in ended, and what it took.
struct Ended {
    result: Result<Session, AuthError>,
    waits: Vec<u64>,
    server: Server,
    prompt: Option<Prompt>,
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
        Server::start(move |number, received| {
            if received.line.contains("/devicecode") {
                return Reply::json(200, &self.device.to_string());
            }
            let place = (number - 1).min(self.tokens.len() - 1);
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
    }
}

fn resources(server: &Server) -> Resources {
    let clouds = Clouds::embedded().unwrap();
    Resources::new(&environment(server), clouds.named("sandbox").unwrap())
}

async fn sign_in_at(server: Server) -> Ended {
    let waits = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&waits);
    let sleep: Sleep = Arc::new(move |time: Duration| {
        log.lock().unwrap().push(time.as_secs());
        Box::pin(tokio::task::yield_now())
    });
    let mut prompt = None;
    let shown = |value: &Prompt| prompt = Some(value.clone());
    let resources = resources(&server);
    let application = application(&server);
    let result = sign_in_with(&transport(), application, resources, shown, &sleep).await;
    let waits = waits.lock().unwrap().clone();
    Ended { result, waits, server, prompt }
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
    let (environment, clouds) = (environment(&server), Clouds::embedded().unwrap());
    let cloud = clouds.named("sandbox").unwrap();
    let transport = transport();
    let running = sign_in(&transport, application(&server), &environment, cloud, |_| {});
    is_send(&running);
    let session = running.await.unwrap();
    is_send(&session.token(Audience::Flow));
    assert_eq!(transport.counts().entra, 2);
}

#[tokio::test]
async fn a_person_approves_after_a_while() {
    let script = Script::new([pending(), pending(), granted(json!({}))]);
    let ended = script.run().await;
    assert_eq!(ended.session().user(), Some("megan@contoso.example"));
    assert_eq!(ended.waits, [5, 5]);
    let prompt = ended.prompt.as_ref().unwrap();
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
    assert_eq!(ended.server.received().len(), 6);
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
        assert!(matches!(ended.error(), AuthError::Expired), "{error}");
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
        "Entra refused the sign-in (AADSTS7000218): the application is registered as one that must show a password of its own, which a command-line program does not have"
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
    assert!(ended.prompt.is_none());
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
    let flow = session.token(Audience::Flow).await.unwrap();
    assert_eq!(flow.expose(), token("User"));
    // Each of these has ended at once, so the next is asked for.
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
    let error = ended.session().token(Audience::Flow).await.unwrap_err();
    assert!(matches!(error, AuthError::AppOnly { .. }), "{error:?}");
    assert!(error.hints()[0].contains("delegated"));
}

#[tokio::test]
async fn a_token_that_cannot_be_read_is_used_and_the_identity_token_tells_who_it_is() {
    let opaque = json!({"access_token": "made-up-opaque", "id_token": token("")});
    let ended = Script::new([granted(opaque)]).run().await;
    assert_eq!(ended.session().user(), Some("megan@contoso.example"));
    assert!(ended.session().token(Audience::Flow).await.is_ok());
}

#[tokio::test]
async fn without_a_refresh_token_there_is_one_audience() {
    let ended = Script::new([granted(json!({"refresh_token": ""}))]).run().await;
    assert!(ended.session().token(Audience::Dataverse).await.is_ok());
    let error = ended.session().token(Audience::Flow).await.unwrap_err();
    assert!(matches!(error, AuthError::NoRefreshToken { .. }), "{error:?}");
}

#[tokio::test]
async fn a_renewal_that_is_refused_names_its_audience() {
    let ended = Script::new([granted(json!({})), refused(400, "consent_required")]).run().await;
    let error = ended.session().token(Audience::Flow).await.unwrap_err();
    assert_eq!(error.to_string(), "Entra refused a token for the Flow service: consent_required");
}
