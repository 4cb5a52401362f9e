//! Waiting for flows that somebody else turns on, as a later step of a release does.

use std::fs::File;
use std::path::PathBuf;
use std::process::Child;

use serde_json::{Value, json};

use super::harness::{Ended, ORDER_INTAKE, Place, Served, binds, place, until};
use super::sign_in::{access_token, words};

/// A flow that is off and was never on.
const RETURNS: &str = "394f185a-d3a6-f011-998a-7c1e5275cfe9";

/// A flow that a policy stopped.
const PRICES: &str = "4a50296b-e4b7-f011-998a-7c1e5275cfe9";

/// The states of a flow, each with its status.
const OFF: (u8, u8) = (0, 1);
const ON: (u8, u8) = (1, 2);
const STOPPED: (u8, u8) = (2, 3);

/// A sandbox that serves, somebody who signs in to it silently, and a manifest.
struct Release {
    place: Place,
    served: Served,
    token: String,
    manifest: String,
}

impl Release {
    /// A flow that is on and one that is off are bound, and what is added.
    fn with(more: &str) -> Self {
        let place = place();
        let (served, token) = place.served("");
        let flows = binds(ORDER_INTAKE, "contoso_OrderIntakeUrl")
            + &binds(RETURNS, "contoso_PartnerWebhookUrl");
        let manifest = place.manifest(&(flows + more));
        Self { place, served, token, manifest }
    }

    fn arguments<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let at = ["--manifest", &self.manifest, "--environment", &self.served.url];
        [arguments, &at, &["--token-store", "none"]].concat()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let variables = [("FLOWBIND_REFRESH_TOKEN", &*self.token)];
        self.place.run_with(&variables, &self.arguments(arguments))
    }

    /// A run with its exit code and its document.
    fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let ended = self.run(&[arguments, &["--format", "json"]].concat());
        let document = serde_json::from_str(&ended.stdout);
        (ended.code, document.unwrap_or_else(|_| panic!("{}{}", ended.stdout, ended.stderr)))
    }

    /// Begins a run, and comes back once it waits.
    fn waiting(&self, arguments: &[&str]) -> Child {
        let mut command = self.place.command(&self.arguments(arguments));
        command.env("FLOWBIND_REFRESH_TOKEN", &self.token);
        command.stdout(File::create(self.place.path("run.out")).unwrap());
        let child = command.stderr(File::create(self.log()).unwrap()).spawn().unwrap();
        until(|| self.said().contains("Waiting for").then_some(()));
        child
    }

    fn log(&self) -> PathBuf {
        self.place.path("run.log")
    }

    /// What a run that was begun has said so far.
    fn said(&self) -> String {
        words(&std::fs::read_to_string(self.log()).unwrap())
    }

    /// Somebody brings a flow into a state through the Web API of Dataverse.
    fn turns(&self, flow: &str, (state, status): (u8, u8)) {
        let token = access_token(&self.served.url, &self.token, &self.served.url);
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", &*bearer), ("Content-Type", "application/json")];
        let path = format!("/api/data/v9.2/workflows({flow})");
        let body = json!({ "statecode": state, "statuscode": status }).to_string();
        let (code, answer) = self.served.call(("PATCH", &path), &headers, &body);
        assert_eq!(code, 204, "{answer}");
    }

    /// What would be done to each target now, by the targets' addresses.
    fn pending(&self) -> Vec<(String, String)> {
        let (_, document) = self.json(&["plan"]);
        let changes = document["changes"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        changes.map(|change| (text(&change["address"]), text(&change["action"]))).collect()
    }
}

/// The codes of the problems.
fn codes(document: &Value) -> Vec<&str> {
    let problems = document["problems"].as_array().unwrap().iter();
    problems.map(|problem| problem["code"].as_str().unwrap()).collect()
}

#[test]
fn a_flow_that_is_turned_on_while_a_run_waits_gets_its_url_written() {
    let release = Release::with("");
    let mut run = release.waiting(&["apply", "--yes", "--wait-ready", "1m"]);
    release.turns(RETURNS, ON);
    assert_eq!(run.wait().unwrap().code(), Some(0), "{}", release.said());
    let told = "Waiting for 1 flow to be ready, for at most 60 s: `Returns intake` …";
    assert_eq!(release.said().matches("Waiting for").count(), 1, "{}", release.said());
    assert!(release.said().contains(told), "{}", release.said());
    assert_eq!(release.said().matches("Reading 2 flows").count(), 1, "{}", release.said());
    assert_eq!(release.json(&["plan"]).1["outcome"], "agreed");
}

