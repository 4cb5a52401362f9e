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

/// The answer of a request that meets a fault.
async fn met(more: &str) -> crate::world::Read {
    let fault = format!("[[fault]]\nservice = \"dataverse\"\n{more}");
    World::with(with_tenant(extended(&fault))).await.get("contoso_endpoints").await
}

#[tokio::test]
async fn a_status_comes_with_the_headers_and_the_body_that_were_given() {
    let answer = met(
        "status = 418\nheaders = { x-made-up = \"1\" }\nbody = \"{\\\"a\\\": 1}\"\ncontent-type = \"application/problem+json\"",
    )
    .await
    .expect(418);
    assert_eq!((answer.header("x-made-up"), answer.text.as_str()), ("1", "{\"a\": 1}"));
    assert_eq!(answer.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn the_moment_to_come_back_can_be_a_date() {
    let answer = met("status = 503\nretry-after-date = 60").await.expect(503);
    let date = httpdate::parse_http_date(answer.header("retry-after")).unwrap();
    let left = date.duration_since(std::time::SystemTime::now()).unwrap();
    assert!((50..=60).contains(&left.as_secs()), "{left:?}");
}

#[tokio::test]
async fn whole_answers_can_be_of_another_kind() {
    let page = met("action = \"html\"").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html") && page.text.contains("<html>"));
    let json = met("action = \"invalid-json\"").await.expect(200);
    assert!(json.header("content-type").starts_with("application/json"));
    assert!(serde_json::from_str::<serde_json::Value>(&json.text).is_err());
    assert_eq!(met("action = \"empty\"").await.expect(200).text, "");
    let elsewhere = met("action = \"redirect\"\nlocation = \"https://evil.example/\"").await;
    assert_eq!(elsewhere.expect(302).header("location"), "https://evil.example/");
    let typed = met("action = \"wrong-content-type\"").await.expect(200);
    assert_eq!(typed.header("content-type"), "application/octet-stream");
    assert!(typed.json()["value"].is_array());
}

#[tokio::test]
async fn the_real_answer_can_come_late() {
    let begun = Instant::now();
    let answer = met("action = \"delay\"\ndelay = 150").await.expect(200);
    assert!(answer.json()["value"].is_array() && begun.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn the_same_seed_strikes_the_same_requests_in_every_run() {
    let fault = "[[fault]]\nservice = \"dataverse\"\nstatus = 500\nprobability = 0.5\nseed = 42";
    let mut runs = Vec::new();
    for _ in 0..2 {
        let world = World::with(with_tenant(extended(fault))).await;
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(world.get("WhoAmI").await.status);
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&200) && runs[0].contains(&500));
}

/// The answer of a batch that creates two rows and meets a fault, and how many of them are there afterwards.
async fn batch(action: &str, executed: bool) -> (String, usize) {
    let fault = format!(
        "[[fault]]\nservice = \"dataverse\"\npath-contains = \"$batch\"\naction = \"{action}\"\nexecuted = {executed}"
    );
    let world = World::with(with_tenant(extended(&fault))).await;
    let part = |id: u32| {
        format!(
            "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {id}\r\n\r\nPOST contoso_endpoints HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{{\"contoso_name\":\"made-up-{id}\"}}\r\n"
        )
    };
    let body = format!(
        "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{}{}--c--\r\n--b--\r\n",
        part(1),
        part(2)
    );
    let request = world.data(reqwest::Method::POST, "$batch").body(body);
    let request = request.header("content-type", "multipart/mixed; boundary=b");
    let text = crate::world::send(request).await.expect(200).text;
    let names = world.names("$filter=contains(contoso_name,'made-up')").await;
    (text, names.len())
}

/// The Content-IDs of an answer, in its order.
fn ids(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("Content-ID: ")).collect()
}

#[tokio::test]
async fn the_parts_of_a_batch_can_be_spoilt_before_or_after_it_took_effect() {
    for (executed, rows) in [(false, 0), (true, 2)] {
        for (action, wanted) in [
            ("duplicate-part", vec!["1", "1", "2"]),
            ("wrong-content-id-order", vec!["2", "1"]),
            ("missing-part", vec!["1"]),
        ] {
            let (text, written) = batch(action, executed).await;
            assert_eq!((ids(&text), written), (wanted, rows), "{action} {executed}");
        }
        let (text, written) = batch("broken-boundary", executed).await;
        assert!(!text.contains("--changesetresponse_"), "{text}");
        assert_eq!(written, rows);
    }
}
