//! Functions that are bound to no table.

use http::StatusCode;
use serde_json::{Value, json};

use super::super::message::Answer;
use super::super::state::{Database, seed};
use super::caller::caller;
use super::context::Context;
use super::fault::Fault;
use super::filter::Aliases;
use super::options::aliases;
use super::path::Segment;
use super::read::data;
use super::token::{tokens, value};

/// The version of the organisation.
const VERSION: &str = "9.2.26104.00160";

/// Answers a function, if the path names one.
pub(crate) fn call(
    context: &Context<'_>,
    database: &Database,
    segment: &Segment,
) -> Option<Result<Answer, Fault>> {
    match segment.name.as_str() {
        "WhoAmI" => Some(Ok(who_am_i(context, database))),
        "RetrieveVersion" => Some(Ok(version(context))),
        "RetrieveCurrentOrganization" => Some(current_organization(context, segment)),
        "RetrieveEnvironmentVariableValue" => Some(variable_value(context, database, segment)),
        _ => None,
    }
}

fn who_am_i(context: &Context<'_>, database: &Database) -> Answer {
    let file = &context.site.tenant.file;
    let user = caller(context.site, database, context.call).unwrap_or(file.user.id);
    data(
        context,
        &json!({
            "@odata.context": format!("{}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse", context.base),
            "BusinessUnitId": seed::business_unit(&context.site.tenant).to_string(),
            "UserId": user.to_string(),
            "OrganizationId": file.environment.organization_id.to_string(),
        }),
    )
}

fn version(context: &Context<'_>) -> Answer {
    let about =
        format!("{}/$metadata#Microsoft.Dynamics.CRM.RetrieveVersionResponse", context.base);
    data(context, &json!({"@odata.context": about, "Version": VERSION}))
}

/// Answers `RetrieveCurrentOrganization`, whose parameter comes inline, qualified or not, or by alias.
fn current_organization(context: &Context<'_>, segment: &Segment) -> Result<Answer, Fault> {
    let access = argument(context, segment, "AccessType")?;
    if !["Default", "Internet", "Intranet"].contains(&access.as_str()) {
        return Err(Fault::address(format!(
            "'{access}' is not a valid value of 'Microsoft.Dynamics.CRM.EndpointAccessType'."
        )));
    }
    let file = &context.site.tenant.file;
    let environment = &file.environment;
    let origin = context.call.origin.address();
    let detail = json!({
        "OrganizationId": environment.organization_id.to_string(),
        "FriendlyName": environment.name,
        "OrganizationVersion": VERSION,
        "EnvironmentId": environment.id,
        "DatacenterId": seed::business_unit(&context.site.tenant).to_string(),
        "Geo": "EMEA",
        "TenantId": file.directory.id.to_string(),
        "UrlName": environment.unique_name,
        "UniqueName": environment.unique_name,
        "Endpoints": {
            "Count": 3,
            "IsReadOnly": false,
            "Keys": ["WebApplication", "OrganizationService", "OrganizationDataService"],
            "Values": [
                format!("{origin}/"),
                format!("{origin}/XRMServices/2011/Organization.svc"),
                format!("{origin}/XRMServices/2011/OrganizationData.svc"),
            ],
        },
        "State": "Enabled",
        "OrganizationType": "Customer",
        "SchemaType": "Standard",
    });
    let about = format!(
        "{}/$metadata#Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse",
        context.base
    );
    Ok(data(context, &json!({"@odata.context": about, "Detail": detail})))
}

/// Answers the value of an environment variable, or its default.
fn variable_value(
    context: &Context<'_>,
    database: &Database,
    segment: &Segment,
) -> Result<Answer, Fault> {
    let wanted = argument(context, segment, "DefinitionSchemaName")?;
    let mut definitions = database.rows("environmentvariabledefinition");
    let found = definitions.find(|(_, row)| {
        row.text("schemaname").is_some_and(|name| name.eq_ignore_ascii_case(&wanted))
    });
    let table = context.set("environmentvariabledefinitions")?;
    context.privilege("Read", table)?;
    let (id, definition) = found.ok_or_else(|| Fault::absent_key(table))?;
    let mut values = database.rows("environmentvariablevalue");
    let own = values.find(|(_, row)| row.guid("environmentvariabledefinitionid") == Some(id));
    let text = own.map_or_else(
        || definition.value("defaultvalue").clone(),
        |(_, row)| row.value("value").clone(),
    );
    let about = format!(
        "{}/$metadata#Microsoft.Dynamics.CRM.RetrieveEnvironmentVariableValueResponse",
        context.base
    );
    Ok(data(context, &json!({"@odata.context": about, "Value": text})))
}

fn argument(context: &Context<'_>, segment: &Segment, name: &str) -> Result<String, Fault> {
    let missing = || {
        Fault::new(
            StatusCode::BAD_REQUEST,
            "0x80060888",
            format!("The function '{}' needs the parameter '{name}'.", segment.name),
        )
    };
    let arguments = segment.arguments.as_deref().unwrap_or_default();
    let given = arguments
        .iter()
        .find(|argument| argument.name.as_deref() == Some(name))
        .ok_or_else(missing)?;
    let text = given.value.as_str().ok_or_else(missing)?;
    match text.strip_prefix('@') {
        Some(alias) => aliased(&aliases(&context.call.parameters()), alias).ok_or_else(missing),
        None => Ok(text.to_owned()),
    }
}

fn aliased(aliases: &Aliases, name: &str) -> Option<String> {
    let words = tokens(aliases.get(name)?).ok()?;
    match value(words.first()?)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}
