//! Every request of an apply, struck by every fault that the sandbox knows.
//!
//! However a run ends, its exit code is a documented one, the environment is old or new and never
//! mixed, and the same command without the fault brings it up to date. The table of the ends is
//! printed: `cargo test --test e2e matrix -- --nocapture`. `FLOWBIND_TEST_MATRIX=full` strikes all.
//! Without it, each read is struck by a third of the faults, and nothing is struck that takes
//! minutes, since a lost write is looked for as long as Dataverse may take for it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{Ended, ORDER_INTAKE, Place, Served, alone, binds, place};

/// How many sandboxes run at a time; more where they wait most of the time.
const WORKERS: usize = 8;
const WORKERS_THAT_WAIT: usize = 20;

/// The time of a run.
const TIMEOUT_SECONDS: &str = "5";

/// How long a run may take that does not look for a lost write: its time, the wait of a sign-in
/// after a failed poll, and that of a busy machine.
const LONGEST: Duration = Duration::from_secs(40);

/// How long one may take that does, or reads back: longer by 5 minutes.
const LONGEST_LOOK: Duration = Duration::from_secs(340);

/// The id that the sandbox gives to a request whose answer is scripted.
const REQUEST_ID: &str = "5b3c0a52-made-up-request-id";

/// What leads elsewhere: a port at which nothing listens.
const ELSEWHERE: &str = "http://127.0.0.1:9/elsewhere";

/// The flow whose URL goes into a record.
const SHIPMENTS: &str = "[[flow]]\nworkflow-id = \"d3e9b2f4-7d40-f011-998a-7c1e5275cfe9\"\ntrigger = \"When_a_HTTP_request_is_received\"\n[[flow.target]]\ntable = \"contoso_endpoint\"\nkey = { contoso_name = \"shipments\" }\ncolumn = \"contoso_url\"\n";

/// One request of a run: the so-manieth that fits a template.
#[derive(Clone)]
struct Request {
    service: String,
    method: String,
    template: String,
    nth: u64,
    /// Whether the write came before it.
    verifies: bool,
}

/// One way to fail.
struct Kind {
    name: &'static str,
    fault: Value,
}

/// How often a request fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Often {
    /// That time alone.
    Once,
    /// That time and ever after.
    Ever,
}

/// One run.
struct Case {
    request: Request,
    kind: usize,
    often: Often,
}

/// The values that the targets are among, by table and name.
type Rows = BTreeMap<(String, String), String>;

/// The environment before and after an apply, and the requests of one.
struct Known {
    old: Rows,
    new: Rows,
    requests: Vec<Request>,
}

