//! The sign-in service.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Value, json};

use crate::world::{
    CLIENT, FLOW_SCOPE, Read, Settings, TENANT, World, changed, claims, encoded, extended, send,
    with_tenant,
};

/// The confidential application of the shipped tenant.
const CONFIDENTIAL: &str = "00000000-0000-4000-8000-0000000a9990";

fn by_hand() -> Settings {
    Settings { approve_after: None, ..Settings::default() }
}

fn error(read: &Read) -> (String, u64) {
    let body = read.json();
    (body["error"].as_str().unwrap().to_owned(), body["error_codes"][0].as_u64().unwrap())
}

fn with(error: &str, code: u64) -> (String, u64) {
    (error.to_owned(), code)
}

#[tokio::test]
async fn a_device_code_comes_with_everything_a_person_needs() {
    let world = World::signed_out(by_hand()).await;
    let answer = world.device_code(&format!("{}/.default", world.origin)).await.expect(200);
    let body = answer.json();
    assert_eq!(body["user_code"].as_str().unwrap().len(), 9);
    assert_eq!(body["verification_uri"], json!(format!("{}/devicelogin", world.origin)));
    assert_eq!((&body["expires_in"], &body["interval"]), (&json!(900), &json!(1)));
    assert!(body["message"].as_str().unwrap().contains(body["user_code"].as_str().unwrap()));
    assert!(body.get("verification_uri_complete").is_none());
    assert!(answer.header("cache-control").contains("no-store"));
}

#[tokio::test]
async fn a_poll_before_the_approval_is_told_to_wait() {
    let world = World::signed_out(by_hand()).await;
    let code = world.device_code(&format!("{}/.default", world.origin)).await.json();
    let answer = world.poll(&code).await.expect(400);
    assert_eq!(error(&answer), with("authorization_pending", 70016));
    let body = answer.json();
    assert!(
        body["error_description"]
            .as_str()
            .unwrap()
            .starts_with("AADSTS70016: OAuth 2.0 device flow error.")
    );
    assert_eq!(body["trace_id"].as_str().unwrap(), answer.header("x-ms-request-id"));
    assert!(
        body["correlation_id"].is_string() && body["timestamp"].as_str().unwrap().ends_with('Z')
    );
}

#[tokio::test]
async fn a_person_approves_at_the_page_and_a_used_code_is_refused() {
    let world = World::signed_out(by_hand()).await;
    let code = world.device_code(&format!("{}/.default", world.origin)).await.json();
    let user_code = code["user_code"].as_str().unwrap().to_lowercase();
    let shown = send(world.http.get(format!("{}/devicelogin", world.origin))).await.expect(200);
    assert!(shown.text.contains("<label for=\"user_code\">"));
    let asked = world.form("/devicelogin", &[("user_code", &user_code)]).await.expect(200);
    assert!(asked.text.contains("Are you trying to sign in to flowbind?"));
    let done =
        world.form("/devicelogin", &[("user_code", &user_code), ("decision", "approve")]).await;
    assert!(done.text.contains("You have signed in"));
    world.poll(&code).await.expect(200);
    assert_eq!(error(&world.poll(&code).await.expect(400)), with("invalid_grant", 54005));
}

#[tokio::test]
async fn a_person_declines_at_the_page() {
    let world = World::signed_out(by_hand()).await;
    let code = world.device_code(&format!("{}/.default", world.origin)).await.json();
    world
        .form(
            "/devicelogin",
            &[("user_code", code["user_code"].as_str().unwrap()), ("decision", "decline")],
        )
        .await;
    assert_eq!(world.poll(&code).await.expect(400).json()["error"], "authorization_declined");
}

#[tokio::test]
async fn the_page_refuses_a_wrong_code_and_escapes_it() {
    let world = World::signed_out(by_hand()).await;
    let answer = world.form("/devicelogin", &[("user_code", "<script>")]).await.expect(200);
    assert!(answer.text.contains("That code is not known"));
    assert!(!answer.text.contains("<script>"));
    assert!(answer.header("content-security-policy").contains("default-src 'none'"));
}

#[tokio::test]
async fn the_person_approves_by_itself_after_a_while() {
    let settings =
        Settings { approve_after: Some(Duration::from_millis(300)), ..Settings::default() };
    let world = World::signed_out(settings).await;
    let code = world.device_code(&format!("{}/.default", world.origin)).await.json();
    world.poll(&code).await.expect(400);
    tokio::time::sleep(Duration::from_millis(350)).await;
    world.poll(&code).await.expect(200);
}

