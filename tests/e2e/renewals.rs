//! Tokens that end, or are refused, in the middle of a run.

use serde_json::{Value, json};

use super::harness::{EXAMPLE, Place, Served, place};
use super::sign_in::{FLOW, access_token, words};

/// A person who signed in at a sandbox that serves, and a manifest.
struct Midway {
    place: Place,
    served: Served,
    token: String,
    manifest: String,
}

impl Midway {
    fn new(more: &str) -> Self {
        let one = Self::of("", more);
        let manifest = one.place.one();
        Self { manifest, ..one }
    }

    fn of(manifest: &str, more: &str) -> Self {
        let place = place();
        let (served, token) = place.served(more);
        Self { place, served, token, manifest: manifest.to_owned() }
    }

    /// Applies with what a pipeline hands in.
    fn apply(&self, variables: &[(&str, &str)]) -> (i32, Value, String) {
        let at =
            ["apply", "--yes", "--manifest", &self.manifest, "--environment", &self.served.url];
        let run = [&at[..], &["--format", "json", "--non-interactive"]].concat();
        let ended = self.place.run_with(variables, &run);
        let document = serde_json::from_str(&ended.stdout);
        (
            ended.code,
            document.unwrap_or_else(|error| panic!("{error}: {}", ended.stderr)),
            ended.stderr,
        )
    }

    fn apply_as_the_person(&self) -> (i32, Value, String) {
        self.apply(&[("FLOWBIND_REFRESH_TOKEN", &self.token)])
    }
}

fn revoked(service: &str, after: u64) -> String {
    format!("[[token-revocation]]\nservice = \"{service}\"\nafter = {after}\n")
}

#[test]
fn a_token_that_is_refused_after_any_request_is_renewed_once_and_the_run_ends_applied() {
    let (code, usual, stderr) = Midway::new("").apply_as_the_person();
    assert_eq!((code, &usual["requests"]["entra"]), (0, &json!(2)), "{stderr}");
    // The first request has no token, and after the last one none is refused any more.
    let last = usual["requests"]["dataverse"].as_u64().unwrap() - 2;
    let moments = (1..=last).map(|after| ("dataverse", after));
    for (service, after) in moments.chain((1..=3).map(|after| ("flow", after))) {
        let midway = Midway::of(EXAMPLE, &revoked(service, after));
        let (code, document, stderr) = midway.apply_as_the_person();
        assert_eq!(code, 0, "{service} {after}: {stderr}");
        assert_eq!(document["outcome"], "applied", "{service} {after}");
        assert_eq!(document["requests"]["entra"], 3, "{service} {after}: one more token");
    }
}

#[test]
fn a_service_that_wants_more_proof_gets_a_token_that_has_it() {
    let midway = Midway::new("[switches.dataverse]\nclaims-challenge = \"once\"");
    let (code, document, stderr) = midway.apply_as_the_person();
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(
        (&document["outcome"], &document["requests"]["entra"]),
        (&json!("applied"), &json!(3))
    );
}

#[test]
fn a_refresh_token_that_is_good_once_serves_a_whole_run() {
    let rotation = "[switches.entra]\nrefresh-rotation = \"once\"\n";
    for more in ["", "[switches.dataverse]\nclaims-challenge = \"once\"", &revoked("flow", 1)] {
        let midway = Midway::new(&format!("{rotation}{more}"));
        let (code, _, stderr) = midway.apply_as_the_person();
        assert_eq!(code, 0, "{more}: {stderr}");
    }
}

#[test]
fn a_token_that_soon_ends_is_renewed_before_the_write() {
    let place = place();
    let tenant = place.tenant(&[("interval = 1", "interval = 1\naccess-token-lifetime = 2")]);
    let serve = ["--approve-after", "0", "--tenant", &tenant, "--latency", "400"];
    let served = Served::start(&place, &serve);
    let manifest = place.one();
    let run = ["apply", "--yes", "--manifest", &manifest, "--environment", &served.url];
    let (code, document) = place.json(&run);
    assert_eq!(code, 0, "{document:#}");
    // A code, its token, and one for the Flow service are the usual three.
    assert!(document["requests"]["entra"].as_u64().unwrap() >= 4, "{document:#}");
}

#[test]
fn a_given_token_that_is_refused_ends_the_run_with_what_to_do() {
    for (service, variable) in
        [("dataverse", "FLOWBIND_DATAVERSE_TOKEN"), ("flow", "FLOWBIND_FLOW_TOKEN")]
    {
        let midway = Midway::of(EXAMPLE, &revoked(service, 1));
        let url = &midway.served.url;
        let dataverse = access_token(url, &midway.token, url);
        let flow = access_token(url, &midway.token, FLOW);
        let given = [("FLOWBIND_DATAVERSE_TOKEN", &*dataverse), ("FLOWBIND_FLOW_TOKEN", &flow)];
        let (code, document, stderr) = midway.apply(&given);
        assert_eq!(code, 4, "{service}: {stderr}");
        assert_eq!(document["requests"]["entra"], 0);
        let said = words(&stderr);
        let warning = format!("refused the token from {variable}, and flowbind cannot renew it");
        assert_eq!(said.matches(&warning).count(), 1, "{service}: {said}");
    }
}

#[test]
fn a_token_that_cannot_be_read_is_used_with_a_warning() {
    let midway = Midway::new("[switches.entra]\naccess-tokens = \"opaque\"");
    let (code, document, stderr) = midway.apply_as_the_person();
    assert_eq!((code, &document["outcome"]), (0, &json!("applied")), "{stderr}");
    for service in ["Dataverse", "the Flow service"] {
        let warning = format!("warning: the token for {service} cannot be read");
        assert_eq!(stderr.matches(&warning).count(), 1, "{stderr}");
    }
}
