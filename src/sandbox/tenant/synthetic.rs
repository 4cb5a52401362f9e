//! Flows and variables by the thousand, made up by number: the same in every run.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use super::super::guid::Guid;
use super::flows::FlowFile;
use super::tables::{VariableFile, VariableKind};

/// The least length of a flow's definition, in bytes: that of a flow with some thirty actions.
const DEFINITION_BYTES: usize = 40_000;

/// What one action of a definition composes.
const COMPOSED: &str = "@if(empty(triggerBody()?['reference']), concat('none of ', workflow()['run']['name']), \
triggerBody()?['reference'])";

/// How many flows and variables a tenant gets in place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synthetic {
    /// The flows, each with an HTTP trigger.
    pub flows: u32,
    /// The variables for each flow.
    pub targets_per_flow: u32,
}

impl Synthetic {
    /// Writes the manifest that binds each flow to its variables, in the environment at that address.
    pub(crate) fn manifest(self, address: SocketAddr, client_id: Guid) -> String {
        let mut text = format!(
            "# The synthetic flows of a sandbox, each with its variables.\nversion = 1\n\n\
             [environments.sandbox]\nurl = \"http://{address}\"\nclient-id = \"{client_id}\"\n"
        );
        for flow in 1..=self.flows {
            let (name, id) = (flow_name(flow), workflow_id(flow));
            // Writing to a `String` cannot fail.
            let _ = write!(text, "\n[[flow]]\nname = \"{name}\"\nworkflow-id = \"{id}\"\n");
            for target in 1..=self.targets_per_flow {
                let name = schema_name(flow, target);
                let _ = write!(text, "\n[[flow.target]]\nenvironment-variable = \"{name}\"\n");
            }
        }
        text
    }

    /// Makes the flows.
    pub(crate) fn flows(self) -> impl Iterator<Item = FlowFile> {
        (1..=self.flows).map(|flow| FlowFile::new(flow_name(flow), workflow_id(flow)))
    }

    /// Makes the variables, none of which has a value.
    pub(crate) fn variables(self) -> impl Iterator<Item = VariableFile> {
        let each = move |flow| (1..=self.targets_per_flow).map(move |target| (flow, target));
        (1..=self.flows).flat_map(each).map(|(flow, target)| VariableFile {
            schema_name: schema_name(flow, target),
            display_name: Some(format!("URL {target} of {}", flow_name(flow))),
            kind: VariableKind::String,
            default: None,
            value: None,
            second_value: None,
        })
    }
}

fn flow_name(flow: u32) -> String {
    format!("Synthetic flow {flow:05}")
}

fn workflow_id(flow: u32) -> Guid {
    Guid::derived(&["synthetic flow", &flow.to_string()])
}

/// The schema name of a flow's variable.
fn schema_name(flow: u32, target: u32) -> String {
    format!("contoso_Flow{flow:05}Url{target}")
}

/// Writes the `clientdata` that every synthetic flow has: a trigger that the directory may call, and
/// actions of the usual size.
pub(crate) fn client_data() -> String {
    let mut actions = Map::new();
    let mut length = 0;
    while length < DEFINITION_BYTES {
        let name = format!("Compose_{}", actions.len() + 1);
        let action = action(actions.keys().next_back());
        length += name.len() + action.to_string().len();
        actions.insert(name, action);
    }
    let inputs = json!({
        "triggerAuthenticationType": "Tenant",
        "method": "POST",
        "schema": {"type": "object", "properties": {"reference": {"type": "string"}}},
    });
    let triggers = json!({"manual": {"type": "Request", "kind": "Http", "inputs": inputs}});
    super::definition::wrapped(&triggers, &Value::Object(actions))
}

fn action(before: Option<&String>) -> Value {
    let after: Map<String, Value> =
        before.map(|name| (name.clone(), json!(["Succeeded"]))).into_iter().collect();
    let inputs =
        json!({"reference": COMPOSED, "note": "Leaves the reference of an order as it stands."});
    json!({"runAfter": after, "type": "Compose", "inputs": inputs})
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: Synthetic = Synthetic { flows: 5, targets_per_flow: 2 };

    #[test]
    fn a_definition_is_as_large_as_it_should_be_and_no_larger() {
        let length = client_data().len();
        assert!((DEFINITION_BYTES..DEFINITION_BYTES + 2_000).contains(&length), "{length}");
    }

    #[test]
    fn ids_are_the_same_in_every_run_and_in_larger_tenants() {
        let id = |synthetic: Synthetic| synthetic.flows().nth(4).unwrap().workflow_id;
        assert_eq!(id(FIVE).to_string(), "2692da02-1e0e-4836-bfb8-4c3a302c7944");
        assert_eq!(id(FIVE), id(Synthetic { flows: 9, ..FIVE }));
    }

    #[test]
    fn the_manifest_names_every_flow_and_variable_once() {
        let manifest = FIVE.manifest(([127, 0, 0, 1], 8787).into(), workflow_id(1));
        let manifest: toml::Table = toml::from_str(&manifest).unwrap();
        assert_eq!(
            manifest["environments"]["sandbox"]["url"].as_str(),
            Some("http://127.0.0.1:8787")
        );
        let flows = manifest["flow"].as_array().unwrap();
        let targets = flows.iter().flat_map(|flow| flow["target"].as_array().unwrap());
        let named: Vec<&str> =
            targets.filter_map(|target| target["environment-variable"].as_str()).collect();
        let made: Vec<String> = FIVE.variables().map(|variable| variable.schema_name).collect();
        assert_eq!((flows.len(), named), (5, made.iter().map(String::as_str).collect()));
    }
}
