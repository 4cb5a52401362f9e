//! Functions that are bound to no table.

use http::StatusCode;
use serde_json::{Value, json};

use super::super::guid::Guid;
use super::super::message::Answer;
use super::super::state::{Database, seed};
use super::caller::caller;
use super::context::Context;
use super::describe::PRIVILEGES;
use super::fault::Fault;
use super::filter::Aliases;
use super::options::aliases;
use super::path::Segment;
use super::read::data;
use super::schema::Table;
use super::token::{Token, elements, tokens, value};

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

/// Tells whether a segment asks for the privileges that a user holds.
pub(super) fn is_held_privileges(table: &Table, segment: &Segment) -> bool {
    let name = segment.name.strip_prefix("Microsoft.Dynamics.CRM.");
    table.name == "systemuser" && name == Some("RetrieveUserSetOfPrivilegesByNames")
}

/// Answers which of some privileges the user holds: those of tables, but for the missing ones.
/// Names that no privilege has are left out.
pub(super) fn held_privileges(context: &Context<'_>, segment: &Segment) -> Result<Answer, Fault> {
    let wanted = list_argument(context, segment, "PrivilegeNames")?;
    let site = context.site;
    let missing = &site.tenant.file.user.missing_privileges;
    let is_held = |name: &&String| {
        !missing.iter().any(|one| one.eq_ignore_ascii_case(name)) && is_privilege(context, name)
    };
    let held = wanted.iter().filter(is_held).map(|name| {
        json!({
            "Depth": "Global",
            "PrivilegeId": Guid::derived(&["privilege", &name.to_lowercase()]).to_string(),
            "BusinessUnitId": seed::business_unit(&site.tenant).to_string(),
            "PrivilegeName": name,
            "RecordFilterId": "00000000-0000-0000-0000-000000000000",
            "RecordFilterUniqueName": "",
        })
    });
    let about = format!(
        "{}/$metadata#Microsoft.Dynamics.CRM.RetrieveUserSetOfPrivilegesByNamesResponse",
        context.base
    );
    let held: Vec<Value> = held.collect();
    Ok(data(context, &json!({"@odata.context": about, "RolePrivileges": held})))
}

/// Tells whether a table has a privilege of that name.
fn is_privilege(context: &Context<'_>, name: &str) -> bool {
    let tables = &context.site.schema.tables;
    tables.iter().any(|table| {
        PRIVILEGES
            .iter()
            .any(|kind| name.eq_ignore_ascii_case(&format!("prv{kind}{}", table.schema_name)))
    })
}

fn argument(context: &Context<'_>, segment: &Segment, name: &str) -> Result<String, Fault> {
    let missing = || missing(segment, name);
    let text = given(segment, name).ok_or_else(missing)?;
    match text.strip_prefix('@') {
        Some(alias) => aliased(&aliases(&context.call.parameters()), alias).ok_or_else(missing),
        None => Ok(text.to_owned()),
    }
}

/// Reads a parameter that is a list of texts, by its alias.
fn list_argument(
    context: &Context<'_>,
    segment: &Segment,
    name: &str,
) -> Result<Vec<String>, Fault> {
    let missing = || missing(segment, name);
    let alias = given(segment, name).and_then(|text| text.strip_prefix('@')).ok_or_else(missing)?;
    let aliases = aliases(&context.call.parameters());
    let words = tokens(aliases.get(alias).ok_or_else(missing)?)?;
    let [Token::Array(list)] = words.as_slice() else { return Err(missing()) };
    let texts = elements(list)?.into_iter().map(|one| one.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or_else(missing)
}

/// Returns a parameter as it stands in the path.
fn given<'a>(segment: &'a Segment, name: &str) -> Option<&'a str> {
    let mut arguments = segment.arguments.iter().flatten();
    arguments.find(|argument| argument.name.as_deref() == Some(name))?.value.as_str()
}

fn missing(segment: &Segment, name: &str) -> Fault {
    let text = format!("The function '{}' needs the parameter '{name}'.", segment.name);
    Fault::new(StatusCode::BAD_REQUEST, "0x80060888", text)
}

fn aliased(aliases: &Aliases, name: &str) -> Option<String> {
    let words = tokens(aliases.get(name)?).ok()?;
    match value(words.first()?)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}
