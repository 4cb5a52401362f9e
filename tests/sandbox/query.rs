//! Reading rows.

use serde_json::json;

use crate::world::{
    ENVIRONMENT, NO_CONTENT, ORDER_INTAKE, ORDER_STATUS, SHIPMENTS, World, changed, send,
    with_tenant,
};
use reqwest::Method;

#[tokio::test]
async fn without_a_token_the_challenge_names_tenant_and_resource() {
    let world = World::new().await;
    let answer =
        send(world.http.get(format!("{}/api/data/v9.2/WhoAmI", world.origin))).await.expect(401);
    let origin = &world.origin;
    let wanted = format!(
        "Bearer authorization_uri={origin}/7c3f1c52-9d0e-4b7a-8a35-5e2f6d1b9c40/oauth2/authorize, resource_id={origin}/"
    );
    assert_eq!(answer.header("www-authenticate"), wanted);
}

#[tokio::test]
async fn only_a_person_with_a_token_for_this_organisation_is_let_in() {
    let world = World::new().await;
    let path = format!("{}/api/data/v9.2/WhoAmI", world.origin);
    let flow = world.token_for(crate::world::FLOW_SCOPE).await;
    send(world.http.get(&path).bearer_auth(flow)).await.expect(401);
    let slash = world.token_for(&format!("{}//.default", world.origin)).await;
    send(world.http.get(&path).bearer_auth(slash)).await.expect(200);
    let app = world.app_token(&format!("{}/.default", world.origin)).await;
    assert_eq!(send(world.http.get(&path).bearer_auth(app)).await.expect(403).code(), "0x80072560");
    send(world.http.get(&path).bearer_auth("a.b.c")).await.expect(401);
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let world = World::with(with_tenant(changed(&[(
        "expires-in = 900",
        "expires-in = 900\naccess-token-lifetime = 0",
    )])))
    .await;
    world.get("WhoAmI").await.expect(401);
}

#[tokio::test]
async fn who_am_i_takes_parentheses_or_none() {
    let world = World::new().await;
    let bare = world.get("WhoAmI").await.expect(200).json();
    assert_eq!(bare, world.get("WhoAmI()").await.expect(200).json());
    assert_eq!(bare["UserId"], "1f0a6f0e-6b0d-4f7c-9c77-3d2a5b8e4c11");
    assert_eq!(bare["OrganizationId"], "5e8c0b7d-42f1-4a6e-b93d-0a1f7c6e5d42");
}

#[tokio::test]
async fn the_current_organization_is_told_in_every_form() {
    let world = World::new().await;
    for path in [
        "RetrieveCurrentOrganization(AccessType=Microsoft.Dynamics.CRM.EndpointAccessType'Default')",
        "RetrieveCurrentOrganization(AccessType='Default')",
        "RetrieveCurrentOrganization(AccessType=@p1)?@p1=Microsoft.Dynamics.CRM.EndpointAccessType'Default'",
        "RetrieveCurrentOrganization(AccessType=@p1)?%40p1=Microsoft.Dynamics.CRM.EndpointAccessType%27Default%27",
    ] {
        let body = world.get(path).await.expect(200).json();
        assert_eq!(body["Detail"]["EnvironmentId"], ENVIRONMENT, "{path}");
    }
    world.get("RetrieveCurrentOrganization").await.expect(400);
}

#[tokio::test]
async fn a_query_in_both_encodings_finds_the_same() {
    let world = World::new().await;
    let plain = world
        .get("workflows?$filter=category%20eq%205&$select=name,resourceid,statecode")
        .await
        .expect(200)
        .json();
    let sdk = world
        .get("workflows?%24filter=category+eq+5&%24select=name%2Cresourceid%2Cstatecode")
        .await
        .expect(200)
        .json();
    assert_eq!(plain["value"], sdk["value"]);
    assert_eq!(plain["value"].as_array().unwrap().len(), 13);
    let first = plain["value"][0].as_object().unwrap();
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(names, ["@odata.etag", "workflowid", "name", "resourceid", "statecode"]);
    let context = plain["@odata.context"].as_str().unwrap();
    assert_eq!(
        context,
        format!("{}/api/data/v9.2/$metadata#workflows(name,resourceid,statecode)", world.origin)
    );
}

