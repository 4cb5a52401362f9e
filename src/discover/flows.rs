//! Finds the flows and asks for their callback URLs.

use std::cell::Cell;
use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::reader::Told;
use super::ways::Ways;
use super::{DiscoverError, Reader};
use crate::api::dataverse::{FlowDefinition, MOST_WORKFLOWS, WorkflowRow};
use crate::api::flow::{CallbackFault, FlowApi};
use crate::api::{ApiError, Fault};
use crate::domain::{CallbackUrl, EnvironmentId, TriggerName, WorkflowId};
use crate::event::{Event, Listener};
use crate::http::TransportError;
use crate::state::{
    Callback, Definition, Desired, Flow, FlowState, ObservedFlow, Reading, Seen, Trigger, Workflow,
};

/// The flows by their ids.
pub(super) type Workflows = BTreeMap<WorkflowId, Reading<Workflow>>;

/// What came of asking for a URL, and the id of the request that a URL came by.
type Asked = (Callback, Option<String>);

/// What there is to know of the flows.
pub(super) struct Found {
    /// The id that the Flow service knows the environment by.
    pub(super) id: EnvironmentId,
    /// The flows, in the manifest's order.
    pub(super) flows: Vec<ObservedFlow>,
    /// The way by which the Flow service served the environment.
    pub(super) flow_api: Option<FlowApi>,
}

/// Reads the environment's id, the flows and their URLs; the flows in the manifest's order.
pub(super) async fn observe(
    reader: &Reader<'_>,
    desired: &Desired,
    known_id: Option<EnvironmentId>,
    listener: &dyn Listener,
) -> Result<Found, DiscoverError> {
    let id = environment_id(reader, known_id);
    let (id, workflows) = tokio::try_join!(id, workflows(reader, desired))?;
    let ways = reader.flow_ways(&id);
    let done = Cell::new(0);
    let flows = desired.flows.iter().map(async |flow| {
        let workflow = workflows.get(&flow.workflow_id).cloned().unwrap_or(Reading::Absent);
        let (callback, request_id) = callback(reader, &ways, flow, &workflow).await?.unzip();
        done.set(done.get() + 1);
        listener.tell(Event::FlowRead { done: done.get(), total: desired.flows.len() });
        let request_id = request_id.flatten();
        Ok::<_, DiscoverError>(ObservedFlow { workflow, callback, request_id })
    });
    let flows = try_join_all(flows).await?;
    if let Some(api) = ways.moved_to() {
        listener.tell(Event::FlowApiElsewhere { host: api.host() });
    }
    Ok(Found { id, flows, flow_api: ways.current() })
}

async fn environment_id(
    reader: &Reader<'_>,
    known: Option<EnvironmentId>,
) -> Result<EnvironmentId, DiscoverError> {
    match known {
        Some(id) => Ok(id),
        None => reader.environment_id().await,
    }
}

/// Reads the flows, each once however often the manifest names it.
pub(super) async fn workflows(
    reader: &Reader<'_>,
    desired: &Desired,
) -> Result<Workflows, DiscoverError> {
    let mut ids: Vec<WorkflowId> = desired.flows.iter().map(|flow| flow.workflow_id).collect();
    ids.sort();
    ids.dedup();
    let chunks = ids.chunks(MOST_WORKFLOWS).map(async |ids| read_chunk(reader, ids).await);
    Ok(try_join_all(chunks).await?.into_iter().flatten().collect())
}

/// Reads some flows at once; in halves if their definitions are too large for one answer.
async fn read_chunk(reader: &Reader<'_>, ids: &[WorkflowId]) -> Result<Workflows, DiscoverError> {
    match reader.workflows(ids).await {
        Err(DiscoverError::Transport(TransportError::TooLarge { .. })) if ids.len() > 1 => {
            let (first, second) = ids.split_at(ids.len() / 2);
            let halves =
                (Box::pin(read_chunk(reader, first)), Box::pin(read_chunk(reader, second)));
            let (mut first, second) = tokio::try_join!(halves.0, halves.1)?;
            first.extend(second);
            Ok(first)
        }
        rows => Ok(by_id(ids, rows?)),
    }
}

/// What one read found of those flows.
fn by_id(ids: &[WorkflowId], rows: Seen<Vec<WorkflowRow>>) -> Workflows {
    match rows {
        Err(refusal) => ids.iter().map(|id| (*id, Reading::Refused(refusal.clone()))).collect(),
        Ok(rows) => {
            rows.into_iter().map(|row| (row.workflowid, Reading::Found(workflow(row)))).collect()
        }
    }
}

