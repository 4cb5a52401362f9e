//! The trigger addresses, called as anyone would call them.

use reqwest::Method;
use serde_json::json;

use crate::world::{
    ENVIRONMENT, FLOW_SCOPE, NO_CONTENT, ORDER_INTAKE, Read, World, changed, extended, send,
    with_tenant,
};

const PARTNER: &str = "f50bd416-9f62-f011-998a-7c1e5275cfe9";

/// The callback address of a flow, turned to the server.
async fn address(world: &World, flow: &str) -> String {
    let path = format!(
        "{}/providers/Microsoft.ProcessSimple/environments/{ENVIRONMENT}/flows/{flow}/triggers/manual/listCallbackUrl?api-version=1",
        world.origin
    );
    let token = world.token_for(FLOW_SCOPE).await;
    let body = send(world.http.post(path).bearer_auth(token)).await.expect(200).json();
    let value = url::Url::parse(body["response"]["value"].as_str().unwrap()).unwrap();
    format!("{}{}?{}", world.origin, value.path(), value.query().unwrap())
}

async fn call(world: &World, method: Method, address: &str, token: Option<&str>) -> Read {
    let request = world.http.request(method, address);
    send(match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    })
    .await
}

#[tokio::test]
async fn an_authenticated_trigger_wants_exactly_its_audience() {
    let world = World::new().await;
    let address = address(&world, ORDER_INTAKE).await;
    let none = call(&world, Method::POST, &address, None).await.expect(401);
    assert_eq!(none.code(), "DirectApiAuthorizationRequired");
    assert!(none.text.contains("The OAuth authorization scheme is required."));
    let right = world.token_for(FLOW_SCOPE).await;
    let run = call(&world, Method::POST, &address, Some(&right)).await.expect(202);
    assert_eq!((run.text.as_str(), run.header("x-ms-workflow-run-id").len()), ("", 32));
    let without_slash = world.token_for("https://service.flow.microsoft.com/.default").await;
    let refused = call(&world, Method::POST, &address, Some(&without_slash)).await.expect(403);
    assert_eq!(refused.code(), "MisMatchingOAuthClaims");
    let method = call(&world, Method::GET, &address, Some(&right)).await.expect(400);
    assert_eq!(method.code(), "TriggerRequestMethodNotValid");
    let signed = call(&world, Method::POST, &format!("{address}&sig=x"), None).await.expect(401);
    assert_eq!(signed.code(), "DirectApiInvalidAuthorizationScheme");
}

#[tokio::test]
async fn a_signed_trigger_wants_its_signature_and_nothing_else() {
    let world = World::new().await;
    let address = address(&world, PARTNER).await;
    let token = world.token_for(FLOW_SCOPE).await;
    let bare = address.split("&sp=").next().unwrap().to_owned();
    call(&world, Method::POST, &address, None).await.expect(202);
    for (address, token, code) in [
        (address.clone(), Some(token.as_str()), "DirectApiRequestHasMoreThanOneAuthorization"),
        (bare.clone(), None, "DirectApiAuthorizationRequired"),
        (bare, Some(token.as_str()), "OAuthAccessPolicyNotFound"),
        (
            format!("{}x", address.strip_suffix(|_| true).unwrap()),
            None,
            "DirectApiInvalidAuthorizationSignature",
        ),
        (address.replace("sv=1.0", "sv=2.0"), None, "DirectApiInvalidAuthorizationSignature"),
    ] {
        assert_eq!(call(&world, Method::POST, &address, token).await.expect(401).code(), code);
    }
    assert_eq!(
        call(&world, Method::GET, &address, None).await.expect(400).code(),
        "TriggerRequestMethodNotValid"
    );
}

#[tokio::test]
async fn a_wrong_signature_can_answer_with_the_other_code() {
    let tenant = extended("[switches.flow]\nwrong-signature = \"authorization-failed\"");
    let world = World::with(with_tenant(tenant)).await;
    let address = format!("{}x", address(&world, PARTNER).await);
    assert_eq!(
        call(&world, Method::POST, &address, None).await.expect(401).code(),
        "AuthorizationFailed"
    );
}