/// How a case ended: the exit code and the environment, or what is wrong.
type End = Result<(i32, &'static str), String>;

fn kind(name: &'static str, fault: Value) -> Kind {
    Kind { name, fault }
}

fn action(name: &'static str) -> Kind {
    kind(name, json!({"action": name}))
}

/// An answer with a status, under the id of a request.
fn status(name: &'static str, status: u16, more: &Value) -> Kind {
    let headers = json!({"x-ms-service-request-id": REQUEST_ID});
    let mut fault = json!({"status": status, "headers": headers});
    fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    kind(name, fault)
}

/// Every way to fail that any request has.
fn kinds() -> Vec<Kind> {
    let none = json!({});
    let page = json!({"body": "<html>no</html>", "content-type": "text/html"});
    vec![
        status("400", 400, &none),
        status("401", 401, &none),
        status("403", 403, &none),
        status("404", 404, &none),
        status("408", 408, &none),
        status("412", 412, &none),
        status("429", 429, &none),
        status("429+1s", 429, &json!({"retry-after": 1})),
        status("429+date", 429, &json!({"retry-after-date": 1})),
        status("500", 500, &none),
        status("502", 502, &none),
        status("503", 503, &none),
        status("503+1s", 503, &json!({"retry-after": 1})),
        status("504", 504, &none),
        status("400page", 400, &page),
        status("404page", 404, &page),
        status("204", 204, &none),
        status("array", 200, &json!({"body": "[]"})),
        action("reset"),
        action("close"),
        action("garbage"),
        action("html"),
        action("invalid-json"),
        action("empty"),
        kind("redirect", json!({"action": "redirect", "location": ELSEWHERE})),
        action("oversized"),
        action("truncate"),
        action("wrong-content-type"),
        kind("delay", json!({"action": "delay", "delay": 200})),
        kind("slow-drip", json!({"action": "slow-drip", "delay": 1})),
        kind("hang", json!({"action": "delay", "delay": 9000})),
        status("done+504", 504, &json!({"executed": true})),
        status("done+500", 500, &json!({"executed": true})),
        status("done+400", 400, &json!({"executed": true})),
        status("done+403", 403, &json!({"executed": true})),
        status("done+412", 412, &json!({"executed": true})),
        kind("done+reset", json!({"action": "reset", "executed": true})),
        kind("done+close", json!({"action": "close", "executed": true})),
        kind("done+truncate", json!({"action": "truncate", "executed": true})),
        kind("done+html", json!({"action": "html", "executed": true})),
        kind("done+empty", json!({"action": "empty", "executed": true})),
        kind(
            "done+redirect",
            json!({"action": "redirect", "location": ELSEWHERE, "executed": true}),
        ),
        kind("done+oversized", json!({"action": "oversized", "executed": true})),
        kind("done+wrong-type", json!({"action": "wrong-content-type", "executed": true})),
        action("duplicate-part"),
        action("missing-part"),
        action("wrong-content-id-order"),
        action("broken-boundary"),
        kind("done+duplicate-part", json!({"action": "duplicate-part", "executed": true})),
        kind("done+missing-part", json!({"action": "missing-part", "executed": true})),
        kind(
            "done+content-id-order",
            json!({"action": "wrong-content-id-order", "executed": true}),
        ),
        kind("done+broken-boundary", json!({"action": "broken-boundary", "executed": true})),
    ]
}

impl Kind {
    fn is_multipart(&self) -> bool {
        ["part", "boundary", "content-id"].iter().any(|word| self.name.contains(word))
    }

    /// Whether the write is left undone and the answer does not say so: then it is looked for.
    fn leaves_in_the_dark(&self) -> bool {
        let told = ["400", "401", "403", "404", "412", "429", "429+1s", "429+date"];
        let delivered = ["delay", "slow-drip", "hang"];
        !self.fault["executed"].is_boolean()
            && ![&told[..], &delivered[..]].concat().contains(&self.name)
    }
}

impl Request {
    fn is_write(&self) -> bool {
        self.template.ends_with("/$batch")
    }

    /// Only what sets the request apart in an address: what stands behind its last variable part.
    fn path_contains(&self) -> String {
        let template = self.template.replace("(...)", "(");
        let tail = template.rsplit("{id}").next().unwrap().rsplit("(/").next().unwrap();
        if tail.ends_with('(') { tail.to_owned() } else { format!("{tail}?") }
    }

    /// What errors call the service.
    fn service_name(&self) -> &'static str {
        match self.service.as_str() {
            "entra" => "Entra",
            "flow" => "Flow service",
            _ => "Dataverse",
        }
    }

    fn name(&self) -> String {
        let tail = self.template.rsplit('/').find(|part| !part.is_empty()).unwrap();
        let verifies = if self.verifies { " (verify)" } else { "" };
        format!("{} {} {tail} {}{verifies}", self.service, self.method, self.nth)
    }
}

/// A manifest with three writes: a new value, a member of another, and a record.
fn manifest(place: &Place) -> String {
    let member = "[[flow]]\nworkflow-id = \"b1c7f0d2-5b2e-f011-998a-7c1e5275cfe9\"\n[[flow.target]]\nenvironment-variable = \"contoso_Endpoints\"\njson-pointer = \"/orders/status\"\n";
    let first = binds(ORDER_INTAKE, "contoso_OrderIntakeUrl");
    place.manifest(&[first.as_str(), member, SHIPMENTS].concat())
}

