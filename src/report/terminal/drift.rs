//! Formats the result of a check for a terminal.

use std::fmt::Write as _;

use super::human::{GREEN, RED, YELLOW, all_up_to_date, last_line};
use super::layout::{counted, wrap};
use crate::discover::probe::{ProbeResult, ProbeVerdict, Probed};
use crate::model::Code;
use crate::plan::{Action, Change, Plan, WriteStage};
use crate::report::{Checked, Outcome};

/// Returns the plan without the targets that are up to date.
pub(crate) fn only_differences(plan: &Plan) -> Plan {
    let differs = |change: &&Change| change.action != Action::NoOp;
    let changes = plan.changes.iter().filter(differs).cloned().collect();
    Plan::new(changes, plan.problems.clone(), plan.warnings.clone(), WriteStage::default())
}

/// Formats the result of the probes, and the last line of a check: its outcome.
pub(crate) fn conclusion(outcome: Outcome, plan: &Plan, checked: &Checked, width: usize) -> String {
    let probes = checked.probes.as_deref().map_or_else(String::new, |all| probes(all, width));
    probes
        + &match outcome {
            Outcome::Agreed => {
                last_line((GREEN, "No drift."), &all_up_to_date(checked.targets), width)
            }
            Outcome::Drifted => {
                let rest = format!(": {}. {}", summary(plan, checked.targets), next_step(checked));
                last_line((YELLOW, "drifted"), &rest, width)
            }
            _ => {
                let rest = format!(
                    ": {}. The check is incomplete. Nothing was written.",
                    summary(plan, checked.targets)
                );
                last_line((RED, "refused"), &rest, width)
            }
        }
}

/// Counts the targets of a check that drifted, that are up to date, and that could not be checked.
/// Leaves out the last number if every target was checked.
pub(crate) fn tally(plan: &Plan, targets: usize) -> Vec<(usize, &'static str)> {
    let unchanged = plan.count(Action::NoOp);
    let drifted = plan.changes.len() - unchanged;
    let unknown = targets.saturating_sub(plan.changes.len());
    let mut tally = vec![(drifted, "drifted"), (unchanged, "up to date"), (unknown, "not checked")];
    tally.truncate(if unknown > 0 { 3 } else { 2 });
    tally
}

/// Summarizes the differences that a check found among `targets` targets.
pub(crate) fn summary(plan: &Plan, targets: usize) -> String {
    let drifted = plan.changes.len() - plan.count(Action::NoOp);
    let mut text = format!("{drifted} of {} out of date", counted(targets, "target"));
    let unknown = targets.saturating_sub(plan.changes.len());
    if unknown > 0 {
        let _ = write!(text, ", {unknown} not checked");
    }
    let elsewhere = plan.warnings.iter().filter(|warning| warning.code == Code::PointsElsewhere);
    match elsewhere.count() {
        0 => {}
        1 => text += ", 1 points at another environment",
        many => {
            let _ = write!(text, ", {many} point at another environment");
        }
    }
    if !plan.problems.is_empty() {
        let _ = write!(text, ", {}", counted(plan.problems.len(), "problem"));
    }
    text
}

/// Says what an apply would write.
fn next_step(checked: &Checked) -> String {
    match checked.pending {
        None => "Nothing was written. Fix the problems before you run flowbind apply.".to_owned(),
        Some(0) => "Nothing was written. flowbind apply has nothing to write.".to_owned(),
        Some(pending) => {
            format!(
                "Nothing was written. flowbind apply would write {}.",
                counted(pending, "target")
            )
        }
    }
}

/// Says how many URLs were probed, and lists those that were not.
fn probes(probes: &[Probed], width: usize) -> String {
    let skipped = |probed: &&Probed| matches!(probed.result, ProbeResult::Skipped(_));
    let guarded =
        |probed: &&Probed| matches!(probed.result, ProbeResult::Asked(ProbeVerdict::Guarded));
    let asked = probes.len() - probes.iter().filter(skipped).count();
    let good = probes.iter().filter(guarded).count();
    let mut text = format!("Probed {}: {good} answered as expected.\n", counted(asked, "URL"));
    for probed in probes.iter().filter(skipped) {
        let why = probed.result.words().unwrap_or_default();
        for (address, _) in &probed.targets {
            let line =
                wrap(&format!("not probed: {address}, because {why}"), width.saturating_sub(2));
            let _ = writeln!(text, "  {}", line.join("\n    "));
        }
    }
    text + "\n"
}
