//! Rows and metadata as the Web API answers them.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::error::{ApiError, read_body};
use super::FlowDefinition;
use crate::http::Answer;
use crate::model::{
    EntityTag, EnvironmentId, LogicalName, ResourceId, RowId, SchemaName, Service, StoredText,
    WorkflowId,
};

/// One page of rows.
#[derive(Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub value: Vec<T>,
    /// Where the next page is.
    #[serde(rename = "@odata.nextLink")]
    pub next: Option<String>,
}

/// A row of the table `workflow`.
#[derive(Clone, Debug, Deserialize)]
pub struct WorkflowRow {
    /// Its primary key.
    pub workflowid: WorkflowId,
    /// Its display name.
    #[serde(default)]
    pub name: Option<String>,
    /// 5 is a cloud flow.
    pub category: i64,
    /// 0 is off, 1 on, 2 suspended.
    pub statecode: i64,
    /// What the Flow service calls it.
    pub resourceid: Option<ResourceId>,
    /// Its definition.
    pub clientdata: FlowDefinition,
}

/// The id of a cloud flow.
#[derive(Clone, Debug, Deserialize)]
pub struct CloudFlowRow {
    /// Its primary key.
    pub workflowid: WorkflowId,
}

/// A flow that a resource id belongs to.
#[derive(Clone, Debug, Deserialize)]
pub struct ResourceRow {
    /// Its primary key.
    pub workflowid: WorkflowId,
    /// Its display name.
    pub name: Option<String>,
    /// The id, which is of the same form as a workflow id.
    pub resourceid: WorkflowId,
}

/// The name of an environment variable, a table or a column.
#[derive(Clone, Debug, Deserialize)]
pub struct NameRow {
    /// The name.
    #[serde(alias = "schemaname", alias = "LogicalName")]
    pub name: String,
}

/// A row of the table `environmentvariabledefinition`, with its values.
#[derive(Clone, Debug, Deserialize)]
pub struct VariableRow {
    /// Its primary key.
    pub environmentvariabledefinitionid: RowId,
    /// Its name.
    #[serde(deserialize_with = "parse_text")]
    pub schemaname: SchemaName,
    /// What it may hold.
    #[serde(rename = "type")]
    pub variable_type: i64,
    /// What holds where there is no value.
    #[serde(default, deserialize_with = "read_stored_text")]
    pub defaultvalue: Option<StoredText>,
    /// Its values.
    #[serde(rename = "environmentvariabledefinition_environmentvariablevalue")]
    pub values: Vec<VariableValueRow>,
}

/// A row of the table `environmentvariablevalue`.
#[derive(Clone, Debug, Deserialize)]
pub struct VariableValueRow {
    /// Its primary key.
    pub environmentvariablevalueid: RowId,
    /// Its version; none if the answer has none.
    #[serde(default, rename = "@odata.etag", deserialize_with = "tag")]
    pub tag: Option<EntityTag>,
    /// The value.
    #[serde(default, deserialize_with = "read_stored_text")]
    pub value: Option<StoredText>,
}

/// A table's metadata.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TableRow {
    /// The name of the table in addresses.
    pub entity_set_name: String,
    /// The column of the primary key.
    pub primary_id_attribute: String,
    /// Where its rows are kept: `Standard`, `Elastic` or `Virtual`.
    pub table_type: Option<String>,
    /// Whether a write can be made to depend on a row's version.
    #[serde(default)]
    pub is_optimistic_concurrency_enabled: bool,
    /// The columns that were asked for.
    #[serde(default)]
    pub attributes: Vec<AttributeRow>,
    /// The alternate keys.
    #[serde(default)]
    pub keys: Vec<KeyRow>,
    /// The privileges that actions on its rows need.
    #[serde(default)]
    pub privileges: Vec<PrivilegeRow>,
}

/// A privilege of a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PrivilegeRow {
    /// Its name, such as `prvWriteWorkflow`.
    pub name: String,
    /// The action that needs it, such as `Write`.
    pub privilege_type: String,
}

