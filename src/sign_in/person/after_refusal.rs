//! The next step after a refused renewal of a token.
//!
//! `error` and `suberror` decide; Entra's numbers do not. A refusal that a sign-in cannot fix never
//! leads to one, so that nobody is asked again and again:
//! <https://learn.microsoft.com/entra/msal/dotnet/advanced/exceptions/msal-error-handling>.

use crate::services::entra::Refusal;
use crate::sign_in::AuthError;

/// The next step after a failed renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sign_in) enum NextStep {
    /// Ask the person to sign in again, for the audience whose token was refused: Entra asks for
    /// consent and multifactor authentication one resource at a time.
    AskPerson {
        /// True if the refresh token is invalid, so that no copy is kept.
        forget: bool,
    },
    /// Fail: a sign-in would not help. The refresh token may still be valid.
    Stop,
}

/// Chooses the next step after an error.
pub(in crate::sign_in) fn next_step(error: &AuthError) -> NextStep {
    match error {
        AuthError::Refused { refusal, .. } => step_after_refusal(refusal),
        AuthError::NoRefreshToken { .. } => NextStep::AskPerson { forget: false },
        _ => NextStep::Stop,
    }
}

/// Chooses the next step by the name of a refusal.
fn step_after_refusal(refusal: &Refusal) -> NextStep {
    match refusal.error.as_str() {
        "invalid_grant" | "interaction_required" | "consent_required" | "login_required" => {
            step_after_suberror(refusal.suberror.as_deref())
        }
        _ => NextStep::Stop,
    }
}

/// Chooses the next step by the suberror of an `invalid_grant`. An unknown one may be fixed by a
/// sign-in.
fn step_after_suberror(suberror: Option<&str>) -> NextStep {
    match suberror {
        Some("bad_token" | "token_expired") => NextStep::AskPerson { forget: true },
        Some(
            "message_only"
            | "additional_action"
            | "client_mismatch"
            | "protection_policy_required"
            | "device_authentication_failed",
        ) => NextStep::Stop,
        // `basic_action`, `user_password_expired`, `consent_required`, none, or a new one.
        Some(_) | None => NextStep::AskPerson { forget: false },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::Peer;
    use crate::model::Service;
    use crate::sign_in::{Audience, SignInStep};

    const ASK: NextStep = NextStep::AskPerson { forget: false };
    const FORGET: NextStep = NextStep::AskPerson { forget: true };

    fn after(error: &str, suberror: Option<&str>, codes: Vec<u64>) -> NextStep {
        let (error, suberror) = (error.to_owned(), suberror.map(str::to_owned));
        let refusal = Refusal { error, codes, suberror, ..Refusal::default() };
        next_step(&AuthError::from_refusal(SignInStep::Token(Audience::Flow), refusal))
    }

    #[test]
    fn each_suberror_of_a_grant_has_its_consequence() {
        let cases = [
            (None, ASK),
            (Some("basic_action"), ASK),
            (Some("user_password_expired"), ASK),
            (Some("consent_required"), ASK),
            (Some("unheard_of"), ASK),
            (Some("bad_token"), FORGET),
            (Some("token_expired"), FORGET),
            (Some("message_only"), NextStep::Stop),
            (Some("additional_action"), NextStep::Stop),
            (Some("client_mismatch"), NextStep::Stop),
            (Some("protection_policy_required"), NextStep::Stop),
            (Some("device_authentication_failed"), NextStep::Stop),
        ];
        for error in ["invalid_grant", "interaction_required", "consent_required"] {
            for (suberror, consequence) in cases {
                assert_eq!(after(error, suberror, vec![]), consequence, "{error} {suberror:?}");
            }
        }
    }

    #[test]
    fn another_refusal_stops_and_a_fault_that_passes_waits() {
        let others = ["invalid_client", "unauthorized_client", "invalid_request", "invalid_scope"];
        for error in others.iter().chain(&["invalid_resource", "invalid_tenant", "access_denied"]) {
            assert_eq!(after(error, None, vec![50173]), NextStep::Stop, "{error}");
            assert_eq!(after(error, Some("bad_token"), vec![]), NextStep::Stop, "{error}");
        }
        assert_eq!(after("temporarily_unavailable", None, vec![]), NextStep::Stop);
        let url = "https://login.example.com/".parse().unwrap();
        let peer = Peer::at_url(Service::Entra, &url);
        let busy =
            AuthError::Busy { peer, status: 503, wait: None, request_id: None, cut_short: None };
        assert_eq!(next_step(&busy), NextStep::Stop);
        let peer = Peer::at_url(Service::Entra, &url);
        let unreadable =
            AuthError::Unreadable { peer, status: 200, request_id: None, source: None };
        assert_eq!(next_step(&unreadable), NextStep::Stop);
        let nothing_kept = AuthError::NoRefreshToken { audience: Audience::Flow };
        assert_eq!(next_step(&nothing_kept), ASK);
        let unfit = AuthError::UnusableToken {
            audience: Audience::Flow,
            origin: None,
            reason: crate::sign_in::UnusableToken::Application,
        };
        assert_eq!(next_step(&unfit), NextStep::Stop);
    }

    proptest! {
        #[test]
        fn what_no_sign_in_mends_never_asks_a_person(
            error in prop_oneof![
                Just("invalid_grant".to_owned()),
                Just("interaction_required".to_owned()),
                Just("consent_required".to_owned()),
                "[a-z_]{0,24}",
            ],
            codes in prop::collection::vec(any::<u64>(), 0..4),
        ) {
            let consequence = after(&error, Some("message_only"), codes);
            prop_assert_ne!(consequence, ASK);
            prop_assert_ne!(consequence, FORGET);
        }
    }
}
