//! Shows the problems of a run as notices of a pipeline at the lines of the manifest.

use super::runner::{Runner, RunnerCommand, Severity};
use crate::model::{Failure, ManifestPosition, Problem};
use crate::plan::{Change, TargetResult, TargetState};
use crate::report::wording::{outcome_of, safe_text};
use crate::report::{Outcome, Run};

/// Returns an annotation for each failure, problem and warning of the run, and in a check for each
/// drifted target. The failure comes first, since a runner may show only the first few. It is left
/// out if the manifest has problems, since it adds nothing to them.
pub(crate) fn annotations(runner: Runner, run: &Run<'_>) -> Vec<RunnerCommand> {
    let failure = run.failure.filter(|_| run.plan.err().unwrap_or_default().is_empty());
    let failure = failure.map(|failure| error(runner, failure));
    let problems = run.problems().map(|one| note(runner, Severity::Error, one, run.source));
    let warnings = run.warnings().map(|one| note(runner, Severity::Warning, one, run.source));
    let drifts = run.drifts().map(|change| drift(runner, change, run.source));
    let results = run.command.results().iter().filter_map(|one| result(runner, run, one));
    failure.into_iter().chain(problems).chain(results).chain(warnings).chain(drifts).collect()
}

/// Formats the error that ended the run early.
fn error(runner: Runner, failure: &Failure) -> RunnerCommand {
    let hints = failure.help().map(|hint| format!("\nhelp: {hint}"));
    let text: String = [safe_text(&failure.message)].into_iter().chain(hints).collect();
    runner.issue(Severity::Error, &properties(runner, None, "flowbind"), &text)
}

/// Formats a problem or a warning.
fn note(runner: Runner, severity: Severity, problem: &Problem, source: &str) -> RunnerCommand {
    let about = problem.address.as_ref().map(|address| format!("{}: ", safe_text(address)));
    let help = if problem.hint.is_empty() {
        String::new()
    } else {
        format!("\nhelp: {}", safe_text(&problem.hint))
    };
    let text = format!("{}{}{help}", about.unwrap_or_default(), safe_text(&problem.message));
    annotation_at(runner, severity, problem.site, source, problem.code.as_str(), &text)
}

/// Formats a target that the service refused, or that does not hold the value that was sent, at its
/// line. Returns nothing if the target holds that value, or if a problem already reports the
/// target.
fn result(runner: Runner, run: &Run<'_>, result: &TargetResult) -> Option<RunnerCommand> {
    let is_told = |problem: &Problem| problem.address.as_ref() == Some(&result.address);
    let code = match result.state {
        TargetState::Refused => "refused",
        TargetState::Written => return None,
        _ if run.outcome == Outcome::Unknown => "unknown",
        _ => return None,
    };
    if run.problems().any(is_told) {
        return None;
    }
    let site = run.changes().iter().find(|change| change.address == result.address)?.site;
    let text = format!("{}: {}", safe_text(&result.address), safe_text(&outcome_of(result)));
    Some(annotation_at(runner, Severity::Error, site, run.source, code, &text))
}

/// Formats a target that does not hold the expected value.
fn drift(runner: Runner, change: &Change, source: &str) -> RunnerCommand {
    let text = format!("{}: {}", safe_text(&change.address), safe_text(&change.reason));
    annotation_at(runner, Severity::Warning, change.site, source, "drift", &text)
}

fn annotation_at(
    runner: Runner,
    severity: Severity,
    site: Option<ManifestPosition>,
    source: &str,
    code: &str,
    text: &str,
) -> RunnerCommand {
    let numbers = site.map(|site| (site.line.to_string(), site.column.to_string()));
    let place = numbers.as_ref().map(|(line, column)| [source, line, column]);
    runner.issue(severity, &properties(runner, place, code), text)
}

/// Returns a place in a file and a code as properties, by the names that the runner uses.
fn properties<'text>(
    runner: Runner,
    place: Option<[&'text str; 3]>,
    code: &'text str,
) -> Vec<(&'static str, &'text str)> {
    let names = match runner {
        Runner::GitHubActions => ["file", "line", "col"],
        Runner::AzurePipelines => ["sourcepath", "linenumber", "columnnumber"],
    };
    let code_name = match runner {
        Runner::GitHubActions => "title",
        Runner::AzurePipelines => "code",
    };
    let place = place.into_iter().flat_map(|place| names.into_iter().zip(place));
    place.chain([(code_name, code)]).collect()
}
