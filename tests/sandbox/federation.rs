//! Pipelines: what their platforms issue to them, and what the sign-in service makes of it.

use serde_json::json;

use crate::assertion::present;
use crate::authorize::{error, with};
use crate::world::{FLOW_SCOPE, Read, World, claims, extended, send, with_tenant};

const APPLICATION: &str = "00000000-0000-4000-8000-00000000fede";
const REQUEST_TOKEN: &str = "made-up-request-token";
const PIPELINES: &str = r#"
[[application]]
name = "Pipeline"
client-id = "00000000-0000-4000-8000-00000000fede"
[[application.federated-credential]]
issuer = "https://token.actions.githubusercontent.com"
subject = "repo:contoso/flows:environment:production"
[[application.federated-credential]]
issuer = "https://vstoken.dev.azure.com/00000000-0000-4000-8000-00000000ad00"
subject = "sc://contoso/Flows/production"
[pipelines]
request-token = "made-up-request-token"
"#;

async fn world(changes: &[(&str, &str)]) -> World {
    let text = changes.iter().fold(PIPELINES.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "no {old:?}");
        text.replace(old, new)
    });
    World::signed_out(with_tenant(extended(&text))).await
}

async fn github(world: &World, query: &str, token: &str) -> Read {
    let address = format!("{}/_sandbox/oidc/github?{query}", world.origin);
    send(world.http.get(address).bearer_auth(token)).await
}

async fn azure_devops(world: &World, query: &str, token: &str) -> Read {
    let address = format!("{}/_sandbox/oidc/azure-devops?{query}", world.origin);
    send(world.http.post(address).bearer_auth(token)).await
}

async fn assertion(world: &World) -> String {
    let query = "api-version=2.0&audience=api://AzureADTokenExchange";
    let answer = github(world, query, REQUEST_TOKEN).await.expect(200).json();
    answer["value"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_workflow_signs_in_by_what_its_platform_issues() {
    let world = world(&[]).await;
    let assertion = assertion(&world).await;
    let body = claims(&assertion);
    assert_eq!(body["sub"], "repo:contoso/flows:environment:production");
    assert_eq!(body["aud"], "api://AzureADTokenExchange");
    let tokens = present(&world, APPLICATION, &assertion, FLOW_SCOPE).await.expect(200).json();
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(claims(token)["idtyp"], "app");
    let path = format!("{}/powerautomate/flows?api-version=1", world.origin);
    let refused = send(world.http.get(path).bearer_auth(token)).await.expect(401);
    assert_eq!(refused.code(), "ClientScopeAuthorizationFailed");
}

#[tokio::test]
async fn a_service_connection_signs_in_and_a_pipeline_without_one_does_not() {
    let world = world(&[]).await;
    let answer = azure_devops(&world, "api-version=7.1&serviceConnectionId=x", REQUEST_TOKEN).await;
    let answer = answer.expect(200).json();
    let connected = answer["oidcToken"].as_str().unwrap();
    present(&world, APPLICATION, connected, FLOW_SCOPE).await.expect(200);
    let answer = azure_devops(&world, "api-version=7.1", REQUEST_TOKEN).await.expect(200).json();
    let alone = answer["oidcToken"].as_str().unwrap();
    let refused = present(&world, APPLICATION, alone, FLOW_SCOPE).await.expect(401);
    assert_eq!(error(&refused), with("invalid_client", 700_213));
    azure_devops(&world, "serviceConnectionId=x", REQUEST_TOKEN).await.expect(400);
}

#[tokio::test]
async fn a_platform_wants_the_request_token_of_the_pipeline() {
    let world = world(&[]).await;
    github(&world, "audience=x", "another").await.expect(401);
    azure_devops(&world, "api-version=7.1", "another").await.expect(401);
    let address = format!("{}/_sandbox/oidc/github", world.origin);
    send(world.http.post(address).bearer_auth(REQUEST_TOKEN)).await.expect(405);
    let shipped = World::signed_out(crate::world::Settings::default()).await;
    github(&shipped, "audience=x", REQUEST_TOKEN).await.expect(404);
}

#[tokio::test]
async fn the_part_that_no_credential_has_is_told_by_the_code() {
    for (old, new, code) in [
        (
            "repo:contoso/flows:environment:production",
            "repo:contoso/flows:ref:refs/heads/main",
            700_213,
        ),
        (
            "repo:contoso/flows:environment:production",
            "repo:Contoso/flows:environment:production",
            700_213,
        ),
        ("https://token.actions.githubusercontent.com", "https://token.example", 700_211),
    ] {
        let world = world(&[(old, new)]).await;
        let answer = present(&world, APPLICATION, &assertion(&world).await, FLOW_SCOPE).await;
        let answer = answer.expect(401);
        assert_eq!(error(&answer), with("invalid_client", code));
        let told = answer.json()["error_description"].as_str().unwrap().to_owned();
        assert!(told.contains("No matching federated identity record found"), "{told}");
    }
    let world = world(&[]).await;
    let elsewhere = github(&world, "audience=api://elsewhere", REQUEST_TOKEN).await.json();
    let answer = present(&world, APPLICATION, elsewhere["value"].as_str().unwrap(), FLOW_SCOPE);
    assert_eq!(error(&answer.await.expect(401)).1, 700_212);
}

#[tokio::test]
async fn an_assertion_that_was_changed_is_refused() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let world = world(&[]).await;
    let good = assertion(&world).await;
    let mut body = claims(&good);
    body["exp"] = json!(crate::assertion::now() + 90_000);
    let parts: Vec<&str> = good.split('.').collect();
    let forged = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(body.to_string()), parts[2]);
    let answer = present(&world, APPLICATION, &forged, FLOW_SCOPE).await.expect(401);
    assert_eq!(error(&answer), with("invalid_client", 50013));
}

#[tokio::test]
async fn subjects_are_those_of_the_tenant_file() {
    let changes = [
        ("[pipelines]", "[pipelines]\ngithub-subject = \"repo:contoso/other:pull_request\""),
        (
            "subject = \"repo:contoso/flows:environment:production\"",
            "subject = \"repo:contoso/other:pull_request\"",
        ),
    ];
    let world = world(&changes).await;
    let assertion = assertion(&world).await;
    assert_eq!(claims(&assertion)["sub"], "repo:contoso/other:pull_request");
    present(&world, APPLICATION, &assertion, FLOW_SCOPE).await.expect(200);
}
