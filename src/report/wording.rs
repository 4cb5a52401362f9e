//! Words and sentences that all report formats share.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use super::run::{ExportedFile, Outcome, Run, RunCommand, is_change};
use crate::deployment_settings::ExportedVariable;
use crate::discover::probe::Probed;
use crate::model::{Code, Failure, Problem, ServiceWait, printable};
use crate::plan::{
    Action, Change, Difference, Plan, TargetResult, TargetState, UrlPart, ValueView,
};
use crate::report::terminal::layout::counted;

/// The most characters of a sentence.
const MOST_CHARACTERS: usize = 4_000;

/// Removes from a text everything that could steer a terminal or be a secret, and limits its
/// length.
pub(super) fn safe_text(text: &str) -> String {
    printable(text, MOST_CHARACTERS)
}

/// Splits a sentence of this program into parts, and marks the parts that are names between
/// backticks.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let last = text.matches('`').count();
    let parts = text.split('`').enumerate();
    // A backtick without a partner makes no name of what follows it.
    parts.map(move |(index, part)| (index % 2 == 1 && index < last, part))
}

/// Returns the glyph before a target in a report. A check has only one glyph for a difference.
pub(super) fn sign(run: &Run<'_>, change: &Change) -> &'static str {
    let differs = run.command.is_check() && is_change(change);
    glyph(if differs { Action::Update } else { change.action })
}

/// Returns the action on a target, or the result of its check.
pub(super) fn verdict(run: &Run<'_>, change: &Change) -> &'static str {
    match (&run.command, change.action) {
        (RunCommand::Rollback(_), Action::NoOp) => "already restored",
        (_, Action::NoOp) => "up to date",
        (RunCommand::Check(_), _) => "drifted",
        (RunCommand::Rollback(_), Action::Delete) => "remove",
        (RunCommand::Rollback(_), _) => "restore",
        (_, other) => other.as_str(),
    }
}

/// Returns the labels for the two values of a target.
pub(super) fn values(run: &Run<'_>) -> [&'static str; 2] {
    if run.command.is_check() { ["Holds", "Expected"] } else { ["Before", "After"] }
}

/// Returns Terraform's glyph for an action.
pub(super) fn glyph(action: Action) -> &'static str {
    match action {
        Action::Create => "+",
        Action::Update => "~",
        Action::Delete => "-",
        Action::NoOp => "=",
    }
}

/// Returns a headline for the outcome of a run.
pub(super) fn headline(run: &Run<'_>) -> &'static str {
    match (run.outcome, &run.command) {
        (Outcome::Agreed, RunCommand::Lint) => "No problems",
        (Outcome::Refused, RunCommand::Lint) => "Problems found",
        (Outcome::Agreed, RunCommand::Check(_)) => "No drift",
        (Outcome::Agreed, RunCommand::Rollback(_)) => already_rolled_back(run.plan.ok()),
        (Outcome::Agreed, _) => "No changes",
        (Outcome::Drifted, _) => "Drift found",
        (Outcome::Planned, _) => "Changes pending",
        (Outcome::Applied, RunCommand::Rollback(_)) => "Rolled back",
        (Outcome::Applied, _) => "Applied",
        (Outcome::Exported, _) => "Exported",
        (Outcome::Refused, _) => run.failure.map_or("Refused", Failure::headline),
        (Outcome::NotReady, _) => "Not ready",
        (Outcome::Unknown, _) => "Outcome unknown",
    }
}

/// Says why a rollback had nothing to write.
pub(super) fn already_rolled_back(plan: Option<&Plan>) -> &'static str {
    if plan.is_some_and(|plan| plan.left_alone > 0) {
        "Nothing to roll back"
    } else {
        "Already rolled back"
    }
}

/// Describes the effect of a run on the environment, or on the file of an export, in sentences.
pub(super) fn consequence(run: &Run<'_>) -> String {
    let sentence = match run.outcome {
        Outcome::Agreed => match &run.command {
            RunCommand::Lint => "The manifest is valid.",
            RunCommand::Export(_) | RunCommand::Rollback(_) => "Nothing had to be written.",
            _ => "All targets are up to date.",
        },
        Outcome::Planned | Outcome::Drifted | Outcome::Refused | Outcome::NotReady => {
            "Nothing was written."
        }
        Outcome::Applied => "Read back and verified.",
        Outcome::Exported => "Nothing was written to the environment.",
        Outcome::Unknown => "Some or all changes may have been written.",
    };
    let is_done = matches!(run.outcome, Outcome::Agreed | Outcome::Planned | Outcome::Exported);
    let file = run.command.exported_file().filter(|_| is_done);
    let file = file.map(|file| format!("{} in `{}`. ", exported(file, run.outcome), file.path));
    file.unwrap_or_default() + sentence
}

/// Says how many variables of a deployment settings file are written, and how many are not.
pub(super) fn exported(file: &ExportedFile, outcome: Outcome) -> String {
    let is_written = |variable: &&ExportedVariable| variable.action != Action::NoOp;
    let written = file.variables.iter().filter(is_written).count();
    let up_to_date = file.variables.len() - written;
    let how = if outcome == Outcome::Planned { "to write" } else { "written" };
    let parts = [
        (written, "variable", how),
        (up_to_date, "variable", "up to date"),
        (file.others, "other", "left alone"),
    ];
    let parts = parts.into_iter().filter(|(number, ..)| *number > 0);
    let parts = parts.map(|(number, noun, how)| format!("{} {how}", counted(number, noun)));
    parts.collect::<Vec<_>>().join(", ")
}

/// Returns the words for created, updated, deleted and other targets that fit the command and its
/// outcome.
fn action_words(command: &RunCommand, outcome: Outcome) -> [&'static str; 4] {
    let is_done = matches!(outcome, Outcome::Applied | Outcome::Exported);
    match (command, is_done) {
        (RunCommand::Rollback(_), true) => ["created", "restored", "removed", "already restored"],
        (RunCommand::Rollback(_), false) => {
            ["to create", "to restore", "to remove", "already restored"]
        }
        (_, true) => ["created", "updated", "deleted", "up to date"],
        (_, false) => ["to create", "to update", "to delete", "up to date"],
    }
}

/// Counts the changes by action, each number with its word. Leaves out what there is none of.
pub(super) fn tally(
    plan: &Plan,
    command: &RunCommand,
    outcome: Outcome,
) -> Vec<(usize, &'static str)> {
    let [created, updated, deleted, up_to_date] = action_words(command, outcome);
    let mut tally = vec![
        (plan.count(Action::Create), created),
        (plan.count(Action::Update), updated),
        (plan.count(Action::Delete), deleted),
        (plan.count(Action::NoOp), up_to_date),
        (plan.left_alone, "skipped"),
    ];
    tally.retain(|(number, _)| *number > 0);
    tally
}

/// Formats the number of changes by action, as a part of a sentence.
pub(super) fn counts(plan: &Plan, command: &RunCommand, outcome: Outcome) -> String {
    let tally = tally(plan, command, outcome);
    let parts = tally.into_iter().map(|(number, word)| format!("{number} {word}"));
    let parts = parts.collect::<Vec<_>>().join(", ");
    if parts.is_empty() { "no targets".to_owned() } else { parts }
}

/// Counts the targets by action, or by the result of a check, each number with its word.
pub(super) fn totals(run: &Run<'_>, plan: &Plan) -> Vec<(usize, &'static str)> {
    match &run.command {
        RunCommand::Check(_) => drift_tally(plan, targets(run, plan)),
        command => tally(plan, command, run.outcome),
    }
}

/// Formats the numbers of [`totals`] as a sentence without its full stop.
pub(super) fn total(run: &Run<'_>, plan: &Plan) -> String {
    match &run.command {
        RunCommand::Check(_) => drift_summary(plan, targets(run, plan)),
        command => counts(plan, command, run.outcome),
    }
}

/// Returns the number of targets, including those that could not be checked.
fn targets(run: &Run<'_>, plan: &Plan) -> usize {
    run.command.checked().map_or(plan.changes.len(), |checked| checked.targets)
}

/// Formats the place of a problem as compilers do (`file:line:column`), if it has a place.
pub(super) fn place(problem: &Problem, file: &str) -> Option<String> {
    problem.site.map(|site| format!("{}:{}:{}", safe_text(file), site.line, site.column))
}

/// Lists the parts in which two URLs differ, leaving out those that the reason or the values show.
pub(super) fn parts(change: &Change) -> Vec<String> {
    let hidden = |difference: &&Difference| {
        !matches!(difference.part, UrlPart::Generation | UrlPart::Host | UrlPart::Kind)
    };
    let told = change.differences.iter().filter(hidden).filter_map(|difference| {
        let Difference { part, before, after } = difference;
        Some(format!("{part}: {} → {}", safe_text(before.as_ref()?), safe_text(after.as_ref()?)))
    });
    told.collect()
}

/// Formats the reason for a change, with the parts in which the URLs differ.
pub(super) fn reason_text(change: &Change) -> String {
    let parts = parts(change);
    let reason = &change.reason;
    if parts.is_empty() { reason.to_string() } else { format!("{reason} ({})", parts.join(", ")) }
}

/// Formats a change with its values before and after, as a part of a sentence.
pub(super) fn change_text(change: &Change) -> String {
    let (before, after) =
        (ValueView::describe(change.before.as_ref()), ValueView::describe(change.after.as_ref()));
    format!("{}: {before} -> {after}", reason_text(change))
}

/// Counts the targets of a check that drifted, that are up to date, and that could not be checked.
/// Leaves out the last number if every target was checked.
pub(super) fn drift_tally(plan: &Plan, targets: usize) -> Vec<(usize, &'static str)> {
    let unchanged = plan.count(Action::NoOp);
    let drifted = plan.changes.len() - unchanged;
    let unknown = targets.saturating_sub(plan.changes.len());
    let mut tally = vec![(drifted, "drifted"), (unchanged, "up to date"), (unknown, "not checked")];
    tally.truncate(if unknown > 0 { 3 } else { 2 });
    tally
}

/// Summarizes the differences that a check found among `targets` targets.
pub(super) fn drift_summary(plan: &Plan, targets: usize) -> String {
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

/// Says that all targets are up to date.
pub(super) fn all_up_to_date(targets: usize) -> String {
    match targets {
        1 => " The target is up to date.".to_owned(),
        all => format!(" All {all} targets are up to date."),
    }
}

/// Formats the difference of a target from its expected value, as a part of a sentence.
pub(super) fn drift_text(change: &Change) -> String {
    let (holds, expected) =
        (ValueView::describe(change.before.as_ref()), ValueView::describe(change.after.as_ref()));
    format!("{}: holds {holds}, expected {expected}", reason_text(change))
}

/// The result of probing if there is no URL to probe.
pub(super) const NONE_TO_PROBE: &str = "No target holds a URL to probe.";

/// Describes the answer of a URL, or the reason why it was not probed.
pub(super) fn answer(probed: &Probed) -> &str {
    probed.result.words().unwrap_or("as expected")
}

/// Describes the result of a target whose write was sent and not verified, as a part of a sentence.
pub(super) fn outcome_of(result: &TargetResult) -> String {
    let holds = ValueView::describe(result.holds.as_ref());
    match result.state {
        TargetState::Written => format!("reads back as sent: {holds}"),
        TargetState::Unchanged => format!("still holds the previous value: {holds}"),
        TargetState::Changed => format!("holds another value than was sent: {holds}"),
        TargetState::Unread => "could not be read back".to_owned(),
        TargetState::Refused => format!("the service refused this row; it holds {holds}"),
    }
}

/// Says when the run or the request times out, and which option sets the limit.
pub(super) fn giving_up(left: Duration, limit: Option<Duration>) -> String {
    let left = left.as_secs_f32().round();
    match limit {
        Some(limit) => {
            format!("The run times out in {left} s (`--timeout {}`).", limit.as_secs())
        }
        None => format!("This request times out in {left} s."),
    }
}

/// Says how many flows and targets are being read.
pub(super) fn reading(flows: usize, targets: usize) -> String {
    let parts = [(flows, "flow"), (targets, "target")].into_iter();
    let parts = parts.filter(|(number, _)| *number > 0);
    let parts: Vec<_> = parts.map(|(number, noun)| counted(number, noun)).collect();
    if parts.is_empty() {
        return "Reading the environment's flows".to_owned();
    }
    format!("Reading {}", parts.join(" and "))
}

/// Says why a request to a service waits, as a sentence without its full stop.
pub(super) fn why_waiting(wait: &ServiceWait) -> String {
    let sentence = format!("{} {}", wait.service, wait.cause);
    let mut letters = sentence.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// The maximum number of flows that a message about waiting names.
const MOST_NAMES: usize = 5;

/// Says which flows the run waits for, and the maximum wait.
pub(super) fn awaiting(flows: &[String], left: Duration) -> String {
    let named: Vec<String> =
        flows.iter().take(MOST_NAMES).map(|name| format!("`{}`", safe_text(name))).collect();
    let more = match flows.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (flows, named) = (counted(flows.len(), "flow"), named.join(", "));
    let seconds = left.as_secs_f32().ceil();
    format!("Waiting for {flows} to be ready, for at most {seconds} s: {named}{more} …")
}

/// Formats a time as RFC 3339 in UTC.
pub(super) fn moment(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Formats a duration for people: parts of a second only where they matter.
pub(super) fn duration(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        whole @ 10..60 => format!("{whole} s"),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

/// Formats a duration in seconds.
pub(super) fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Service, WaitCause};

    #[test]
    fn what_is_read_is_told_and_nothing_of_what_there_is_none_of() {
        assert_eq!(reading(1, 2), "Reading 1 flow and 2 targets");
        assert_eq!(reading(0, 1), "Reading 1 target");
        assert_eq!(reading(2, 0), "Reading 2 flows");
    }

    #[test]
    fn a_wait_says_which_service_asked_for_it() {
        let why = |service, cause| {
            why_waiting(&ServiceWait { service, cause, time: Duration::from_secs(6) })
        };
        let throttled = why(Service::Flow, WaitCause::Throttled);
        assert_eq!(throttled, "The Flow service is throttling (429)");
        let unavailable = why(Service::Dataverse, WaitCause::Unavailable(503));
        assert_eq!(unavailable, "Dataverse is unavailable (503)");
        assert_eq!(why(Service::Entra, WaitCause::NoAnswer), "Entra did not answer");
    }

    #[test]
    fn a_duration_is_as_exact_as_it_matters() {
        let shown = |milliseconds| duration(Duration::from_millis(milliseconds));
        assert_eq!([1_234, 12_900, 192_000].map(shown), ["1.2 s", "12 s", "3 min 12 s"]);
    }

    #[test]
    fn who_waits_is_told_until_when_and_which_option_says_so() {
        let left = Duration::from_secs(590);
        let whole = giving_up(left, Some(Duration::from_mins(10)));
        assert_eq!(whole, "The run times out in 590 s (`--timeout 600`).");
        assert_eq!(giving_up(left, None), "This request times out in 590 s.");
    }
}
