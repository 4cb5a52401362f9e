//! Which environment a run is for.

use super::{HEAD, TARGET, brief, parse};
use crate::manifest::{Environment, Location, Manifest};
use crate::model::Problem;

/// A manifest with those environments.
fn manifest(environments: &str) -> Manifest {
    let flow = &HEAD[HEAD.find("[[flow]]").unwrap()..];
    parse(format!("version = 1\n{environments}\n{flow}{TARGET}")).unwrap()
}

const TWO: &str = "[environments.prod]\nurl = \"https://contoso.crm4.dynamics.com\"\ntenant = \"Contoso.example\"\n[environments.sandbox]\nsandbox = true\n";

fn chosen(environments: &str, wanted: Option<&str>) -> Environment {
    manifest(environments).choose_environment(wanted).unwrap()
}

fn told(environments: &str, wanted: Option<&str>) -> String {
    let problem: Problem = manifest(environments).choose_environment(wanted).unwrap_err();
    format!("{}: {}. {}", brief(&problem), problem.message, problem.hint)
}

#[test]
fn an_environment_is_found_by_its_name() {
    assert_eq!(chosen(TWO, Some("sandbox")).place, Location::Sandbox);
    assert_eq!(chosen(TWO, Some("prod")).tenant.as_deref(), Some("contoso.example"));
}

#[test]
fn an_address_finds_the_entry_that_has_it() {
    let found = chosen(TWO, Some("https://CONTOSO.crm4.dynamics.com/"));
    assert_eq!(found, chosen(TWO, Some("prod")));
}

#[test]
fn an_address_needs_no_entry() {
    let found = chosen("", Some("https://fabrikam.crm4.dynamics.com/"));
    assert_eq!(found.name, "https://fabrikam.crm4.dynamics.com");
    assert_eq!(found.tenant, None);
    let local = chosen("", Some("http://127.0.0.1:8787"));
    assert_eq!(local.place, Location::Url("http://127.0.0.1:8787".parse().unwrap()));
}

#[test]
fn the_only_environment_need_not_be_named() {
    assert_eq!(chosen("environments.a.sandbox = true", None).name, "a");
}

#[test]
fn a_cloud_that_the_host_does_not_tell_may_be_named() {
    let own = "[environments.own]\nurl = \"https://flows.contoso.example\"\ncloud = \"gcc\"\n";
    assert_eq!(chosen(own, Some("own")).cloud.as_deref(), Some("gcc"));
}

#[test]
fn two_entries_may_have_one_address_but_it_no_longer_says_which() {
    let twins = format!("{TWO}[environments.live]\nurl = \"https://contoso.crm4.dynamics.com\"\n");
    assert_eq!(chosen(&twins, Some("live")).tenant, None);
    insta::assert_snapshot!(
        told(&twins, Some("https://contoso.crm4.dynamics.com")),
        @"- environment-none: several environments of the manifest have the address `https://contoso.crm4.dynamics.com`. add `--environment` with one of `live`, `prod`"
    );
}

#[test]
fn where_none_is_given_the_names_are_listed() {
    insta::assert_snapshot!(told(TWO, None), @"- environment-none: no environment is given, and the manifest has several. add `--environment` with one of `prod`, `sandbox`");
    insta::assert_snapshot!(told("", None), @"- environment-none: no environment is given, and the manifest has none. add `--environment https://contoso.crm4.dynamics.com`, or write `[environments.prod]` with a `url` in the manifest");
}

#[test]
fn a_name_that_is_not_there_is_answered_with_the_nearest() {
    insta::assert_snapshot!(told(TWO, Some("Sandbx")), @"- environment-unknown: the manifest has no environment `Sandbx`. add `--environment sandbox`");
    insta::assert_snapshot!(told(TWO, Some("staging")), @"- environment-unknown: the manifest has no environment `staging`. use one of `prod`, `sandbox`");
    insta::assert_snapshot!(told("", Some("a\u{1b}[2J")), @r"- environment-unknown: the manifest has no environment `a\u{1b}[2J`. write `[environments.a\u{1b}[2J]` with a `url` in the manifest");
}

#[test]
fn a_host_is_no_name_but_nearly_an_address() {
    insta::assert_snapshot!(told(TWO, Some("fabrikam.crm4.dynamics.com")), @"- environment-unknown: the manifest has no environment `fabrikam.crm4.dynamics.com`. add `--environment https://fabrikam.crm4.dynamics.com`: an address begins with `https://`");
}

#[test]
fn an_address_that_is_none_or_of_no_cloud_is_refused() {
    insta::assert_snapshot!(told(TWO, Some("http://contoso.crm4.dynamics.com")), @"- value-invalid: the environment's address is not https: plain http is accepted only for this machine (127.0.0.1, [::1], localhost). add `--environment https://contoso.crm4.dynamics.com`, with your own host");
    insta::assert_snapshot!(told(TWO, Some("https://contoso.example")), @"- environment-unknown: the host `contoso.example` does not identify the environment's cloud. check the address, or write `[environments.prod]` with `url` and `cloud` in the manifest; `cloud` is one of `china`, `dod`, `gcc`, `gcc-high`, `public`");
}

#[test]
fn an_id_finds_the_entry_that_has_it_and_another_is_answered_with_the_address() {
    let id = "3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6";
    let known = format!("{TWO}environment-id = \"{id}\"\n");
    assert_eq!(chosen(&known, Some(&id.to_uppercase())).environment_id, Some(id.parse().unwrap()));
    let default = format!("Default-{id}");
    for wanted in [id, &default] {
        let told = told(TWO, Some(wanted));
        assert!(told.contains("environment-unknown") && told.contains(wanted), "{told}");
        assert!(told.contains("Environment URL"), "{told}");
    }
}
