//! Converts each stage's error to the failure of a run: its exit code, and what to type next.

use crate::apply::{ApplyError, CreatedRow, RowState};
use crate::discover::DiscoverError;
use crate::http::{HTTP1_REMEDY, TIME_REMEDY, TRUST_REMEDY, TransportError};
use crate::model::{Exit, Failure, Problem, ServiceError, Waiting, error_chain};
use crate::plan::{Action, Plan, TargetResult, TargetState, ValueView, privilege_hint};
use crate::services::ApiError;
use crate::sign_in::{AuthError, SendError, StoreError};

/// The hint for a service that throttles.
const LESS: &str =
    "the service is throttling this user: wait a few minutes and run again, or lower --concurrency";

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        let exit = match error {
            AuthError::MissingClientId
            | AuthError::MalformedClientId { .. }
            | AuthError::MalformedTenant { .. } => Exit::Usage,
            AuthError::Store(error) => return error.into(),
            AuthError::EnvironmentRefused { error } => return (*error).into(),
            AuthError::Principal { ref source } if source.is_setup_error() => Exit::Usage,
            AuthError::Busy { .. } | AuthError::Transport { .. } => Exit::Unreachable,
            _ => Exit::SignIn,
        };
        let timed_out = error.is_cut_short();
        Self { hints: error.hints(), timed_out, ..Self::from_error(exit, &error) }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::Busy { .. } => Exit::Unreachable,
            _ if error.is_input_error() => Exit::Usage,
            _ => Exit::SignIn,
        };
        Self { hints: error.hints(), ..Self::from_error(exit, &error) }
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        let failure = Self::from_error(Exit::Unreachable, &error);
        let failure = match &error {
            TransportError::Setup { .. } => Self { exit: Exit::Unexpected, ..failure },
            TransportError::Untrusted { .. } => failure.hint(TRUST_REMEDY),
            TransportError::PlainHttp { .. } => Self { exit: Exit::Usage, ..failure },
            TransportError::Unreachable { .. } => failure
                .hint("check the address, the network and, where the company has one, HTTPS_PROXY"),
            TransportError::DeadlinePassed { .. } => {
                error.time_remedy().into_iter().fold(failure, Self::hint).timed_out()
            }
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
            error @ ApiError::Unexpected { .. } => Self::from_error(Exit::Unexpected, &error)
                .hint("check that the address leads to the service and not to a proxy's page"),
        }
    }
}

/// The hint for an error page that is not the service's own.
const NOT_THE_SERVICE: &str = "the answer is not in the service's form: it comes from a proxy, a gateway or a firewall. Check the address and `HTTPS_PROXY`, and have the network's administrators let this machine reach the service";

impl From<ServiceError> for Failure {
    /// Converts a service error that is not a problem of a plan, and adds its cause and remedy.
    fn from(error: ServiceError) -> Self {
        let failure = Self::new(exit_code(&error), error.to_string());
        let cut_short = error.cut_short.is_some() && failure.exit == Exit::Unreachable;
        let next_run = error.cut_short.as_deref().and_then(|cut_short| cut_short.next_run());
        let mut hints = cause_hints(&error, cut_short);
        if cut_short && let Some(next_run) = next_run {
            // It says more than the remedy of the cause, which comes last.
            hints.pop();
            hints.insert(0, next_run);
        } else if cut_short {
            hints.insert(0, TIME_REMEDY.to_owned());
        }
        let failure = hints.into_iter().fold(failure, Self::hint);
        if cut_short { failure.timed_out() } else { failure }
    }
}

/// Returns the exit code for a service error: by its cause, else by its status.
fn exit_code(error: &ServiceError) -> Exit {
    match (error.status, error.cause().map(|cause| cause.waiting)) {
        (401, _) => Exit::SignIn,
        (429, _) | (_, Some(Waiting::Helps)) => Exit::Unreachable,
        (403 | 501, _) | (_, Some(Waiting::DoesNotHelp)) => Exit::Refused,
        (408 | 500..=599, _) => Exit::Unreachable,
        _ => Exit::Unexpected,
    }
}

