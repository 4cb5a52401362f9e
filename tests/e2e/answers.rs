//! Broken answers: to every read of a run, in every way that a field or a body can be wrong.
//!
//! Each ends the run within its time, with a documented exit code and an error that names the
//! service, its id for the request and what was expected. Fields that a plan can do without are
//! named one by one.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{Ended, ORDER_INTAKE, Place, Served, place};

/// How many sandboxes run at a time.
const WORKERS: usize = 4;

/// The time of a run, and how long it may take on a busy machine.
const TIMEOUT: &str = "5s";
const LONGEST: Duration = Duration::from_secs(30);

/// The id under which every broken answer comes.
const REQUEST_ID: &str = "5b3c0a52-made-up-request-id";

/// What stands for a number that no type holds: JSON of our own cannot.
const HUGE: &str = "made-up-huge-number";

/// A callback URL of the sandbox's cloud.
const URL: &str = "https://3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke?api-version=1";

/// One read of a run, with an answer that is good.
struct Asked {
    name: &'static str,
    service: &'static str,
    path: &'static str,
    /// How many requests with such a path go before.
    after: u32,
    good: Value,
}

/// One broken answer.
struct Case {
    read: usize,
    name: String,
    fault: Value,
}

fn reads() -> Vec<Asked> {
    let read = |name, service, path, after, good| Asked { name, service, path, after, good };
    let definition = json!({"properties": {"definition": {"triggers": {"manual": {"type": "Request", "kind": "Http"}}}}});
    let column = |name: &str| json!({"LogicalName": name, "AttributeType": "String", "MaxLength": 500, "IsValidForCreate": true, "IsValidForUpdate": true});
    vec![
        read(
            "environment id",
            "dataverse",
            "RetrieveCurrentOrganization",
            0,
            json!({"Detail": {"EnvironmentId": "3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6"}}),
        ),
        read(
            "workflows",
            "dataverse",
            "/workflows?",
            0,
            json!({"value": [{"workflowid": ORDER_INTAKE, "name": "Order intake", "category": 5, "statecode": 1, "resourceid": ORDER_INTAKE, "clientdata": definition.to_string()}]}),
        ),
        read(
            "variables",
            "dataverse",
            "/environmentvariabledefinitions?",
            0,
            json!({"value": [{"environmentvariabledefinitionid": "b0b68fc0-4a1d-4011-998a-7c1e5275cfe9", "schemaname": "contoso_OrderIntakeUrl", "type": 100_000_000, "defaultvalue": "x", "environmentvariabledefinition_environmentvariablevalue": [{"@odata.etag": "W/\"7\"", "environmentvariablevalueid": "c0b68fc0-4a1d-4011-998a-7c1e5275cfe9", "value": "x"}]}]}),
        ),
        read(
            "metadata",
            "dataverse",
            "/EntityDefinitions(",
            0,
            json!({"LogicalName": "contoso_endpoint", "EntitySetName": "contoso_endpoints", "PrimaryIdAttribute": "contoso_endpointid", "IsOptimisticConcurrencyEnabled": true, "Attributes": [column("contoso_url"), column("contoso_name")], "Keys": [{"KeyAttributes": ["contoso_name"], "EntityKeyIndexStatus": "Active"}]}),
        ),
        read(
            "records",
            "dataverse",
            "/contoso_endpoints?",
            0,
            json!({"value": [{"@odata.etag": "W/\"7\"", "contoso_endpointid": "8e946dae-28fb-4011-998a-7c1e5275cfe9", "contoso_url": "x"}]}),
        ),
        read("callback", "flow", "/listCallbackUrl", 0, json!({"response": {"value": URL}})),
        read(
            "device code",
            "entra",
            "/devicecode",
            0,
            json!({"user_code": "MADEUP", "device_code": "made-up-device-code", "verification_uri": "https://sandbox.example/devicelogin", "expires_in": 900, "interval": 1}),
        ),
        read(
            "token",
            "entra",
            "/token",
            1,
            json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "made-up-access-token", "refresh_token": "made-up-refresh-token"}),
        ),
    ]
}

/// The address that stands for the sandbox's own.
const OWN: &str = "https://sandbox.example";

/// The pointers of all values in a value, the outermost first.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pointers(member, &format!("{at}/{name}"), all);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), all);
            }
        }
        _ => {}
    }
}

/// A value without what a pointer leads to.
fn without(value: &Value, pointer: &str) -> Value {
    let mut value = value.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Value::Object(members) => drop(members.remove(name)),
        Value::Array(items) => drop(items.remove(name.parse().unwrap())),
        _ => unreachable!(),
    }
    value
}

