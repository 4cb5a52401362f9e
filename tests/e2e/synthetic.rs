//! Made-up flows by number, and the manifest that is written for them.

use std::process::Stdio;

use super::harness::{Ended, Place, Served, place};

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
    assert!(first.stdout.contains("50 created, 0 updated"), "{}{}", first.stdout, first.stderr);
    let second = apply(&place, &manifest);
    assert!(second.stdout.contains("All 50 targets agree"), "{}{}", second.stdout, second.stderr);
    assert_eq!((first.code, second.code), (0, 0));
}

#[test]
fn a_flow_can_have_several_variables() {
    let place = place();
    let (_served, manifest) = serve(&place, "3", "4");
    let ended = apply(&place, &manifest);
    assert!(ended.stdout.contains("12 created"), "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn a_manifest_without_made_up_flows_is_refused() {
    let ended = place().run(&["sandbox", "--write-manifest", "synthetic.toml"]);
    assert_eq!(ended.code, 3);
    assert!(ended.stderr.contains("--flows <N>"), "{}", ended.stderr);
}
