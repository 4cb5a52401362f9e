//! What each stage's error means for the run: how it ends, and what to type next.

use crate::api::ApiError;
use crate::apply::ApplyError;
use crate::auth::{AuthError, SendError, StoreError};
use crate::discover::DiscoverError;
use crate::domain::{Service, ServiceError, sentence};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::{HTTP1_REMEDY, TIME_REMEDY, TRUST_REMEDY, TransportError};
use crate::plan::{Action, Plan, ValueView};
use crate::problem::Problem;

/// What to do about a service that is asked too much.
const LESS: &str =
    "the service is throttling this user: wait some minutes and run again, or lower --concurrency";

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        let exit = match error {
            AuthError::MissingClientId
            | AuthError::MalformedClientId { .. }
            | AuthError::MalformedTenant { .. } => Exit::Usage,
            AuthError::Store(error) => return error.into(),
            AuthError::Principal { ref source } if source.is_setup_error() => Exit::Usage,
            AuthError::Busy { .. } | AuthError::Transport { .. } => Exit::Unreachable,
            _ => Exit::SignIn,
        };
        let timed_out = error.is_cut_short();
        Self { hints: error.hints(), timed_out, ..Self::of(exit, &error) }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::Busy { .. } => Exit::Unreachable,
            _ if error.is_usage() => Exit::Usage,
            _ => Exit::SignIn,
        };
        Self { hints: error.hints(), ..Self::of(exit, &error) }
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        let failure = Self::of(Exit::Unreachable, &error);
        let failure = match &error {
            TransportError::Setup { .. } => Self { exit: Exit::Unexpected, ..failure },
            TransportError::Untrusted { .. } => failure.hint(TRUST_REMEDY),
            TransportError::PlainHttp { .. } => Self { exit: Exit::Usage, ..failure },
            TransportError::Unreachable { .. } => failure
                .hint("check the address, the network and, where the company has one, HTTPS_PROXY"),
            TransportError::DeadlinePassed { .. } => failure.hint(TIME_REMEDY).timed_out(),
            _ => failure.hint("run again"),
        };
        let way_round = error.is_of_http2().then_some(HTTP1_REMEDY);
        way_round.into_iter().fold(failure, Self::hint)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Refused(error) => error.into(),
            error @ ApiError::Unexpected { .. } => Self::of(Exit::Unexpected, &error)
                .hint("check that the address leads to the service and not to a proxy's page"),
        }
    }
}

impl From<ServiceError> for Failure {
    /// Says what to do about an error that no plan can name as a problem.
    fn from(error: ServiceError) -> Self {
        let message = error.to_string();
        match error.status {
            401 if error.is_for_people_only() => Self::new(Exit::SignIn, message)
                .hint("the Flow API answers people only: sign in with a user's account, and give the application the delegated permissions of Power Automate (User, Flows.Read.All, Flows.Manage.All)"),
            401 => Self::new(Exit::SignIn, message)
                .hint("sign in again; if it stays, check that `url` and the tenant belong together"),
            403 if error.service == Service::Dataverse => {
                Self::new(Exit::Refused, message).hint(role_hint(&error))
            }
            403 => Self::new(Exit::Refused, message)
                .hint("give the signed-in user a role in the environment and ownership of the flows"),
            429 | 500..=599 if error.cut_short.is_some() => {
                let failure = Self::new(Exit::Unreachable, message).hint(TIME_REMEDY).timed_out();
                let throttled = error.is_throttled().then_some(LESS);
                throttled.into_iter().fold(failure, Self::hint)
            }
            429 => Self::new(Exit::Unreachable, message)
                .hint(LESS),
            500..=599 => Self::new(Exit::Unreachable, message).hint("run again in a while"),
            _ if error.documented => {
                let failure = Self::new(Exit::Unexpected, message)
                    .hint("this is an answer that flowbind did not expect; run again with `--log debug` to see the requests before it");
                match error.request_id {
                    Some(_) => failure.hint("the service's operators find the request by its id"),
                    None => failure,
                }
            }
            _ => Self::new(Exit::Unexpected, message)
                .hint("check that the address leads to the service and not to a proxy's page"),
        }
    }
}

/// Says which role helps against an error of Dataverse.
fn role_hint(error: &ServiceError) -> String {
    match error.missing_privilege() {
        Some(privilege) => {
            format!("give the signed-in user a security role with the privilege `{privilege}`")
        }
        None => "add the signed-in user, or the application that reads and writes in its place, to the environment with a security role".to_owned(),
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
            ApplyError::Refused(error) => refused(error),
            ApplyError::NotSent(SendError::Transport(error)) => Self::from(error).nothing_written(),
            ApplyError::NotSent(SendError::Auth(error)) => Self::from(error).nothing_written(),
            ApplyError::Conflict { both, problems, .. } => {
                let failure = Self::new(Exit::Refused, message).nothing_written();
                let sides = both.iter().map(ToString::to_string);
                let failure = sides.chain(told(&problems)).fold(failure, Self::hint);
                failure.hint("look at the plan again with `flowbind plan`, and run again")
            }
            ApplyError::NotWritten { .. } => {
                Self::new(Exit::Unreachable, message).nothing_written().hint("run again")
            }
            ApplyError::Partial { extent, .. } => {
                let unread = || vec!["`flowbind plan` shows which targets are in".to_owned()];
                let lines = extent.map_or_else(unread, |extent| extent.lines());
                let failure = Self::new(Exit::Unknown, message);
                let failure = lines.into_iter().fold(failure, Self::hint);
                failure.hint("run again: what is in stays, and the rest is written")
            }
            ApplyError::Interrupted => Self::interrupted(),
            ApplyError::Abandoned { .. } => Self::new(Exit::Unknown, message)
                .hint("what was sent may be carried out within two minutes yet")
                .hint("look with `flowbind plan`; running apply again is safe"),
            ApplyError::Unknown { after, .. } => {
                let failure = Self::new(Exit::Unknown, message);
                let failure = seen(&after).into_iter().fold(failure, Self::hint);
                failure.hint(if after.problems.is_empty() {
                    "look with `flowbind plan`; running apply again is safe"
                } else {
                    "look with `flowbind plan`, which names what has to be mended first"
                })
            }
            ApplyError::Unverified { .. } => Self::new(Exit::Unknown, message)
                .hint("look with `flowbind plan`; running apply again is safe"),
        }
    }
}

/// What was seen at the targets that do not hold what was planned.
fn seen(after: &Plan) -> Vec<String> {
    let open = after.changes.iter().filter(|change| change.action != Action::NoOp);
    let changes = open.map(|change| {
        format!("{} holds {}", change.address, ValueView::words(change.before.as_ref()))
    });
    changes.chain(told(&after.problems)).collect()
}

/// Problems in one line each.
fn told(problems: &[Problem]) -> impl Iterator<Item = String> {
    problems.iter().map(|problem| {
        let address = problem.address.as_deref().unwrap_or("the environment");
        format!("{address}: {}", problem.message)
    })
}

/// Says what to do about a change set that the service refused, whatever its reason.
fn refused(error: ServiceError) -> Failure {
    let failure = Failure::from(error);
    let unexpected = failure.exit == Exit::Unexpected;
    let exit = if unexpected { Exit::Refused } else { failure.exit };
    Failure { exit, ..failure }.nothing_written()
}
