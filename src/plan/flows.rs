//! Finds the URL of each flow, or the reason why the flow has none.

use std::fmt;
use std::sync::Arc;

use super::builder::PlanBuilder;
use super::refusals::explain_refusal;
use super::suspension::explain_suspension;
use crate::model::{
    Callback, CallbackUrl, Cloud, Code, Flow, FlowState, KnownNames, NoTrigger, ObservedFlow,
    Problem, Reading, ServiceError, SignedUrls, Suspension, Trigger, TriggerName, UrlAccess,
    Workflow, nearest, printable,
};

/// Why a flow has no URL to write: the kind of problem, a sentence, and what helps.
type Reason = (Code, String, String);

/// Makes a [`Reason`].
fn reason<T>(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Result<T, Reason> {
    Err((code, message.into(), hint.into()))
}

/// Returns the URL of each flow, in the manifest's order. Notes a problem for each flow without
/// one.
pub(super) fn urls<'run>(
    draft: &mut PlanBuilder<'_>,
    observed: &'run [ObservedFlow],
) -> Vec<Option<&'run CallbackUrl>> {
    let desired = draft.desired;
    let pairs = || desired.flows.iter().zip(observed);
    let names: Vec<Arc<str>> = pairs().map(|(flow, seen)| name(flow, seen).into()).collect();
    let flows = pairs().zip(&names);
    let urls = flows.map(|((flow, seen), name)| url(draft, flow, seen, name)).collect();
    draft.flow_names = names;
    urls
}

/// Returns the display name of the flow, safe to print.
pub(super) fn name(flow: &Flow, seen: &ObservedFlow) -> String {
    match (&flow.name, &seen.workflow) {
        (Some(name), _) => printable_text(name).to_string(),
        (None, Reading::Found(workflow)) => printable_text(&workflow.name).to_string(),
        (None, _) => flow.workflow_id.to_string(),
    }
}

fn url<'run>(
    draft: &mut PlanBuilder<'_>,
    flow: &Flow,
    seen: &'run ObservedFlow,
    name: &str,
) -> Option<&'run CallbackUrl> {
    let found = workflow(flow, &seen.workflow, &draft.known)
        .and_then(|workflow| active_trigger(flow, workflow, seen.callback.as_ref()))
        .and_then(|trigger| trusted_callback(seen, name, trigger, draft.cloud));
    if flow.removed {
        // It is compared with and not written.
        return found.ok();
    }
    match found.and_then(|url| permitted(draft, flow, name, url)) {
        Ok(url) => {
            warn_of_old_generation(draft, flow, name, url);
            warn_of_unconfirmed(draft, flow, name, seen);
            Some(url)
        }
        Err(reason) => {
            draft.parts.problems.push(problem(flow, reason));
            None
        }
    }
}

/// Creates a problem of the flow itself, whatever its targets.
fn problem(flow: &Flow, (code, message, hint): Reason) -> Problem {
    let address = Some(format!("flow/{}", flow.workflow_id));
    Problem { code, address, message, hint, site: Some(flow.site) }
}

/// Returns the flow's row, if it is a cloud flow.
fn workflow<'run>(
    flow: &Flow,
    reading: &'run Reading<Workflow>,
    known: &KnownNames,
) -> Result<&'run Workflow, Reason> {
    let workflow = match reading {
        Reading::Found(workflow) => workflow,
        Reading::Refused(refusal) => {
            let (message, hint) = explain_refusal(refusal);
            return reason(Code::PrivilegeMissing, message, hint);
        }
        Reading::Absent => {
            if let Some((id, name)) = known.flows_by_resource_id.get(&flow.workflow_id) {
                let (given, name) = (flow.workflow_id, printable_text(name));
                let message = format!(
                    "`{given}` is the resource id of the flow `{name}` in this environment, and the manifest needs its workflow id"
                );
                let hint = format!(
                    "write `workflow-id = \"{id}\"`, which is the same in every environment"
                );
                return reason(Code::FlowNotFound, message, hint);
            }
            return reason(
                Code::FlowNotFound,
                format!("no flow has the workflow id `{}` in this environment", flow.workflow_id),
                "import the solution that holds the flow first, or correct `workflow-id`; if the flow is there, give the user's role the privilege `prvReadWorkflow` with the depth Organization: rows beyond the depth are left out without an error",
            );
        }
    };
    if workflow.category != Workflow::CLOUD_FLOW {
        return reason(
            Code::FlowNotCloud,
            format!(
                "`{}` is {}, not a cloud flow",
                printable_text(&workflow.name),
                category(workflow.category)
            ),
            "only a cloud flow has an HTTP trigger: correct `workflow-id`",
        );
    }
    Ok(workflow)
}

