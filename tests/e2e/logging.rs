//! The log: its levels, forms and places, and what it tells of a run.

use std::fs;

use serde_json::{Value, json};

use super::harness::{EXAMPLE, Ended, Place, place};
use super::sign_in::words;

/// The example on the embedded sandbox.
const ON_SANDBOX: [&str; 4] = ["--manifest", EXAMPLE, "--environment", "sandbox"];

impl Place {
    /// An apply of the example that logs in JSON to a file, and the objects of its log.
    fn logged(&self, level: &str, more: &[&str]) -> (Ended, Vec<Value>) {
        self.logged_at(&[&ON_SANDBOX, more].concat(), level)
    }

    /// An apply that logs in JSON to a file, and the objects of its log.
    fn logged_at(&self, at: &[&str], level: &str) -> (Ended, Vec<Value>) {
        let file = self.path("run.log").display().to_string();
        let log = ["--log", level, "--log-format", "json", "--log-file", &file];
        let ended = self.run(&[&["apply"], at, &log].concat());
        let text = fs::read_to_string(&file).unwrap();
        (ended, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }
}

/// The events with that message inside a span of that name.
fn events<'a>(log: &'a [Value], span: &str, message: &str) -> Vec<&'a Value> {
    let is = |event: &&Value| event["span"]["name"] == span && event["message"] == message;
    log.iter().filter(is).collect()
}

