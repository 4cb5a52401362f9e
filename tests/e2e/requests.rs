//! How many requests a run sends, of each kind: they grow by one for each callback URL and by the
//! chunks of reads and writes, and by nothing else. A run that writes also asks for its privileges.

use std::fmt::Write as _;

use serde_json::Value;

use super::harness::{Place, Served, place};

/// The kinds of requests: the heads of the table, and how the templates of their addresses end.
const KINDS: [(&str, &str); 9] = [
    ("challenge", "/api/data/v9.2/"),
    ("tokens", "/oauth2/v2.0/token"),
    ("id", "/RetrieveCurrentOrganization(...)"),
    ("flows", "/workflows"),
    ("URLs", "/listCallbackUrl"),
    ("variables", "/environmentvariabledefinitions"),
    ("user", "/WhoAmI"),
    ("privileges", "RetrieveUserSetOfPrivilegesByNames(...)"),
    ("$batch", "/$batch"),
];

/// The runs, in an order in which each finds what it needs.
const RUNS: [(&str, &[&str]); 3] =
    [("plan", &["plan"]), ("apply", &["apply", "--yes"]), ("agreed", &["apply", "--yes"])];

/// How many flows a variable that holds JSON takes the URLs of: as many as fit into its 2,000
/// characters.
const MEMBERS: usize = 8;

/// The head of the table.
fn head() -> String {
    let names = KINDS.map(|(name, _)| format!(" {name:>10}"));
    format!("{:<8}{}\n", "run", names.concat())
}

/// What each run sends, as rows of the table. The sign-in is one that is kept.
fn rows(place: &Place, served: &Served, manifest: &str) -> String {
    let common = ["--manifest", manifest, "--token-store", "plain", "--non-interactive"];
    let login = ["auth", "login", "--manifest", manifest, "--token-store", "plain"];
    assert_eq!(place.run(&login).code, 0);
    let mut rows = String::new();
    for (name, command) in RUNS {
        served.control("DELETE", "/_sandbox/requests", &Value::Null);
        let (code, document) = place.json(&[command, &common].concat());
        assert_eq!(code, 0, "{document}");
        let told = served.control("GET", "/_sandbox/requests", &Value::Null);
        assert_eq!(told["total"], sum(&document["requests"]), "{told}");
        writeln!(rows, "{name:<8}{}", counts(&told)).unwrap();
    }
    rows
}

/// How many requests a document tells of.
fn sum(requests: &Value) -> u64 {
    requests.as_object().unwrap().values().filter_map(Value::as_u64).sum()
}

/// How many requests of each kind there were; there are no others.
fn counts(told: &Value) -> String {
    let all = told["requests"].as_array().unwrap();
    let of = |end: &str| {
        let ends = |row: &&Value| row["template"].as_str().unwrap().ends_with(end);
        all.iter().filter(ends).filter_map(|row| row["count"].as_u64()).sum::<u64>()
    };
    let counts = KINDS.map(|(_, end)| of(end));
    assert_eq!(told["total"], counts.iter().sum::<u64>(), "{told}");
    counts.map(|count| format!(" {count:>10}")).concat()
}

/// A sandbox of so many made-up flows with so many variables each, and what each run sends.
fn made_up(flows: usize, targets_per_flow: usize) -> String {
    let place = place();
    let manifest = place.path("synthetic.toml").display().to_string();
    let (flows, targets) = (flows.to_string(), targets_per_flow.to_string());
    let numbers = ["--flows", &flows, "--targets-per-flow", &targets];
    let others = ["--write-manifest", &manifest, "--approve-after", "0", "--sandbox-state", "none"];
    let served = Served::start(&place, &[&numbers[..], &others].concat());
    rows(&place, &served, &manifest)
}

fn workflow_id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// The shipped tenant with a variable of JSON, and with flows for its members.
fn tenant_with_members(place: &Place) -> String {
    let mut tenant = std::fs::read_to_string(place.tenant(&[])).unwrap();
    tenant += "[[environment-variable]]\nschema-name = \"contoso_Members\"\ntype = \"json\"\n";
    tenant += "display-name = \"Members\"\nvalue = \"{}\"\n";
    for number in 0..MEMBERS {
        let id = workflow_id(number);
        write!(
            tenant,
            "[[flow]]\nname = \"Member {number}\"\nworkflow-id = \"{id}\"\ntrigger = \"manual\"\nauthentication = \"Tenant\"\nmethod = \"POST\"\n"
        )
        .unwrap();
    }
    place.write("tenant.toml", &tenant)
}

