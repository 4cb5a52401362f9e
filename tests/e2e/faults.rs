//! Services that fail, and tenants that answer in the other of two documented ways.

use serde_json::Value;

use super::harness::{Ended, ORDER_INTAKE, Place, binds, place};

/// A tenant with some more text at its end.
fn tenant_with(place: &Place, more: &str) -> String {
    let tenant = place.tenant(&[]);
    let text = std::fs::read_to_string(&tenant).unwrap();
    place.write("tenant.toml", &format!("{text}\n{more}\n"))
}

/// The end of an apply of one binding on a tenant with some more text.
fn applied_on(more: &str) -> (Place, Ended) {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let tenant = tenant_with(&place, more);
    let ended = place.run(&["apply", "--manifest", &manifest, "--sandbox-tenant", &tenant]);
    (place, ended)
}

fn fault(service: &str, path: &str, rest: &str) -> String {
    format!("[[fault]]\nservice = \"{service}\"\npath-contains = \"{path}\"\n{rest}")
}

/// A plan of one binding, with one more key for the environment, on a tenant with some more text.
fn planned_on(key: &str, more: &str) -> (i32, Value) {
    let place = place();
    let flows = binds(ORDER_INTAKE, "contoso_OrderIntakeUrl");
    let text = format!("version = 1\n[environments.sandbox]\nsandbox = true\n{key}\n{flows}");
    let manifest = place.write("flowbind.toml", &text);
    let tenant = tenant_with(&place, more);
    place.json(&["plan", "--manifest", &manifest, "--sandbox-tenant", &tenant])
}

#[test]
fn an_environment_that_the_clouds_api_does_not_serve_is_asked_at_its_own_host() {
    let elsewhere = "[switches.flow]\nclassic-api = \"unknown-region\"";
    let (code, document) = planned_on("", elsewhere);
    assert_eq!((code, &document["outcome"]), (0, &Value::from("planned")), "{document:#}");
    assert_eq!(document["environment"]["flow-api"], "127.0.0.1");
    let (code, document) = planned_on("flow-api = \"classic\"", elsewhere);
    assert_eq!(code, 1, "{document:#}");
    assert!(document["error"]["message"].as_str().unwrap().contains("MacroRegionDerivationFailed"));
    let (code, _) = planned_on("flow-api = \"environment\"", "");
    assert_eq!(code, 0);
}

#[test]
fn a_write_whose_answer_is_lost_is_looked_for_and_found() {
    let (_, ended) =
        applied_on(&fault("dataverse", "$batch", "status = 504\ntimes = 9\nexecuted = true"));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("Applied: 1 created"));
}

#[test]
fn a_throttled_service_is_asked_again_when_it_says_so() {
    for (service, path) in
        [("flow", "listCallbackUrl"), ("dataverse", "$batch"), ("dataverse", "workflows")]
    {
        let (_, ended) =
            applied_on(&fault(service, path, "status = 429\nretry-after = 1\ntimes = 1"));
        assert_eq!(ended.code, 0, "{service} {path}: {}", ended.stderr);
    }
}

#[test]
fn a_service_that_turns_a_request_away_again_and_again_is_waited_for() {
    let (_, ended) = applied_on(&fault("dataverse", "workflows", "status = 429\ntimes = 4"));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let (_, ended) =
        applied_on(&fault("dataverse", "workflows", "status = 429\nretry-after = 3600\ntimes = 9"));
    assert_eq!(ended.code, 6, "{}", ended.stderr);
    let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains(
            "; it asked to wait 3600 s, longer than the 600 s of `--timeout`; nothing was written"
        ),
        "{said}"
    );
    let when = "run again in 3600 s, or give the run more time with `--timeout 30m`";
    assert!(said.contains(when) && !said.contains("next try in"), "{said}");
}

