//! Errors of a sign-in, and what to do about them.
//!
//! No message holds a token, a device code or a body. Text from a service is cut to its first
//! sentence.

use std::time::{Duration, SystemTime};
use std::{fmt, io};

use super::hints::codes;
use super::{
    Audience, ClientIdError, PrincipalError, SignInStep, StoreError, TokenCommandFailure,
    UnusableToken,
};
use crate::http::{Answer, DecodeError, Peer, TransportError, retry_after};
use crate::model::{CutShort, ServiceError};
use crate::services::entra::{Refusal, TenantError};

/// The codes that Entra sends when the person declined.
const DECLINED_CODES: [u64; 2] = [65004, 70017];

/// A reason why there is no session or token.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No application is named, and the cloud has no default.
    #[error("no application is named to sign in with")]
    MissingClientId,
    /// The application's id is malformed.
    #[error("client id `{text}`")]
    MalformedClientId {
        /// The text.
        text: String,
        /// The problem.
        source: ClientIdError,
    },
    /// The tenant is malformed.
    #[error("tenant `{text}`")]
    MalformedTenant {
        /// The text.
        text: String,
        /// The problem.
        source: TenantError,
    },
    /// The cloud has no default authority.
    #[error("no authority is known for this cloud")]
    NoAuthority,
    /// The environment did not name an authority.
    #[error("Dataverse at `{environment}` answered {status} without naming where to sign in; a 401 with `WWW-Authenticate: Bearer authorization_uri=...` was expected{}", request_suffix(.request_id.as_ref()))]
    NoChallenge {
        /// The environment.
        environment: String,
        /// The status of its answer.
        status: u16,
        /// The service's id of the request.
        request_id: Option<String>,
    },
    /// The environment refuses everybody, whoever signs in.
    #[error("{error}")]
    EnvironmentRefused {
        /// The service's error.
        error: Box<ServiceError>,
    },
    /// The environment named an authority that its cloud does not list.
    #[error(
        "{environment} asks for a sign-in at `{host}`, which is not a sign-in host of its cloud"
    )]
    UntrustedAuthority {
        /// The environment.
        environment: String,
        /// The host that it named; nothing was sent there.
        host: String,
        /// The hosts that the cloud lists.
        known: Vec<String>,
    },
    /// The sign-in page is at no host where the cloud signs people in, or not https.
    #[error("the sign-in page `{page}` is no https address at one of the cloud's sign-in hosts")]
    UntrustedPage {
        /// The page; nobody was sent there.
        page: String,
    },
    /// The person declined the sign-in.
    #[error("the sign-in was declined{}", codes::refusal_number(refusal))]
    Declined {
        /// Entra's refusal.
        refusal: Box<Refusal>,
    },
    /// The code expired by the clock of this machine.
    #[error("the code expired before the sign-in was approved")]
    Expired,
    /// The code expired, as Entra says.
    #[error("the code expired before the sign-in was approved{}", codes::refusal_number(refusal))]
    CodeExpired {
        /// Entra's refusal.
        refusal: Box<Refusal>,
    },
    /// Entra no longer knows the code.
    #[error("the code of this sign-in is no longer known{}", codes::refusal_number(refusal))]
    UnknownCode {
        /// Entra's refusal.
        refusal: Box<Refusal>,
    },
    /// The program could not listen for the browser's answer.
    #[error("no local port could be opened for the browser's answer")]
    NoPort {
        /// The system's error.
        source: io::Error,
    },
    /// The browser did not answer in time.
    #[error("the sign-in was not finished in the browser in time")]
    BrowserTimeout,
    /// The tokens may belong to another sign-in.
    #[error("nothing proves that the tokens belong to this sign-in")]
    UnprovenTokens {
        /// The problem with the id token.
        source: IdTokenError,
    },
    /// Entra refused for another reason.
    #[error("Entra refused {step}{}", codes::refusal_meaning(refusal))]
    Refused {
        /// The request that it refused.
        step: SignInStep,
        /// Entra's refusal.
        refusal: Box<Refusal>,
    },
    /// A service is busy or unavailable.
    #[error("{peer} answered {status}: it is busy or unavailable{}{}", request_suffix(.request_id.as_ref()), optional_part("; ", .cut_short.as_deref()))]
    Busy {
        /// The service.
        peer: Peer,
        /// The status.
        status: u16,
        /// The delay that the service asked for.
        wait: Option<Duration>,
        /// The service's id of the request.
        request_id: Option<String>,
        /// The reason why there was no retry, if only the deadline prevented it.
        cut_short: Option<Box<CutShort>>,
    },
    /// The answer is not one of OAuth 2.0.
    #[error("{peer} answered {status} with something that is not an OAuth 2.0 answer{}", request_suffix(.request_id.as_ref()))]
    Unreadable {
        /// The service.
        peer: Peer,
        /// The status.
        status: u16,
        /// The service's id of the request.
        request_id: Option<String>,
        /// The problem with the body, if that is the cause.
        source: Option<DecodeError>,
    },
    /// A service could not be reached.
    #[error(transparent)]
    Transport {
        /// The cause.
        #[from]
        source: TransportError,
    },
    /// The sign-in brought no refresh token.
    #[error("no refresh token came with the sign-in, so there is no token for {audience}")]
    NoRefreshToken {
        /// The audience of the token.
        audience: Audience,
    },
    /// The audience would not accept the token.
    #[error("the token for {audience}{} {reason}", optional_part(" from ", .origin.as_deref()))]
    UnusableToken {
        /// The audience of the token.
        audience: Audience,
        /// The origin of the token, if it was made elsewhere.
        origin: Option<String>,
        /// The problem.
        reason: UnusableToken,
    },
    /// A token that cannot be renewed expires before the work is done.
    #[error("the token for {audience} from {origin} ends in {} s, too soon to start writing", .remaining.as_secs())]
    ExpiresTooSoon {
        /// The audience of the token.
        audience: Audience,
        /// The origin of the token.
        origin: String,
        /// The time until it expires.
        remaining: Duration,
    },
    /// A service asks for a new sign-in, and the token was made elsewhere.
    #[error(
        "{audience} no longer accepts the token from {origin}: it asks for a new sign-in (a challenge of continuous access evaluation)"
    )]
    Challenged {
        /// The audience of the token.
        audience: Audience,
        /// The origin of the token.
        origin: String,
    },
    /// A token command printed no token.
    #[error("{command} gave no token for {audience}")]
    Command {
        /// The audience of the token.
        audience: Audience,
        /// The program.
        command: String,
        /// The tenant that was named to it, if it is the Azure CLI.
        azure_tenant: Option<String>,
        /// The cause.
        source: TokenCommandFailure,
    },
    /// The token store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An application cannot prove its identity.
    #[error(transparent)]
    Principal {
        /// The cause.
        #[from]
        source: PrincipalError,
    },
    /// Two different people approved the two sign-ins of a run.
    #[error("two people signed in: first {first}, and then {then} for the other service")]
    OtherPerson {
        /// The person who signed in first.
        first: String,
        /// The person who signed in second.
        then: String,
    },
    /// A stored sign-in names one person, and its token belongs to another.
    #[error("the stored sign-in names {kept}, but its token belongs to {found}")]
    KeptForAnother {
        /// The person that the store names.
        kept: String,
        /// The person that the token names.
        found: String,
    },
    /// A person has to sign in, and the run must not ask.
    #[error("a person has to sign in, but this run is not interactive{}", optional_part(": ", .why.as_deref()))]
    PersonNeeded {
        /// The reason why an earlier sign-in no longer works, if there was one.
        why: Option<Box<AuthError>>,
    },
    /// The sign-in that was handed in or kept is no longer valid, and the run must not ask.
    #[error("the sign-in in {} is no longer valid, and this run may ask nobody: {why}", .origin.name)]
    SignInEnded {
        /// The place of the sign-in.
        origin: RefreshTokenOrigin,
        /// The reason.
        why: Box<AuthError>,
    },
}

