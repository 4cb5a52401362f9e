//! The Flow API.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{
    ENVIRONMENT, FLOW_SCOPE, NO_CONTENT, ORDER_INTAKE, ORDER_STATUS, Read, Settings, World,
    changed, extended, send, with_tenant,
};

const PARTNER: &str = "f50bd416-9f62-f011-998a-7c1e5275cfe9";
const BUTTON: &str = "283e0749-c295-f011-998a-7c1e5275cfe9";
const NEW: &str = "394f185a-d3a6-f011-998a-7c1e5275cfe9";
const SUSPENDED: &str = "4a50296b-e4b7-f011-998a-7c1e5275cfe9";
const FOREIGN: &str = "5b613a7c-f5c8-f011-998a-7c1e5275cfe9";

/// The list of flows, those of solutions among them.
const FLOWS: &str = "flows?include=includeSolutionCloudFlows";

async fn call(world: &World, method: Method, rest: &str, token: &str) -> Read {
    let between = if rest.contains('?') { '&' } else { '?' };
    let address = format!(
        "{}/providers/Microsoft.ProcessSimple/environments/{ENVIRONMENT}/{rest}{between}api-version=2016-11-01",
        world.origin
    );
    send(world.http.request(method, address).bearer_auth(token)).await
}

async fn callback(world: &World, flow: &str, trigger: &str) -> Read {
    let token = world.token_for(FLOW_SCOPE).await;
    call(world, Method::POST, &format!("flows/{flow}/triggers/{trigger}/listCallbackUrl"), &token)
        .await
}

