//! Formats a plan for a terminal: a block for each change, and one line for all that is up to date.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::drift;
use super::layout::{counted, pad, wrap};
use super::style::{BOLD, DIM, GREEN, RED, YELLOW, last_line};
use crate::model::{EnvironmentUrl, Failure, Problem, escape_hidden, printable};
use crate::plan::{Action, Change, Plan, ValueView};
use crate::report::run::{ExportedFile, Outcome, Run, RunCommand};
use crate::report::wording;
use crate::report::wording::{all_up_to_date, already_rolled_back, counts};

/// The most characters of a paragraph.
const MOST_PARAGRAPH: usize = 4_000;

/// The indent of the further lines of a paragraph.
const INDENT: &str = "        ";

/// The words of a command around its plan.
pub(crate) struct PlanWords {
    heading: &'static str,
    before: &'static str,
    after: &'static str,
    up_to_date: &'static str,
    glyph: fn(Action) -> (&'static str, Style),
    /// True if a missing value is shown where the action tells of it.
    shows_nothing: bool,
    /// Returns the value whose host is one of this environment's.
    own: fn(&Change) -> Option<&ValueView>,
}

/// The words of a plan: the values before and after.
const PLAN: PlanWords = PlanWords {
    heading: "Plan for",
    before: "before",
    after: "after",
    up_to_date: "up to date",
    glyph,
    shows_nothing: false,
    own: |change| change.after.as_ref(),
};

/// The words of an export.
const EXPORT: PlanWords = PlanWords { heading: "Export from", ..PLAN };

/// The words of a rollback, which replaces what the apply wrote.
const ROLLBACK: PlanWords = PlanWords {
    heading: "Rollback in",
    up_to_date: "already restored",
    own: |change| change.before.as_ref(),
    ..PLAN
};

/// The words of a check: the value found, and the value expected.
const CHECK: PlanWords = PlanWords {
    heading: "Check of",
    before: "holds",
    after: "expected",
    glyph: |action| if action == Action::NoOp { glyph(action) } else { ("~", YELLOW) },
    shows_nothing: true,
    ..PLAN
};

/// Returns the words of a command.
pub(crate) fn plan_words(command: &RunCommand) -> &'static PlanWords {
    match command {
        RunCommand::Plan | RunCommand::Apply(_) | RunCommand::Lint => &PLAN,
        RunCommand::Rollback(_) => &ROLLBACK,
        RunCommand::Export(_) => &EXPORT,
        RunCommand::Check(_) => &CHECK,
    }
}

/// Formats the heading of a plan or a check: its environment.
pub(crate) fn heading(words: &PlanWords, environment: &str, url: &EnvironmentUrl) -> String {
    format!("\n{BOLD}{} {}{BOLD:#}\n\n", words.heading, named(environment, url))
}

/// Formats an environment: its name, if it has one, and its address.
pub(crate) fn named(environment: &str, url: &EnvironmentUrl) -> String {
    let (name, place) = (printable(environment, 80), url.to_string());
    if name == place { place } else { format!("{name}, {place}") }
}

/// Formats the request to sign in, with the page and the code on lines of their own.
pub(crate) fn sign_in(page: &str, code: &str) -> String {
    format!(
        "\nTo sign in, open this page and enter the code:\n\n  page  {page}\n  code  {BOLD}{code}{BOLD:#}\n\n"
    )
}

/// Formats the changes of a plan; empty if every target is up to date. Lists the targets that are up
/// to date if `verbose`, and counts them otherwise.
pub(crate) fn changes(plan: &Plan, words: &PlanWords, verbose: bool, width: usize) -> String {
    let is_shown = |change: &&Change| verbose || change.action != Action::NoOp;
    let shown = plan.changes.iter().filter(is_shown);
    let mut text: String = shown.map(|change| block(change, words, width)).collect();
    let up_to_date = plan.count(Action::NoOp);
    if !text.is_empty() && up_to_date > 0 && !verbose {
        let _ = writeln!(text, "  {DIM}= {up_to_date} {}{DIM:#}", words.up_to_date);
    }
    if text.is_empty() { text } else { text + "\n" }
}

/// Formats the numbers of changes that are about to be written.
pub(crate) fn totals(command: &RunCommand, plan: &Plan, width: usize) -> String {
    let what = if command.is_rollback() { "Rollback:" } else { "Plan:" };
    let rest = format!(" {}.", counts(plan, command, Outcome::Planned));
    last_line((BOLD, what), &rest, width) + "\n"
}

