//! Compares the privileges that the writes of a plan need with those that the user holds.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{Change, Plan};
use super::refusals::privilege_hint;
use super::write::Write;
use crate::model::{Code, Problem, Reading, Table, Targets};

/// The privilege to create a value of an environment variable.
const CREATE_VALUE: &str = "prvCreateEnvironmentVariableValue";

/// The privilege to change a value of an environment variable.
const CHANGE_VALUE: &str = "prvWriteEnvironmentVariableValue";

/// The privileges that the writes of a plan need, each with the addresses of the targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeededPrivileges {
    targets: BTreeMap<String, Vec<String>>,
}

impl NeededPrivileges {
    /// Returns the privileges that the writes of a plan need.
    pub fn new(plan: &Plan, targets: &Targets) -> Self {
        let mut needed = Self::default();
        for (place, write) in plan.planned_writes().iter().enumerate() {
            if let Some(name) = needed_by(write, targets) {
                needed.targets.entry(name).or_default().extend_from_slice(plan.targets_of(place));
            }
        }
        needed
    }

    /// Returns the names of the privileges.
    pub fn names(&self) -> Vec<String> {
        self.targets.keys().cloned().collect()
    }

    /// Returns a problem for each target whose write needs a privilege that is not among `held`,
    /// which are in lower case, and the same as warnings for values of environment variables. The
    /// values take their privileges from the variable's definition, so that a privilege of their
    /// own that is missing proves nothing
    /// (<https://learn.microsoft.com/power-apps/maker/data-platform/environmentvariables#security>).
    pub fn missing(
        &self,
        held: &BTreeSet<String>,
        changes: &[Change],
    ) -> (Vec<Problem>, Vec<Problem>) {
        let missing = |change: &Change| {
            let mut needs = self.targets.iter();
            let (name, _) = needs.find(|(name, targets)| {
                targets.contains(&change.address) && !held.contains(&name.to_lowercase())
            })?;
            Some(missing_privilege(change, name))
        };
        let problems = changes.iter().filter_map(missing);
        problems.partition(|problem| problem.code == Code::PrivilegeMissing)
    }
}

/// Returns the name of the privilege that a write needs, if it is known.
fn needed_by(write: &Write, targets: &Targets) -> Option<String> {
    match write {
        Write::CreateVariableValue { .. } => Some(CREATE_VALUE.to_owned()),
        Write::UpdateVariableValue { .. } => Some(CHANGE_VALUE.to_owned()),
        Write::CreateRow { entity_set, .. } => {
            table(targets, entity_set)?.privileges.create.clone()
        }
        Write::UpdateRow { entity_set, .. } | Write::Restore { entity_set, .. } => {
            table(targets, entity_set)?.privileges.write.clone()
        }
        // A value's own privilege would prove nothing, and nothing else is deleted by a manifest.
        Write::Delete { .. } => None,
    }
}

fn table<'run>(targets: &'run Targets, entity_set: &str) -> Option<&'run Table> {
    let mut tables = targets.tables.values();
    tables.find_map(|reading| match reading {
        Reading::Found(table) if table.entity_set == entity_set => Some(table),
        _ => None,
    })
}

fn missing_privilege(change: &Change, name: &str) -> Problem {
    let is_of_value = [CREATE_VALUE, CHANGE_VALUE].contains(&name);
    let (code, message) = if is_of_value {
        let message = format!(
            "no role of the signed-in user has the privilege `{name}`; the write may be refused, unless the user may write the variable's definition"
        );
        (Code::PrivilegeUnproven, message)
    } else {
        let message = format!("the signed-in user lacks the privilege `{name}`");
        (Code::PrivilegeMissing, message)
    };
    let (address, site) = (Some(change.address.clone()), change.site);
    Problem { code, address, message, hint: privilege_hint(name), site }
}
