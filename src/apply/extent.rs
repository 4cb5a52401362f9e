//! Which targets of a plan are in, after it was carried out in part.

use std::collections::BTreeMap;
use std::fmt;

use crate::plan::{Action, Plan};

/// The most runs that are told one by one.
const MOST_RUNS: usize = 20;

/// Which targets of a plan are in, as reading found them: runs in the order of the plan.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Extent {
    runs: Vec<Run>,
}

/// Targets that follow each other in the plan.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    is_in: bool,
    first: String,
    last: String,
    targets: usize,
}

impl Extent {
    /// Compares what was to be done with what is still to be done.
    pub(super) fn of(agreed: &Plan, now: &Plan) -> Self {
        let now: BTreeMap<&str, Action> =
            now.changes.iter().map(|change| (change.address.as_str(), change.action)).collect();
        let mut extent = Self::default();
        for change in agreed.changes.iter().filter(|change| change.action != Action::NoOp) {
            let is_in = now.get(change.address.as_str()) == Some(&Action::NoOp);
            extent.add(is_in, &change.address);
        }
        extent
    }

    fn add(&mut self, is_in: bool, address: &str) {
        let last = address.to_owned();
        match self.runs.last_mut() {
            Some(run) if run.is_in == is_in => (run.last, run.targets) = (last, run.targets + 1),
            _ => self.runs.push(Run { is_in, first: last.clone(), last, targets: 1 }),
        }
    }

    /// A line for each run, and one for those that are too many.
    pub fn lines(&self) -> Vec<String> {
        let shown = self.runs.len().min(MOST_RUNS);
        let mut lines: Vec<String> = self.runs[..shown].iter().map(ToString::to_string).collect();
        let hidden = self.runs.len() - shown;
        if hidden > 0 {
            lines.push(format!("and {hidden} more such groups: the plan shows every target"));
        }
        lines
    }
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { is_in, first, last, targets } = self;
        let word = if *is_in { "in" } else { "not in" };
        match targets {
            1 => write!(formatter, "{word}: {first}"),
            _ => write!(formatter, "{word}: {targets} targets, from {first} to {last}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(parts: &str) -> Extent {
        let mut extent = Extent::default();
        for (index, part) in parts.chars().enumerate() {
            extent.add(part == '+', &format!("target/{index}"));
        }
        extent
    }

    #[test]
    fn targets_that_follow_each_other_are_told_together() {
        let lines = extent("+++-").lines();
        assert_eq!(lines, ["in: 3 targets, from target/0 to target/2", "not in: target/3"]);
        assert_eq!(extent("").lines(), Vec::<String>::new());
    }

    #[test]
    fn a_plan_that_is_in_here_and_there_is_not_told_without_end() {
        let lines = extent(&"+-".repeat(20)).lines();
        assert_eq!(lines.len(), MOST_RUNS + 1);
        assert!(lines[MOST_RUNS].starts_with("and 20 more"), "{lines:?}");
    }
}
