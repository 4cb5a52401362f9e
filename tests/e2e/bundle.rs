//! The file for maintainers: what it has, and what it never has.

use std::fs;

use serde_json::{Value, json};

use super::harness::{EXAMPLE, Place, place, root};
use super::leaks::Secrets;

/// A run of a command on the example in the sandbox that keeps a bundle: the bundle and its text.
fn bundle(place: &Place, arguments: &[&str], code: i32) -> (Value, String) {
    let file = place.path("bundle.json").display().to_string();
    let at = ["--manifest", EXAMPLE, "--environment", "sandbox", "--bundle", &file];
    let ended = place.run(&[arguments, &at].concat());
    assert_eq!(ended.code, code, "{}", ended.stderr);
    assert!(ended.stderr.contains("Wrote the bundle"), "{}", ended.stderr);
    let text = fs::read_to_string(&file).unwrap();
    (serde_json::from_str(&text).unwrap(), text)
}

/// Names of the tenant and the manifest: what stands in quotes in them, unless it is a word of
/// their form, and every part of an id.
fn names() -> Vec<String> {
    let texts =
        ["config/sandbox.toml", EXAMPLE].map(|file| fs::read_to_string(root(file)).unwrap());
    let quoted = texts.iter().flat_map(|text| text.split('"').skip(1).step_by(2));
    let names = quoted.filter(|name| name.len() > 6 && !name.contains('\n'));
    let telling = |name: &&str| name.contains(['_', ' ', '-', '.']) && !name.contains('@');
    names.filter(telling).map(str::to_owned).collect()
}

fn assert_has_no_names(place: &Place, text: &str) {
    for part in ["contoso", "sig=", "127.0.0.1", "http://", "https://", "eyJ", "@contoso"] {
        assert!(!text.to_lowercase().contains(&part.to_lowercase()), "{part}: {text}");
    }
    let names = names();
    assert!(names.len() > 30, "{names:?}");
    let own = ["already-there", "flow-draft"];
    for name in names.iter().filter(|name| !own.contains(&name.as_str())) {
        assert!(!text.contains(name.as_str()), "{name}: {text}");
    }
    let is_id = |word: &&str| word.len() == 36 && word.matches('-').count() == 4;
    let ids: Vec<_> = text.split('"').filter(is_id).collect();
    assert_eq!(ids, [""; 0]);
    let mut secrets = Secrets::default();
    secrets.add_state(&fs::read_to_string(place.state()).unwrap());
    secrets.assert_absent("the bundle", text);
}

#[test]
fn a_bundle_tells_the_requests_of_a_run_by_their_statuses_codes_shapes_and_times() {
    let place = place();
    let (document, text) = bundle(&place, &["apply"], 0);
    assert_eq!((&document["kind"], &document["exit-code"]), (&json!("flowbind-bundle"), &json!(0)));
    assert_eq!(document["run"]["outcome"], "applied");
    let exchanges = document["exchanges"].as_array().unwrap();
    assert!(exchanges.len() > 10, "{text}");
    for exchange in exchanges {
        assert!(exchange["duration-ms"].is_u64() && exchange["template"].is_string(), "{exchange}");
        assert!(exchange["status"].is_u64(), "{exchange}");
    }
    let batch = exchanges.iter().find(|one| one["template"].as_str().unwrap().contains("$batch"));
    assert!(!batch.unwrap()["statuses-of-parts"].as_array().unwrap().is_empty(), "{text}");
    let urls = exchanges.iter().filter(|one| one["service"] == "flow" && one["status"] == 200);
    assert!(
        urls.map(|one| one["shapes"].to_string()).any(|shape| shape.contains("value")),
        "{text}"
    );
    assert_has_no_names(&place, &text);
}

#[test]
fn a_bundle_of_a_run_that_fails_has_the_codes_and_none_of_the_words() {
    let place = place();
    let tenant = place.tenant_with("[[fault]]\nservice = \"dataverse\"\npath-contains = \"environmentvariabledefinitions\"\nstatus = 403\ntimes = 99\n");
    let (document, text) = bundle(&place, &["plan", "--sandbox-tenant", &tenant], 5);
    assert_eq!(document["run"]["outcome"], "refused");
    let refused = document["exchanges"].as_array().unwrap().iter();
    let refused: Vec<_> = refused.filter(|one| one["status"] == 403).collect();
    assert!(!refused.is_empty() && refused.iter().all(|one| one["codes"][0].is_string()), "{text}");
    assert_has_no_names(&place, &text);
}

#[test]
fn a_bundle_that_cannot_be_written_is_told_before_anything_is_contacted() {
    let place = place();
    let file = place.path("no-folder/bundle.json").display().to_string();
    let ended = place.run(&["plan", "-m", EXAMPLE, "-e", "sandbox", "--bundle", &file]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(!place.state().exists());
}
