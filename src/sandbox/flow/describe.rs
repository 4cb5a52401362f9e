//! Environments, flows and triggers as the Flow API describes them.

use serde_json::{Value, json};

use super::super::guid::Guid;
use super::super::message::Call;
use super::super::site::Site;
use super::super::state::Database;
use super::definition::{Trigger, parse};
use super::lookup::Known;
use super::{Form, Place};

const PROVIDER: &str = "Microsoft.ProcessSimple/environments";
const PLATFORM: &str = "Microsoft.BusinessAppPlatform/environments";

/// Describes the environment: in a list, or by itself.
pub(super) fn environments(site: &Site, call: &Call, place: &Place) -> Value {
    let provider = if place.form == Form::Platform { PLATFORM } else { PROVIDER };
    let one = environment(site, call, provider);
    if place.environment.is_some() { one } else { json!({"value": [one]}) }
}

fn environment(site: &Site, call: &Call, provider: &str) -> Value {
    let file = &site.tenant.file.environment;
    let flow = site.names.flow(&call.origin).address();
    let organization = site.names.organization(&call.origin).address();
    json!({
        "name": file.id,
        "location": file.location,
        "type": provider,
        "id": format!("/providers/{provider}/{}", file.id),
        "properties": {
            "displayName": file.name,
            "createdTime": "2025-01-15T08:00:00.0000000Z",
            "provisioningState": "Succeeded",
            "creationType": "User",
            "environmentSku": "Sandbox",
            "environmentType": "NotSpecified",
            "isDefault": file.id.starts_with("Default-"),
            "azureRegionHint": "westeurope",
            "runtimeEndpoints": {"microsoft.Flow": flow},
            "linkedEnvironmentMetadata": {
                "type": "Dynamics365Instance",
                "resourceId": file.organization_id,
                "friendlyName": file.name,
                "uniqueName": file.unique_name,
                "domainName": file.unique_name,
                "version": "9.2.26104.00160",
                "instanceUrl": format!("{organization}/"),
                "instanceApiUrl": organization,
                "baseLanguage": 1033,
                "instanceState": "Ready",
                "createdTime": "2025-01-15T08:00:00.0000000Z",
            },
        },
    })
}

fn path(site: &Site) -> String {
    format!("/providers/{PROVIDER}/{}", site.tenant.file.environment.id)
}

/// Lists flows.
pub(super) fn flows<'d>(site: &Site, flows: impl Iterator<Item = Known<'d>>) -> Value {
    json!({"value": flows.map(|known| flow(site, &known)).collect::<Vec<_>>()})
}

/// Describes a flow.
pub(super) fn flow(site: &Site, known: &Known<'_>) -> Value {
    let row = known.row;
    let definition = parse(known.client_data(site).unwrap_or_default());
    let triggers: Vec<Value> = known
        .triggers(site)
        .iter()
        .map(|trigger| json!({"type": trigger.family, "kind": trigger.kind}))
        .collect();
    let file = &site.tenant.file;
    let suspension = suspension(site, known);
    json!({
        "name": known.name(),
        "id": format!("{}/flows/{}", path(site), known.name()),
        "type": "Microsoft.ProcessSimple/environments/flows",
        "properties": {
            "apiId": "/providers/Microsoft.PowerApps/apis/shared_logicflows",
            "displayName": row.text("name"),
            "userType": "Owner",
            "definition": definition,
            "state": known.state(),
            "createdTime": row.text("createdon"),
            "lastModifiedTime": row.text("modifiedon"),
            "flowSuspensionReason": suspension.0,
            "flowSuspensionReasonDetails": suspension.1,
            "environment": {"name": file.environment.id, "type": PROVIDER, "id": path(site)},
            "definitionSummary": {"triggers": triggers, "actions": []},
            "creator": {
                "tenantId": file.directory.id,
                "objectId": file.user.object_id,
                "userId": file.user.object_id,
                "userType": "ActiveDirectory",
            },
            "provisioningMethod": "FromDefinition",
            "isManaged": row.value("ismanaged"),
            "workflowEntityId": known.id,
            "sharingType": "CommonDataService",
        },
    })
}

/// Tells why a flow is stopped, with the details: as the tenant file says as long as it is not on.
fn suspension<'s>(site: &'s Site, known: &Known<'_>) -> (&'s str, Option<&'s str>) {
    let file = site.tenant.file.flows.iter().find(|flow| flow.workflow_id == known.id);
    match (known.state(), file) {
        ("Started", _) => ("None", None),
        (state, file) => {
            let usual = if state == "Suspended" { "CompanyDlpViolation" } else { "None" };
            let reason = file.and_then(|flow| flow.suspension_reason.as_deref());
            let details = file.and_then(|flow| flow.suspension_details.as_deref());
            (reason.unwrap_or(usual), details)
        }
    }
}

/// Lists who owns a flow.
pub(super) fn permissions(site: &Site, database: &Database, known: &Known<'_>) -> Value {
    let owner = known.row.guid("ownerid").and_then(|id| database.row("systemuser", id));
    let id = owner.and_then(|owner| owner.guid("azureactivedirectoryobjectid"));
    let list: Vec<Value> = id.iter().map(|id| permission(site, known, *id)).collect();
    json!({"value": list})
}

fn permission(site: &Site, known: &Known<'_>, owner: Guid) -> Value {
    json!({
        "name": owner,
        "id": format!("{}/flows/{}/permissions/{owner}", path(site), known.name()),
        "type": format!("/providers/{PROVIDER}/flows/permissions"),
        "properties": {
            "roleName": "Owner",
            "permissionType": "Principal",
            "principal": {"id": owner, "type": "User"},
        },
    })
}

/// Lists the triggers of a flow.
pub(super) fn triggers(site: &Site, known: &Known<'_>) -> Value {
    json!({"value": known.triggers(site).iter().map(|one| trigger(site, known, one)).collect::<Vec<_>>()})
}

/// Describes a trigger.
pub(super) fn trigger(site: &Site, known: &Known<'_>, trigger: &Trigger) -> Value {
    json!({
        "name": trigger.name,
        "id": format!("{}/flows/{}/triggers/{}", path(site), known.name(), trigger.name),
        "type": "Microsoft.ProcessSimple/environments/flows/triggers",
        "properties": {
            "provisioningState": "Succeeded",
            "state": if known.is_on() { "Enabled" } else { "Disabled" },
            "createdTime": known.row.text("createdon"),
            "changedTime": known.row.text("modifiedon"),
        },
    })
}
