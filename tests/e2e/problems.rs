//! Every problem that a plan can find, on tenants that have it.

use std::collections::BTreeSet;

use super::harness::{ORDER_INTAKE, Place, binds, place};

/// What the plan of a manifest finds on a tenant.
fn codes(place: &Place, manifest: &str, tenant: &str) -> BTreeSet<String> {
    let (code, document) =
        place.json(&["apply", "--manifest", manifest, "--sandbox-tenant", tenant]);
    assert_eq!((code, &document["outcome"]), (5, &"refused".into()), "{document:#}");
    let problems = document["problems"].as_array().unwrap().iter();
    let problems = problems.inspect(|problem| {
        assert!(problem["hint"].as_str().unwrap().len() > 10, "{problem}");
        assert!(problem["line"].is_u64() && problem["address"].is_string(), "{problem}");
    });
    problems.map(|problem| problem["code"].as_str().unwrap().to_owned()).collect()
}

/// A flow of the sandbox that is suspended, and one that is off.
const SUSPENDED: &str = "4a50296b-e4b7-f011-998a-7c1e5275cfe9";
const OFF: &str = "394f185a-d3a6-f011-998a-7c1e5275cfe9";

/// The problems of the shipped tenant's flow bound to a variable.
fn of_flow(workflow_id: &str) -> String {
    let place = place();
    let manifest = place.manifest(&binds(workflow_id, "contoso_OrderIntakeUrl"));
    let tenant = place.tenant(&[]);
    codes(&place, &manifest, &tenant).into_iter().collect::<Vec<_>>().join(",")
}

/// The problems of a target of the shipped tenant.
fn of_target(target: &str) -> String {
    let place = place();
    let manifest = place.manifest(&format!(
        "[[flow]]\nworkflow-id = \"{ORDER_INTAKE}\"\n[[flow.target]]\n{target}\n"
    ));
    let tenant = place.tenant(&[]);
    codes(&place, &manifest, &tenant).into_iter().collect::<Vec<_>>().join(",")
}

#[test]
fn a_flow_that_has_no_url_for_others_is_refused_with_its_reason() {
    assert_eq!(of_flow("172df638-b184-f011-998a-7c1e5275cfe9"), "trigger-not-http");
    assert_eq!(of_flow("283e0749-c295-f011-998a-7c1e5275cfe9"), "trigger-not-http");
    assert_eq!(of_flow("394f185a-d3a6-f011-998a-7c1e5275cfe9"), "flow-draft");
    assert_eq!(of_flow("4a50296b-e4b7-f011-998a-7c1e5275cfe9"), "flow-suspended");
    assert_eq!(of_flow("5b613a7c-f5c8-f011-998a-7c1e5275cfe9"), "flow-not-owned");
    assert_eq!(of_flow("6c724b8d-06d9-f011-998a-7c1e5275cfe9"), "trigger-ambiguous");
    assert_eq!(of_flow("7d835c9e-17ea-f011-998a-7c1e5275cfe9"), "flow-not-cloud");
    assert_eq!(of_flow("8e946daf-28fb-f011-998a-7c1e5275cfe9"), "flow-not-found");
}

/// The message and the hint of a suspended flow, on a tenant that says more about it.
fn of_suspended(more: &str) -> (String, String) {
    let place = place();
    let manifest = place.manifest(&binds(SUSPENDED, "contoso_OrderIntakeUrl"));
    let state = "state = \"suspended\"\n";
    let tenant = place.tenant(&[(state, &format!("{state}{more}\n"))]);
    let (_, document) = place.json(&["plan", "--manifest", &manifest, "--sandbox-tenant", &tenant]);
    let problem = &document["problems"][0];
    let text = |key: &str| problem[key].as_str().unwrap().to_owned();
    assert_eq!(problem["code"], "flow-suspended", "{document:#}");
    (text("message"), text("hint"))
}

#[test]
fn a_suspended_flow_says_why_and_what_ends_it() {
    assert!(of_suspended("").0.contains("a data policy"));
    let (why, hint) = of_suspended("suspension-reason = \"NeverTriggeringDetected\"");
    assert!(why.contains("90 days") && hint.starts_with("turn the flow on"), "{why}; {hint}");
    let details = "suspension-reason = \"None\"\nsuspension-details = \"This flow was suspended because flows owned by service principals are not compliant.\"";
    let (why, hint) = of_suspended(details);
    assert!(why.contains("an application (a service principal) owns it"), "{why}");
    assert!(hint.contains(&format!("PATCH /api/data/v9.2/workflows({SUSPENDED})")), "{hint}");
    assert!(hint.contains("licensee_systemuserid@odata.bind"), "{hint}");
}

