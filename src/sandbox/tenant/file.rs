//! The tenant file as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::guid::Guid;
use super::switches::Switches;

/// A whole tenant file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TenantFile {
    /// The version of this format.
    pub(crate) version: u32,
    /// The directory.
    pub(crate) directory: Directory,
    /// The person who signs in.
    pub(crate) user: User,
    /// The applications that may sign someone in.
    #[serde(default, rename = "application")]
    pub(crate) applications: Vec<Application>,
    /// The environment.
    pub(crate) environment: Environment,
    /// Times of the sign-in.
    #[serde(default)]
    pub(crate) sign_in: SignIn,
    /// Resources that a refresh token is refused for.
    #[serde(default, rename = "refresh-refusal")]
    pub(crate) refresh_refusals: Vec<RefreshRefusal>,
    /// The processes.
    #[serde(default, rename = "flow")]
    pub(crate) flows: Vec<FlowFile>,
    /// The environment variables.
    #[serde(default, rename = "environment-variable")]
    pub(crate) variables: Vec<VariableFile>,
    /// The custom tables.
    #[serde(default, rename = "table")]
    pub(crate) tables: Vec<TableFile>,
    /// The scripted faults.
    #[serde(default, rename = "fault")]
    pub(crate) faults: Vec<FaultFile>,
    /// The switches.
    #[serde(default)]
    pub(crate) switches: Switches,
}

/// The directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Directory {
    /// The tenant id.
    pub(crate) id: Guid,
    /// The domain that may stand for the id in an authority.
    pub(crate) domain: String,
}

/// The person who signs in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct User {
    /// The `systemuserid` in Dataverse.
    pub(crate) id: Guid,
    /// The object id in the directory.
    pub(crate) object_id: Guid,
    /// The full name.
    pub(crate) name: String,
    /// The sign-in name.
    pub(crate) principal_name: String,
    /// The privileges that the person lacks, such as `prvReadWorkflow`.
    #[serde(default)]
    pub(crate) missing_privileges: Vec<String>,
}

/// An application registration.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Application {
    /// The client id.
    pub(crate) client_id: Guid,
    /// The name that the sign-in page shows.
    pub(crate) name: String,
    /// The secret of a confidential client, which then signs in as itself.
    pub(crate) secret: Option<String>,
}

impl std::fmt::Debug for Application {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secret = self.secret.as_ref().map(|_| "****");
        let mut shown = formatter.debug_struct("Application");
        shown
            .field("client_id", &self.client_id)
            .field("name", &self.name)
            .field("secret", &secret)
            .finish()
    }
}

/// The environment, which is one Dataverse organisation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Environment {
    /// The environment id that the Flow API wants: a GUID, or `Default-` and the tenant id.
    pub(crate) id: String,
    /// The organisation id.
    pub(crate) organization_id: Guid,
    /// The friendly name.
    pub(crate) name: String,
    /// The unique name.
    #[serde(default = "unique_name")]
    pub(crate) unique_name: String,
    /// The region as the Flow API names it.
    #[serde(default = "location")]
    pub(crate) location: String,
    /// Further host names of the organisation, for clients that do not reach it by a loopback name.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// Built-in tables on which optimistic concurrency is off.
    #[serde(default)]
    pub(crate) without_optimistic_concurrency: Vec<String>,
}

fn unique_name() -> String {
    "unqsandbox".to_owned()
}

fn location() -> String {
    "europe".to_owned()
}

/// Times of the sign-in, in seconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct SignIn {
    /// The polling interval that is announced.
    pub(crate) interval: u64,
    /// How long a code can be used.
    pub(crate) expires_in: u64,
    /// How long an access token is good for; absent, it varies as the real service's does.
    pub(crate) access_token_lifetime: Option<u64>,
}

impl Default for SignIn {
    fn default() -> Self {
        Self { interval: 5, expires_in: 900, access_token_lifetime: None }
    }
}

/// A resource that a refresh token is refused for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RefreshRefusal {
    /// The resource.
    pub(crate) resource: RefusedResource,
    /// Why.
    pub(crate) reason: RefusalReason,
}

/// The resource of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RefusedResource {
    /// The organisation.
    Dataverse,
    /// The Flow service.
    Flow,
    /// Every resource.
    Any,
}

