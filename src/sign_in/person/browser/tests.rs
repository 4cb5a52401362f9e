//! Sign-in by a browser, which is a plain connection here, against a scripted token endpoint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::*;
use crate::http::Settings;
use crate::http::testing::{Received, Reply, Server};
use crate::services::entra::Authority;
use crate::sign_in::IdTokenError;

const SCOPES: &str = "https://contoso.example/.default offline_access openid profile";

/// The person's browser, which was sent to an address.
struct Browser {
    asked: HashMap<String, String>,
    port: u16,
}

/// The result of a sign-in, and what it took.
struct Ended<T> {
    result: Result<GrantedTokens, AuthError>,
    seen: T,
    address: Url,
    forms: Vec<HashMap<String, String>>,
}

impl Browser {
    fn new(address: &Url) -> Self {
        let asked: HashMap<_, _> = address.query_pairs().into_owned().collect();
        let redirect: Url = asked["redirect_uri"].parse().unwrap();
        Self { asked, port: redirect.port().unwrap() }
    }

    /// Returns the target to which the authority sends the browser with a code.
    fn answer(&self) -> String {
        format!("/?code=made-up-code&state={}&session_state=x", self.asked["state"])
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(("127.0.0.1", self.port)).await
    }

    /// Says something, and returns all that comes back.
    async fn say(&self, text: &str) -> String {
        let mut connection = self.connect().await.unwrap();
        connection.write_all(text.as_bytes()).await.unwrap();
        read(connection).await
    }

    async fn get(&self, target: &str) -> String {
        let host = format!("localhost:{}", self.port);
        self.say(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n")).await
    }
}

impl<T> Ended<T> {
    fn error(&self) -> &AuthError {
        let Err(error) = &self.result else { panic!("signed in") };
        let shown = format!("{error} {error:?} {:?}", error.hints());
        let asked = Browser::new(&self.address).asked;
        for secret in ["made-up", &asked["state"], &asked["nonce"], &asked["code_challenge"]] {
            assert!(!shown.contains(secret), "{shown}");
        }
        error
    }
}

/// All that comes until the other side closes, or breaks off.
async fn read(mut connection: TcpStream) -> String {
    let mut text = Vec::new();
    let _ = connection.read_to_end(&mut text).await;
    String::from_utf8(text).unwrap()
}

fn application(origin: &Url) -> Application {
    let authority = Authority::new(origin, "contoso.example".parse().unwrap());
    Application { authority, client_id: "app-1".parse().unwrap(), code_pages: Vec::new() }
}

/// Signs in with the browser doing that, against a token endpoint that knows the nonce.
async fn sign_in<T>(
    token: impl Fn(&str) -> Reply + Send + Sync + 'static,
    claims: Option<&str>,
    browse: impl AsyncFnOnce(Browser) -> T,
) -> Ended<T> {
    let nonce = Arc::new(Mutex::new(String::new()));
    let known = Arc::clone(&nonce);
    let server = Server::start(move |_, _| token(&known.lock().unwrap())).await;
    let (sent, shown) = oneshot::channel();
    let show = |address: &Url| {
        *nonce.lock().unwrap() = Browser::new(address).asked["nonce"].clone();
        sent.send(address.clone()).unwrap();
    };
    let settings = Settings { deadline: Duration::from_mins(1), ..Settings::default() };
    let transport = Transport::new(settings).unwrap();
    let application = application(&server.url("/"));
    let browsing = async {
        let address = shown.await.unwrap();
        (browse(Browser::new(&address)).await, address)
    };
    let request = asked(claims);
    let granting = sign_in_by_browser(&transport, &application, &request, show);
    let (result, (seen, address)) = tokio::join!(granting, browsing);
    let forms = server.received().iter().map(Received::form).collect();
    Ended { result, seen, address, forms }
}

/// Makes the request of the sign-in.
fn asked(claims: Option<&str>) -> TokenRequest {
    let (scopes, claims) = (SCOPES.to_owned(), claims.map(str::to_owned));
    TokenRequest { audience: crate::sign_in::Audience::Dataverse, scopes, claims }
}

fn granted(id_token: &Value) -> Reply {
    let body = json!({
        "token_type": "Bearer", "expires_in": 3600, "scope": "x", "id_token": id_token,
        "access_token": "made-up-access", "refresh_token": "made-up-refresh",
    });
    Reply::json(200, &body.to_string())
}

fn id_token(nonce: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.encode(json!({"nonce": nonce}).to_string());
    format!("e30.{payload}.made-up").into()
}

fn approved(nonce: &str) -> Reply {
    granted(&id_token(nonce))
}

fn never(_: &str) -> Reply {
    panic!("nothing is to be asked of the token endpoint")
}

#[tokio::test]
async fn a_person_signs_in_and_is_told_so() {
    let ended = sign_in(approved, None, async |browser| {
        let page = browser.get(&browser.answer()).await;
        (page, browser.connect().await.is_err())
    })
    .await;
    let grant = ended.result.as_ref().unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(grant.access.expose(), "made-up-access");
    assert_eq!(grant.refresh.as_ref().unwrap().expose(), "made-up-refresh");
    let (page, is_closed) = &ended.seen;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("You are signed in"), "{page}");
    assert!(is_closed, "a second answer was let in");
}

