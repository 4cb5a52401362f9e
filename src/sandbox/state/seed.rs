//! The state that a tenant begins with.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::clock::Moment;
use super::super::dataverse::schema::Schema;
use super::super::dataverse::{catalog, rows};
use super::super::guid::Guid;
use super::super::seal::Key;
use super::super::tenant::Tenant;
use super::super::tenant::flows::{FlowFile, FlowState};
use super::super::tenant::tables::{TableFile, VariableFile};
use super::{Database, Index, Row};

/// How long ago the rows of a new tenant were created.
const AGE: Duration = Duration::from_hours(24 * 30);

/// The version of the state's format.
pub(crate) const FORMAT: u32 = 1;

/// Makes the first state of a tenant.
pub(crate) fn database(tenant: &Tenant) -> Database {
    let mut seed = Seed {
        tenant,
        schema: catalog::schema(tenant),
        installed: Moment::now().before(AGE),
        database: empty(tenant),
    };
    seed.people();
    seed.flows();
    tenant.file.variables.iter().for_each(|variable| seed.variable(variable));
    seed.synthetic();
    tenant.file.tables.iter().for_each(|table| seed.table(table));
    seed.solution();
    seed.database
}

/// The keys: tokens are sealed with one of this state alone, callback addresses with one that the environment
/// always has, since they stay the same from run to run.
fn empty(tenant: &Tenant) -> Database {
    Database {
        format: FORMAT,
        tenant: tenant.digest.clone(),
        revision: 0,
        token_key: Key::random(),
        callback_key: Key::derived(&format!("callback {}", tenant.file.environment.id)),
        tables: BTreeMap::new(),
        sessions: BTreeMap::new(),
        regenerated: BTreeMap::new(),
        consents: BTreeSet::new(),
        authorizations: BTreeMap::new(),
        spent: BTreeSet::new(),
        revoked: BTreeSet::new(),
        issued: 0,
        index: Index::default(),
    }
}

/// Returns the id that the Flow service gives a flow when it is first turned on.
pub(crate) fn resource_id(tenant: &Tenant, workflow: Guid) -> Guid {
    Guid::derived(&["resource", &tenant.file.environment.id, &workflow.to_string()])
}

struct Seed<'a> {
    tenant: &'a Tenant,
    schema: Schema,
    /// When the tenant's rows were created.
    installed: Moment,
    database: Database,
}

