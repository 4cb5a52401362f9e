//! Formats the result of a check for a terminal.

use std::fmt::Write as _;

use super::human::{GREEN, RED, YELLOW, last_line};
use super::layout::{counted, wrap};
use crate::discover::probe::{ProbeResult, Probed, Verdict};
use crate::model::Code;
use crate::plan::{Action, Change, Plan, WriteStage};
use crate::report::{Checked, Outcome};

/// Returns the plan without the targets that agree.
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
                let all = match checked.targets {
                    1 => " The one target agrees.".to_owned(),
                    all => format!(" All {all} targets agree."),
                };
                last_line((GREEN, "No drift."), &all, width)
            }
            Outcome::Drifted => {
                let rest = format!(": {}. {}", summary(plan, checked.targets), next_step(checked));
                last_line((YELLOW, "drifted"), &rest, width)
            }
            _ => {
                let rest = format!(
                    ": {}. The check could not look everywhere. Nothing was written.",
                    summary(plan, checked.targets)
                );
                last_line((RED, "refused"), &rest, width)
            }
        }
}

/// Counts the targets of a check that differ, that agree, and that could not be checked. Leaves out
/// the last number if every target was checked.
pub(crate) fn tally(plan: &Plan, targets: usize) -> Vec<(usize, &'static str)> {
    let agree = plan.count(Action::NoOp);
    let differ = plan.changes.len() - agree;
    let unknown = targets.saturating_sub(plan.changes.len());
    let mut tally = vec![(differ, "differ"), (agree, "agree"), (unknown, "not checked")];
    tally.truncate(if unknown > 0 { 3 } else { 2 });
    tally
}

/// Summarizes the differences that a check found among `targets` targets.
pub(crate) fn summary(plan: &Plan, targets: usize) -> String {
    let differ = plan.changes.len() - plan.count(Action::NoOp);
    let mut text = match targets {
        1 => format!("{differ} of 1 target differs"),
        all if differ == 1 => format!("1 of {all} targets differs"),
        all => format!("{differ} of {all} targets differ"),
    };
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
        None => "Nothing was written; flowbind apply would write nothing before the problems are mended.".to_owned(),
        Some(0) => "Nothing was written, and flowbind apply has nothing to write.".to_owned(),
        Some(pending) => format!("Nothing was written; flowbind apply would write {pending}."),
    }
}

/// Says how many URLs were probed, and lists those that were not.
fn probes(probes: &[Probed], width: usize) -> String {
    let skipped = |probed: &&Probed| matches!(probed.result, ProbeResult::Skipped(_));
    let guarded = |probed: &&Probed| matches!(probed.result, ProbeResult::Asked(Verdict::Guarded));
    let asked = probes.len() - probes.iter().filter(skipped).count();
    let good = probes.iter().filter(guarded).count();
    let mut text = format!("Probed {}: {good} answered as expected.\n", counted(asked, "URL"));
    for probed in probes.iter().filter(skipped) {
        let why = probed.result.words().unwrap_or_default();
        for (address, _) in &probed.targets {
            let line = wrap(&format!("not asked: {address}, since {why}"), width.saturating_sub(2));
            let _ = writeln!(text, "  {}", line.join("\n    "));
        }
    }
    text + "\n"
}
