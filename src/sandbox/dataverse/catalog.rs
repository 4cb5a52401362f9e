//! The tables that every organisation has, as far as they are modelled, and those of the tenant file.
//!
//! Names, types and lengths are those of Microsoft's table reference
//! (<https://learn.microsoft.com/power-apps/developer/data-platform/reference/about-entity-reference>).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::tenant::Tenant;
use super::super::tenant::file::{ColumnFile, ColumnKind, TableFile};
use super::super::tenant::switches::{DuplicateCode, ValueKey};
use super::schema::{Column, Key, Kind, Lookup, Schema, Table, Violation};

/// The logical names of the built-in tables.
pub(crate) const BUILT_IN: [&str; 7] = [
    "workflow",
    "environmentvariabledefinition",
    "environmentvariablevalue",
    "solution",
    "solutioncomponent",
    "systemuser",
    "organization",
];

/// The moment that components which were never overwritten carry.
pub(crate) const NEVER_OVERWRITTEN: &str = "1900-01-01T00:00:00Z";

/// Returns every table of a tenant.
pub(crate) fn schema(tenant: &Tenant) -> Schema {
    let mut tables = vec![
        workflow(),
        definition(),
        value(tenant),
        solution(),
        solution_component(),
        system_user(),
        organization(),
    ];
    let off = &tenant.file.environment.without_optimistic_concurrency;
    for table in &mut tables {
        table.optimistic = !off.contains(&table.name);
    }
    tables.extend(tenant.file.tables.iter().enumerate().map(|(index, file)| custom(file, index)));
    Schema { tables }
}

