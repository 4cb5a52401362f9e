//! What a refused renewal of a token means for the sign-in that it was made from.
//!
//! Entra tells by `error` and `suberror`; its numbers decide nothing. A refusal that no sign-in
//! mends never leads to one, so that nobody is asked again and again:
//! <https://learn.microsoft.com/entra/msal/dotnet/advanced/exceptions/msal-error-handling>.

use crate::api::entra::Refusal;
use crate::auth::AuthError;

/// What comes after a renewal that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth) enum Next {
    /// A person signs in again, for the audience whose token was refused: consent and a second
    /// proof are asked for one resource at a time.
    AskPerson {
        /// Whether the refresh token is worthless, so that no copy of it is kept.
        forget: bool,
    },
    /// It ends here: a sign-in would not mend it. The refresh token may still serve.
    Stop,
}

/// Decides what comes after that error.
pub(in crate::auth) fn next(error: &AuthError) -> Next {
    match error {
        AuthError::Refused { refusal, .. } => after_refusal(refusal),
        AuthError::NoRefreshToken { .. } => Next::AskPerson { forget: false },
        _ => Next::Stop,
    }
}

/// Decides by what Entra said.
fn after_refusal(refusal: &Refusal) -> Next {
    match refusal.error.as_str() {
        "invalid_grant" | "interaction_required" | "consent_required" | "login_required" => {
            after_suberror(refusal.suberror.as_deref())
        }
        _ => Next::Stop,
    }
}

/// Decides by the kind of an `invalid_grant`. One that is not known may be mended by a sign-in.
fn after_suberror(suberror: Option<&str>) -> Next {
    match suberror {
        Some("bad_token" | "token_expired") => Next::AskPerson { forget: true },
        Some(
            "message_only"
            | "additional_action"
            | "client_mismatch"
            | "protection_policy_required"
            | "device_authentication_failed",
        ) => Next::Stop,
        // `basic_action`, `user_password_expired`, `consent_required`, none, or a new one.
        Some(_) | None => Next::AskPerson { forget: false },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::auth::{Audience, Step};
    use crate::domain::Service;
    use crate::http::Peer;

    const ASK: Next = Next::AskPerson { forget: false };
    const FORGET: Next = Next::AskPerson { forget: true };

    fn after(error: &str, suberror: Option<&str>, codes: Vec<u64>) -> Next {
        let (error, suberror) = (error.to_owned(), suberror.map(str::to_owned));
        let refusal = Refusal { error, codes, suberror, ..Refusal::default() };
        next(&AuthError::refused(Step::Token(Audience::Flow), refusal))
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
            (Some("message_only"), Next::Stop),
            (Some("additional_action"), Next::Stop),
            (Some("client_mismatch"), Next::Stop),
            (Some("protection_policy_required"), Next::Stop),
            (Some("device_authentication_failed"), Next::Stop),
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
            assert_eq!(after(error, None, vec![50173]), Next::Stop, "{error}");
            assert_eq!(after(error, Some("bad_token"), vec![]), Next::Stop, "{error}");
        }
        assert_eq!(after("temporarily_unavailable", None, vec![]), Next::Stop);
        let url = "https://login.example.com/".parse().unwrap();
        let peer = Peer::at_url(Service::Entra, &url);
        let busy =
            AuthError::Busy { peer, status: 503, wait: None, request_id: None, cut_short: None };
        assert_eq!(next(&busy), Next::Stop);
        let peer = Peer::at_url(Service::Entra, &url);
        let unreadable =
            AuthError::Unreadable { peer, status: 200, request_id: None, source: None };
        assert_eq!(next(&unreadable), Next::Stop);
        let nothing_kept = AuthError::NoRefreshToken { audience: Audience::Flow };
        assert_eq!(next(&nothing_kept), ASK);
        let unfit = AuthError::Unfit {
            audience: Audience::Flow,
            origin: None,
            unfit: crate::auth::Unfit::Application,
        };
        assert_eq!(next(&unfit), Next::Stop);
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