#[tokio::test]
async fn filters_follow_the_rules_of_the_service() {
    let world = World::new().await;
    for (filter, wanted) in [
        ("contoso_name eq 'ORDERS'", vec!["orders"]),
        ("contoso_name ne 'orders'", vec!["shipments", "returns"]),
        ("contoso_priority gt 1 and contoso_priority le 3", vec!["orders", "returns"]),
        ("contoso_priority lt 2 or contoso_priority ge 3", vec!["shipments", "returns"]),
        ("not (contoso_active eq true)", vec!["returns"]),
        ("contoso_active", vec!["shipments", "orders"]),
        ("contoso_url eq null", vec!["orders", "returns"]),
        ("contoso_url ne null", vec!["shipments"]),
        ("contains(contoso_notes,'spring')", vec!["returns"]),
        ("startswith(contoso_name,'SHIP')", vec!["shipments"]),
        ("endswith(contoso_name,'s') and contoso_region eq 'emea'", vec!["shipments", "orders"]),
        ("contoso_endpointid eq 8e946dae-28fb-4011-998a-7c1e5275cfe9", vec!["shipments"]),
        ("contoso_endpointid eq '8E946DAE-28FB-4011-998A-7C1E5275CFE9'", vec!["shipments"]),
        (
            "createdon gt 2024-01-01 and createdon lt 2999-12-31T00:00:00Z and contoso_priority eq 1",
            vec!["shipments"],
        ),
        (
            "Microsoft.Dynamics.CRM.In(PropertyName='contoso_name',PropertyValues=['orders','returns'])",
            vec!["orders", "returns"],
        ),
        ("ownerid/fullname eq 'sandy deployer' and contoso_priority eq 2", vec!["orders"]),
    ] {
        let found = world.names(&format!("$filter={filter}&$orderby=contoso_priority")).await;
        assert_eq!(found, wanted, "{filter}");
    }
}

#[tokio::test]
async fn in_takes_parameter_aliases() {
    let world = World::new().await;
    let query = format!(
        "workflows?$select=name&$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)&@p1='workflowid'&@p2=[\"{ORDER_INTAKE}\",\"{ORDER_STATUS}\"]"
    );
    assert_eq!(world.get(&query).await.expect(200).json()["value"].as_array().unwrap().len(), 2);
    assert_eq!(world.names("$filter=contoso_name eq @n&@n='orders'").await, ["orders"]);
}

#[tokio::test]
async fn filters_reach_collections() {
    let world = World::new().await;
    let filter = "environmentvariabledefinition_environmentvariablevalue/any(v:v/value eq '50')";
    let body = world
        .get(&format!("environmentvariabledefinitions?$select=schemaname&$filter={filter}"))
        .await
        .expect(200);
    assert_eq!(body.json()["value"][0]["schemaname"], "contoso_MaxItems");
}

#[tokio::test]
async fn what_a_table_has_not_is_refused() {
    let world = World::new().await;
    for (path, status, code) in [
        ("nothings", 404, "0x8006088a"),
        ("workflows?$select=nothing", 400, "0x80060888"),
        ("workflows?$filter=nothing eq 1", 400, "0x80060888"),
        ("workflows?$filter=category eq 'five'", 400, "0x80060888"),
        ("workflows?$filter=category eq", 400, "0x80060888"),
        ("workflows?$orderby=nothing", 400, "0x80060888"),
        ("workflows?$expand=nothing", 400, "0x80060888"),
        ("workflows?$skip=1", 400, "0x80060888"),
        ("workflows?$Top=1", 400, "0x80060888"),
        ("workflows?$top=0", 400, "0x80060888"),
        ("workflows(a09e4a0d-3a1c-f011-998a-000000000000)", 404, "0x80040217"),
        ("contoso_endpoints(contoso_name='nobody')", 404, "0x80060891"),
        ("contoso_endpoints(contoso_region='emea')", 400, "0x80060888"),
        ("environmentvariabledefinitions(schemaname='contoso_Endpoints')", 400, "0x80060888"),
        ("systemusers(systemuserid=1f0a6f0e-6b0d-4f7c-9c77-3d2a5b8e4c11)", 400, "0x80060888"),
        ("workflows(a09e4a0d-3a1c-f011-998a-7c1e5275cfe9)/nothing", 404, "0x8006088a"),
    ] {
        let answer = world.get(path).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{path}: {}",
            answer.text
        );
    }
    let unfit = world.get("environmentvariabledefinitions(schemaname='x')").await.json();
    let message = unfit["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.environmentvariabledefinition'."));
}

#[tokio::test]
async fn rows_are_named_by_id_or_by_an_alternate_key() {
    let world = World::new().await;
    for key in [
        SHIPMENTS.to_owned(),
        format!("contoso_endpointid={SHIPMENTS}"),
        "contoso_name='shipments'".to_owned(),
    ] {
        let body = world
            .get(&format!("contoso_endpoints({key})?$select=contoso_priority"))
            .await
            .expect(200)
            .json();
        assert_eq!(body["contoso_priority"], 1, "{key}");
    }
    world
        .post("contoso_endpoints", &json!({"contoso_name": "O'Brien & co"}))
        .await
        .expect(NO_CONTENT);
    world.get("contoso_endpoints(contoso_name='O''Brien%20%26%20co')").await.expect(200);
}

