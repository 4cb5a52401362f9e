//! Plans the desired values of environment variables into a file of deployment settings.
//!
//! A file is one more place that holds values of environment variables. So its entries stand in for
//! the rows of the environment, and the planner compares them as it compares those.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Settings;
use crate::model::{
    Binding, Cloud, Code, Desired, EntityTag, ManifestPosition, Observed, Problem, Reading, RowId,
    SchemaName, StoredText, Targets, UrlAccess, ValueRow, Variable, VariableType,
};
use crate::plan::{Action, Change, Plan, ValueView, Write, WriteStage, plan};

/// The changes that an export makes to a file.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    /// Every binding with its change. If there is a problem, the file is not changed.
    pub plan: Plan,
    /// The text of the file after the export.
    pub after: StoredText,
    /// The change of each variable, in the manifest's order.
    pub variables: Vec<ExportedVariable>,
    /// The number of entries in the file that are about other variables.
    pub others: usize,
}

/// The change that an export makes to the entry of one variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedVariable {
    /// The variable.
    pub schema_name: SchemaName,
    /// The action on the entry.
    pub action: Action,
    /// True if its value holds a signed URL.
    pub secret: bool,
}

/// Compares the desired state with the file. All bindings must be to environment variables.
pub(crate) fn plan_export(
    desired: &Desired,
    observed: &Observed,
    settings: &Settings,
    cloud: &Cloud,
) -> Export {
    let names = bound_variables(desired);
    let variables = names.iter().enumerate().map(|(place, name)| {
        let reading = observed.targets.variables.get(*name);
        ((*name).clone(), variable_in_file(name, place, reading, settings))
    });
    let targets = Targets { variables: variables.collect(), in_file: true, ..Targets::default() };
    let planned = plan(desired, &Observed { flows: observed.flows.clone(), targets }, cloud);
    let after = settings.with_values(&written_values(&planned, &names));
    let sites = variables_by_site(desired);
    let told = |change| reword_for_file(change, changed_variable(&sites, change), settings);
    let changes: Vec<Change> = planned.changes.iter().map(told).collect();
    let variables = exported_entries(&names, &sites, &changes, settings);
    let own = names.iter().filter(|name| settings.entry(name).is_some()).count();
    let others = settings.entries().len() - own;
    let warnings = warnings(desired, observed, &planned);
    let write = WriteStage { writes: planned.writes().to_vec(), targets: Vec::new() };
    let plan = Plan::new(changes, planned.problems, warnings, write);
    Export { plan, after, variables, others }
}

/// Returns the variables that the manifest binds, each once, in the manifest's order.
fn bound_variables(desired: &Desired) -> Vec<&SchemaName> {
    let mut seen = HashSet::new();
    let names = desired.bindings.iter().filter_map(|binding| binding.target.variable());
    names.filter(|name| seen.insert(*name)).collect()
}

/// Maps the place of each binding in the manifest to the variable that it writes.
fn variables_by_site(desired: &Desired) -> BTreeMap<ManifestPosition, &SchemaName> {
    let bindings = desired.bindings.iter();
    bindings.filter_map(|binding| Some((binding.site, binding.target.variable()?))).collect()
}

/// Returns the variable that a change is about.
fn changed_variable<'run>(
    sites: &BTreeMap<ManifestPosition, &'run SchemaName>,
    change: &Change,
) -> Option<&'run SchemaName> {
    sites.get(&change.site?).copied()
}

/// Builds the variable as the plan sees it, with the value from the file. A variable that the
/// environment does not have yet may come with the solution to be imported, and is treated as a
/// text.
fn variable_in_file(
    name: &SchemaName,
    place: usize,
    reading: Option<&Reading<Variable>>,
    settings: &Settings,
) -> Reading<Variable> {
    let (variable_type, schema_name, default) = match reading {
        Some(Reading::Refused(refusal)) => return Reading::Refused(refusal.clone()),
        Some(Reading::Found(variable)) => {
            (variable.variable_type, &variable.schema_name, effective_value(variable))
        }
        Some(Reading::Absent) | None => (VariableType::String, name, None),
    };
    let Some((id, tag)) = synthetic_row(place) else { return Reading::Absent };
    let held = settings.entry(name).and_then(|entry| entry.value.clone());
    let row = held.map(|text| ValueRow { id, tag, text: Some(text) });
    Reading::Found(Variable {
        definition: id,
        schema_name: schema_name.clone(),
        variable_type,
        default,
        values: row.into_iter().collect(),
    })
}

/// Returns the value that holds in the environment, or the default. Members of a JSON value that no
/// binding writes are taken from there.
fn effective_value(variable: &Variable) -> Option<StoredText> {
    let value = variable.values.first().and_then(|row| row.text.clone());
    value.or_else(|| variable.default.clone())
}

