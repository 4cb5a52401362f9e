//! The tables that every organisation has, as far as they are modelled, and those of the tenant file.
//!
//! Names, types and lengths are those of Microsoft's table reference
//! (<https://learn.microsoft.com/power-apps/developer/data-platform/reference/about-entity-reference>).

use serde_json::{Value, json};

use super::super::tenant::switches::{DuplicateCode, ValueKey};
use super::super::tenant::tables::TableKind;
use super::super::tenant::{Tenant, synthetic};
use super::columns::{
    boolean, choice, column, component, custom, dates, fixed, lookup, memo, owned, start, states,
    system, text,
};
use super::schema::{Column, Kind, Lookup, Schema, Table, Violation};
use super::standard;

/// The logical names of the built-in tables.
pub(crate) const BUILT_IN: [&str; 13] = [
    "workflow",
    "environmentvariabledefinition",
    "environmentvariablevalue",
    "solution",
    "solutioncomponent",
    "systemuser",
    "organization",
    "businessunit",
    "connectionreference",
    "flowrun",
    "publisher",
    "sdkmessage",
    "sdkmessagefilter",
];

/// Returns every table of a tenant.
pub(crate) fn schema(tenant: &Tenant) -> Schema {
    let mut tables = vec![
        workflow(tenant),
        definition(),
        value(tenant),
        solution(),
        solution_component(),
        system_user(),
        organization(),
        business_unit(),
        connection_reference(),
        flow_run(),
        publisher(),
        sdk_message(),
        sdk_message_filter(),
    ];
    let off = &tenant.file.environment.without_optimistic_concurrency;
    for table in &mut tables {
        table.optimistic = !off.contains(&table.name);
    }
    tables.extend(tenant.file.tables.iter().enumerate().map(|(index, file)| custom(file, index)));
    let untagged = &tenant.file.environment.without_etags;
    for table in &mut tables {
        table.tagged = table.kind != TableKind::Virtual && !untagged.contains(&table.name);
    }
    Schema { tables }
}

fn workflow(tenant: &Tenant) -> Table {
    let mut table = start("workflow", "Workflow", "Process", 4703, "name")
        .with([
            text("name", 100),
            text("uniquename", 256),
            memo("description", 100_000),
            Column { common: common_client_data(tenant), ..memo("clientdata", 1_073_741_823) },
        ])
        .with([
            system(boolean("clientdataiscompressed", Some(false))),
            fixed(choice("category", &CATEGORIES)).default(json!(5)),
        ])
        .with([choice("type", &["Definition", "Activation", "Template"])
            .numbered_from_one()
            .default(json!(1))])
        .with([choice(
            "modernflowtype",
            &["PowerAutomateFlow", "CopilotStudioFlow", "M365CopilotAgentFlow"],
        )
        .default(json!(0))])
        .with([
            system(column("workflowidunique", Kind::Guid)),
            system(column("resourceid", Kind::Guid)),
        ])
        .with([
            system(text("resourcecontainer", 10_000)),
            system(memo("suspensionreasondetails", 500)),
        ])
        .with([text("primaryentity", 64).default(json!("none"))])
        .with([
            lookup("parentworkflowid", "workflow", "parentworkflowid"),
            lookup("activeworkflowid", "workflow", "activeworkflowid"),
        ])
        .with(states(
            &["Draft", "Activated", "Suspended"],
            &[(1, 0, "Draft"), (2, 1, "Activated"), (3, 2, "CompanyDLPViolation")],
        ))
        .with(component())
        .with(owned())
        .with(standard::workflow());
    "workflows".clone_into(&mut table.set);
    table
}

/// The definition that all made-up flows share, so that it is in memory once.
fn common_client_data(tenant: &Tenant) -> Option<Value> {
    tenant.synthetic.map(|_| json!(synthetic::client_data()))
}

const CATEGORIES: [&str; 8] = [
    "Workflow",
    "Dialog",
    "Business Rule",
    "Action",
    "Business Process Flow",
    "Modern Flow",
    "Desktop Flow",
    "AI Flow",
];

fn definition() -> Table {
    let name = "environmentvariabledefinition";
    start(
        name,
        "EnvironmentVariableDefinition",
        "Environment Variable Definition",
        380,
        "schemaname",
    )
    .with([
        fixed(text("schemaname", 100)),
        text("displayname", 100),
        memo("description", 2000),
        memo("defaultvalue", 2000),
    ])
    .with([
        fixed(variable_type()),
        boolean("isrequired", Some(false)),
        fixed(choice("secretstore", &["Azure Key Vault", "Microsoft Dataverse"]).default(json!(0))),
    ])
    .with([
        memo("valueschema", 2000),
        memo("hint", 2000),
        text("apiid", 150),
        text("parameterkey", 150),
    ])
    .with([lookup("parentdefinitionid", name, "ParentDefinitionId")])
    .with(states(&["Active", "Inactive"], &[(1, 0, "Active"), (2, 1, "Inactive")]))
    .with(component())
    .with(owned())
    .with(standard::definition())
    .key(
        "DefinitionKey",
        &["overwritetime", "componentstate", "schemaname"],
        Violation::EntityKey,
    )
}

