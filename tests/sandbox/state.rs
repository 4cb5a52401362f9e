//! The state: from run to run, and between servers.

use std::path::Path;

use flowbind_sandbox::{Options, SandboxError, Server, StateLocation, Tenant, reset};
use serde_json::json;

use crate::world::{FLOW_SCOPE, NO_CONTENT, Settings, World, extended, in_file, serve};

fn options(path: &Path, tenant: Tenant) -> Options {
    Options {
        listen: ([127, 0, 0, 1], 0).into(),
        approve_after: None,
        latency: std::time::Duration::ZERO,
        state: StateLocation::File(path.to_owned()),
        tenant,
        record: None,
        tls: None,
    }
}

#[tokio::test]
async fn rows_and_tokens_outlive_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/state.json");
    let first = World::with(in_file(path.clone())).await;
    first.post("contoso_endpoints", &json!({"contoso_name": "kept"})).await.expect(NO_CONTENT);
    let (token, refresh, origin) =
        (first.token.clone(), first.refresh.clone(), first.origin.clone());
    first.server.stop().await;
    let mut second = World::signed_out(in_file(path)).await;
    assert!(!second.server.started_anew());
    second.refresh.clone_from(&refresh);
    second.refresh(&refresh, FLOW_SCOPE).await.expect(200);
    second.token = second.token_for(&format!("{}/.default", second.origin)).await;
    second.get("contoso_endpoints(contoso_name='kept')").await.expect(200);
    let request = second.http.get(format!("{}/api/data/v9.2/WhoAmI", second.origin));
    let request = request.bearer_auth(token).header("host", origin.trim_start_matches("http://"));
    crate::world::send(request).await.expect(200);
}

#[tokio::test]
async fn two_servers_on_one_file_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let one = World::with(in_file(path.clone())).await;
    let two = World::with(in_file(path)).await;
    let (mut tasks, mut names) = (Vec::new(), Vec::new());
    for number in 0..20 {
        let world = if number % 2 == 0 { &one } else { &two };
        names.push(json!({"contoso_name": format!("n{number}")}));
        tasks.push((world, names.len() - 1));
    }
    let writes = tasks.iter().map(|(world, index)| world.post("contoso_endpoints", &names[*index]));
    for answer in futures_util::future::join_all(writes).await {
        answer.expect(NO_CONTENT);
    }
    for world in [&one, &two] {
        assert_eq!(
            world.get("contoso_endpoints/$count").await.text.trim_start_matches('\u{feff}'),
            "23"
        );
    }
}

#[tokio::test]
async fn a_code_of_one_server_is_approved_at_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let settings = || Settings { approve_after: None, ..in_file(path.clone()) };
    let (one, two) = (World::signed_out(settings()).await, World::signed_out(settings()).await);
    let code = one.device_code(FLOW_SCOPE).await.json();
    two.form(
        "/devicelogin",
        &[("user_code", code["user_code"].as_str().unwrap()), ("decision", "approve")],
    )
    .await;
    one.poll(&code).await.expect(200);
}

#[tokio::test]
async fn another_tenant_starts_the_state_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let first = World::with(in_file(path.clone())).await;
    assert!(!first.server.started_anew());
    first.post("contoso_endpoints", &json!({"contoso_name": "gone"})).await.expect(NO_CONTENT);
    let other = Settings { tenant: extended("# another"), ..in_file(path) };
    let second = World::with(other).await;
    assert!(second.server.started_anew());
    second.get("contoso_endpoints(contoso_name='gone')").await.expect(404);
}

#[tokio::test]
async fn a_damaged_state_is_refused_by_its_name_and_can_be_reset() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    std::fs::write(&path, "{\"format\": 1").unwrap();
    let error = Server::start(options(&path, Tenant::embedded())).await.unwrap_err();
    assert!(matches!(error, SandboxError::StateCorrupt { .. }));
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    assert!(reset(&path).unwrap());
    assert!(!reset(&path).unwrap());
    serve(in_file(path)).await.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_state_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own/state.json");
    serve(in_file(path.clone())).await.stop().await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert!(!path.with_file_name("state.json.new").exists());
}

#[tokio::test]
async fn only_loopback_addresses_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let open =
        Options { listen: ([0, 0, 0, 0], 0).into(), ..options(folder.path(), Tenant::embedded()) };
    assert!(matches!(Server::start(open).await.unwrap_err(), SandboxError::NotLoopback(_)));
}

#[tokio::test]
async fn nothing_that_is_secret_shows_in_debug_output() {
    let tenant = format!("{:?}", Tenant::embedded());
    assert!(!tenant.contains("made-up-for-the-sandbox"));
}

#[tokio::test]
async fn a_state_that_another_tenant_took_is_not_mixed_with_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let first = World::with(in_file(path.clone())).await;
    let _second = World::with(Settings { tenant: extended("# another"), ..in_file(path) }).await;
    assert_eq!(first.get("WhoAmI").await.expect(500).code(), "SandboxState");
}
