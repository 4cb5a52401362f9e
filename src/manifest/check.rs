//! Checks all flows together, with a table of small checks.

use std::collections::BTreeMap;

use super::findings::Findings;
use super::flow::PartialFlow;
use super::show::quoted;
use crate::model::{Code, Flow, ManifestPosition, Problem, SchemaName, Target, WorkflowId};

/// A check that reads all flows and reports conflicts between them.
type Check = fn(&[PartialFlow], &Findings<'_>);

/// Every check.
const CHECKS: &[Check] =
    &[same_flow_twice, flow_with_and_without_trigger, same_address_twice, pointers_that_overlap];

/// Runs every check.
pub(super) fn run_checks(drafts: &[PartialFlow], findings: &Findings<'_>) {
    for check in CHECKS {
        check(drafts, findings);
    }
}

/// Reports every flow that is listed twice with the same trigger: their targets belong under one
/// flow.
fn same_flow_twice(drafts: &[PartialFlow], findings: &Findings<'_>) {
    let mut first = BTreeMap::new();
    for flow in flows(drafts) {
        let same = (flow.workflow_id, &flow.trigger, flow.removed);
        let site = *first.entry(same).or_insert(flow.site);
        if site == flow.site {
            continue;
        }
        findings.push(Problem {
            code: Code::FlowDuplicate,
            address: Some(flow.workflow_id.to_string()),
            message: format!("this flow and trigger already appear on line {}", site.line),
            hint: "move its targets under the first `[[flow]]`, and remove this one".into(),
            site: Some(flow.site),
        });
    }
}

/// Reports every flow that is listed once with a trigger and once without: until the flow has been
/// read, the two may be the same.
fn flow_with_and_without_trigger(drafts: &[PartialFlow], findings: &Findings<'_>) {
    let mut groups: BTreeMap<WorkflowId, Vec<&Flow>> = BTreeMap::new();
    for flow in flows(drafts).filter(|flow| !flow.removed) {
        groups.entry(flow.workflow_id).or_default().push(flow);
    }
    for group in groups.values() {
        let without = group.iter().find(|flow| flow.trigger.is_none());
        let with = group.iter().find(|flow| flow.trigger.is_some());
        if let (Some(without), Some(with)) = (without, with) {
            findings.push(ambiguous_trigger(without, with));
        }
    }
}

/// Builds the problem of a flow without a trigger that is also listed with one.
fn ambiguous_trigger(without: &Flow, with: &Flow) -> Problem {
    let trigger = with.trigger.as_ref().map_or("", |trigger| trigger.as_str());
    Problem {
        code: Code::FlowDuplicate,
        address: Some(without.workflow_id.to_string()),
        message: format!(
            "this flow is here without `trigger`, and on line {} with the trigger {}: \
             they may be the same",
            with.site.line,
            quoted(trigger)
        ),
        hint: "write `trigger` here too, or move the targets under one `[[flow]]`".into(),
        site: Some(without.site),
    }
}

/// Reports every place that gets two URLs.
fn same_address_twice(drafts: &[PartialFlow], findings: &Findings<'_>) {
    let mut first = BTreeMap::new();
    for (target, site) in targets(drafts) {
        let before = *first.entry(target.identity()).or_insert(*site);
        if before != *site {
            findings.push(duplicate_target(target, *site, before));
        }
    }
}

/// Builds the problem of a target that already has a URL.
fn duplicate_target(target: &Target, site: ManifestPosition, before: ManifestPosition) -> Problem {
    let address = target.address();
    Problem {
        code: Code::TargetDuplicate,
        message: format!(
            "{} already appears on line {}, and a target holds only one URL",
            quoted(&address),
            before.line
        ),
        hint: "remove one of the two targets; names and key texts are compared without case".into(),
        address: Some(address),
        site: Some(site),
    }
}

/// The members of one variable that are bound, outermost first; the whole value has no token.
type Members<'d> = BTreeMap<&'d [String], (&'d Target, ManifestPosition)>;

/// Reports every URL that lies inside a JSON value that another URL replaces.
fn pointers_that_overlap(drafts: &[PartialFlow], findings: &Findings<'_>) {
    let mut variables: BTreeMap<&SchemaName, Members<'_>> = BTreeMap::new();
    for (target, site) in targets(drafts) {
        if let Target::Variable { schema_name, pointer } = target {
            let tokens = pointer.as_ref().map_or(&[][..], |pointer| pointer.tokens());
            let members = variables.entry(schema_name).or_default();
            members.entry(tokens).or_insert((target, *site));
        }
    }
    for members in variables.values() {
        overlaps_within(members, findings);
    }
}

/// Reports each member that lies inside another. In the order of their tokens, what lies inside a
/// member comes right after it.
fn overlaps_within(members: &Members<'_>, findings: &Findings<'_>) {
    let mut outer: Vec<(&[String], ManifestPosition)> = Vec::new();
    for (tokens, (target, site)) in members {
        while outer.last().is_some_and(|(outer, _)| !tokens.starts_with(outer)) {
            outer.pop();
        }
        if let Some((_, outer)) = outer.last() {
            findings.push(overlapping_pointer(target, *site, *outer));
        }
        outer.push((tokens, *site));
    }
}

/// Builds the problem of a member that lies inside another.
fn overlapping_pointer(
    target: &Target,
    site: ManifestPosition,
    outer: ManifestPosition,
) -> Problem {
    let address = target.address();
    Problem {
        code: Code::PointerOverlap,
        message: format!(
            "{} is inside the member that line {} replaces with a URL",
            quoted(&address),
            outer.line
        ),
        hint: "point to members that do not contain each other, or use two variables".into(),
        address: Some(address),
        site: Some(site),
    }
}

/// Returns the flows that could be read.
fn flows(drafts: &[PartialFlow]) -> impl Iterator<Item = &Flow> {
    drafts.iter().filter_map(|draft| draft.flow.as_ref().ok())
}

/// Returns the targets that could be read.
fn targets(drafts: &[PartialFlow]) -> impl Iterator<Item = &(Target, ManifestPosition)> {
    drafts.iter().flat_map(|draft| &draft.targets)
}
