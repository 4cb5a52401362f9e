//! What the service says of a write, and what is in afterwards: neither a yes nor a no is believed.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{ORDER_INTAKE, binds};
use super::tenant::{Targets, Tenant};

/// A URL that nobody sends.
const FOREIGN: &str = "https://prod-17.westeurope.logic.azure.com:443/workflows/fedcba9876543210fedcba9876543210/triggers/manual/paths/invoke?api-version=2016-06-01";

/// The variable that most runs here write to.
const VARIABLE: &str = "contoso_OrderIntakeUrl";

/// A target in a record of that name, which is made where it is not there.
fn record(name: &str) -> String {
    format!(
        "[[flow.target]]\ntable = \"contoso_endpoint\"\nkey = {{ contoso_name = \"{name}\" }}\ncolumn = \"contoso_url\"\nmissing = \"create\"\n"
    )
}

fn address(name: &str) -> String {
    format!("record/contoso_endpoint[contoso_name={name}]/contoso_url")
}

/// A flow that is bound to a variable and to a record that is there and one that is not.
fn three(tenant: &Tenant) -> String {
    let flow = binds(ORDER_INTAKE, VARIABLE);
    tenant.place.manifest(&[flow, record("shipments"), record("feedback")].concat())
}

fn plug_in(rest: &str) -> String {
    format!("[[plug-in]]\ntable = \"contoso_endpoint\"\n{rest}\n")
}

/// What a run became, in one text.
fn said(document: &Value) -> String {
    let error = &document["error"];
    let hints = error["hints"].as_array().unwrap().iter();
    let hints = hints.map(|hint| hint.as_str().unwrap()).collect::<Vec<_>>().join("\n");
    format!("{}\n{hints}", error["message"].as_str().unwrap())
}

/// What became of each target, by its address.
fn results(document: &Value) -> BTreeMap<String, String> {
    let results = document["results"].as_array().unwrap().iter();
    let text = |one: &'static str| move |row: &Value| row[one].as_str().unwrap().to_owned();
    results.map(|row| (text("address")(row), text("result")(row))).collect()
}

/// How many change sets the sandbox was sent.
fn change_sets(tenant: &Tenant) -> u64 {
    let told = tenant.served.control("GET", "/_sandbox/requests", &Value::Null);
    let rows = told["requests"].as_array().unwrap().iter();
    let sets = rows.filter(|row| row["template"].as_str().unwrap().ends_with("/$batch"));
    sets.filter_map(|row| row["count"].as_u64()).sum()
}

#[test]
fn a_write_that_is_accepted_and_not_kept_is_told_at_once() {
    let tables = [
        (plug_in("does = \"drop\""), record("shipments"), address("shipments")),
        (plug_in("does = \"drop\""), record("feedback"), address("feedback")),
        (
            "[[plug-in]]\ntable = \"environmentvariablevalue\"\ndoes = \"drop\"".to_owned(),
            String::new(),
            format!("environment-variable/{VARIABLE}"),
        ),
    ];
    for (plug_in, record, address) in tables {
        let tenant = Tenant::with(&plug_in);
        let before = tenant.targets();
        let manifest = match record.as_str() {
            "" => tenant.place.manifest(&binds(ORDER_INTAKE, VARIABLE)),
            record => {
                let flow = format!("[[flow]]\nworkflow-id = \"{ORDER_INTAKE}\"\n{record}");
                tenant.place.manifest(&flow)
            }
        };
        let begin = Instant::now();
        let (code, document) = tenant.json(&["apply", "--manifest", &manifest]);
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
        assert_eq!((code, &document["outcome"]), (7, &json!("unknown")), "{document:#}");
        assert_eq!(results(&document), BTreeMap::from([(address, "unchanged".to_owned())]));
        let said = said(&document);
        for words in ["accepted the write (request ", "(a plug-in, a flow, auto-numbering)"] {
            assert!(said.contains(words), "{said}");
        }
        assert!(!said.contains("nothing was written") && !said.contains("lost"), "{said}");
        assert!(!said.contains("do not run again"), "there is no second record: {said}");
        let is_new = document["results"][0]["row-id"].is_string();
        assert_eq!(said.contains("may create it but not read it"), is_new, "{said}");
        assert_eq!((tenant.targets(), change_sets(&tenant)), (before, 1));
    }
}