#[test]
fn where_the_wait_runs_out_every_flow_is_named_and_nothing_is_written() {
    let release = Release::with("");
    let before = release.pending();
    assert_eq!(before.len(), 1);
    let report = release.place.path("run.md").display().to_string();
    let wait = ["apply", "--yes", "--wait-ready", "3", "--report", &report];
    let (code, document) = release.json(&wait);
    assert_eq!((code, &document["outcome"]), (8, &json!("not-ready")), "{document:#}");
    assert_eq!(codes(&document), ["flow-draft"]);
    let error = &document["error"];
    assert_eq!(error["exit-code"], 8);
    let message = "1 flow was not ready within 3 s: `Returns intake`; nothing was written";
    assert_eq!(error["message"], message);
    assert!(error["hints"].to_string().contains("--wait-ready"), "{error}");
    assert_eq!(release.pending(), before);
    assert!(std::fs::read_to_string(report).unwrap().contains("apply: Not ready"));
}

#[test]
fn people_and_runners_are_told_of_a_wait_that_ran_out() {
    let release = Release::with("");
    let outputs = release.place.write("outputs", "");
    let variables = [
        ("FLOWBIND_REFRESH_TOKEN", &*release.token),
        ("FLOWBIND_WAIT_READY", "1"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_OUTPUT", &outputs),
    ];
    let plan = release.arguments(&["plan", "--detailed-exitcode"]);
    let ended = release.place.run_with(&variables, &plan);
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    assert!(words(&ended.stdout).contains("error[flow-draft]"), "{}", ended.stdout);
    let error = "::error title=flowbind::1 flow was not ready within 1 s: `Returns intake`";
    assert!(ended.stderr.contains(error), "{}", ended.stderr);
    let outputs = std::fs::read_to_string(outputs).unwrap();
    assert!(outputs.contains("outcome=not-ready\n"), "{outputs}");
}

#[test]
fn another_problem_ends_the_run_at_once() {
    let missing = binds(ORDER_INTAKE, "contoso_Nothing").replace("[[flow]]", "");
    let (_, target) = missing.split_once("[[flow.target]]").unwrap();
    let others = [
        (binds(PRICES, "contoso_StockUrl"), "flow-suspended"),
        (format!("[[flow.target]]{target}"), "definition-missing"),
    ];
    for (more, problem) in others {
        let release = Release::with(&more);
        let ended = release.run(&["apply", "--yes", "--wait-ready", "600"]);
        assert_eq!(ended.code, 5, "{}", ended.stderr);
        assert!(!ended.stderr.contains("Waiting for"), "{}", ended.stderr);
        for code in ["flow-draft", problem] {
            assert!(ended.stdout.contains(&format!("error[{code}]")), "{}", ended.stdout);
        }
    }
}

#[test]
fn a_problem_that_comes_while_a_run_waits_ends_it() {
    let release = Release::with("");
    let mut run = release.waiting(&["plan", "--wait-ready", "600"]);
    release.turns(RETURNS, STOPPED);
    assert_eq!(run.wait().unwrap().code(), Some(5), "{}", release.said());
}

#[test]
fn a_reviewed_plan_is_waited_for_and_held_to() {
    let release = Release::with("");
    release.turns(RETURNS, ON);
    let file = release.place.path("release.plan").display().to_string();
    assert_eq!(release.run(&["plan", "--out", &file]).code, 0);
    release.turns(RETURNS, OFF);
    let apply = ["apply", "--plan", &file, "--wait-ready"];
    let ended = release.run(&[&apply[..], &["1"]].concat());
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    let mut run = release.waiting(&[&apply[..], &["60"]].concat());
    release.turns(RETURNS, ON);
    assert_eq!(run.wait().unwrap().code(), Some(0), "{}", release.said());
    assert!(release.said().contains("is still valid"), "{}", release.said());
}

#[test]
fn an_export_waits_for_its_flows_alone() {
    let missing = binds(ORDER_INTAKE, "contoso_Nothing");
    let (_, target) = missing.split_once("[[flow.target]]").unwrap();
    let release = Release::with(&format!("[[flow.target]]{target}"));
    let file = release.place.path("settings.json").display().to_string();
    let export = ["export", "--deployment-settings", &file, "--wait-ready"];
    let (code, document) = release.json(&[&export[..], &["1"]].concat());
    assert_eq!((code, &document["outcome"]), (8, &json!("not-ready")), "{document:#}");
    assert!(!release.place.path("settings.json").exists());
    let mut run = release.waiting(&[&export[..], &["60"]].concat());
    release.turns(RETURNS, ON);
    assert_eq!(run.wait().unwrap().code(), Some(0), "{}", release.said());
    let settings = std::fs::read_to_string(file).unwrap();
    assert!(settings.contains("contoso_Nothing"), "{settings}");
}

#[cfg(unix)]
#[test]
fn a_run_that_waits_is_interrupted_at_once() {
    use super::harness::signal;

    let release = Release::with("");
    let mut run = release.waiting(&["apply", "--yes", "--wait-ready", "600"]);
    signal(&run, "INT");
    assert_eq!(run.wait().unwrap().code(), Some(130), "{}", release.said());
    assert!(release.said().contains("interrupted; nothing was written"), "{}", release.said());
}
