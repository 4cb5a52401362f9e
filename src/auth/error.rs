//! Why there is no session or token, and what to change.
//!
//! No text here holds a token, a device code or a body; what a service said is cut to its
//! sentence.

use std::time::{Duration, SystemTime};
use std::{fmt, io};

use super::{Audience, ClientIdError, CommandFailure, PrincipalError, StoreError, Unfit, hints};
use crate::api::entra::{Refusal, TenantError};
use crate::http::{Answer, CutShort, DecodeError, Peer, TransportError, retry_after};

/// The numbers of a person's own no.
const DECLINED: [u64; 2] = [65004, 70017];

/// Why there is no session or token.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Nobody named an application, and the cloud brings none.
    #[error("no application is named to sign in with")]
    MissingClientId,
    /// The application's id has a form that no such id has.
    #[error("client id `{text}`")]
    MalformedClientId {
        /// The text.
        text: String,
        /// What is wrong with it.
        source: ClientIdError,
    },
    /// The tenant has a form that no tenant has.
    #[error("tenant `{text}`")]
    MalformedTenant {
        /// The text.
        text: String,
        /// What is wrong with it.
        source: TenantError,
    },
    /// The cloud's own authority is not known.
    #[error("no authority is known for this cloud")]
    NoAuthority,
    /// The environment did not tell where to sign in.
    #[error("Dataverse at `{environment}` answered {status} and did not tell where to sign in, which a 401 with `WWW-Authenticate: Bearer authorization_uri=...` does{}", request(.request_id.as_ref()))]
    NoChallenge {
        /// The environment.
        environment: String,
        /// The status of its answer.
        status: u16,
        /// Its id for the request.
        request_id: Option<String>,
    },
    /// The environment named an authority that its cloud is not known for.
    #[error("{environment} asks for a sign-in at `{host}`, which is no authority of its cloud")]
    UntrustedAuthority {
        /// The environment.
        environment: String,
        /// The host it named, to which nothing was sent.
        host: String,
        /// The hosts that would have been taken.
        known: Vec<String>,
    },
    /// The page on which to approve is neither https nor on this machine.
    #[error("the sign-in page `{page}` is not https")]
    UntrustedPage {
        /// The page, which nobody was sent to.
        page: String,
    },
    /// The person said no.
    #[error("the sign-in was declined{}", hints::number(refusal))]
    Declined {
        /// What Entra said.
        refusal: Box<Refusal>,
    },
    /// Nobody approved in time, by the clock of this machine.
    #[error("the code expired before the sign-in was approved")]
    Expired,
    /// Nobody approved in time, as Entra says.
    #[error("the code expired before the sign-in was approved{}", hints::number(refusal))]
    CodeExpired {
        /// What Entra said.
        refusal: Box<Refusal>,
    },
    /// The service no longer knows the code it gave.
    #[error("the code of this sign-in is not known any more{}", hints::number(refusal))]
    UnknownCode {
        /// What Entra said.
        refusal: Box<Refusal>,
    },
    /// This machine does not let the program listen for a browser.
    #[error("no port of this machine could be opened for the browser's answer")]
    NoPort {
        /// Why not.
        source: io::Error,
    },
    /// No browser brought an answer in time.
    #[error("the sign-in was not finished in the browser in time")]
    Unanswered,
    /// The tokens that came may be for another sign-in than the one that was asked for.
    #[error("nothing proves that the tokens belong to this sign-in")]
    Unproven {
        /// What is wrong with the proof.
        source: IdTokenError,
    },
    /// Entra said no for another reason.
    #[error("Entra refused {step}{}", hints::meaning(refusal))]
    Refused {
        /// What it refused.
        step: Step,
        /// What it said.
        refusal: Box<Refusal>,
    },
    /// A service cannot answer now.
    #[error("{peer} answered {status}: it is busy or unavailable{}{}", request(.request_id.as_ref()), cut(.cut_short.as_deref()))]
    Busy {
        /// The service.
        peer: Peer,
        /// The status.
        status: u16,
        /// How long it asks to wait.
        wait: Option<Duration>,
        /// Its id for the request.
        request_id: Option<String>,
        /// Why it was not asked once more, where that is for want of time alone.
        cut_short: Option<Box<CutShort>>,
    },
    /// The answer is none that a token endpoint gives.
    #[error("{peer} answered {status} with something that is no answer of OAuth 2.0{}", request(.request_id.as_ref()))]
    Unreadable {
        /// The service.
        peer: Peer,
        /// The status.
        status: u16,
        /// Its id for the request.
        request_id: Option<String>,
        /// What is wrong with the body, where that is what is wrong.
        source: Option<DecodeError>,
    },
    /// A service could not be asked.
    #[error(transparent)]
    Transport {
        /// Why.
        #[from]
        source: TransportError,
    },
    /// The sign-in brought nothing from which further tokens can be made.
    #[error("no refresh token came with the sign-in, so there is no token for {audience}")]
    NoRefreshToken {
        /// Whom a token was wanted for.
        audience: Audience,
    },
    /// A token is none that the audience would take.
    #[error("the token for {audience}{} {unfit}", from(.origin.as_deref()))]
    Unfit {
        /// Whom it should be for.
        audience: Audience,
        /// What gave it, if that was not the authority.
        origin: Option<String>,
        /// What is wrong with it.
        unfit: Unfit,
    },
    /// A token that cannot be renewed ends before the work is done.
    #[error("the token for {audience} from {origin} ends in {} s, too soon to begin to write", .left.as_secs())]
    EndsTooSoon {
        /// Whom it is for.
        audience: Audience,
        /// What gave it.
        origin: String,
        /// How long it lasts.
        left: Duration,
    },
    /// A program that was to print a token did not.
    #[error("{command} gave no token for {audience}")]
    Command {
        /// Whom it should be for.
        audience: Audience,
        /// The program.
        command: String,
        /// Why.
        source: CommandFailure,
    },
    /// What keeps sign-ins cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An application cannot prove who it is.
    #[error(transparent)]
    Principal {
        /// Why.
        #[from]
        source: PrincipalError,
    },
    /// Another person approved the second sign-in of a run than the first.
    #[error("two people signed in: first {first}, and then {then} for the other service")]
    OtherPerson {
        /// Who signed in first.
        first: String,
        /// Who signed in after that.
        then: String,
    },
    /// A kept sign-in is noted as one person's, and its token is another's.
    #[error("the kept sign-in is noted as that of {kept}, and its token is that of {found}")]
    KeptForAnother {
        /// Who the store says.
        kept: String,
        /// Who the token says.
        found: String,
    },
    /// A person would have to sign in, and nobody is to be asked.
    #[error("a person has to sign in, and nobody is asked in a run that is not interactive{}", because(.why.as_deref()))]
    PersonNeeded {
        /// Why an earlier sign-in does not serve, if there was one.
        why: Option<Box<AuthError>>,
    },
}

