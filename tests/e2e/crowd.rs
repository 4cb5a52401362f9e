//! Many runs at once on one environment.

use std::collections::BTreeMap;
use std::process::Child;

use super::harness::{EXAMPLE, Ended, ORDER_INTAKE, alone, binds};
use super::sign_in::words;
use super::tenant::{Targets, Tenant, document};

/// How many runs there are at once, unless `FLOWBIND_TEST_RUNS` says so.
const RUNS: usize = 50;

/// Another flow of the sandbox.
const STOCK_LEVELS: &str = "061ce527-a073-f011-998a-7c1e5275cfe9";

/// The variables that the two wishes are about. None has a value.
const VARIABLES: [&str; 2] = ["contoso_OrderIntakeUrl", "contoso_StockUrl"];

fn runs() -> usize {
    std::env::var("FLOWBIND_TEST_RUNS").map_or(RUNS, |text| text.parse().unwrap())
}

/// How long every answer takes, in milliseconds, so that the runs overlap.
const LATENCY: &str = "300";

/// A tenant on which runs take long enough to meet each other.
fn tenant(switches: &str) -> Tenant {
    let switches = format!("[switches.dataverse]\n{switches}");
    Tenant::serving(&switches, &["--latency", LATENCY])
}

/// What a run says whose guard no longer held.
const CONFLICT: &str = "Somebody else wrote to a target meanwhile";

/// How many runs ended how.
fn tally(children: Vec<Child>) -> BTreeMap<(i32, String), usize> {
    let (mut tally, mut contended) = (BTreeMap::new(), 0);
    for child in children {
        let ended: Ended = child.wait_with_output().unwrap().into();
        let outcome = document(&ended)["outcome"].as_str().unwrap().to_owned();
        contended += usize::from(words(&ended.stderr).contains(CONFLICT));
        let allowed = matches!(ended.code, 0 | 5 | 7);
        assert!(allowed, "{}: {}{}", ended.code, ended.stdout, ended.stderr);
        *tally.entry((ended.code, outcome)).or_default() += 1;
    }
    eprintln!("{tally:?}, of which {contended} met another run's write");
    tally
}

/// The rows of each of the variables.
fn held(targets: &Targets) -> Vec<&str> {
    let held = targets.iter().filter(|(name, _)| VARIABLES.contains(&name.as_str()));
    held.map(|(_, value)| value.as_str()).collect()
}

/// Many applies of the example at once, on an organisation with that key.
fn all_at_once(switches: &str) {
    let tenant = tenant(switches);
    let apply = ["apply", "--manifest", EXAMPLE, "--format", "json"];
    let children = (0..runs()).map(|_| tenant.start(&apply)).collect();
    let tally = tally(children);
    let well = |outcome: &str| tally.get(&(0, outcome.to_owned())).copied().unwrap_or_default();
    assert_eq!(well("applied") + well("agreed"), runs(), "{tally:?}");
    assert!(well("applied") > 0, "{tally:?}");
    let targets = tenant.targets();
    let names: Vec<&String> = targets.iter().map(|(name, _)| name).collect();
    let mut once = names.clone();
    once.dedup();
    assert_eq!(names, once, "one row for each target");
    let (code, document) = tenant.json(&["plan", "--manifest", EXAMPLE]);
    assert_eq!((code, document["outcome"].as_str()), (0, Some("agreed")));
}

#[test]
fn many_runs_at_once_all_end_well_and_leave_one_row_for_each_target() {
    let _alone = alone();
    all_at_once("environment-variable-key = \"definition\"");
}

#[test]
fn many_runs_at_once_do_so_on_an_older_organisation_too() {
    let _alone = alone();
    all_at_once(
        "environment-variable-key = \"schema-name\"\nenvironment-variable-duplicate = \"record\"",
    );
}

#[test]
fn of_forty_runs_with_two_wishes_one_wish_is_met_as_a_whole() {
    let _alone = alone();
    for key in ["definition", "schema-name"] {
        let tenant = tenant(&format!("environment-variable-key = \"{key}\""));
        let manifests = [ORDER_INTAKE, STOCK_LEVELS].map(|flow| {
            let one = binds(flow, VARIABLES[0]);
            let target = format!("[[flow.target]]\nenvironment-variable = \"{}\"\n", VARIABLES[1]);
            let manifest = tenant.place.manifest(&(one + &target));
            let name = tenant.place.path(&format!("{flow}.toml"));
            std::fs::rename(manifest, &name).unwrap();
            name.display().to_string()
        });
        let start = |run: usize| {
            tenant.start(&["apply", "--manifest", &manifests[run % 2], "--format", "json"])
        };
        let tally = tally((0..40).map(start).collect());
        assert!(tally.contains_key(&(0, "applied".to_owned())), "{tally:?}");
        let targets = tenant.targets();
        let held = held(&targets);
        assert!(held.len() == VARIABLES.len() && held[0] == held[1], "{key}: {held:?}");
    }
}