/// Why a refresh is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RefusalReason {
    /// 65001: a device login for this resource cures it.
    ConsentRequired,
    /// 53003: blocked by Conditional Access.
    Blocked,
    /// 70043: the sign-in frequency.
    SignInFrequency,
    /// 50173: revoked.
    Revoked,
    /// 50076: a second factor.
    SecondFactor,
}

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
    /// Who may call its only trigger: `Tenant`, `User` or `All`.
    pub(crate) authentication: Option<String>,
    /// The object ids that may call a trigger of `User`, separated by commas.
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

fn yes() -> bool {
    true
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
    /// The object ids that may call it.
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

/// An environment variable: a definition, and its value if it has one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct VariableFile {
    /// The schema name.
    pub(crate) schema_name: String,
    /// The display name.
    pub(crate) display_name: Option<String>,
    /// The type.
    #[serde(rename = "type")]
    pub(crate) kind: VariableKind,
    /// The default.
    pub(crate) default: Option<String>,
    /// The value.
    pub(crate) value: Option<String>,
    /// A second value row, which only organisations with the older unique key can have.
    pub(crate) second_value: Option<String>,
}

/// The type of an environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VariableKind {
    /// Text.
    String,
    /// A number.
    Number,
    /// `yes` or `no`.
    Boolean,
    /// JSON.
    Json,
    /// A data source.
    DataSource,
    /// A reference to a secret.
    Secret,
}

impl VariableKind {
    /// Returns the option value of the `type` column.
    pub(crate) fn option(self) -> i64 {
        100_000_000 + self as i64
    }
}

/// A custom table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TableFile {
    /// The logical name.
    pub(crate) name: String,
    /// The entity set name; the name and `s` when absent.
    pub(crate) set: Option<String>,
    /// The display name.
    pub(crate) display_name: Option<String>,
    /// The primary name column.
    pub(crate) primary_name: String,
    /// Whether rows can be guarded by their version.
    #[serde(default = "yes")]
    pub(crate) optimistic_concurrency: bool,
    /// The columns, the primary id aside.
    #[serde(default, rename = "column")]
    pub(crate) columns: Vec<ColumnFile>,
    /// The alternate keys.
    #[serde(default, rename = "key")]
    pub(crate) keys: Vec<KeyFile>,
    /// The rows.
    #[serde(default, rename = "row")]
    pub(crate) rows: Vec<toml::Table>,
}

/// A column.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ColumnFile {
    /// The logical name.
    pub(crate) name: String,
    /// The type.
    #[serde(rename = "type")]
    pub(crate) kind: ColumnKind,
    /// The longest text, in characters.
    pub(crate) max_length: Option<usize>,
    /// The options of a choice: their labels by their values.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, i64>,
    /// The table that a lookup points to.
    pub(crate) target: Option<String>,
    /// The navigation property of a lookup, which is case-sensitive.
    pub(crate) navigation: Option<String>,
    /// Whether it can be set when a row is created.
    #[serde(default = "yes")]
    pub(crate) valid_for_create: bool,
    /// Whether it can be set later.
    #[serde(default = "yes")]
    pub(crate) valid_for_update: bool,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ColumnKind {
    /// One line of text.
    Text,
    /// Many lines of text.
    Memo,
    /// A whole number of 32 bits.
    Integer,
    /// A decimal number.
    Decimal,
    /// Yes or no.
    Boolean,
    /// A date and time.
    DateTime,
    /// One of some options.
    Choice,
    /// A GUID.
    Guid,
    /// A reference to a row.
    Lookup,
}

/// An alternate key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct KeyFile {
    /// The schema name.
    pub(crate) name: String,
    /// The columns.
    pub(crate) columns: Vec<String>,
}

/// A scripted fault: the first requests that match are answered by it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FaultFile {
    /// The service.
    pub(crate) service: ServiceName,
    /// The method, when only one is meant.
    pub(crate) method: Option<String>,
    /// What the path or query holds, when only some are meant.
    pub(crate) path_contains: Option<String>,
    /// The status.
    pub(crate) status: u16,
    /// The `Retry-After` seconds.
    pub(crate) retry_after: Option<u64>,
    /// How often.
    #[serde(default = "once")]
    pub(crate) times: u32,
    /// How many matching requests pass first.
    #[serde(default)]
    pub(crate) after: u32,
    /// Whether the request is carried out and only its answer lost.
    #[serde(default)]
    pub(crate) executed: bool,
}

fn once() -> u32 {
    1
}

/// A service of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ServiceName {
    /// The sign-in service.
    Entra,
    /// The Web API.
    Dataverse,
    /// The Flow API.
    Flow,
    /// The trigger addresses.
    Trigger,
}
