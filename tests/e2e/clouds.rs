//! Files of clouds: they decide where tokens are sent.

use super::harness::{Ended, ORDER_INTAKE, Place, Served, binds, place};
use super::sign_in::{CLIENT_ID, words};

/// A manifest on an address in a cloud, with more in its environment.
fn manifest(place: &Place, url: &str, more: &str) -> String {
    let flows = binds(ORDER_INTAKE, "contoso_OrderIntakeUrl");
    let head = format!("version = 1\n[environments.here]\nurl = \"{url}\"\n{more}");
    place.write("flowbind.toml", &format!("{head}\n{flows}"))
}

/// A cloud on this machine.
fn cloud(served: &Served) -> String {
    let host = served.url.trim_start_matches("http://");
    format!(
        "[airgap]\nauthorities = [\"{host}\"]\nflow-api = \"{}\"\nflow-audience = \"https://service.flow.microsoft.com/\"\ndataverse = [\".crm.airgap.example\"]\ncallback = [\".environment.api.powerplatform.com\"]\nclient-id = \"{CLIENT_ID}\"\n",
        served.url
    )
}

fn plan(place: &Place, manifest: &str, clouds: Option<&str>) -> Ended {
    let run = ["plan", "--manifest", manifest, "--format", "json"];
    let clouds = clouds.map(|clouds| ["--clouds", clouds]);
    place.run(&[&run[..], clouds.as_ref().map_or(&[], |clouds| &clouds[..])].concat())
}

#[test]
fn a_cloud_of_ones_own_serves_a_run_and_is_not_known_without_its_file() {
    let place = place();
    let (served, _) = place.served("");
    let manifest = manifest(&place, &served.url, "cloud = \"airgap\"");
    let clouds = place.write("clouds.toml", &cloud(&served));
    let ended = plan(&place, &manifest, Some(&clouds));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("\"planned\""));
    let ended = place.run_with(&[("FLOWBIND_CLOUDS", &clouds)], &["plan", "--manifest", &manifest]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let ended = plan(&place, &manifest, None);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
}

#[test]
fn everything_wrong_with_a_file_of_clouds_is_told_at_once_with_its_place() {
    let place = place();
    let (served, _) = place.served("");
    let manifest = manifest(&place, &served.url, "cloud = \"airgap\"");
    let good = cloud(&served);
    for (from, to, place_in_file) in [
        ("[airgap]", "[airgap", ":1:"),
        ("authorities = [", "authorities = \"x\" #", ":2:15"),
        ("authorities = [\"", "authorities = [\"https://", ":2:16"),
        ("flow-api = \"http://127.0.0.1", "flow-api = \"http://flow.example", ":3:12"),
        ("flow-api", "flow-appi", ":3:1"),
        ("flow-audience = \"https", "flow-audience = \"http", ":4:17"),
        ("\".crm.airgap.example\"", "\"crm.airgap.example\"", ":5:14"),
        ("\".crm.airgap.example\"", "\".example\"", ":5:14"),
        ("\".crm.airgap.example\"", "\".dynamics.com\"", ":5:13"),
        ("callback", "callbacks", ":6:1"),
        (CLIENT_ID, "no-guid", ":7:13"),
        ("[airgap]", "[sandbox]", ":1:2"),
    ] {
        assert!(good.contains(from), "{from}");
        let file = place.write("clouds.toml", &good.replacen(from, to, 1));
        let ended = plan(&place, &manifest, Some(&file));
        assert_eq!(ended.code, 3, "{to}: {}", ended.stderr);
        let place = format!("{file}{place_in_file}");
        assert!(ended.stderr.contains(&place), "{to}: {}", ended.stderr);
        assert!(ended.stderr.contains("help: "), "{to}: {}", ended.stderr);
        assert!(words(&ended.stderr).contains("nothing was contacted"), "{to}: {}", ended.stderr);
    }
    let two = good.replacen("flow-audience = \"https", "flow-audience = \"http", 1);
    let file = place.write("clouds.toml", &two.replacen("callback", "callbacks", 1));
    let ended = plan(&place, &manifest, Some(&file));
    assert!(ended.stderr.contains(":4:17") && ended.stderr.contains(":6:1"), "{}", ended.stderr);
    let missing = place.path("absent.toml").display().to_string();
    assert_eq!(plan(&place, &manifest, Some(&missing)).code, 3);
}

#[test]
fn a_manifest_cannot_say_where_tokens_are_sent() {
    for more in [
        "flow-api = \"https://evil.example\"",
        "flow-audience = \"https://evil.example/\"",
        "authorities = [\"evil.example\"]",
        "clouds = \"clouds.toml\"",
        "cloud = \"evil.example\"",
        "cloud = \"airgap\"",
        "cloud = \"sandbox\"",
        "[airgap]\nauthorities = [\"evil.example\"]",
        "[clouds.airgap]\nauthorities = [\"evil.example\"]",
    ] {
        let place = place();
        let manifest = manifest(&place, "http://127.0.0.1:1", more);
        let ended = plan(&place, &manifest, None);
        assert_eq!(ended.code, 3, "{more}: {}", ended.stderr);
        assert!(ended.stderr.contains("nothing was contacted"), "{more}: {}", ended.stderr);
    }
}