/// Why an id token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// There is none.
    #[error("no id token came with them")]
    Missing,
    /// It is no JSON Web Token.
    #[error("the id token cannot be read")]
    Unreadable,
    /// Its nonce is not the one that was sent.
    #[error("the id token has not the nonce that was sent")]
    Foreign,
}

/// What Entra was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A code of either kind, and the first token after it.
    SignIn,
    /// A further token.
    Token(Audience),
}

impl AuthError {
    /// What to do about it, most likely first.
    pub fn hints(&self) -> Vec<String> {
        let mut hints = hints::of(self);
        if let Some(id) = self.correlation_id() {
            hints.push(format!(
                "an administrator finds this attempt in Entra's sign-in log by the correlation id `{id}`"
            ));
        }
        hints
    }

    /// Whether the run's time was all that was wanting.
    pub fn is_cut_short(&self) -> bool {
        matches!(
            self,
            Self::Busy { cut_short: Some(_), .. }
                | Self::Transport { source: TransportError::DeadlinePassed { .. } }
        )
    }

    /// The id by which an administrator finds the attempt in the sign-in log.
    pub fn correlation_id(&self) -> Option<&str> {
        self.refusal()?.correlation_id.as_deref()
    }

    /// What Entra said, if it said no.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Declined { refusal }
            | Self::CodeExpired { refusal }
            | Self::UnknownCode { refusal }
            | Self::Refused { refusal, .. } => Some(refusal),
            Self::PersonNeeded { why } => why.as_ref()?.refusal(),
            _ => None,
        }
    }

    /// The same error, which also tells why an earlier sign-in did not serve; or that alone, where
    /// a new sign-in would not help.
    pub(super) fn because(self, refused: Self) -> Self {
        match (self, refused) {
            (Self::PersonNeeded { .. }, Self::NoRefreshToken { .. }) => {
                Self::PersonNeeded { why: None }
            }
            (Self::PersonNeeded { .. }, refused) => match refused.refusal() {
                Some(refusal) if !hints::is_mended_by_sign_in(refusal) => refused,
                _ => Self::PersonNeeded { why: Some(Box::new(refused)) },
            },
            (other, _) => other,
        }
    }

    /// Tells what a refusal means. The names of RFC 8628 and of Entra differ, and `oauth2`
    /// knows only the former, so they are told apart by their text. A browser is sent back with
    /// `access_denied` for policies too: then the number says more than the name.
    pub(super) fn refused(step: Step, refusal: Refusal) -> Self {
        let refusal = Box::new(refusal);
        match (step, refusal.error.as_str()) {
            (Step::SignIn, "authorization_declined" | "access_denied") if is_own_no(&refusal) => {
                Self::Declined { refusal }
            }
            (Step::SignIn, "expired_token" | "code_expired") => Self::CodeExpired { refusal },
            (Step::SignIn, "bad_verification_code") => Self::UnknownCode { refusal },
            _ => Self::Refused { step, refusal },
        }
    }

    /// Tells that a service cannot answer now.
    pub(super) fn busy(peer: Peer, answer: &Answer) -> Self {
        Self::Busy {
            peer,
            status: answer.status,
            wait: retry_after(answer.header("retry-after"), SystemTime::now()),
            request_id: answer.request_id(),
            cut_short: answer.cut_short.map(Box::new),
        }
    }
}

