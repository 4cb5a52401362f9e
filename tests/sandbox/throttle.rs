//! Limits, and what answers tell of them.

use std::time::Duration;

use reqwest::Method;

use crate::world::{FLOW_SCOPE, Settings, World, changed, extended, send, with_tenant};

#[tokio::test]
async fn past_the_limit_of_a_window_dataverse_says_when_to_come_back() {
    let limits = "[throttling.dataverse]\nrequests = 2\nwindow = 60";
    let world = World::with(with_tenant(extended(limits))).await;
    for left in ["1", "0"] {
        let answer = world.get("WhoAmI").await.expect(200);
        assert_eq!(answer.header("x-ms-ratelimit-burst-remaining-xrm-requests"), left);
    }
    let answer = world.get("WhoAmI").await.expect(429);
    assert_eq!(answer.code(), "0x80072322");
    assert!(answer.text.contains("limit of 2 over time window of 60 seconds"));
    let pause: u64 = answer.header("retry-after").parse().unwrap();
    assert!((50..=60).contains(&pause), "{pause}");
    world.device_code(FLOW_SCOPE).await.expect(200);
    let counts = send(world.http.get(format!("{}/_sandbox/requests", world.origin))).await.json();
    assert_eq!(counts["throttled"], 1);
}

#[tokio::test]
async fn one_who_comes_back_when_told_is_served() {
    let limits = "[throttling.dataverse]\nrequests = 1\nwindow = 1";
    let world = World::with(with_tenant(extended(limits))).await;
    world.get("WhoAmI").await.expect(200);
    let pause: u64 = world.get("WhoAmI").await.expect(429).header("retry-after").parse().unwrap();
    tokio::time::sleep(Duration::from_secs(pause)).await;
    world.get("WhoAmI").await.expect(200);
}

#[tokio::test]
async fn too_many_requests_at_a_time_are_refused() {
    let limits = "[throttling.dataverse]\nconcurrent = 2";
    let latency = Duration::from_millis(500);
    let world = World::with(Settings { latency, ..with_tenant(extended(limits)) }).await;
    let many = (0..6).map(|_| world.get("WhoAmI"));
    let answers = futures_util::future::join_all(many).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(refused.len(), 4);
    assert_eq!((refused[0].code().as_str(), refused[0].header("retry-after")), ("0x80072326", "1"));
    world.get("WhoAmI").await.expect(200);
}

#[tokio::test]
async fn the_time_that_requests_take_is_limited() {
    let limits = "[throttling.dataverse]\nexecution-time = 100\nwindow = 60";
    let latency = Duration::from_millis(150);
    let world = World::with(Settings { latency, ..with_tenant(extended(limits)) }).await;
    world.get("WhoAmI").await.expect(200);
    let answer = world.get("WhoAmI").await.expect(429);
    assert_eq!(answer.code(), "0x80072321");
    assert_eq!(answer.header("x-ms-ratelimit-time-remaining-xrm-requests"), "0.00");
}

#[tokio::test]
async fn the_flow_api_is_limited_in_its_own_words() {
    let limits = "[throttling.flow]\nrequests = 1";
    let world = World::with(with_tenant(extended(limits))).await;
    let flows = || world.http.get(format!("{}/powerautomate/flows?api-version=1", world.origin));
    send(flows()).await.expect(401);
    let answer = send(flows()).await.expect(429);
    assert_eq!(answer.code(), "TooManyConcurrentRequests");
    assert!(!answer.header("retry-after").is_empty());
    world.get("WhoAmI").await.expect(200);
}

#[tokio::test]
async fn the_advised_degree_of_parallelism_can_be_set_and_left_out() {
    let hint = async |tenant| {
        let world = World::with(with_tenant(tenant)).await;
        let answer = send(world.data(Method::GET, "WhoAmI")).await.expect(200);
        answer.header("x-ms-dop-hint").to_owned()
    };
    assert_eq!(hint(changed(&[])).await, "4");
    assert_eq!(hint(extended("[switches.dataverse]\ndop-hint = 2")).await, "2");
    assert_eq!(hint(extended("[switches.dataverse]\ndop-hint = 0")).await, "");
}