/// An alternate key's metadata.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyRow {
    /// Its name.
    #[serde(default)]
    pub logical_name: String,
    /// Its columns.
    #[serde(default)]
    pub key_attributes: Vec<String>,
    /// Whether its index is there; only an `Active` one refuses a second row.
    pub entity_key_index_status: Option<String>,
}

/// A column's metadata.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttributeRow {
    /// The column.
    pub logical_name: String,
    /// Such as `String`, `Memo` or `Lookup`.
    pub attribute_type: String,
    /// The most characters, for text.
    pub max_length: Option<usize>,
    /// Whether it may be read; none means yes.
    pub is_valid_for_read: Option<bool>,
    /// Whether column security is on.
    #[serde(default)]
    pub is_secured: bool,
    /// Whether column security can keep it from being read; none means yes.
    pub can_be_secured_for_read: Option<bool>,
    /// Whether it may be set on a new row.
    #[serde(default)]
    pub is_valid_for_create: bool,
    /// Whether it may be changed.
    #[serde(default)]
    pub is_valid_for_update: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Organization {
    detail: OrganizationDetail,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OrganizationDetail {
    environment_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WhoAmI {
    user_id: RowId,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HeldPrivileges {
    role_privileges: Vec<HeldPrivilege>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HeldPrivilege {
    privilege_name: String,
}

/// Reads the id of the signed-in user out of the answer to `WhoAmI`.
///
/// # Errors
/// The service's refusal, or an answer without a user.
pub fn read_user_id(answer: &Answer) -> Result<RowId, ApiError> {
    read_body(Service::Dataverse, answer, "the signed-in user").map(|body: WhoAmI| body.user_id)
}

/// Reads the names of the privileges that a user holds.
///
/// # Errors
/// The service's refusal, or an answer without privileges.
pub fn read_privileges(answer: &Answer) -> Result<Vec<String>, ApiError> {
    let body: HeldPrivileges = read_body(Service::Dataverse, answer, "the privileges of the user")?;
    Ok(body.role_privileges.into_iter().map(|one| one.privilege_name).collect())
}

/// Reads the environment's id out of the answer to `RetrieveCurrentOrganization`.
///
/// # Errors
/// The service's refusal, or an answer without a usable id.
pub fn read_environment_id(answer: &Answer) -> Result<EnvironmentId, ApiError> {
    let expected = "an organisation with its environment id";
    let body: Organization = read_body(Service::Dataverse, answer, expected)?;
    let unusable = |_| ApiError::unexpected(Service::Dataverse, answer, "an unusable id", expected);
    body.detail.environment_id.parse().map_err(unusable)
}

/// Reads one page of rows.
///
/// # Errors
/// The service's refusal, or an answer that is not a page of such rows.
pub fn read_page<T: DeserializeOwned>(answer: &Answer) -> Result<Page<T>, ApiError> {
    read_body(Service::Dataverse, answer, "a page of rows")
}

/// Reads a table's metadata.
///
/// # Errors
/// The service's refusal, or an answer that is not such metadata.
pub fn read_table(answer: &Answer) -> Result<TableRow, ApiError> {
    let expected = "a table's metadata";
    let table: TableRow = read_body(Service::Dataverse, answer, expected)?;
    let names = [&table.entity_set_name, &table.primary_id_attribute];
    if names.iter().any(|name| name.parse::<LogicalName>().is_err()) {
        let found = "a name that no request can be made of";
        return Err(ApiError::unexpected(Service::Dataverse, answer, found, expected));
    }
    Ok(table)
}

/// Reads the records that a filter found.
///
/// # Errors
/// The service's refusal, or an answer that is not a page of rows.
pub fn read_record(answer: &Answer) -> Result<Vec<Map<String, Value>>, ApiError> {
    read_page(answer).map(|page| page.value)
}

/// Returns the version of a row that was read without a type of its own.
pub fn read_tag(row: &Map<String, Value>) -> Option<EntityTag> {
    row.get("@odata.etag").and_then(Value::as_str).and_then(EntityTag::new)
}

fn parse_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn read_stored_text<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<StoredText>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(StoredText::new))
}

fn tag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<EntityTag>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.as_deref().and_then(EntityTag::new))
}
