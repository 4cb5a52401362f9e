//! Says why the Flow service stopped a flow, and what ends it.
//!
//! The reasons are those of
//! <https://learn.microsoft.com/power-automate/limits-and-config#expiration-limits> and of
//! Microsoft's pages on data policies and on flows that applications own.

use crate::model::{Suspension, WorkflowId, printable};

/// The most characters of the service's own words.
const MOST_CHARACTERS: usize = 300;

/// A cause that the Flow service tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SuspensionCause {
    /// A data policy forbids what the flow uses.
    DataPolicy,
    /// Its runs failed for two weeks.
    AlwaysFailing,
    /// Nothing started it for three months.
    NeverTriggered,
    /// An application owns it, and nobody has a license for it.
    ApplicationWithoutLicense,
    /// Its owner has no license for what it uses.
    WithoutLicense,
    /// Another reason.
    Other,
}

/// Returns why a flow was stopped, as the end of a sentence, and what ends it.
pub(super) fn explain_suspension(stopped: &Suspension, id: WorkflowId) -> (String, String) {
    let cause = cause(stopped);
    let details = stopped.details.as_deref().map(|details| printable(details, MOST_CHARACTERS));
    let quoted = match (cause, details) {
        (_, Some(details)) => format!(" ({})", details.trim_end_matches('.')),
        (SuspensionCause::Other, None) => format!(" (`{}`)", printable(&stopped.reason, 80)),
        (_, None) => String::new(),
    };
    (format!("{}{quoted}", meaning(cause)), remedy(cause, id))
}

/// Recognizes the cause by the reason, or by the details where the reason is not documented.
fn cause(stopped: &Suspension) -> SuspensionCause {
    let reason = stopped.reason.to_ascii_lowercase();
    let all = format!("{reason} {}", stopped.details.as_deref().unwrap_or_default());
    let all = all.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| all.contains(word));
    match reason.as_str() {
        "companydlpviolation" => SuspensionCause::DataPolicy,
        "alwaysfailingdetected" | "allactionsfailingdetected" => SuspensionCause::AlwaysFailing,
        "nevertriggeringdetected" => SuspensionCause::NeverTriggered,
        _ if has(&["service principal", "serviceprincipal"]) => {
            SuspensionCause::ApplicationWithoutLicense
        }
        _ if has(&["licens", "quotapolicy"]) => SuspensionCause::WithoutLicense,
        _ => SuspensionCause::Other,
    }
}

/// Returns the meaning of a cause.
fn meaning(cause: SuspensionCause) -> &'static str {
    match cause {
        SuspensionCause::DataPolicy => {
            "a data policy forbids a connector of the flow, or two of them together"
        }
        SuspensionCause::AlwaysFailing => {
            "the Flow service turned it off because its runs failed for 14 days"
        }
        SuspensionCause::NeverTriggered => {
            "the Flow service turned it off because nothing started it for 90 days"
        }
        SuspensionCause::ApplicationWithoutLicense => {
            "an application (a service principal) owns it, it uses premium features, and no license covers it"
        }
        SuspensionCause::WithoutLicense => "a license is missing for the premium features it uses",
        SuspensionCause::Other => "the Flow service stopped it",
    }
}

/// Returns what ends the suspension.
fn remedy(cause: SuspensionCause, id: WorkflowId) -> String {
    match cause {
        SuspensionCause::DataPolicy => "a Power Platform administrator: allow the connectors in the data policy, or take them out of the flow; then turn the flow on, and run again".to_owned(),
        SuspensionCause::AlwaysFailing => "fix what fails, which the flow's run history shows, turn the flow on, and run again".to_owned(),
        SuspensionCause::NeverTriggered => "turn the flow on, and run again; a flow whose owner has a Power Automate Premium license, or that has a Process license, stays on".to_owned(),
        SuspensionCause::ApplicationWithoutLicense => format!(
            "designate a co-owner of the flow who has a Power Automate Premium license: `PATCH /api/data/v9.2/workflows({id})` at the environment, with the body `{{\"licensee_systemuserid@odata.bind\":\"/systemusers(USER-ID)\"}}`, where USER-ID is the co-owner's `systemuserid`; then turn the flow on, and run again"
        ),
        SuspensionCause::WithoutLicense => "assign the flow's owner a Power Automate Premium license, or the flow a Process license; then turn the flow on, and run again".to_owned(),
        SuspensionCause::Other => "open the flow in Power Automate, fix what it reports, turn the flow on, and run again".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4a50296b-e4b7-f011-998a-7c1e5275cfe9";

    fn explained(reason: &str, details: Option<&str>) -> (String, String) {
        let stopped = Suspension { reason: reason.to_owned(), details: details.map(str::to_owned) };
        explain_suspension(&stopped, ID.parse().unwrap())
    }

    #[test]
    fn each_documented_reason_says_what_ends_it() {
        for (reason, meaning, remedy) in [
            ("CompanyDlpViolation", "data policy", "administrator"),
            ("AlwaysFailingDetected", "failed for 14 days", "run history"),
            ("AllActionsFailingDetected", "failed for 14 days", "run history"),
            ("NeverTriggeringDetected", "90 days", "turn the flow on"),
            ("MissingAdequateQuotaPolicy", "license", "Premium license"),
        ] {
            let (why, hint) = explained(reason, None);
            assert!(why.contains(meaning) && hint.contains(remedy), "{reason}: {why}; {hint}");
        }
    }

    #[test]
    fn a_flow_of_an_application_without_a_license_gets_the_request_that_names_a_licensee() {
        let words =
            "This flow was suspended because flows owned by service principals are not compliant.";
        let (why, hint) = explained("None", Some(words));
        assert!(why.contains("an application") && why.contains("not compliant)"), "{why}");
        let request = format!("PATCH /api/data/v9.2/workflows({ID})");
        assert!(hint.contains(&request), "{hint}");
        assert!(hint.contains(r#"{"licensee_systemuserid@odata.bind":"/systemusers(USER-ID)"}"#));
    }

    #[test]
    fn another_reason_is_told_in_the_services_words_made_safe() {
        let (why, _) = explained("Something\u{1b}New", None);
        assert!(why.starts_with("the Flow service stopped it (`Something"), "{why}");
        assert!(!why.contains('\u{1b}'));
    }
}
