//! Creating, changing and deleting rows.

use reqwest::Method;
use serde_json::json;

use crate::world::{
    NO_CONTENT, ORDER_INTAKE, SHIPMENTS, World, changed, extended, send, with_tenant,
};

const NOBODY: &str = "8e946dae-28fb-4011-998a-000000000000";

#[tokio::test]
async fn a_created_row_is_told_by_its_address() {
    let world = World::new().await;
    let answer =
        world.post("contoso_endpoints", &json!({"contoso_name": "new"})).await.expect(NO_CONTENT);
    let address = answer.header("odata-entityid");
    assert!(address.starts_with(&format!("{}/api/data/v9.2/contoso_endpoints(", world.origin)));
    let request = world
        .data(Method::POST, "contoso_endpoints?$select=contoso_name")
        .header("prefer", "return=representation");
    let answer = send(request.body(json!({"contoso_name": "newer"}).to_string())).await.expect(201);
    assert_eq!(answer.header("preference-applied"), "return=representation");
    assert_eq!(answer.json()["contoso_name"], "newer");
    assert!(answer.json().get("contoso_url").is_none());
}

#[tokio::test]
async fn a_write_whose_answer_cannot_be_given_is_not_made() {
    let world = World::new().await;
    let path = "contoso_endpoints?$select=contoso_nothing";
    let request = world.data(Method::POST, path).header("prefer", "return=representation");
    send(request.body("{\"contoso_name\":\"gone\"}")).await.expect(400);
    world.get("contoso_endpoints(contoso_name='gone')").await.expect(404);
}

#[tokio::test]
async fn the_upsert_table_holds() {
    let world = World::new().await;
    let body = json!({"contoso_notes": "x"});
    let (there, nowhere) =
        (format!("contoso_endpoints({SHIPMENTS})"), format!("contoso_endpoints({NOBODY})"));
    let tag = world.get(&there).await.header("etag").to_owned();
    let stale = "W/\"1\"";
    for (path, header, status, code) in [
        (&nowhere, Some(("if-match", "*")), 404, "0x80040217"),
        (&nowhere, Some(("if-match", stale)), 404, "0x80040217"),
        (&there, Some(("if-none-match", "*")), 412, "0x80040237"),
        (&there, Some(("if-match", stale)), 412, "0x80060882"),
        (&there, Some(("if-match", tag.as_str())), 204, ""),
        (&there, Some(("if-match", tag.as_str())), 412, "0x80060882"),
        (&there, Some(("if-match", "*")), 204, ""),
        (&there, None, 204, ""),
        (&nowhere, Some(("if-none-match", "*")), 204, ""),
        (&nowhere, Some(("if-none-match", "*")), 412, "0x80040237"),
        (&nowhere, None, 204, ""),
    ] {
        let headers: Vec<_> = header.into_iter().collect();
        let answer = world.patch(path, &body, &headers).await;
        assert_eq!(answer.status, status, "{path} {header:?} {}", answer.text);
        if status >= 400 {
            assert_eq!(answer.code(), code, "{path} {header:?}");
        } else {
            assert!(answer.header("odata-entityid").contains("contoso_endpoints("));
        }
    }
}

#[tokio::test]
async fn an_alternate_key_creates_and_changes() {
    let world = World::new().await;
    let path = "contoso_endpoints(contoso_name='feedback')";
    world
        .patch(path, &json!({"contoso_url": "https://a.example/"}), &[("if-match", "*")])
        .await
        .expect(404);
    world.patch(path, &json!({"contoso_url": "https://a.example/"}), &[]).await.expect(NO_CONTENT);
    world
        .patch(path, &json!({"contoso_name": "feedback", "contoso_url": "https://b.example/"}), &[])
        .await
        .expect(NO_CONTENT);
    assert_eq!(world.get(path).await.json()["contoso_url"], "https://b.example/");
}

#[tokio::test]
async fn a_row_goes_with_what_hangs_on_it() {
    let world = World::new().await;
    let id = world.definition_id("contoso_MaxItems").await;
    world.delete(&format!("environmentvariabledefinitions({id})")).await.expect(NO_CONTENT);
    assert_eq!(
        world.get("environmentvariablevalues?$filter=value eq '50'").await.json()["value"],
        json!([])
    );
    world.delete(&format!("environmentvariabledefinitions({id})")).await.expect(404);
    let stale = world
        .data(Method::DELETE, &format!("contoso_endpoints({SHIPMENTS})"))
        .header("if-match", "W/\"1\"");
    send(stale).await.expect(412);
}

#[tokio::test]
async fn single_properties_are_set_and_cleared() {
    let world = World::new().await;
    let path = format!("contoso_endpoints({SHIPMENTS})/contoso_notes");
    send(world.data(Method::PUT, &path).body("{\"value\":\"hello\"}")).await.expect(NO_CONTENT);
    assert_eq!(world.get(&path).await.json()["value"], "hello");
    world.delete(&path).await.expect(NO_CONTENT);
    world.get(&path).await.expect(NO_CONTENT);
}

