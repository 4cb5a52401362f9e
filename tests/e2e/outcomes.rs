//! How runs end: applied, agreed, planned, interrupted, side by side.

use std::process::Stdio;

use serde_json::{Value, json};

use super::harness::{EXAMPLE, ORDER_INTAKE, Served, binds, pasted, place};
#[cfg(unix)]
use super::harness::{signal, until};

fn actions(document: &Value) -> Vec<&str> {
    document["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["action"].as_str().unwrap())
        .collect()
}

#[test]
fn the_example_is_applied_and_after_that_there_is_nothing_to_do() {
    let place = place();
    let first = place.run(&["apply", "--manifest", EXAMPLE, "--environment", "sandbox"]);
    insta::assert_snapshot!(first.transcript(&place), @r#"
    exit: 0
    --- stdout

    Plan for sandbox, http://127.0.0.1:PORT

      + environment-variable/contoso_OrderIntakeUrl
          Order intake: the variable has no value
          after   authenticated 1d7ee5828a1f
      ~ environment-variable/contoso_Endpoints#/orders/status
          Order status: retired address, another workflow
          before  authenticated 9f16782fc4c1 on prod-17.westeurope.logic.azure.com
          after   authenticated 033bebca2e92
          workflow: fedcba98 → 8fc540cf
      + environment-variable/contoso_Endpoints#/invoices/posted
          Invoice posted: the member does not exist
          after   authenticated bbb3eb8cd90e
      ~ record/contoso_endpoint[contoso_name=shipments]/contoso_url
          Shipment tracking: retired address, another workflow, another trigger
          before  authenticated ecf66672878f on prod-08.westeurope.logic.azure.com
          after   authenticated 5aba2ea70830
          workflow: 00112233 → 137a6d89
          trigger: manual → When_a_HTTP_request_is_received
      + record/contoso_endpoint[contoso_name=feedback]/contoso_url
          Customer feedback: the record was not found
          after   authenticated cc75ed52e5f2
      ~ environment-variable/contoso_PartnerWebhookUrl
          Partner webhook: retired address, another workflow
          before  signed 998a105c95df on prod-42.westeurope.logic.azure.com
          after   signed 6d6073618f47
          workflow: 01234567 → 66dabc51
      + environment-variable/contoso_StockUrl
          Stock levels: the variable has no value
          after   authenticated ac8cfd5a49a4

    Plan: 4 to create, 3 to update.

    Applied: 4 created, 3 updated. Read back and verified.
    --- stderr
    Sandbox tenant at http://127.0.0.1:PORT, its state in STATE

    To sign in, open this page and enter the code:

      page  http://127.0.0.1:PORT/devicelogin
      code  CODE

    The sandbox approves the sign-in automatically.
    Signed in as sandy@contoso.example.
    Reading 7 flows and 7 targets …
    Writing 6 rows in one change set …
    Reading back …
    Took TIME.
    "#);
    let second = place.run(&["apply", "--manifest", EXAMPLE, "--environment", "sandbox"]);
    insta::assert_snapshot!(second.transcript(&place), @r#"
    exit: 0
    --- stdout

    Plan for sandbox, http://127.0.0.1:PORT

    No changes. All 7 targets are up to date.
    --- stderr
    Sandbox tenant at http://127.0.0.1:PORT, its state in STATE

    To sign in, open this page and enter the code:

      page  http://127.0.0.1:PORT/devicelogin
      code  CODE

    The sandbox approves the sign-in automatically.
    Signed in as sandy@contoso.example.
    Reading 7 flows and 7 targets …
    Took TIME.
    "#);
}

#[test]
fn a_plan_shows_the_same_and_writes_nothing() {
    let place = place();
    for _ in 0..2 {
        let (code, document) =
            place.json(&["plan", "--manifest", EXAMPLE, "--environment", "sandbox"]);
        assert_eq!((code, &document["outcome"]), (0, &json!("planned")));
        assert_eq!(
            actions(&document),
            ["create", "update", "create", "update", "create", "update", "create"]
        );
    }
}

#[test]
fn a_dry_run_of_apply_is_a_plan() {
    let place = place();
    for flag in ["--dry-run", "--what-if"] {
        let (code, document) =
            place.json(&["apply", flag, "--manifest", EXAMPLE, "--environment", "sandbox"]);
        assert_eq!((code, &document["outcome"]), (0, &json!("planned")));
    }
}

#[test]
fn a_detailed_exit_code_tells_whether_there_are_changes() {
    let place = place();
    let plan = ["plan", "--detailed-exitcode", "--manifest", EXAMPLE, "--environment", "sandbox"];
    assert_eq!(place.run(&plan).code, 2);
    assert_eq!(place.run(&["apply", "--manifest", EXAMPLE, "--environment", "sandbox"]).code, 0);
    assert_eq!(place.run(&plan).code, 0);
}

#[test]
fn the_document_says_what_was_done_and_what_it_took() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let (code, mut document) = place.json(&["apply", "--manifest", &manifest]);
    assert_eq!(code, 0);
    assert!(document["duration-ms"].take().is_u64());
    assert!(document["started"].take().as_str().unwrap().ends_with('Z'));
    assert!(
        document["environment"]["url"].take().as_str().unwrap().starts_with("http://127.0.0.1:")
    );
    assert_eq!(
        document,
        json!({
            "version": 1,
            "outcome": "applied",
            "environment": {"name": "sandbox", "url": null, "id": "3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6", "flow-api": "127.0.0.1"},
            "changes": [{
                "address": "environment-variable/contoso_OrderIntakeUrl",
                "action": "create",
                "reason": "the variable has no value",
                "flow": {"name": "Order intake", "workflow-id": ORDER_INTAKE},
                "before": null,
                "after": {
                    "kind": "authenticated",
                    "host": "3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com",
                    "fingerprint": "1d7ee5828a1f",
                },
                "differences": [],
            }],
            "problems": [],
            "warnings": [],
            "error": null,
            "requests": document["requests"],
            "command": "apply",
            "flowbind": env!("CARGO_PKG_VERSION"),
            "file": manifest.replace('\\', "/"),
            "user": "sandy@contoso.example",
            "started": null,
            "duration-ms": null,
        }),
    );
    let requests = &document["requests"];
    assert_eq!((&requests["dataverse"], &requests["flow"]), (&json!(8), &json!(1)));
}

#[test]
fn two_applies_at_once_end_with_one_row_and_both_say_how_it_went() {
    for key in ["definition", "schema-name"] {
        for duplicate in ["entity-key", "record"] {
            two_at_once(key, duplicate);
        }
    }
}

/// Two applies at once on an organisation with that key of variables' values and that refusal.
fn two_at_once(key: &str, duplicate: &str) {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let switches = format!(
        "[switches.dataverse]\nenvironment-variable-key = \"{key}\"\nenvironment-variable-duplicate = \"{duplicate}\"\n"
    );
    let shipped = std::fs::read_to_string(place.tenant(&[])).unwrap();
    let tenant = place.write("tenant.toml", &format!("{shipped}\n{switches}"));
    let served =
        Served::start(&place, &["--tenant", &tenant, "--approve-after", "0", "--latency", "20"]);
    let start = || {
        let apply =
            ["apply", "--manifest", &manifest, "--environment", &served.url, "--format", "json"];
        let mut command = place.command(&apply);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let both = [start(), start()].map(|child| child.wait_with_output().unwrap());
    for output in &both {
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{document:#}");
        assert!(
            ["applied", "agreed"].contains(&document["outcome"].as_str().unwrap()),
            "{document:#}"
        );
    }
    let outcomes = both.map(|output| {
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        document["outcome"].as_str().unwrap().to_owned()
    });
    assert!(outcomes.iter().any(|outcome| outcome == "applied"), "{outcomes:?}");
    let plan = ["plan", "--manifest", &manifest, "--environment", &served.url];
    let (code, document) = place.json(&plan);
    assert_eq!((code, &document["outcome"]), (0, &json!("agreed")), "{document:#}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_at_the_prompt_ends_the_run_at_once_and_nothing_was_written() {
    let place = place();
    let served = Served::start(&place, &[]);
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    for name in ["INT", "TERM"] {
        let log = place.path("prompt.log");
        let mut command =
            place.command(&["apply", "--manifest", &manifest, "--environment", &served.url]);
        let mut child = command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
        until(|| std::fs::read_to_string(&log).unwrap().contains("enter the code").then_some(()));
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(
            std::fs::read_to_string(&log).unwrap().contains("interrupted; nothing was written")
        );
    }
}

#[test]
fn a_served_sandbox_is_an_environment_like_any_other() {
    let place = place();
    let served = Served::start(&place, &["--approve-after", "0", "--latency", "5"]);
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let run = ["--manifest", &manifest, "--environment", &served.url];
    assert_eq!(place.json(&[&["apply"], &run[..]].concat()).1["outcome"], "applied");
    assert_eq!(place.json(&[&["plan"], &run[..]].concat()).1["outcome"], "agreed");
}

#[test]
fn a_sign_in_that_is_approved_a_while_later_is_waited_for() {
    let place = place();
    let served = Served::start(&place, &["--approve-after", "1"]);
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let run = ["plan", "--manifest", &manifest, "--environment", &served.url];
    assert_eq!(place.json(&run).1["outcome"], "planned");
    let told = served.control("GET", "/_sandbox/requests", &Value::Null);
    let rows = told["requests"].as_array().unwrap().iter();
    let tokens = rows.filter(|row| row["template"].as_str().unwrap().ends_with("/token"));
    let asked: u64 = tokens.map(|row| row["count"].as_u64().unwrap()).sum();
    assert!(asked > 2, "{asked} requests for two tokens: none was refused as pending");
}

#[test]
fn a_sandbox_that_was_reset_begins_again() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    for _ in 0..2 {
        assert_eq!(place.json(&["apply", "--manifest", &manifest]).1["outcome"], "applied");
        assert_eq!(place.run(&["sandbox", "reset"]).code, 0);
    }
}

#[test]
fn a_damaged_state_is_refused_with_the_command_that_mends_it() {
    let place = place();
    std::fs::write(place.state(), "{\"format\": 1").unwrap();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let refused = place.run(&["plan", "--manifest", &manifest]);
    assert_eq!(refused.code, 3);
    let state = place.state().display().to_string();
    let said = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let reset = format!("`flowbind sandbox reset --sandbox-state {}`", pasted(&state));
    assert!(said.contains(&reset), "{said}");
    assert_eq!(place.run(&["sandbox", "reset", "--sandbox-state", &state]).code, 0);
    assert_eq!(place.run(&["plan", "--manifest", &manifest]).code, 0);
}

#[test]
fn usage_errors_end_with_the_documented_code() {
    let place = place();
    assert_eq!(place.run(&["plan", "--nonsense"]).code, 3);
    assert_eq!(place.run(&[]).code, 3);
    assert_eq!(place.run(&["--version"]).code, 0);
    assert_eq!(place.run(&["plan", "--manifest", "no-such-file.toml"]).code, 3);
    let manifest = place.write(
        "prod.toml",
        &format!(
            "version = 1\n[environments.prod]\nurl = \"https://contoso.crm4.dynamics.com\"\n{}",
            binds(ORDER_INTAKE, "contoso_Url")
        ),
    );
    let without_application = place.run(&["plan", "--manifest", &manifest]);
    assert_eq!(without_application.code, 3);
    assert!(without_application.stderr.contains("Allow public client flows"));
    let unattended = place.run(&["apply", "--manifest", &manifest, "--client-id", ORDER_INTAKE]);
    assert_eq!(unattended.code, 3);
    assert!(unattended.stderr.contains("--yes"));
}

#[test]
fn a_file_of_clouds_is_checked_before_anything_is_contacted() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let plan = |clouds: &str| place.run(&["plan", "--manifest", &manifest, "--clouds", clouds]);
    let bad = place
        .write("bad.toml", "[gcc]\ndataverse = [\".com\"]\nflow_api = \"https://x.example\"\n");
    let refused = plan(&bad);
    assert_eq!(refused.code, 3);
    for words in [
        "error[value-invalid]: `dataverse` has a suffix with only one part",
        &format!("--> {bad}:2:14\n"),
        "error[key-unknown]: `flow_api` is not a key of a cloud",
        &format!("--> {bad}:3:1\n"),
        "help: write `flow-api`",
        "--clouds",
    ] {
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    let said = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("has 2 problems; nothing was contacted"), "{said}");
    assert!(!place.state().exists());
    assert_eq!(plan("no-such-file.toml").code, 3);
    let good = place.write("good.toml", "[gcc]\nflow-api = \"https://flow.contoso.example\"\n");
    assert_eq!(plan(&good).code, 0);
}

#[test]
fn a_manifest_cannot_name_a_file_of_clouds() {
    let place = place();
    let flows = binds(ORDER_INTAKE, "contoso_OrderIntakeUrl");
    let text = format!(
        "version = 1\nclouds = \"clouds.toml\"\n[environments.sandbox]\nsandbox = true\n{flows}"
    );
    let manifest = place.write("flowbind.toml", &text);
    let refused = place.run(&["plan", "--manifest", &manifest]);
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains(":2:1\n"), "{}", refused.stderr);
}

#[test]
fn an_environment_that_is_not_there_is_told_from_a_refusal() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, document) =
        place.json(&["plan", "--manifest", &manifest, "--environment", &format!("http://{free}")]);
    assert_eq!((code, &document["outcome"]), (6, &json!("refused")));
    assert!(document["error"]["message"].as_str().unwrap().contains("cannot be reached"));
}