/// Makes up the id and version of an entry from its place, because the entries of a file have
/// neither.
fn synthetic_row(place: usize) -> Option<(RowId, EntityTag)> {
    let id = format!("00000000-0000-0000-0000-{:012x}", place + 1).parse().ok()?;
    Some((id, EntityTag::new("file")?))
}

/// Returns the values that the plan writes, each with its variable.
fn written_values<'run>(
    plan: &'run Plan,
    names: &[&'run SchemaName],
) -> Vec<(&'run SchemaName, &'run StoredText)> {
    let rows =
        names.iter().enumerate().filter_map(|(place, name)| Some((synthetic_row(place)?.0, *name)));
    let names: HashMap<RowId, &SchemaName> = rows.collect();
    let value = |write: &'run Write| match write {
        Write::CreateVariableValue { schema_name, text, .. } => Some((schema_name, text)),
        Write::UpdateVariableValue { id, text, .. } => Some((*names.get(id)?, text)),
        _ => None,
    };
    plan.writes().iter().filter_map(value).collect()
}

/// Rewrites a change of the variable so that its action and reason speak of the file.
fn reword_for_file(change: &Change, name: Option<&SchemaName>, settings: &Settings) -> Change {
    let entry = name.and_then(|name| settings.entry(name));
    let (action, reason) = match entry {
        None => (Action::Create, "the file has no entry for the variable"),
        Some(entry) if entry.value.is_none() => (Action::Update, "the value in the file is empty"),
        Some(_) => return change.clone(),
    };
    Change { action, reason: reason.into(), ..change.clone() }
}

/// Returns what happens to the entry of each variable.
fn exported_entries(
    names: &[&SchemaName],
    sites: &BTreeMap<ManifestPosition, &SchemaName>,
    changes: &[Change],
    settings: &Settings,
) -> Vec<ExportedVariable> {
    let mut own: HashMap<&SchemaName, Vec<&Change>> = HashMap::new();
    for change in changes {
        if let Some(name) = changed_variable(sites, change) {
            own.entry(name).or_default().push(change);
        }
    }
    let own = |name| own.get(name).map_or(&[][..], Vec::as_slice);
    names.iter().map(|name| exported_entry(name, own(name), settings)).collect()
}

/// Returns what happens to the entry of one variable.
fn exported_entry(name: &SchemaName, own: &[&Change], settings: &Settings) -> ExportedVariable {
    let action = if settings.entry(name).is_none() {
        Action::Create
    } else if own.iter().any(|change| change.action != Action::NoOp) {
        Action::Update
    } else {
        Action::NoOp
    };
    let secret = own.iter().any(|change| writes_signed_url(change));
    ExportedVariable { schema_name: name.clone(), action, secret }
}

/// Returns true if the change writes a signed URL.
fn writes_signed_url(change: &Change) -> bool {
    matches!(&change.after, Some(ValueView::Url(view)) if view.kind == UrlAccess::Signed)
}

/// Collects the warnings: values that are secret, and variables that do not exist yet.
fn warnings(desired: &Desired, observed: &Observed, planned: &Plan) -> Vec<Problem> {
    let others = planned.warnings.iter().filter(|warning| warning.code != Code::SignedUrl);
    let signed =
        planned.changes.iter().filter(|change| writes_signed_url(change)).map(signed_url_warning);
    let is_absent = |binding: &&Binding| {
        let reading =
            binding.target.variable().and_then(|name| observed.targets.variables.get(name));
        matches!(reading, None | Some(Reading::Absent))
    };
    let absent = desired.bindings.iter().filter(is_absent).map(missing_variable_warning);
    let mut warnings: Vec<Problem> = others.cloned().chain(signed).chain(absent).collect();
    warnings.sort_by_key(|warning| warning.site);
    warnings
}

fn signed_url_warning(change: &Change) -> Problem {
    Problem {
        code: Code::SignedUrl,
        address: Some(change.address.clone()),
        message: format!(
            "the URL of the flow `{}` is signed, so the file is a secret: anyone who reads it can run the flow",
            change.flow_name
        ),
        hint: "do not commit or publish the file, and delete it after the import; or let the trigger accept only users of the tenant"
            .to_owned(),
        site: change.site,
    }
}

fn missing_variable_warning(binding: &Binding) -> Problem {
    Problem {
        code: Code::DefinitionMissing,
        address: Some(binding.target.address()),
        message: "the environment variable does not exist in this environment yet".to_owned(),
        hint: "import a solution that defines it with this file, or correct `environment-variable`"
            .to_owned(),
        site: Some(binding.site),
    }
}