#[tokio::test]
async fn an_expired_code_is_told_apart_from_an_unknown_one() {
    let tenant = changed(&[("expires-in = 900", "expires-in = 0")]);
    let world = World::signed_out(with_tenant(tenant)).await;
    let code = world.device_code(&format!("{}/.default", world.origin)).await.json();
    assert_eq!(error(&world.poll(&code).await.expect(400)), with("expired_token", 70020));
    let unknown = world.poll(&json!({"device_code": "x"})).await.expect(400);
    assert_eq!(unknown.json()["error"], "bad_verification_code");
}

#[tokio::test]
async fn tokens_are_v1_tokens_for_exactly_the_resource_that_was_asked_for() {
    let world = World::new().await;
    for (scope, audience) in [
        ("https://service.flow.microsoft.com//.default", "https://service.flow.microsoft.com/"),
        ("https://service.flow.microsoft.com/.default", "https://service.flow.microsoft.com"),
    ] {
        let body = claims(&world.token_for(scope).await);
        assert_eq!(body["aud"], audience);
        assert_eq!(body["ver"], "1.0");
        assert_eq!(body["iss"], format!("https://sts.windows.net/{TENANT}/"));
        assert_eq!((&body["appid"], &body["tid"]), (&json!(CLIENT), &json!(TENANT)));
        assert!(body["scp"].as_str().unwrap().contains("Flows.Read.All"));
        assert_eq!(body["upn"], "sandy@contoso.example");
    }
}

#[tokio::test]
async fn the_answer_repeats_the_scope_and_brings_only_what_was_asked_for() {
    let world = World::new().await;
    let plain = world.refresh(&world.refresh, FLOW_SCOPE).await.expect(200).json();
    assert!(plain["scope"].as_str().unwrap().split(' ').any(|scope| scope == FLOW_SCOPE));
    assert!(plain.get("refresh_token").is_none() && plain.get("id_token").is_none());
    assert_eq!(plain["token_type"], "Bearer");
    assert!(plain["expires_in"].as_u64().unwrap() >= 3599);
    let full = world
        .refresh(&world.refresh, &format!("{FLOW_SCOPE} openid profile offline_access"))
        .await
        .json();
    assert_eq!(claims(full["id_token"].as_str().unwrap())["aud"], CLIENT);
    let rotated = full["refresh_token"].as_str().unwrap();
    assert_ne!(rotated, world.refresh);
    world.refresh(rotated, FLOW_SCOPE).await.expect(200);
    world.refresh(&world.refresh, FLOW_SCOPE).await.expect(200);
}

#[tokio::test]
async fn both_dialects_of_msal_are_understood() {
    let world = World::signed_out(Settings::default()).await;
    let scope = format!("{}/.default offline_access openid profile", world.origin);
    let code = world.device_code(&scope).await.json();
    let code = code["device_code"].as_str().unwrap();
    let node = [
        ("grant_type", "device_code"),
        ("client_id", CLIENT),
        ("device_code", code),
        ("client_info", "1"),
    ];
    let answer = world
        .form(&format!("/organizations/oauth2/v2.0/token?client-request-id={TENANT}"), &node)
        .await;
    assert!(answer.expect(200).json()["client_info"].is_string());
    let code = world.device_code(&scope).await.json();
    let code = code["device_code"].as_str().unwrap();
    let python = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", CLIENT),
        ("code", code),
        ("device_code", code),
    ];
    let answer =
        world.form(&format!("/{TENANT}/oauth2/v2.0/token"), &python).await.expect(200).json();
    assert!(answer["scope"].as_str().unwrap().contains(&format!("{}/.default", world.origin)));
}

#[tokio::test]
async fn the_request_id_of_the_client_is_echoed_and_used() {
    let world = World::signed_out(Settings::default()).await;
    let id = "11111111-2222-4333-8444-555555555555";
    let request = world.http.post(format!("{}/nowhere/oauth2/v2.0/token", world.origin));
    let request =
        request.header("client-request-id", id).header("return-client-request-id", "true");
    let answer = send(request.body("grant_type=refresh_token")).await.expect(400);
    assert_eq!(answer.header("client-request-id"), id);
    assert_eq!(answer.json()["correlation_id"], id);
}

