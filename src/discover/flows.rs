//! Finds the flows and asks for their callback URLs.

use std::cell::Cell;
use std::collections::BTreeMap;

use tokio::sync::OnceCell;

use super::concurrent::{AT_ONCE, all_of};
use super::error::DiscoverError;
use super::reader::CallbackUrlAnswer;
use super::reader::Reader;
use crate::discover::flow_endpoints::FlowEndpoints;
use crate::http::TransportError;
use crate::model::{
    Callback, CallbackUrl, Definition, Desired, EnvironmentId, Event, Flow, FlowState, Listener,
    ObservedFlow, ReadResult, Reading, ServiceError, Suspension, Trigger, TriggerName, Workflow,
    WorkflowId,
};
use crate::services::ApiError;
use crate::services::dataverse::{FlowDefinition, MOST_WORKFLOWS, WorkflowRow};
use crate::services::flow::FlowApi;

/// The flows by their ids.
pub(super) type Workflows = BTreeMap<WorkflowId, Reading<Workflow>>;

/// The answer to a request for a URL, and the id of that request if the answer has a URL.
type CallbackWithId = (Callback, Option<String>);

/// At most this many chunks of flows are read at once, each until all its URLs are read: enough to
/// keep the Flow service busy, while the remaining flows take no memory.
const CHUNKS_AT_ONCE: usize = 8;

/// The flows of an environment, and the endpoint that serves it.
pub(super) struct FoundFlows {
    /// The environment's id in the Flow service.
    pub(super) id: EnvironmentId,
    /// The flows, in the manifest's order.
    pub(super) flows: Vec<ObservedFlow>,
    /// The endpoint that served the environment.
    pub(super) flow_api: Option<FlowApi>,
}

/// Reads the environment's id, the flows and their URLs; the flows in the manifest's order.
pub(super) async fn observe(
    reader: &Reader<'_>,
    desired: &Desired,
    known_id: Option<EnvironmentId>,
    listener: &dyn Listener,
) -> Result<FoundFlows, DiscoverError> {
    let search = Search {
        reader,
        entries: entries(desired),
        known_id,
        service: OnceCell::new(),
        done: Cell::new(0),
        total: desired.flows.len(),
        listener,
    };
    reader.open_flows_early();
    let ids: Vec<WorkflowId> = search.entries.keys().copied().collect();
    let chunks = ids.chunks(MOST_WORKFLOWS).map(|ids| search.chunk(ids));
    let (_, flows) = tokio::try_join!(search.service(), all_of(chunks, CHUNKS_AT_ONCE))?;
    let FlowService { id, ways } = search.service().await?;
    if let Some(api) = ways.fallback_in_use() {
        listener.on_event(Event::FlowApiElsewhere { host: api.host() });
    }
    let flows: BTreeMap<usize, ObservedFlow> = flows.into_iter().flatten().collect();
    let flows = flows.into_values().collect();
    Ok(FoundFlows { id: id.clone(), flows, flow_api: ways.current() })
}

/// The flows of the manifest by their ids, each with its place there.
type Entries<'run> = BTreeMap<WorkflowId, Vec<(usize, &'run Flow)>>;

fn entries(desired: &Desired) -> Entries<'_> {
    let mut entries = Entries::new();
    for (place, flow) in desired.flows.iter().enumerate() {
        entries.entry(flow.workflow_id).or_default().push((place, flow));
    }
    entries
}

/// The search for flows and their URLs. The environment's id and the token are requested once,
/// while the flows are read; the URLs of a chunk of flows follow as soon as both are there.
struct Search<'run> {
    reader: &'run Reader<'run>,
    entries: Entries<'run>,
    known_id: Option<EnvironmentId>,
    service: OnceCell<FlowService>,
    done: Cell<usize>,
    total: usize,
    listener: &'run dyn Listener,
}

/// The environment's id in the Flow service, and the endpoints that may serve it.
struct FlowService {
    id: EnvironmentId,
    ways: FlowEndpoints,
}