#[tokio::test]
async fn a_new_access_key_makes_old_signatures_worthless() {
    let world = World::new().await;
    let before = address(&world, PARTNER).await;
    let path = format!(
        "{}/providers/Microsoft.ProcessSimple/environments/{ENVIRONMENT}/flows/{PARTNER}/regenerateAccessKey?api-version=2016-11-01",
        world.origin
    );
    let token = world.token_for(FLOW_SCOPE).await;
    send(world.http.post(path).bearer_auth(token)).await.expect(200);
    let after = address(&world, PARTNER).await;
    assert_ne!(before, after);
    call(&world, Method::POST, &before, None).await.expect(401);
    call(&world, Method::POST, &after, None).await.expect(202);
}

#[tokio::test]
async fn only_listed_users_may_call_a_trigger_that_lists_some() {
    let users =
        "authentication = \"User\"\nallowed-users = \"11111111-2222-4333-8444-555555555555\"";
    let tenant = changed(&[(
        "name = \"Order intake\"\nworkflow-id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"\ntrigger = \"manual\"\nauthentication = \"Tenant\"",
        &format!(
            "name = \"Order intake\"\nworkflow-id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"\ntrigger = \"manual\"\n{users}"
        ),
    )]);
    let world = World::with(with_tenant(tenant)).await;
    let token = world.token_for(FLOW_SCOPE).await;
    let refused = call(&world, Method::POST, &address(&world, ORDER_INTAKE).await, Some(&token))
        .await
        .expect(403);
    assert_eq!(refused.code(), "MisMatchingOAuthClaims");
}

#[tokio::test]
async fn a_token_for_nobody_may_call_a_trigger() {
    let world = World::new().await;
    let token = world.app_token(FLOW_SCOPE).await;
    call(&world, Method::POST, &address(&world, ORDER_INTAKE).await, Some(&token))
        .await
        .expect(202);
}

#[tokio::test]
async fn a_flow_that_is_off_says_so_and_an_unknown_one_is_not_found() {
    let world = World::new().await;
    let address = address(&world, ORDER_INTAKE).await;
    world
        .patch(&format!("workflows({ORDER_INTAKE})"), &json!({"statecode": 0}), &[])
        .await
        .expect(NO_CONTENT);
    let off = call(&world, Method::POST, &address, None).await.expect(400);
    assert_eq!(off.code(), "WorkflowTriggerIsNotEnabled");
    assert!(off.text.contains("with state 'Disabled': trigger is not enabled."));
    let unknown = format!(
        "{}/workflows/{}/triggers/manual/paths/invoke?api-version=2016-06-01",
        world.origin,
        "0".repeat(32)
    );
    assert_eq!(
        call(&world, Method::POST, &unknown, None).await.expect(404).code(),
        "WorkflowNotFound"
    );
}

#[tokio::test]
async fn the_old_path_leads_to_the_same_flow() {
    let world = World::new().await;
    let address =
        address(&world, ORDER_INTAKE).await.replace("/powerautomate/automations/direct", "");
    let token = world.token_for(FLOW_SCOPE).await;
    call(&world, Method::POST, &address.replace("invoke?", "invoke/?"), Some(&token))
        .await
        .expect(202);
}

#[tokio::test]
async fn allowed_users_are_named_by_address_too_and_authentication_is_read_in_any_case() {
    let start = "name = \"Order intake\"\nworkflow-id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"\ntrigger = \"manual\"";
    for (users, status) in
        [("other@contoso.example; SANDY@contoso.example", 202), ("other@contoso.example", 403)]
    {
        let tenant = changed(&[(
            &format!("{start}\nauthentication = \"Tenant\""),
            &format!("{start}\nauthentication = \"user\"\nallowed-users = \"{users}\""),
        )]);
        let world = World::with(with_tenant(tenant)).await;
        let token = world.token_for(FLOW_SCOPE).await;
        let address = address(&world, ORDER_INTAKE).await;
        assert!(!address.contains("sig="), "{address}");
        call(&world, Method::POST, &address, Some(&token)).await.expect(status);
    }
}
