//! Scripted refusals of the sign-in.

use flowbind_sandbox::Tenant;
use serde_json::json;

use crate::authorize::{code, error, redeem, returned, visit, with};
use crate::world::{FLOW_SCOPE, TENANT, World, extended, with_tenant};

/// A sandbox that is not signed in to, with one scripted refusal.
async fn refusing(lines: &str) -> World {
    let tenant = extended(&format!("[[sign-in-refusal]]\n{lines}"));
    World::signed_out(with_tenant(tenant)).await
}

#[tokio::test]
async fn every_stage_of_the_sign_in_can_be_refused_by_code() {
    let world = refusing("on = \"device-code\"\ncode = 70011").await;
    let answer = world.device_code(FLOW_SCOPE).await.expect(400);
    assert_eq!(error(&answer), with("invalid_scope", 70011));

    let world = refusing("on = \"poll\"\ncode = 50105").await;
    let issued = world.device_code(FLOW_SCOPE).await.expect(200).json();
    assert_eq!(error(&world.poll(&issued).await.expect(400)), with("invalid_grant", 50105));

    let world = refusing("on = \"code\"\ncode = 50076").await;
    let answer = redeem(&world, &code(&world).await, &[]).await.expect(400);
    assert_eq!(answer.json()["suberror"], "basic_action");

    let world = refusing("on = \"client-credentials\"\ncode = 7000222").await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", "00000000-0000-4000-8000-0000000a9990"),
        ("client_secret", "made-up-for-the-sandbox"),
        ("scope", FLOW_SCOPE),
    ];
    let answer = world.form(&format!("/{TENANT}/oauth2/v2.0/token"), &fields).await.expect(401);
    assert_eq!(error(&answer), with("invalid_client", 7_000_222));
}

#[tokio::test]
async fn a_refusal_is_for_one_resource_and_passes_after_its_times() {
    let tenant = extended(
        "[[sign-in-refusal]]\non = \"refresh\"\nresource = \"flow\"\ncode = 53003\nafter = 1\ntimes = 2",
    );
    let world = World::with(with_tenant(tenant)).await;
    let own = format!("{}/.default", world.origin);
    for status in [200, 400, 400, 200] {
        world.refresh(&world.refresh, &own).await.expect(200);
        let answer = world.refresh(&world.refresh, FLOW_SCOPE).await.expect(status);
        if status == 400 {
            assert_eq!(answer.json()["suberror"], "message_only");
            assert!(answer.json()["claims"].as_str().unwrap().contains("capolids"));
        }
    }
}

#[tokio::test]
async fn a_refused_poll_leaves_the_device_code_good() {
    let world = refusing("on = \"poll\"\ncode = 90033\ntimes = 1").await;
    let issued = world.device_code(FLOW_SCOPE).await.expect(200).json();
    assert_eq!(world.poll(&issued).await.expect(503).json()["error"], "temporarily_unavailable");
    world.poll(&issued).await.expect(200);
}

#[tokio::test]
async fn a_browser_is_sent_back_with_the_refusal() {
    for (code, told, subcode) in [
        (53003, "access_denied", json!("message_only")),
        (50076, "interaction_required", json!("basic_action")),
        (65001, "consent_required", json!("consent_required")),
        (50105, "access_denied", json!(null)),
    ] {
        let world = refusing(&format!("on = \"authorize\"\ncode = {code}")).await;
        let answer = returned(&visit(&world, &[]).await.expect(302));
        assert_eq!((&answer["error"], &answer["error_subcode"]), (&json!(told), &subcode));
        let description = answer["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
        assert_eq!(answer["state"], "made up & state");
    }
}

#[tokio::test]
async fn everything_that_usually_comes_with_a_code_can_be_replaced() {
    let world = refusing(
        "on = \"poll\"\ncode = 1234567\nerror = \"invalid_grant\"\nsuberror = \"additional_action\"\ndescription = \"Made up.\"\nclaims = '{\"a\":1}'\nstatus = 403",
    )
    .await;
    let issued = world.device_code(FLOW_SCOPE).await.expect(200).json();
    let answer = world.poll(&issued).await.expect(403);
    assert_eq!(error(&answer), with("invalid_grant", 1_234_567));
    let body = answer.json();
    assert_eq!(body["suberror"], "additional_action");
    assert_eq!(body["claims"], "{\"a\":1}");
    assert!(body["error_description"].as_str().unwrap().starts_with("AADSTS1234567: Made up. "));
}

#[test]
fn an_unknown_code_needs_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenant.toml");
    let shipped = include_str!("../../config/sandbox.toml");
    let text = format!("{shipped}\n[[sign-in-refusal]]\non = \"poll\"\ncode = 1\nstatus = 302\n");
    std::fs::write(&path, text).unwrap();
    let error = Tenant::load(&path).unwrap_err().to_string();
    assert!(error.contains("sign-in-refusal 1: code 1 is not known"), "{error}");
    assert!(error.contains("sign-in-refusal 1: status 302"), "{error}");
}