/// A reason why an id token does not prove the sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// There is no id token.
    #[error("they came without an id token")]
    Missing,
    /// The id token is not a JSON Web Token.
    #[error("the id token cannot be read")]
    Unreadable,
    /// The nonce differs from the one that was sent.
    #[error("the id token does not have the nonce that was sent")]
    Foreign,
}

/// The place from which a run has its refresh token, in the words of whoever put it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshTokenOrigin {
    /// The name of the place, such as that of a variable.
    pub name: String,
    /// The steps that renew the sign-in.
    pub renewal: String,
}

impl AuthError {
    /// Returns true if only the run's deadline prevented another attempt.
    pub fn is_cut_short(&self) -> bool {
        matches!(
            self,
            Self::Busy { cut_short: Some(_), .. }
                | Self::Transport { source: TransportError::DeadlinePassed { .. } }
        )
    }

    /// Returns the id by which an administrator finds the attempt in the sign-in log.
    pub fn correlation_id(&self) -> Option<&str> {
        self.refusal()?.correlation_id.as_deref()
    }

    /// Returns Entra's refusal, if there is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Declined { refusal }
            | Self::CodeExpired { refusal }
            | Self::UnknownCode { refusal }
            | Self::Refused { refusal, .. } => Some(refusal),
            Self::PersonNeeded { why } => why.as_ref()?.refusal(),
            Self::SignInEnded { why, .. } => why.refusal(),
            _ => None,
        }
    }

    /// Adds the reason why an earlier sign-in no longer works to this error. Returns the reason
    /// alone if a new sign-in would not help.
    pub(super) fn with_reason(self, refused: Self) -> Self {
        match (self, refused) {
            (Self::PersonNeeded { .. }, Self::NoRefreshToken { .. }) => {
                Self::PersonNeeded { why: None }
            }
            (Self::PersonNeeded { .. }, refused) => match refused.refusal() {
                Some(refusal) if !codes::is_fixed_by_sign_in(refusal) => refused,
                _ => Self::PersonNeeded { why: Some(Box::new(refused)) },
            },
            (other, _) => other,
        }
    }

    /// Names the place of the sign-in, if this error is that it is no longer valid.
    pub(super) fn with_origin(self, origin: Option<&RefreshTokenOrigin>) -> Self {
        match (self, origin) {
            (Self::PersonNeeded { why: Some(why) }, Some(origin)) => {
                Self::SignInEnded { origin: origin.clone(), why }
            }
            (other, _) => other,
        }
    }

    /// Classifies a refusal. RFC 8628 and Entra use different names, and `oauth2` knows only the
    /// former, so the names are compared as text. A browser comes back with `access_denied` for
    /// policies too: then the number decides.
    pub(super) fn from_refusal(step: SignInStep, refusal: Refusal) -> Self {
        let refusal = Box::new(refusal);
        match (step, refusal.error.as_str()) {
            (SignInStep::SignIn, "authorization_declined" | "access_denied")
                if is_declined_by_person(&refusal) =>
            {
                Self::Declined { refusal }
            }
            (SignInStep::SignIn, "expired_token" | "code_expired") => Self::CodeExpired { refusal },
            (SignInStep::SignIn, "bad_verification_code") => Self::UnknownCode { refusal },
            _ => Self::Refused { step, refusal },
        }
    }

    /// Makes the error of a service that is busy or unavailable.
    pub(super) fn service_busy(peer: Peer, answer: &Answer) -> Self {
        Self::Busy {
            peer,
            status: answer.status,
            wait: retry_after(answer.header("retry-after"), SystemTime::now()),
            request_id: answer.request_id(),
            cut_short: answer.cut_short.map(Box::new),
        }
    }
}

