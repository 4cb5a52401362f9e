//! All rows of a run go in one change set, and what does not fit into one is refused beforehand.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};

use super::harness::ORDER_INTAKE;
use super::tenant::Tenant;

/// The most rows of a change set.
const MOST: usize = 1_000;

/// A tenant with one variable more than fits, and none of them has a value.
fn tenant() -> Tenant {
    let mut variables = String::new();
    for number in 0..=MOST {
        writeln!(
            variables,
            "[[environment-variable]]\nschema-name = \"contoso_Bulk{number:04}\"\ntype = \"string\"\n"
        )
        .unwrap();
    }
    Tenant::in_memory(&variables)
}

/// A manifest that binds those variables.
fn manifest(tenant: &Tenant, numbers: std::ops::Range<usize>) -> String {
    let mut flow = format!("[[flow]]\nworkflow-id = \"{ORDER_INTAKE}\"\n");
    for number in numbers {
        writeln!(flow, "[[flow.target]]\nenvironment-variable = \"contoso_Bulk{number:04}\"")
            .unwrap();
    }
    tenant.place.manifest(&flow)
}

/// How many change sets the sandbox was sent.
fn change_sets(tenant: &Tenant) -> u64 {
    let told = tenant.served.control("GET", "/_sandbox/requests", &Value::Null);
    let rows = told["requests"].as_array().unwrap().iter();
    let sets = rows.filter(|row| row["template"].as_str().unwrap().ends_with("/$batch"));
    sets.filter_map(|row| row["count"].as_u64()).sum()
}

fn assert_too_many(code: i32, document: &Value) {
    assert_eq!((code, &document["outcome"]), (5, &json!("refused")), "{document:#}");
    let problem = &document["problems"][0];
    assert_eq!(problem["code"], "too-many-rows", "{problem}");
}

#[test]
fn more_rows_than_one_change_set_takes_are_refused_and_nothing_is_sent() {
    let tenant = tenant();
    let all = manifest(&tenant, 0..MOST + 1);
    for command in ["plan", "apply"] {
        let (code, document) = tenant.json(&[command, "--manifest", &all]);
        assert_too_many(code, &document);
        let problem = &document["problems"][0];
        assert!(problem["message"].as_str().unwrap().contains(" 1001 rows,"), "{problem}");
        assert!(problem["hint"].as_str().unwrap().contains("split the manifest"), "{problem}");
    }
    assert_eq!(change_sets(&tenant), 0);
    // What is up to date is no row to write.
    let most = manifest(&tenant, 0..MOST);
    let (code, document) = tenant.json(&["apply", "--manifest", &most]);
    assert_eq!((code, &document["outcome"]), (0, &json!("applied")), "{}", document["error"]);
    let all = manifest(&tenant, 0..MOST + 1);
    let (code, document) = tenant.json(&["apply", "--manifest", &all]);
    assert_eq!((code, &document["outcome"]), (0, &json!("applied")), "{}", document["error"]);
    assert_eq!(change_sets(&tenant), 2);
}

#[test]
fn a_journal_of_more_rows_than_one_change_set_takes_is_not_rolled_back() {
    let tenant = tenant();
    let path = |name: &str| tenant.place.path(name);
    let mut journals = Vec::new();
    for (name, numbers) in [("first", 0..600), ("second", 600..MOST + 1)] {
        let manifest = manifest(&tenant, numbers);
        let plain = format!("plain:{}", path(name).display());
        assert_eq!(tenant.json(&["apply", "--manifest", &manifest, "--journal", &plain]).0, 0);
        let text = fs::read(path(name)).unwrap();
        journals.push(serde_json::from_slice::<Value>(&text).unwrap());
    }
    let more = journals[1]["rows"].as_array().unwrap().clone();
    journals[0]["rows"].as_array_mut().unwrap().extend(more);
    fs::write(path("first"), journals[0].to_string()).unwrap();
    let sent = change_sets(&tenant);
    let (code, document) =
        tenant.json(&["rollback", &format!("plain:{}", path("first").display())]);
    assert_too_many(code, &document);
    assert_eq!(change_sets(&tenant), sent);
    let (code, document) =
        tenant.json(&["rollback", &format!("plain:{}", path("second").display())]);
    assert_eq!((code, &document["outcome"]), (0, &json!("applied")), "{}", document["error"]);
}