/// What a value may be instead.
fn instead(value: &Value) -> Vec<(&'static str, Value)> {
    let mut all = vec![("null", Value::Null), ("huge number", json!(HUGE)), ("array", json!([]))];
    all.push(("object", json!({"made-up": 1})));
    match value {
        Value::String(_) => all.extend([("number", json!(7)), ("empty text", json!(""))]),
        _ => all.extend([("text", json!("made-up")), ("negative", json!(-1))]),
    }
    all
}

/// A body that is answered with 200.
fn said(body: &str) -> Value {
    let headers = json!({"x-ms-service-request-id": REQUEST_ID});
    let json = "application/json; charset=utf-8";
    json!({"status": 200, "headers": headers, "body": body, "content-type": json})
}

/// Every way in which an answer can be wrong.
fn wrongs(good: &Value) -> Vec<(String, Value)> {
    let text = good.to_string();
    let half: String = text.chars().take(text.len() / 2).collect();
    let mut page = said("<!DOCTYPE html><html><body>Sign in to this network</body></html>");
    page["content-type"] = json!("text/html");
    let mut wrongs: Vec<(String, Value)> = [
        ("empty body", String::new()),
        ("blank body", " \r\n".to_owned()),
        ("half of it", half),
        ("more behind it", format!("{text}{text}")),
        ("deep nesting", "[".repeat(200_000)),
        ("deep objects", "{\"value\":".repeat(100_000)),
        ("two byte order marks", format!("\u{feff}\u{feff}{text}")),
        ("a comment", format!("/* made-up */{text}")),
        ("XML", "<?xml version=\"1.0\"?><value/>".to_owned()),
        ("null", "null".to_owned()),
        ("a text", "\"made-up\"".to_owned()),
        ("a number", "7".to_owned()),
        ("NaN", "NaN".to_owned()),
        ("an array", "[]".to_owned()),
        ("an empty object", "{}".to_owned()),
        ("an error in a 200", r#"{"error":{"code":"0x1","message":"no"}}"#.to_owned()),
    ]
    .into_iter()
    .map(|(name, body)| (name.to_owned(), said(&body)))
    .collect();
    wrongs.push(("a page".to_owned(), page));
    let mut all = Vec::new();
    pointers(good, "", &mut all);
    for pointer in all.iter().filter(|pointer| !pointer.is_empty()) {
        wrongs.push((format!("{pointer} missing"), said(&without(good, pointer).to_string())));
        for (name, value) in instead(good.pointer(pointer).unwrap()) {
            let mut changed = good.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            let body = changed.to_string().replace(&format!("\"{HUGE}\""), "1e999");
            wrongs.push((format!("{pointer} {name}"), said(&body)));
        }
    }
    wrongs
}

/// A manifest that makes a run read everything.
fn manifest(place: &Place) -> String {
    place.manifest(&format!(
        "[[flow]]\nworkflow-id = \"{ORDER_INTAKE}\"\n[[flow.target]]\nenvironment-variable = \"contoso_OrderIntakeUrl\"\n[[flow.target]]\ntable = \"contoso_endpoint\"\nkey = {{ contoso_name = \"shipments\" }}\ncolumn = \"contoso_url\"\n"
    ))
}

fn plan(place: &Place, served: &Served, manifest: &str) -> Ended {
    let environment = ["--environment", &served.url];
    let run = ["plan", "--manifest", manifest, "--timeout", TIMEOUT];
    place.run(&[&run[..], &environment].concat())
}

/// The fault that answers a read so.
fn armed(read: &Asked, answer: &Value) -> Value {
    let mut fault = answer.clone();
    let keys = fault.as_object_mut().unwrap();
    keys.insert("service".to_owned(), json!(read.service));
    keys.insert("path-contains".to_owned(), json!(read.path));
    keys.insert("after".to_owned(), json!(read.after));
    keys.insert("times".to_owned(), json!(1_000_000));
    json!([fault])
}

/// Plans with each answer in turn, on some sandboxes at a time; what is told of each, in order.
fn each<T: Sync, R: Send>(
    cases: &[T],
    judge: impl Fn(&T, &Place, &Served, &str) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let place = place();
                let manifest = manifest(&place);
                let served = Served::start(&place, &["--approve-after", "0"]);
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { break };
                    let one = judge(case, &place, &served, &manifest);
                    told.lock().unwrap().push((index, one));
                }
            });
        }
    });
    let mut told = told.into_inner().unwrap();
    told.sort_by_key(|(index, _)| *index);
    told.into_iter().map(|(_, one)| one).collect()
}