fn manifest_with_members(place: &Place, url: &str) -> String {
    let mut manifest = format!("version = 1\n[environments.members]\nurl = \"{url}\"\n");
    for number in 0..MEMBERS {
        let id = workflow_id(number);
        write!(
            manifest,
            "[[flow]]\nworkflow-id = \"{id}\"\n[[flow.target]]\nenvironment-variable = \"contoso_Members\"\njson-pointer = \"/member{number}\"\n"
        )
        .unwrap();
    }
    place.write("members.toml", &manifest)
}

#[test]
fn requests_grow_by_one_for_each_url_and_by_the_chunks_of_reads_and_writes() {
    let mut table = head();
    for (flows, targets_per_flow) in [(1, 1), (20, 1), (21, 1), (100, 1), (201, 1), (3, 60)] {
        writeln!(table, "-- flows: {flows}, variables of each: {targets_per_flow}").unwrap();
        table += &made_up(flows, targets_per_flow);
    }
    insta::assert_snapshot!(table, @r#"
    run       challenge     tokens         id      flows       URLs  variables       user privileges     $batch
    -- flows: 1, variables of each: 1
    plan              1          2          1          1          1          1          1          1          0
    apply             1          2          1          1          1          2          1          1          1
    agreed            1          2          1          1          1          1          0          0          0
    -- flows: 20, variables of each: 1
    plan              1          2          1          1         20          1          1          1          0
    apply             1          2          1          1         20          2          1          1          1
    agreed            1          2          1          1         20          1          0          0          0
    -- flows: 21, variables of each: 1
    plan              1          2          1          2         21          1          1          1          0
    apply             1          2          1          2         21          2          1          1          1
    agreed            1          2          1          2         21          1          0          0          0
    -- flows: 100, variables of each: 1
    plan              1          2          1          5        100          1          1          1          0
    apply             1          2          1          5        100          2          1          1          1
    agreed            1          2          1          5        100          1          0          0          0
    -- flows: 201, variables of each: 1
    plan              1          2          1         11        201          3          1          1          0
    apply             1          2          1         11        201          6          1          1          1
    agreed            1          2          1         11        201          3          0          0          0
    -- flows: 3, variables of each: 60
    plan              1          2          1          1          3          2          1          1          0
    apply             1          2          1          1          3          4          1          1          1
    agreed            1          2          1          1          3          2          0          0          0
    "#);
}

#[test]
fn a_thousand_writes_are_one_change_set() {
    insta::assert_snapshot!(head() + &made_up(10, 100), @r#"
    run       challenge     tokens         id      flows       URLs  variables       user privileges     $batch
    plan              1          2          1          1         10         10          1          1          0
    apply             1          2          1          1         10         20          1          1          1
    agreed            1          2          1          1         10         10          0          0          0
    "#);
}

#[test]
fn a_variable_that_holds_many_urls_is_read_and_written_once() {
    let place = place();
    let tenant = tenant_with_members(&place);
    let options = ["--tenant", &tenant, "--approve-after", "0", "--sandbox-state", "none"];
    let served = Served::start(&place, &options);
    let manifest = manifest_with_members(&place, &served.url);
    insta::assert_snapshot!(head() + &rows(&place, &served, &manifest), @r#"
    run       challenge     tokens         id      flows       URLs  variables       user privileges     $batch
    plan              1          2          1          1          8          1          1          1          0
    apply             1          2          1          1          8          2          1          1          1
    agreed            1          2          1          1          8          1          0          0          0
    "#);
}

/// 101 values are new: the journal learns their ids, and a rollback reads them, 20 at a time.
#[test]
fn the_rows_of_a_journal_are_read_by_chunks() {
    let place = place();
    let path = |name: &str| place.path(name).display().to_string();
    let (manifest, journal) = (path("synthetic.toml"), format!("plain:{}", path("journal.json")));
    let numbers = ["--flows", "1", "--targets-per-flow", "101", "--write-manifest", &manifest];
    let others = ["--approve-after", "0", "--sandbox-state", "none"];
    let served = Served::start(&place, &[&numbers[..], &others].concat());
    let common = ["--manifest", &manifest, "--token-store", "none"];
    let values = |run: &[&str]| {
        served.control("DELETE", "/_sandbox/requests", &Value::Null);
        let (code, document) = place.json(&[run, &common].concat());
        assert_eq!(code, 0, "{document}");
        let told = served.control("GET", "/_sandbox/requests", &Value::Null);
        let rows = told["requests"].as_array().unwrap().iter();
        let values = |row: &&Value| row["template"] == "/api/data/v9.2/environmentvariablevalues";
        rows.filter(values).filter_map(|row| row["count"].as_u64()).sum::<u64>()
    };
    assert_eq!(values(&["apply", "--yes", "--journal", &journal]), 6);
    assert_eq!(values(&["rollback", &journal, "--yes"]), 12);
}