/// Returns the trigger whose URL is wanted, if the flow is on. Reports a problem with the trigger
/// before the flow's state, since turning the flow on would not solve it.
fn active_trigger<'run>(
    flow: &Flow,
    workflow: &'run Workflow,
    callback: Option<&Callback>,
) -> Result<&'run Trigger, Reason> {
    let trigger = trigger(flow, workflow)?;
    let stopped = match callback {
        Some(Callback::Stopped(stopped)) => Some(stopped),
        _ => None,
    };
    state(flow, workflow, stopped)?;
    Ok(trigger)
}

/// Checks that the flow is on.
fn state(flow: &Flow, workflow: &Workflow, stopped: Option<&Suspension>) -> Result<(), Reason> {
    let name = printable_text(&workflow.name);
    let stopped = stopped.map(|stopped| explain_suspension(stopped, flow.workflow_id));
    match (workflow.state, stopped) {
        (FlowState::Activated, _) => Ok(()),
        (FlowState::Draft, Some((why, remedy))) => {
            reason(Code::FlowDraft, format!("the flow `{name}` is off: {why}"), remedy)
        }
        (FlowState::Draft, None) => reason(
            Code::FlowDraft,
            format!("the flow `{name}` is off, and its URL exists only once it is on"),
            "turn the flow on, which needs its connection references to be bound, and run again",
        ),
        (FlowState::Suspended, Some((why, remedy))) => {
            reason(Code::FlowSuspended, format!("the flow `{name}` is suspended: {why}"), remedy)
        }
        (FlowState::Suspended, None) => reason(
            Code::FlowSuspended,
            format!("the flow `{name}` is suspended, and the Flow service does not say why"),
            "open the flow in Power Automate, fix what it reports, turn the flow on, and run again",
        ),
        (FlowState::Other(number), _) => reason(
            Code::FlowStateUnknown,
            format!("the flow `{name}` is in state {number}, which is neither on nor off"),
            "open the flow in Power Automate and turn it on",
        ),
    }
}

/// Returns the trigger whose URL is wanted.
fn trigger<'run>(flow: &Flow, workflow: &'run Workflow) -> Result<&'run Trigger, Reason> {
    let name = printable_text(&workflow.name);
    let found = workflow.definition.http_trigger(flow.trigger.as_ref());
    match found {
        Ok(trigger) => Ok(trigger),
        Err(NoTrigger::Unreadable(why)) => reason(
            Code::DefinitionUnreadable,
            format!("the definition of the flow `{name}` cannot be read: {why}"),
            "open the flow in the designer and save it, or correct the flow's file and import its solution again; then run again",
        ),
        Err(NoTrigger::Several(names)) => reason(
            Code::TriggerAmbiguous,
            format!("the flow `{name}` has several HTTP triggers: {}", listed(&names)),
            format!(
                "choose one, such as `trigger = \"{}\"`",
                printable_text(names.first().map_or("", |name| name.as_str()))
            ),
        ),
        Err(NoTrigger::NotNamed(names)) => reason(
            Code::TriggerNotFound,
            format!("the flow `{name}` has no trigger `{}`", wanted(flow)),
            match names.as_slice() {
                [] => {
                    "it has no HTTP trigger at all: correct `workflow-id` or `trigger`".to_owned()
                }
                names => {
                    let wanted = flow.trigger.as_ref().map_or("", |name| name.as_str());
                    let near = nearest(wanted, names.iter().map(TriggerName::as_str));
                    let near = near.map_or_else(String::new, |near| {
                        format!("did you mean `{}`? ", printable_text(near))
                    });
                    format!("{near}its HTTP triggers are: {}", listed(names))
                }
            },
        ),
        Err(NoTrigger::NotHttp(trigger)) => not_http(&name.to_string(), &[trigger]),
        Err(NoTrigger::None(triggers)) => not_http(&name.to_string(), &triggers),
    }
}