/// Returns the cause and the remedy of a service error, as far as they are known.
fn cause_hints(error: &ServiceError, cut_short: bool) -> Vec<String> {
    let one = |text: &str| vec![text.to_owned()];
    if let Some(privilege) = error.missing_privilege() {
        return vec![privilege_hint(privilege)];
    }
    if let Some(cause) = error.cause() {
        return vec![cause.meaning.to_owned(), cause.remedy.to_owned()];
    }
    match error.status {
        401 => one(
            "sign in again; if the error persists, check that `url` and the tenant belong together",
        ),
        429 => one(LESS),
        502..=599 | 500 | 408 if cut_short => Vec::new(),
        502..=599 | 500 | 408 => one("run again later"),
        _ if !error.documented => one(NOT_THE_SERVICE),
        403 => one(
            "the sentence is the service's: if it tells no reason, check that the signed-in user is enabled in the environment and has a security role there",
        ),
        501 => one(
            "the service does not offer this operation, and waiting does not help: check that `url` is that of a Dataverse environment",
        ),
        _ => {
            let unexpected = one(
                "this is an answer that flowbind did not expect; run again with `--log debug` to see the requests before it",
            );
            let by_id = error
                .request_id
                .as_ref()
                .map(|_| "the service's operators find the request by its id".to_owned());
            unexpected.into_iter().chain(by_id).collect()
        }
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
        let message = error_chain(&error);
        match error {
            ApplyError::Refused(refused) => of_refusal(refused.error, message).nothing_written(),
            ApplyError::Unchecked { refused, source } if refused.is_turned_away() => {
                let failure = of_refusal(refused.error, message).hint(TURNED_AWAY);
                sign_in_hints(source).into_iter().fold(failure, Self::hint)
            }
            ApplyError::Unchecked { refused, .. } => {
                let failure = of_refusal(refused.error, format!("outcome unknown: {message}"));
                Self { exit: Exit::Unknown, ..failure }.hint(LOOK)
            }
            ApplyError::NotSent(SendError::Transport(error)) => Self::from(error).nothing_written(),
            ApplyError::NotSent(SendError::Auth(error)) => Self::from(error).nothing_written(),
            ApplyError::Conflict { both, problems, .. } => {
                let failure = Self::new(Exit::Refused, message).nothing_written();
                let sides = both.iter().map(ToString::to_string);
                let failure = sides.chain(problem_lines(&problems)).fold(failure, Self::hint);
                failure.hint("check the plan with `flowbind plan`, and run again")
            }
            ApplyError::KeyTaken { of_value_name, .. } => {
                let failure = Self::new(Exit::Refused, message).nothing_written();
                let causes = key_taken_hints(of_value_name).into_iter();
                causes.map(str::to_owned).fold(failure, Self::hint)
            }
            ApplyError::NotWritten { has_new_rows, .. } => {
                let failure = Self::new(Exit::Unreachable, message).nothing_written();
                failure.hint(if has_new_rows { AGAIN_UNLESS_RENAMED } else { "run again" })
            }
            ApplyError::Interrupted => Self::interrupted(),
            ApplyError::TurnedAway => Self::new(Exit::Interrupted, message).hint(LOOK),
            ApplyError::Abandoned { .. } => Self::new(Exit::Unknown, message)
                .hint("Dataverse may still carry out the write within two minutes")
                .hint(LOOK),
            ApplyError::Altered { results, created, after, .. } => {
                let failure = Self::new(Exit::Unknown, message);
                altered(&results, &created, &after).into_iter().fold(failure, Self::hint)
            }
            ApplyError::Unknown { after, may_repeat, .. } => {
                let failure = Self::new(Exit::Unknown, message);
                let failure = values_that_differ(&after).into_iter().fold(failure, Self::hint);
                failure.hint(if may_repeat {
                    "first look for a new row that its key does not find: another run would create a second one"
                } else if after.problems.is_empty() {
                    LOOK
                } else {
                    "check with `flowbind plan`, which names what to fix first"
                })
            }
            ApplyError::Unverified { source, .. } => {
                let failure = Self::new(Exit::Unknown, message);
                failure.hint(next_look(&source).unwrap_or_else(|| LOOK.to_owned()))
            }
        }
    }
}

