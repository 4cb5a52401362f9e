//! Every refusal that a person may meet: told in one sentence with what to do, and never asked
//! about again and again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::harness::{Place, Served, place};
use super::sign_in::words;

/// The codes that a person may meet, but those that only the page shows or that pass.
const CODES: [u32; 92] = [
    16000, 16003, 28000, 50005, 50020, 50034, 50053, 50055, 50057, 50059, 50072, 50074, 50076,
    50078, 50079, 50089, 50097, 50105, 50126, 50129, 50132, 50133, 50134, 50144, 50158, 50173,
    50187, 50194, 50199, 51004, 53000, 53001, 53002, 53003, 53004, 53009, 53011, 54005, 65001,
    65002, 65004, 65005, 70000, 70001, 70008, 70011, 70018, 70019, 70020, 70021, 70043, 90002,
    90038, 90072, 90094, 90095, 90099, 90119, 90120, 500_011, 500_014, 500_121, 500_133, 500_212,
    500_213, 530_032, 530_034, 530_035, 530_084, 650_051, 650_052, 650_056, 650_057, 700_011,
    700_016, 700_022, 700_023, 700_024, 700_025, 700_027, 700_082, 700_084, 700_211, 700_212,
    700_213, 7_000_112, 7_000_215, 7_000_218, 7_000_222, 9_001_023, 9_002_313, 9_002_327,
];

/// Codes that the sandbox does not know by itself.
const UNKNOWN: [u32; 1] = [70021];

fn refusals(on: &str, codes: &[u32]) -> String {
    let one = |code: &u32| {
        let error = if UNKNOWN.contains(code) { "error = \"invalid_client\"\n" } else { "" };
        format!("[[sign-in-refusal]]\non = \"{on}\"\ncode = {code}\ntimes = 1\n{error}")
    };
    codes.iter().map(one).collect()
}

/// What was told of one refusal.
struct Told {
    code: i32,
    error: Value,
    stderr: String,
    entra: u64,
}

fn planned(place: &Place, variables: &[(&str, &str)], more: &[&str]) -> Told {
    let run = [&["plan", "--token-store", "none", "--format", "json"], more].concat();
    let ended = place.run_with(variables, &run);
    let document: Value = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", ended.stdout, ended.stderr));
    Told {
        code: ended.code,
        error: document["error"].clone(),
        stderr: ended.stderr,
        entra: document["requests"]["entra"].as_u64().unwrap(),
    }
}