#[test]
fn a_new_record_whose_name_is_rewritten_is_told_by_its_id_and_nobody_is_sent_to_make_another() {
    let tenant = Tenant::with(&plug_in(
        "on = \"create\"\ndoes = \"rewrite\"\ncolumn = \"contoso_name\"\nvalue = \"EP-000001\"",
    ));
    let journal = tenant.place.path("journal").display().to_string();
    let (manifest, plain) = (three(&tenant), format!("plain:{journal}"));
    let (code, document) = tenant.json(&["apply", "--manifest", &manifest, "--journal", &plain]);
    assert_eq!(code, 7, "{document:#}");
    let wanted = [
        (format!("environment-variable/{VARIABLE}"), "written"),
        (address("feedback"), "unchanged"),
        (address("shipments"), "written"),
    ];
    let wanted = wanted.map(|(address, result)| (address, result.to_owned()));
    assert_eq!(results(&document), BTreeMap::from(wanted));
    let state: Value = serde_json::from_slice(&fs::read(tenant.place.state()).unwrap()).unwrap();
    let rows = state["tables"]["contoso_endpoint"].as_object().unwrap();
    let (id, _) =
        rows.iter().find(|(_, row)| row["values"]["contoso_name"] == "EP-000001").unwrap();
    let all = document["results"].as_array().unwrap().iter();
    let ids: Vec<_> = all.filter_map(|one| one["row-id"].as_str()).collect();
    assert_eq!(ids, [id]);
    let said = said(&document);
    assert!(said.contains(id) && said.contains("do not run again"), "{said}");
    assert!(!said.contains("is safe"), "{said}");
    assert!(!said.contains("EP-000001"), "what a row holds is not shown: {said}");
    // The journal knows the row, too, so that a rollback does not pass it by.
    let (code, document) = tenant.json(&["rollback", &plain]);
    assert_eq!((code, &document["problems"][0]["code"]), (5, &json!("changed-since")));
}

#[test]
fn a_record_whose_key_is_rewritten_is_told_by_its_id_and_no_rollback_is_offered_that_is_refused() {
    let rewrite =
        "on = \"update\"\ndoes = \"rewrite\"\ncolumn = \"contoso_name\"\nvalue = \"EP-000001\"";
    let tenant = Tenant::with(&plug_in(rewrite));
    let plain = format!("plain:{}", tenant.place.path("journal").display());
    let update = record("shipments").replace("missing = \"create\"\n", "");
    let manifest = tenant.place.manifest(&(binds(ORDER_INTAKE, VARIABLE) + &update));
    let (code, document) = tenant.json(&["apply", "--manifest", &manifest, "--journal", &plain]);
    assert_eq!(code, 7, "{document:#}");
    let state: Value = serde_json::from_slice(&fs::read(tenant.place.state()).unwrap()).unwrap();
    let rows = state["tables"]["contoso_endpoint"].as_object().unwrap();
    let (id, _) =
        rows.iter().find(|(_, row)| row["values"]["contoso_name"] == "EP-000001").unwrap();
    let said = said(&document);
    assert!(said.contains(&format!("its row {id} is no longer found by its key")), "{said}");
    assert!(said.contains("do not run again before that row has its key again"), "{said}");
    assert!(said.contains("`flowbind rollback` refuses the journal, too"), "{said}");
    let (code, document) = tenant.json(&["rollback", &plain]);
    assert_eq!((code, &document["problems"][0]["code"]), (5, &json!("label-mismatch")));
}

#[test]
fn the_rollback_that_is_offered_works_as_shown() {
    for value in [FOREIGN, "one\\ntwo\\nthree"] {
        the_offered_rollback_works(value);
    }
}

/// Applies where a plug-in writes this value in the place of each URL of a record, and rolls back.
fn the_offered_rollback_works(value: &str) {
    let rewrite = format!("does = \"rewrite\"\ncolumn = \"contoso_url\"\nvalue = \"{value}\"");
    let tenant = Tenant::with(&plug_in(&rewrite));
    let before = tenant.targets();
    let plain = format!("plain:{}", tenant.place.path("journal").display());
    let apply = ["apply", "--manifest", &three(&tenant), "--journal", &plain];
    let (code, document) = tenant.json(&apply);
    assert_eq!(code, 7, "{document:#}");
    assert!(said(&document).contains("--skip-changed"), "{document:#}");
    assert!(!said(&document).contains("no longer found by its key"), "{document:#}");
    let (code, document) = tenant.json(&["rollback", &plain, "--skip-changed"]);
    assert_eq!((code, &document["outcome"]), (0, &json!("applied")), "{document:#}");
    let variable = |targets: Targets| targets.into_iter().find(|(name, _)| name == VARIABLE);
    assert_eq!(variable(tenant.targets()), variable(before));
}

