//! What a check finds in an environment that drifted, and that it changes and starts nothing.

use serde_json::{Value, json};

use super::harness::{Ended, ORDER_INTAKE, Place, Served, binds, place};
use super::sign_in::{FLOW, access_token, words};

/// A flow with a signed URL.
const PARTNER: &str = "f50bd416-9f62-f011-998a-7c1e5275cfe9";

/// A flow that the signed-in user does not own.
const PAYROLL: &str = "5b613a7c-f5c8-f011-998a-7c1e5275cfe9";

/// The environment of the sandbox, and one that it was copied from.
const ENVIRONMENT: &str = "3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6";
const PRODUCTION: &str = "7d1f0c2e-9a53-4b8e-8f4e-2f6d0a1b3c4d";
const PRODUCTION_URL: &str = "https://7d1f0c2e9a534b8e8f4e2f6d0a1b3c.4d.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke?api-version=1";

/// A sandbox that serves two bound flows, an authenticated and a signed one.
struct World {
    place: Place,
    served: Served,
    token: String,
    manifest: String,
}

impl World {
    /// Nothing was written yet.
    fn new() -> Self {
        let place = place();
        let (served, token) = place.served("");
        let flows = binds(ORDER_INTAKE, "contoso_OrderIntakeUrl")
            + &binds(PARTNER, "contoso_PartnerWebhookUrl");
        let prod = format!(
            "[environments.prod]\nurl = \"https://contoso.crm4.dynamics.com\"\nenvironment-id = \"{PRODUCTION}\"\n"
        );
        let manifest = place.manifest(&(prod + &flows));
        Self { place, served, token, manifest }
    }

    /// Everything agrees.
    fn applied() -> Self {
        let world = Self::new();
        let ended = world.run(&["apply"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        world
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let at = ["--manifest", &self.manifest, "--environment", &self.served.url];
        let all = [arguments, &at, &["--token-store", "none"]].concat();
        self.place.run_with(&[("FLOWBIND_REFRESH_TOKEN", &self.token)], &all)
    }

    /// A check with its exit code and its document.
    fn check(&self, arguments: &[&str]) -> (i32, Value) {
        let ended = self.run(&[&["check", "--format", "json"], arguments].concat());
        let document = serde_json::from_str(&ended.stdout);
        (ended.code, document.unwrap_or_else(|_| panic!("{}{}", ended.stdout, ended.stderr)))
    }

    /// Somebody does something to a flow.
    fn flow(&self, flow: &str, action: &str) {
        let token = access_token(&self.served.url, &self.token, FLOW);
        let path = format!(
            "/providers/Microsoft.ProcessSimple/environments/{ENVIRONMENT}/flows/{flow}/{action}?api-version=2016-11-01"
        );
        self.send("POST", &path, &token, "");
    }

    /// Somebody writes to the only value of a variable, or deletes it.
    fn variable(&self, name: &str, value: Option<&str>) {
        let token = access_token(&self.served.url, &self.token, &self.served.url);
        let values = "environmentvariabledefinition_environmentvariablevalue";
        let path = format!(
            "/api/data/v9.2/environmentvariabledefinitions?$filter=schemaname%20eq%20'{name}'&$expand={values}($select=environmentvariablevalueid)"
        );
        let found: Value = serde_json::from_str(&self.send("GET", &path, &token, "")).unwrap();
        let id = found["value"][0][values][0]["environmentvariablevalueid"].as_str().unwrap();
        let row = format!("/api/data/v9.2/environmentvariablevalues({id})");
        match value {
            Some(value) => self.send("PATCH", &row, &token, &json!({ "value": value }).to_string()),
            None => self.send("DELETE", &row, &token, ""),
        };
    }

    /// Sends a request as another program would, and gives the body of the answer.
    fn send(&self, method: &str, path: &str, token: &str, body: &str) -> String {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", &*bearer), ("Content-Type", "application/json")];
        let (status, answer) = self.served.call((method, path), &headers, body);
        assert!((200..300).contains(&status), "{status} {answer}");
        answer
    }

    /// The requests to triggers so far, each as its method and how many.
    fn calls(&self) -> Vec<(String, u64)> {
        let told: Value =
            serde_json::from_str(&self.send("GET", "/_sandbox/requests", "none", "")).unwrap();
        let requests = told["requests"].as_array().unwrap().iter();
        let calls = requests
            .filter(|request| request["template"].as_str().unwrap().contains("/paths/invoke"));
        let call = |request: &Value| {
            (request["method"].as_str().unwrap().to_owned(), request["count"].as_u64().unwrap())
        };
        calls.map(call).collect()
    }
}

/// The codes of the problems or warnings.
fn codes<'a>(document: &'a Value, list: &str) -> Vec<&'a str> {
    let list = document[list].as_array().unwrap().iter();
    list.map(|problem| problem["code"].as_str().unwrap()).collect()
}