fn service_name(service: &str) -> &'static str {
    match service {
        "entra" => "Entra",
        "flow" => "Flow service",
        _ => "Dataverse",
    }
}

/// What is wrong with the end of a run that a broken answer ended; empty if nothing is.
fn judge(service: &str, ended: &Ended, elapsed: Duration) -> String {
    let everything = format!("{}{}", ended.stdout, ended.stderr);
    let said = everything.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    must([0, 1, 4, 5, 6].contains(&ended.code), "an exit code that is not documented");
    must(elapsed < LONGEST, "it took too long");
    for secret in ["panicked", "sig=", "made-up-device-code", "made-up-access", "eyJ"] {
        must(!said.contains(secret), secret);
    }
    // What a row says of a flow or a variable is a problem of the plan, with a code of its own.
    let of_the_plan = said.contains("error[") && !said.contains("error[callback");
    // A change that does no harm leads on to a code or a token that nobody issued.
    let foreign = ["correlation id", "the token for the Flow service cannot be read"];
    let of_the_next = service == "entra" && foreign.iter().any(|words| said.contains(words));
    if ended.code != 0 && !of_the_plan && !of_the_next {
        must(said.contains(service_name(service)), "the service is not named");
        must(said.contains(REQUEST_ID), "the request is not named");
        must(said.to_lowercase().contains("nothing was written"), "what was written is not told");
        let expected =
            ["did not answer with", "expected", "not an OAuth 2.0 answer", "not one of this"];
        let refused = ["answered 401", "is not https", "read different hosts"];
        let told = expected.iter().chain(&refused).any(|words| said.contains(words));
        must(told, "what was expected is not told");
    }
    if wrong.is_empty() { String::new() } else { format!("{}: {said}", wrong.join(", ")) }
}

/// What a plan can do without, or takes as it is, by read and change.
const HARMLESS: &[&str] = &[
    "metadata: /Attributes/0/IsValidForCreate missing",
    "metadata: /Attributes/1/IsValidForCreate missing",
    "metadata: /Attributes/1/IsValidForUpdate missing",
    "metadata: /Keys array",
    "metadata: /Keys missing",
    "metadata: /Keys/0 missing",
    "metadata: /Keys/0 object",
    "metadata: /Keys/0/EntityKeyIndexStatus empty text",
    "metadata: /Keys/0/EntityKeyIndexStatus missing",
    "metadata: /Keys/0/EntityKeyIndexStatus null",
    "metadata: /Keys/0/KeyAttributes array",
    "metadata: /Keys/0/KeyAttributes missing",
    "metadata: /Keys/0/KeyAttributes/0 empty text",
    "metadata: /Keys/0/KeyAttributes/0 missing",
    "metadata: /LogicalName array",
    "metadata: /LogicalName empty text",
    "metadata: /LogicalName huge number",
    "metadata: /LogicalName missing",
    "metadata: /LogicalName null",
    "metadata: /LogicalName number",
    "metadata: /LogicalName object",
    "records: /value/0/contoso_url empty text",
    "records: /value/0/contoso_url missing",
    "records: /value/0/contoso_url null",
    "variables: /value/0/defaultvalue empty text",
    "variables: /value/0/defaultvalue missing",
    "variables: /value/0/defaultvalue null",
    "variables: /value/0/environmentvariabledefinition_environmentvariablevalue array",
    "variables: /value/0/environmentvariabledefinition_environmentvariablevalue/0 missing",
    "variables: /value/0/environmentvariabledefinition_environmentvariablevalue/0/value empty text",
    "variables: /value/0/environmentvariabledefinition_environmentvariablevalue/0/value missing",
    "variables: /value/0/environmentvariabledefinition_environmentvariablevalue/0/value null",
    "workflows: /value/0/name empty text",
    "workflows: /value/0/name missing",
    "workflows: /value/0/name null",
    "workflows: /value/0/resourceid missing",
    "workflows: /value/0/resourceid null",
];