#[tokio::test]
async fn single_properties_counts_and_related_rows_have_addresses() {
    let world = World::new().await;
    let row = format!("contoso_endpoints({SHIPMENTS})");
    assert_eq!(
        world.get(&format!("{row}/contoso_name")).await.expect(200).json()["value"],
        "shipments"
    );
    assert_eq!(
        world.get(&format!("{row}/contoso_name/$value")).await.expect(200).text,
        "shipments"
    );
    world.get(&format!("{row}/contoso_notes")).await.expect(204);
    assert_eq!(
        world.get(&format!("{row}/ownerid?$select=fullname")).await.expect(200).json()["fullname"],
        "Sandy Deployer"
    );
    let reference = world.get(&format!("{row}/ownerid/$ref")).await.expect(200).json();
    assert!(reference["@odata.id"].as_str().unwrap().contains("/systemusers("));
    assert_eq!(
        world.get("contoso_endpoints/$count").await.expect(200).text.trim_start_matches('\u{feff}'),
        "3"
    );
    let counted = world.get("contoso_endpoints?$count=true&$top=1").await.json();
    assert_eq!(
        (&counted["@odata.count"], counted["value"].as_array().unwrap().len()),
        (&json!(3), 1)
    );
}

#[tokio::test]
async fn expansions_go_both_ways_with_options_of_their_own() {
    let world = World::new().await;
    let path = "environmentvariabledefinitions?$select=schemaname,type&$filter=schemaname eq 'contoso_endpoints'&$expand=environmentvariabledefinition_environmentvariablevalue($select=value,schemaname;$filter=statecode eq 0;$orderby=schemaname desc;$top=5)";
    let body = world.get(path).await.expect(200).json();
    let values = &body["value"][0]["environmentvariabledefinition_environmentvariablevalue"];
    assert!(values[0]["value"].as_str().unwrap().contains("\"version\": 3"));
    assert!(values[0]["@odata.etag"].is_string());
    let up = "environmentvariablevalues?$select=value&$filter=value eq '50'&$expand=EnvironmentVariableDefinitionId($select=schemaname)";
    let body = world.get(up).await.expect(200).json();
    assert_eq!(
        body["value"][0]["EnvironmentVariableDefinitionId"]["schemaname"],
        "contoso_MaxItems"
    );
    let none = world.get("environmentvariabledefinitions?$filter=schemaname eq 'contoso_OrderIntakeUrl'&$expand=environmentvariabledefinition_environmentvariablevalue");
    assert_eq!(
        none.await.json()["value"][0]["environmentvariabledefinition_environmentvariablevalue"],
        json!([])
    );
}

#[tokio::test]
async fn pages_are_followed_by_their_links_until_there_is_none() {
    let world = World::new().await;
    let mut next = format!(
        "{}/api/data/v9.2/workflows?$select=name&$orderby=name desc&$filter=category eq 5",
        world.origin
    );
    let mut names = Vec::new();
    let mut pages = 0;
    while !next.is_empty() {
        let request =
            world.http.get(&next).bearer_auth(&world.token).header("prefer", "odata.maxpagesize=5");
        let answer = send(request).await.expect(200);
        assert_eq!(answer.header("preference-applied"), "odata.maxpagesize=5");
        let body = answer.json();
        names.extend(
            body["value"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["name"].as_str().unwrap().to_owned()),
        );
        body["@odata.nextLink"].as_str().unwrap_or_default().clone_into(&mut next);
        pages += 1;
    }
    let mut sorted = names.clone();
    sorted.sort();
    sorted.reverse();
    assert_eq!((pages, names.len()), (3, 13));
    assert_eq!(names, sorted);
}

#[tokio::test]
async fn annotations_come_when_they_are_preferred() {
    let world = World::new().await;
    let path = format!("workflows({ORDER_INTAKE})?$select=statecode,_ownerid_value");
    let request =
        world.data(Method::GET, &path).header("prefer", "odata.include-annotations=\"*\"");
    let body = send(request).await.expect(200).json();
    assert_eq!(body["statecode@OData.Community.Display.V1.FormattedValue"], "Activated");
    assert_eq!(body["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"], "systemuser");
    assert_eq!(body["_ownerid_value@OData.Community.Display.V1.FormattedValue"], "Sandy Deployer");
    let plain = world.get(&path).await.json();
    assert!(plain.as_object().unwrap().keys().all(|name| !name.contains("@OData")));
}