#[test]
fn a_value_that_is_rewritten_is_told_beside_what_was_sent() {
    let rewrite = format!("does = \"rewrite\"\ncolumn = \"contoso_url\"\nvalue = \"{FOREIGN}\"");
    let tenant = Tenant::with(&plug_in(&rewrite));
    let (code, document) = tenant.json(&["apply", "--manifest", &three(&tenant)]);
    assert_eq!(code, 7, "{document:#}");
    let changed = results(&document).values().filter(|result| **result == "changed").count();
    assert_eq!(changed, 2, "{document:#}");
    let result = &document["results"][1];
    assert!(result["sent"]["fingerprint"].is_string(), "{result}");
    assert_eq!(result["holds"]["host"], "prod-17.westeurope.logic.azure.com");
    assert!(said(&document).contains("prod-17.westeurope.logic.azure.com"));
}

#[test]
fn a_key_that_is_taken_by_a_row_that_is_not_seen_ends_the_run_at_once() {
    let hidden = "[[hidden-row]]\ntable = \"contoso_endpoint\"\ncolumn = \"contoso_name\"\nvalue = \"shipments\"\n";
    let tenant = Tenant::with(hidden);
    let (code, document) = tenant.json(&["apply", "--manifest", &three(&tenant)]);
    assert_eq!((code, &document["outcome"]), (5, &json!("refused")), "{document:#}");
    let problem = &document["problems"][0];
    assert_eq!(problem["code"], "key-taken", "{problem}");
    assert_eq!(problem["address"], address("shipments"), "{problem}");
    assert!(problem["line"].is_u64() && said(&document).contains("depth Organization"));
    assert!(!said(&document).contains("and run again"), "{}", said(&document));
    assert_eq!(change_sets(&tenant), 1);
}

#[test]
fn a_value_that_is_taken_by_a_row_that_is_not_seen_ends_the_run_at_once() {
    for key in ["definition", "schema-name"] {
        let tenant = Tenant::with(&format!(
            "[[hidden-row]]\ntable = \"environmentvariablevalue\"\ncolumn = \"schemaname\"\nvalue = \"contoso_PartnerWebhookUrl\"\n[switches.dataverse]\nenvironment-variable-key = \"{key}\"\nenvironment-variable-duplicate = \"record\"\nfailed-change-set = \"flat\""
        ));
        let manifest = tenant.place.manifest(&binds(ORDER_INTAKE, "contoso_PartnerWebhookUrl"));
        let (code, document) = tenant.json(&["apply", "--manifest", &manifest]);
        let problem = &document["problems"][0];
        assert_eq!((code, &problem["code"]), (5, &json!("key-taken")), "{document:#}");
    }
}

#[test]
fn what_is_not_found_may_be_beyond_the_depth_of_a_privilege() {
    let row = |table: &str, column: &str, value: &str| {
        format!("[[hidden-row]]\ntable = \"{table}\"\ncolumn = \"{column}\"\nvalue = \"{value}\"\n")
    };
    for (hidden, code) in [
        (row("workflow", "workflowid", ORDER_INTAKE), "flow-not-found"),
        (row("environmentvariabledefinition", "schemaname", VARIABLE), "definition-missing"),
        (row("contoso_endpoint", "contoso_name", "shipments"), "record-missing"),
    ] {
        let tenant = Tenant::with(&hidden);
        let target = record("shipments").replace("missing = \"create\"\n", "");
        let manifest = tenant.place.manifest(&(binds(ORDER_INTAKE, VARIABLE) + &target));
        let (exit, document) = tenant.json(&["plan", "--manifest", &manifest]);
        let problem = &document["problems"][0];
        assert_eq!((exit, &problem["code"]), (5, &json!(code)), "{document:#}");
        assert!(problem["hint"].as_str().unwrap().contains("depth Organization"), "{problem}");
        let explained = tenant.place.run(&["explain", code]).stdout;
        let explained = explained.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(explained.contains("read privilege"), "{explained}");
    }
}

