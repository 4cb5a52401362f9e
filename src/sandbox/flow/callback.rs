//! `listCallbackUrl`.

use http::StatusCode;
use serde_json::{Value, json};

use super::super::message::{Answer, Call};
use super::super::site::Site;
use super::super::state::Database;
use super::super::tenant::flows::AddressKind;
use super::super::tenant::switches::{CallbackAnswer, MissingTrigger, StoppedFlow};
use super::definition::Trigger;
use super::fault::Fault;
use super::lookup::Known;
use super::{address, success};

/// Answers the address of a trigger. A body is neither needed nor read.
pub(super) fn answer(
    site: &Site,
    database: &Database,
    call: &Call,
    flow: &Known<'_>,
    name: &str,
) -> Result<Answer, Fault> {
    let triggers = flow.triggers(site);
    let trigger = triggers
        .iter()
        .find(|trigger| trigger.name == name)
        .ok_or_else(|| missing_trigger(site, flow, name))?;
    if !trigger.has_address(site) {
        return Err(Fault::blocked(&trigger.family));
    }
    check_state(site, flow, trigger)?;
    Ok(success(&body(site, database, call, flow, trigger)))
}

/// Tells that a flow has no such trigger, as the service behind the Flow API does.
pub(super) fn missing_trigger(site: &Site, flow: &Known<'_>, name: &str) -> Fault {
    let plain = no_trigger(flow, name);
    match site.tenant.file.switches.flow.missing_trigger {
        MissingTrigger::Wrapped => plain.wrapped(),
        MissingTrigger::Plain => plain,
    }
}

fn no_trigger(flow: &Known<'_>, name: &str) -> Fault {
    let message = format!("The workflow '{}' trigger '{name}' could not be found.", flow.name());
    Fault::new(StatusCode::NOT_FOUND, "WorkflowTriggerNotFound", message)
}

/// Refuses a flow that is off. What was never on has no address at all.
fn check_state(site: &Site, flow: &Known<'_>, trigger: &Trigger) -> Result<(), Fault> {
    if flow.is_on() {
        return Ok(());
    }
    match site.tenant.file.switches.flow.stopped_flow {
        StoppedFlow::Answered if !flow.is_new() => Ok(()),
        StoppedFlow::Answered | StoppedFlow::TriggerNotFound => {
            Err(no_trigger(flow, &trigger.name).wrapped())
        }
        StoppedFlow::ResourceNotFound => {
            let message = format!("The workflow '{}' could not be found.", flow.name());
            Err(Fault::new(StatusCode::NOT_FOUND, "ResourceNotFound", message).wrapped())
        }
        StoppedFlow::OperationBlocked => Err(Fault::blocked(&trigger.family)),
    }
}

fn body(
    site: &Site,
    database: &Database,
    call: &Call,
    flow: &Known<'_>,
    trigger: &Trigger,
) -> Value {
    let old = call
        .parameter("showDeprecatedCallbackUrl")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let own = site
        .tenant
        .file
        .flows
        .iter()
        .find(|file| file.workflow_id == flow.id)
        .map(|file| file.address);
    let kind = if old { AddressKind::Classic } else { own.unwrap_or_default() };
    let address = address::of(site, database, flow.id, trigger, kind);
    let mut response = json!({
        "value": address.value(),
        "method": trigger.method,
        "basePath": address.base_path(),
        "queries": address.queries(),
    });
    if let (Some(path), Some(response)) = (&trigger.relative_path, response.as_object_mut()) {
        response.insert("relativePath".to_owned(), json!(path));
        response.insert("relativePathParameters".to_owned(), json!(parameters(path)));
    }
    match site.tenant.file.switches.flow.callback_answer {
        CallbackAnswer::Wrapped => json!({"response": response, "httpStatusCode": "OK"}),
        CallbackAnswer::Bare => response,
    }
}

/// Lists the names in braces.
fn parameters(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}