fn run(place: &Place, served: &Served, command: &str) -> Ended {
    let manifest = manifest(place);
    place.run(&[
        command,
        "--manifest",
        &manifest,
        "--environment",
        &served.url,
        "--timeout",
        TIMEOUT_SECONDS,
    ])
}

fn serve(place: &Place) -> Served {
    Served::start(place, &["--approve-after", "0"])
}

/// What the targets hold, read by hand.
fn rows(served: &Served) -> Rows {
    let authorization = format!("Bearer {}", served.token());
    let tables = [
        ("environmentvariablevalues", "schemaname", "value"),
        ("contoso_endpoints", "contoso_name", "contoso_url"),
    ];
    let mut rows = Rows::new();
    for (set, name, value) in tables {
        let path = format!("/api/data/v9.2/{set}?$select={name},{value}");
        let (status, body) = served.call(("GET", &path), &[("Authorization", &authorization)], "");
        assert_eq!(status, 200, "{body}");
        let page: Value = serde_json::from_str(&body).unwrap();
        for row in page["value"].as_array().unwrap() {
            let key = (set.to_owned(), row[name].as_str().unwrap().to_owned());
            let twice = rows.insert(key, row[value].to_string());
            assert!(twice.is_none(), "a row is there twice");
        }
    }
    rows
}

/// How many requests of each template a run of a command sends.
fn counts(served: &Served) -> BTreeMap<(String, String, String), u64> {
    let told = served.control("GET", "/_sandbox/requests", &Value::Null);
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let row = |row: &Value| {
        let key = (text(row, "service"), text(row, "method"), text(row, "template"));
        (key, row["count"].as_u64().unwrap())
    };
    told["requests"].as_array().unwrap().iter().map(row).collect()
}

/// Learns from the sandbox what an apply asks, and what it makes of the environment.
fn learn() -> Known {
    let place = place();
    let served = serve(&place);
    let old = rows(&served);
    let mut asked = ["plan", "apply"].map(|command| {
        served.control("DELETE", "/_sandbox/requests", &Value::Null);
        let ended = run(&place, &served, command);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        counts(&served)
    });
    let applied = std::mem::take(&mut asked[1]);
    let requests = applied.into_iter().flat_map(|(key, count)| {
        let planned = asked[0].get(&key).copied().unwrap_or(0);
        (1..=count).map(move |nth| {
            let (service, method, template) = key.clone();
            let verifies = nth > planned && service == "dataverse" && method == "GET";
            Request { service, method, template, nth, verifies }
        })
    });
    let requests = requests.collect();
    let new = rows(&served);
    assert_ne!(old, new);
    Known { old, new, requests }
}

/// Unless the sweep is full, one fault in this many strikes a read. The next read has the next ones,
/// so every fault strikes several reads.
const SHARE: usize = 3;

/// The cases of a sweep.
fn cases(known: &Known, kinds: &[Kind], full: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for (turn, request) in known.requests.iter().enumerate() {
        for (index, kind) in kinds.iter().enumerate() {
            let fits = request.is_write() || !kind.is_multipart();
            let turns = request.is_write() || (turn + index).is_multiple_of(SHARE);
            let soon = turns && !(request.is_write() && kind.leaves_in_the_dark());
            for often in [Often::Once, Often::Ever] {
                if fits && (full || (soon && is_quick(request, kind, often))) {
                    cases.push(Case { request: request.clone(), kind: index, often });
                }
            }
        }
    }
    // A poll of a sign-in that never succeeds goes on as long as the code is good.
    cases.retain(|case| case.often == Often::Once || !is_poll(&case.request));
    cases
}

fn is_poll(request: &Request) -> bool {
    request.template.ends_with("/token") && request.nth == 1
}

/// Whether a case takes no longer than a moment, or is worth the wait at any time.
fn is_quick(request: &Request, kind: &Kind, often: Often) -> bool {
    let waits = ["hang", "oversized", "done+oversized"];
    match often {
        Often::Once => !waits.contains(&kind.name) || (request.nth == 1 && !request.is_write()),
        Often::Ever => {
            let first = ["412", "429+1s", "503", "done+504", "done+reset"].contains(&kind.name);
            let turned_away = kind.name.starts_with("429");
            first && (request.nth == 1 || (request.verifies && !turned_away))
        }
    }
}