#[tokio::test]
async fn authorities_follow_their_rules() {
    let world = World::signed_out(Settings::default()).await;
    let scope = format!("{}/.default", world.origin);
    let fields = [("client_id", CLIENT), ("scope", scope.as_str())];
    for (authority, wanted) in [
        ("contoso.example", None),
        ("organizations", None),
        ("common", Some(with("invalid_request", 50059))),
        ("consumers", Some(with("invalid_request", 9_001_023))),
        ("fabrikam.example", Some(with("invalid_tenant", 90002))),
    ] {
        let answer = world.form(&format!("/{authority}/oauth2/v2.0/devicecode"), &fields).await;
        match wanted {
            None => assert_eq!(answer.status, 200, "{authority}"),
            Some(wanted) => assert_eq!(error(&answer.expect(400)), wanted, "{authority}"),
        }
    }
}

#[tokio::test]
async fn unknown_applications_scopes_and_resources_are_refused() {
    let world = World::signed_out(Settings::default()).await;
    let path = format!("/{TENANT}/oauth2/v2.0/devicecode");
    let other = [("client_id", "31359c7f-bd7e-475c-86db-fdb8c937548e"), ("scope", FLOW_SCOPE)];
    assert_eq!(
        error(&world.form(&path, &other).await.expect(400)),
        with("unauthorized_client", 700_016)
    );
    assert_eq!(
        error(&world.form(&path, &[("client_id", CLIENT)]).await.expect(400)),
        with("invalid_request", 900_144)
    );
    let two =
        world.device_code(&format!("{FLOW_SCOPE} {}/.default", world.origin)).await.expect(400);
    assert_eq!(error(&two), with("invalid_scope", 28000));
    let mixed = world.device_code(
        "https://service.flow.microsoft.com/.default https://service.flow.microsoft.com/User",
    );
    assert_eq!(error(&mixed.await.expect(400)), with("invalid_scope", 70011));
    let unknown = world.device_code("https://nobody.crm4.dynamics.com/.default").await.expect(400);
    assert_eq!(error(&unknown), with("invalid_resource", 500_011));
}

#[tokio::test]
async fn refresh_tokens_of_others_are_refused() {
    let world = World::new().await;
    assert_eq!(error(&world.refresh("garbage", FLOW_SCOPE).await.expect(400)).0, "invalid_grant");
    let elsewhere = World::new().await;
    assert_eq!(
        error(&elsewhere.refresh(&world.refresh, FLOW_SCOPE).await.expect(400)).0,
        "invalid_grant"
    );
}

#[tokio::test]
async fn an_access_token_is_no_refresh_token() {
    let world = World::new().await;
    assert_eq!(
        error(&world.refresh(&world.token, FLOW_SCOPE).await.expect(400)).0,
        "invalid_grant"
    );
}

#[tokio::test]
async fn secrets_are_wanted_from_confidential_clients_only() {
    let world = World::new().await;
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    let sent = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT),
        ("refresh_token", &world.refresh),
        ("client_secret", "x"),
    ];
    assert_eq!(error(&world.form(&path, &sent).await.expect(401)), with("invalid_client", 700_025));
    let body = claims(&world.app_token(FLOW_SCOPE).await);
    assert_eq!(body["idtyp"], "app");
    assert!(body.get("scp").is_none());
}

#[tokio::test]
async fn discovery_names_the_endpoints() {
    let world = World::signed_out(Settings::default()).await;
    let address = format!("{}/{TENANT}/v2.0/.well-known/openid-configuration", world.origin);
    let body = send(world.http.get(address)).await.expect(200).json();
    assert_eq!(
        body["device_authorization_endpoint"],
        format!("{}/{TENANT}/oauth2/v2.0/devicecode", world.origin)
    );
    assert_eq!(body["token_endpoint"], format!("{}/{TENANT}/oauth2/v2.0/token", world.origin));
    assert_eq!(body["issuer"], format!("{}/{TENANT}/v2.0", world.origin));
}