fn workflow() -> Table {
    let mut table = start("workflow", "Workflow", "Process", 4703, "name")
        .with([
            text("name", 100),
            text("uniquename", 256),
            memo("description", 4000),
            memo("clientdata", 1_073_741_823),
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
        .with(owned());
    "workflows".clone_into(&mut table.set);
    table
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
    .with(owned());
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
}

fn system_user() -> Table {
    start("systemuser", "SystemUser", "User", 8, "fullname")
        .with([text("fullname", 200), text("domainname", 1024), text("internalemailaddress", 100)])
        .with([
            column("azureactivedirectoryobjectid", Kind::Guid),
            boolean("isdisabled", Some(false)),
            system(column("businessunitid", Kind::Guid)),
        ])
        .with(dates())
}

fn organization() -> Table {
    start("organization", "Organization", "Organization", 1019, "name")
        .with([text("name", 160), column("languagecode", Kind::Integer)])
        .with(dates())
}

/// Columns of everything that can stand in a solution.
fn component() -> [Column; 5] {
    let labels = ["Published", "Unpublished", "Deleted", "Deleted Unpublished"];
    [
        system(boolean("ismanaged", Some(false))),
        system(column("solutionid", Kind::Guid))
            .default(json!("fd140aad-4df4-11dd-bd17-0019b9312238")),
        system(choice("componentstate", &labels)).default(json!(0)),
        system(column("overwritetime", Kind::DateTime)).default(json!(NEVER_OVERWRITTEN)),
        system(boolean("iscustomizable", None)),
    ]
}

/// Columns of rows that belong to a person.
fn owned() -> Vec<Column> {
    let mut columns = vec![lookup("ownerid", "systemuser", "ownerid")];
    columns.push(system(lookup("createdby", "systemuser", "createdby")));
    columns.push(system(lookup("modifiedby", "systemuser", "modifiedby")));
    columns.extend(dates());
    columns
}

/// Columns that the platform keeps on every row.
fn dates() -> [Column; 3] {
    [
        system(column("createdon", Kind::DateTime)),
        system(column("modifiedon", Kind::DateTime)),
        system(column("versionnumber", Kind::BigInteger)),
    ]
}

fn states(labels: &[&str], statuses: &[(i64, i64, &str)]) -> [Column; 2] {
    let status = statuses
        .iter()
        .map(|(value, state, label)| (*value, (*state, (*label).to_owned())))
        .collect();
    let first = statuses.first().map(|(value, ..)| *value);
    [
        column("statecode", Kind::State(numbered(labels))).default(json!(0)),
        Column { default: first.map(Value::from), ..column("statuscode", Kind::Status(status)) },
    ]
}

/// Makes a table of the tenant file. Type codes of custom tables differ from organisation to organisation.
fn custom(file: &TableFile, index: usize) -> Table {
    let code = 10_300 + u32::try_from(index).unwrap_or_default();
    let display = file.display_name.as_deref().unwrap_or(&file.name);
    let mut table = start(&file.name, &file.name, display, code, &file.primary_name)
        .with(file.columns.iter().map(custom_column))
        .with(states(&["Active", "Inactive"], &[(1, 0, "Active"), (2, 1, "Inactive")]))
        .with(owned());
    for key in &file.keys {
        let columns: Vec<&str> = key.columns.iter().map(String::as_str).collect();
        table = table.key(&key.name, &columns, Violation::EntityKey);
    }
    if let Some(set) = &file.set {
        table.set.clone_from(set);
    }
    table.optimistic = file.optimistic_concurrency;
    table.custom = true;
    table
}

fn custom_column(file: &ColumnFile) -> Column {
    let kind = match file.kind {
        ColumnKind::Text => Kind::Text(file.max_length.unwrap_or(100)),
        ColumnKind::Memo => Kind::Memo(file.max_length.unwrap_or(2000)),
        ColumnKind::Integer => Kind::Integer,
        ColumnKind::Decimal => Kind::Decimal,
        ColumnKind::Boolean => Kind::Boolean,
        ColumnKind::DateTime => Kind::DateTime,
        ColumnKind::Guid => Kind::Guid,
        ColumnKind::Choice => Kind::Choice(
            file.options.iter().map(|(label, value)| (*value, label.clone())).collect(),
        ),
        ColumnKind::Lookup => Kind::Lookup(Lookup {
            target: file.target.clone().unwrap_or_default(),
            navigation: file.navigation.clone().unwrap_or_else(|| file.name.clone()),
            collection: None,
            cascade: false,
            platform: false,
        }),
    };
    Column {
        for_create: file.valid_for_create,
        for_update: file.valid_for_update,
        ..column(&file.name, kind)
    }
}

fn start(
    name: &str,
    schema_name: &str,
    display: &str,
    type_code: u32,
    primary_name: &str,
) -> Table {
    let id = format!("{name}id");
    let columns = vec![fixed(column(&id, Kind::Id))];
    Table {
        name: name.to_owned(),
        set: format!("{name}s"),
        display: display.to_owned(),
        schema_name: schema_name.to_owned(),
        type_code,
        id,
        primary_name: primary_name.to_owned(),
        columns,
        keys: Vec::new(),
        optimistic: true,
        custom: false,
    }
}

impl Table {
    fn with(mut self, columns: impl IntoIterator<Item = Column>) -> Self {
        self.columns.extend(columns);
        self
    }

    fn key(mut self, name: &str, columns: &[&str], violation: Violation) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        self.keys.push(Key { name: name.to_owned(), columns, violation });
        self
    }
}

impl Column {
    fn default(mut self, value: Value) -> Self {
        self.default = Some(value);
        self
    }

    fn numbered_from_one(mut self) -> Self {
        if let Kind::Choice(options) = self.kind {
            self.kind = Kind::Choice(
                options.into_iter().map(|(value, label)| (value + 1, label)).collect(),
            );
        }
        self
    }
}

fn column(name: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        schema_name: name.to_owned(),
        kind,
        for_create: true,
        for_update: true,
        default: None,
    }
}

fn text(name: &str, length: usize) -> Column {
    column(name, Kind::Text(length))
}

fn memo(name: &str, length: usize) -> Column {
    column(name, Kind::Memo(length))
}

fn boolean(name: &str, default: Option<bool>) -> Column {
    Column { default: default.map(Value::from), ..column(name, Kind::Boolean) }
}

fn choice(name: &str, labels: &[&str]) -> Column {
    column(name, Kind::Choice(numbered(labels)))
}

fn lookup(name: &str, target: &str, navigation: &str) -> Column {
    let lookup = Lookup {
        target: target.to_owned(),
        navigation: navigation.to_owned(),
        collection: None,
        cascade: false,
        platform: true,
    };
    column(name, Kind::Lookup(lookup))
}

/// Lets a column be set on creation only.
fn fixed(column: Column) -> Column {
    Column { for_update: false, ..column }
}

/// Lets a column be set by the platform only.
fn system(column: Column) -> Column {
    Column { for_create: false, for_update: false, ..column }
}

fn numbered(labels: &[&str]) -> BTreeMap<i64, String> {
    (0..).zip(labels.iter().map(|label| (*label).to_owned())).collect()
}