/// The hint for a lost write that was to create rows.
const AGAIN_UNLESS_RENAMED: &str = "run again; if a plug-in or auto-numbering gives new rows of this table another key, look for such a row first, since new rows are looked for by their keys alone";

/// The hint for a row that was written and whose key is no longer the one in the manifest.
const RENAMED: &str =
    "do not run again before that row has its key again: flowbind finds rows by their keys";

/// The hint for a row that exists under another key than was sent.
const LEFT_BEHIND: &str = "do not run again before the new row is removed or has its key back: each run creates one more record";

/// The hint for a new row that cannot be read.
const HIDDEN_OR_GONE: [&str; 3] = [
    "before running again, have an administrator look for the new row by its id",
    "if the row exists, this user may create it but not read it: give the user's role the read privilege of its table with the depth Organization. Until then, another run ends with `key-taken` or creates one more record, and a rollback does not remove the row",
    "if the row does not exist, running again ends in the same way until the cause is removed",
];

/// The hint for values that are written and then changed.
const SAME_AGAIN: &str = "running again ends in the same way until the cause is removed";

/// The hint for a write that the service refuses because of a rule of the environment.
const OWN_RULE: &str = "the sentence is the service's, or that of a plug-in or flow that runs when the row is written: change what it names, and run again";

/// The hint for a write that was turned away, if reading back failed.
const TURNED_AWAY: &str = "Dataverse does not carry out what it turns away (429 or 401); check with `flowbind plan` when it answers again";

/// The hint for finding out what was written.
pub(crate) const LOOK: &str = "check with `flowbind plan`; running apply again is safe";

/// The hint for values that the environment changes after they are written.
const ENVIRONMENT: &str = "something in the environment (a plug-in, a flow, auto-numbering) changes what is written, unless somebody wrote right after this run: have its makers look at what runs when these rows are written";

/// Says when to look at what was written, if the service said how long it accepts no requests.
fn next_look(source: &DiscoverError) -> Option<String> {
    let DiscoverError::Transport(TransportError::DeadlinePassed { cut_short, .. }) = source else {
        return None;
    };
    let seconds = cut_short.asked?.as_secs_f32().ceil();
    Some(format!("in {seconds} s, when the service accepts requests again, {LOOK}"))
}

/// Returns the hints of a sign-in that failed while the targets were read back.
fn sign_in_hints(source: DiscoverError) -> Vec<String> {
    match source {
        DiscoverError::Auth(error) => error.hints(),
        DiscoverError::Transport(_) | DiscoverError::Api(_) => Vec::new(),
    }
}

/// Returns the hints for a key that is taken by a row which the user cannot see.
pub(crate) fn key_taken_hints(of_value_name: bool) -> Vec<&'static str> {
    let cause = if of_value_name {
        "a value of that name exists which belongs to another definition, or which this user may not see: Dataverse leaves out rows below the depth of the user's read privilege, without an error"
    } else {
        "Dataverse leaves out rows below the depth of the user's read privilege, without an error"
    };
    vec![
        cause,
        "have an administrator look for the row with that key (an environment variable's value is a row of `environmentvariablevalue`), in all states and of all owners, and give the user's role the read privilege of its table with the depth Organization; or have the row removed, if nobody needs it",
        "running again ends in the same way until then; `flowbind explain key-taken` says more",
    ]
}

/// Returns the hints for writes that the service accepted and did not keep: the result of each
/// target, and what to do next.
fn altered(results: &[TargetResult], created: &[CreatedRow], after: &Plan) -> Vec<String> {
    // The targets that need a look come first.
    let is_written = |one: &&TargetResult| matches!(one.state, TargetState::Written);
    let (written, others): (Vec<_>, Vec<_>) = results.iter().partition(is_written);
    let ordered = others.into_iter().chain(written).map(result);
    let rows = created.iter().map(row);
    let mut hints: Vec<String> =
        ordered.chain(rows).chain(problem_lines(&after.problems)).collect();
    hints.push(ENVIRONMENT.to_owned());
    hints.extend(before_running_again(results, created).into_iter().map(str::to_owned));
    hints
}

