//! A plan that is reviewed, and what moves before it is applied.

use std::fs;

use serde_json::{Value, json};

use super::harness::{Ended, ORDER_INTAKE, Place, Served, binds, pasted, place};
use super::sign_in::{FLOW, access_token, device_login, words};

/// A flow with a signed URL.
const PARTNER: &str = "f50bd416-9f62-f011-998a-7c1e5275cfe9";

/// The environment of the sandbox.
const ENVIRONMENT: &str = "3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6";

/// A sandbox that serves, somebody who signs in to it silently, and a manifest.
struct Day {
    place: Place,
    served: Served,
    token: String,
    manifest: String,
}

impl Day {
    fn begins() -> Self {
        Self::on(&[], &binds(PARTNER, "contoso_PartnerWebhookUrl"))
    }

    /// The shipped tenant with some of its text replaced, and a manifest with these flows.
    fn on(replacements: &[(&str, &str)], flows: &str) -> Self {
        let place = place();
        let tenant = place.tenant(replacements);
        let served = Served::start(&place, &["--approve-after", "0", "--tenant", &tenant]);
        let token = device_login(&served.url)["refresh_token"].as_str().unwrap().to_owned();
        let manifest = place.manifest(flows);
        Self { place, served, token, manifest }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let at = ["--manifest", &self.manifest, "--environment", &self.served.url];
        let all = [arguments, &at, &["--token-store", "none"]].concat();
        self.place.run_with(&[("FLOWBIND_REFRESH_TOKEN", &self.token)], &all)
    }

    fn plan_file(&self) -> String {
        self.place.path("release.plan").display().to_string()
    }

    /// Saves a plan.
    fn plans(&self) -> String {
        let file = self.plan_file();
        let planned = self.run(&["plan", "--out", &file]);
        assert_eq!(planned.code, 0, "{}", planned.stderr);
        file
    }

    /// An apply of the plan is refused for that reason, and nothing is written.
    fn refuses(&self, file: &str, code: &str, parts: &[&str]) {
        let before = fs::read(self.place.state()).unwrap();
        let refused = self.run(&["apply", "--plan", file]);
        assert_eq!(refused.code, 5, "{}", refused.stderr);
        let told = words(&refused.stdout);
        let head = format!("error[{code}]:");
        for part in [&head, "Nothing was written"].iter().chain(parts) {
            assert!(told.contains(part), "{part}: {told}");
        }
        let rows = |state: &[u8]| serde_json::from_slice::<Value>(state).unwrap()["tables"].clone();
        assert_eq!(rows(&fs::read(self.place.state()).unwrap()), rows(&before));
    }

