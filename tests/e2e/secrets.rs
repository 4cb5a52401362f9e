//! What must never leave the process, at any level of the log.

use super::harness::{EXAMPLE, Place, Served, place};

/// The parts of the sandbox's state that are secrets: signatures in URLs, and keys.
fn secrets(place: &Place) -> Vec<String> {
    let state = std::fs::read_to_string(place.state()).unwrap();
    let signatures = state.split("sig=").skip(1).map(|rest| {
        rest.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .collect::<String>()
    });
    signatures.filter(|signature| signature.len() >= 40).collect()
}

#[test]
fn no_run_at_trace_level_shows_a_signature_a_token_or_a_device_code() {
    let place = place();
    let mut everything = String::new();
    for command in ["plan", "apply", "apply", "plan"] {
        for format in ["human", "json"] {
            let ended = place.run(&[
                command,
                "--manifest",
                EXAMPLE,
                "--environment",
                "sandbox",
                "--format",
                format,
                "--log",
                "trace",
            ]);
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            everything += &ended.stdout;
            everything += &ended.stderr;
        }
    }
    let secrets = secrets(&place);
    assert!(!secrets.is_empty(), "the sandbox holds a signed URL by now");
    for secret in secrets {
        let characters: Vec<char> = secret.chars().collect();
        for part in characters.windows(16) {
            let part: String = part.iter().collect();
            assert!(!everything.contains(&part), "a part of a signature was shown");
        }
    }
    for word in ["sig=", "eyJ", "device_code", "refresh_token", "access_token", "Bearer "] {
        assert!(!everything.contains(word), "`{word}` was shown");
    }
    assert!(everything.contains("listCallbackUrl"), "the log tells of requests");
}

#[test]
fn an_old_value_that_is_no_url_is_not_shown_either() {
    let place = place();
    let tenant = place.tenant(&[(
        "schema-name = \"contoso_OrderIntakeUrl\"",
        "value = \"made-up-password\"\nschema-name = \"contoso_OrderIntakeUrl\"",
    )]);
    let ended = place.run(&[
        "plan",
        "--manifest",
        EXAMPLE,
        "--environment",
        "sandbox",
        "--sandbox-tenant",
        &tenant,
        "--log",
        "trace",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("a text of 16 characters"), "{}", ended.stdout);
    assert!(!(ended.stdout + &ended.stderr).contains("made-up-password"));
}

#[test]
fn the_address_that_a_person_is_sent_to_is_the_servers_own() {
    let place = place();
    let served = Served::start(&place, &["--approve-after", "0"]);
    let ended = place.run(&["plan", "--manifest", EXAMPLE, "--environment", &served.url]);
    assert!(ended.stderr.contains(&format!("{}/devicelogin", served.url)), "{}", ended.stderr);
}
