//! Logs the events of a run. Leaves out who signs in, and with which code or address.

use super::Run;
use crate::model::{Event, Failure, Problem, ServiceWait, milliseconds};
use crate::plan::{Action, Plan};

/// Logs an event of an environment, which the manifest calls by this name.
pub(super) fn event(environment: &str, event: &Event<'_>) {
    let span = tracing::info_span!("environment", environment);
    let _entered = span.entered();
    match event {
        Event::SandboxStarted { address, anew, .. } => {
            tracing::info!(address, anew, "sandbox started");
        }
        Event::SignIn { expires_in, .. } => {
            tracing::info!(
                expires_in_s = expires_in.as_secs(),
                "waiting for a person to enter the code"
            );
        }
        Event::SignInByBrowser { opened, .. } => {
            tracing::info!(opened, "waiting for a person to sign in with a browser");
        }
        Event::SignInWarning { text } => tracing::warn!(reason = text, "sign-in warning"),
        Event::StillWaiting => tracing::warn!("nobody has signed in yet"),
        Event::SignedIn { .. } => tracing::info!("signed in"),
        Event::Discovering { flows, targets } => tracing::info!(flows, targets, "reading"),
        Event::FlowRead { done, total } => tracing::trace!(done, total, "flow read"),
        Event::FlowApiElsewhere { host } => tracing::debug!(host, "the Flow API was found"),
        Event::AwaitingFlows { flows, pause, left, .. } => {
            let (pause_ms, left_ms) = (milliseconds(*pause), milliseconds(*left));
            tracing::info!(flows = flows.len(), pause_ms, left_ms, "waiting for flows");
        }
        Event::LookFailed { reason } => tracing::warn!(reason, "checking the flows failed"),
        Event::Writing { writes } => tracing::info!(writes, "writing"),
        Event::Verifying => tracing::info!("reading back"),
        Event::PlannedAgain => tracing::warn!("someone else wrote first; planned again"),
        Event::WrittenElsewhere => tracing::info!("another run wrote the same values first"),
        Event::WrittenThoughRefused { text } => {
            tracing::warn!(reason = text, "the write was refused but carried out");
        }
        Event::Waiting(ServiceWait { service, time, cause }) => {
            let (service, wait_ms) = (service.as_str(), milliseconds(*time));
            tracing::warn!(service, wait_ms, %cause, "waiting before the next request");
        }
        Event::Unanswered { service, request, time, left, .. } => {
            let (service, waited_ms) = (service.as_str(), milliseconds(*time));
            let left_ms = milliseconds(*left);
            tracing::warn!(service, request, waited_ms, left_ms, "still waiting for an answer");
        }
        Event::Looking { longest } => {
            tracing::warn!(longest_s = longest.as_secs(), "the response to the write was lost");
        }
    }
}

/// Logs the end of a run that reports.
pub(super) fn conclusion(run: &Run<'_>) {
    run.plan.err().unwrap_or_default().iter().for_each(problem);
    tracing::info!(
        outcome = run.outcome.as_str(),
        requests_entra = run.requests.entra,
        requests_dataverse = run.requests.dataverse,
        requests_flow = run.requests.flow,
        requests_trigger = run.requests.trigger,
        requests_pipeline = run.requests.pipeline,
        "reported"
    );
}

/// Logs the error that ended a command.
pub(super) fn failure(failure: &Failure) {
    tracing::error!(exit_code = failure.exit as u8, failure = failure.message, "failed");
}

/// Logs the changes and the problems of a plan.
pub(super) fn plan(plan: &Plan) {
    tracing::info!(
        create = plan.count(Action::Create),
        update = plan.count(Action::Update),
        delete = plan.count(Action::Delete),
        unchanged = plan.count(Action::NoOp),
        problems = plan.problems.len(),
        warnings = plan.warnings.len(),
        "planned"
    );
    plan.problems.iter().for_each(problem);
    for warning in &plan.warnings {
        tracing::warn!(code = warning.code.as_str(), address = warning.address, "warning");
    }
}

/// Logs a problem by its code and its place.
fn problem(problem: &Problem) {
    tracing::error!(code = problem.code.as_str(), address = problem.address, "problem");
}
