//! The sign-in in a browser: the authorization endpoint, its page, and the codes that come of it.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::world::{
    CLIENT, FLOW_SCOPE, Read, Settings, TENANT, World, claims, extended, in_file, send, with_tenant,
};

const REDIRECT: &str = "http://localhost:49152/";
const VERIFIER: &str = "made-up-verifier-of-more-than-forty-three-characters";

fn by_hand() -> Settings {
    Settings { approve_after: None, ..Settings::default() }
}

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

/// The request of an application, with some parameters changed; an empty value takes one away.
fn asked(scope: &str, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let usual = [
        ("client_id", CLIENT),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("redirect_uri", REDIRECT),
        ("scope", scope),
        ("state", "made up & state"),
        ("nonce", "made-up-nonce"),
        ("code_challenge", &challenge()),
        ("code_challenge_method", "S256"),
    ];
    let mut fields = std::collections::BTreeMap::from(usual);
    fields.extend(changes.iter().copied());
    let kept = fields.into_iter().filter(|(_, value)| !value.is_empty());
    kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn address(world: &World, fields: &[(String, String)]) -> String {
    let base = format!("{}/{TENANT}/oauth2/v2.0/authorize", world.origin);
    url::Url::parse_with_params(&base, fields).unwrap().to_string()
}

pub(crate) async fn visit(world: &World, changes: &[(&str, &str)]) -> Read {
    let scope = format!("{}/.default openid profile offline_access", world.origin);
    send(world.http.get(address(world, &asked(&scope, changes)))).await
}

/// What the browser was sent back with.
pub(crate) fn returned(read: &Read) -> Value {
    let address = url::Url::parse(read.header("location")).unwrap();
    assert!(read.header("location").starts_with(REDIRECT), "{address}");
    let pairs = address.query_pairs().into_owned();
    pairs.map(|(name, value)| (name, json!(value))).collect::<serde_json::Map<_, _>>().into()
}

pub(crate) async fn code(world: &World) -> String {
    let answer = returned(&visit(world, &[]).await.expect(302));
    answer["code"].as_str().unwrap().to_owned()
}

pub(crate) async fn redeem(world: &World, code: &str, changes: &[(&str, &str)]) -> Read {
    let usual = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let mut fields = std::collections::BTreeMap::from(usual);
    fields.extend(changes.iter().copied());
    let fields: Vec<(&str, &str)> = fields.into_iter().collect();
    world.form(&format!("/{TENANT}/oauth2/v2.0/token"), &fields).await
}

pub(crate) fn error(read: &Read) -> (String, u64) {
    let body = read.json();
    (body["error"].as_str().unwrap().to_owned(), body["error_codes"][0].as_u64().unwrap())
}

pub(crate) fn with(error: &str, code: u64) -> (String, u64) {
    (error.to_owned(), code)
}

#[tokio::test]
async fn a_browser_comes_back_with_a_code_that_is_good_once() {
    let world = World::signed_out(Settings::default()).await;
    let answer = returned(&visit(&world, &[]).await.expect(302));
    assert_eq!(answer["state"], "made up & state");
    let code = answer["code"].as_str().unwrap();
    let tokens = redeem(&world, code, &[]).await.expect(200).json();
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["nonce"], "made-up-nonce");
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["aud"], world.origin);
    let token = tokens["refresh_token"].as_str().unwrap();
    world.refresh(token, FLOW_SCOPE).await.expect(200);
    assert_eq!(error(&redeem(&world, code, &[]).await.expect(400)), with("invalid_grant", 54005));
}

#[tokio::test]
async fn a_code_is_bound_to_its_client_its_address_and_its_verifier() {
    let world = World::signed_out(Settings::default()).await;
    let code = code(&world).await;
    for (changes, wanted) in [
        (("code_verifier", "another"), with("invalid_grant", 501_481)),
        (("code_verifier", ""), with("invalid_grant", 501_481)),
        (("redirect_uri", "http://localhost:49153/"), with("invalid_grant", 500_112)),
        (("code", "1.unknown"), with("invalid_grant", 70000)),
    ] {
        assert_eq!(error(&redeem(&world, &code, &[changes]).await.expect(400)), wanted);
    }
    let other = [
        ("client_id", "00000000-0000-4000-8000-0000000a9990"),
        ("client_secret", "made-up-for-the-sandbox"),
    ];
    assert_eq!(
        error(&redeem(&world, &code, &other).await.expect(400)),
        with("invalid_grant", 70000)
    );
    redeem(&world, &code, &[]).await.expect(200);
}

