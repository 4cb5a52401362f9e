//! Ctrl-C and SIGTERM: before the commit point a run ends at once, after it the outcome is read.
#![cfg(unix)]

use std::process::Child;
use std::time::{Duration, Instant};

use super::harness::{EXAMPLE, Ended, alone, signal, until};
use super::reports::{report_options, reports};
use super::sign_in::words;
use super::tenant::{Tenant, document};

const APPLY: [&str; 5] = ["apply", "--manifest", EXAMPLE, "--format", "json"];

/// What is at once, on a machine that is busy with other tests.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A fault of Dataverse.
fn fault(path: &str, rest: &str) -> String {
    format!("[[fault]]\nservice = \"dataverse\"\npath-contains = \"{path}\"\n{rest}\n")
}

impl Tenant {
    /// Waits until the sandbox has met that many requests with the fault.
    fn met(&self, count: u64) {
        until(|| {
            let faults = get(&self.served.url, "/_sandbox/faults");
            let met = faults[0]["met"].as_u64().unwrap();
            (met >= count).then_some(())
        });
    }
}

/// The JSON at an address of the sandbox.
fn get(url: &str, path: &str) -> serde_json::Value {
    use std::io::{Read, Write};

    let host = url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// How a run ended, and how long that took from now on.
fn ended(child: Child) -> (Ended, Duration) {
    let begin = Instant::now();
    (child.wait_with_output().unwrap().into(), begin.elapsed())
}

#[test]
fn before_the_commit_point_every_signal_ends_a_run_at_once_and_nothing_is_written() {
    let _alone = alone();
    let slow =
        fault("environmentvariabledefinitions", "action = \"delay\"\ndelay = 60000\ntimes = 99");
    let tenant = Tenant::with(&slow);
    let before = tenant.targets();
    for (turn, name) in ["INT", "TERM", "HUP"].into_iter().enumerate() {
        let child = tenant.start(&APPLY);
        tenant.met(turn as u64 + 1);
        signal(&child, name);
        let (ended, time) = ended(child);
        assert_eq!(ended.code, 130, "{name}: {}", ended.stderr);
        assert!(time < AT_ONCE, "{name}: {time:?}");
        let document = document(&ended);
        assert_eq!(document["outcome"], "refused");
        assert_eq!(document["error"]["message"], "interrupted; nothing was written");
    }
    assert_eq!(tenant.targets(), before);
}

#[test]
fn a_run_that_is_interrupted_before_it_writes_says_so_in_every_report() {
    let _alone = alone();
    let slow =
        fault("environmentvariabledefinitions", "action = \"delay\"\ndelay = 60000\ntimes = 99");
    let tenant = Tenant::with(&slow);
    let options = report_options(&tenant.place);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let child = tenant.start(&[&APPLY[..], &options].concat());
    tenant.met(1);
    signal(&child, "TERM");
    let (ended, _) = ended(child);
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    let said = "interrupted; nothing was written";
    let [markdown, junit, sarif, json, html] = reports(&tenant.place);
    assert!(markdown.starts_with("## flowbind apply: Interrupted\n"), "{markdown}");
    assert!(markdown.contains(&format!("### Error\n\n{said}\n")), "{markdown}");
    let error = format!("<error message=\"{said}\" type=\"exit-code-130\">");
    assert!(junit.contains(&error) && junit.contains("errors=\"1\""), "{junit}");
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false, "{sarif:#}");
    let told = &invocation["toolExecutionNotifications"][0]["message"]["text"];
    assert!(told.as_str().unwrap().contains(said), "{sarif:#}");
    assert_eq!(json.trim(), ended.stdout.trim(), "the report is the document");
    assert_eq!(document(&ended)["outcome"], "refused");
    assert!(html.contains("Interrupted</h1>") && html.contains(said), "{html}");
}