/// Returns what to do before running again.
fn before_running_again(results: &[TargetResult], created: &[CreatedRow]) -> Vec<&'static str> {
    let is_renamed = results.iter().any(|one| one.is_unread() && one.row.is_some());
    let is_left_behind = created.iter().any(CreatedRow::is_left_behind);
    let is_absent = created.iter().any(|row| row.state == RowState::Absent);
    let hints: [(bool, &[&'static str]); 3] =
        [(is_renamed, &[RENAMED]), (is_left_behind, &[LEFT_BEHIND]), (is_absent, &HIDDEN_OR_GONE)];
    let meant: Vec<_> = hints
        .iter()
        .filter(|(holds, _)| *holds)
        .flat_map(|(_, hints)| hints.iter().copied())
        .collect();
    if meant.is_empty() { vec![SAME_AGAIN] } else { meant }
}

/// Describes, in a sentence, the value sent to a target and the value that reads back.
fn result(result: &TargetResult) -> String {
    let TargetResult { address, state, sent, holds, row } = result;
    let (sent, holds) = (ValueView::describe(sent.as_ref()), ValueView::describe(holds.as_ref()));
    match state {
        TargetState::Written => format!("{address} reads back as sent: {sent}"),
        TargetState::Unchanged | TargetState::Refused => {
            format!("{address}: sent {sent}; it holds what it held before, {holds}")
        }
        TargetState::Changed => format!("{address}: sent {sent}; it holds {holds}"),
        TargetState::Unread => match row {
            Some(row) => {
                format!("{address}: sent {sent}; its row {row} is no longer found by its key")
            }
            None => format!("{address}: sent {sent}; what it holds could not be read"),
        },
    }
}

/// Describes, in a sentence, the state of a row that the service reported as created.
fn row(row: &CreatedRow) -> String {
    let CreatedRow { entity_set, id, state, .. } = row;
    let id = match id {
        Some(id) => format!("the new row {id} of `{entity_set}`"),
        None => format!("the new row of `{entity_set}`, whose id the service did not say,"),
    };
    match state {
        RowState::Absent => format!(
            "{id} cannot be read: the service did not keep it, or hides it from this user (read depth)"
        ),
        RowState::Unread => format!("{id} could not be read, and is not found by its key"),
        RowState::Present(changed) if changed.is_empty() => {
            format!("{id} exists as it was sent, but is not found by its key")
        }
        RowState::Present(changed) => {
            let names: Vec<String> = changed.iter().map(|name| format!("`{name}`")).collect();
            let names = names.join(", ");
            format!(
                "{id} exists, but is not found by its key: {names} holds another value than was sent"
            )
        }
    }
}

/// Lists the current values of the targets that differ from the plan, and the problems.
fn values_that_differ(after: &Plan) -> Vec<String> {
    let open = after.changes.iter().filter(|change| change.action != Action::NoOp);
    let changes = open.map(|change| {
        format!("{} holds {}", change.address, ValueView::describe(change.before.as_ref()))
    });
    changes.chain(problem_lines(&after.problems)).collect()
}

/// Formats each problem as one line with its address and message.
fn problem_lines(problems: &[Problem]) -> impl Iterator<Item = String> {
    problems.iter().map(|problem| {
        let address = problem.address.as_deref().unwrap_or("the environment");
        format!("{address}: {}", problem.message)
    })
}

/// Returns the failure of a change set that the service refused, with `message` as its text.
fn of_refusal(error: ServiceError, message: String) -> Failure {
    let is_own_rule = error.documented && error.cause().is_none();
    let failure = Failure { message, ..Failure::from(error) };
    match failure.exit {
        Exit::Unexpected if is_own_rule => {
            Failure::new(Exit::Refused, failure.message).hint(OWN_RULE)
        }
        Exit::Unexpected => Failure { exit: Exit::Refused, ..failure },
        _ => failure,
    }
}

#[cfg(test)]
mod tests;
