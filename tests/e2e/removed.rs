//! `[[removed]]`: targets that no longer get a URL.

use std::fs;

use serde_json::{Value, json};

use super::harness::{ORDER_INTAKE, Place, binds, place};

/// The flow that stays in the manifest.
const STAYS: &str = "f50bd416-9f62-f011-998a-7c1e5275cfe9";

/// Flows whose URLs go into a member of a variable, and into a record.
const STATUS: &str = "b1c7f0d2-5b2e-f011-998a-7c1e5275cfe9";
const SHIPMENTS: &str = "d3e9b2f4-7d40-f011-998a-7c1e5275cfe9";

/// The keys of a flow, each with the targets that lose its URL.
const REMOVED: [(&str, &str); 3] = [
    (ORDER_INTAKE, "environment-variable = \"contoso_OrderIntakeUrl\""),
    (STATUS, "environment-variable = \"contoso_Endpoints\"\njson-pointer = \"/orders/status\""),
    (
        SHIPMENTS,
        "table = \"contoso_endpoint\"\nkey = { contoso_name = \"shipments\" }\ncolumn = \"contoso_url\"",
    ),
];

/// A manifest that binds the flows, or removes their URLs.
fn manifest(place: &Place, kind: &str) -> String {
    let entries = REMOVED.map(|(id, target)| {
        format!("[[{kind}]]\nworkflow-id = \"{id}\"\n[[{kind}.target]]\n{target}\n")
    });
    place.manifest(&format!("{}{}", binds(STAYS, "contoso_PartnerWebhookUrl"), entries.concat()))
}

fn actions(document: &Value) -> Vec<&str> {
    let changes = document["changes"].as_array().unwrap().iter();
    changes.map(|change| change["action"].as_str().unwrap()).collect()
}

fn warnings(document: &Value) -> Vec<&str> {
    let warnings = document["warnings"].as_array().unwrap().iter();
    warnings.map(|warning| warning["code"].as_str().unwrap()).collect()
}

/// The rows of the sandbox, without what changes with each write.
fn values(place: &Place) -> Vec<Value> {
    let state: Value = serde_json::from_str(&fs::read_to_string(place.state()).unwrap()).unwrap();
    let tables = state["tables"].as_object().unwrap().values();
    let rows = tables.flat_map(|rows| rows.as_object().unwrap().values());
    let kept = rows.map(|row| json!([row["values"]["value"], row["values"]["contoso_url"]]));
    let mut kept: Vec<Value> = kept.filter(|row| *row != json!([null, null])).collect();
    kept.sort_by_key(Value::to_string);
    kept
}

#[test]
fn what_leaves_the_manifest_is_removed_and_a_rollback_brings_it_back() {
    let place = place();
    let bound = manifest(&place, "flow");
    assert_eq!(place.json(&["apply", "--manifest", &bound]).1["outcome"], "applied");
    let before = values(&place);
    let removed = manifest(&place, "removed");
    let journal = format!("plain:{}", place.path("journal").display());

    let (_, planned) = place.json(&["plan", "--manifest", &removed]);
    assert_eq!(actions(&planned), ["no-op", "delete", "delete", "delete"], "{planned:#}");
    assert_eq!((&planned["changes"][1]["after"], warnings(&planned).len()), (&Value::Null, 0));
    let (code, checked) = place.json(&["check", "--manifest", &removed, "--detailed-exitcode"]);
    assert_eq!((code, &checked["outcome"]), (2, &json!("drifted")), "{checked:#}");

    let apply = ["apply", "--manifest", &removed, "--journal", &journal];
    let (code, applied) = place.json(&apply);
    assert_eq!((code, &applied["outcome"]), (0, &json!("applied")), "{applied:#}");
    let now = values(&place);
    let text = Value::from(now.clone()).to_string();
    assert_eq!(now.len(), before.len() - 2, "the variable and the column hold nothing");
    assert!(!text.contains("\\\"status\\\"") && text.contains("\\\"orders\\\""), "{text}");
    assert_eq!(place.json(&["apply", "--manifest", &removed]).1["outcome"], "agreed");

    let (code, undone) = place.json(&["rollback", &journal]);
    assert_eq!((code, &undone["outcome"]), (0, &json!("applied")), "{undone:#}");
    let mut again = actions(&undone);
    again.sort_unstable();
    assert_eq!(again, ["create", "update", "update"], "{undone:#}");
    assert_eq!(values(&place), before);
    let (_, planned) = place.json(&["plan", "--manifest", &removed]);
    assert_eq!(actions(&planned), ["no-op", "delete", "delete", "delete"], "{planned:#}");
}

#[test]
fn a_value_that_is_not_the_url_of_the_flow_stays_and_is_told() {
    let place = place();
    assert_eq!(place.json(&["apply", "--manifest", &manifest(&place, "flow")]).0, 0);
    let entry = |id: &str| {
        let stays = binds(STAYS, "contoso_PartnerWebhookUrl");
        let removed =
            format!("[[removed]]\nworkflow-id = \"{id}\"\ntarget = \"contoso_OrderIntakeUrl\"\n");
        place.manifest(&format!("{stays}{removed}"))
    };
    let before = values(&place);
    // The URL of another flow; a flow that is off; and one that is not there.
    let off = "394f185a-d3a6-f011-998a-7c1e5275cfe9";
    for id in [STATUS, off, "8e946daf-28fb-f011-998a-7c1e5275cfe9"] {
        let (code, applied) = place.json(&["apply", "--manifest", &entry(id)]);
        assert_eq!((code, &applied["outcome"]), (0, &json!("agreed")), "{applied:#}");
        assert_eq!(actions(&applied), ["no-op", "no-op"]);
        assert_eq!(warnings(&applied), ["removed-kept"], "{applied:#}");
    }
    assert_eq!(values(&place), before);
}

#[test]
fn a_journal_that_makes_a_value_of_another_variable_is_refused() {
    let place = place();
    assert_eq!(place.json(&["apply", "--manifest", &manifest(&place, "flow")]).0, 0);
    let journal = place.path("journal");
    let named = format!("plain:{}", journal.display());
    let removed = manifest(&place, "removed");
    assert_eq!(place.json(&["apply", "--manifest", &removed, "--journal", &named]).0, 0);
    let text = fs::read_to_string(&journal).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let rows = document["rows"].as_array().unwrap().iter();
    let deleted = rows.filter_map(|row| row["origin"].get("deleted"));
    assert_eq!(deleted.count(), 1, "{document:#}");
    let forged = text.replace(
        "environment-variable/contoso_OrderIntakeUrl",
        "environment-variable/contoso_StockUrl",
    );
    fs::write(&journal, forged).unwrap();
    let before = values(&place);
    let (code, refused) = place.json(&["rollback", &named]);
    assert_eq!((code, &refused["outcome"]), (5, &json!("refused")), "{refused:#}");
    assert_eq!(refused["problems"][0]["code"], "label-mismatch", "{refused:#}");
    assert_eq!(values(&place), before);
}
