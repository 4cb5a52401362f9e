//! Finds the flows that a plan only has to wait for.

use std::collections::BTreeSet;

use super::changes::Plan;
use super::flows;
use crate::model::{Desired, Flow, Observed, ObservedFlow};

/// The flows that are not ready yet, where they are all that keeps a plan from being carried out.
#[derive(Clone, Debug)]
pub struct FlowsToWaitFor {
    /// The URLs of these flows alone, wherever they go.
    pub desired: Desired,
    /// What people call the flows, each once, in the manifest's order.
    pub names: Vec<String>,
}

/// Returns the flows that are not ready, if waiting may solve every problem of the plan. Returns
/// none if the plan has no problem, has one that stays, or has none that belongs to a flow.
pub fn flows_to_wait_for(
    plan: &Plan,
    desired: &Desired,
    observed: &Observed,
) -> Option<FlowsToWaitFor> {
    if plan.problems.is_empty() || plan.problems.iter().any(|problem| !problem.code.is_temporary())
    {
        return None;
    }
    // A flow has one problem at most, which has its place.
    let sites: BTreeSet<_> = plan.problems.iter().map(|problem| problem.site).collect();
    let pairs = desired.flows.iter().zip(&observed.flows);
    let unready: Vec<_> = pairs.filter(|(flow, _)| sites.contains(&Some(flow.site))).collect();
    let flows = unready.iter().map(|(flow, _)| (*flow).clone()).collect();
    let desired = Desired { flows, bindings: Vec::new(), ..desired.clone() };
    let names = names(&unready);
    (!names.is_empty()).then_some(FlowsToWaitFor { desired, names })
}

/// Returns the display name of each flow once, though the manifest may name a flow several times.
fn names(flows: &[(&Flow, &ObservedFlow)]) -> Vec<String> {
    let mut known = BTreeSet::new();
    let new = flows.iter().filter(|(flow, _)| known.insert(flow.workflow_id));
    new.map(|(flow, seen)| flows::name(flow, seen)).collect()
}
