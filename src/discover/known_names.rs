//! Reads what an environment has instead of what was not found there: whose resource id a manifest
//! has in the place of a workflow id, and the names that one was meant of. A failure of these reads
//! leaves the names out: they only make a message better.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::error::DiscoverError;
use super::reader::Reader;
use crate::model::{
    Desired, KnownNames, LogicalName, ObservedFlow, ReadResult, Reading, Selector, Target, Targets,
    WorkflowId,
};
use crate::services::dataverse::{MOST_WORKFLOWS, NameRow};

/// Reads the names that help with what was not found. Sends nothing if all was found.
pub(super) async fn read(
    reader: &Reader<'_>,
    desired: &Desired,
    flows: &[ObservedFlow],
    targets: &Targets,
) -> KnownNames {
    let absent = absent_flows(desired, flows);
    let (flows_by_resource_id, variables, tables, columns) = tokio::join!(
        flows_by_resource_id(reader, &absent),
        async {
            if lacks_variable(desired, targets) {
                names(reader.variable_names().await)
            } else {
                Vec::new()
            }
        },
        async {
            if lacks_table(desired, targets) {
                names(reader.table_names().await)
            } else {
                Vec::new()
            }
        },
        columns(reader, desired, targets),
    );
    KnownNames { flows_by_resource_id, variables, tables, columns }
}

fn absent_flows(desired: &Desired, flows: &[ObservedFlow]) -> Vec<WorkflowId> {
    let pairs = desired.flows.iter().zip(flows);
    let absent = pairs.filter(|(_, seen)| matches!(seen.workflow, Reading::Absent));
    let ids: BTreeSet<WorkflowId> = absent.map(|(flow, _)| flow.workflow_id).collect();
    ids.into_iter().take(MOST_WORKFLOWS).collect()
}

async fn flows_by_resource_id(
    reader: &Reader<'_>,
    ids: &[WorkflowId],
) -> BTreeMap<WorkflowId, (WorkflowId, String)> {
    if ids.is_empty() {
        return BTreeMap::new();
    }
    let Ok(Ok(rows)) = reader.workflows_of_resources(ids).await else { return BTreeMap::new() };
    let flow = |(id, flow, name): (_, _, Option<String>)| (id, (flow, name.unwrap_or_default()));
    rows.into_iter().map(|row| flow((row.resourceid, row.workflowid, row.name))).collect()
}

fn lacks_variable(desired: &Desired, targets: &Targets) -> bool {
    let mut variables = desired.bindings.iter().filter_map(|binding| binding.target.variable());
    variables.any(|name| {
        !targets.unversioned_variables.contains(name)
            && matches!(targets.variables.get(name), None | Some(Reading::Absent))
    })
}

fn lacks_table(desired: &Desired, targets: &Targets) -> bool {
    desired.bindings.iter().any(|binding| {
        let Target::Column { record, .. } = &binding.target else { return false };
        matches!(targets.tables.get(&record.table), None | Some(Reading::Absent))
    })
}

/// Reads the columns of each table that lacks a column that a binding names.
async fn columns(
    reader: &Reader<'_>,
    desired: &Desired,
    targets: &Targets,
) -> BTreeMap<LogicalName, Vec<String>> {
    let lacking = desired.bindings.iter().filter_map(|binding| {
        let Target::Column { record, column, .. } = &binding.target else { return None };
        let Reading::Found(table) = targets.tables.get(&record.table)? else { return None };
        let in_key = |key: &Selector| match key {
            Selector::Columns(columns) => {
                columns.keys().all(|name| table.columns.contains_key(name))
            }
            Selector::Id(_) => true,
        };
        let has_all = table.columns.contains_key(column) && in_key(&record.selector);
        (!has_all).then_some(&record.table)
    });
    let lacking: BTreeSet<&LogicalName> = lacking.collect();
    let read = lacking
        .into_iter()
        .map(async |table| (table.clone(), names(reader.column_names(table).await)));
    join_all(read).await.into_iter().collect()
}

/// Returns the names that were read; none after a failure.
fn names(rows: Result<ReadResult<Vec<NameRow>>, DiscoverError>) -> Vec<String> {
    let rows = rows.ok().and_then(Result::ok).unwrap_or_default();
    rows.into_iter().map(|row| row.name).collect()
}