#[tokio::test]
async fn a_refresh_token_and_an_id_token_come_only_where_they_were_asked_for() {
    let world = World::signed_out(Settings::default()).await;
    let plain = returned(&visit(&world, &[("scope", FLOW_SCOPE)]).await.expect(302));
    let tokens = redeem(&world, plain["code"].as_str().unwrap(), &[]).await.expect(200).json();
    assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
    assert!(tokens["scope"].as_str().unwrap().contains(FLOW_SCOPE));
}

#[tokio::test]
async fn without_a_good_application_and_address_the_browser_is_sent_nowhere() {
    let world = World::signed_out(Settings::default()).await;
    for (changes, told) in [
        (("client_id", "31359c7f-bd7e-475c-86db-fdb8c937548e"), "AADSTS700016"),
        (("redirect_uri", "https://contoso.example/"), "AADSTS50011"),
        (("redirect_uri", "http://localhost.contoso.example/<b>"), "AADSTS50011"),
        (("redirect_uri", ""), "AADSTS900144"),
    ] {
        let answer = visit(&world, &[changes]).await.expect(400);
        assert!(answer.text.contains(told), "{}", answer.text);
        assert!(answer.header("location").is_empty() && !answer.text.contains("<b>"));
    }
    let elsewhere = format!("{}/fabrikam.example/oauth2/v2.0/authorize", world.origin);
    assert!(send(world.http.get(elsewhere)).await.expect(400).text.contains("AADSTS90002"));
}

#[tokio::test]
async fn what_an_application_must_not_ask_for_is_told_by_the_redirect() {
    let world = World::signed_out(Settings::default()).await;
    for (changes, error, code) in [
        (("response_type", "token"), "unsupported_response_type", "AADSTS700054"),
        (("response_mode", "web_message"), "invalid_request", "AADSTS70007"),
        (("code_challenge", ""), "invalid_request", "AADSTS50147"),
        (("code_challenge_method", "plain"), "invalid_request", "AADSTS501491"),
        (("code_challenge_method", ""), "invalid_request", "AADSTS501491"),
        (("claims", "{"), "invalid_request", "AADSTS900235"),
        (("scope", "https://nobody.example/.default"), "invalid_resource", "AADSTS500011"),
    ] {
        let answer = returned(&visit(&world, &[changes]).await.expect(302));
        assert_eq!(answer["error"], error);
        assert!(answer["error_description"].as_str().unwrap().starts_with(code), "{answer}");
        assert_eq!(answer["state"], "made up & state");
        assert!(answer.get("code").is_none());
    }
}

#[tokio::test]
async fn a_person_goes_on_at_the_page() {
    let world = World::signed_out(by_hand()).await;
    let shown = visit(&world, &[("login_hint", "sandy@contoso.example")]).await.expect(200);
    for text in ["Sandy Deployer", "Continue", "Cancel"] {
        assert!(shown.text.contains(text), "{}", shown.text);
    }
    let policy = shown.header("content-security-policy");
    assert!(policy.contains("form-action 'self' http://localhost:49152;"), "{policy}");
    let action = shown.text.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
    let action = action.replace("&amp;", "&");
    let answer = world.form(&action, &[("decision", "continue")]).await.expect(302);
    let answer = returned(&answer);
    redeem(&world, answer["code"].as_str().unwrap(), &[]).await.expect(200);
}