#[tokio::test]
async fn a_value_is_bound_to_its_definition_by_the_exact_name() {
    let world = World::new().await;
    let id = world.definition_id("contoso_OrderIntakeUrl").await;
    let bind = format!("/environmentvariabledefinitions({id})");
    let wrong = json!({"value": "x", "environmentvariabledefinitionid@odata.bind": bind});
    let answer = world.post("environmentvariablevalues", &wrong).await.expect(400);
    assert_eq!(answer.code(), "0x80048d19");
    assert!(answer.text.contains("An undeclared property 'environmentvariabledefinitionid' which only has property annotations"));
    let right = json!({"value": "x", "EnvironmentVariableDefinitionId@odata.bind": bind});
    let created = world.post("environmentvariablevalues", &right).await.expect(NO_CONTENT);
    let address = created.header("odata-entityid").to_owned();
    let row = send(world.http.get(&address).bearer_auth(&world.token)).await.expect(200).json();
    assert_eq!(row["_environmentvariabledefinitionid_value"], id);
    assert_eq!(row["schemaname"].as_str().unwrap().len(), 36);
    let second = json!({"value": "y", "EnvironmentVariableDefinitionId@odata.bind": bind});
    assert_eq!(
        world.post("environmentvariablevalues", &second).await.expect(412).code(),
        "0x80060892"
    );
    let nobody = json!({"EnvironmentVariableDefinitionId@odata.bind": format!("/environmentvariabledefinitions({NOBODY})")});
    assert_eq!(
        world.post("environmentvariablevalues", &nobody).await.expect(404).code(),
        "0x80040217"
    );
}

#[tokio::test]
async fn older_organisations_have_another_key() {
    let switches = "[switches.dataverse]\nenvironment-variable-key = \"schema-name\"\nenvironment-variable-duplicate = \"record\"";
    let world = World::with(with_tenant(extended(switches))).await;
    let id = world.definition_id("contoso_OrderIntakeUrl").await;
    let bind = format!("/environmentvariabledefinitions({id})");
    let body = json!({"schemaname": "contoso_OrderIntakeUrl", "EnvironmentVariableDefinitionId@odata.bind": bind});
    world.post("environmentvariablevalues", &body).await.expect(NO_CONTENT);
    assert_eq!(
        world.post("environmentvariablevalues", &body).await.expect(412).code(),
        "0x80040237"
    );
    let unnamed = json!({"EnvironmentVariableDefinitionId@odata.bind": bind});
    world.post("environmentvariablevalues", &unnamed).await.expect(NO_CONTENT);
}

#[tokio::test]
async fn values_are_checked_against_their_columns() {
    let world = World::new().await;
    let path = format!("contoso_endpoints({SHIPMENTS})");
    for (body, code) in [
        (json!({"contoso_shorturl": "x".repeat(101)}), "0x80044331"),
        (json!({"contoso_priority": "one"}), "0x80048d19"),
        (json!({"contoso_priority": 3_000_000_000_u64}), "0x80048d19"),
        (json!({"contoso_active": "yes"}), "0x80048d19"),
        (json!({"contoso_url": 5}), "0x80048d19"),
        (json!({"contoso_nothing": 1}), "0x80048d19"),
        (json!({"Contoso_Url": "x"}), "0x80048d19"),
        (json!({"createdon": "2026-01-01T00:00:00Z"}), "0x80040203"),
        (json!({"statecode": 7}), "0x8004431a"),
        (json!({"statecode": 0, "statuscode": 2}), "0x80048408"),
    ] {
        assert_eq!(world.patch(&path, &body, &[]).await.expect(400).code(), code, "{body}");
    }
    let long = world.patch(&path, &json!({"contoso_shorturl": "x".repeat(101)}), &[]).await.json();
    assert_eq!(
        long["error"]["message"],
        "A validation error occurred.  The length of the 'contoso_shorturl' attribute of the 'contoso_endpoint' entity exceeded the maximum allowed length of '100'."
    );
    send(world.data(Method::PATCH, &path).body("{")).await.expect(400);
}

#[tokio::test]
async fn what_cannot_be_changed_later_is_refused_later() {
    let world = World::new().await;
    let id = world.definition_id("contoso_MaxItems").await;
    let path = format!("environmentvariabledefinitions({id})");
    assert_eq!(
        world.patch(&path, &json!({"schemaname": "x"}), &[]).await.expect(400).code(),
        "0x80040203"
    );
    world.patch(&path, &json!({"displayname": "x"}), &[]).await.expect(NO_CONTENT);
}

