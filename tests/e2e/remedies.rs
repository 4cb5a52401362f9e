//! Remedies that a problem names, each followed once: the next run accepts it.

use std::fs;

use super::harness::{Ended, Place, binds, place};

const FLOW: &str = "22222222-0000-4000-8000-00000000ab03";
const RESOURCE: &str = "33333333-0000-4000-8000-00000000ab03";

/// A place with a tenant that has a flow and a variable.
fn tenant(variable_type: &str, value: &str) -> (Place, String) {
    let place = place();
    let tenant = place.tenant_with(&format!(
        "[[flow]]\nname = \"Remedies\"\nworkflow-id = \"{FLOW}\"\nresource-id = \"{RESOURCE}\"\nauthentication = \"Tenant\"\n[[environment-variable]]\nschema-name = \"contoso_Remedy\"\ndisplay-name = \"Remedy\"\ntype = \"{variable_type}\"\nvalue = {}",
        serde_json::json!(value)
    ));
    (place, tenant)
}

fn run(place: &Place, tenant: &str, command: &[&str], target: &str) -> (Ended, String) {
    let manifest = place.manifest(
        &binds(FLOW, "contoso_Remedy").replace("environment-variable = \"contoso_Remedy\"", target),
    );
    let at = ["--manifest", &manifest, "--sandbox-tenant", tenant];
    let ended = place.run(&[command, &at].concat());
    let words = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    (ended, words)
}

const MEMBER: &str = "environment-variable = \"contoso_Remedy\"\njson-pointer = \"/order\"";
const WHOLE: &str = "environment-variable = \"contoso_Remedy\"";

#[test]
fn a_pointer_into_no_json_may_be_left_out_only_where_the_whole_text_may_be_replaced() {
    let (place, tenant) = tenant("json", "{ // per environment\n \"order\": \"x\" }");
    let (ended, text) = run(&place, &tenant, &["plan"], MEMBER);
    assert_eq!(ended.code, 5, "{text}");
    assert!(
        text.contains("the variable's value is not JSON: JSON has no comments (line 1, column 3)"),
        "{text}"
    );
    assert!(!text.contains("`json-pointer`"), "{text}");
    let (place, tenant) = self::tenant("string", "TODO");
    let (_, text) = run(&place, &tenant, &["plan"], MEMBER);
    assert!(text.contains("or remove `json-pointer`: the URL then replaces"), "{text}");
    assert_eq!(run(&place, &tenant, &["apply"], WHOLE).0.code, 0);
}

#[test]
fn a_text_with_parts_names_a_pointer_of_its_own_kind() {
    let (place, tenant) = tenant("string", "[\"https://contoso.example\", 2]");
    let (_, text) = run(&place, &tenant, &["plan"], WHOLE);
    assert!(text.contains("`json-pointer`, such as \"/0\""), "{text}");
    let element = format!("{WHOLE}\njson-pointer = \"/0\"");
    assert_eq!(run(&place, &tenant, &["apply"], &element).0.code, 0);
}

#[test]
fn an_export_blames_the_file_for_what_the_file_holds() {
    let (place, tenant) = tenant("json", "{\"order\": \"x\"}");
    let file = place.path("settings.json");
    let entry = "{\"SchemaName\": \"contoso_Remedy\", \"Value\": \"{order: x}\"}";
    fs::write(&file, format!("{{\"EnvironmentVariables\": [{entry}]}}")).unwrap();
    let export = ["export", "--deployment-settings", file.to_str().unwrap()];
    let (ended, text) = run(&place, &tenant, &export, MEMBER);
    assert_eq!(ended.code, 5, "{text}");
    assert!(
        text.contains("the value in the file is not JSON: a name in double quotes is missing"),
        "{text}"
    );
    assert!(text.contains("help: delete the entry from the file"), "{text}");
    fs::write(&file, "{\"EnvironmentVariables\": []}").unwrap();
    let (ended, text) = run(&place, &tenant, &export, MEMBER);
    assert_eq!(ended.code, 0, "{text}{}", ended.stderr);
}

#[test]
fn a_resource_id_is_told_with_the_workflow_id_that_is_meant() {
    let (place, tenant) = tenant("string", "TODO");
    let run = |id: &str| {
        let manifest = place.manifest(&binds(id, "contoso_Remedy"));
        place.run(&["plan", "--manifest", &manifest, "--sandbox-tenant", &tenant])
    };
    let ended = run(RESOURCE);
    let text = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(ended.code, 5, "{text}");
    let wanted = format!("`{RESOURCE}` is the resource id of the flow `Remedies`");
    assert!(text.contains(&wanted), "{text}");
    assert!(text.contains(&format!("workflow-id = \"{FLOW}\"")), "{text}");
    assert_eq!(run(FLOW).code, 0);
}

#[test]
fn a_name_that_does_not_exist_gets_the_nearest_one_that_does() {
    let (place, tenant) = tenant("string", "TODO");
    for (target, near) in [
        ("environment-variable = \"contoso_Remedi\"", "contoso_Remedy"),
        (
            "table = \"contoso_endpoints\"\nkey = { contoso_name = \"x\" }\ncolumn = \"contoso_url\"",
            "contoso_endpoint",
        ),
        (
            "table = \"contoso_endpoint\"\nkey = { contoso_name = \"x\" }\ncolumn = \"contoso_ulr\"",
            "contoso_url",
        ),
        (
            "table = \"contoso_endpoint\"\nkey = { contoso_nam = \"x\" }\ncolumn = \"contoso_url\"",
            "contoso_name",
        ),
    ] {
        let (ended, text) = run(&place, &tenant, &["plan"], target);
        assert_eq!(ended.code, 5, "{text}");
        assert!(text.contains(&format!("did you mean `{near}`?")), "{target}: {text}");
    }
    let (ended, text) = run(&place, &tenant, &["plan"], "environment-variable = \"other_Thing\"");
    assert!(ended.code == 5 && !text.contains("did you mean"), "{text}");
    let output = "URL=environment-variable/contoso_Remedi";
    let manifest = place.manifest(&binds(FLOW, "contoso_Remedy"));
    let apply = ["apply", "--manifest", &manifest, "--ci", "azure", "--output-url", output];
    let ended = place.run_with(&[("TF_BUILD", "True")], &apply);
    let near = "did you mean `environment-variable/contoso_Remedy`?";
    let text = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(ended.code == 3 && text.contains(near), "{text}");
}
