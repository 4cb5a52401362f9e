//! Finds every flow of an environment that others can start by a URL.

use super::error::DiscoverError;
use super::flows::workflows;
use super::reader::Reader;
use crate::model::{Desired, Flow, ManifestPosition, ReadResult, Reading, Workflow, WorkflowId};

/// A placeholder for the place in a manifest: these flows come from no manifest.
const NOWHERE: ManifestPosition = ManifestPosition { line: 1, column: 1 };

/// Reads the HTTP triggers of all flows that are on, as manifest entries. An entry names its
/// trigger only if the flow has several.
///
/// # Errors
/// Returns the first error that leaves the flows unknown.
pub(crate) async fn http_flows(reader: &Reader<'_>) -> Result<ReadResult<Desired>, DiscoverError> {
    let rows = match reader.cloud_flows().await? {
        Ok(rows) => rows,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let all = rows.iter().map(|row| flow(row.workflowid)).collect();
    let all = Desired { flows: all, ..Desired::default() };
    let mut flows = Vec::new();
    for (id, reading) in workflows(reader, &all).await? {
        match reading {
            Reading::Found(workflow) => flows.extend(triggers(id, &workflow)),
            Reading::Absent => {}
            Reading::Refused(refusal) => return Ok(Err(refusal)),
        }
    }
    Ok(Ok(Desired { flows, ..Desired::default() }))
}

/// Returns the HTTP triggers of one flow as manifest entries.
fn triggers(id: WorkflowId, workflow: &Workflow) -> Vec<Flow> {
    let http = workflow.definition.triggers_with_urls();
    let names: Vec<_> = http.into_iter().map(|trigger| trigger.name.clone()).collect();
    match names.as_slice() {
        [_] => vec![flow(id)],
        _ => names.into_iter().map(|name| Flow { trigger: Some(name), ..flow(id) }).collect(),
    }
}

fn flow(workflow_id: WorkflowId) -> Flow {
    Flow { name: None, workflow_id, trigger: None, site: NOWHERE, removed: false }
}