#[test]
fn at_info_the_log_tells_the_story_of_a_run_with_the_duration_of_each_stage() {
    let place = place();
    let (ended, log) = place.logged("info", &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let ends = log.iter().filter(|event| event["message"] == "ended");
    let stages: Vec<&Value> = ends.clone().map(|event| &event["span"]["name"]).collect();
    let names = json!(["sign-in", "discover", "plan", "verify", "apply", null]);
    assert_eq!(json!(stages), names, "{log:#?}");
    assert!(ends.clone().take(5).all(|event| event["span"]["duration_ms"].is_u64()), "{log:#?}");
    assert_eq!(events(&log, "verify", "ended")[0]["spans"][0]["name"], "apply");
    let (first, last) = (&log[0], log.last().unwrap());
    assert_eq!((&first["message"], &first["version"]), (&json!("started"), &json!("0.1.0")));
    assert_eq!(last["exit_code"], 0);
    assert!(last["duration_ms"].is_u64() && last["timestamp"].is_string(), "{last}");
    let planned = log.iter().find(|event| event["message"] == "planned").unwrap();
    let counts = ["create", "update", "unchanged", "problems"].map(|name| planned[name].clone());
    assert_eq!(counts, [4, 3, 0, 0].map(Value::from));
    let reported = log.iter().find(|event| event["message"] == "reported").unwrap();
    assert_eq!(reported["outcome"], "applied");
    assert!(!log.iter().any(|event| event["level"] == "DEBUG"), "{log:#?}");
}

#[test]
fn at_debug_each_request_is_a_span_with_what_came_of_it_and_without_its_address() {
    let place = place();
    let (ended, log) = place.logged("debug", &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let requests = events(&log, "request", "answered");
    let of = |template: &str| {
        let is = |event: &&&Value| event["span"]["template"].as_str().unwrap().contains(template);
        requests.iter().find(is).unwrap_or_else(|| panic!("{template}: {requests:#?}"))
    };
    let callback = of("listCallbackUrl");
    let span = &callback["span"];
    assert_eq!((&span["service"], &span["method"]), (&json!("flow"), &json!("POST")));
    assert_eq!((&span["status"], &span["attempt"]), (&json!(200), &json!(1)));
    assert!(span["duration_ms"].is_u64(), "{span}");
    assert!(span["request_id"].is_string() && span["client_request_id"].is_string(), "{span}");
    assert_eq!(callback["spans"][0]["name"], "discover");
    assert_eq!(of("$batch")["spans"][0]["name"], "apply");
    let signing_in = of("devicecode");
    assert_eq!((&signing_in["span"]["service"]), (&json!("entra")));
    assert_eq!(signing_in["spans"][0]["name"], "sign-in");
    for request in requests {
        assert!(!request.to_string().contains("://"), "{request}");
    }
}

#[test]
fn an_attempt_that_was_turned_away_is_told_beside_the_one_that_was_not() {
    let place = place();
    let text = fs::read_to_string(place.tenant(&[])).unwrap();
    let fault = "[[fault]]\nservice = \"dataverse\"\npath-contains = \"$batch\"\nstatus = 429\nretry-after = 0\ntimes = 1\n";
    let tenant = place.write("tenant.toml", &format!("{text}\n{fault}"));
    let (ended, log) = place.logged("debug", &["--sandbox-tenant", &tenant]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let batch = events(&log, "request", "answered").into_iter();
    let batch =
        batch.filter(|event| event["span"]["template"].as_str().unwrap().contains("$batch"));
    // Between the two, the run reads whether the first one was carried out.
    let told: Vec<_> =
        batch.map(|event| [&event["span"]["attempt"], &event["span"]["status"]]).collect();
    assert_eq!(json!(told), json!([[1, 429], [2, 200]]));
    let pauses = events(&log, "apply", "retrying after a pause");
    assert!(pauses.len() == 1 && pauses[0]["wait_ms"].is_u64(), "{pauses:?}");
}

#[test]
fn a_failure_and_its_exit_code_are_in_the_log() {
    let place = place();
    let (ended, log) = place.logged_at(&["--manifest", "no-such-file.toml"], "error");
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let told: Vec<_> = log.iter().map(|event| &event["message"]).collect();
    assert_eq!(json!(told), json!(["problem", "failed"]), "{log:#?}");
    assert_eq!(log[0]["code"], "manifest-unreadable");
    assert_eq!((&log[1]["exit_code"], &log[1]["level"]), (&json!(3), &json!("ERROR")));
}

#[test]
fn without_a_level_a_file_gets_every_request_and_standard_error_nothing_of_it() {
    let place = place();
    let file = place.path("run.log");
    let variables = [("FLOWBIND_LOG_FILE", file.to_str().unwrap())];
    let run = [&["plan"], &ON_SANDBOX[..]].concat();
    let ended = place.run_with(&variables, &run);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!ended.stderr.contains(" INFO "), "{}", ended.stderr);
    let first = fs::read_to_string(&file).unwrap();
    for part in [
        " INFO ",
        "DEBUG discover:request{service=\"flow\" method=POST template=\"",
        " status=200 ",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    assert!(!first.contains(" TRACE ") && !first.contains('\u{1b}'), "{first}");
    assert_eq!(place.run_with(&variables, &run).code, 0);
    let both = fs::read_to_string(&file).unwrap();
    assert!(both.starts_with(&first) && both.len() > first.len(), "the next run adds to it");
    let off = place.path("off.log").display().to_string();
    assert_eq!(place.run(&[&run[..], &["--log", "off", "--log-file", &off]].concat()).code, 0);
    assert!(!place.path("off.log").exists());
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let place = place();
    place.logged("info", &["--dry-run"]);
    let mode = fs::metadata(place.path("run.log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_file_that_cannot_be_written_ends_the_run_before_anything_is_contacted() {
    let place = place();
    for file in [place.path("no-such-folder/run.log"), place.path("")] {
        let file = file.display().to_string();
        let ended = place.run(&[&["apply"], &ON_SANDBOX[..], &["--log-file", &file]].concat());
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        let said = words(&ended.stderr);
        assert!(
            said.contains("cannot be written") && said.contains("nothing was contacted"),
            "{said}"
        );
        assert!(said.contains("help: ") && said.contains("FLOWBIND_LOG_FILE"), "{said}");
    }
    assert!(!place.state().exists());
}

#[test]
fn a_form_of_the_log_can_be_set_by_a_variable() {
    let place = place();
    let variables = [("FLOWBIND_LOG", "info"), ("FLOWBIND_LOG_FORMAT", "json")];
    let ended = place.run_with(&variables, &[&["plan"], &ON_SANDBOX[..]].concat());
    let log = ended.stderr.lines().filter(|line| line.starts_with('{'));
    let log: Vec<Value> = log.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(log.len() > 5, "{}", ended.stderr);
}