fn workflow(row: WorkflowRow) -> Workflow {
    Workflow {
        name: row.name.unwrap_or_default(),
        category: row.category,
        state: match row.statecode {
            0 => FlowState::Draft,
            1 => FlowState::Activated,
            2 => FlowState::Suspended,
            other => FlowState::Other(other),
        },
        resource_id: row.resourceid,
        definition: definition(row.clientdata),
    }
}

/// The triggers of a definition; one whose key is no usable name cannot be asked for its URL.
fn definition(definition: FlowDefinition) -> Definition {
    let triggers = match definition {
        FlowDefinition::Triggers(triggers) => triggers,
        FlowDefinition::Unreadable(why) => return Definition::Unreadable(why),
    };
    let triggers = triggers.into_iter().filter_map(|(name, trigger)| {
        let name = name.parse().ok()?;
        Some(Trigger { name, trigger_type: trigger.trigger_type, kind: trigger.kind })
    });
    Definition::Triggers(triggers.collect())
}

/// Asks for a flow's URL, if its row leaves something to ask.
async fn callback(
    reader: &Reader<'_>,
    ways: &Ways,
    flow: &Flow,
    workflow: &Reading<Workflow>,
) -> Result<Option<Asked>, DiscoverError> {
    let Reading::Found(workflow) = workflow else { return Ok(None) };
    let trigger = workflow.definition.http_trigger(flow.trigger.as_ref());
    match trigger {
        Ok(trigger) if workflow.is_on() => {
            ask(reader, ways, flow.workflow_id, workflow, &trigger.name).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// Asks by the resource id; where there is none or the service does not know it, by the
/// workflow id, and then makes sure that the answer is about the right flow.
async fn ask(
    reader: &Reader<'_>,
    ways: &Ways,
    workflow_id: WorkflowId,
    workflow: &Workflow,
    trigger: &TriggerName,
) -> Result<Asked, DiscoverError> {
    if let Some(resource_id) = workflow.resource_id {
        let answer = reader.callback_url(ways, &resource_id, trigger).await?;
        // To others than administrators an unknown id looks like a flow of somebody else's.
        let unknown = |fault: &Fault| {
            matches!(CallbackFault::of(fault), CallbackFault::UnknownFlow | CallbackFault::NotOwner)
        };
        if !answer.as_ref().is_err_and(unknown)
            || resource_id.to_string() == workflow_id.to_string()
        {
            return meaning(answer);
        }
    }
    match reader.callback_url(ways, &workflow_id, trigger).await? {
        Ok(Told { url: Some(url), request_id }) => {
            Ok((confirmed(reader, ways, workflow_id, url).await?, request_id))
        }
        answer => meaning(answer),
    }
}

/// The URL, if the service says that it belongs to that flow.
async fn confirmed(
    reader: &Reader<'_>,
    ways: &Ways,
    workflow_id: WorkflowId,
    url: CallbackUrl,
) -> Result<Callback, DiscoverError> {
    match reader.workflow_id(ways, &workflow_id).await? {
        Some(same) if same == workflow_id => Ok(Callback::Url(url)),
        Some(other) => Ok(Callback::OtherFlow(other)),
        None => Ok(Callback::Unconfirmed(url)),
    }
}

/// What the answer means for a plan.
fn meaning(answer: Result<Told, Fault>) -> Result<Asked, DiscoverError> {
    let fault = match answer {
        Ok(Told { url, request_id }) => {
            return Ok((url.map_or(Callback::Malformed, Callback::Url), request_id));
        }
        Err(fault) => fault,
    };
    let refused = match CallbackFault::of(&fault) {
        CallbackFault::UnknownFlow => Callback::UnknownFlow(fault.into()),
        CallbackFault::NotOwner => Callback::NotOwner(fault.into()),
        CallbackFault::UnknownTrigger => Callback::UnknownTrigger(fault.into()),
        CallbackFault::NotHttp => Callback::NotHttp(fault.into()),
        CallbackFault::EnvironmentDenied => Callback::EnvironmentDenied(fault.into()),
        CallbackFault::Other => return Err(ApiError::Fault(fault).into()),
    };
    Ok((refused, None))
}
