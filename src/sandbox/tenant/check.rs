//! What is wrong in a tenant file, all of it at once.

use std::collections::{BTreeMap, BTreeSet};

use super::super::entra::certificate::Certificate;
use super::super::entra::codes;
use super::super::guid::Guid;
use super::fault::FaultFile;
use super::file::{Application, ServiceName, TenantFile};
use super::flows::FlowFile;
use super::plug_ins::{Deed, PlugInFile};
use super::sign_in::{RefreshRefusal, SignInRefusal, TokenRevocation};
use super::switches::ValueKey;
use super::tables::{ColumnKind, TableFile, VariableFile};
use super::throttling::Limits;

/// Lists every problem, each naming its place.
pub(crate) fn problems(
    file: &TenantFile,
    definitions: &BTreeMap<Guid, String>,
    certificates: &BTreeMap<Guid, String>,
) -> Vec<String> {
    let mut found = Problems::default();
    found
        .unless(file.version == 1, || format!("version: {} is not known, only 1 is", file.version));
    found.unless(!file.applications.is_empty(), || {
        "application: at least one is needed to sign in".to_owned()
    });
    file.applications.iter().for_each(|one| application(one, certificates, &mut found));
    environment(file, &mut found);
    flows(&file.flows, definitions, &mut found);
    variables(file, &mut found);
    file.tables.iter().for_each(|one| table(one, &mut found));
    names(&file.tables, &mut found);
    file.plug_ins.iter().enumerate().for_each(|(index, one)| plug_in(index, one, &mut found));
    file.faults.iter().enumerate().for_each(|(index, one)| fault(index, one, &mut found));
    limits("dataverse", &file.throttling.dataverse, &mut found);
    limits("flow", &file.throttling.flow, &mut found);
    refusals(&file.refresh_refusals, &mut found);
    let scripted = file.sign_in_refusals.iter().enumerate();
    scripted.for_each(|(index, one)| scripted_refusal(index, one, &mut found));
    let revocations = file.token_revocations.iter().enumerate();
    revocations.for_each(|(index, one)| revocation(index, one, &mut found));
    found.0
}

#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn unless(&mut self, good: bool, message: impl FnOnce() -> String) {
        if !good {
            self.0.push(format!("  {}", message()));
        }
    }
}

fn plug_in(index: usize, one: &PlugInFile, found: &mut Problems) {
    let place = format!("plug-in {}", index + 1);
    let rewrites = one.does == Deed::Rewrite;
    let (column, value) = (one.column.is_some(), one.value.is_some());
    found.unless(column == rewrites && value == rewrites, || {
        format!("{place}: `rewrite` needs `column` and `value`, which nothing else has")
    });
    found.unless(one.message.is_none() || one.does == Deed::Refuse, || {
        format!("{place}: `message` needs `does = \"refuse\"`")
    });
}

fn application(one: &Application, certificates: &BTreeMap<Guid, String>, found: &mut Problems) {
    let text = certificates.get(&one.client_id);
    found.unless(text.is_none_or(|text| Certificate::parse(text).is_some()), || {
        format!("application {:?}: certificate holds no certificate in PEM", one.name)
    });
}

fn environment(file: &TenantFile, found: &mut Problems) {
    let id = &file.environment.id;
    let guid = id.strip_prefix("Default-").unwrap_or(id);
    found.unless(guid.parse::<Guid>().is_ok(), || {
        format!("environment: id `{id}` is neither a GUID nor `Default-` and a GUID")
    });
}

fn flows(flows: &[FlowFile], definitions: &BTreeMap<Guid, String>, found: &mut Problems) {
    let mut seen = BTreeSet::new();
    for one in flows {
        let place = format!("flow {:?}", one.name);
        found.unless(seen.insert(one.workflow_id), || {
            format!("{place}: workflow-id `{}` is used twice", one.workflow_id)
        });
        flow(one, &place, found);
        let text = definitions.get(&one.workflow_id);
        let problem = text.and_then(|text| serde_json::from_str::<serde_json::Value>(text).err());
        found.unless(problem.is_none(), || {
            let name = one.definition.as_deref().unwrap_or_default();
            format!(
                "{place}: definition `{name}` is not JSON: {}",
                problem.map(|error| error.to_string()).unwrap_or_default()
            )
        });
    }
}

fn flow(one: &FlowFile, place: &str, found: &mut Problems) {
    let shorthand = one.trigger.is_some()
        || one.trigger_type.is_some()
        || one.kind.is_some()
        || one.authentication.is_some()
        || one.method.is_some()
        || one.relative_path.is_some()
        || one.allowed_users.is_some();
    let ways = [shorthand, !one.triggers.is_empty(), one.definition.is_some()];
    found.unless(ways.iter().filter(|way| **way).count() <= 1, || {
        format!("{place}: give one of a trigger, `triggers` and `definition`")
    });
    let resource = one.resource_id.as_deref().unwrap_or("none");
    found.unless(resource == "none" || resource.parse::<Guid>().is_ok(), || {
        format!("{place}: resource-id `{resource}` is neither a GUID nor `none`")
    });
    found.unless((0..=7).contains(&one.category), || {
        format!("{place}: category {} is not one of 0 to 7", one.category)
    });
    let kinds =
        one.triggers.iter().map(|trigger| &trigger.authentication).chain([&one.authentication]);
    for kind in kinds.flatten() {
        let known = ["Tenant", "User", "All"].iter().any(|one| one.eq_ignore_ascii_case(kind));
        found.unless(known, || {
            format!("{place}: authentication `{kind}` is none of `Tenant`, `User` and `All`")
        });
    }
}

