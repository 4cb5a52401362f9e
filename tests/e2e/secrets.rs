//! What must never leave the process, at any level of the log.

use super::harness::{EXAMPLE, Served, place};

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