fn not_http<T>(name: &str, triggers: &[Trigger]) -> Result<T, Reason> {
    let kinds: Vec<String> =
        triggers.iter().map(|trigger| printable_text(&trigger.to_string()).to_string()).collect();
    let message = match kinds.as_slice() {
        [] => format!("the flow `{name}` has no trigger"),
        kinds => format!("the flow `{name}` has no HTTP trigger: it has {}", kinds.join("; ")),
    };
    let hint = "bind a flow that starts `When an HTTP request is received` (type Request, kind Http): triggers of this kind have no URL that others can call";
    reason(Code::TriggerNotHttp, message, hint)
}

/// Returns the URL that the Flow service gave for the trigger, if it may be written. A problem
/// with the response names its request id.
fn trusted_callback<'run>(
    seen: &'run ObservedFlow,
    name: &str,
    trigger: &Trigger,
    cloud: &Cloud,
) -> Result<&'run CallbackUrl, Reason> {
    let url = callback(seen.callback.as_ref(), name, trigger);
    url.and_then(|url| trusted(url, name, cloud)).map_err(|(code, message, hint)| {
        let id = seen.request_id.as_ref().map(|id| format!(" (request {id})"));
        (code, message + &id.unwrap_or_default(), hint)
    })
}

/// Returns the URL that the Flow service gave for the trigger.
fn callback<'run>(
    answer: Option<&'run Callback>,
    name: &str,
    trigger: &Trigger,
) -> Result<&'run CallbackUrl, Reason> {
    let kind = printable_text(trigger.kind());
    let is_http = trigger.kind().eq_ignore_ascii_case("Http");
    let trigger = printable_text(trigger.name.as_str());
    match answer {
        Some(Callback::Url(url) | Callback::Unconfirmed(url)) => Ok(url),
        None | Some(Callback::Malformed | Callback::Stopped(_)) => reason(
            Code::CallbackMalformed,
            format!(
                "the answer of the Flow service for the trigger `{trigger}` of the flow `{name}` has no usable URL, where an absolute https URL is expected"
            ),
            "open the flow in the designer, save it, and run again",
        ),
        Some(Callback::OtherFlow(id)) => reason(
            Code::CallbackOtherFlow,
            format!(
                "for the flow `{name}`, the Flow service returned the URL of another flow, `{id}`"
            ),
            "turn the flow off and on so that the service registers it anew, and run again",
        ),
        Some(Callback::UnknownFlow(refusal)) => reason(
            Code::FlowNotRegistered,
            format!("the Flow service does not know the flow `{name}` ({})", quoted(refusal)),
            "the service registers a flow when it is turned on: turn it off and on, wait a minute, and run again",
        ),
        Some(Callback::UnknownTrigger(refusal)) => reason(
            Code::TriggerNotRegistered,
            format!(
                "the Flow service does not know the trigger `{trigger}` of the flow `{name}` ({})",
                quoted(refusal)
            ),
            "the service learns of a trigger when its flow is turned on: turn it off and on, wait a minute, and run again",
        ),
        Some(Callback::NotHttp(refusal)) => reason(
            Code::TriggerNotHttp,
            format!(
                "the Flow service gives no URL for the trigger `{trigger}` of kind {kind} of the flow `{name}` ({})",
                quoted(refusal)
            ),
            if is_http {
                "save the flow and turn it on again if its trigger was changed, or correct `workflow-id`".to_owned()
            } else {
                format!(
                    "the service decides which kinds have a URL, and {kind} has none: bind a flow that starts `When an HTTP request is received`"
                )
            },
        ),
        Some(Callback::NotOwner(refusal)) => reason(
            Code::FlowNotOwned,
            format!(
                "the signed-in user neither owns nor co-owns the flow `{name}` ({})",
                quoted(refusal)
            ),
            "share the flow with the signed-in user as a co-owner, or sign in as one of its owners",
        ),
        Some(Callback::EnvironmentDenied(refusal)) => reason(
            Code::EnvironmentDenied,
            format!(
                "the Flow service denies the signed-in user access to this environment ({})",
                quoted(refusal)
            ),
            "give the signed-in user a role in the environment, or correct `environment-id`",
        ),
    }
}

/// Quotes the service's sentence, with its code.
fn quoted(error: &ServiceError) -> String {
    let id = error.request_id.as_ref().map(|id| format!("; request {id}")).unwrap_or_default();
    format!("{}: {}{id}", error.code, error.message.trim_end_matches('.'))
}