/// Formats the question whether to write.
pub(crate) fn question(command: &RunCommand, environment: &str, url: &EnvironmentUrl) -> String {
    let what =
        if command.is_rollback() { "Roll back these changes in" } else { "Write these changes to" };
    format!("{what} {BOLD}{}{BOLD:#}?\nType `yes` to go on: ", named(environment, url))
}

/// Formats the warnings and the problems of a plan.
pub(crate) fn notes(plan: &Plan, file: &str, width: usize) -> String {
    let warnings = plan.warnings.iter().map(|one| note(one, file, "warning", YELLOW, width));
    let problems = plan.problems.iter().map(|one| note(one, file, "error", RED, width));
    warnings.chain(problems).collect::<String>() + &more(plan)
}

/// Names the command that says more about the problems and warnings; empty if there are none.
fn more(plan: &Plan) -> String {
    let codes = plan.problems.iter().chain(&plan.warnings).map(|one| one.code.as_str());
    match codes.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()[..] {
        [] => String::new(),
        [code] => format!("`flowbind explain {code}` says more.\n\n"),
        _ => "`flowbind explain CODE` says more about a code in brackets.\n\n".to_owned(),
    }
}

/// Formats the last line of a run: its outcome.
pub(crate) fn conclusion(run: &Run<'_>, width: usize) -> String {
    let Ok(plan) = run.plan else { return String::new() };
    if let Some(checked) = run.command.checked().filter(|_| run.failure.is_none()) {
        return drift::conclusion(run.outcome, plan, checked, width);
    }
    if let Some(file) = run.command.exported_file().filter(|_| run.failure.is_none()) {
        return exported(run, plan, file, width);
    }
    let is_rollback = run.command.is_rollback();
    let numbers = counts(plan, &run.command, run.outcome);
    match run.outcome {
        Outcome::Agreed if is_rollback => {
            let word = already_rolled_back(Some(plan));
            last_line((GREEN, word), &format!(": {numbers}."), width)
        }
        Outcome::Agreed => last_line((GREEN, "No changes."), &agreed(plan), width),
        Outcome::Planned => {
            let word = if is_rollback { "Rollback:" } else { "Plan:" };
            last_line((BOLD, word), &format!(" {numbers}. Nothing was written."), width)
        }
        Outcome::Applied => {
            let word = if is_rollback { "Rolled back:" } else { "Applied:" };
            last_line((GREEN, word), &format!(" {numbers}. Read back and verified."), width)
        }
        Outcome::Refused if run.failure.is_none() => refused(plan, width),
        Outcome::Exported
        | Outcome::Drifted
        | Outcome::Refused
        | Outcome::NotReady
        | Outcome::Unknown => String::new(),
    }
}

/// Formats the last line of an export, which describes its file.
fn exported(run: &Run<'_>, plan: &Plan, file: &ExportedFile, width: usize) -> String {
    let path = escape_hidden(&file.path);
    let what = wording::exported(file, run.outcome);
    match run.outcome {
        Outcome::Agreed => {
            last_line((GREEN, "Already exported"), &format!(" to {path}: {what}."), width)
        }
        Outcome::Planned => {
            let rest = format!(" to {path}: {what}. Nothing was written.");
            last_line((BOLD, "Export"), &rest, width)
        }
        Outcome::Exported => last_line((GREEN, "Exported"), &format!(" to {path}: {what}."), width),
        _ => refused(plan, width),
    }
}

fn refused(plan: &Plan, width: usize) -> String {
    let problems = counted(plan.problems.len(), "problem");
    last_line((RED, "Refused:"), &format!(" {problems}. Nothing was written."), width)
}

/// Formats the error that ended a run, with its causes as a note, and its hints.
pub(crate) fn failure(failure: &Failure, width: usize) -> String {
    let (headline, note) = failure.headline_and_note();
    let mut text = paragraph(&format!("{RED}error{RED:#}:"), "error:", &headline, width);
    if let Some(note) = note {
        text += &paragraph(&format!("  {BOLD}note{BOLD:#}:"), "  note:", &note, width);
    }
    for hint in failure.help() {
        text += &laid_out(&format!("  {BOLD}help{BOLD:#}:"), "  help:", &hint, width);
    }
    text
}

/// Says that all targets are up to date; empty if there are no targets.
fn agreed(plan: &Plan) -> String {
    match plan.count(Action::NoOp) {
        0 => String::new(),
        all => all_up_to_date(all),
    }
}

