//! The triggers in the `clientdata` of a flow.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::site::Site;

/// The kinds of `Request` triggers that have no address for others.
const GATED_KINDS: [&str; 6] =
    ["Button", "PowerApp", "PowerAppV2", "ApiConnection", "PowerPages", "Skills"];

/// A trigger, as far as its address is concerned.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trigger {
    /// The key, which the address repeats.
    pub(super) name: String,
    /// The type, such as `Request`.
    pub(super) family: String,
    /// The kind, such as `Http`.
    pub(super) kind: Option<String>,
    /// Who may call it.
    pub(super) access: Access,
    /// The method that callers use.
    pub(super) method: String,
    /// The path below the address.
    pub(super) relative_path: Option<String>,
    /// The properties that a body must have.
    pub(super) required: Vec<String>,
}

/// Who may call a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Access {
    /// Anyone who knows the signed address.
    Anyone,
    /// Anyone of the directory.
    Tenant,
    /// These people, by object id or e-mail address; anyone of the directory when there are none.
    Users(Vec<String>),
}

impl Trigger {
    /// Tells whether it is called by an address of its own: a `Request` of any kind but those that only Microsoft's
    /// services start, and those that the tenant blocks too. Definitions from before kinds have none.
    pub(super) fn has_address(&self, site: &Site) -> bool {
        let kind = self.kind.as_deref().unwrap_or("Http");
        let blocked = site.tenant.file.switches.flow.blocked_kinds.iter().map(String::as_str);
        let mut refused = GATED_KINDS.into_iter().chain(blocked);
        self.family.eq_ignore_ascii_case("Request")
            && !refused.any(|gated| gated.eq_ignore_ascii_case(kind))
    }

    /// Tells whether its address carries a signature.
    pub(super) fn is_signed(&self) -> bool {
        self.access == Access::Anyone
    }
}

/// Reads the triggers of a flow.
pub(super) fn triggers(client_data: &str) -> Vec<Trigger> {
    let whole: ClientData = serde_json::from_str(client_data).unwrap_or_default();
    let triggers = &whole.properties.definition.triggers;
    triggers.iter().map(|(name, body)| trigger(name, body)).collect()
}

/// A definition as far as its triggers: the rest is many times as large, and need not be kept.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ClientData {
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Properties {
    definition: Definition,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Definition {
    triggers: Map<String, Value>,
}

/// Reads the definition of a flow.
pub(super) fn parse(client_data: &str) -> Value {
    let whole: Value = serde_json::from_str(client_data).unwrap_or_default();
    whole.pointer("/properties/definition").cloned().unwrap_or_default()
}

fn trigger(name: &str, body: &Value) -> Trigger {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let required = body.pointer("/inputs/schema/required").and_then(Value::as_array);
    Trigger {
        name: name.to_owned(),
        family: text("/type").unwrap_or_default(),
        kind: text("/kind"),
        access: access(
            text("/inputs/triggerAuthenticationType").as_deref(),
            text("/inputs/triggerAllowedUsers").as_deref(),
        ),
        method: text("/inputs/method").unwrap_or_else(|| "POST".to_owned()).to_uppercase(),
        relative_path: text("/inputs/relativePath").filter(|path| !path.is_empty()),
        required: required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    }
}

/// Reads who may call; a definition that does not say lets anyone.
fn access(kind: Option<&str>, users: Option<&str>) -> Access {
    match kind.map(str::to_ascii_lowercase).as_deref() {
        Some("tenant") => Access::Tenant,
        Some("user") => Access::Users(
            users
                .unwrap_or_default()
                .split([',', ';'])
                .map(str::trim)
                .filter(|user| !user.is_empty())
                .map(str::to_owned)
                .collect(),
        ),
        _ => Access::Anyone,
    }
}

/// Finds what a flow answers with: the status and body of its first `Response` action.
pub(super) fn response(client_data: &str) -> Option<(u16, Value)> {
    let definition = parse(client_data);
    let actions = definition.get("actions")?.as_object()?;
    let action = actions
        .values()
        .find(|action| action.get("type").and_then(Value::as_str) == Some("Response"))?;
    let status = action
        .pointer("/inputs/statusCode")
        .and_then(Value::as_u64)
        .and_then(|status| u16::try_from(status).ok());
    Some((status.unwrap_or(200), action.pointer("/inputs/body").cloned().unwrap_or_default()))
}