#[test]
fn a_flow_that_the_service_turned_off_says_why() {
    let place = place();
    let manifest = place.manifest(&binds(OFF, "contoso_OrderIntakeUrl"));
    let state = "state = \"draft\"\n";
    let reason = format!("{state}suspension-reason = \"AlwaysFailingDetected\"\n");
    let tenant = place.tenant(&[(state, &reason)]);
    let ended = place.run(&["plan", "--manifest", &manifest, "--sandbox-tenant", &tenant]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let words = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("its runs failed for 14 days"), "{words}");
}

#[test]
fn a_variable_that_cannot_take_a_url_is_refused_with_its_reason() {
    assert_eq!(of_target("environment-variable = \"contoso_MaxItems\""), "variable-type");
    assert_eq!(of_target("environment-variable = \"contoso_UseNewFlow\""), "variable-type");
    assert_eq!(of_target("environment-variable = \"contoso_Site\""), "variable-type");
    assert_eq!(of_target("environment-variable = \"contoso_ApiSecret\""), "variable-type");
    assert_eq!(of_target("environment-variable = \"contoso_Nothing\""), "definition-missing");
    assert_eq!(
        of_target("environment-variable = \"contoso_PartnerWebhookUrl\"\njson-pointer = \"/a\""),
        "value-not-json"
    );
}

#[test]
fn a_record_that_cannot_take_a_url_is_refused_with_its_reason() {
    let column = |key: &str, column: &str| {
        of_target(&format!(
            "table = \"contoso_endpoint\"\nkey = {{ {key} }}\ncolumn = \"{column}\""
        ))
    };
    assert_eq!(column("contoso_name = \"nobody\"", "contoso_url"), "record-missing");
    assert_eq!(column("contoso_region = \"emea\"", "contoso_url"), "record-ambiguous");
    assert_eq!(column("contoso_name = \"shipments\"", "contoso_nothing"), "column-missing");
    assert_eq!(column("contoso_nothing = \"x\"", "contoso_url"), "column-missing");
    assert_eq!(column("contoso_priority = \"x\"", "contoso_url"), "key-type");
    assert_eq!(column("contoso_name = \"shipments\"", "contoso_priority"), "column-not-text");
    assert_eq!(column("contoso_name = \"shipments\"", "contoso_shorturl"), "value-too-long");
    let elsewhere =
        "table = \"contoso_nothing\"\nkey = { contoso_name = \"x\" }\ncolumn = \"contoso_url\"";
    assert_eq!(of_target(elsewhere), "table-missing");
}

#[test]
fn a_missing_privilege_is_named_and_the_other_problems_are_found_all_the_same() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_Nothing"));
    let tenant =
        place.tenant(&[("missing-privileges = []", "missing-privileges = [\"prvReadWorkflow\"]")]);
    let ended = place.run(&["plan", "--manifest", &manifest, "--sandbox-tenant", &tenant]);
    assert_eq!(ended.code, 5);
    assert!(
        ended.stdout.contains("a security role with the privilege `prvReadWorkflow`"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("definition-missing"));
}

/// A target in a record that exists.
const IN_A_RECORD: &str = "[[flow.target]]\ntable = \"contoso_endpoint\"\nkey = { contoso_name = \"shipments\" }\ncolumn = \"contoso_url\"\n";