#[test]
fn a_pause_that_a_service_asks_for_is_reported_with_its_reason() {
    for (fault, reason) in [
        (
            fault("flow", "listCallbackUrl", "status = 429\nretry-after = 3"),
            "The Flow service is throttling (429); next try in ",
        ),
        (
            fault("entra", "token", "status = 429\nretry-after = 3"),
            "Entra is throttling (429); next try in ",
        ),
        (
            fault("dataverse", "workflows", "status = 503\nretry-after = 3"),
            "Dataverse is unavailable (503); next try in ",
        ),
        (
            fault("dataverse", "$batch", "status = 503\nretry-after = 3\nexecuted = true"),
            "Dataverse asked for a pause; next try in ",
        ),
    ] {
        let (_, ended) = applied_on(&fault);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let line = ended.stderr.lines().find(|line| line.starts_with(reason));
        line.unwrap_or_else(|| panic!("{reason}: {}", ended.stderr));
    }
}

#[test]
fn a_pause_longer_than_what_is_left_ends_the_run_at_once_and_says_when_to_run_again() {
    let rest = "status = 429\nretry-after = 3600\ntimes = 99";
    for (path, wanted) in [("token", "run again in 3600 s"), ("devicecode", "run again in 3600 s")]
    {
        let (_, ended) = applied_on(&fault("entra", path, rest));
        assert_eq!(ended.code, 6, "{path}: {}", ended.stderr);
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(wanted) && said.contains("nothing was written"), "{said}");
        // Before a code exists there is no page to talk of.
        let has_page = said.contains("devicelogin");
        assert_eq!(has_page, path == "token", "{said}");
        assert!(!said.contains("Nobody has") && !said.contains("still waits"), "{said}");
    }
    let rest = "status = 503\nretry-after = 3600\nexecuted = true";
    let (_, ended) = applied_on(&fault("dataverse", "$batch", rest));
    assert_eq!(ended.code, 7, "{}", ended.stderr);
    let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains(" s, when the service accepts requests again, check with `flowbind plan`"),
        "{said}"
    );
}

#[test]
fn a_guard_that_no_longer_holds_is_planned_anew_a_few_times() {
    let (_, ended) = applied_on(&fault("dataverse", "$batch", "status = 412\ntimes = 2"));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        ended.stderr.matches("The new plan makes the same changes").count(),
        2,
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.contains("Applied: 1 created"), "{}", ended.stdout);
    assert!(!ended.stderr.contains("lanning again"), "{}", ended.stderr);
    let (place, ended) = applied_on(&fault("dataverse", "$batch", "status = 412\ntimes = 3"));
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("nothing was written"), "{said}");
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let tenant = tenant_with(&place, &fault("dataverse", "$batch", "status = 412\ntimes = 3"));
    let plan = ["plan", "--manifest", &manifest, "--sandbox-tenant", &tenant];
    assert_eq!(place.json(&plan).1["outcome"], "planned");
}

