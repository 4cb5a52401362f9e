//! Formats the result of a check for a terminal.

use std::fmt::Write as _;

use super::layout::{counted, wrap};
use super::style::{GREEN, RED, YELLOW, last_line};
use crate::discover::probe::{ProbeResult, ProbeVerdict, Probed};
use crate::plan::Plan;
use crate::report::run::{Checked, Outcome};
use crate::report::wording::{all_up_to_date, drift_summary};

/// Formats the result of the probes, and the last line of a check: its outcome.
pub(crate) fn conclusion(outcome: Outcome, plan: &Plan, checked: &Checked, width: usize) -> String {
    let probes = checked.probes.as_deref().map_or_else(String::new, |all| probes(all, width));
    probes
        + &match outcome {
            Outcome::Agreed => {
                last_line((GREEN, "No drift."), &all_up_to_date(checked.targets), width)
            }
            Outcome::Drifted => {
                let rest =
                    format!(": {}. {}", drift_summary(plan, checked.targets), next_step(checked));
                last_line((YELLOW, "Drift found"), &rest, width)
            }
            _ => {
                let rest =
                    format!(": {}. Nothing was written.", drift_summary(plan, checked.targets));
                last_line((RED, "Check incomplete"), &rest, width)
            }
        }
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