/// Whether a refusal is the person's own no: by its number, if it has one. The one that comes with
/// `authorization_declined` is not published, so one that is not known does not speak against it.
fn is_own_no(refusal: &Refusal) -> bool {
    let unknown = || refusal.error == "authorization_declined" && !hints::is_known(refusal);
    let codes = &refusal.codes;
    codes.is_empty() || codes.iter().any(|code| DECLINED.contains(code)) || unknown()
}

/// The id of a request as it stands at the end of a sentence.
fn request(id: Option<&String>) -> String {
    id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

/// What the run's time did not suffice for, as it stands at the end of a sentence.
fn cut(short: Option<&CutShort>) -> String {
    short.map(|short| format!("; {short}")).unwrap_or_default()
}

/// What gave a token.
fn from(origin: Option<&str>) -> String {
    origin.map_or_else(String::new, |origin| format!(" from {origin}"))
}

/// Why an earlier sign-in does not serve.
fn because(why: Option<&AuthError>) -> String {
    why.map_or_else(String::new, |why| format!(": {why}"))
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn => formatter.write_str("the sign-in"),
            Self::Token(audience) => write!(formatter, "a token for {audience}"),
        }
    }
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
        let told = |error| AuthError::refused(Step::SignIn, refusal(error, &[])).to_string();
        for error in ["authorization_declined", "access_denied"] {
            assert_eq!(told(error), "the sign-in was declined");
        }
        for error in ["expired_token", "code_expired"] {
            assert!(told(error).starts_with("the code expired"));
        }
        assert!(told("bad_verification_code").starts_with("the code of this sign-in"));
        assert_eq!(told("other"), "Entra refused the sign-in: other");
    }

    #[test]
    fn a_number_tells_a_policy_from_a_persons_own_no() {
        for code in [65004, 70017] {
            let error = AuthError::refused(Step::SignIn, refusal("access_denied", &[code]));
            assert_eq!(error.to_string(), format!("the sign-in was declined (AADSTS{code})"));
            assert!(error.hints()[0].starts_with("you: run the same command again"));
            assert!(error.hints().last().unwrap().contains("`c-1`"));
        }
        let unpublished = AuthError::refused(Step::SignIn, refusal("authorization_declined", &[1]));
        assert_eq!(unpublished.to_string(), "the sign-in was declined (AADSTS1)");
        let policy = AuthError::refused(Step::SignIn, refusal("access_denied", &[1]));
        assert_eq!(policy.to_string(), "Entra refused the sign-in: access_denied");
        for name in ["access_denied", "authorization_declined"] {
            for code in [53003, 50097, 50105, 50020, 90094] {
                let error = AuthError::refused(Step::SignIn, refusal(name, &[code]));
                let text = error.to_string();
                assert!(text.contains(&format!("(AADSTS{code}): ")), "{text}");
                assert!(!text.contains("declined") && !text.contains("a code"), "{text}");
            }
        }
    }

    #[test]
    fn an_expired_or_unknown_code_keeps_its_number_and_the_attempt() {
        for (name, code) in [("expired_token", 70020), ("bad_verification_code", 70018)] {
            let error = AuthError::refused(Step::SignIn, refusal(name, &[code]));
            assert!(error.to_string().ends_with(&format!("(AADSTS{code})")), "{error}");
            assert!(error.hints()[0].starts_with("you: "), "{:?}", error.hints());
            assert_eq!(error.correlation_id(), Some("c-1"));
        }
    }

    #[test]
    fn what_no_sign_in_mends_does_not_ask_for_one() {
        let told = |code| {
            let step = Step::Token(Audience::Flow);
            let refused = AuthError::refused(step, refusal("invalid_grant", &[code]));
            AuthError::PersonNeeded { why: None }.because(refused)
        };
        for code in [50057, 50105, 65001] {
            let error = told(code);
            assert!(matches!(error, AuthError::Refused { .. }), "{error:?}");
            assert!(!error.hints().join("; ").contains("FLOWBIND_REFRESH_TOKEN"));
        }
        assert!(matches!(told(50173), AuthError::PersonNeeded { why: Some(_) }));
    }

    #[test]
    fn a_refused_token_names_its_audience_and_the_attempt() {
        let step = Step::Token(Audience::Flow);
        let error = AuthError::refused(step, refusal("access_denied", &[65001]));
        let text = error.to_string();
        let start =
            "Entra refused a token for the Flow service (AADSTS65001): nobody with the right";
        assert!(text.starts_with(start), "{text}");
        let hints = error.hints();
        assert!(hints[0].contains("Grant admin consent"), "{hints:?}");
        assert!(hints.last().unwrap().contains("`c-1`"));
    }
}