#[test]
fn the_refused_row_is_named_everywhere_and_the_journal_is_gone() {
    let refuse = "where = { contoso_name = \"feedback\" }\ndoes = \"refuse\"\nmessage = \"This endpoint is locked.\"";
    let tenant = Tenant::with(&plug_in(refuse));
    let before = tenant.targets();
    let path = |name: &str| tenant.place.path(name).display().to_string();
    let (manifest, plain) = (three(&tenant), format!("plain:{}", path("journal")));
    let report = path("TEST-flowbind.xml");
    let apply = ["apply", "--manifest", &manifest, "--journal", &plain, "--report", &report];
    let (code, document) = tenant.json(&apply);
    let name = address("feedback");
    let words = format!("the write to `{name}` was refused: Dataverse answered 400 0x80040265");
    assert!(code == 5 && said(&document).starts_with(&words), "{document:#}");
    assert!(said(&document).contains("nothing was written"));
    assert_eq!(results(&document)[&name], "refused");
    let junit = fs::read_to_string(&report).unwrap();
    assert_eq!(junit.matches("type=\"refused\"").count(), 1, "{junit}");
    assert!(!tenant.place.path("journal").exists());
    let ended = tenant.run(&[&apply[..], &["--ci", "github", "--yes"]].concat());
    let notices = ended.stderr.lines().filter(|line| line.starts_with("::error "));
    let at_line = notices.filter(|line| line.contains("title=refused") && line.contains("line="));
    assert_eq!(at_line.count(), 1, "{}", ended.stderr);
    assert_eq!(tenant.targets(), before);
}

#[test]
fn a_refused_row_that_the_service_does_not_tell_is_not_guessed() {
    let refuse = plug_in("where = { contoso_name = \"feedback\" }\ndoes = \"refuse\"");
    let flat = "[switches.dataverse]\nfailed-change-set = \"flat\"\n";
    let tenant = Tenant::with(&(refuse + flat));
    let (code, document) = tenant.json(&["apply", "--manifest", &three(&tenant)]);
    let said = said(&document);
    assert!(code == 5 && said.contains("did not say which of 3 rows"), "{said}");
    assert!(!said.contains("contoso_endpoint["), "{said}");
    assert!(results(&document).values().all(|result| *result == "unchanged"), "{document:#}");
}

#[test]
fn a_refusal_of_what_was_carried_out_is_not_believed() {
    for status in [400, 401, 403, 404, 409, 412, 422, 429] {
        let tenant = Tenant::with(&format!(
            "[[fault]]\nservice = \"dataverse\"\npath-contains = \"$batch\"\nstatus = {status}\nexecuted = true\n"
        ));
        let journal = format!("plain:{}", tenant.place.path("journal").display());
        let apply = ["apply", "--manifest", &three(&tenant), "--journal", &journal];
        let (code, document) = tenant.json(&apply);
        assert_eq!((code, &document["outcome"]), (0, &json!("applied")), "{status} {document:#}");
        assert_eq!(change_sets(&tenant), 1, "{status}: it is not sent again before it is read");
        let mut warned = document["warnings"].as_array().unwrap().iter();
        assert!(warned.any(|one| one["code"] == "written-though-refused"), "{document:#}");
        assert!(tenant.place.path("journal").exists(), "{status}");
        let (_, document) = tenant.json(&["plan", "--manifest", &three(&tenant)]);
        assert_eq!(document["outcome"], "agreed");
    }
}

#[test]
fn a_refusal_that_cannot_be_checked_is_told_as_such() {
    let fault = |path: &str, rest: &str| {
        format!("[[fault]]\nservice = \"dataverse\"\npath-contains = \"{path}\"\n{rest}\n")
    };
    let unread = fault("environmentvariabledefinitions", "after = 1\ntimes = 99\nstatus = 400");
    for executed in [true, false] {
        let refused = fault("$batch", &format!("status = 403\nexecuted = {executed}"));
        let tenant = Tenant::with(&(refused + &unread));
        let (code, document) = tenant.json(&["apply", "--manifest", &three(&tenant)]);
        assert_eq!((code, &document["outcome"]), (7, &json!("unknown")), "{document:#}");
        assert!(said(&document).contains("it is not known whether"), "{document:#}");
    }
}

#[test]
fn a_refusal_that_is_so_costs_one_look_at_the_targets() {
    let tenant = Tenant::with(
        "[[fault]]\nservice = \"dataverse\"\npath-contains = \"$batch\"\nstatus = 403\n",
    );
    let manifest = tenant.place.manifest(&binds(ORDER_INTAKE, VARIABLE));
    let (code, document) = tenant.json(&["apply", "--manifest", &manifest]);
    assert_eq!((code, &document["outcome"]), (5, &json!("refused")), "{document:#}");
    let told = tenant.served.control("GET", "/_sandbox/requests", &Value::Null);
    let rows = told["requests"].as_array().unwrap().iter();
    let reads = rows.filter(|row| {
        row["template"].as_str().unwrap().ends_with("/environmentvariabledefinitions")
    });
    assert_eq!(reads.filter_map(|row| row["count"].as_u64()).sum::<u64>(), 2, "{told}");
}
