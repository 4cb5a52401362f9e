//! The privileges that the writes of a plan need.

use std::collections::BTreeSet;

use super::*;
use crate::plan::NeededPrivileges;

/// A variable that gets its first value, one whose value changes, a new record and an old one.
fn four_writes() -> Model {
    let mut model = model();
    model.bind_variable("a", None).variable("a", VariableType::String, &[]);
    model.bind_variable("b", None).variable("b", VariableType::String, &[OLD]);
    model.table().rows(named("n"), &[], "").bind_column(named("n"), "url", Missing::Create);
    model.rows(named("m"), &[7], OLD).bind_column(named("m"), "url", Missing::Fail);
    model
}

fn missing(held: &[&str]) -> (Vec<String>, Vec<String>) {
    let model = four_writes();
    let plan = model.plan();
    let needed = NeededPrivileges::new(&plan, &model.observed.targets);
    let held: BTreeSet<String> = held.iter().map(|name| name.to_lowercase()).collect();
    let (problems, warnings) = needed.missing(&held, &plan.changes);
    let text = |one: Problem| format!("{}: {}", one.address.unwrap(), one.hint);
    (problems.into_iter().map(text).collect(), warnings.into_iter().map(text).collect())
}

#[test]
fn each_write_needs_the_privilege_of_its_action_on_its_table() {
    let model = four_writes();
    let needed = NeededPrivileges::new(&model.plan(), &model.observed.targets);
    let names = [
        "prvCreateEnvironmentVariableValue",
        "prvCreatet",
        "prvWriteEnvironmentVariableValue",
        "prvWritet",
    ];
    assert_eq!(needed.names(), names);
}

#[test]
fn a_privilege_that_is_held_in_any_case_is_not_missing() {
    let held = [
        "PRVCREATEENVIRONMENTVARIABLEVALUE",
        "prvcreateT",
        "prvWriteEnvironmentVariableValue",
        "prvWritet",
    ];
    assert_eq!(missing(&held), (vec![], vec![]));
}

#[test]
fn a_missing_privilege_is_a_problem_for_records_and_a_warning_for_values_of_variables() {
    let (problems, warnings) = missing(&[]);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("`prvCreatet`"), "{problems:?}");
    assert!(problems[1].contains("`prvWritet`"), "{problems:?}");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("`prvCreateEnvironmentVariableValue`"), "{warnings:?}");
    assert!(warnings[1].contains("`prvWriteEnvironmentVariableValue`"), "{warnings:?}");
}
