//! Descriptions of tables.

use reqwest::Method;
use serde_json::json;

use crate::world::{SHIPMENTS, World, changed, send, with_tenant};

#[tokio::test]
async fn a_table_is_described_by_name() {
    let world = World::new().await;
    let path = "EntityDefinitions(LogicalName='contoso_endpoint')?$select=EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,IsOptimisticConcurrencyEnabled";
    let body = world.get(path).await.expect(200).json();
    assert_eq!(body["EntitySetName"], "contoso_endpoints");
    assert_eq!(body["PrimaryIdAttribute"], "contoso_endpointid");
    assert_eq!(body["PrimaryNameAttribute"], "contoso_name");
    assert_eq!(body["IsOptimisticConcurrencyEnabled"], true);
    assert!(body["MetadataId"].is_string() && body.get("LogicalName").is_none());
    world.get("EntityDefinitions(LogicalName='nothing')").await.expect(404);
}

#[tokio::test]
async fn tables_are_found_by_either_name() {
    let world = World::new().await;
    for filter in [
        "LogicalName eq 'environmentvariablevalue'",
        "EntitySetName eq 'environmentvariablevalues'",
    ] {
        let path = format!(
            "EntityDefinitions?$select=LogicalName,EntitySetName,PrimaryIdAttribute&$filter={filter}"
        );
        let body = world.get(&path).await.expect(200).json();
        assert_eq!(body["value"].as_array().unwrap().len(), 1);
        assert_eq!(body["value"][0]["PrimaryIdAttribute"], "environmentvariablevalueid");
    }
}

#[tokio::test]
async fn keys_are_listed_and_expanded() {
    let world = World::new().await;
    let keys = world
        .get("EntityDefinitions(LogicalName='contoso_endpoint')/Keys")
        .await
        .expect(200)
        .json();
    assert_eq!(keys["value"][0]["KeyAttributes"], json!(["contoso_name"]));
    assert_eq!(keys["value"][0]["EntityKeyIndexStatus"], "Active");
    let path = "EntityDefinitions(LogicalName='environmentvariablevalue')?$select=SchemaName&$expand=Keys($select=KeyAttributes)";
    let body = world.get(path).await.expect(200).json();
    assert_eq!(body["Keys"][0]["KeyAttributes"].as_array().unwrap().len(), 3);
    assert!(body["Keys"][0].get("SchemaName").is_none());
}

#[tokio::test]
async fn a_length_needs_the_cast() {
    let world = World::new().await;
    let column =
        "EntityDefinitions(LogicalName='contoso_endpoint')/Attributes(LogicalName='contoso_url')";
    let plain = world
        .get(&format!("{column}?$select=LogicalName,AttributeType,IsValidForUpdate"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&plain["AttributeType"], &plain["IsValidForUpdate"]),
        (&json!("String"), &json!(true))
    );
    assert_eq!(plain["@odata.type"], "#Microsoft.Dynamics.CRM.StringAttributeMetadata");
    assert_eq!(
        world.get(&format!("{column}?$select=MaxLength")).await.expect(400).code(),
        "0x80060888"
    );
    let cast = format!(
        "{column}/Microsoft.Dynamics.CRM.StringAttributeMetadata?$select=LogicalName,MaxLength"
    );
    assert_eq!(world.get(&cast).await.expect(200).json()["MaxLength"], 500);
    world.get(&format!("{column}/Microsoft.Dynamics.CRM.MemoAttributeMetadata")).await.expect(404);
    assert_eq!(world.get(column).await.expect(200).json()["MaxLength"], 500);
    world
        .get("EntityDefinitions(LogicalName='contoso_endpoint')/Attributes(LogicalName='nothing')")
        .await
        .expect(404);
}