/// Returns the URL if its scheme, spelling and host can be trusted: callers will send their data
/// to it.
fn trusted<'run>(
    url: &'run CallbackUrl,
    name: &str,
    cloud: &Cloud,
) -> Result<&'run CallbackUrl, Reason> {
    let host = printable_text(&url.view().host);
    if !url.is_https() {
        return reason(
            Code::CallbackNotHttps,
            format!(
                "the URL that the Flow service returned for the flow `{name}` is not https (host `{host}`)"
            ),
            "nothing was written; find out what answers instead of the Flow service, such as a proxy",
        );
    }
    if !url.is_unambiguous() {
        return reason(
            Code::CallbackAmbiguous,
            format!(
                "different programs would read different hosts from the URL that the Flow service returned for the flow `{name}` (host `{host}`)"
            ),
            "nothing was written; find out what answers instead of the Flow service, such as a proxy",
        );
    }
    if !cloud.serves_callbacks(&url.view().host) {
        return reason(
            Code::CallbackHostUnknown,
            format!(
                "the URL that the Flow service returned for the flow `{name}` leads to `{host}`, which is not one of this cloud's Flow services"
            ),
            "nothing was written; check `cloud`, or add a new host with a clouds file",
        );
    }
    Ok(url)
}

/// Returns the URL, if the policy lets it be written.
fn permitted<'run>(
    draft: &mut PlanBuilder<'_>,
    flow: &Flow,
    name: &str,
    url: &'run CallbackUrl,
) -> Result<&'run CallbackUrl, Reason> {
    let policy = draft.desired.signed_urls;
    if url.view().kind == UrlAccess::Authenticated || policy == SignedUrls::Allow {
        return Ok(url);
    }
    let message = format!(
        "the URL of the flow `{name}` is signed: whoever can read the target can run the flow"
    );
    let hint = "let the trigger accept only users of the tenant, or write `signed-urls = \"allow\"` under `[policy]`";
    if policy == SignedUrls::Refuse {
        return reason(Code::SignedUrl, message, hint);
    }
    draft.parts.warnings.push(problem(flow, (Code::SignedUrl, message, hint.to_owned())));
    Ok(url)
}

/// Warns of a URL of the generation that Microsoft announced the end of.
fn warn_of_old_generation(draft: &mut PlanBuilder<'_>, flow: &Flow, name: &str, url: &CallbackUrl) {
    if url.view().host.ends_with(".logic.azure.com") {
        let message = format!(
            "the URL of the flow `{name}` is on `logic.azure.com`, which Microsoft retires"
        );
        let hint = "leave the flow as it is: the trigger card in the designer shows the new URL; run again once the Flow service returns it, and replace every copy of the old one"
            .to_owned();
        draft.parts.warnings.push(problem(flow, (Code::OldGenerationUrl, message, hint)));
    }
}

/// Warns of a URL that only its id ties to the flow.
fn warn_of_unconfirmed(draft: &mut PlanBuilder<'_>, flow: &Flow, name: &str, seen: &ObservedFlow) {
    if let Some(Callback::Unconfirmed(_)) = seen.callback {
        let message =
            format!("the Flow service does not say whether the URL is that of the flow `{name}`");
        let hint = "turn the flow off and on so that it gets its own id in the Flow service, and run again"
            .to_owned();
        draft.parts.warnings.push(problem(flow, (Code::CallbackUnconfirmed, message, hint)));
    }
}

/// Formats a text of a service or of the manifest so that it is safe to print.
fn printable_text(text: &str) -> impl fmt::Display {
    fmt::from_fn(move |formatter| formatter.write_str(&printable(text, 120)))
}

fn wanted(flow: &Flow) -> impl fmt::Display {
    printable_text(flow.trigger.as_ref().map_or("", |name| name.as_str()))
}

fn listed(names: &[impl fmt::Display]) -> String {
    let quoted: Vec<String> =
        names.iter().map(|name| format!("`{}`", printable_text(&name.to_string()))).collect();
    quoted.join(", ")
}

/// Describes a category of the table `workflow`.
fn category(number: i64) -> String {
    match number {
        0 => "a classic workflow".to_owned(),
        1 => "a dialog".to_owned(),
        2 => "a business rule".to_owned(),
        3 => "an action".to_owned(),
        4 => "a business process flow".to_owned(),
        6 => "a desktop flow".to_owned(),
        7 => "an AI flow".to_owned(),
        other => format!("a process of category {other}"),
    }
}