#[test]
fn a_reviewed_plan_is_not_said_to_be_planned_again_where_it_is_not() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let tenant = tenant_with(&place, &fault("dataverse", "$batch", "status = 412\ntimes = 1"));
    let file = place.path("release.plan").display().to_string();
    let run = |words: &[&str]| {
        place.run(&[words, &["--manifest", &manifest, "--sandbox-tenant", &tenant]].concat())
    };
    assert_eq!(run(&["plan", "--out", &file]).code, 0);
    let ended = run(&["apply", "--plan", &file]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(!ended.stderr.contains("lanned again"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("lanning again"), "{}", ended.stderr);
}

#[test]
fn a_service_that_stays_broken_ends_the_run_with_its_name_and_nothing_written() {
    let (_, ended) = applied_on(&fault("flow", "listCallbackUrl", "status = 500\ntimes = 99"));
    assert_eq!(ended.code, 6, "{}", ended.stderr);
    assert!(ended.stderr.contains("the Flow service answered 500"), "{}", ended.stderr);
}

#[test]
fn both_shapes_of_every_disputed_answer_are_read() {
    for switches in [
        "[switches.flow]\ncallback-answer = \"bare\"",
        "[switches.entra]\nnumbers = \"strings\"",
        "[switches.entra]\nverification-address = \"url\"",
        "[switches.entra]\nverification-address = \"both\"",
        "[switches.entra]\nrefresh-rotation = \"never\"",
        "[switches.entra]\nslow-polling = \"slow-down\"",
    ] {
        let (_, ended) = applied_on(switches);
        assert_eq!(ended.code, 0, "{switches}: {}", ended.stderr);
    }
}

#[test]
fn whatever_the_status_a_flow_of_somebody_elses_is_told_as_such() {
    for status in ["forbidden", "unauthorized", "not-found"] {
        let place = place();
        let manifest = place
            .manifest(&binds("5b613a7c-f5c8-f011-998a-7c1e5275cfe9", "contoso_OrderIntakeUrl"));
        let tenant =
            tenant_with(&place, &format!("[switches.flow]\nnot-owner-status = \"{status}\""));
        let (code, document) =
            place.json(&["plan", "--manifest", &manifest, "--sandbox-tenant", &tenant]);
        assert_eq!(
            (code, &document["problems"][0]["code"]),
            (5, &Value::from("flow-not-owned")),
            "{document:#}"
        );
    }
}

#[test]
fn a_sign_in_that_is_refused_names_the_setting_to_change() {
    for (more, words) in [
        (
            "[switches.entra]\npublic-client-flows = \"refused-at-poll\"",
            "Allow public client flows",
        ),
        (
            "[switches.entra]\npublic-client-flows = \"refused-at-device-code\"",
            "Allow public client flows",
        ),
        (
            "[switches.entra]\npublic-client-flows = \"refused-at-device-code\"\ndevice-code-errors = \"ok\"",
            "Allow public client flows",
        ),
        ("[[refresh-refusal]]\nresource = \"flow\"\nreason = \"blocked\"", "Conditional Access"),
    ] {
        let (_, ended) = applied_on(more);
        assert_eq!(ended.code, 4, "{more}: {}", ended.stderr);
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "{more}: {said}");
    }
}

#[test]
fn a_missing_consent_is_asked_for_and_the_run_goes_on() {
    let refusal = "[[refresh-refusal]]\nresource = \"flow\"\nreason = \"consent-required\"";
    let (_, ended) = applied_on(refusal);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("enter the code").count(), 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("AADSTS65001"), "{}", ended.stderr);
}

#[test]
fn an_old_organisation_with_two_values_is_refused_and_with_one_is_served() {
    let old = "[switches.dataverse]\nenvironment-variable-key = \"schema-name\"\nenvironment-variable-duplicate = \"record\"\nfailed-change-set = \"flat\"";
    let (_, ended) = applied_on(old);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "old_Url"));
    let variable = "[[environment-variable]]\nschema-name = \"old_Url\"\ndisplay-name = \"x\"\ntype = \"string\"\nvalue = \"a\"\nsecond-value = \"b\"\n";
    let tenant = tenant_with(&place, &format!("{variable}{old}"));
    let (code, document) =
        place.json(&["plan", "--manifest", &manifest, "--sandbox-tenant", &tenant]);
    assert_eq!(
        (code, &document["problems"][0]["code"]),
        (5, &Value::from("variable-ambiguous")),
        "{document:#}"
    );
}

#[test]
fn a_table_whose_rows_carry_no_version_is_not_written_to() {
    let place = place();
    let target = "[[flow.target]]\ntable = \"contoso_endpoint\"\nkey = { contoso_name = \"shipments\" }\ncolumn = \"contoso_url\"\n";
    let manifest = place.manifest(&format!("[[flow]]\nworkflow-id = \"{ORDER_INTAKE}\"\n{target}"));
    let tenant = place.tenant(&[(
        "name = \"contoso_endpoint\"",
        "name = \"contoso_endpoint\"\noptimistic-concurrency = false",
    )]);
    let (code, document) =
        place.json(&["plan", "--manifest", &manifest, "--sandbox-tenant", &tenant]);
    assert_eq!(
        (code, &document["problems"][0]["code"]),
        (5, &Value::from("table-not-versioned")),
        "{document:#}"
    );
}