/// Returns true if the person declined: by the refusal's number, if it has one. The number that
/// comes with `authorization_declined` is not published, so an unknown number counts as declined.
fn is_declined_by_person(refusal: &Refusal) -> bool {
    let unknown = || refusal.error == "authorization_declined" && !codes::is_explained(refusal);
    let codes = &refusal.codes;
    codes.is_empty() || codes.iter().any(|code| DECLINED_CODES.contains(code)) || unknown()
}

/// Formats the id of a request for the end of a sentence.
fn request_suffix(id: Option<&String>) -> String {
    id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

/// Formats an optional part of a sentence after the text that introduces it.
fn optional_part(before: &str, part: Option<impl fmt::Display>) -> String {
    part.map(|part| format!("{before}{part}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(error: &str, codes: &[u64]) -> Refusal {
        Refusal {
            error: error.to_owned(),
            codes: codes.to_vec(),
            correlation_id: Some("c-1".to_owned()),
            ..Refusal::default()
        }
    }

    #[test]
    fn a_refusal_of_the_person_is_told_by_either_name() {
        let message =
            |error| AuthError::from_refusal(SignInStep::SignIn, refusal(error, &[])).to_string();
        for error in ["authorization_declined", "access_denied"] {
            assert_eq!(message(error), "the sign-in was declined");
        }
        for error in ["expired_token", "code_expired"] {
            assert!(message(error).starts_with("the code expired"));
        }
        assert!(message("bad_verification_code").starts_with("the code of this sign-in"));
        assert_eq!(message("other"), "Entra refused the sign-in: other");
    }

    #[test]
    fn a_number_tells_a_policy_from_a_persons_own_no() {
        for code in [65004, 70017] {
            let error =
                AuthError::from_refusal(SignInStep::SignIn, refusal("access_denied", &[code]));
            assert_eq!(error.to_string(), format!("the sign-in was declined (AADSTS{code})"));
            assert!(error.hints()[0].starts_with("you: run the same command again"));
            assert!(error.hints().last().unwrap().contains("`c-1`"));
        }
        let unpublished =
            AuthError::from_refusal(SignInStep::SignIn, refusal("authorization_declined", &[1]));
        assert_eq!(unpublished.to_string(), "the sign-in was declined (AADSTS1)");
        let policy = AuthError::from_refusal(SignInStep::SignIn, refusal("access_denied", &[1]));
        assert_eq!(policy.to_string(), "Entra refused the sign-in: access_denied");
        for name in ["access_denied", "authorization_declined"] {
            for code in [53003, 50097, 50105, 50020, 90094] {
                let error = AuthError::from_refusal(SignInStep::SignIn, refusal(name, &[code]));
                let text = error.to_string();
                assert!(text.contains(&format!("(AADSTS{code}): ")), "{text}");
                assert!(!text.contains("declined") && !text.contains("a code"), "{text}");
            }
        }
    }

    #[test]
    fn an_expired_or_unknown_code_keeps_its_number_and_the_attempt() {
        for (name, code) in [("expired_token", 70020), ("bad_verification_code", 70018)] {
            let error = AuthError::from_refusal(SignInStep::SignIn, refusal(name, &[code]));
            assert!(error.to_string().ends_with(&format!("(AADSTS{code})")), "{error}");
            assert!(error.hints()[0].starts_with("you: "), "{:?}", error.hints());
            assert_eq!(error.correlation_id(), Some("c-1"));
        }
    }

    #[test]
    fn what_no_sign_in_mends_does_not_ask_for_one() {
        let needed = |code| {
            let step = SignInStep::Token(Audience::Flow);
            let refused = AuthError::from_refusal(step, refusal("invalid_grant", &[code]));
            AuthError::PersonNeeded { why: None }.with_reason(refused)
        };
        for code in [50057, 50105, 65001] {
            let error = needed(code);
            assert!(matches!(error, AuthError::Refused { .. }), "{error:?}");
            assert!(!error.hints().join("; ").contains("FLOWBIND_REFRESH_TOKEN"));
        }
        assert!(matches!(needed(50173), AuthError::PersonNeeded { why: Some(_) }));
    }

    #[test]
    fn a_refused_token_names_its_audience_and_the_attempt() {
        let step = SignInStep::Token(Audience::Flow);
        let error = AuthError::from_refusal(step, refusal("access_denied", &[65001]));
        let text = error.to_string();
        let start = "Entra refused a token for the Flow service (AADSTS65001): nobody has allowed";
        assert!(text.starts_with(start), "{text}");
        let hints = error.hints();
        assert!(hints[0].contains("Grant admin consent"), "{hints:?}");
        assert!(hints.last().unwrap().contains("`c-1`"));
    }
}