impl Search<'_> {
    /// Returns the environment's id and endpoints in the Flow service. Only the first call reads
    /// them.
    async fn service(&self) -> Result<&FlowService, DiscoverError> {
        let find = async || {
            let signing_in = self.reader.sign_in_to_flows();
            let (id, ()) = tokio::try_join!(self.environment_id(), signing_in)?;
            let ways = self.reader.flow_ways(&id);
            Ok(FlowService { id, ways })
        };
        self.service.get_or_try_init(find).await
    }

    async fn environment_id(&self) -> Result<EnvironmentId, DiscoverError> {
        match &self.known_id {
            Some(id) => Ok(id.clone()),
            None => self.reader.environment_id().await,
        }
    }

    /// Reads some flows and then their URLs, each flow with its place in the manifest.
    async fn chunk(&self, ids: &[WorkflowId]) -> Result<Vec<(usize, ObservedFlow)>, DiscoverError> {
        let workflows = read_chunk(self.reader, ids).await?;
        let entries = ids.iter().filter_map(|id| self.entries.get(id)).flatten();
        let flows = entries.map(|(place, flow)| self.flow(*place, flow, &workflows));
        all_of(flows, AT_ONCE).await
    }

    /// Reads the URL of one of these flows.
    async fn flow(
        &self,
        place: usize,
        flow: &Flow,
        workflows: &Workflows,
    ) -> Result<(usize, ObservedFlow), DiscoverError> {
        let workflow = workflows.get(&flow.workflow_id).cloned().unwrap_or(Reading::Absent);
        let ways = &self.service().await?.ways;
        let asked = callback(self.reader, ways, flow, &workflow).await?;
        self.report_flow_read();
        let (callback, request_id) = asked.unzip();
        let request_id = request_id.flatten();
        Ok((place, ObservedFlow { workflow, callback, request_id }))
    }

    fn report_flow_read(&self) {
        self.done.set(self.done.get() + 1);
        self.listener.on_event(Event::FlowRead { done: self.done.get(), total: self.total });
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
    let chunks = ids.chunks(MOST_WORKFLOWS).map(|ids| read_chunk(reader, ids));
    Ok(all_of(chunks, AT_ONCE).await?.into_iter().flatten().collect())
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

/// Returns the flows of one read by their ids, or the refusal for each of `ids`.
fn by_id(ids: &[WorkflowId], rows: ReadResult<Vec<WorkflowRow>>) -> Workflows {
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

/// Returns the triggers of a definition, except those whose key is not a valid name: their URL
/// cannot be requested.
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

/// Asks for a flow's URL, if the flow is found, is on and has the HTTP trigger. If the flow is off,
/// asks why.
async fn callback(
    reader: &Reader<'_>,
    ways: &FlowEndpoints,
    flow: &Flow,
    workflow: &Reading<Workflow>,
) -> Result<Option<CallbackWithId>, DiscoverError> {
    let Reading::Found(workflow) = workflow else { return Ok(None) };
    let trigger = workflow.definition.http_trigger(flow.trigger.as_ref());
    match trigger {
        Ok(trigger) if workflow.is_on() => {
            ask_by_id(reader, ways, flow.workflow_id, workflow, &trigger.name).await.map(Some)
        }
        Ok(_) if workflow.is_stopped() => {
            let stopped = suspension(reader, ways, flow.workflow_id, workflow).await?;
            Ok(stopped.map(|stopped| (Callback::Stopped(stopped), None)))
        }
        _ => Ok(None),
    }
}

/// Asks why the Flow service stopped a flow: by the resource id, else by the workflow id.
async fn suspension(
    reader: &Reader<'_>,
    ways: &FlowEndpoints,
    workflow_id: WorkflowId,
    workflow: &Workflow,
) -> Result<Option<Suspension>, DiscoverError> {
    match workflow.resource_id {
        Some(resource_id) => reader.suspension(ways, &resource_id).await,
        None => reader.suspension(ways, &workflow_id).await,
    }
}

/// Asks for the URL by the resource id. If there is none or the service does not know it, asks by
/// the workflow id, and then confirms that it belongs to this flow.
async fn ask_by_id(
    reader: &Reader<'_>,
    ways: &FlowEndpoints,
    workflow_id: WorkflowId,
    workflow: &Workflow,
    trigger: &TriggerName,
) -> Result<CallbackWithId, DiscoverError> {
    if let Some(resource_id) = workflow.resource_id {
        let answer = reader.callback_url(ways, &resource_id, trigger).await?;
        // To others than administrators an unknown id looks like a flow of somebody else's.
        let unknown = |error: &ServiceError| error.is_unknown_flow() || error.is_not_flow_owner();
        if !answer.as_ref().is_err_and(unknown)
            || resource_id.to_string() == workflow_id.to_string()
        {
            return callback_from_answer(answer);
        }
    }
    match reader.callback_url(ways, &workflow_id, trigger).await? {
        Ok(CallbackUrlAnswer { url: Some(url), request_id }) => {
            Ok((confirm_flow(reader, ways, workflow_id, url).await?, request_id))
        }
        answer => callback_from_answer(answer),
    }
}

/// Confirms with the service that a URL belongs to that flow, and returns what it found.
async fn confirm_flow(
    reader: &Reader<'_>,
    ways: &FlowEndpoints,
    workflow_id: WorkflowId,
    url: CallbackUrl,
) -> Result<Callback, DiscoverError> {
    match reader.workflow_id(ways, &workflow_id).await? {
        Some(same) if same == workflow_id => Ok(Callback::Url(url)),
        Some(other) => Ok(Callback::OtherFlow(other)),
        None => Ok(Callback::Unconfirmed(url)),
    }
}

/// Turns the answer to a request for a URL into what a plan needs.
fn callback_from_answer(
    answer: Result<CallbackUrlAnswer, ServiceError>,
) -> Result<CallbackWithId, DiscoverError> {
    match answer {
        Ok(CallbackUrlAnswer { url, request_id }) => {
            Ok((url.map_or(Callback::Malformed, Callback::Url), request_id))
        }
        Err(error) => Ok((refused_callback(error)?, None)),
    }
}

/// Turns a refusal into what a plan needs. Returns the error if no plan can be made from it.
fn refused_callback(error: ServiceError) -> Result<Callback, ApiError> {
    if error.is_unknown_trigger() {
        Ok(Callback::UnknownTrigger(error))
    } else if error.is_unknown_flow() {
        Ok(Callback::UnknownFlow(error))
    } else if error.is_not_flow_owner() {
        Ok(Callback::NotOwner(error))
    } else if error.is_not_http_trigger() {
        Ok(Callback::NotHttp(error))
    } else if error.is_environment_denied() {
        Ok(Callback::EnvironmentDenied(error))
    } else {
        Err(ApiError::Refused(error))
    }
}