#[tokio::test]
async fn the_address_asks_for_a_code_that_only_this_sign_in_can_redeem() {
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
    let ended = sign_in(approved, Some(claims), async |browser| {
        browser.get(&browser.answer()).await;
    })
    .await;
    assert!(ended.result.is_ok());
    assert_eq!(ended.address.path(), "/contoso.example/oauth2/v2.0/authorize");
    let asked = Browser::new(&ended.address).asked;
    let form = &ended.forms[0];
    for (name, wanted) in [
        ("response_type", "code"),
        ("response_mode", "query"),
        ("prompt", "select_account"),
        ("client_id", "app-1"),
        ("scope", SCOPES),
        ("claims", claims),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(asked[name], wanted, "{name}");
    }
    for (name, wanted) in [
        ("grant_type", "authorization_code"),
        ("code", "made-up-code"),
        ("client_id", "app-1"),
        ("scope", SCOPES),
        ("redirect_uri", &asked["redirect_uri"]),
    ] {
        assert_eq!(form[name], wanted, "{name}");
    }
    let port = Browser::new(&ended.address).port;
    assert_eq!(asked["redirect_uri"], format!("http://localhost:{port}"));
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    assert_eq!(asked["code_challenge"], challenge);
    assert!(asked["state"].len() >= 22 && asked["nonce"].len() >= 22, "too short to be random");
    assert_ne!(asked["state"], asked["nonce"]);
}

#[tokio::test]
async fn no_two_sign_ins_ask_the_same() {
    let asked = async || {
        let ended = sign_in(approved, None, async |browser| {
            browser.get(&browser.answer()).await;
        });
        Browser::new(&ended.await.address).asked
    };
    let (first, second) = (asked().await, asked().await);
    assert!(!first.contains_key("claims"));
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(first[name], second[name], "{name}");
    }
}

#[tokio::test]
async fn an_answer_with_another_state_or_none_is_turned_away_and_the_right_one_taken() {
    for query in ["code=made-up&state=made-up", "code=made-up", "error=access_denied&state=x"] {
        let ended = sign_in(approved, None, async |browser| {
            let foreign = browser.get(&format!("/?{query}")).await;
            (foreign, browser.get(&browser.answer()).await, browser.connect().await.is_err())
        })
        .await;
        assert!(ended.result.is_ok(), "{query}");
        let (foreign, page, is_closed) = &ended.seen;
        assert!(foreign.contains("does not belong to this sign-in"), "{foreign}");
        assert!(page.contains("You are signed in") && *is_closed, "{page}");
    }
}

#[tokio::test]
async fn an_answer_that_refuses_is_told_as_entra_says_it() {
    let refuse = async |browser: Browser| {
        let description = "AADSTS65004%3a+The+user+declined.+Trace+ID%3a+t+Correlation+ID%3a+c-1";
        let query = format!("error=access_denied&error_description={description}");
        browser.get(&format!("/?{query}&state={}", browser.asked["state"])).await
    };
    let ended = sign_in(never, None, refuse).await;
    assert!(matches!(ended.error(), AuthError::Declined { .. }), "{:?}", ended.error());
    assert_eq!(ended.error().refusal().unwrap().codes, [65004]);
    assert_eq!(ended.error().correlation_id(), Some("c-1"));
    assert!(ended.seen.contains("the sign-in was declined (AADSTS65004)"), "{}", ended.seen);
}

#[tokio::test]
async fn a_code_that_is_refused_shows_no_success() {
    let refused = |_: &str| {
        let description = "AADSTS999999: The body must contain <more>.";
        let body = json!({"error": "invalid_client", "error_description": description});
        Reply::json(401, &body.to_string())
    };
    let ended = sign_in_simply(refused).await;
    assert!(matches!(ended.error(), AuthError::Refused { .. }), "{:?}", ended.error());
    assert!(ended.seen.contains("must contain &lt;more&gt;."), "{}", ended.seen);
    assert!(!ended.seen.contains("signed in"), "{}", ended.seen);
}