async fn resource_id(world: &World, flow: &str) -> String {
    let row = world.get(&format!("workflows({flow})?$select=resourceid")).await.expect(200).json();
    row["resourceid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_authenticated_address_has_no_signature() {
    let world = World::new().await;
    let body = callback(&world, &resource_id(&world, ORDER_STATUS).await, "manual")
        .await
        .expect(200)
        .json();
    assert_eq!(body["httpStatusCode"], "OK");
    let response = &body["response"];
    let value = response["value"].as_str().unwrap();
    let start = "https://3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/";
    assert!(value.starts_with(start), "{value}");
    assert!(value.ends_with("/triggers/manual/paths/invoke?api-version=1"), "{value}");
    assert_eq!(value.len(), 198);
    assert_eq!(response["method"], "GET");
    assert!(!response["basePath"].as_str().unwrap().contains(":443"));
    assert_eq!(response["queries"], json!({"api-version": "1"}));
}

#[tokio::test]
async fn a_signed_address_carries_43_characters_and_stays_the_same_from_run_to_run() {
    let first = callback(&World::new().await, PARTNER, "manual").await.expect(200).json();
    let second = callback(&World::new().await, PARTNER, "manual").await.expect(200).json();
    assert_eq!(first, second);
    let value = first["response"]["value"].as_str().unwrap();
    assert!(value.contains("&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig="));
    assert_eq!((value.len(), value.split("sig=").nth(1).unwrap().len()), (283, 43));
    assert_eq!(first["response"]["queries"]["sp"], "/triggers/manual/run");
}

#[tokio::test]
async fn both_ids_of_a_flow_lead_to_one_address() {
    let world = World::new().await;
    let resource = resource_id(&world, ORDER_INTAKE).await;
    assert_ne!(resource, ORDER_INTAKE);
    let one = callback(&world, &resource, "manual").await.expect(200).json();
    assert_eq!(one, callback(&world, ORDER_INTAKE, "manual").await.expect(200).json());
    let value = one["response"]["value"].as_str().unwrap();
    assert!(
        !value.contains(&resource.replace('-', ""))
            && !value.contains(&ORDER_INTAKE.replace('-', ""))
    );
    callback(&world, "061ce527-a073-f011-998a-7c1e5275cfe9", "manual").await.expect(200);
}

#[tokio::test]
async fn every_reason_against_an_address_has_its_error() {
    let world = World::new().await;
    for (flow, trigger, status, code) in [
        (BUTTON, "manual", 400, "ListCallbackUrlOperationBlocked"),
        (NEW, "manual", 404, "AzureResourceManagerRequestFailed"),
        (SUSPENDED, "manual", 404, "AzureResourceManagerRequestFailed"),
        (FOREIGN, "manual", 403, "ConnectionAuthorizationFailed"),
        ("11111111-2222-4333-8444-555555555555", "manual", 403, "ConnectionAuthorizationFailed"),
        ("not-a-guid", "manual", 404, "FlowNotFound"),
        (ORDER_INTAKE, "other", 404, "AzureResourceManagerRequestFailed"),
        ("7d835c9e-17ea-f011-998a-7c1e5275cfe9", "manual", 403, "ConnectionAuthorizationFailed"),
    ] {
        let answer = callback(&world, flow, trigger).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{flow}");
    }
    let wrapped = callback(&world, ORDER_INTAKE, "other").await.json();
    let message = wrapped["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("Request to Azure Resource Manager failed with error: '{\"error\":{\"code\":\"WorkflowTriggerNotFound\""));
}

#[tokio::test]
async fn switches_change_what_sources_disagree_on() {
    for (switch, flow, status, code) in [
        (
            "stopped-flow = \"resource-not-found\"",
            SUSPENDED,
            404,
            "AzureResourceManagerRequestFailed",
        ),
        ("stopped-flow = \"operation-blocked\"", SUSPENDED, 400, "ListCallbackUrlOperationBlocked"),
        ("stopped-flow = \"answered\"", NEW, 404, "AzureResourceManagerRequestFailed"),
        ("not-owner-status = \"unauthorized\"", FOREIGN, 401, "ConnectionAuthorizationFailed"),
        ("not-owner-status = \"not-found\"", FOREIGN, 404, "ConnectionAuthorizationFailed"),
    ] {
        let world = World::with(with_tenant(extended(&format!("[switches.flow]\n{switch}")))).await;
        let answer = callback(&world, flow, "manual").await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{switch}");
    }
    let switches = "[switches.flow]\nstopped-flow = \"answered\"\ncallback-answer = \"bare\"\nmissing-trigger = \"plain\"";
    let world = World::with(with_tenant(extended(switches))).await;
    assert!(callback(&world, SUSPENDED, "manual").await.expect(200).json()["value"].is_string());
    assert_eq!(
        callback(&world, ORDER_INTAKE, "other").await.expect(404).code(),
        "WorkflowTriggerNotFound"
    );
}

#[tokio::test]
async fn a_flow_that_is_stopped_tells_the_reason_of_its_tenant() {
    let state = "state = \"suspended\"\n";
    let more = format!("{state}suspension-reason = \"AlwaysFailingDetected\"\n");
    let told = async |tenant, flow: &str| {
        let world = World::with(with_tenant(tenant)).await;
        let token = world.token_for(FLOW_SCOPE).await;
        let body = call(&world, Method::GET, &format!("flows/{flow}"), &token).await.expect(200);
        body.json()["properties"]["flowSuspensionReason"].as_str().unwrap().to_owned()
    };
    assert_eq!(told(changed(&[]), SUSPENDED).await, "CompanyDlpViolation");
    assert_eq!(told(changed(&[(state, &more)]), SUSPENDED).await, "AlwaysFailingDetected");
    assert_eq!(told(changed(&[(state, &more)]), ORDER_INTAKE).await, "None");
}

#[tokio::test]
async fn a_token_for_nobody_is_refused_whatever_header_is_sent() {
    let world = World::new().await;
    let token = world.app_token(FLOW_SCOPE).await;
    let address = format!(
        "{}/providers/Microsoft.ProcessSimple/environments?api-version=2016-11-01",
        world.origin
    );
    let request = world.http.get(address).bearer_auth(token).header("x-ms-client-scope", "full");
    let answer = send(request).await.expect(401);
    assert_eq!(answer.code(), "ClientScopeAuthorizationFailed");
    assert!(answer.text.contains("The x-ms-client-scope header must not be null or empty."));
}

#[tokio::test]
async fn audiences_versions_environments_and_paths_are_checked() {
    let world = World::new().await;
    for scope in [
        FLOW_SCOPE,
        "https://service.flow.microsoft.com/.default",
        "https://management.azure.com//.default",
    ] {
        let token = world.token_for(scope).await;
        call(&world, Method::GET, "flows", &token).await.expect(200);
    }
    call(&world, Method::GET, "flows", &world.token).await.expect(401);
    call(&world, Method::GET, "flows", "x").await.expect(401);
    let token = world.token_for(FLOW_SCOPE).await;
    let base = format!("{}/providers/Microsoft.ProcessSimple/environments", world.origin);
    for (path, status, code) in [
        (format!("/{ENVIRONMENT}/flows"), 400, "MissingApiVersionParameter"),
        (format!("/{ENVIRONMENT}/flows?api-version=1999"), 400, "InvalidApiVersionParameter"),
        ("/other/flows?api-version=1".to_owned(), 403, "EnvironmentAccessDenied"),
        (format!("/{ENVIRONMENT}/nothing?api-version=1"), 404, "ResourceNotFound"),
        (
            format!("/{ENVIRONMENT}/flows/{ORDER_INTAKE}/regenerateAccessKey?api-version=1"),
            405,
            "MethodNotAllowed",
        ),
    ] {
        let answer = send(world.http.get(format!("{base}{path}")).bearer_auth(&token)).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
    }
}

#[tokio::test]
async fn a_flow_is_turned_off_and_on_but_not_on_for_the_first_time() {
    let world = World::new().await;
    let token = world.token_for(FLOW_SCOPE).await;
    let state = async || {
        let flow = call(&world, Method::GET, &format!("flows/{ORDER_INTAKE}"), &token).await;
        flow.expect(200).json()["properties"]["state"].clone()
    };
    for (verb, then) in [("stop", "Stopped"), ("start", "Started")] {
        let path = format!("flows/{ORDER_INTAKE}/{verb}");
        call(&world, Method::POST, &path, &token).await.expect(200);
        assert_eq!(state().await, then);
    }
    let draft = "flows/394f185a-d3a6-f011-998a-7c1e5275cfe9/start";
    let refused = call(&world, Method::POST, draft, &token).await.expect(400);
    assert_eq!(refused.code(), "CannotStartUnpublishedSolutionFlow");
}

#[tokio::test]
async fn an_administrator_sees_what_others_own_and_a_flow_that_is_none_is_not_found() {
    let world = World::new().await;
    let token = world.token_for(FLOW_SCOPE).await;
    let admin = format!(
        "{}/providers/Microsoft.ProcessSimple/scopes/admin/environments/{ENVIRONMENT}",
        world.origin
    );
    let get = async |path: &str| {
        let address = format!("{admin}/{path}?api-version=2016-11-01");
        send(world.http.get(address).bearer_auth(&token)).await
    };
    let owned = call(&world, Method::GET, FLOWS, &token).await.expect(200).json();
    let every = get("v2/flows").await.expect(200).json();
    assert!(every["value"].as_array().unwrap().len() > owned["value"].as_array().unwrap().len());
    get("flows/5b613a7c-f5c8-f011-998a-7c1e5275cfe9").await.expect(200);
    let missing = get("flows/00000000-0000-4000-8000-000000000001").await.expect(404);
    assert_eq!(missing.code(), "FlowNotFound");
}

#[tokio::test]
async fn the_platform_lists_the_same_environment() {
    let world = World::new().await;
    let token = world.token_for("https://service.powerapps.com//.default").await;
    let platform = format!("{}/providers/Microsoft.BusinessAppPlatform", world.origin);
    for (path, pointer) in [
        ("environments", "/value/0/name"),
        ("scopes/admin/environments", "/value/0/name"),
        ("environments/3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6", "/name"),
    ] {
        let address = format!("{platform}/{path}?api-version=2020-10-01");
        let body = send(world.http.get(address).bearer_auth(&token)).await.expect(200).json();
        assert_eq!(body.pointer(pointer).unwrap(), ENVIRONMENT, "{path}");
    }
}

#[tokio::test]
async fn environments_lead_back_to_their_organisation() {
    let world = World::new().await;
    let token = world.token_for(FLOW_SCOPE).await;
    let address = format!(
        "{}/providers/Microsoft.ProcessSimple/environments?api-version=2016-11-01",
        world.origin
    );
    let body = send(world.http.get(address).bearer_auth(token)).await.expect(200).json();
    let one = &body["value"][0];
    assert_eq!(one["name"], ENVIRONMENT);
    assert_eq!(one["properties"]["runtimeEndpoints"]["microsoft.Flow"], world.origin);
    assert_eq!(
        one["properties"]["linkedEnvironmentMetadata"]["instanceUrl"],
        format!("{}/", world.origin)
    );
}

#[tokio::test]
async fn flows_and_triggers_are_described() {
    let world = World::new().await;
    let token = world.token_for(FLOW_SCOPE).await;
    let list = call(&world, Method::GET, FLOWS, &token).await.expect(200).json();
    assert_eq!(list["value"].as_array().unwrap().len(), 12);
    let one = call(&world, Method::GET, &format!("flows/{ORDER_INTAKE}"), &token)
        .await
        .expect(200)
        .json();
    assert_eq!(one["name"], resource_id(&world, ORDER_INTAKE).await);
    assert_eq!(one["properties"]["workflowEntityId"], ORDER_INTAKE);
    assert_eq!(one["properties"]["state"], "Started");
    assert_eq!(one["properties"]["definition"]["triggers"]["manual"]["kind"], "Http");
    let new = call(&world, Method::GET, &format!("flows/{NEW}"), &token).await.expect(200).json();
    assert_eq!((&new["name"], &new["properties"]["state"]), (&json!(NEW), &json!("Stopped")));
    let path = "flows/6c724b8d-06d9-f011-998a-7c1e5275cfe9/triggers";
    let triggers = call(&world, Method::GET, path, &token).await.expect(200).json();
    let names: Vec<&Value> =
        triggers["value"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["orders", "returns"]);
    call(&world, Method::GET, &format!("{path}/orders"), &token).await.expect(200);
}

#[tokio::test]
async fn the_host_of_the_environment_serves_the_same() {
    let world = World::new().await;
    let token = world.token_for(FLOW_SCOPE).await;
    let address = format!(
        "{}/powerautomate/flows/{ORDER_INTAKE}/triggers/manual/listCallbackUrl?api-version=1",
        world.origin
    );
    let request = world
        .http
        .post(address)
        .bearer_auth(token)
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = send(request).await.expect(200);
    assert_eq!(answer.json(), callback(&world, ORDER_INTAKE, "manual").await.json());
}

#[tokio::test]
async fn addresses_of_other_generations_can_be_had() {
    let tenant = changed(&[(
        "name = \"Order intake\"",
        "name = \"Order intake\"\naddress = \"direct-unit\"",
    )]);
    let world = World::with(with_tenant(tenant)).await;
    let value = callback(&world, ORDER_INTAKE, "manual").await.json()["response"]["value"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        value.contains("/powerautomate/automations/direct/cu/") && value.len() == 204,
        "{value}"
    );
    let token = world.token_for(FLOW_SCOPE).await;
    let address = format!(
        "{}/powerautomate/flows/{ORDER_INTAKE}/triggers/manual/listCallbackUrl?api-version=1&showDeprecatedCallbackUrl=true",
        world.origin
    );
    let old = send(world.http.post(address).bearer_auth(token)).await.expect(200).json();
    let old = old["response"]["value"].as_str().unwrap();
    assert!(
        old.starts_with("https://prod-")
            && old.contains(".westeurope.logic.azure.com:443/workflows/"),
        "{old}"
    );
    assert!(old.ends_with("?api-version=2016-06-01"), "{old}");
}

#[tokio::test]
async fn a_relative_path_is_told_and_stands_in_the_address() {
    let tenant = changed(&[(
        "name = \"Order intake\"",
        "name = \"Order intake\"\nrelative-path = \"orders/{id}\"",
    )]);
    let world = World::with(with_tenant(tenant)).await;
    let body = callback(&world, ORDER_INTAKE, "manual").await.expect(200).json();
    assert_eq!(body["response"]["relativePath"], "orders/{id}");
    assert_eq!(body["response"]["relativePathParameters"], json!(["id"]));
    assert!(body["response"]["basePath"].as_str().unwrap().ends_with("/paths/invoke"));
    assert!(
        body["response"]["value"]
            .as_str()
            .unwrap()
            .contains("/paths/invoke/orders/{id}?api-version=1")
    );
}

#[tokio::test]
async fn turning_a_flow_on_through_dataverse_gives_it_an_address() {
    let world = World::with(Settings::default()).await;
    callback(&world, NEW, "manual").await.expect(404);
    world
        .patch(&format!("workflows({NEW})"), &json!({"statecode": 1, "statuscode": 2}), &[])
        .await
        .expect(NO_CONTENT);
    callback(&world, &resource_id(&world, NEW).await, "manual").await.expect(200);
}

#[tokio::test]
async fn a_request_of_another_kind_has_an_address_unless_its_kind_is_gated_or_blocked() {
    for (kind, blocked, status) in [
        ("TeamsWebhook", "[]", 200),
        ("VirtualAgent", "[]", 200),
        ("VirtualAgent", "[\"virtualagent\"]", 400),
        ("PowerAppV2", "[]", 400),
    ] {
        let tenant = extended(&format!(
            "[[flow]]\nname = \"Other kind\"\nworkflow-id = \"22222222-0000-4000-8000-00000000ab02\"\nkind = \"{kind}\"\nauthentication = \"All\"\n[switches.flow]\nblocked-kinds = {blocked}"
        ));
        let world = World::with(with_tenant(tenant)).await;
        let answer = callback(&world, "22222222-0000-4000-8000-00000000ab02", "manual").await;
        assert_eq!(answer.status, status, "{kind}: {}", answer.text);
        if status == 200 {
            let url = answer.json()["response"]["value"].as_str().unwrap().to_owned();
            assert!(url.contains("&sig="), "{kind}");
        } else {
            assert_eq!(answer.code(), "ListCallbackUrlOperationBlocked", "{kind}");
        }
    }
}

#[tokio::test]
async fn flows_of_solutions_are_listed_only_when_they_are_asked_for() {
    let world = World::new().await;
    let token = world.token_for(FLOW_SCOPE).await;
    let plain = call(&world, Method::GET, "flows", &token).await.expect(200).json();
    assert_eq!(plain["value"], json!([]));
    let list = call(&world, Method::GET, FLOWS, &token).await.expect(200).json();
    assert!(list["value"].as_array().unwrap().len() > 5);
}

#[tokio::test]
async fn the_environments_own_host_takes_a_newer_version() {
    let world = World::new().await;
    let token = world.token_for(FLOW_SCOPE).await;
    let own = format!("{}/powerautomate/flows/{ORDER_INTAKE}?api-version=2024-10-01", world.origin);
    send(world.http.get(own).bearer_auth(&token)).await.expect(200);
    let classic = format!(
        "{}/providers/Microsoft.ProcessSimple/environments/{ENVIRONMENT}/flows/{ORDER_INTAKE}?api-version=2024-10-01",
        world.origin
    );
    let refused = send(world.http.get(classic).bearer_auth(&token)).await.expect(400);
    assert_eq!(refused.code(), "InvalidApiVersionParameter");
}

#[tokio::test]
async fn a_flow_has_an_owner_and_no_runs() {
    let world = World::new().await;
    let token = world.token_for(FLOW_SCOPE).await;
    let get = async |rest: &str| {
        call(&world, Method::GET, &format!("flows/{ORDER_INTAKE}/{rest}"), &token).await
    };
    assert_eq!(get("runs").await.expect(200).json()["value"], json!([]));
    let run = get("runs/08584000000000000000000000000CU00").await.expect(404);
    assert!(run.text.contains("WorkflowRunNotFound"), "{}", run.text);
    let owners = get("permissions").await.expect(200).json();
    assert_eq!(owners["value"][0]["properties"]["roleName"], "Owner");
    assert_eq!(owners["value"][0]["name"], "92b7d3a4-0c56-4c1f-a1de-6f7b8c9d0e21");
    call(&world, Method::GET, &format!("flows/{FOREIGN}/permissions"), &token).await.expect(403);
}