/// Returns Terraform's glyph for an action, with its colour.
fn glyph(action: Action) -> (&'static str, Style) {
    let style = match action {
        Action::Create => GREEN,
        Action::Update => YELLOW,
        Action::Delete => RED,
        Action::NoOp => DIM,
    };
    (wording::glyph(action), style)
}

/// Formats a change: its target, the reason, and its values.
fn block(change: &Change, words: &PlanWords, width: usize) -> String {
    let (glyph, style) = (words.glyph)(change.action);
    let room = width.saturating_sub(6);
    let mut text = format!("  {style}{glyph} {}{style:#}\n", change.address);
    let flow = format!("{}: {}", printable(&change.flow_name, 100), change.reason);
    for line in wrap(&flow, room) {
        let _ = writeln!(text, "      {line}");
    }
    if change.action != Action::NoOp {
        text += &value(change, words, words.before, change.before.as_ref(), room);
        text += &value(change, words, words.after, change.after.as_ref(), room);
    }
    // The parts in which two URLs differ and that are not shown yet.
    for line in wording::parts(change).iter().flat_map(|part| wrap(part, room)) {
        let _ = writeln!(text, "      {DIM}{line}{DIM:#}");
    }
    text
}

/// Formats a value of a change beside its label. Leaves out a missing value if the action tells of
/// it.
fn value(
    change: &Change,
    words: &PlanWords,
    label: &str,
    value: Option<&ValueView>,
    room: usize,
) -> String {
    if value.is_none() && !words.shows_nothing && change.action != Action::Update {
        return String::new();
    }
    let labels = words.before.width().max(words.after.width());
    let shown = one_line(value, (words.own)(change));
    let mut text = String::new();
    for (number, line) in wrap(&shown, room.saturating_sub(labels + 2)).iter().enumerate() {
        let label = pad(if number == 0 { label } else { "" }, labels);
        let _ = writeln!(text, "      {DIM}{label}{DIM:#}  {line}");
    }
    text
}

/// Describes a value, with its host unless `own` has that host, too.
fn one_line(value: Option<&ValueView>, own: Option<&ValueView>) -> String {
    match (value, own) {
        (Some(ValueView::Url(view)), Some(ValueView::Url(own))) if view.host == own.host => {
            format!("{} {}", view.kind, view.fingerprint)
        }
        _ => ValueView::describe(value),
    }
}

/// Formats a problem or a warning with its place and its remedy.
fn note(problem: &Problem, file: &str, word: &str, style: Style, width: usize) -> String {
    let code = problem.code;
    let head = format!("{style}{word}[{code}]{style:#}:");
    let mut text = paragraph(&head, &format!("{word}[{code}]:"), &problem.message, width);
    let site = problem.site.map(|site| format!("{file}:{}:{}", site.line, site.column));
    let place: Vec<&str> =
        [site.as_deref(), problem.address.as_deref()].into_iter().flatten().collect();
    if !place.is_empty() {
        // Neither is cut: where there is no room for both, each has a line of its own.
        let fits = INDENT.len() + place.join("  ").width() <= width;
        let gap = if fits { "  ".to_owned() } else { format!("\n{INDENT}") };
        let _ = writeln!(text, "  {DIM}at{DIM:#}    {}", place.join(&gap));
    }
    text += &paragraph(&format!("  {BOLD}help{BOLD:#}:"), "  help:", &problem.hint, width);
    text + "\n"
}

/// Formats a paragraph with a text from a service or a manifest, and removes the terminal escapes
/// from that text.
fn paragraph(head: &str, plain: &str, body: &str, width: usize) -> String {
    laid_out(head, plain, &printable(body, MOST_PARAGRAPH), width)
}

/// Formats a paragraph that begins with `head`, which is as wide as `plain`. Indents the further
/// lines.
fn laid_out(head: &str, plain: &str, body: &str, width: usize) -> String {
    let room = width.saturating_sub(INDENT.len());
    let missing = plain.width().saturating_sub(INDENT.len());
    // The head takes the place of so many characters on the first line.
    let lines = wrap(&format!("{}{body}", "\u{a0}".repeat(missing + 1)), room);
    let first = lines[0].trim_start_matches('\u{a0}');
    let mut text = format!("{head} {first}\n");
    for line in &lines[1..] {
        let _ = writeln!(text, "{INDENT}{line}");
    }
    text
}