#[test]
fn where_everything_agrees_there_is_no_drift() {
    let world = World::applied();
    let ended = world.run(&["check", "--detailed-exitcode"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("Check of http://127.0.0.1:"), "{}", ended.stdout);
    assert!(
        ended.stdout.ends_with("No drift. All 2 targets are up to date.\n"),
        "{}",
        ended.stdout
    );
    let (code, document) = world.check(&[]);
    assert_eq!((code, &document["outcome"]), (0, &json!("agreed")));
    assert_eq!((document.get("probes"), &document["requests"]["trigger"]), (None, &json!(0)));
}

#[test]
fn a_rotated_key_is_told_as_such_and_nothing_is_written() {
    let world = World::applied();
    world.flow(PARTNER, "regenerateAccessKey");
    let ended = world.run(&["check"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for part in [
        "environment-variable/contoso_PartnerWebhookUrl",
        "signature rotated",
        "Drift found: 1 of 2 targets out of date. Nothing was written. flowbind apply would write 1 target.",
    ] {
        assert!(words(&ended.stdout).contains(part), "{part}: {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("contoso_OrderIntakeUrl"), "{}", ended.stdout);
    for _ in 0..2 {
        let (code, document) = world.check(&["--detailed-exitcode"]);
        assert_eq!((code, &document["outcome"]), (2, &json!("drifted")), "{document:#}");
    }
    let (code, document) = world.check(&["--probe", "--probe-signed"]);
    assert_eq!((code, codes(&document, "problems")), (0, vec!["probe-signature"]));
}

#[test]
fn an_old_address_and_a_variable_without_a_value_are_told() {
    let world = World::new();
    let (code, document) = world.check(&["--detailed-exitcode", "--probe"]);
    assert_eq!((code, &document["outcome"]), (2, &json!("drifted")));
    let reasons: Vec<&Value> =
        document["changes"].as_array().unwrap().iter().map(|change| &change["reason"]).collect();
    assert_eq!(reasons, ["the variable has no value", "retired address, another workflow"]);
    // The old one is signed and of no trigger whose method is known.
    assert_eq!(document["probes"][0]["result"], "skipped");
    assert_eq!(document["requests"]["trigger"], 0);
}

#[test]
fn a_copy_that_points_at_production_stands_out() {
    let world = World::applied();
    world.variable("contoso_OrderIntakeUrl", Some(PRODUCTION_URL));
    let said = "points at `prod` (https://contoso.crm4.dynamics.com)";
    for command in ["check", "plan"] {
        let ended = world.run(&[command]);
        let told = words(&ended.stdout);
        for part in ["another environment, another workflow", "warning[points-elsewhere]", said] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
    let ended = world.run(&["check"]);
    let last = "1 of 2 targets out of date, 1 points at another environment.";
    assert!(words(&ended.stdout).contains(last), "{}", ended.stdout);
    let (code, document) = world.check(&["--probe"]);
    assert_eq!((code, codes(&document, "warnings")), (0, vec!["points-elsewhere"]));
    assert_eq!(codes(&document, "problems"), [""; 0]);
    // The sandbox knows nothing of production, and the machine is not left.
    let why = document["probes"][0]["answer"].as_str().unwrap();
    assert!(why.contains("leads to another environment"), "{why}");
    assert_eq!((&document["probes"][0]["result"], world.calls()), (&json!("skipped"), vec![]));
    // After a copy, flows are off.
    world.flow(ORDER_INTAKE, "stop");
    let (code, document) = world.check(&["--detailed-exitcode"]);
    assert_eq!((code, codes(&document, "warnings")), (2, vec!["points-elsewhere"]));
    assert_eq!(codes(&document, "problems"), ["flow-draft"]);
}

#[test]
fn an_edit_by_hand_and_a_deleted_value_are_told() {
    let world = World::applied();
    world.variable("contoso_OrderIntakeUrl", Some("https://hooks.example/made-up-key"));
    world.variable("contoso_PartnerWebhookUrl", None);
    let ended = world.run(&["check", "--probe"]);
    let told = words(&ended.stdout);
    for part in [
        "leads to another host",
        "the variable has no value",
        "not probed: environment-variable/contoso_OrderIntakeUrl, because its host is not one",
        "Drift found: 2 of 2 targets out of date. Nothing was written. flowbind apply would write 2 targets.",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("made-up-key"));
    assert_eq!(world.calls(), []);
}

#[test]
fn a_flow_that_was_switched_off_is_drift() {
    let world = World::applied();
    world.flow(ORDER_INTAKE, "stop");
    let ended = world.run(&["check"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let last = "Drift found: 0 of 2 targets out of date, 1 not checked, 1 problem. Nothing was written. Fix the problems before you run flowbind apply.";
    for part in ["error[flow-draft]", last] {
        assert!(words(&ended.stdout).contains(part), "{part}: {}", ended.stdout);
    }
    let (code, document) = world.check(&["--probe", "--detailed-exitcode"]);
    assert_eq!((code, codes(&document, "problems")), (2, vec!["flow-draft", "probe-off"]));
}

#[test]
fn a_check_that_could_not_look_does_not_pass_for_a_clean_one() {
    let world = World::applied();
    let text = std::fs::read_to_string(&world.manifest).unwrap().replace(ORDER_INTAKE, PAYROLL);
    std::fs::write(&world.manifest, text).unwrap();
    let ended = world.run(&["check"]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(words(&ended.stdout).contains("Check incomplete: 0 of 2 targets"), "{}", ended.stdout);
    let (code, document) = world.check(&["--detailed-exitcode"]);
    assert_eq!((code, &document["outcome"]), (5, &json!("refused")));
    assert_eq!(codes(&document, "problems"), ["flow-not-owned"]);
}

#[test]
fn a_probe_asks_what_is_stored_and_never_runs_a_flow() {
    let world = World::applied();
    let (code, document) = world.check(&["--probe", "--detailed-exitcode"]);
    let results = |document: &Value| -> Vec<String> {
        let probes = document["probes"].as_array().unwrap().iter();
        probes.map(|probe| probe["result"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((code, results(&document)), (0, vec!["guarded".into(), "skipped".into()]));
    assert_eq!(world.calls(), [("GET".to_owned(), 1)]);
    let (code, document) = world.check(&["--probe", "--probe-signed", "--detailed-exitcode"]);
    assert_eq!((code, results(&document)), (0, vec!["guarded".into(), "guarded".into()]));
    assert_eq!(document["requests"]["trigger"], 2);
    // Both triggers take POST alone.
    assert_eq!(world.calls(), [("GET".to_owned(), 3)]);
    let ended = world.run(&["check", "--probe", "--probe-signed"]);
    assert!(ended.stdout.contains("Probed 2 URLs: 2 answered as expected."), "{}", ended.stdout);
}

#[test]
fn signed_urls_are_probed_only_with_probe() {
    let world = World::new();
    assert_eq!(world.run(&["check", "--probe-signed"]).code, 3);
}

#[test]
fn no_probe_shows_a_signature_or_a_token_at_any_level_of_the_log() {
    let world = World::applied();
    let state = std::fs::read_to_string(world.place.state()).unwrap();
    let (_, signature) = state.rsplit_once("sig=").unwrap();
    let signature = &signature[..43];
    for format in ["human", "json"] {
        let all = ["check", "--probe", "--probe-signed", "--log", "trace", "--format", format];
        let ended = world.run(&all);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let everything = ended.stdout + &ended.stderr;
        for secret in [&signature[..16], &world.token, "sig=", "/workflows/", "Bearer "] {
            assert!(!everything.contains(secret), "a secret was shown");
        }
        assert!(everything.contains("/{trigger}"), "the log tells of probes");
    }
}