#[test]
fn every_field_of_every_answer_may_be_wrong() {
    let reads = reads();
    let cases: Vec<Case> = reads
        .iter()
        .enumerate()
        .flat_map(|(read, found)| {
            let wrongs = wrongs(&found.good).into_iter();
            wrongs.map(move |(name, fault)| Case { read, name, fault })
        })
        .collect();
    let ends = each(&cases, |case, place, served, manifest| {
        let read = &reads[case.read];
        // The page for a code must be at the authority, which is the sandbox itself.
        let faults = armed(read, &case.fault).to_string().replace(OWN, &served.url);
        served.control("PUT", "/_sandbox/faults", &serde_json::from_str(&faults).unwrap());
        let begin = Instant::now();
        let ended = plan(place, served, manifest);
        (ended.code, judge(read.service, &ended, begin.elapsed()))
    });
    let name = |case: &Case| format!("{}: {}", reads[case.read].name, case.name);
    let told = || cases.iter().map(name).zip(&ends);
    let wrong: Vec<String> = told()
        .filter(|(_, (_, what))| !what.is_empty())
        .map(|(name, (code, what))| format!("{name} {code}: {what}"))
        .collect();
    let harmless: BTreeSet<String> =
        told().filter(|(_, (code, _))| *code == 0).map(|(name, _)| name).collect();
    for (index, read) in reads.iter().enumerate() {
        let of = |code| {
            let all = cases.iter().zip(&ends);
            all.filter(|(case, (found, _))| case.read == index && *found == code).count()
        };
        let counts = [0, 1, 4, 5, 6].map(|code| format!("{:>4}", of(code))).concat();
        println!("{:<16} exit 0, 1, 4, 5, 6: {counts}", read.name);
    }
    println!("{} broken answers", cases.len());
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    let known: BTreeSet<String> = HARMLESS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(harmless, known);
    assert!(cases.len() >= 400, "{}", cases.len());
}

#[test]
fn the_answers_that_are_broken_are_good_before() {
    let reads = reads();
    let wrong = each(&reads, |read, place, served, manifest| {
        // What nobody issued cannot be good.
        if read.service == "entra" {
            return String::new();
        }
        for body in [read.good.to_string(), format!("\u{feff}{}", read.good)] {
            served.control("PUT", "/_sandbox/faults", &armed(read, &said(&body)));
            let ended = plan(place, served, manifest);
            if ended.code != 0 {
                return format!("{}: {}{}", read.name, ended.stdout, ended.stderr);
            }
        }
        String::new()
    });
    assert_eq!(wrong.concat(), "");
}

#[test]
fn a_callback_url_that_points_elsewhere_is_refused_by_name_and_request() {
    let host = "3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com";
    let mut urls: Vec<String> = [
        "https://evil.example/workflows/1",
        "https://evil.example:443/api.powerplatform.com",
        "https://environment.api.powerplatform.com.evil.example/x",
        "https://evilenvironment.api.powerplatform.com.example/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest",
        "https://localhost/x",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "/relative",
        "//evil.example/x",
        "https://",
        "",
        "https://xn--80ak6aa92e.example/",
    ]
    .map(str::to_owned)
    .to_vec();
    urls.extend([
        format!("http://{host}/x"),
        format!("https://{host}@evil.example/x"),
        format!(r"https://{host}\@evil.example/x"),
        format!("https://evil.example#{host}"),
        format!("https://evil.example?{host}"),
        format!("ftp://{host}/x"),
        format!("https://{host}.:443/x\u{0}"),
        format!("https://evil.example/{}", "x".repeat(1_000_000)),
    ]);
    let read = reads().remove(5);
    let wrong = each(&urls, |url, place, served, manifest| {
        let answer = said(&json!({"response": {"value": url}}).to_string());
        served.control("PUT", "/_sandbox/faults", &armed(&read, &answer));
        let ended = plan(place, served, manifest);
        let what = judge(read.service, &ended, Duration::ZERO);
        let shown: String = url.chars().take(80).collect();
        if ended.code == 5 && what.is_empty() {
            String::new()
        } else {
            format!("{shown} {}: {what} {}\n", ended.code, ended.stdout)
        }
    });
    assert_eq!(wrong.concat(), "");
}

#[test]
fn nothing_is_sent_to_where_a_redirect_leads() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://{}/stolen", listener.local_addr().unwrap());
    let statuses = [301, 302, 303, 307, 308];
    let mut cases = Vec::new();
    for read in reads() {
        for status in statuses {
            let headers = json!({"x-ms-service-request-id": REQUEST_ID, "location": elsewhere});
            cases
                .push((read.service, armed(&read, &json!({"status": status, "headers": headers}))));
        }
    }
    let wrong = each(&cases, |(service, fault), place, served, manifest| {
        served.control("PUT", "/_sandbox/faults", fault);
        let ended = plan(place, served, manifest);
        let what = judge(service, &ended, Duration::ZERO);
        if [1, 4].contains(&ended.code) { what } else { format!("{} {what}\n", ended.code) }
    });
    assert_eq!(wrong.concat(), "");
    let visitor = listener.accept().map(|(mut stream, _)| {
        let mut text = [0; 4096];
        stream.read(&mut text).map(|length| String::from_utf8_lossy(&text[..length]).into_owned())
    });
    assert!(visitor.is_err(), "{visitor:?}");
}
