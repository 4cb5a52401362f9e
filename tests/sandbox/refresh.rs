//! What becomes of refresh tokens and access tokens where a tenant is stricter than usual.

use serde_json::Value;

use crate::authorize::{code, error, redeem, with};
use crate::world::{FLOW_SCOPE, World, extended, in_file, with_tenant};

/// A sandbox that is signed in to with a device code, with switches of the sign-in service.
async fn switched(lines: &str) -> World {
    World::with(with_tenant(extended(&format!("[switches.entra]\n{lines}")))).await
}

fn refresh_token(tokens: &Value) -> String {
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_second_use_of_a_refresh_token_revokes_what_came_of_the_first() {
    let world = switched("refresh-rotation = \"once\"").await;
    let next = world.refresh(&world.refresh, FLOW_SCOPE).await.expect(200).json();
    let last = world.refresh(&refresh_token(&next), FLOW_SCOPE).await.expect(200).json();
    let reused = world.refresh(&refresh_token(&next), FLOW_SCOPE).await.expect(400);
    assert_eq!(error(&reused), with("invalid_grant", 50173));
    assert_eq!(reused.json()["suberror"], "bad_token");
    world.refresh(&refresh_token(&last), FLOW_SCOPE).await.expect(400);
    let issued = world.device_code(&format!("{FLOW_SCOPE} offline_access")).await.json();
    let other = world.poll(&issued).await.expect(200).json();
    world.refresh(&refresh_token(&other), FLOW_SCOPE).await.expect(200);
}

#[tokio::test]
async fn a_used_refresh_token_stays_used_when_the_server_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let settings = || crate::world::Settings {
        tenant: extended("[switches.entra]\nrefresh-rotation = \"once\""),
        ..in_file(path.clone())
    };
    let first = World::with(settings()).await;
    let next = first.refresh(&first.refresh, FLOW_SCOPE).await.expect(200).json();
    let used = first.refresh.clone();
    first.server.stop().await;
    let second = World::signed_out(settings()).await;
    second.refresh(&used, FLOW_SCOPE).await.expect(400);
    second.refresh(&refresh_token(&next), FLOW_SCOPE).await.expect(400);
}

#[tokio::test]
async fn a_tracked_device_code_is_refused_at_the_refresh_and_a_browser_is_not() {
    let world = switched("protocol-tracking = \"block-refresh\"").await;
    let answer = world.refresh(&world.refresh, FLOW_SCOPE).await.expect(400);
    assert_eq!(error(&answer), with("invalid_grant", 53003));
    assert_eq!(answer.json()["suberror"], "message_only");
    assert!(answer.json()["claims"].as_str().unwrap().contains("capolids"));
    let tokens = redeem(&world, &code(&world).await, &[]).await.expect(200).json();
    let scope = format!("{FLOW_SCOPE} offline_access");
    let next = world.refresh(&refresh_token(&tokens), &scope).await.expect(200).json();
    world.refresh(&refresh_token(&next), &scope).await.expect(200);
}

#[tokio::test]
async fn opaque_access_tokens_are_taken_by_the_services() {
    let world = switched("access-tokens = \"opaque\"").await;
    assert!(!world.token.contains('.'), "{}", world.token);
    world.get("WhoAmI").await.expect(200);
    let token = world.token_for(FLOW_SCOPE).await;
    let path = format!("{}/powerautomate/flows?api-version=1", world.origin);
    crate::world::send(world.http.get(path).bearer_auth(token)).await.expect(200);
    world.refresh(&world.token, FLOW_SCOPE).await.expect(400);
}
