//! Errors of the services, told by their cause: which command meets them does not matter.

use serde_json::{Value, json};

use super::harness::{ORDER_INTAKE, Place, binds, place};

/// A fault of Dataverse on requests whose path has this part, with the service's code and sentence.
fn refused(path: &str, status: u16, code: &str, message: &str) -> String {
    let body = json!({"error": {"code": code, "message": message}}).to_string();
    fault(path, &format!("status = {status}\nbody = '{body}'"))
}

fn fault(path: &str, rest: &str) -> String {
    format!("[[fault]]\nservice = \"dataverse\"\npath-contains = \"{path}\"\ntimes = 99\n{rest}\n")
}

/// Runs a command of one binding on a tenant with a fault, and returns the exit code and the help.
fn ended(place: &Place, command: &str, fault: &str) -> (i32, String) {
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let tenant = place.tenant_with(fault);
    let (code, document) =
        place.json(&[command, "--manifest", &manifest, "--sandbox-tenant", &tenant]);
    let hints = document["error"]["hints"].as_array().unwrap_or_else(|| panic!("{document:#}"));
    let hints: Vec<&str> = hints.iter().filter_map(Value::as_str).collect();
    (code, hints.join("\n"))
}

#[test]
fn a_403_is_told_by_its_cause_and_asks_for_no_role_that_would_not_help() {
    let place = place();
    let firewall = "The request you are trying to make is rejected as access to your IP is blocked. Contact your administrator for more information.";
    let disabled = "Disabled users cannot access the system. Consider enabling this user.";
    let html = "status = 403\nbody = '<html><h1>Blocked</h1></html>'\ncontent-type = \"text/html\"";
    let cases = [
        (refused("workflows", 403, "0x80095ffe", firewall), "IP firewall"),
        (refused("workflows", 403, "0x80040225", disabled), "is disabled in this environment"),
        (refused("workflows", 403, "0x8004A104", "made up"), "the environment is disabled"),
        (refused("workflows", 403, "0x8004A113", "made up"), "administration mode"),
        (refused("variabledefinitions", 403, "0x8004F504", "made up"), "column security"),
        // The first request of a run asks where to sign in.
        (refused("api/data", 403, "0x80095ffe", firewall), "IP firewall"),
        (fault("workflows", html), "a proxy, a gateway or a firewall"),
    ];
    for command in ["plan", "check"] {
        for (fault, cause) in &cases {
            let (code, help) = ended(&place, command, fault);
            assert_eq!(code, 5, "{command} {cause}: {help}");
            assert!(help.contains(cause) && !help.contains("security role"), "{cause}: {help}");
        }
    }
}

#[test]
fn a_write_is_refused_by_its_cause_and_a_lock_or_a_time_out_passes() {
    let place = place();
    let managed = "The evaluation of the current component failed during managed property evaluation of condition.";
    let lasting = [
        (refused("$batch", 400, "0x80040265", "made up"), "a plug-in, workflow or business rule"),
        (refused("$batch", 400, "0x8004F026", managed), "managed solution"),
        (
            refused("$batch", 400, "0x80040203", "A required field has no value."),
            "requires a column",
        ),
    ];
    let passing = [
        (refused("$batch", 400, "0x80071151", "made up"), "which locks it"),
        (refused("$batch", 400, "0x80044151", "made up"), "timed out"),
    ];
    for (exit, cases) in [(5, &lasting[..]), (6, &passing[..])] {
        for (fault, cause) in cases {
            let (code, help) = ended(&place, "apply", fault);
            assert_eq!(code, exit, "{cause}: {help}");
            assert!(help.contains(cause) && !help.contains("did not expect"), "{cause}: {help}");
        }
    }
}

#[test]
fn what_a_service_does_not_offer_does_not_pass() {
    let (code, help) = ended(&place(), "plan", &refused("workflows", 501, "", "Not implemented."));
    assert_eq!(code, 5, "{help}");
    assert!(help.contains("waiting does not help"), "{help}");
}

#[test]
fn the_code_of_a_service_is_explained() {
    let ended = place().run(&["explain", "0x80071151"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.starts_with("0x80071151: an error of Dataverse\n"), "{}", ended.stdout);
}