impl Seed<'_> {
    fn put(&mut self, table: &str, id: Guid, values: Value) {
        let Some(shape) = self.schema.table(table) else { return };
        let Value::Object(given) = values else { return };
        let given = given.into_iter().collect();
        let complete = rows::complete(shape, id, given, self.tenant.file.user.id, self.installed);
        self.database.put(table, id, complete);
    }

    fn derived(&self, kind: &str, name: &str) -> Guid {
        Guid::derived(&[kind, &self.tenant.file.environment.id, &name.to_lowercase()])
    }

    fn people(&mut self) {
        let file = &self.tenant.file;
        let user = json!({
            "fullname": file.user.name,
            "domainname": file.user.principal_name,
            "internalemailaddress": file.user.principal_name,
            "azureactivedirectoryobjectid": file.user.object_id.to_string(),
            "businessunitid": business_unit(self.tenant).to_string(),
        });
        self.put("systemuser", file.user.id, user);
        let other = json!({
            "fullname": "Somebody Else",
            "domainname": format!("somebody@{}", file.directory.domain),
            "azureactivedirectoryobjectid": self.derived("object", "somebody").to_string(),
            "businessunitid": business_unit(self.tenant).to_string(),
        });
        self.put("systemuser", self.derived("user", "somebody"), other);
        for application in file.applications.iter().filter(|one| one.is_member) {
            let user = json!({
                "fullname": format!("# {}", application.name),
                "applicationid": application.client_id.to_string(),
                "businessunitid": business_unit(self.tenant).to_string(),
                "accessmode": 4,
            });
            self.put("systemuser", application_user(application.client_id), user);
        }
        let unit = json!({"name": file.environment.unique_name, "organizationid": file.environment.organization_id.to_string()});
        self.put("businessunit", business_unit(self.tenant), unit);
        let organization = json!({"name": file.environment.unique_name, "languagecode": 1033});
        self.put("organization", file.environment.organization_id, organization);
    }

    fn flows(&mut self) {
        for flow in &self.tenant.file.flows {
            let row = self.flow(flow, self.tenant.client_data(flow).as_deref());
            self.put("workflow", flow.workflow_id, row);
        }
    }

    /// Puts the made-up flows, which hold no definition of their own, and their variables.
    fn synthetic(&mut self) {
        let Some(synthetic) = self.tenant.synthetic else { return };
        for flow in synthetic.flows() {
            let row = self.flow(&flow, None);
            self.put("workflow", flow.workflow_id, row);
        }
        synthetic.variables().for_each(|variable| self.variable(&variable));
    }

    fn flow(&self, flow: &FlowFile, client_data: Option<&str>) -> Value {
        let (state, status) = match flow.state {
            FlowState::Draft => (0, 1),
            FlowState::Activated => (1, 2),
            FlowState::Suspended => (2, 3),
        };
        let owner =
            if flow.owner { self.tenant.file.user.id } else { self.derived("user", "somebody") };
        let unique = Guid::derived(&[
            "installation",
            &self.tenant.file.environment.id,
            &flow.workflow_id.to_string(),
        ]);
        json!({
            "name": flow.name,
            "category": flow.category,
            "type": 1,
            "modernflowtype": if flow.category == 5 { json!(0) } else { Value::Null },
            "statecode": state,
            "statuscode": status,
            "suspensionreasondetails": (state == 2).then_some("The flow uses a connector that a data policy blocks."),
            "clientdata": client_data,
            "workflowidunique": unique.to_string(),
            "resourceid": self.resource(flow),
            "ownerid": owner.to_string(),
        })
    }

    fn resource(&self, flow: &FlowFile) -> Option<String> {
        let unregistered =
            flow.category != 5 || (flow.state == FlowState::Draft && flow.never_activated);
        match flow.resource_id.as_deref() {
            Some("none") => None,
            Some(given) => Some(given.to_lowercase()),
            None if unregistered => None,
            None => Some(resource_id(self.tenant, flow.workflow_id).to_string()),
        }
    }

    fn variable(&mut self, variable: &VariableFile) {
        let id = self.derived("definition", &variable.schema_name);
        let definition = json!({
            "schemaname": variable.schema_name,
            "displayname": variable.display_name.as_deref().unwrap_or(&variable.schema_name),
            "type": variable.kind.option(),
            "defaultvalue": variable.default,
        });
        self.put("environmentvariabledefinition", id, definition);
        if let Some(value) = &variable.value {
            self.variable_value(id, &variable.schema_name, &variable.schema_name, value);
        }
        if let Some(value) = &variable.second_value {
            let generated = self.derived("second", &variable.schema_name).to_string();
            self.variable_value(id, &format!("{} second", variable.schema_name), &generated, value);
        }
    }

    fn variable_value(&mut self, definition: Guid, name: &str, schema_name: &str, value: &str) {
        let row = json!({
            "schemaname": schema_name,
            "value": value,
            "environmentvariabledefinitionid": definition.to_string(),
        });
        self.put("environmentvariablevalue", self.derived("value", name), row);
    }

    fn table(&mut self, table: &TableFile) {
        for (index, row) in table.rows.iter().enumerate() {
            let values: BTreeMap<String, Value> = row
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), plain(value)?)))
                .collect();
            let own = values
                .get(&format!("{}id", table.name))
                .and_then(Value::as_str)
                .and_then(|text| text.parse().ok());
            let id = own.unwrap_or_else(|| self.derived(&table.name, &index.to_string()));
            self.put(&table.name, id, json!(values));
        }
    }

    /// Puts the cloud flows and definitions into one solution.
    fn solution(&mut self) {
        let id = self.derived("solution", "sandbox");
        let publisher = self.derived("publisher", "contoso");
        let row = json!({
            "uniquename": "contoso",
            "friendlyname": "Contoso",
            "customizationprefix": "contoso",
            "customizationoptionvalueprefix": 10_300,
        });
        self.put("publisher", publisher, row);
        let row = json!({
            "uniquename": "ContosoSandbox",
            "friendlyname": "Contoso sandbox",
            "version": "1.0.0.0",
            "publisherid": publisher.to_string(),
            "organizationid": self.tenant.file.environment.organization_id.to_string(),
            "installedon": self.installed.iso(),
            "updatedon": self.installed.iso(),
        });
        self.put("solution", id, row);
        let cloud = |row: &Row| row.number("category") == Some(5);
        let flows = self.database.rows("workflow").filter(|(_, row)| cloud(row));
        let flows = flows.map(|(id, _)| (29, id));
        let variables =
            self.database.rows("environmentvariabledefinition").map(|(id, _)| (380, id));
        let parts: Vec<(u32, Guid)> = flows.chain(variables).collect();
        for (kind, object) in parts {
            let row = json!({"objectid": object.to_string(), "componenttype": kind, "solutionid": id.to_string()});
            self.put("solutioncomponent", self.derived("component", &object.to_string()), row);
        }
    }
}

/// Returns the id of the user that an organisation has for an application.
pub(crate) fn application_user(client_id: Guid) -> Guid {
    Guid::derived(&["application user", &client_id.to_string()])
}

/// Returns the id of the only business unit.
pub(crate) fn business_unit(tenant: &Tenant) -> Guid {
    Guid::derived(&["business unit", &tenant.file.environment.id])
}

/// Turns a value of the tenant file into one of a row.
fn plain(value: &toml::Value) -> Option<Value> {
    match value {
        toml::Value::String(text) => Some(json!(text)),
        toml::Value::Integer(number) => Some(json!(number)),
        toml::Value::Float(number) => Some(json!(number)),
        toml::Value::Boolean(answer) => Some(json!(answer)),
        toml::Value::Datetime(moment) => Some(json!(moment.to_string())),
        toml::Value::Array(_) | toml::Value::Table(_) => None,
    }
}
