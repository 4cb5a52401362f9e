//! Gathers everything that a plan needs to know. Reads only.
//!
//! Independent reads run at once: the environment's id and the token of the Flow service while the
//! flows are read, the URLs of some flows while other flows are read, and the targets during all of
//! that. The transport limits the number of concurrent requests.

mod concurrent;
mod error;
mod flow_endpoints;
mod flows;
mod inventory;
mod journal_rows;
mod known_names;
mod privileges;
pub(crate) mod probe;
mod reader;
mod rows;
mod subjects;
mod targets;

use crate::model::{Desired, EnvironmentId, Event, Listener, Observed};
use crate::services::flow::FlowApi;

pub(crate) use error::DiscoverError;
pub(crate) use inventory::http_flows;
pub(crate) use journal_rows::{environment_id, find_journal_rows};
pub(crate) use privileges::held_privileges;
pub(crate) use reader::Reader;
pub(crate) use subjects::{label_tables, subjects};
pub(crate) use targets::reread_targets;

/// An environment as it was found.
pub(crate) struct Discovery {
    /// Its id in the Flow service.
    pub environment_id: EnvironmentId,
    /// Its flows and targets.
    pub observed: Observed,
    /// The endpoint of the Flow service that served it.
    pub flow_api: Option<FlowApi>,
}

/// Reads the environment: its flows, their URLs and the targets. Requests the environment's id
/// unless `known_id` has it.
///
/// # Errors
/// Returns the first error without which no plan can be made. What a plan can name as a problem,
/// such as a flow that is not found, is not an error.
pub(crate) async fn observe(
    reader: &Reader<'_>,
    desired: &Desired,
    known_id: Option<EnvironmentId>,
    listener: &dyn Listener,
) -> Result<Discovery, DiscoverError> {
    listener.on_event(Event::Discovering {
        flows: desired.flows.len(),
        targets: desired.bindings.len(),
    });
    let flows = Box::pin(flows::observe(reader, desired, known_id, listener));
    let targets = targets::observe(reader, desired);
    let (found, mut targets) = tokio::try_join!(flows, targets)?;
    targets.known = Box::pin(known_names::read(reader, desired, &found.flows, &targets)).await;
    let observed = Observed { flows: found.flows, targets };
    Ok(Discovery { environment_id: found.id, observed, flow_api: found.flow_api })
}
