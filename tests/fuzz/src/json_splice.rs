//! One member of a JSON variable is written, and every other byte stays.
//!
//! An input is a line with the pointer, and the variable's text after it.

use std::collections::BTreeMap;

use flowbind::model::{
    Binding, Callback, Definition, Desired, EntityTag, Flow, FlowIndex, FlowState, JsonPointer,
    ManifestPosition, Observed, ObservedFlow, Reading, SchemaName, SignedUrls, StoredText, Target,
    Targets, Trigger, ValueRow, Variable, VariableType, Workflow,
};
use flowbind::plan::{Action, Plan, Write, plan};
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::CLOUDS;

/// What is written.
const URL: &str = "https://x.environment.api.powerplatform.com/workflows/1?api-version=1";

const ID: &str = "00000000-0000-4000-8000-000000000001";

/// Holds for every text and pointer.
pub fn holds(bytes: &[u8]) {
    let Some((pointer, text)) = str::from_utf8(bytes).ok().and_then(|text| text.split_once('\n'))
    else {
        return;
    };
    let Ok(pointer) = pointer.parse::<JsonPointer>() else { return };
    let planned = planned(&pointer, text);
    assert_eq!(planned.changes.len() + planned.problems.len(), 1.max(planned.changes.len()));
    assert!(planned.problems.is_empty() || planned.writes().is_empty());
    let Some(Write::UpdateVariableValue { text: after, .. }) = planned.writes().first() else {
        return;
    };
    let before = if text.trim().is_empty() { "{}" } else { text };
    means_one_member_more(&pointer, before, after.expose());
    keeps_every_other_byte(&pointer, before, after.expose());
    let again = self::planned(&pointer, after.expose());
    assert!(again.is_up_to_date() && again.changes[0].action == Action::NoOp, "{again:?}");
}

/// The result is JSON and has the URL where the pointer leads.
fn means_one_member_more(pointer: &JsonPointer, before: &str, after: &str) {
    assert!(serde_json::from_str::<IgnoredAny>(before).is_ok());
    assert!(serde_json::from_str::<IgnoredAny>(after).is_ok(), "{after}");
    // A number that is too large for the general reader may stand beside the member.
    let Ok(after) = serde_json::from_str::<Value>(after) else { return };
    assert_eq!(after.pointer(&pointer.to_string()).and_then(Value::as_str), Some(URL));
}

/// The result is the text with something put in, or with one value replaced.
fn keeps_every_other_byte(pointer: &JsonPointer, before: &str, after: &str) {
    let same = |(one, other): &(u8, u8)| one == other;
    let head = before.bytes().zip(after.bytes()).take_while(same).count();
    let tail = before.bytes().rev().zip(after.bytes().rev()).take_while(same).count();
    let put_in = after.len() > before.len() && head + tail >= before.len();
    let quoted = format!("\"{URL}\"");
    let replaced = after.match_indices(&quoted).any(|(place, _)| {
        let rest = &after[place + quoted.len()..];
        let old = before.strip_prefix(&after[..place]).and_then(|text| text.strip_suffix(rest));
        old.is_some_and(|old| serde_json::from_str::<&RawValue>(old).is_ok())
    });
    assert!(put_in || replaced, "{pointer}: {after}");
}

/// The plan for a JSON variable that holds a text.
fn planned(pointer: &JsonPointer, text: &str) -> Plan {
    let site = ManifestPosition { line: 1, column: 1 };
    let schema_name: SchemaName = "contoso_Endpoints".parse().expect("it is a name");
    let workflow_id = ID.parse().expect("it is an id");
    let target =
        Target::Variable { schema_name: schema_name.clone(), pointer: Some(pointer.clone()) };
    let desired = Desired {
        flows: vec![Flow { name: None, workflow_id, trigger: None, site, removed: false }],
        bindings: vec![Binding { flow: FlowIndex(0), target, site }],
        signed_urls: SignedUrls::Refuse,
        left_out: Vec::new(),
    };
    let variable = variable(schema_name.clone(), text);
    let variables = BTreeMap::from([(schema_name, Reading::Found(variable))]);
    let targets = Targets { variables, ..Targets::default() };
    let cloud = CLOUDS.get("public").expect("there is a public cloud");
    plan(&desired, &Observed { flows: vec![flow()], targets }, cloud)
}

/// A flow that is on and has a URL.
fn flow() -> ObservedFlow {
    let trigger = Trigger {
        name: "manual".parse().expect("it is a key"),
        trigger_type: "Request".to_owned(),
        kind: Some("Http".to_owned()),
    };
    let workflow = Workflow {
        name: "Order intake".to_owned(),
        category: Workflow::CLOUD_FLOW,
        state: FlowState::Activated,
        resource_id: None,
        definition: Definition::Triggers(vec![trigger]),
    };
    let url = URL.parse().expect("it is a URL");
    let callback = Some(Callback::Url(url));
    ObservedFlow { workflow: Reading::Found(workflow), callback, request_id: None }
}

/// A JSON variable with one value.
fn variable(schema_name: SchemaName, text: &str) -> Variable {
    let id = ID.parse().expect("it is an id");
    let tag = EntityTag::new("W/\"7\"").expect("it is a tag");
    Variable {
        definition: id,
        schema_name,
        variable_type: VariableType::Json,
        default: None,
        values: vec![ValueRow { id, tag, text: Some(StoredText::new(text)) }],
    }
}