/// The fault of a case as the sandbox takes it.
fn script(case: &Case, kind: &Kind) -> Value {
    let mut fault = kind.fault.clone();
    let keys = fault.as_object_mut().unwrap();
    keys.insert("service".to_owned(), json!(case.request.service));
    keys.insert("method".to_owned(), json!(case.request.method));
    keys.insert("path-contains".to_owned(), json!(case.request.path_contains()));
    match case.often {
        Often::Once => keys.insert("nth".to_owned(), json!(case.request.nth)),
        Often::Ever => {
            keys.insert("times".to_owned(), json!(1_000_000));
            keys.insert("after".to_owned(), json!(case.request.nth - 1))
        }
    };
    json!([fault])
}

/// Runs one case and everything that has to hold of it.
fn strike(case: &Case, kind: &Kind, known: &Known) -> End {
    let place = place();
    let served = serve(&place);
    served.control("PUT", "/_sandbox/faults", &script(case, kind));
    let begin = Instant::now();
    let ended = run(&place, &served, "apply");
    let elapsed = begin.elapsed();
    let struck = served.control("GET", "/_sandbox/faults", &Value::Null)[0]["struck"].clone();
    served.control("DELETE", "/_sandbox/faults", &Value::Null);
    let held = rows(&served);
    let wrong = |what: &str| Err(format!("{what}\n{}{}", ended.stdout, ended.stderr));
    if struck == 0 {
        return wrong("the fault struck nothing");
    }
    let looks = case.request.verifies || kind.leaves_in_the_dark();
    let longest = if looks { LONGEST_LOOK } else { LONGEST };
    if elapsed > longest {
        return wrong(&format!("it took {elapsed:?}"));
    }
    let environment = match held {
        held if held == known.old => "old",
        held if held == known.new => "new",
        _ => return wrong("the environment is mixed"),
    };
    if let Err(what) = judge(case, kind, &ended, environment) {
        return wrong(&what);
    }
    let again = run(&place, &served, "apply");
    if again.code != 0 || rows(&served) != known.new {
        return wrong(&format!("and again:\n{}{}", again.stdout, again.stderr));
    }
    Ok((ended.code, environment))
}

/// What has to hold of the end of a run and of what it says.
fn judge(case: &Case, kind: &Kind, ended: &Ended, environment: &str) -> Result<(), String> {
    let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let everything = format!("{}{said}", ended.stdout);
    let must = |holds: bool, what: &str| holds.then_some(()).ok_or_else(|| what.to_owned());
    for secret in ["sig=", "eyJ", "Bearer ey", "panicked", "RUST_BACKTRACE"] {
        must(!everything.contains(secret), &format!("`{secret}` was shown"))?;
    }
    let nothing = everything.to_lowercase().contains("nothing was written");
    let applied = ended.stdout.contains("Applied: ");
    must(!applied || environment == "new", "`applied` was said of an old environment")?;
    must(!nothing || environment == "old", "`nothing was written` was said of a new one")?;
    match ended.code {
        0 => return must(applied && environment == "new", "0 without an apply"),
        1 | 4 | 5 | 6 => must(nothing && environment == "old", "a refusal that says nothing")?,
        7 => must(case.request.verifies && said.contains("outcome unknown"), "7 without need")?,
        code => return Err(format!("{code} is no documented exit code")),
    }
    if ended.stdout.contains("error[table-missing]") {
        // That something is not there is an answer.
        return must(kind.name == "404", "a table is missing that is there");
    }
    let service = case.request.service_name();
    must(everything.contains(service), &format!("`{service}` is not named"))?;
    // What waited for its turn when the time was over was never sent.
    if said.contains("did not answer within") && !said.contains("the response of") {
        return must(ended.code == 6, "what was not sent is no service's fault");
    }
    // Entra calls it by another name, which administrators search for.
    let named = ["(request ", "; request ", "correlation id"];
    must(named.iter().any(|words| everything.contains(words)), "no request is named")?;
    let scripted = kind.fault["headers"].is_object();
    let by_another = !scripted || everything.contains("correlation id");
    must(by_another || everything.contains(REQUEST_ID), "not by the id that the service gave")
}

