//! What is steered and watched while the sandbox runs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{FLOW_SCOPE, Read, Settings, World, extended, send, with_tenant};

async fn steer(world: &World, method: Method, place: &str, body: &str) -> Read {
    let request = world.http.request(method, format!("{}/_sandbox/{place}", world.origin));
    send(request.body(body.to_owned())).await
}

async fn counts(world: &World) -> Value {
    steer(world, Method::GET, "requests", "").await.expect(200).json()
}

#[tokio::test]
async fn faults_are_replaced_added_counted_and_taken_away() {
    let fault = "[[fault]]\nservice = \"entra\"\nstatus = 500\nafter = 9";
    let world = World::with(with_tenant(extended(fault))).await;
    let begin = steer(&world, Method::GET, "faults", "").await.expect(200).json();
    assert_eq!((&begin[0]["met"], &begin[0]["struck"]), (&json!(2), &json!(0)));
    let one = json!({"service": "dataverse", "path-contains": "WhoAmI", "status": 503, "nth": 2});
    let all = json!([one]).to_string();
    steer(&world, Method::PUT, "faults", &all).await.expect(200);
    let other = json!({"service": "dataverse", "path-contains": "WhoAmI", "status": 502});
    steer(&world, Method::POST, "faults", &other.to_string()).await.expect(200);
    for status in [502, 503, 200] {
        world.get("WhoAmI").await.expect(status);
    }
    let told = steer(&world, Method::GET, "faults", "").await.expect(200).json();
    assert_eq!((&told[0]["met"], &told[0]["struck"]), (&json!(3), &json!(1)));
    assert_eq!((&told[1]["met"], &told[1]["struck"]), (&json!(2), &json!(1)));
    assert_eq!(told[0]["fault"]["nth"], 2);
    let none = steer(&world, Method::DELETE, "faults", "").await.expect(200).json();
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn the_address_says_what_is_there() {
    let world = World::with(with_tenant(extended(""))).await;
    let page = send(world.http.get(format!("{}/", world.origin))).await.expect(200);
    for part in [
        "The sandbox is running",
        &world.origin,
        "href=\"/devicelogin\"",
        "flowbind plan --environment",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(!page.text.contains("<script"), "{}", page.text);
}

#[tokio::test]
async fn a_fault_that_says_nothing_or_too_much_is_refused_and_changes_nothing() {
    let world = World::signed_out(Settings::default()).await;
    let good = json!({"service": "flow", "action": "reset"});
    steer(&world, Method::POST, "faults", &good.to_string()).await.expect(200);
    for (body, told) in [
        (json!([good, {"service": "flow"}]), "fault 2: exactly one of `status` and `action`"),
        (json!([{"service": "flow", "colour": "red"}]), "unknown field `colour`"),
        (json!({"service": "flow"}), "expected a sequence"),
    ] {
        let answer = steer(&world, Method::PUT, "faults", &body.to_string()).await.expect(400);
        assert!(answer.text.contains(told), "{}", answer.text);
    }
    let kept = steer(&world, Method::GET, "faults", "").await.json();
    assert_eq!(kept.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn pages_of_other_origins_and_names_of_other_hosts_are_refused() {
    let world = World::signed_out(Settings::default()).await;
    for place in ["faults", "requests"] {
        let address = format!("{}/_sandbox/{place}", world.origin);
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://127.0.0.1:1"),
            ("host", "evil.example"),
            ("host", "contoso.crm4.dynamics.com"),
        ] {
            let request = world.http.delete(&address).header(name, value);
            assert_eq!(send(request).await.expect(403).code(), "ForeignRequest", "{name}");
        }
        let own = world.http.get(&address).header("origin", &world.origin);
        send(own).await.expect(200);
    }
}

#[tokio::test]
async fn requests_are_counted_by_service_method_and_template() {
    let world = World::new().await;
    for name in ["shipments", "orders"] {
        world.get(&format!("contoso_endpoints(contoso_name='{name}')")).await.expect(200);
    }
    let told = counts(&world).await;
    let template = "/api/data/v9.2/contoso_endpoints(...)";
    let wanted = json!({"service": "dataverse", "method": "GET", "template": template, "count": 2});
    assert!(told["requests"].as_array().unwrap().contains(&wanted), "{told}");
    assert_eq!((&told["total"], &told["largest-in-flight"]["all"]), (&json!(4), &json!(1)));
    let forgotten = steer(&world, Method::DELETE, "requests", "").await.expect(200).json();
    assert_eq!(forgotten["total"], 0);
}

#[tokio::test]
async fn requests_at_the_same_time_are_all_counted() {
    let latency = std::time::Duration::from_millis(300);
    let world = World::signed_out(Settings { latency, ..Settings::default() }).await;
    let fault = json!({"service": "entra", "status": 500, "times": 7}).to_string();
    steer(&world, Method::POST, "faults", &fault).await.expect(200);
    let many = (0..40).map(|_| world.device_code(FLOW_SCOPE));
    let answers = futures_util::future::join_all(many).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 500).count(), 7);
    let told = counts(&world).await;
    assert_eq!(told["total"], 40);
    assert!(told["largest-in-flight"]["entra"].as_u64().unwrap() > 1, "{told}");
    let faults = steer(&world, Method::GET, "faults", "").await.json();
    assert_eq!((&faults[0]["met"], &faults[0]["struck"]), (&json!(40), &json!(7)));
}

#[tokio::test]
async fn a_cookie_that_pins_a_server_is_sent_and_noticed_when_it_comes_back() {
    let world = World::new().await;
    let answer = world.get("WhoAmI").await.expect(200);
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("ARRAffinity="), "{cookie}");
    assert_eq!(counts(&world).await["with-affinity-cookie"], 0);
    let pair = cookie.split(';').next().unwrap();
    let request = world.data(Method::GET, "WhoAmI").header("cookie", pair);
    assert_eq!(send(request).await.expect(200).header("set-cookie"), "");
    assert_eq!(counts(&world).await["with-affinity-cookie"], 1);
}