/// Signs in with a browser that just brings the answer.
async fn sign_in_simply(token: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Ended<String> {
    sign_in(token, None, async |browser| browser.get(&browser.answer()).await).await
}

#[tokio::test]
async fn tokens_that_nothing_proves_are_refused() {
    let unproven = |ended: &Ended<String>| {
        assert!(ended.seen.contains("nothing proves"), "{}", ended.seen);
        let AuthError::UnprovenTokens { source } = ended.error() else {
            panic!("{:?}", ended.error())
        };
        *source
    };
    let ended = sign_in_simply(|_| granted(&Value::Null)).await;
    assert_eq!(unproven(&ended), IdTokenError::Missing);
    let ended = sign_in_simply(|_| granted(&"made-up".into())).await;
    assert_eq!(unproven(&ended), IdTokenError::Unreadable);
    let ended = sign_in_simply(|nonce| granted(&id_token(&format!("{nonce}x")))).await;
    assert_eq!(unproven(&ended), IdTokenError::Foreign);
}

#[tokio::test]
async fn other_visitors_neither_end_nor_delay_it() {
    let browse = async |browser: Browser| {
        let _preconnected = browser.connect().await.unwrap();
        let mut dripping = browser.connect().await.unwrap();
        dripping.write_all(b"GET /?code=made-up").await.unwrap();
        drop(browser.connect().await.unwrap());
        let icon = browser.get("/favicon.ico").await;
        let foreign = "GET /?code=x&state=y HTTP/1.1\r\nHost: example.com\r\n\r\n";
        let foreign = browser.say(foreign).await;
        let text = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000));
        let mut oversized = browser.connect().await.unwrap();
        let _ = oversized.write_all(text.as_bytes()).await;
        drop(read(oversized).await);
        (icon, foreign, browser.get(&browser.answer()).await)
    };
    let signing_in = sign_in(approved, None, browse);
    let ended = timeout(Duration::from_secs(8), signing_in).await.expect("visitors delay it");
    assert!(ended.result.is_ok());
    let (icon, foreign, page) = ended.seen;
    assert!(icon.starts_with("HTTP/1.1 404 "), "{icon}");
    assert!(foreign.starts_with("HTTP/1.1 421 "), "{foreign}");
    assert!(page.contains("You are signed in"), "{page}");
}

#[tokio::test]
async fn more_silent_visitors_than_are_heard_at_once_pass_by() {
    let ended = sign_in(approved, None, async |browser| {
        let mut silent = Vec::new();
        for _ in 0..80 {
            silent.push(browser.connect().await.unwrap());
        }
        tokio::time::pause();
        let page = browser.get(&browser.answer()).await;
        tokio::time::resume();
        page
    })
    .await;
    assert!(ended.result.is_ok());
}

#[tokio::test]
async fn a_browser_that_finds_localhost_at_the_other_address_is_heard_too() {
    let ended = sign_in(approved, None, async |browser| {
        let Ok(mut connection) = TcpStream::connect(("::1", browser.port)).await else {
            // This machine has no such address.
            return browser.get(&browser.answer()).await;
        };
        let (target, port) = (browser.answer(), browser.port);
        let head = format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
        connection.write_all(head.as_bytes()).await.unwrap();
        read(connection).await
    })
    .await;
    assert!(ended.result.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_silent_visitor_is_sent_away_and_nobody_waits_for_ever() {
    let begin = Instant::now();
    let ended = sign_in(never, None, async |browser| {
        let silence = read(browser.connect().await.unwrap()).await;
        (silence, begin.elapsed())
    })
    .await;
    assert!(matches!(ended.error(), AuthError::BrowserTimeout), "{:?}", ended.error());
    assert!(ended.error().hints().join(" ").contains("`http://localhost`"));
    let (silence, time) = &ended.seen;
    assert_eq!(silence, "");
    assert!(*time < Duration::from_secs(11), "{time:?}");
    assert!(begin.elapsed() >= ANSWER_TIMEOUT);
    assert!(Browser::new(&ended.address).connect().await.is_err(), "the port is still open");
}

#[tokio::test]
async fn the_time_that_the_person_takes_does_not_count() {
    let ended = sign_in(approved, None, async |browser| {
        tokio::time::pause();
        tokio::time::advance(Duration::from_mins(5)).await;
        tokio::time::resume();
        browser.get(&browser.answer()).await
    })
    .await;
    assert!(ended.result.is_ok(), "{:?}", ended.result.err());
}

fn is_send<T: Send>(_: &T) {}

#[tokio::test]
async fn giving_up_closes_the_port() {
    let transport = Transport::new(Settings::default()).unwrap();
    let application = application(&"https://login.example.com/".parse().unwrap());
    let (sent, shown) = oneshot::channel();
    let show = |address: &Url| sent.send(Browser::new(address)).unwrap_or_default();
    let browser = {
        let request = asked(None);
        let granting = sign_in_by_browser(&transport, &application, &request, show);
        is_send(&granting);
        tokio::select! {
            _ = granting => panic!("nobody answered"),
            browser = async {
                let browser = shown.await.unwrap();
                browser.connect().await.unwrap();
                browser
            } => browser,
        }
    };
    assert!(browser.connect().await.is_err());
}

#[tokio::test]
async fn nobody_is_sent_to_a_page_that_others_can_read() {
    let transport = Transport::new(Settings::default()).unwrap();
    let application = application(&"http://login.example.com/".parse().unwrap());
    let show = |_: &Url| panic!("it was shown");
    let result = sign_in_by_browser(&transport, &application, &asked(None), show).await;
    let error = result.err().unwrap();
    assert!(matches!(error, AuthError::UntrustedPage { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("state"), "{error:?}");
}
