//! Flows in the tenant file.

use serde::Deserialize;

use super::super::guid::Guid;
use super::file::yes;

/// A process: a row of `workflow`, and its side in the Flow service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FlowFile {
    /// The name.
    pub(crate) name: String,
    /// The `workflowid`.
    pub(crate) workflow_id: Guid,
    /// The `resourceid`: a GUID, `none` for null, or absent for one made up from the other ids.
    pub(crate) resource_id: Option<String>,
    /// The state.
    #[serde(default)]
    pub(crate) state: FlowState,
    /// Why the service stopped it, as the service says; absent, a data policy if it is suspended.
    pub(crate) suspension_reason: Option<String>,
    /// The details of that reason.
    pub(crate) suspension_details: Option<String>,
    /// Whether a flow in draft was never on.
    #[serde(default)]
    pub(crate) never_activated: bool,
    /// Whether the person owns or co-owns it.
    #[serde(default = "yes")]
    pub(crate) owner: bool,
    /// The `category`; 5 is a cloud flow.
    #[serde(default = "cloud_flow")]
    pub(crate) category: i64,
    /// The generation of its callback address.
    #[serde(default)]
    pub(crate) address: AddressKind,
    /// The key of its only trigger.
    pub(crate) trigger: Option<String>,
    /// The type of its only trigger; `Request` when absent.
    #[serde(rename = "type")]
    pub(crate) trigger_type: Option<String>,
    /// The kind of its only trigger; `Http` when absent from a `Request`.
    pub(crate) kind: Option<String>,
    /// Who may call its only trigger: `Tenant`, `User` or `All`, in any case.
    pub(crate) authentication: Option<String>,
    /// The object ids and e-mail addresses that may call a trigger of `User`, separated by `,` or `;`.
    pub(crate) allowed_users: Option<String>,
    /// The method of its only trigger.
    pub(crate) method: Option<String>,
    /// The relative path of its only trigger.
    pub(crate) relative_path: Option<String>,
    /// Its triggers, where one is not enough.
    #[serde(default)]
    pub(crate) triggers: Vec<TriggerFile>,
    /// The file of an exported solution that holds its definition.
    pub(crate) definition: Option<String>,
}

impl FlowFile {
    /// Makes a cloud flow that is on, with nothing but a name and an id.
    pub(super) fn new(name: String, workflow_id: Guid) -> Self {
        Self {
            name,
            workflow_id,
            resource_id: None,
            state: FlowState::Activated,
            suspension_reason: None,
            suspension_details: None,
            never_activated: false,
            owner: true,
            category: cloud_flow(),
            address: AddressKind::Direct,
            trigger: None,
            trigger_type: None,
            kind: None,
            authentication: None,
            allowed_users: None,
            method: None,
            relative_path: None,
            triggers: Vec::new(),
            definition: None,
        }
    }
}

fn cloud_flow() -> i64 {
    5
}

/// A trigger.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TriggerFile {
    /// The key.
    pub(crate) key: String,
    /// The type; `Request` when absent.
    #[serde(rename = "type")]
    pub(crate) trigger_type: Option<String>,
    /// The kind; `Http` when absent from a `Request`.
    pub(crate) kind: Option<String>,
    /// Who may call it.
    pub(crate) authentication: Option<String>,
    /// The object ids and e-mail addresses that may call it.
    pub(crate) allowed_users: Option<String>,
    /// The method.
    pub(crate) method: Option<String>,
    /// The relative path.
    pub(crate) relative_path: Option<String>,
}

/// The state of a flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FlowState {
    /// On.
    #[default]
    Activated,
    /// Off.
    Draft,
    /// Stopped by a data policy.
    Suspended,
}

/// The generation of a callback address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AddressKind {
    /// The environment's own host.
    #[default]
    Direct,
    /// The environment's own host, with `cu/NN` in the path.
    DirectUnit,
    /// `logic.azure.com`.
    Classic,
}