#[tokio::test]
async fn a_key_can_be_taken_once_whatever_its_case() {
    let world = World::new().await;
    let answer =
        world.post("contoso_endpoints", &json!({"contoso_name": "ORDERS"})).await.expect(412);
    assert_eq!(answer.code(), "0x80060892");
    assert!(answer.text.contains("Entity Key contoso_NameKey violated."));
    world
        .patch("contoso_endpoints(contoso_name='orders')", &json!({"contoso_name": "returns"}), &[])
        .await
        .expect(412);
}

#[tokio::test]
async fn versions_guard_only_where_the_table_has_them() {
    let tenant = changed(&[(
        "set = \"contoso_endpoints\"",
        "set = \"contoso_endpoints\"\noptimistic-concurrency = false",
    )]);
    let world = World::with(with_tenant(tenant)).await;
    let path = format!("contoso_endpoints({SHIPMENTS})");
    let answer = world
        .patch(&path, &json!({"contoso_notes": "x"}), &[("if-match", "W/\"1\"")])
        .await
        .expect(400);
    assert_eq!(answer.code(), "0x8006088d");
}

#[tokio::test]
async fn turning_a_flow_on_for_the_first_time_registers_it() {
    let world = World::new().await;
    let path = "workflows(394f185a-d3a6-f011-998a-7c1e5275cfe9)";
    assert!(world.get(path).await.json()["resourceid"].is_null());
    world.patch(path, &json!({"statecode": 1}), &[("if-match", "*")]).await.expect(NO_CONTENT);
    let on = world.get(path).await.json();
    assert_eq!(on["statuscode"], 2);
    let resource = on["resourceid"].as_str().unwrap().to_owned();
    assert_ne!(resource, "394f185a-d3a6-f011-998a-7c1e5275cfe9");
    world.patch(path, &json!({"statecode": 0, "statuscode": 1}), &[]).await.expect(NO_CONTENT);
    assert_eq!(world.get(path).await.json()["resourceid"], resource);
    world
        .patch(&format!("workflows({ORDER_INTAKE})"), &json!({"category": 0}), &[])
        .await
        .expect(400);
}

#[tokio::test]
async fn many_rows_are_upserted_together_or_not_at_all() {
    let world = World::new().await;
    let target = |name: &str, notes: String| json!({"@odata.type": "Microsoft.Dynamics.CRM.contoso_endpoint", "@odata.id": format!("contoso_endpoints(contoso_name='{name}')"), "contoso_notes": notes});
    let action = "contoso_endpoints/Microsoft.Dynamics.CRM.UpsertMultiple";
    let good = json!({"Targets": [target("orders", "a".into()), target("fresh", "b".into())]});
    world.post(action, &good).await.expect(NO_CONTENT);
    assert_eq!(
        world.get("contoso_endpoints(contoso_name='fresh')").await.json()["contoso_notes"],
        "b"
    );
    let bad = json!({"Targets": [target("other", "a".into()), target("orders", "x".repeat(2001))]});
    world.post(action, &bad).await.expect(400);
    world.get("contoso_endpoints(contoso_name='other')").await.expect(404);
    let one = json!({"Targets": [{"contoso_name": "m"}]});
    let action = "contoso_endpoints/Microsoft.Dynamics.CRM.CreateMultiple";
    let created = world.post(action, &one).await.expect(200).json();
    assert_eq!(created["Ids"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_bulk_delete_removes_what_its_query_finds() {
    let world = World::new().await;
    let delete = |attribute: &str, operator: &str, values: serde_json::Value| {
        json!({"JobName": "clean up", "QuerySet": [{
            "EntityName": "contoso_endpoint",
            "Criteria": {"FilterOperator": "And", "Conditions": [
                {"AttributeName": attribute, "Operator": operator, "Values": values}
            ]},
        }]})
    };
    let one = json!([{"Value": SHIPMENTS, "Type": "System.Guid"}]);
    let job = world.post("BulkDelete", &delete("contoso_endpointid", "In", one)).await.expect(200);
    assert_eq!(job.json()["JobId"].as_str().unwrap().len(), 36);
    world.get(&format!("contoso_endpoints({SHIPMENTS})")).await.expect(404);
    world.post("BulkDelete", &delete("contoso_priority", "Equal", json!([3]))).await.expect(200);
    let left = world.get("contoso_endpoints?$select=contoso_name").await.json();
    assert_eq!(left["value"].as_array().unwrap().len(), 1);
    world.post("BulkDelete", &delete("nothing", "Equal", json!([3]))).await.expect(400);
    world.post("BulkDelete", &delete("contoso_priority", "Near", json!([3]))).await.expect(400);
    world.post("BulkDelete", &json!({})).await.expect(400);
}

#[tokio::test]
async fn other_methods_are_refused_in_the_shape_of_the_service() {
    let world = World::new().await;
    assert_eq!(
        send(world.data(Method::PUT, "contoso_endpoints")).await.expect(405).code(),
        "0x8006088a"
    );
    world.delete("contoso_endpoints").await.expect(405);
}
