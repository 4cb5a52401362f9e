//! The addresses of triggers, asked so that no flow runs.
//!
//! What they answer is not documented in one place: who may call is
//! (<https://learn.microsoft.com/power-automate/oauth-authentication>), the codes are those of Logic
//! Apps as callers report them. An answer that is not known proves nothing.

use url::Url;

use super::error::read_service_error;
use crate::http::{Answer, Method, Request};
use crate::model::{CallbackUrl, EnvironmentUrl, Service, ServiceError, UrlAccess};

/// What stands in logs in the place of an address.
const TEMPLATE: &str = "/{trigger}";

/// The header of an answer to a request that began a run.
const RUN_ID: &str = "x-ms-workflow-run-id";

/// What an answer says of the address, with the words that it was said in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeVerdict {
    /// It is there, and turned the request away as it should.
    Guarded,
    /// Its flow is off.
    Off(String),
    /// It is not there any more.
    Gone(String),
    /// Its signature is missing or not accepted.
    Signature(String),
    /// It took a request that it should have turned away.
    Open(String),
    /// Nothing that could be told.
    Unknown(String),
}

/// Returns a request that an address turns away: without a token, by a method that its trigger does
/// not take and without a body. Triggers on this machine answer at the environment's own address,
/// whatever host their addresses name. Returns none for what is no address.
pub fn probe_request(
    url: &CallbackUrl,
    taken: Option<&str>,
    environment: &EnvironmentUrl,
) -> Option<Request> {
    let named: Url = url.expose().parse().ok()?;
    let mut address = named.clone();
    if environment.is_loopback() {
        address = environment.origin().parse().ok()?;
        address.set_path(named.path());
        address.set_query(named.query());
    }
    let method = if taken == Some("GET") { Method::PUT } else { Method::GET };
    Some(match url.view().kind {
        UrlAccess::Authenticated => Request::query(Service::Trigger, method, address, TEMPLATE),
        // Should something run after all, then once.
        UrlAccess::Signed => Request::command(Service::Trigger, method, address, TEMPLATE),
    })
}

impl ProbeVerdict {
    /// Reads what the answer to a probe says of a URL of that kind.
    pub fn from_answer(kind: UrlAccess, answer: &Answer) -> Self {
        let error = read_service_error(Service::Trigger, answer, "the answer of a trigger");
        let words = describe_answer(&error);
        if was_accepted(answer, &error) {
            return Self::Open(words);
        }
        let says = |text: &str| error.message.contains(text);
        match (error.status, error.code.as_str(), kind) {
            (_, "WorkflowTriggerIsNotEnabled", _) => Self::Off(words),
            (404, ..) => Self::Gone(words),
            (400, "TriggerRequestMethodNotValid", UrlAccess::Signed) => Self::Guarded,
            (401, "DirectApiAuthorizationRequired", UrlAccess::Authenticated) if says("OAuth") => {
                Self::Guarded
            }
            (401, "DirectApiAuthorizationRequired", UrlAccess::Authenticated)
                if says("Shared Access") =>
            {
                Self::Signature(words)
            }
            (401, code, UrlAccess::Signed) if !code.is_empty() => Self::Signature(words),
            _ => Self::Unknown(words),
        }
    }
}

/// Returns true if the request came further than the checks of the caller and of the method.
fn was_accepted(answer: &Answer, error: &ServiceError) -> bool {
    let further = matches!(error.code.as_str(), "NoResponse" | "TriggerInputSchemaMismatch");
    answer.is_success() || answer.header(RUN_ID).is_some() || further
}

