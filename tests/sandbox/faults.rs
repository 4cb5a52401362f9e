//! Scripted faults and latency.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::{FLOW_SCOPE, Settings, World, extended, with_tenant};

#[tokio::test]
async fn the_first_matching_requests_meet_the_fault() {
    let fault = "[[fault]]\nservice = \"dataverse\"\npath-contains = \"WhoAmI\"\nstatus = 429\nretry-after = 1\ntimes = 2";
    let world = World::with(with_tenant(extended(fault))).await;
    world.get("contoso_endpoints").await.expect(200);
    for _ in 0..2 {
        let answer = world.get("WhoAmI").await.expect(429);
        assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("0x80072322", "1"));
    }
    world.get("WhoAmI").await.expect(200);
}

#[tokio::test]
async fn every_service_can_fail_in_its_own_shape() {
    let faults = "[[fault]]\nservice = \"flow\"\nstatus = 429\n[[fault]]\nservice = \"entra\"\nmethod = \"POST\"\npath-contains = \"devicecode\"\nafter = 1\nstatus = 503";
    let world = World::with(with_tenant(extended(faults))).await;
    assert!(world.device_code(FLOW_SCOPE).await.expect(503).text.starts_with("<html>"));
    world.device_code(FLOW_SCOPE).await.expect(200);
    let path = format!("{}/powerautomate/flows?api-version=1", world.origin);
    assert_eq!(
        crate::world::send(world.http.get(path)).await.expect(429).code(),
        "TooManyConcurrentRequests"
    );
}

#[tokio::test]
async fn an_answer_can_be_lost_after_the_write() {
    let fault =
        "[[fault]]\nservice = \"dataverse\"\nmethod = \"POST\"\nstatus = 502\nexecuted = true";
    let world = World::with(with_tenant(extended(fault))).await;
    world.post("contoso_endpoints", &json!({"contoso_name": "there"})).await.expect(502);
    world.get("contoso_endpoints(contoso_name='there')").await.expect(200);
}

#[tokio::test]
async fn every_answer_is_held_back_by_the_latency() {
    let world =
        World::signed_out(Settings { latency: Duration::from_millis(120), ..Settings::default() })
            .await;
    let begun = Instant::now();
    world.device_code(FLOW_SCOPE).await.expect(200);
    assert!(begun.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn paths_of_no_service_are_not_found() {
    let world = World::signed_out(Settings::default()).await;
    let answer = crate::world::send(world.http.get(format!("{}/favicon.ico", world.origin)))
        .await
        .expect(404);
    assert_eq!(answer.code(), "NotFound");
}
