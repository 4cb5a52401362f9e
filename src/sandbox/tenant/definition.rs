//! The definition of a flow whose tenant file names only its triggers.

use serde_json::{Map, Value, json};

use super::flows::{FlowFile, TriggerFile};

/// Writes the `clientdata` of a flow: the JSON that an exported solution would hold.
pub(crate) fn client_data(flow: &FlowFile) -> String {
    let triggers: Map<String, Value> =
        triggers(flow).iter().map(|trigger| (trigger.key.clone(), body(trigger))).collect();
    wrapped(&Value::Object(triggers), &json!({}))
}

/// Writes the `clientdata` around triggers and actions.
pub(super) fn wrapped(triggers: &Value, actions: &Value) -> String {
    json!({
        "properties": {
            "connectionReferences": {},
            "definition": {
                "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
                "contentVersion": "1.0.0.0",
                "parameters": {
                    "$connections": {"defaultValue": {}, "type": "Object"},
                    "$authentication": {"defaultValue": {}, "type": "SecureObject"}
                },
                "triggers": triggers,
                "actions": actions
            },
            "templateName": ""
        },
        "schemaVersion": "1.0.0.0"
    })
    .to_string()
}

fn triggers(flow: &FlowFile) -> Vec<TriggerFile> {
    if !flow.triggers.is_empty() {
        return flow.triggers.clone();
    }
    vec![TriggerFile {
        key: flow.trigger.clone().unwrap_or_else(|| "manual".to_owned()),
        trigger_type: flow.trigger_type.clone(),
        kind: flow.kind.clone(),
        authentication: flow.authentication.clone(),
        allowed_users: flow.allowed_users.clone(),
        method: flow.method.clone(),
        relative_path: flow.relative_path.clone(),
    }]
}

fn body(trigger: &TriggerFile) -> Value {
    match trigger.trigger_type.as_deref().unwrap_or("Request") {
        "Request" => request(trigger),
        "Recurrence" => {
            json!({"recurrence": {"frequency": "Day", "interval": 1}, "type": "Recurrence"})
        }
        other => json!({"type": other, "kind": trigger.kind, "inputs": {}}),
    }
}

fn request(trigger: &TriggerFile) -> Value {
    let mut inputs = Map::new();
    let named = [
        ("triggerAuthenticationType", &trigger.authentication),
        ("triggerAllowedUsers", &trigger.allowed_users),
        ("method", &trigger.method),
        ("relativePath", &trigger.relative_path),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            inputs.insert(name.to_owned(), Value::from(value.as_str()));
        }
    }
    inputs.insert("schema".to_owned(), json!({"type": "object", "properties": {}}));
    json!({"type": "Request", "kind": trigger.kind.as_deref().unwrap_or("Http"), "inputs": inputs})
}
