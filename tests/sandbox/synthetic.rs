//! Made-up flows and variables.

use flowbind_sandbox::{Synthetic, Tenant};

use crate::world::{World, in_file, with_tenant};

const FLOWS: Synthetic = Synthetic { flows: 30, targets_per_flow: 2 };

fn tenant() -> Tenant {
    Tenant::embedded().with_synthetic(FLOWS)
}

#[tokio::test]
async fn there_are_as_many_flows_and_variables_as_asked_for_and_no_others() {
    let world = World::with(with_tenant(tenant())).await;
    let count = async |set: &str| world.get(&format!("{set}/$count")).await.expect(200).text;
    assert_eq!(count("workflows").await, "\u{feff}30");
    assert_eq!(count("environmentvariabledefinitions").await, "\u{feff}60");
}

#[tokio::test]
async fn each_flow_shows_a_large_definition_that_can_be_searched_and_replaced() {
    let world = World::with(with_tenant(tenant())).await;
    let row = world.get("workflows?$select=clientdata&$top=1").await.expect(200).json();
    let row = &row["value"][0];
    assert!(row["clientdata"].as_str().unwrap().len() >= 40_000);
    let path = format!("workflows({})", row["workflowid"].as_str().unwrap());
    world.patch(&path, &serde_json::json!({"clientdata": "{}"}), &[]).await.expect(204);
    assert_eq!(world.get(&path).await.expect(200).json()["clientdata"], "{}");
    let path = "workflows?$select=name&$filter=contains(clientdata,'Compose_1')&$count=true";
    assert_eq!(world.get(path).await.expect(200).json()["@odata.count"], 29);
}

#[tokio::test]
async fn a_state_file_holds_no_definition_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let settings = || crate::world::Settings { tenant: tenant(), ..in_file(path.clone()) };
    let name = "contoso_Flow00007Url2";
    let world = World::with(settings()).await;
    let id = world.definition_id(name).await;
    drop(world);
    assert!(std::fs::metadata(&path).unwrap().len() < 400_000);
    let world = World::with(settings()).await;
    assert!(!world.server.started_anew());
    assert_eq!(world.definition_id(&name.to_uppercase()).await, id);
}