#[tokio::test]
async fn a_person_cancels_at_the_page() {
    let world = World::signed_out(by_hand()).await;
    let fields = asked(FLOW_SCOPE, &[]);
    let address = address(&world, &fields);
    let path = address.trim_start_matches(&world.origin);
    let answer = returned(&world.form(path, &[("decision", "cancel")]).await.expect(302));
    assert_eq!(
        (&answer["error"], &answer["error_subcode"]),
        (&json!("access_denied"), &json!("cancel"))
    );
    assert!(answer["error_description"].as_str().unwrap().starts_with("AADSTS65004: "));
    assert_eq!(answer["state"], "made up & state");
}

#[tokio::test]
async fn where_no_page_may_be_shown_nobody_is_signed_in() {
    let world = World::signed_out(by_hand()).await;
    let answer = returned(&visit(&world, &[("prompt", "none")]).await.expect(302));
    assert_eq!(answer["error"], "login_required");
}

#[tokio::test]
async fn the_person_goes_on_by_itself_after_a_while() {
    let settings =
        Settings { approve_after: Some(Duration::from_millis(150)), ..Settings::default() };
    let world = World::signed_out(settings).await;
    let begun = Instant::now();
    visit(&world, &[]).await.expect(302);
    assert!(begun.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn a_policy_against_device_codes_leaves_the_browser_alone() {
    let tenant = extended("[switches.entra]\nconditional-access = \"block-device-code\"");
    let world = World::signed_out(with_tenant(tenant)).await;
    redeem(&world, &code(&world).await, &[]).await.expect(200);
}

#[tokio::test]
async fn a_code_outlives_the_server_in_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let first = World::signed_out(in_file(path.clone())).await;
    let code = code(&first).await;
    first.server.stop().await;
    let second = World::signed_out(in_file(path)).await;
    redeem(&second, &code, &[]).await.expect(200);
}

#[tokio::test]
async fn switches_spoil_the_nonce_and_the_state() {
    for (switch, wanted) in [("without-nonce", json!(null)), ("wrong-nonce", json!("other"))] {
        let tenant = extended(&format!("[switches.entra]\nid-tokens = \"{switch}\""));
        let world = World::signed_out(with_tenant(tenant)).await;
        let tokens = redeem(&world, &code(&world).await, &[]).await.expect(200).json();
        let nonce = claims(tokens["id_token"].as_str().unwrap())["nonce"].clone();
        assert_eq!(nonce.is_null(), wanted.is_null());
        assert_ne!(nonce, "made-up-nonce");
    }
    let tenant = extended("[switches.entra]\nauthorize-state = \"wrong\"");
    let world = World::signed_out(with_tenant(tenant)).await;
    let answer = returned(&visit(&world, &[]).await.expect(302));
    assert_ne!(answer["state"], "made up & state");
    assert!(answer["state"].is_string());
}

#[tokio::test]
async fn discovery_tells_what_a_browser_sign_in_needs() {
    let world = World::signed_out(Settings::default()).await;
    let address = format!("{}/{TENANT}/v2.0/.well-known/openid-configuration", world.origin);
    let body = send(world.http.get(address)).await.expect(200).json();
    let endpoint = format!("{}/{TENANT}/oauth2/v2.0/authorize", world.origin);
    assert_eq!(body["authorization_endpoint"], endpoint);
    assert_eq!(body["code_challenge_methods_supported"], json!(["S256"]));
}

#[tokio::test]
async fn a_code_comes_in_a_fragment_or_in_a_form_where_that_is_asked_for() {
    let world = World::signed_out(Settings::default()).await;
    let answer = visit(&world, &[("response_mode", "fragment")]).await.expect(302);
    let address = url::Url::parse(answer.header("location")).unwrap();
    assert!(address.query().is_none() && address.fragment().unwrap().contains("code="));
    let page = visit(&world, &[("response_mode", "form_post")]).await.expect(200);
    assert!(page.text.contains(&format!("<form method=\"post\" action=\"{REDIRECT}\">")));
    assert!(page.text.contains("name=\"state\" value=\"made up &amp; state\""));
    let code = page.text.split("name=\"code\" value=\"").nth(1).unwrap();
    redeem(&world, code.split('"').next().unwrap(), &[]).await.expect(200);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action http://localhost:49152") && policy.contains("'nonce-"));
}