/// Describes the answer, safe to print.
fn describe_answer(error: &ServiceError) -> String {
    let ServiceError { status, code, message, .. } = error;
    match (code.is_empty(), message.is_empty()) {
        (true, true) => status.to_string(),
        (true, false) => format!("{status}, {message}"),
        (false, true) => format!("{status} {code}"),
        (false, false) => format!("{status} {code}, {}", message.trim_end_matches('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Body, Safety};

    const URL: &str = "https://3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/0f/triggers/manual/paths/invoke?api-version=1";

    fn answer(status: u16, code: &str, message: &str) -> Answer {
        let body = serde_json::json!({"error": {"code": code, "message": message}}).to_string();
        Answer::new(status, http::HeaderMap::default(), body.into())
    }

    fn verdict(kind: UrlAccess, status: u16, code: &str, message: &str) -> &'static str {
        match ProbeVerdict::from_answer(kind, &answer(status, code, message)) {
            ProbeVerdict::Guarded => "guarded",
            ProbeVerdict::Off(_) => "off",
            ProbeVerdict::Gone(_) => "gone",
            ProbeVerdict::Signature(_) => "signature",
            ProbeVerdict::Open(_) => "open",
            ProbeVerdict::Unknown(_) => "unknown",
        }
    }

    fn asked(url: &str, taken: Option<&str>, environment: &str) -> Request {
        probe_request(&url.parse().unwrap(), taken, &environment.parse().unwrap()).unwrap()
    }

    #[test]
    fn each_answer_that_is_known_says_what_it_says() {
        let required = "DirectApiAuthorizationRequired";
        let oauth = "The OAuth authorization scheme is required.";
        let shared = "The request must be authenticated only by Shared Access scheme.";
        let off = "Could not execute workflow '0f' trigger 'manual' with state 'Disabled': trigger is not enabled.";
        for (status, code, message, authenticated, signed) in [
            (202, "", "", "open", "open"),
            (200, "", "", "open", "open"),
            (502, "NoResponse", "", "open", "open"),
            (401, required, oauth, "guarded", "signature"),
            (401, required, shared, "signature", "signature"),
            (403, "MisMatchingOAuthClaims", "", "unknown", "unknown"),
            (401, "MisMatchingOAuthClaims", "", "unknown", "signature"),
            (401, "DirectApiRequestHasMoreThanOneAuthorization", "", "unknown", "signature"),
            (401, "OAuthAccessPolicyNotFound", "", "unknown", "signature"),
            (401, "DirectApiInvalidAuthorizationScheme", "", "unknown", "signature"),
            (401, "DirectApiInvalidAuthorizationSignature", "", "unknown", "signature"),
            (401, "AuthorizationFailed", "", "unknown", "signature"),
            (400, "WorkflowTriggerIsNotEnabled", off, "off", "off"),
            (404, "WorkflowNotFound", "", "gone", "gone"),
            (400, "TriggerRequestMethodNotValid", "", "unknown", "guarded"),
            (400, "TriggerInputSchemaMismatch", "", "open", "open"),
            (401, "", "", "unknown", "unknown"),
            (302, "", "", "unknown", "unknown"),
            (429, "", "", "unknown", "unknown"),
            (503, "", "", "unknown", "unknown"),
        ] {
            let found = (
                verdict(UrlAccess::Authenticated, status, code, message),
                verdict(UrlAccess::Signed, status, code, message),
            );
            assert_eq!(found, (authenticated, signed), "{status} {code}");
        }
    }

    #[test]
    fn an_answer_that_tells_of_a_run_is_never_taken_for_a_refusal() {
        let mut answer = answer(404, "WorkflowNotFound", "");
        answer.headers.insert(RUN_ID, "0858".parse().unwrap());
        for kind in [UrlAccess::Authenticated, UrlAccess::Signed] {
            assert!(matches!(ProbeVerdict::from_answer(kind, &answer), ProbeVerdict::Open(_)));
        }
    }

    #[test]
    fn an_unknown_answer_is_told_in_its_own_words_made_safe() {
        let answer = answer(418, "Teapot", "\u{1b}[2Jshort and sig=AAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let ProbeVerdict::Unknown(words) = ProbeVerdict::from_answer(UrlAccess::Signed, &answer)
        else {
            panic!()
        };
        assert!(words.starts_with("418 Teapot, "), "{words}");
        assert!(!words.contains('\u{1b}') && !words.contains("AAAA"), "{words}");
    }

    #[test]
    fn an_address_is_asked_without_a_token_by_a_method_that_its_trigger_does_not_take() {
        let environment = "https://contoso.crm4.dynamics.com";
        for (taken, method) in
            [(None, Method::GET), (Some("POST"), Method::GET), (Some("GET"), Method::PUT)]
        {
            let request = asked(URL, taken, environment);
            assert_eq!(request.method, method);
            assert!(request.headers.is_empty() && matches!(request.body, Body::Empty));
            assert_eq!(request.url.as_str(), URL.replace(":443", ""));
        }
    }

    #[test]
    fn a_signed_one_is_not_asked_again_if_it_may_have_been_heard() {
        let environment = "https://contoso.crm4.dynamics.com";
        let signed = format!("{URL}&sig=made-up");
        assert_eq!(asked(&signed, Some("POST"), environment).safety, Safety::Command);
        assert_eq!(asked(URL, Some("POST"), environment).safety, Safety::Query);
        assert!(!format!("{:?}", asked(&signed, None, environment)).contains("made-up"));
    }

    #[test]
    fn triggers_on_this_machine_answer_where_the_environment_is() {
        let request = asked(URL, None, "http://127.0.0.1:8787");
        assert_eq!(
            request.url.as_str(),
            "http://127.0.0.1:8787/powerautomate/automations/direct/workflows/0f/triggers/manual/paths/invoke?api-version=1"
        );
    }
}
