//! A run as Markdown: the summary of a job, readable as it stands in GitHub and Azure DevOps.
//!
//! No HTML, no images: tables and lists as both know them
//! (<https://github.github.com/gfm/>,
//! <https://learn.microsoft.com/azure/devops/project/wiki/markdown-guidance>).

use std::fmt::Write as _;

use super::words::{
    NONE_TO_PROBE, answer, consequence, counts, deeds, glyph, headline, moment, pieces, place,
    seconds, shown, why, word,
};
use super::{Run, VERSION};
use crate::domain::UrlView;
use crate::failure::Failure;
use crate::plan::{Change, ValueView};
use crate::probe::Probed;
use crate::problem::Problem;

/// The run as a document.
pub(super) fn document(run: &Run<'_>) -> String {
    let mut text = format!("## flowbind {}: {}\n\n", run.command.as_str(), headline(run));
    let _ = writeln!(text, "{}\n", summary(run));
    if let Some(failure) = run.failure {
        text += &error(failure);
    }
    text += &changes(run);
    text += &run.probes().map_or_else(String::new, probes);
    let problems: Vec<&Problem> = run.problems().collect();
    text += &notes("Problems", &problems, run.source);
    text += &notes("Warnings", &run.warnings().collect::<Vec<_>>(), run.source);
    text + &facts(run)
}

/// What happened, in a line.
fn summary(run: &Run<'_>) -> String {
    let environment = run.environment.map(|environment| {
        format!("**{}** {}: ", plain(environment.name), code(&environment.url.to_string()))
    });
    let counts = run.plan.map(|plan| format!("{}. ", counts(plan, deeds(run.outcome))));
    [environment, counts].into_iter().flatten().collect::<String>() + consequence(run.outcome)
}

/// Why the run ended early.
fn error(failure: &Failure) -> String {
    let mut text = format!("### Error\n\n{}\n\n", prose(&failure.message));
    for hint in &failure.hints {
        let _ = writeln!(text, "- {}", prose(hint));
    }
    if failure.hints.is_empty() { text } else { text + "\n" }
}

/// The table of changes; nothing where there is none.
fn changes(run: &Run<'_>) -> String {
    let changes = run.plan.map_or(&[][..], |plan| &plan.changes);
    if changes.is_empty() {
        return String::new();
    }
    let head = "### Changes\n\n| | Target | Flow | Why | Before | After |\n| :-- | :-- | :-- | :-- | :-- | :-- |\n";
    let rows = changes.iter().map(change);
    format!("{head}{}\n", rows.collect::<String>())
}

/// A row of the table.
fn change(change: &Change) -> String {
    let cells = [
        format!("{} {}", code(glyph(change.action)), word(change.action)),
        cell(&code(&change.address)),
        plain(&change.flow_name),
        plain(&why(change)),
        value(change.before.as_ref()),
        value(change.after.as_ref()),
    ];
    format!("| {} |\n", cells.join(" | "))
}

/// A value in a cell.
fn value(value: Option<&ValueView>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(ValueView::Url(view)) => url(view),
        Some(ValueView::Elsewhere { host }) => format!("a URL on {}", cell(&code(host))),
        Some(other) => plain(&other.to_string()),
    }
}

/// A URL in a cell.
fn url(view: &UrlView) -> String {
    let fingerprint = code(&view.fingerprint.to_string());
    format!("{} {fingerprint} on {}", view.kind, cell(&code(&view.host)))
}

/// The table of what the URLs that the targets hold answered.
fn probes(probes: &[Probed]) -> String {
    if probes.is_empty() {
        return format!("### Probes\n\n{NONE_TO_PROBE}\n\n");
    }
    let head = "### Probes\n\n| Result | Target | URL | Answer |\n| :-- | :-- | :-- | :-- |\n";
    format!("{head}{}\n", probes.iter().map(probe).collect::<String>())
}

/// A row of that table.
fn probe(probed: &Probed) -> String {
    let targets = probed.targets.iter().map(|(address, _)| cell(&code(address)));
    let cells = [
        probed.result.as_str().to_owned(),
        targets.collect::<Vec<_>>().join(", "),
        url(&probed.view),
        plain(answer(probed)),
    ];
    format!("| {} |\n", cells.join(" | "))
}

/// The problems or the warnings; nothing where there is none.
fn notes(title: &str, notes: &[&Problem], file: &str) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let notes: String = notes.iter().map(|problem| note(problem, file)).collect();
    format!("### {title}\n\n{notes}\n")
}

/// A problem or a warning with its place and its remedy.
fn note(problem: &Problem, file: &str) -> String {
    let place = place(problem, file);
    let places: Vec<String> =
        [problem.address.as_deref(), place.as_deref()].into_iter().flatten().map(code).collect();
    let at = if places.is_empty() { String::new() } else { format!(" at {}", places.join(", ")) };
    let hint = if problem.hint.is_empty() {
        String::new()
    } else {
        format!("  - help: {}\n", prose(&problem.hint))
    };
    format!("- **{}**{at}: {}\n{hint}", problem.code, prose(&problem.message))
}

/// When, by whom and how the run was made.
fn facts(run: &Run<'_>) -> String {
    let mut facts = vec![
        format!("flowbind {VERSION}"),
        format!("{} {}", run.command.input(), code(run.source)),
        format!("started {}", moment(run.started)),
        format!("took {} s", seconds(run.duration)),
    ];
    facts.extend(run.user.map(|user| format!("signed in as {}", code(user))));
    let requests = run.requests;
    let triggers = run.probes().map(|_| format!(", triggers {}", requests.trigger));
    facts.push(format!(
        "requests: Entra {}, Dataverse {}, Flow {}{}",
        requests.entra,
        requests.dataverse,
        requests.flow,
        triggers.unwrap_or_default()
    ));
    format!("---\n\n{}\n", facts.join(" · "))
}

/// A sentence of this program, in which names stand between backticks.
fn prose(text: &str) -> String {
    let text = shown(text);
    pieces(&text).map(|(is_code, text)| if is_code { code(text) } else { plain(text) }).collect()
}

/// A text in which nothing is markup: any ASCII punctuation may follow a backslash
/// (<https://github.github.com/gfm/#backslash-escapes>).
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for character in shown(text).chars() {
        if "\\`*_{}[]<>|~&$".contains(character) {
            plain.push('\\');
        }
        plain.push(character);
    }
    plain
}

/// A text as code, between more backticks than it has in a row itself.
fn code(text: &str) -> String {
    let text = shown(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space =
        if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Code in a table, where a bar needs a backslash even there
/// (<https://github.github.com/gfm/#example-200>).
fn cell(code: &str) -> String {
    code.replace('|', "\\|")
}