#[test]
fn a_privilege_that_a_write_lacks_is_a_problem_beside_the_others_and_nothing_is_sent() {
    let place = place();
    let first = binds(ORDER_INTAKE, "contoso_Nothing");
    let manifest = place.manifest(&format!("{first}{IN_A_RECORD}"));
    let lacks = ("missing-privileges = []", "missing-privileges = [\"prvWritecontoso_endpoint\"]");
    let tenant = place.tenant(&[lacks]);
    let (code, document) =
        place.json(&["apply", "--manifest", &manifest, "--sandbox-tenant", &tenant]);
    assert_eq!((code, &document["outcome"]), (5, &"refused".into()), "{document:#}");
    let codes: Vec<&str> = document["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["definition-missing", "privilege-missing"]);
    let problem = &document["problems"][1];
    assert!(problem["message"].as_str().unwrap().contains("`prvWritecontoso_endpoint`"));
    assert!(problem["address"].as_str().unwrap().contains("shipments"), "{problem}");
}

#[test]
fn a_check_asks_for_no_privilege_to_write() {
    let place = place();
    let first = binds(ORDER_INTAKE, "contoso_OrderIntakeUrl");
    let manifest = place.manifest(&format!("{first}{IN_A_RECORD}"));
    let lacks = ("missing-privileges = []", "missing-privileges = [\"prvWritecontoso_endpoint\"]");
    let tenant = place.tenant(&[lacks]);
    let ended = place.run(&["check", "--manifest", &manifest, "--sandbox-tenant", &tenant]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert!(!ended.stdout.contains("privilege"), "{}", ended.stdout);
}

#[test]
fn an_environment_that_does_not_tell_privileges_is_written_all_the_same() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    for path in ["WhoAmI", "RetrieveUserSetOfPrivilegesByNames"] {
        let fault = format!(
            "[[fault]]\nservice = \"dataverse\"\npath-contains = \"{path}\"\ntimes = 9\nstatus = 501\n"
        );
        let tenant = std::fs::read_to_string(place.tenant(&[])).unwrap() + &fault;
        let tenant = place.write("silent.toml", &tenant);
        let command = ["apply", "--manifest", &manifest, "--sandbox-tenant", &tenant];
        let ended = place.run(&[&command[..], &["--sandbox-state", "none"]].concat());
        assert_eq!(ended.code, 0, "{path}: {}", ended.stderr);
    }
}

#[test]
fn a_privilege_that_is_missed_while_writing_is_named_and_nothing_is_written() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let tenant = place.tenant(&[(
        "missing-privileges = []",
        "missing-privileges = [\"prvCreateEnvironmentVariableValue\"]",
    )]);
    let ended = place.run(&["apply", "--manifest", &manifest, "--sandbox-tenant", &tenant]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(ended.stdout.contains("privilege-unproven"), "{}", ended.stdout);
    assert!(ended.stderr.contains("`prvCreateEnvironmentVariableValue`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("nothing was written"), "{}", ended.stderr);
}

#[test]
fn a_signed_url_is_refused_unless_the_policy_says_otherwise() {
    let signed = "f50bd416-9f62-f011-998a-7c1e5275cfe9";
    for (policy, code) in [("refuse", 5), ("warn", 0), ("allow", 0)] {
        let place = place();
        let manifest = place.manifest(&binds(signed, "contoso_OrderIntakeUrl"));
        let text = std::fs::read_to_string(&manifest).unwrap().replace("allow", policy);
        let manifest = place.write("policy.toml", &text);
        let ended = place.run(&["plan", "--manifest", &manifest]);
        assert_eq!(ended.code, code, "{}", ended.stdout);
        assert_eq!(ended.stdout.contains("[signed-url]"), policy != "allow");
    }
}

#[test]
fn all_problems_come_at_once_with_their_places() {
    let place = place();
    let flows = [
        ("172df638-b184-f011-998a-7c1e5275cfe9", "contoso_MaxItems"),
        ("394f185a-d3a6-f011-998a-7c1e5275cfe9", "contoso_Nothing"),
    ];
    let manifest = place.manifest(&flows.map(|(flow, variable)| binds(flow, variable)).concat());
    let ended = place.run(&["plan", "--manifest", &manifest]);
    insta::assert_snapshot!(ended.transcript(&place), @r#"
    exit: 5
    --- stdout

    Plan for sandbox, http://127.0.0.1:PORT

    error[trigger-not-http]: the flow `Nightly cleanup` has no HTTP trigger: it has `Recurrence` of type
            Recurrence
      at    flowbind.toml:7:1  flow/172df638-b184-f011-998a-7c1e5275cfe9
      help: bind a flow that starts `When an HTTP request is received` (type Request, kind Http):
            triggers of this kind have no URL that others can call

    error[variable-type]: the variable is of type number, which cannot hold a URL as it stands
      at    flowbind.toml:9:1  environment-variable/contoso_MaxItems
      help: bind a variable of type text, or of type JSON with `json-pointer`

    error[flow-draft]: the flow `Returns intake` is off, and its URL exists only once it is on
      at    flowbind.toml:11:1  flow/394f185a-d3a6-f011-998a-7c1e5275cfe9
      help: turn the flow on, which needs its connection references to be bound, and run again

    error[definition-missing]: the environment variable was not found in this environment
      at    flowbind.toml:13:1  environment-variable/contoso_Nothing
      help: import the solution that defines it first, or correct `environment-variable`; if it is
            there, give the user's role the privilege `prvReadEnvironmentVariableDefinition` with the
            depth Organization: rows beyond the depth are left out without an error

    `flowbind explain CODE` says more about a code in brackets.

    Refused: 4 problems. Nothing was written.
    --- stderr
    Sandbox tenant at http://127.0.0.1:PORT, its state in STATE

    To sign in, open this page and enter the code:

      page  http://127.0.0.1:PORT/devicelogin
      code  CODE

    The sandbox approves the sign-in automatically.
    Signed in as sandy@contoso.example.
    Reading 2 flows and 2 targets …
    Took TIME.
    "#);
}