#[tokio::test]
async fn a_library_that_asks_whether_a_host_is_an_authority_is_told() {
    let world = World::signed_out(Settings::default()).await;
    let ask = async |endpoint: &str| {
        let address = format!("{}/common/discovery/instance", world.origin);
        let query = [("api-version", "1.1"), ("authorization_endpoint", endpoint)];
        let address = url::Url::parse_with_params(&address, query).unwrap();
        send(world.http.get(address)).await
    };
    let own = ask(&format!("{}/{TENANT}/oauth2/v2.0/authorize", world.origin)).await;
    let own = own.expect(200).json();
    let without_port = ask(&format!("http://127.0.0.1/{TENANT}/oauth2/v2.0/authorize")).await;
    assert_eq!(without_port.expect(200).json(), own);
    let document = format!("{}/{TENANT}/v2.0/.well-known/openid-configuration", world.origin);
    assert_eq!(own["tenant_discovery_endpoint"], document);
    assert_eq!(own["metadata"].as_array().unwrap().len(), 2);
    let public = ask("https://login.microsoftonline.com/common/oauth2/authorize").await;
    let public = public.expect(200).json();
    assert_eq!(public["metadata"][0]["preferred_cache"], "login.windows.net");
    let other = ask("https://login.example/common/oauth2/authorize").await.expect(400).json();
    assert_eq!(
        (&other["error"], &other["error_codes"]),
        (&json!("invalid_instance"), &json!([50049]))
    );
    let keys = format!("{}/{TENANT}/discovery/v2.0/keys", world.origin);
    let keys = send(world.http.get(keys)).await.expect(200).json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn switches_bring_the_older_shapes() {
    let tenant = extended(
        "[switches.entra]\ndevice-code-errors = \"ok\"\nnumbers = \"strings\"\nverification-address = \"url\"\nerror-separator = \"line-break\"",
    );
    let world = World::signed_out(with_tenant(tenant)).await;
    let body = world.device_code(FLOW_SCOPE).await.expect(200).json();
    assert_eq!((&body["interval"], &body["expires_in"]), (&json!("1"), &json!("900")));
    assert!(body["verification_url"].is_string() && body.get("verification_uri").is_none());
    let failed = world.device_code("https://nobody.example/.default").await.expect(200).json();
    assert_eq!(failed["error"], "invalid_resource");
    assert!(failed["error_description"].as_str().unwrap().contains("\r\nTrace ID: "));
    assert_eq!(
        world.poll(&body).await.expect(200).json()["expires_in"].as_str().map(str::len),
        Some(4)
    );
}

#[tokio::test]
async fn hasty_clients_are_told_to_slow_down() {
    for (switch, wanted) in [("slow-down", "slow_down"), ("loop-detected", "invalid_grant")] {
        let tenant = extended(&format!("[switches.entra]\nslow-polling = \"{switch}\""));
        let world =
            World::signed_out(Settings { approve_after: None, ..with_tenant(tenant) }).await;
        let code = world.device_code(FLOW_SCOPE).await.json();
        assert_eq!(world.poll(&code).await.json()["error"], "authorization_pending");
        assert_eq!(world.poll(&code).await.json()["error"], wanted);
    }
}

#[tokio::test]
async fn a_policy_blocks_at_the_page_and_leaves_the_client_waiting() {
    let tenant = extended("[switches.entra]\nconditional-access = \"block-device-code\"");
    let world = World::signed_out(with_tenant(tenant)).await;
    let code = world.device_code(FLOW_SCOPE).await.json();
    let fields = [("user_code", code["user_code"].as_str().unwrap()), ("decision", "approve")];
    assert!(world.form("/devicelogin", &fields).await.text.contains("53003"));
    assert_eq!(world.poll(&code).await.expect(400).json()["error"], "authorization_pending");
}

#[tokio::test]
async fn public_client_flows_can_be_off() {
    let tenant = extended("[switches.entra]\npublic-client-flows = \"refused-at-poll\"");
    let world = World::signed_out(with_tenant(tenant)).await;
    let code = world.device_code(FLOW_SCOPE).await.expect(200).json();
    assert_eq!(error(&world.poll(&code).await.expect(401)), with("invalid_client", 7_000_218));
    let tenant = extended("[switches.entra]\npublic-client-flows = \"refused-at-device-code\"");
    let world = World::signed_out(with_tenant(tenant)).await;
    world.device_code(FLOW_SCOPE).await.expect(401);
}

#[tokio::test]
async fn refreshes_are_refused_for_one_resource_with_the_reason() {
    for (reason, code, suberror) in [
        ("consent-required", 65001, "consent_required"),
        ("blocked", 53003, "message_only"),
        ("sign-in-frequency", 70043, "token_expired"),
        ("revoked", 50173, "bad_token"),
        ("second-factor", 50076, "basic_action"),
    ] {
        let tenant =
            extended(&format!("[[refresh-refusal]]\nresource = \"flow\"\nreason = \"{reason}\""));
        let world = World::with(with_tenant(tenant)).await;
        world.token_for(&format!("{}/.default", world.origin)).await;
        let answer = world.refresh(&world.refresh, FLOW_SCOPE).await.expect(400);
        assert_eq!(error(&answer), with("invalid_grant", code));
        assert_eq!(answer.json()["suberror"], suberror);
        assert_eq!(answer.json()["claims"].is_string(), reason == "blocked");
    }
}

#[tokio::test]
async fn a_device_login_for_the_resource_cures_a_missing_consent() {
    let tenant =
        extended("[[refresh-refusal]]\nresource = \"flow\"\nreason = \"consent-required\"");
    let world = World::with(with_tenant(tenant)).await;
    world.refresh(&world.refresh, FLOW_SCOPE).await.expect(400);
    let code = world.device_code(FLOW_SCOPE).await.json();
    world.poll(&code).await.expect(200);
    world.refresh(&world.refresh, FLOW_SCOPE).await.expect(200);
}

#[tokio::test]
async fn other_methods_and_grants_are_refused() {
    let world = World::signed_out(Settings::default()).await;
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    send(world.http.get(format!("{}{path}", world.origin))).await.expect(405);
    let fields = [("grant_type", "password"), ("client_id", CLIENT)];
    assert_eq!(error(&world.form(&path, &fields).await.expect(400)).0, "unsupported_grant_type");
    assert!(encoded(&fields).contains("password"));
}

#[tokio::test]
async fn the_published_key_signs_id_tokens_and_access_tokens() {
    let world = World::new().await;
    let keys = format!("{}/{TENANT}/discovery/v2.0/keys", world.origin);
    let key = send(world.http.get(keys)).await.expect(200).json()["keys"][0].clone();
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (n, e) = (decoded(key["n"].as_str().unwrap()), decoded(key["e"].as_str().unwrap()));
    let tokens = world.refresh(&world.refresh, "openid profile").await.expect(200).json();
    for token in [tokens["id_token"].as_str().unwrap(), &world.token] {
        let (text, signature) = token.rsplit_once('.').unwrap();
        let header: Value =
            serde_json::from_slice(&decoded(text.split('.').next().unwrap())).unwrap();
        assert_eq!((&header["alg"], &header["kid"]), (&json!("RS256"), &key["kid"]));
        let public = RsaPublicKeyComponents { n: &n, e: &e };
        let holds =
            public.verify(&RSA_PKCS1_2048_8192_SHA256, text.as_bytes(), &decoded(signature));
        assert!(holds.is_ok());
    }
}

#[tokio::test]
async fn a_client_proves_itself_by_http_basic_too() {
    let world = World::signed_out(Settings::default()).await;
    let address = format!("{}/{TENANT}/oauth2/v2.0/token", world.origin);
    let ask = async |secret: &str| {
        let fields = [("grant_type", "client_credentials"), ("scope", FLOW_SCOPE)];
        let request = world.http.post(&address).body(encoded(&fields));
        send(request.basic_auth(CONFIDENTIAL, Some(secret))).await
    };
    let body = ask("made-up-for-the-sandbox").await.expect(200).json();
    assert_eq!(claims(body["access_token"].as_str().unwrap())["idtyp"], "app");
    assert_eq!(error(&ask("another").await.expect(401)), with("invalid_client", 7_000_215));
    let public = world.http.post(&address).body(encoded(&[("grant_type", "refresh_token")]));
    let public = send(public.basic_auth(CLIENT, Some("x"))).await.expect(401);
    assert_eq!(error(&public), with("invalid_client", 700_025));
}

#[tokio::test]
async fn the_management_api_lists_no_subscription_and_the_tenant() {
    let world = World::new().await;
    let token = world.token_for("https://management.core.windows.net//.default").await;
    let ask = async |list: &str, token: &str| {
        let address = format!("{}/{list}?api-version=2022-12-01", world.origin);
        send(world.http.get(address).bearer_auth(token)).await
    };
    assert_eq!(ask("subscriptions", &token).await.expect(200).json()["value"], json!([]));
    let tenants = ask("tenants", &token).await.expect(200).json();
    assert_eq!(tenants["value"][0]["tenantId"], TENANT);
    ask("subscriptions", &world.token).await.expect(401);
}