/// Checks that a refusal is told as a person needs it.
fn check(code: u32, told: &Told) {
    let Told { error, stderr, .. } = told;
    assert_eq!(told.code, 4, "{code}: {stderr}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&format!("AADSTS{code}")) || message.starts_with("the "), "{message}");
    assert!(!message.contains('\n') && !message.ends_with('.'), "{message}");
    let hints: Vec<&str> =
        error["hints"].as_array().unwrap().iter().map(|hint| hint.as_str().unwrap()).collect();
    let remedies = hints.iter().filter(|hint| {
        let whom = ["an Entra administrator", "a Power Platform administrator"];
        let by_others = whom.iter().any(|who| hint.starts_with(who) && hint.contains(": "));
        by_others || hint.starts_with("you: ") || hint.starts_with("run again ")
    });
    assert!(remedies.count() >= 1, "{code}: {hints:?}");
    let id = hints.iter().filter(|hint| hint.contains("by the correlation id `")).count();
    assert_eq!(id, 1, "{code}: {hints:?}");
}

/// Prints the row of a code for a person to read, where that was asked for.
fn show(code: u32, told: &Told) {
    if std::env::var_os("FLOWBIND_TEST_SHOW_ERRORS").is_some() {
        eprintln!("{code}\n  {}", told.error["message"].as_str().unwrap());
        for hint in told.error["hints"].as_array().unwrap() {
            eprintln!("    {}", hint.as_str().unwrap());
        }
    }
}

#[test]
fn every_code_at_the_device_code_is_told_with_what_to_do_and_asks_nobody() {
    let place = place();
    let tenant = place.tenant_with(&refusals("device-code", &CODES));
    let served = Served::start(&place, &["--tenant", &tenant]);
    let manifest = place.one();
    let begin = Instant::now();
    for code in CODES {
        let at = ["--manifest", &manifest, "--environment", &served.url];
        let told = planned(&place, &[], &at);
        show(code, &told);
        check(code, &told);
        assert!(!told.stderr.contains("To sign in"), "{code}: {}", told.stderr);
        assert!(told.entra <= 2, "{code}: {} requests", told.entra);
    }
    assert!(begin.elapsed() < Duration::from_mins(1));
}

#[test]
fn every_code_at_a_renewal_is_told_with_what_to_do_and_ends_a_run_that_asks_nobody() {
    let place = place();
    let (served, token) = place.served(&refusals("refresh", &CODES));
    let manifest = place.one();
    for code in CODES {
        let at = ["--manifest", &manifest, "--environment", &served.url, "--non-interactive"];
        let told = planned(&place, &[("FLOWBIND_REFRESH_TOKEN", &token)], &at);
        assert!(!told.stderr.contains("To sign in"), "{code}: {}", told.stderr);
        check(code, &told);
        assert!(told.entra <= 2, "{code}: {} requests", told.entra);
    }
}

#[test]
fn every_kind_of_refusal_asks_a_person_once_or_never() {
    let kinds = BTreeMap::from([
        ("", true),
        ("basic_action", true),
        ("user_password_expired", true),
        ("consent_required", true),
        ("bad_token", true),
        ("token_expired", true),
        ("something_new", true),
        ("message_only", false),
        ("additional_action", false),
        ("client_mismatch", false),
        ("protection_policy_required", false),
        ("device_authentication_failed", false),
    ]);
    // Whoever asks a person is told apart by the refusal of the device code, at once.
    let one = |kind: &&str| {
        format!(
            "[[sign-in-refusal]]\non = \"refresh\"\nresource = \"flow\"\ncode = 50105\nsuberror = \"{kind}\"\ntimes = 1\n"
        )
    };
    let refused: String = kinds.keys().map(one).collect();
    let always = "[[sign-in-refusal]]\non = \"device-code\"\nafter = 1\ncode = 53003\n";
    let place = place();
    let (served, token) = place.served(&format!("{refused}{always}"));
    let manifest = place.one();
    for (kind, asks) in kinds {
        let at = ["--manifest", &manifest, "--environment", &served.url];
        let told = planned(&place, &[("FLOWBIND_REFRESH_TOKEN", &token)], &at);
        assert_eq!(told.code, 4, "{kind}: {}", told.stderr);
        let message = told.error["message"].as_str().unwrap();
        let number = if asks { "AADSTS53003" } else { "AADSTS50105" };
        assert!(message.contains(number), "{kind}: {message}");
        assert_eq!(told.stderr.contains("a new sign-in is needed"), asks, "{}", told.stderr);
        assert!(told.entra <= 4, "{kind}: {} requests", told.entra);
    }
}

#[test]
fn a_person_who_approves_mends_what_a_sign_in_can_mend() {
    for code in [65001, 50076, 50173, 70043] {
        let place = place();
        let served = place.serving(&format!(
            "[[sign-in-refusal]]\non = \"refresh\"\nresource = \"flow\"\ncode = {code}\ntimes = 1"
        ));
        let manifest = place.one();
        let at = ["--manifest", &manifest, "--environment", &served.url];
        let told = planned(&place, &[], &at);
        assert_eq!(told.code, 0, "{code}: {}", told.stderr);
        let prompts = told.stderr.matches("To sign in").count();
        assert_eq!(prompts, 2, "once for each service, {code}: {}", told.stderr);
        assert!(words(&told.stderr).contains(&format!("AADSTS{code}")), "{}", told.stderr);
    }
}

#[test]
fn what_is_refused_after_the_approval_ends_the_sign_in() {
    for code in [70017, 70018, 70020, 53003, 50105, 7_000_218, 65001] {
        let place = place();
        let served = place.serving(&format!("[[sign-in-refusal]]\non = \"poll\"\ncode = {code}"));
        let manifest = place.one();
        let told = planned(&place, &[], &["--manifest", &manifest, "--environment", &served.url]);
        show(code, &told);
        assert_eq!(told.code, 4, "{code}: {}", told.stderr);
        assert_eq!(told.stderr.matches("To sign in").count(), 1, "{code}: {}", told.stderr);
        assert!(!told.error["hints"].as_array().unwrap().is_empty(), "{code}");
    }
}

#[test]
fn what_passes_by_itself_is_waited_for_and_what_stays_is_told_as_the_services_fault() {
    let place = place();
    let more = "[[sign-in-refusal]]\non = \"refresh\"\ncode = 90033\ntimes = 1\n";
    let (served, token) = place.served(more);
    let manifest = place.one();
    let at = ["--manifest", &manifest, "--environment", &served.url, "--non-interactive"];
    let told = planned(&place, &[("FLOWBIND_REFRESH_TOKEN", &token)], &at);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let always = "[[sign-in-refusal]]\non = \"device-code\"\ncode = 90033\n";
    let tenant = place.tenant_with(always);
    let at = ["--manifest", &manifest, "--sandbox-tenant", &tenant];
    let told = planned(&place, &[], &[&at[..], &["--timeout", "3"]].concat());
    show(90033, &told);
    assert_eq!(told.code, 6, "{}", told.stderr);
    assert!(told.error["message"].as_str().unwrap().contains("503"), "{}", told.error);
}
