//! Tests of the failures that a service's error becomes.

use super::*;
use crate::model::{Service, known_causes};

fn error(status: u16, code: &str, message: &str) -> ServiceError {
    ServiceError::for_tests(Service::Dataverse, status, code, message)
}

fn failure(status: u16, code: &str) -> Failure {
    error(status, code, "").into()
}

/// A page as a gateway or a proxy answers.
fn page(status: u16) -> Failure {
    ServiceError { documented: false, ..error(status, "", "") }.into()
}

#[test]
fn every_known_code_is_told_by_its_cause_and_remedy_whatever_the_status() {
    for cause in known_causes() {
        for code in cause.codes {
            for status in [400, 403, 500] {
                let failure = failure(status, code);
                assert_eq!(failure.hints, [cause.meaning, cause.remedy], "{code}");
                let exit = match cause.waiting {
                    Waiting::Helps => Exit::Unreachable,
                    Waiting::DoesNotHelp => Exit::Refused,
                    Waiting::MayHelp => exit_code(&error(status, "0x8", "")),
                };
                assert_eq!(failure.exit, exit, "{status} {code}");
            }
        }
    }
}

#[test]
fn a_403_names_a_security_role_only_where_one_helps() {
    for code in ["0x8004A104", "0x80040225", "0x8004A113", "0x80095FFE", "0x8004F507"] {
        let help = failure(403, code).hints.join(" ");
        assert!(!help.contains("security role"), "{code}: {help}");
    }
    let privilege = Failure::from(error(403, "0x80040220", "is missing prvReadWorkflow privilege"));
    assert!(privilege.hints[0].contains("security role with the privilege `prvReadWorkflow`"));
    assert!(failure(403, "0x80042F09").hints.join(" ").contains("security role"));
}

#[test]
fn a_gateways_page_is_told_as_one_and_asks_for_no_role() {
    for status in [400, 403, 404, 501] {
        let help = page(status).hints.join(" ");
        assert!(help.contains("a proxy, a gateway or a firewall"), "{status}: {help}");
        assert!(!help.contains("role"), "{status}: {help}");
    }
    assert_eq!(page(503).exit, Exit::Unreachable);
}

#[test]
fn what_is_not_offered_does_not_pass() {
    for failure in [failure(501, ""), page(501)] {
        assert_eq!(failure.exit, Exit::Refused);
        assert!(!failure.hints.join(" ").contains("run again later"));
    }
    for status in [408, 500, 502, 503, 504] {
        assert_eq!(failure(status, "").exit, Exit::Unreachable, "{status}");
    }
}

#[test]
fn a_write_that_a_lock_refuses_passes_and_one_that_a_plug_in_refuses_does_not() {
    let refused = |code: &str| of_refusal(error(400, code, ""), "refused".to_owned());
    for code in ["0x80071151", "0x80044151", "0x80073000"] {
        assert_eq!(refused(code).exit, Exit::Unreachable, "{code}");
    }
    for code in ["0x80040265", "0x8004F026", "0x80072002"] {
        let failure = refused(code);
        assert_eq!(failure.exit, Exit::Refused, "{code}");
        assert!(!failure.hints.join(" ").contains("did not expect"), "{code}");
    }
    assert_eq!(refused("0x80099999").hints, [OWN_RULE]);
    assert_eq!(refused("0x80040203").exit, Exit::Refused);
}
