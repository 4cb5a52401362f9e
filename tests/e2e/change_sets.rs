//! More rows than one change set holds: they go in order, and a run that ends in between says
//! exactly which targets are in.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::harness::ORDER_INTAKE;
use super::tenant::Tenant;

/// Two full change sets and one of ten rows.
const VARIABLES: usize = 2_010;

/// The variables of the tenant, of which every seventh has a value.
fn variables() -> String {
    let mut text = String::new();
    for number in 1..=VARIABLES {
        let value = if number % 7 == 0 { "value = \"https://old.contoso.example/\"\n" } else { "" };
        let name = format!("contoso_Bulk{number:04}");
        writeln!(
            text,
            "[[environment-variable]]\nschema-name = \"{name}\"\ntype = \"string\"\n{value}"
        )
        .unwrap();
    }
    text
}

/// The flow with all of them as its targets.
fn flow() -> String {
    let mut text = format!("[[flow]]\nworkflow-id = \"{ORDER_INTAKE}\"\n");
    for number in 1..=VARIABLES {
        writeln!(text, "[[flow.target]]\nenvironment-variable = \"contoso_Bulk{number:04}\"")
            .unwrap();
    }
    text
}

/// A tenant with that fault for change sets, and a manifest that needs three of them.
fn tenant(fault: &str) -> (Tenant, String) {
    let head = "[[fault]]\nservice = \"dataverse\"\npath-contains = \"$batch\"\n";
    let tenant = Tenant::in_memory(&format!("{}{head}{fault}\n", variables()));
    let manifest = tenant.place.manifest(&flow());
    (tenant, manifest)
}

fn address(number: usize) -> String {
    format!("environment-variable/contoso_Bulk{number:04}")
}

/// How many of the variables hold the flow's URL.
fn written(tenant: &Tenant, manifest: &str) -> usize {
    let (_, document) = tenant.json(&["plan", "--manifest", manifest]);
    let changes = document["changes"].as_array().unwrap().iter();
    changes.filter(|change| change["action"] == "no-op").count()
}

/// What a run says that ended with the first change sets in, and no others.
fn assert_in_part(document: &Value, sets: usize) {
    let rows = sets * 1_000;
    assert_eq!(document["outcome"], "unknown", "{document:#}");
    let message = document["error"]["message"].as_str().unwrap();
    let share = format!("{sets} of 3 change sets are in ({rows} of {VARIABLES} rows)");
    assert!(message.starts_with("written in part: ") && message.contains(&share), "{message}");
    let told = [
        format!("in: {rows} targets, from {} to {}", address(1), address(rows)),
        format!(
            "not in: {} targets, from {} to {}",
            VARIABLES - rows,
            address(rows + 1),
            address(VARIABLES)
        ),
    ];
    let hints = document["error"]["hints"].as_array().unwrap();
    assert_eq!(hints[..2], told.map(Value::from));
    assert!(hints[2].as_str().unwrap().contains("run again"), "{hints:?}");
}

#[test]
fn a_failure_in_the_third_change_set_says_which_are_in_and_another_run_finishes() {
    let (tenant, manifest) = tenant("nth = 3\nstatus = 400");
    let apply = ["apply", "--manifest", &manifest];
    let (code, document) = tenant.json(&apply);
    assert_eq!((code, written(&tenant, &manifest)), (7, 2_000), "{}", document["error"]);
    assert_in_part(&document, 2);
    for outcome in ["applied", "agreed"] {
        let (code, document) = tenant.json(&apply);
        assert_eq!((code, &document["outcome"]), (0, &json!(outcome)), "{}", document["error"]);
    }
}

#[test]
fn the_journal_of_a_run_that_ended_in_part_undoes_that_part() {
    let (tenant, manifest) = tenant("nth = 3\nstatus = 400");
    let journal = tenant.place.path("journal").display().to_string();
    let plain = format!("plain:{journal}");
    let (code, document) = tenant.json(&["apply", "--manifest", &manifest, "--journal", &plain]);
    assert_eq!(code, 7);
    assert_in_part(&document, 2);
    let (code, document) = tenant.json(&["rollback", &plain]);
    assert_eq!((code, &document["outcome"]), (0, &json!("applied")), "{}", document["error"]);
    let (_, document) = tenant.json(&["plan", "--manifest", &manifest]);
    let actions = document["changes"].as_array().unwrap().iter().map(|change| &change["action"]);
    let updates = actions.clone().filter(|action| *action == "update").count();
    let creates = actions.filter(|action| *action == "create").count();
    assert_eq!((creates, updates), (VARIABLES - VARIABLES / 7, VARIABLES / 7));
}
