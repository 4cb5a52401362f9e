//! Made-up flows by number, and the manifest that is written for them.

use std::process::Stdio;

use serde_json::json;

use super::harness::{Ended, ORDER_INTAKE, Place, Served, binds, place};

/// A sandbox of so many flows, and its manifest.
fn serve(place: &Place, flows: &str, targets_per_flow: &str) -> (Served, String) {
    let manifest = place.path("synthetic.toml").display().to_string();
    let numbers = ["--flows", flows, "--targets-per-flow", targets_per_flow];
    let others = ["--write-manifest", &manifest, "--approve-after", "0", "--sandbox-state", "none"];
    (Served::start(place, &[&numbers[..], &others].concat()), manifest)
}

fn apply(place: &Place, manifest: &str) -> Ended {
    let arguments = ["apply", "--manifest", manifest, "--yes", "--token-store", "none"];
    place.command(&arguments).stdin(Stdio::null()).output().unwrap().into()
}

#[test]
fn an_apply_of_the_written_manifest_changes_everything_once() {
    let place = place();
    let (_served, manifest) = serve(&place, "50", "1");
    let first = apply(&place, &manifest);
    assert!(first.stdout.contains("Applied: 50 created. "), "{}{}", first.stdout, first.stderr);
    let second = apply(&place, &manifest);
    assert!(
        second.stdout.contains("All 50 targets are up to date"),
        "{}{}",
        second.stdout,
        second.stderr
    );
    assert_eq!((first.code, second.code), (0, 0));
}

#[test]
fn a_flow_can_have_several_variables() {
    let place = place();
    let (_served, manifest) = serve(&place, "3", "4");
    let ended = apply(&place, &manifest);
    assert!(ended.stdout.contains("12 created"), "{}{}", ended.stdout, ended.stderr);
}

/// The written manifest with every flow bound to a member of the first flow's variable.
fn into_one_variable(place: &Place, manifest: &str) -> String {
    let text = std::fs::read_to_string(manifest).unwrap();
    let mut members = 0..;
    let lines = text.lines().map(|line| {
        if !line.starts_with("environment-variable") {
            return line.to_owned();
        }
        let member = members.next().unwrap();
        format!(
            "environment-variable = \"contoso_Flow00001Url1\"\njson-pointer = \"/urls/flow{member}\""
        )
    });
    place.write("members.toml", &lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn some_members_of_one_variable_are_written_at_once() {
    let place = place();
    let (_served, manifest) = serve(&place, "8", "1");
    let manifest = into_one_variable(&place, &manifest);
    let first = apply(&place, &manifest);
    assert!(first.stdout.contains("Applied: 8 created. "), "{}{}", first.stdout, first.stderr);
    let second = apply(&place, &manifest);
    assert!(
        second.stdout.contains("All 8 targets are up to date"),
        "{}{}",
        second.stdout,
        second.stderr
    );
}

#[test]
fn of_five_hundred_elements_those_that_are_bound_are_written_and_the_others_stay() {
    let place = place();
    let was = "type = \"json\"\nvalue = '{\"version\": 3,";
    let elements = vec![r#""""#; 500].join(",");
    let tenant = place.tenant(&[(was, &was.replace('3', &format!("[{elements}]")))]);
    let target = "json-pointer = \"/version/499\"\n";
    let manifest = place.manifest(&(binds(ORDER_INTAKE, "contoso_Endpoints") + target));
    let arguments = ["apply", "--manifest", &manifest, "--sandbox-tenant", &tenant];
    let (code, document) = place.json(&arguments);
    assert_eq!((code, &document["outcome"]), (0, &json!("applied")));
    let state = std::fs::read_to_string(place.state()).unwrap();
    let kept = format!(r#"{{\"version\": [{}\"https://"#, r#"\"\","#.repeat(499));
    assert!(state.contains(&kept), "{state}");
    assert_eq!(place.json(&arguments).1["outcome"], "agreed");
}

#[test]
fn five_hundred_urls_for_one_variable_are_one_problem_that_says_what_to_do() {
    let place = place();
    let (_served, manifest) = serve(&place, "500", "1");
    let ended = apply(&place, &into_one_variable(&place, &manifest));
    assert_eq!(ended.code, 5, "{}{}", ended.stdout, ended.stderr);
    let problem = ended.stdout.matches("and a variable holds 2000").count();
    assert_eq!(problem, 1, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("spread the URLs over several variables"), "{}", ended.stdout);
}

#[test]
fn a_manifest_without_made_up_flows_is_refused() {
    let ended = place().run(&["sandbox", "--write-manifest", "synthetic.toml"]);
    assert_eq!(ended.code, 3);
    assert!(ended.stderr.contains("--flows <N>"), "{}", ended.stderr);
}