#[tokio::test]
async fn a_row_that_the_client_has_is_not_sent_again() {
    let world = World::new().await;
    let path = format!("contoso_endpoints({SHIPMENTS})");
    let answer = world.get(&path).await.expect(200);
    let tag = answer.json()["@odata.etag"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("etag"), tag);
    let known = || world.data(Method::GET, &path).header("if-none-match", tag.as_str());
    send(known()).await.expect(304);
    send(known().header("prefer", "odata.include-annotations=\"*\"")).await.expect(200);
    send(world.data(Method::GET, &path).header("if-none-match", "null")).await.expect(200);
    world.patch(&path, &json!({"contoso_notes": "new"}), &[]).await.expect(NO_CONTENT);
    send(known()).await.expect(200);
}

#[tokio::test]
async fn a_privilege_that_is_missing_is_named() {
    for (privilege, method, path) in [
        ("prvReadWorkflow", Method::GET, "workflows"),
        (
            "prvReadEnvironmentVariableValue",
            Method::GET,
            "environmentvariabledefinitions?$expand=environmentvariabledefinition_environmentvariablevalue",
        ),
        ("prvCreatecontoso_endpoint", Method::POST, "contoso_endpoints"),
        ("prvWritecontoso_endpoint", Method::PATCH, "contoso_endpoints(contoso_name='orders')"),
        ("prvDeletecontoso_endpoint", Method::DELETE, "contoso_endpoints(contoso_name='orders')"),
    ] {
        let missing = format!("missing-privileges = [\"{privilege}\"]");
        let world =
            World::with(with_tenant(changed(&[("missing-privileges = []", &missing)]))).await;
        let answer = send(world.data(method, path).body("{}")).await.expect(403);
        assert_eq!(answer.code(), "0x80040220");
        let body = answer.json();
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message
                .to_lowercase()
                .contains(&format!("is missing {} privilege (id=", privilege.to_lowercase())),
            "{message}"
        );
    }
}

#[tokio::test]
async fn answers_carry_the_ids_of_the_service() {
    let world = World::new().await;
    let request = world.data(Method::GET, "WhoAmI").header("x-ms-client-request-id", "mine");
    let answer = send(request).await;
    assert_eq!(answer.header("req_id"), answer.header("x-ms-service-request-id"));
    assert_eq!(answer.header("x-ms-client-request-id"), "mine");
    assert_eq!(answer.header("odata-version"), "4.0");
}

#[tokio::test]
async fn an_address_may_be_long_but_not_endless() {
    let world = World::new().await;
    let filter = |length: usize| format!("workflows?$filter=name eq '{}'", "x".repeat(length));
    world.get(&filter(30_000)).await.expect(200);
    world.get(&filter(33_000)).await.expect(414);
}

#[tokio::test]
async fn a_value_falls_back_to_its_default() {
    let world = World::new().await;
    for (name, wanted) in
        [("contoso_MaxItems", "50"), ("contoso_StockUrl", "https://stock.contoso.example/levels")]
    {
        let path = format!("RetrieveEnvironmentVariableValue(DefinitionSchemaName='{name}')");
        assert_eq!(world.get(&path).await.expect(200).json()["Value"], wanted);
    }
}

#[tokio::test]
async fn a_user_is_told_which_of_some_privileges_it_holds() {
    let missing = "missing-privileges = [\"prvWritecontoso_endpoint\"]";
    let world = World::with(with_tenant(changed(&[("missing-privileges = []", missing)]))).await;
    let who = send(world.data(Method::GET, "WhoAmI")).await.expect(200).json();
    let user = who["UserId"].as_str().unwrap();
    let function = "Microsoft.Dynamics.CRM.RetrieveUserSetOfPrivilegesByNames";
    let names = "[\"prvReadWorkflow\",\"prvwriteCONTOSO_endpoint\",\"prvFlyWorkflow\"]";
    let path = format!("systemusers({user})/{function}(PrivilegeNames=@p)?@p={names}");
    let answer = send(world.data(Method::GET, &path)).await.expect(200).json();
    let held = answer["RolePrivileges"].as_array().unwrap();
    assert_eq!(held.len(), 1, "{answer}");
    assert_eq!(held[0]["PrivilegeName"], "prvReadWorkflow");
    assert_eq!(held[0]["Depth"], "Global");
    let path = format!("systemusers({user})/{function}(PrivilegeNames=@p)");
    assert_eq!(send(world.data(Method::GET, &path)).await.expect(400).code(), "0x80060888");
}