fn variables(file: &TenantFile, found: &mut Problems) {
    let several = file.switches.dataverse.environment_variable_key == ValueKey::SchemaName;
    let mut seen = BTreeSet::new();
    for one in &file.variables {
        let place = format!("environment-variable {:?}", one.schema_name);
        found.unless(seen.insert(one.schema_name.to_lowercase()), || {
            format!("{place}: stands twice")
        });
        found.unless(one.second_value.is_none() || several, || {
            format!("{place}: second-value needs `switches.dataverse.environment-variable-key = \"schema-name\"`")
        });
        lengths(one, &place, found);
    }
}

fn lengths(one: &VariableFile, place: &str, found: &mut Problems) {
    found.unless(one.schema_name.chars().count() <= 100, || {
        format!("{place}: schema-name is longer than 100 characters")
    });
    for (name, text) in
        [("default", &one.default), ("value", &one.value), ("second-value", &one.second_value)]
    {
        let length = text.as_deref().map_or(0, |text| text.chars().count());
        found.unless(length <= 2000, || format!("{place}: {name} is longer than 2000 characters"));
    }
}

fn names(tables: &[TableFile], found: &mut Problems) {
    let mut seen: BTreeSet<&str> = super::super::dataverse::catalog::BUILT_IN.into_iter().collect();
    for one in tables {
        found.unless(seen.insert(&one.name), || {
            format!("table {:?}: stands twice, or is built in", one.name)
        });
    }
}

fn table(one: &TableFile, found: &mut Problems) {
    let place = format!("table {:?}", one.name);
    let id = format!("{}id", one.name);
    let mut columns = BTreeSet::from([id.as_str()]);
    for column in &one.columns {
        let place = format!("{place}, column {:?}", column.name);
        found.unless(columns.insert(&column.name), || format!("{place}: stands twice"));
        found.unless(column.name == column.name.to_lowercase(), || {
            format!("{place}: logical names are lower case")
        });
        let lookup = column.kind == ColumnKind::Lookup;
        found.unless(lookup == column.target.is_some(), || {
            format!("{place}: a lookup, and nothing else, has a target")
        });
        let choice = column.kind == ColumnKind::Choice;
        found.unless(choice != column.options.is_empty(), || {
            format!("{place}: a choice, and nothing else, has options")
        });
    }
    found.unless(columns.contains(one.primary_name.as_str()), || {
        format!("{place}: primary-name `{}` is not one of its columns", one.primary_name)
    });
    for key in &one.keys {
        let unknown = key.columns.iter().find(|name| !columns.contains(name.as_str()));
        found.unless(unknown.is_none() && !key.columns.is_empty(), || {
            format!(
                "{place}, key {:?}: `{}` is not a column",
                key.name,
                unknown.cloned().unwrap_or_default()
            )
        });
    }
    for (index, row) in one.rows.iter().enumerate() {
        for name in row.keys().filter(|name| !columns.contains(name.as_str())) {
            found.unless(false, || format!("{place}, row {}: `{name}` is not a column", index + 1));
        }
    }
}

fn fault(index: usize, one: &FaultFile, found: &mut Problems) {
    for problem in one.problems() {
        found.unless(false, || format!("fault {}: {problem}", index + 1));
    }
}

fn limits(name: &str, one: &Limits, found: &mut Problems) {
    for problem in one.problems() {
        found.unless(false, || format!("throttling.{name}: {problem}"));
    }
}

fn refusals(all: &[RefreshRefusal], found: &mut Problems) {
    for (index, one) in all.iter().enumerate() {
        let twice = all[..index].iter().any(|other| other.resource == one.resource);
        found
            .unless(!twice, || format!("refresh-refusal {}: its resource stands twice", index + 1));
    }
}

fn scripted_refusal(index: usize, one: &SignInRefusal, found: &mut Problems) {
    let place = format!("sign-in-refusal {}", index + 1);
    found.unless(one.error.is_some() || codes::find(one.code).is_some(), || {
        format!("{place}: code {} is not known, so it needs an `error`", one.code)
    });
    let status = one.status.unwrap_or(400);
    found.unless(status == 200 || (400..600).contains(&status), || {
        format!("{place}: status {status} is not an error (400 to 599, or 200)")
    });
}

fn revocation(index: usize, one: &TokenRevocation, found: &mut Problems) {
    let place = format!("token-revocation {}", index + 1);
    let takes_tokens = matches!(one.service, ServiceName::Dataverse | ServiceName::Flow);
    found.unless(takes_tokens, || format!("{place}: service is neither `dataverse` nor `flow`"));
    found.unless(one.after > 0, || format!("{place}: after is less than 1"));
}