/// Runs all cases, some at a time; their ends in the same order.
fn sweep(cases: &[Case], kinds: &[Kind], known: &Known, workers: usize) -> Vec<End> {
    let next = AtomicUsize::new(0);
    let ends = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { break };
                    let end = strike(case, &kinds[case.kind], known);
                    ends.lock().unwrap().insert(index, end);
                }
            });
        }
    });
    ends.into_inner().unwrap().into_values().collect()
}

/// The table: a line per request, a column per fault.
fn table(cases: &[Case], ends: &[End], kinds: &[Kind], often: Often) -> String {
    let cell = |end: &End| match end {
        Ok((code, environment)) => format!("{code}{}", &environment[..1]),
        Err(_) => "!!".to_owned(),
    };
    let mut lines: Vec<(String, BTreeMap<usize, String>)> = Vec::new();
    for (case, end) in cases.iter().zip(ends).filter(|(case, _)| case.often == often) {
        let name = case.request.name();
        if lines.last().is_none_or(|(last, _)| *last != name) {
            lines.push((name, BTreeMap::new()));
        }
        lines.last_mut().unwrap().1.insert(case.kind, cell(end));
    }
    let used = |kind: &usize| lines.iter().any(|(_, cells)| cells.contains_key(kind));
    let columns: Vec<usize> = (0..kinds.len()).filter(used).collect();
    let mut text = String::new();
    for (number, kind) in columns.iter().enumerate() {
        let _ = write!(text, "{:>2} {:<24}", number + 1, kinds[*kind].name);
        text += if number % 4 == 3 { "\n" } else { "" };
    }
    let numbers =
        (1..=columns.len()).map(|number| format!(" {number:>2}")).collect::<Vec<_>>().concat();
    let _ = writeln!(text, "\n{:<52}{numbers}", "");
    for (name, cells) in &lines {
        let cell = |kind| format!(" {:>2}", cells.get(kind).map_or("", String::as_str));
        let _ = writeln!(text, "{name:<52}{}", columns.iter().map(cell).collect::<String>());
    }
    text
}

#[test]
fn whatever_fails_a_run_ends_as_documented_and_the_environment_is_old_or_new() {
    let _alone = alone();
    let full = std::env::var_os("FLOWBIND_TEST_MATRIX").is_some_and(|value| value == "full");
    let (known, kinds) = (learn(), kinds());
    let cases = cases(&known, &kinds, full);
    let begin = Instant::now();
    let ends = sweep(&cases, &kinds, &known, if full { WORKERS_THAT_WAIT } else { WORKERS });
    println!("Exit code, and whether the environment is (o)ld or (n)ew.");
    for (often, words) in [(Often::Once, "struck once"), (Often::Ever, "struck from then on")] {
        println!("\nEach request {words}\n\n{}", table(&cases, &ends, &kinds, often));
    }
    println!("{} cases in {:.0?}", cases.len(), begin.elapsed());
    let wrong: Vec<String> = cases
        .iter()
        .zip(&ends)
        .filter_map(|(case, end)| {
            let kind = kinds[case.kind].name;
            let what = end.as_ref().err()?;
            Some(format!("## {} x {kind} {:?}: {what}", case.request.name(), case.often))
        })
        .collect();
    assert!(wrong.is_empty(), "{} cases fail:\n{}", wrong.len(), wrong.join("\n"));
    let general = kinds.iter().filter(|kind| !kind.is_multipart()).count();
    let share = if full { 1 } else { SHARE };
    let floor = known.requests.len() * (general - 3) / share - kinds.len();
    assert!(cases.len() >= floor, "{} cases, at least {floor} expected", cases.len());
    assert!(known.requests.len() >= 15, "{} requests", known.requests.len());
}