#[test]
fn while_the_change_set_is_turned_away_a_signal_ends_the_run_at_once() {
    let _alone = alone();
    let busy = fault("$batch", "status = 429\nretry-after = 60\ntimes = 99");
    let tenant = Tenant::with(&busy);
    let before = tenant.targets();
    let child = tenant.start(&APPLY);
    tenant.met(1);
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "TERM");
    let (ended, time) = ended(child);
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(time < AT_ONCE, "{time:?}");
    assert_eq!(tenant.targets(), before);
    let said = words(&ended.stderr);
    assert!(
        said.contains("refused the write (429 or 401)") && said.contains("not read back"),
        "{said}"
    );
    assert!(!said.contains("nothing was written"), "{said}");
}

#[test]
fn a_signal_while_the_change_set_is_under_way_waits_for_its_outcome_and_reports_it() {
    let _alone = alone();
    for name in ["INT", "TERM"] {
        let slow = fault("$batch", "action = \"delay\"\ndelay = 2000");
        let tenant = Tenant::with(&slow);
        let child = tenant.start(&APPLY);
        tenant.met(1);
        signal(&child, name);
        let (ended, _) = ended(child);
        assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
        assert!(words(&ended.stderr).contains("Waiting at most 10 s for its outcome"));
        assert_eq!(document(&ended)["outcome"], "applied");
        assert_eq!(tenant.json(&APPLY[..3]).1["outcome"], "agreed");
    }
}

#[test]
fn an_outcome_that_takes_longer_than_ten_seconds_is_unknown_and_a_second_signal_does_not_wait() {
    let _alone = alone();
    let slow = fault("$batch", "action = \"delay\"\ndelay = 60000");
    let tenants = [(); 2].map(|()| Tenant::with(&slow));
    let runs = tenants.each_ref().map(|tenant| {
        let child = tenant.start(&APPLY);
        tenant.met(1);
        child
    });
    let begin = Instant::now();
    for child in &runs {
        signal(child, "INT");
    }
    // The same signal once more, as from a terminal and from a program that passes it on.
    std::thread::sleep(Duration::from_millis(100));
    signal(&runs[0], "INT");
    std::thread::sleep(Duration::from_secs(1));
    signal(&runs[1], "TERM");
    let [patient, hasty] = runs;
    let (hasty, _) = ended(hasty);
    assert!(begin.elapsed() < Duration::from_secs(1) + AT_ONCE, "{:?}", begin.elapsed());
    let (patient, _) = ended(patient);
    assert!((10..10 + AT_ONCE.as_secs()).contains(&begin.elapsed().as_secs()));
    for ended in [hasty, patient] {
        assert_eq!(ended.code, 7, "{}", ended.stderr);
        let document = document(&ended);
        assert_eq!(document["outcome"], "unknown");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.contains("interrupted while it waited for the answer"), "{message}");
        assert!(document["error"]["hints"].to_string().contains("flowbind plan"));
    }
}

#[test]
fn a_signal_while_the_written_values_are_read_back_does_not_unsay_the_write() {
    let _alone = alone();
    let slow = fault("environmentvariabledefinitions", "nth = 2\naction = \"delay\"\ndelay = 2000");
    let tenant = Tenant::with(&slow);
    let child = tenant.start(&APPLY);
    tenant.met(2);
    signal(&child, "INT");
    let (ended, _) = ended(child);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(document(&ended)["outcome"], "applied");
}

#[test]
fn a_signal_while_the_journal_is_encrypted_is_not_lost() {
    let _alone = alone();
    let tenant = Tenant::with("");
    let before = tenant.targets();
    let journal = tenant.place.path("journal").display().to_string();
    let log = tenant.place.path("log");
    // The plan is on standard output when the journal is begun, whose passphrase takes a while.
    let mut command = tenant.command(&["apply", "--manifest", EXAMPLE, "--journal", &journal]);
    command.env("FLOWBIND_STORE_KEY", "a made-up passphrase of some length");
    command.stdout(std::fs::File::create(&log).unwrap());
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let shown = || std::fs::read_to_string(&log).unwrap().contains("contoso_StockUrl");
    until(|| shown().then_some(()));
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(tenant.targets(), before);
}