    /// The answer of Dataverse to a request of somebody else.
    fn dataverse(&self, method: &str, path: &str, body: &Value) -> Value {
        let token = access_token(&self.served.url, &self.token, &self.served.url);
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", &*bearer), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let path = format!("/api/data/v9.2/{path}");
        let (status, answer) = self.served.call((method, &path), &headers, &body);
        assert!((200..300).contains(&status), "{status} {answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }

    /// Somebody gives the flow another key.
    fn rotates(&self) {
        let token = access_token(&self.served.url, &self.token, FLOW);
        let path = format!(
            "/providers/Microsoft.ProcessSimple/environments/{ENVIRONMENT}/flows/{PARTNER}/regenerateAccessKey?api-version=2016-11-01"
        );
        let bearer = format!("Bearer {token}");
        let (status, answer) = self.served.call(("POST", &path), &[("Authorization", &bearer)], "");
        assert_eq!(status, 200, "{answer}");
    }
}

#[test]
fn a_reviewed_plan_is_applied_unless_something_moved() {
    let day = Day::begins();
    let file = day.plan_file();
    let planned = day.run(&["plan", "--out", &file]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    let (saved, manifest, url) = (pasted(&file), pasted(&day.manifest), &day.served.url);
    let next = format!(
        ":\n  flowbind apply --plan {saved} --manifest {manifest} --environment {url} --token-store none\n"
    );
    assert!(planned.stderr.contains(&next), "{}", planned.stderr);
    day.rotates();
    let refused = day.run(&["apply", "--plan", &file]);
    assert_eq!(refused.code, 5, "{}", refused.stderr);
    let told = words(&refused.stdout);
    assert!(told.contains("error[plan-moved]: the flow's URL was signed"), "{told}");
    assert!(refused.stdout.contains("Nothing was written"), "{}", refused.stdout);
    assert_eq!(day.run(&["plan", "--out", &file]).code, 0);
    let applied = day.run(&["apply", "--plan", &file]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    assert!(applied.stdout.contains("Applied: 1 updated"), "{}", applied.stdout);
    assert!(applied.stderr.contains("is still valid"), "{}", applied.stderr);
    let again = day.run(&["apply", "--plan", &file]);
    assert_eq!((again.code, again.stdout.contains("No changes.")), (0, true), "{}", again.stderr);
}

#[test]
fn a_member_of_a_json_value_that_moved_refuses_the_plan() {
    let flows = binds(ORDER_INTAKE, "contoso_Endpoints\"\njson-pointer = \"/orders/status");
    let day = Day::on(&[], &flows);
    let file = day.plans();
    let values = "environmentvariabledefinition_environmentvariablevalue";
    let found = day.dataverse(
        "GET",
        &format!(
            "environmentvariabledefinitions?$filter=schemaname%20eq%20'contoso_Endpoints'&$expand={values}($select=environmentvariablevalueid,value)"
        ),
        &Value::Null,
    );
    let value = &found["value"][0][values][0];
    let row = format!(
        "environmentvariablevalues({})",
        value["environmentvariablevalueid"].as_str().unwrap()
    );
    let text = value["value"].as_str().unwrap();
    let moved = text.replace("prod-17.westeurope", "prod-99.westeurope");
    assert_ne!(moved, text);
    day.dataverse("PATCH", &row, &json!({ "value": moved }));
    let address = "environment-variable/contoso_Endpoints#/orders/status";
    day.refuses(&file, "plan-moved", &["the target held", "prod-99.westeurope", address]);
    // Another member is another's; the row is the same, and was written to.
    day.dataverse("PATCH", &row, &json!({ "value": text.replace("emea", "apac") }));
    day.refuses(&file, "plan-moved", &["the row, or the default", address]);
}

#[test]
fn a_configuration_record_that_moved_refuses_the_plan() {
    let target = "table = \"contoso_endpoint\"\nkey = { contoso_name = \"shipments\" }\ncolumn = \"contoso_url\"\n";
    let flows = format!("[[flow]]\nworkflow-id = \"{ORDER_INTAKE}\"\n[[flow.target]]\n{target}");
    let day = Day::on(&[], &flows);
    let file = day.plans();
    let row = "contoso_endpoints(8e946dae-28fb-4011-998a-7c1e5275cfe9)";
    let moved = "https://prod-99.westeurope.logic.azure.com/workflows/0123456789abcdef/triggers/manual/paths/invoke?api-version=1";
    day.dataverse("PATCH", row, &json!({ "contoso_url": moved }));
    let address = "record/contoso_endpoint[contoso_name=shipments]/contoso_url";
    day.refuses(&file, "plan-moved", &["the target held", "prod-99.westeurope", address]);
}

#[test]
fn a_plan_that_another_user_made_is_refused() {
    let (day, flows) = (Day::begins(), binds(PARTNER, "contoso_PartnerWebhookUrl"));
    let colleague = [
        ("92b7d3a4-0c56-4c1f-a1de-6f7b8c9d0e21", "92b7d3a4-0c56-4c1f-a1de-000000000002"),
        ("sandy@contoso.example", "robin@contoso.example"),
    ];
    let other = Day::on(&colleague, &flows);
    let told = ["made by sandy@contoso.example", "robin@contoso.example is signed in"];
    other.refuses(&day.plans(), "plan-other-user", &told);
}

#[test]
fn a_plan_for_another_environment_is_refused() {
    let (day, flows) = (Day::begins(), binds(PARTNER, "contoso_PartnerWebhookUrl"));
    let id = "77777777-17ce-4e09-9b6a-c80d4f7e21a6";
    let other = Day::on(&[(ENVIRONMENT, id)], &flows);
    other.refuses(&day.plans(), "plan-other-environment", &[ENVIRONMENT, id]);
}

#[test]
fn a_signature_that_was_rotated_is_told_as_such() {
    let day = Day::begins();
    assert_eq!(day.run(&["apply"]).code, 0);
    day.rotates();
    let ended = day.run(&["plan", "--format", "json"]);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let change = &document["changes"][0];
    assert_eq!(change["reason"], "signature rotated");
    assert_eq!(change["differences"][0]["part"], "signature");
}

#[test]
fn a_plan_of_another_manifest_or_that_has_expired_is_refused_before_anything_is_contacted() {
    let day = Day::begins();
    let file = day.plan_file();
    assert_eq!(day.run(&["plan", "--out", &file]).code, 0);
    let text = fs::read_to_string(&file).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let expires = document["head"]["expires"].as_str().unwrap();
    fs::write(&file, text.replace(expires, "2026-01-31T09:00:00Z")).unwrap();
    let manifest = fs::read_to_string(&day.manifest).unwrap();
    fs::write(&day.manifest, manifest + "# another\n").unwrap();
    let refused = day.run(&["apply", "--plan", &file]);
    assert_eq!(refused.code, 5, "{}", refused.stderr);
    for part in ["error[plan-manifest-changed]", "error[plan-expired]", "nothing was contacted"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
}

#[test]
fn a_plan_with_a_problem_is_not_saved() {
    let day = Day::begins();
    let manifest = fs::read_to_string(&day.manifest).unwrap();
    fs::write(&day.manifest, manifest.replace("contoso_PartnerWebhookUrl", "contoso_None"))
        .unwrap();
    assert_eq!(day.run(&["plan", "--out", &day.plan_file()]).code, 5);
    assert!(!day.place.path("release.plan").exists());
}

#[test]
fn a_plan_that_is_not_saved_says_that_an_earlier_one_is_left() {
    let day = Day::begins();
    let file = day.plan_file();
    assert_eq!(day.run(&["plan", "--out", &file]).code, 0);
    let before = fs::read_to_string(&file).unwrap();
    let manifest = fs::read_to_string(&day.manifest).unwrap();
    let wrong = manifest.replace("contoso_PartnerWebhookUrl", "contoso_None");
    for text in [wrong, "version = 0".to_owned()] {
        fs::write(&day.manifest, text).unwrap();
        let refused = day.run(&["plan", "--out", &file]);
        let left = format!("The plan was not saved. {file} still holds the plan of ");
        assert!(words(&refused.stderr).contains(&left), "{}", refused.stderr);
        assert_eq!(fs::read_to_string(&file).unwrap(), before);
    }
}

#[test]
fn a_file_that_is_no_plan_is_told_before_anything_is_contacted() {
    let day = Day::begins();
    let file = day.place.write("release.plan", "{\"kind\": \"flowbind-journal\", \"version\": 1}");
    for (file, part) in
        [(file.as_str(), "it is no plan of flowbind"), ("nowhere", "cannot be read")]
    {
        let ended = day.run(&["apply", "--plan", file]);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert!(words(&ended.stderr).contains(part), "{}", ended.stderr);
    }
    let ended = day.run(&["plan", "--out", "nowhere/release.plan"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
}

#[test]
fn a_plan_takes_the_place_of_nothing_but_an_earlier_plan() {
    let day = Day::begins();
    let before = fs::read_to_string(&day.manifest).unwrap();
    let ended = day.run(&["plan", "--out", &day.manifest]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&day.manifest).unwrap(), before);
    let file = day.plan_file();
    for _ in 0..2 {
        assert_eq!(day.run(&["plan", "--out", &file]).code, 0);
    }
    let (saved, report) = (fs::read_to_string(&file).unwrap(), ["--report-format", "json"]);
    for command in [["plan", "--out"], ["apply", "--plan"]] {
        let ended = day.run(&[&command[..], &[&file, "--report", &file], &report].concat());
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert_eq!(fs::read_to_string(&file).unwrap(), saved);
    }
}

#[test]
fn what_is_saved_holds_no_secret() {
    let day = Day::begins();
    let file = day.plan_file();
    assert_eq!(day.run(&["plan", "--out", &file]).code, 0);
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("sig=") && !text.contains("/workflows/"), "{text}");
    assert!(text.contains("\"kind\": \"signed\""), "{text}");
}