#[tokio::test]
async fn casts_of_collections_keep_one_type() {
    let world = World::new().await;
    let attributes = "EntityDefinitions(LogicalName='contoso_endpoint')/Attributes";
    let all = world.get(&format!("{attributes}?$select=LogicalName")).await.expect(200).json();
    assert!(all["value"].as_array().unwrap().len() > 10);
    let memos = world.get(&format!("{attributes}/Microsoft.Dynamics.CRM.MemoAttributeMetadata?$select=LogicalName,MaxLength")).await.json();
    assert_eq!(memos["value"].as_array().unwrap().len(), 1);
    let picklists = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet($select=Options)";
    assert_eq!(
        world.get(&format!("{attributes}/{picklists}")).await.expect(200).json()["value"],
        json!([])
    );
    let typed = world
        .get(&format!("EntityDefinitions(LogicalName='workflow')/Attributes/{picklists}"))
        .await
        .expect(200)
        .json();
    assert!(typed["value"][0]["OptionSet"]["Options"].is_array());
    let filtered = format!(
        "{attributes}?$select=LogicalName&$filter=AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Memo'"
    );
    assert_eq!(world.get(&filtered).await.expect(200).json()["value"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn relationships_tell_navigation_properties() {
    let world = World::new().await;
    let path = "EntityDefinitions(LogicalName='environmentvariablevalue')/ManyToOneRelationships?$select=ReferencingAttribute,ReferencingEntityNavigationPropertyName&$filter=ReferencingAttribute eq 'environmentvariabledefinitionid'";
    let body = world.get(path).await.expect(200).json();
    assert_eq!(
        body["value"][0]["ReferencingEntityNavigationPropertyName"],
        "EnvironmentVariableDefinitionId"
    );
}

#[tokio::test]
async fn the_service_document_lists_the_sets_and_tables_are_not_changed() {
    let world = World::new().await;
    let body = world.get("").await.expect(200).json();
    assert!(body["value"].as_array().unwrap().iter().any(|set| set["name"] == "contoso_endpoints"));
    send(world.data(Method::POST, "EntityDefinitions").body("{}")).await.expect(405);
}

/// The shipped tenant with a table of another kind.
async fn other_table(replacements: &[(&str, &str)]) -> World {
    World::with(with_tenant(changed(replacements))).await
}

#[tokio::test]
async fn a_table_is_described_with_its_kind_its_security_and_its_keys_index() {
    let world = other_table(&[
        ("name = \"contoso_endpoint\"", "name = \"contoso_endpoint\"\ntype = \"elastic\""),
        ("name = \"contoso_url\"", "name = \"contoso_url\"\nsecured = \"unreadable\""),
        ("name = \"contoso_notes\"", "name = \"contoso_notes\"\nvalid-for-read = false"),
        ("columns = [\"contoso_name\"]", "columns = [\"contoso_name\"]\nindex-status = \"failed\""),
    ])
    .await;
    let path = "EntityDefinitions(LogicalName='contoso_endpoint')?$select=TableType&$expand=Attributes,Keys";
    let table = world.get(path).await.expect(200).json();
    assert_eq!(table["TableType"], "Elastic");
    assert_eq!(table["Keys"][0]["EntityKeyIndexStatus"], "Failed");
    let column = |name: &str| {
        let columns = table["Attributes"].as_array().unwrap();
        columns.iter().find(|column| column["LogicalName"] == name).unwrap().clone()
    };
    assert_eq!(column("contoso_url")["IsSecured"], true);
    assert_eq!(column("contoso_url")["CanBeSecuredForRead"], true);
    assert_eq!(column("contoso_notes")["IsValidForRead"], false);
    assert_eq!(column("contoso_name")["IsSecured"], false);
    let row = world.get(&format!("contoso_endpoints({SHIPMENTS})")).await.expect(200).json();
    assert!(row["contoso_url"].is_null() && row.get("contoso_notes").is_none(), "{row}");
    for query in ["$select=contoso_notes", "$filter=contoso_notes eq 'x'"] {
        world.get(&format!("contoso_endpoints?{query}")).await.expect(400);
    }
    let none = world.get("contoso_endpoints?$filter=contoso_url ne null").await.expect(200).json();
    assert_eq!(none["value"], json!([]));
}

#[tokio::test]
async fn rows_come_without_a_tag_where_the_tenant_says_so() {
    let other = [("[sign-in]", "[sign-in]")];
    let untagged =
        ("location = \"europe\"", "location = \"europe\"\nwithout-etags = [\"contoso_endpoint\"]");
    let kind = ("name = \"contoso_endpoint\"", "name = \"contoso_endpoint\"\ntype = \"virtual\"");
    for (replacement, tagged) in [(other[0], true), (untagged, false), (kind, false)] {
        let world = other_table(&[replacement]).await;
        let rows = world.get("contoso_endpoints").await.expect(200).json();
        assert_eq!(rows["value"][0].get("@odata.etag").is_some(), tagged);
    }
}

#[tokio::test]
async fn standard_columns_are_known_and_hold_nothing_or_their_default() {
    let world = World::new().await;
    for (set, column, value) in [
        ("workflows", "xaml", json!(null)),
        ("workflows", "ondemand", json!(false)),
        ("workflows", "iscrmuiworkflow", json!(false)),
        ("workflows", "_licensee_value", json!(null)),
        ("environmentvariabledefinitions", "introducedversion", json!(null)),
        ("environmentvariablevalues", "importsequencenumber", json!(null)),
        ("solutions", "isapimanaged", json!(false)),
        ("systemusers", "azurestate", json!(0)),
        ("systemusers", "address1_latitude", json!(null)),
        ("organizations", "isauditenabled", json!(false)),
        ("organizations", "maxdepthforhierarchicalsecuritymodel", json!(null)),
        ("organizations", "enablebingmapsintegration", json!(null)),
        ("organizations", "trackingprefix", json!(null)),
        ("publishers", "customizationprefix", json!("contoso")),
        ("contoso_endpoints", "_owningteam_value", json!(null)),
    ] {
        let body = world.get(&format!("{set}?$select={column}&$top=1")).await.expect(200).json();
        assert_eq!(body["value"][0][column], value, "{set} {column} {body}");
    }
}

#[tokio::test]
async fn a_column_that_no_table_has_is_still_refused() {
    let world = World::new().await;
    for path in ["workflows?$select=onrequest", "publishers?$select=prefix", "flowruns?$select=x"] {
        assert_eq!(world.get(path).await.expect(400).code(), "0x80060888", "{path}");
    }
}

#[tokio::test]
async fn standard_tables_are_served_and_a_solution_leads_to_its_publisher() {
    let world = World::new().await;
    for set in ["connectionreferences", "flowruns", "sdkmessages", "sdkmessagefilters"] {
        let body = world.get(set).await.expect(200).json();
        assert_eq!(body["value"], json!([]), "{set}");
    }
    let path = "solutions?$select=uniquename,installedon&$expand=publisherid($select=uniquename)";
    let body = world.get(path).await.expect(200).json();
    assert_eq!(body["value"][0]["publisherid"]["uniquename"], "contoso");
    assert!(body["value"][0]["installedon"].is_string());
    let path = "systemusers?$expand=businessunitid($select=name)&$filter=accessmode eq 0";
    let body = world.get(path).await.expect(200).json();
    assert!(body["value"][0]["businessunitid"]["name"].is_string(), "{body}");
}

#[tokio::test]
async fn a_connection_reference_is_kept_under_a_name_of_its_own() {
    let world = World::new().await;
    let body = json!({
        "connectionreferencelogicalname": "contoso_shared",
        "connectionreferencedisplayname": "Shared",
        "connectorid": "/providers/Microsoft.PowerApps/apis/shared_office365",
    });
    world.post("connectionreferences", &body).await.expect(204);
    let again = world.post("connectionreferences", &body).await;
    assert_eq!(again.expect(412).code(), "0x80060892");
}

#[tokio::test]
async fn the_version_of_the_organization_is_told() {
    let world = World::new().await;
    let body = world.get("RetrieveVersion()").await.expect(200).json();
    assert!(body["Version"].as_str().unwrap().starts_with("9.2."));
}

#[tokio::test]
async fn descriptions_have_the_standard_properties() {
    let world = World::new().await;
    let path = "EntityDefinitions(LogicalName='workflow')?$select=IsActivityParty,IsAuditEnabled,Privileges,CollectionSchemaName&$expand=ManyToOneRelationships($select=ReferencingAttribute),Attributes($select=IsValidODataAttribute,IsCustomizable)";
    let body = world.get(path).await.expect(200).json();
    assert_eq!(body["IsAuditEnabled"]["ManagedPropertyLogicalName"], "isauditenabled");
    let names =
        |name: &str| body["Privileges"].as_array().unwrap().iter().any(|one| one["Name"] == name);
    assert!(names("prvWriteWorkflow") && names("prvAppendToWorkflow"));
    let relationships = body["ManyToOneRelationships"].as_array().unwrap();
    assert!(relationships.iter().any(|one| one["ReferencingAttribute"] == "licensee"));
    let path = "EntityDefinitions(LogicalName='environmentvariablevalue')/ManyToOneRelationships?$select=IsCustomRelationship,CascadeConfiguration&$filter=ReferencingAttribute eq 'environmentvariabledefinitionid'";
    let found = world.get(path).await.expect(200).json();
    assert_eq!(found["value"][0]["CascadeConfiguration"]["Delete"], "Cascade");
    assert_eq!(body["Attributes"][0]["IsValidODataAttribute"], true);
    world.get("EntityDefinitions?$select=LogicalName,IsColourful").await.expect(400);
}

#[tokio::test]
async fn no_table_has_a_column_twice() {
    let world = World::new().await;
    let path = "EntityDefinitions?$select=LogicalName&$expand=Attributes($select=LogicalName)";
    let body = world.get(path).await.expect(200).json();
    for table in body["value"].as_array().unwrap() {
        let columns = table["Attributes"].as_array().unwrap().iter();
        let mut names: Vec<&str> =
            columns.map(|one| one["LogicalName"].as_str().unwrap()).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "{}", table["LogicalName"]);
    }
}
