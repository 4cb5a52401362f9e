//! Access tokens that stop being good although they have not expired.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flowbind_sandbox::Tenant;
use serde_json::Value;

use crate::authorize::{redeem, returned, visit};
use crate::world::{CLIENT, FLOW_SCOPE, Read, TENANT, World, extended, send, with_tenant};

async fn challenging() -> World {
    let tenant = extended("[switches.dataverse]\nclaims-challenge = \"once\"");
    World::with(with_tenant(tenant)).await
}

/// The claims that an answer asks for.
fn wanted(read: &Read) -> String {
    let told = read.header("www-authenticate");
    assert!(told.starts_with("Bearer authorization_uri=\"http"), "{told}");
    assert!(told.contains("error=\"insufficient_claims\""), "{told}");
    let claims = told.split("claims=\"").nth(1).unwrap().trim_end_matches('"');
    String::from_utf8(STANDARD.decode(claims).unwrap()).unwrap()
}

fn text<'v>(tokens: &'v Value, name: &str) -> &'v str {
    tokens[name].as_str().unwrap()
}

async fn who_am_i(world: &World, token: &str) -> u16 {
    let path = format!("{}/api/data/v9.2/WhoAmI", world.origin);
    send(world.http.get(path).bearer_auth(token)).await.status
}

#[tokio::test]
async fn a_token_that_was_asked_for_with_the_claims_meets_the_challenge() {
    let world = challenging().await;
    let claims = wanted(&world.get("WhoAmI").await.expect(401));
    assert_eq!(who_am_i(&world, &world.token).await, 401);
    let scope = format!("{}/.default offline_access", world.origin);
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT),
        ("refresh_token", &world.refresh),
        ("scope", &scope),
        ("claims", &claims),
    ];
    let tokens = world.form(&format!("/{TENANT}/oauth2/v2.0/token"), &fields).await;
    let tokens = tokens.expect(200).json();
    assert_eq!(who_am_i(&world, text(&tokens, "access_token")).await, 200);
    let next = world.refresh(text(&tokens, "refresh_token"), &scope).await.expect(200).json();
    assert_eq!(who_am_i(&world, text(&next, "access_token")).await, 200);
    let plain = world.refresh(&world.refresh, &scope).await.expect(200).json();
    assert_eq!(who_am_i(&world, text(&plain, "access_token")).await, 401);
}

#[tokio::test]
async fn claims_are_taken_with_a_device_code_and_in_a_browser() {
    let world = challenging().await;
    let claims = wanted(&world.get("WhoAmI").await.expect(401));
    let scope = format!("{}/.default", world.origin);
    let fields = [("client_id", CLIENT), ("scope", &scope), ("claims", &claims)];
    let issued = world.form(&format!("/{TENANT}/oauth2/v2.0/devicecode"), &fields).await;
    let tokens = world.poll(&issued.expect(200).json()).await.expect(200).json();
    assert_eq!(who_am_i(&world, text(&tokens, "access_token")).await, 200);
    let answer = returned(&visit(&world, &[("claims", &claims)]).await.expect(302));
    let tokens = redeem(&world, text(&answer, "code"), &[]).await.expect(200).json();
    assert_eq!(who_am_i(&world, text(&tokens, "access_token")).await, 200);
}

#[tokio::test]
async fn claims_that_are_no_object_are_refused() {
    let world = World::signed_out(crate::world::Settings::default()).await;
    let fields = [("client_id", CLIENT), ("scope", FLOW_SCOPE), ("claims", "[1]")];
    let path = format!("/{TENANT}/oauth2/v2.0/devicecode");
    assert_eq!(world.form(&path, &fields).await.expect(400).json()["error"], "invalid_request");
}

#[tokio::test]
async fn a_token_stops_being_good_in_the_middle_and_a_renewed_one_works() {
    let tenant = extended("[[token-revocation]]\nservice = \"dataverse\"\nafter = 2");
    let world = World::with(with_tenant(tenant)).await;
    for status in [200, 200, 401, 401] {
        assert_eq!(who_am_i(&world, &world.token).await, status);
    }
    let renewed = world.token_for(&format!("{}/.default", world.origin)).await;
    assert_eq!(who_am_i(&world, &renewed).await, 200);
    assert_eq!(who_am_i(&world, &world.token).await, 401);
}

#[tokio::test]
async fn the_flow_service_revokes_on_its_own() {
    let tenant = extended("[[token-revocation]]\nservice = \"flow\"\nafter = 1");
    let world = World::with(with_tenant(tenant)).await;
    let path = format!("{}/powerautomate/flows?api-version=1", world.origin);
    let old = world.token_for(FLOW_SCOPE).await;
    send(world.http.get(&path).bearer_auth(&old)).await.expect(200);
    send(world.http.get(&path).bearer_auth(&old)).await.expect(401);
    let renewed = world.token_for(FLOW_SCOPE).await;
    send(world.http.get(&path).bearer_auth(&renewed)).await.expect(200);
    assert_eq!(who_am_i(&world, &world.token).await, 200);
}

#[test]
fn a_revocation_needs_a_service_with_tokens_and_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenant.toml");
    let shipped = include_str!("../../config/sandbox.toml");
    let text = format!("{shipped}\n[[token-revocation]]\nservice = \"entra\"\nafter = 0\n");
    std::fs::write(&path, text).unwrap();
    let error = Tenant::load(&path).unwrap_err().to_string();
    assert!(error.contains("token-revocation 1: service"), "{error}");
    assert!(error.contains("token-revocation 1: after"), "{error}");
}
