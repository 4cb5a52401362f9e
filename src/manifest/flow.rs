//! The flows of a manifest, as far as they could be read.

use super::fields::{FieldResult, Fields, parse_as};
use super::schema::{FLOW, REMOVED, TARGET};
use super::show::without_secrets;
use super::target;
use crate::model::{
    Binding, Code, Flow, FlowIndex, ManifestPosition, Target, TriggerName, is_hidden,
};

/// The most characters of a flow's name; Dataverse itself stores 100.
const MOST_NAME_CHARACTERS: usize = 200;

/// The hint for a manifest without a flow.
const FLOW_HINT: &str =
    "write `[[flow]]`, and below it the flow's `workflow-id` and a `[[flow.target]]`";

/// A flow with its targets. Wrong parts are left out, so that the rest can be checked.
pub(super) struct PartialFlow {
    /// The flow.
    pub(super) flow: FieldResult<Flow>,
    /// The targets of its URL, each with its place in the manifest.
    pub(super) targets: Vec<(Target, ManifestPosition)>,
}

/// Reads every flow, those of `[[removed]]` last.
pub(super) fn read(root: &Fields<'_>) -> Vec<PartialFlow> {
    let flows = root.list("flow", &FLOW);
    if flows.as_ref().is_ok_and(Vec::is_empty) {
        let message = "the manifest has no flow";
        root.add(root.key_offset("flow"), Code::FlowNone, message, FLOW_HINT);
    }
    let removed = root.list("removed", &REMOVED).unwrap_or_default();
    let flows = flows.unwrap_or_default();
    let flows = flows.iter().map(|fields| read_partial_flow(fields, false));
    flows.chain(removed.iter().map(|fields| read_partial_flow(fields, true))).collect()
}

/// Reads one flow.
fn read_partial_flow(fields: &Fields<'_>, removed: bool) -> PartialFlow {
    PartialFlow { flow: flow(fields, removed), targets: targets(fields) }
}

/// Reads the keys that identify the flow and its trigger.
fn flow(fields: &Fields<'_>, removed: bool) -> FieldResult<Flow> {
    let name = fields.optional("name", label);
    let workflow_id = fields.required("workflow-id", parse_as);
    let trigger = fields.optional("trigger", trigger);
    Ok(Flow {
        name: name?,
        workflow_id: workflow_id?,
        trigger: trigger?,
        site: fields.site("workflow-id"),
        removed,
    })
}

/// Reads the targets to which the flow's URL is written.
fn targets(fields: &Fields<'_>) -> Vec<(Target, ManifestPosition)> {
    if fields.value("target").is_some_and(|value| value.get_ref().is_str()) {
        return variable(fields).into_iter().collect();
    }
    let targets = fields.list("target", &TARGET);
    if targets.as_ref().is_ok_and(Vec::is_empty) {
        let place = fields.key_offset("target");
        let message = "this flow has no target: its URL would be written nowhere";
        fields.add(place, Code::TargetNone, message, FLOW.help("target"));
    }
    let targets = targets.unwrap_or_default();
    targets.iter().flat_map(target::read).collect()
}

/// Reads the short form of a target: the schema name of an environment variable.
fn variable(fields: &Fields<'_>) -> FieldResult<(Target, ManifestPosition)> {
    let schema_name = fields.required("target", parse_as)?;
    Ok((Target::Variable { schema_name, pointer: None }, fields.site("target")))
}

/// Returns true if a manifest can use the text as the name of a flow.
pub fn can_name_flow(text: &str) -> bool {
    label(text).is_ok()
}

/// Checks a name that reports will print.
fn label(text: &str) -> Result<String, String> {
    match text.chars().count() {
        0 => Err("is empty".into()),
        count if count > MOST_NAME_CHARACTERS => {
            Err(format!("is longer than {MOST_NAME_CHARACTERS} characters"))
        }
        _ => check_safe_text(text).map(|()| text.to_owned()),
    }
}

/// Checks a trigger's key.
fn trigger(text: &str) -> Result<TriggerName, String> {
    let name = parse_as(text)?;
    check_safe_text(text).map(|()| name)
}

/// Checks that a text has no invisible characters and no secrets.
fn check_safe_text(text: &str) -> Result<(), String> {
    match text.chars().find(|character| is_hidden(*character)) {
        Some(character) => {
            Err(format!("has the invisible character {}", character.escape_unicode()))
        }
        None => without_secrets(text),
    }
}

/// Returns the flows and bindings of the drafts that have no errors.
pub(super) fn complete_flows(drafts: Vec<PartialFlow>) -> (Vec<Flow>, Vec<Binding>) {
    let (mut flows, mut bindings) = (Vec::new(), Vec::new());
    for draft in drafts {
        let Ok(found) = draft.flow else { continue };
        let flow = FlowIndex(flows.len());
        flows.push(found);
        let targets = draft.targets.into_iter();
        bindings.extend(targets.map(|(target, site)| Binding { flow, target, site }));
    }
    (flows, bindings)
}
