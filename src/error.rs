//! What each stage's error means for the run: how it ends, and what to type next.

use crate::api::{ApiError, Fault};
use crate::apply::ApplyError;
use crate::auth::AuthError;
use crate::discover::DiscoverError;
use crate::domain::{Service, sentence};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::{TRUST_REMEDY, TransportError};

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        let exit = match error {
            AuthError::MissingClientId
            | AuthError::MalformedClientId { .. }
            | AuthError::MalformedTenant { .. } => Exit::Usage,
            AuthError::Busy { .. } | AuthError::Transport { .. } => Exit::Unreachable,
            _ => Exit::SignIn,
        };
        Self { hints: error.hints(), ..Self::of(exit, &error) }
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        let failure = Self::of(Exit::Unreachable, &error);
        match &error {
            TransportError::Setup { .. } => Self { exit: Exit::Unexpected, ..failure },
            TransportError::Untrusted { .. } => failure.hint(TRUST_REMEDY),
            TransportError::PlainHttp { .. } => Self { exit: Exit::Usage, ..failure },
            TransportError::Unreachable { .. } => failure
                .hint("check the address, the network and, where the company has one, HTTPS_PROXY"),
            _ => failure.hint("run again; nothing was written"),
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Fault(fault) => fault.into(),
            error @ ApiError::Unexpected { .. } => Self::of(Exit::Unexpected, &error)
                .hint("check that the address leads to the service and not to a proxy's page; nothing was written"),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let message = fault.to_string();
        match fault.status {
            401 if fault.is("ClientScopeAuthorizationFailed") => Self::new(Exit::SignIn, message)
                .hint("the Flow API answers people only: sign in with a user's account, and give the application the delegated permissions of Power Automate (User, Flows.Read.All, Flows.Manage.All)"),
            401 => Self::new(Exit::SignIn, message)
                .hint("sign in again; if it stays, check that `url` and the tenant belong together"),
            403 if fault.service == Service::Dataverse => Self::new(Exit::Refused, message)
                .hint(role_hint(&fault)),
            403 => Self::new(Exit::Refused, message)
                .hint("give the signed-in user a role in the environment and ownership of the flows"),
            429 => Self::new(Exit::Unreachable, message)
                .hint("the service is throttling this user: wait some minutes and run again, or lower --concurrency"),
            500..=599 => Self::new(Exit::Unreachable, message).hint("run again in a while"),
            _ => Self::new(Exit::Refused, message)
                .hint("see the service's sentence above; its operators find the request by its id"),
        }
    }
}

fn role_hint(fault: &Fault) -> String {
    match fault.privilege() {
        Some(privilege) => {
            format!("give the signed-in user a security role with the privilege `{privilege}`")
        }
        None => "add the signed-in user to the environment with a security role".to_owned(),
    }
}

impl From<DiscoverError> for Failure {
    fn from(error: DiscoverError) -> Self {
        match error {
            DiscoverError::Transport(error) => error.into(),
            DiscoverError::Auth(error) => error.into(),
            DiscoverError::Api(error) => error.into(),
        }
    }
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        let message = sentence(&error);
        match error {
            ApplyError::Refused(fault) => nothing_written(fault.into()),
            ApplyError::NotSent(error) => nothing_written(error.into()),
            ApplyError::NotSignedIn(error) => nothing_written(error.into()),
            ApplyError::Conflict(_) => Self::new(Exit::Refused, message)
                .hint("nothing was written by this run; look at the plan again and run again"),
            ApplyError::NotWritten { .. } => {
                Self::new(Exit::Unreachable, message).hint("run again")
            }
            ApplyError::Partial { .. } => Self::new(Exit::Unknown, message)
                .hint("run again: what is in stays, and the rest is written"),
            ApplyError::Unknown { .. } | ApplyError::Unverified { .. } => {
                Self::new(Exit::Unknown, message)
                    .hint("look with `flowbind plan`; running apply again is safe")
            }
        }
    }
}

fn nothing_written(failure: Failure) -> Failure {
    let says_so = failure.message.contains("nothing was written");
    let message =
        if says_so { failure.message } else { format!("{}; nothing was written", failure.message) };
    Failure { message, ..failure }
}