fn variable_type() -> Column {
    let labels = ["String", "Number", "Boolean", "JSON", "Data Source", "Secret"];
    let options = (100_000_000..).zip(labels.map(str::to_owned)).collect();
    column("type", Kind::Choice(options)).default(json!(100_000_000))
}

fn value(tenant: &Tenant) -> Table {
    let switches = &tenant.file.switches.dataverse;
    let violation = match switches.environment_variable_duplicate {
        DuplicateCode::EntityKey => Violation::EntityKey,
        DuplicateCode::Record => Violation::Record,
    };
    let table = start(
        "environmentvariablevalue",
        "EnvironmentVariableValue",
        "Environment Variable Value",
        381,
        "schemaname",
    )
    .with([text("schemaname", 100), memo("value", 2000), fixed(value_of())])
    .with(states(&["Active", "Inactive"], &[(1, 0, "Active"), (2, 1, "Inactive")]))
    .with(component())
    .with(owned())
    .with(standard::value());
    match switches.environment_variable_key {
        ValueKey::Definition => table.key(
            "EnvironmentvariableDefinitionIdKey",
            &["componentstate", "environmentvariabledefinitionid", "overwritetime"],
            violation,
        ),
        ValueKey::SchemaName => table.key(
            "ndx_envvarval_schemaname",
            &["schemaname", "componentstate", "overwritetime"],
            violation,
        ),
    }
}

fn value_of() -> Column {
    let lookup = Lookup {
        target: "environmentvariabledefinition".to_owned(),
        navigation: "EnvironmentVariableDefinitionId".to_owned(),
        collection: Some("environmentvariabledefinition_environmentvariablevalue".to_owned()),
        cascade: true,
        platform: false,
    };
    column("environmentvariabledefinitionid", Kind::Lookup(lookup))
}

fn solution() -> Table {
    start("solution", "Solution", "Solution", 7100, "friendlyname")
        .with([
            text("uniquename", 65),
            text("friendlyname", 256),
            text("version", 256),
            memo("description", 2000),
        ])
        .with([system(boolean("ismanaged", Some(false))), system(boolean("isvisible", Some(true)))])
        .with(dates())
        .with(standard::solution())
}

fn solution_component() -> Table {
    let solution = Lookup {
        target: "solution".to_owned(),
        navigation: "solutionid".to_owned(),
        collection: Some("solution_solutioncomponent".to_owned()),
        cascade: true,
        platform: true,
    };
    let types = [
        (1, "Entity"),
        (29, "Workflow"),
        (380, "Environment Variable Definition"),
        (381, "Environment Variable Value"),
    ];
    let options = types.map(|(value, label)| (value, label.to_owned())).into();
    start("solutioncomponent", "SolutionComponent", "Solution Component", 7103, "objectid")
        .with([
            column("objectid", Kind::Guid),
            column("componenttype", Kind::Choice(options)),
            column("solutionid", Kind::Lookup(solution)),
        ])
        .with([choice(
            "rootcomponentbehavior",
            &["Include Subcomponents", "Do not include subcomponents", "Include As Shell Only"],
        )])
        .with(dates())
        .with(standard::solution_component())
}

fn system_user() -> Table {
    start("systemuser", "SystemUser", "User", 8, "fullname")
        .with([text("fullname", 200), text("domainname", 1024), text("internalemailaddress", 100)])
        .with([
            column("azureactivedirectoryobjectid", Kind::Guid),
            boolean("isdisabled", Some(false)),
            lookup("businessunitid", "businessunit", "businessunitid"),
        ])
        .with(dates())
        .with(standard::system_user())
}

fn organization() -> Table {
    start("organization", "Organization", "Organization", 1019, "name")
        .with([text("name", 160), column("languagecode", Kind::Integer)])
        .with(dates())
        .with(standard::organization())
}

fn business_unit() -> Table {
    start("businessunit", "BusinessUnit", "Business Unit", 10, "name")
        .with(dates())
        .with(standard::business_unit())
}

fn connection_reference() -> Table {
    start(
        "connectionreference",
        "connectionreference",
        "Connection Reference",
        10_001,
        "connectionreferencedisplayname",
    )
    .with(states(&["Active", "Inactive"], &[(1, 0, "Active"), (2, 1, "Inactive")]))
    .with(component())
    .with(owned())
    .with(standard::connection_reference())
    .key(
        "ConnectionReferenceLogicalNameKey",
        &["componentstate", "connectionreferencelogicalname", "overwritetime"],
        Violation::EntityKey,
    )
}

fn flow_run() -> Table {
    let mut table = start("flowrun", "flowrun", "Flow Run", 10_002, "name")
        .with(owned())
        .with(standard::flow_run());
    table.kind = TableKind::Elastic;
    table
}

fn publisher() -> Table {
    start("publisher", "Publisher", "Publisher", 7101, "friendlyname")
        .with(dates())
        .with(standard::publisher())
}

fn sdk_message() -> Table {
    start("sdkmessage", "SdkMessage", "Sdk Message", 4606, "name")
        .with(dates())
        .with(component())
        .with(standard::sdk_message())
}

fn sdk_message_filter() -> Table {
    start("sdkmessagefilter", "SdkMessageFilter", "Sdk Message Filter", 4607, "name")
        .with(dates())
        .with(component())
        .with(standard::sdk_message_filter())
}
