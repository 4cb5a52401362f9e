//! Formats a plan for a terminal: as a table if there is room for one, or as a block per change.

use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::drift;
use super::layout::{counted, fit, shorten_middle, wrap};
use super::style::{BOLD, DIM, GREEN, RED, YELLOW, last_line};
use crate::model::{EnvironmentUrl, Failure, Problem, UrlView, escape_hidden, printable};
use crate::plan::{Action, Change, Plan, ValueView};
use crate::report::run::{ExportedFile, Outcome, Run};
use crate::report::wording;
use crate::report::wording::{all_up_to_date, counts, outcome_words};

/// The minimum terminal width for a table.
const TABLE_WIDTH: usize = 120;

/// The maximum and minimum width of a value's column: a whole host, and enough to recognize one.
const VALUE_WIDTHS: (usize, usize) = (68, 30);

/// The minimum width at which a part of a host is useful.
const LEAST_HOST: usize = 12;

/// The width of the gap between two columns.
const GAP: usize = 2;

/// The most characters of a paragraph.
const MOST_PARAGRAPH: usize = 4_000;

/// The indent of the further lines of a paragraph.
const INDENT: &str = "        ";

/// The labels for the two values of a change, and the glyph before a change.
#[derive(Clone, Copy)]
pub(crate) struct ValueLabels {
    before: &'static str,
    after: &'static str,
    glyph: fn(Action) -> (&'static str, Style),
}

/// The labels of a plan: the action, and the values before and after.
pub(crate) const PLAN: ValueLabels = ValueLabels { before: "before", after: "after", glyph };

/// The labels of a check: the value found, and the value expected.
pub(crate) const CHECK: ValueLabels =
    ValueLabels { before: "holds", after: "expected", glyph: |_| ("~", YELLOW) };

/// Formats the heading of a plan or a check: its environment.
pub(crate) fn heading(what: &str, environment: &str, url: &EnvironmentUrl) -> String {
    let name = printable(environment, 80);
    let place = url.to_string();
    let named = if name == place { String::new() } else { format!(" {name},") };
    format!("\n{BOLD}{what}{named} {place}{BOLD:#}\n\n")
}

/// Formats the changes of a plan; empty if every target is up to date.
pub(crate) fn changes(plan: &Plan, manner: ValueLabels, width: usize) -> String {
    if plan.changes.iter().all(|change| change.action == Action::NoOp) {
        return String::new();
    }
    let changes = match Columns::fitting(&plan.changes, width) {
        Some(columns) => table(&plan.changes, manner, &columns),
        None => blocks(&plan.changes, manner, width),
    };
    changes + "\n"
}

/// Formats the warnings and the problems of a plan.
pub(crate) fn notes(plan: &Plan, file: &str, width: usize) -> String {
    let warnings = plan.warnings.iter().map(|one| note(one, file, "warning", YELLOW, width));
    let problems = plan.problems.iter().map(|one| note(one, file, "error", RED, width));
    warnings.chain(problems).collect()
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
    match run.outcome {
        Outcome::Agreed => last_line((GREEN, "No changes."), &agreed(plan), width),
        Outcome::Planned => {
            let rest =
                format!(" {}. Nothing was written.", counts(plan, outcome_words(run.outcome)));
            last_line((BOLD, "Plan:"), &rest, width)
        }
        Outcome::Applied => {
            let rest =
                format!(": {}. Read back and verified.", counts(plan, outcome_words(run.outcome)));
            last_line((GREEN, "applied"), &rest, width)
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
    let what = format!("{} in {path}.", wording::exported(file, run.outcome));
    match run.outcome {
        Outcome::Agreed => last_line((GREEN, "No changes."), &format!(" {what}"), width),
        Outcome::Planned => {
            last_line((BOLD, "Plan:"), &format!(" {what} Nothing was written."), width)
        }
        Outcome::Exported => last_line((GREEN, "exported"), &format!(": {what}"), width),
        _ => refused(plan, width),
    }
}

fn refused(plan: &Plan, width: usize) -> String {
    let problems = counted(plan.problems.len(), "problem");
    last_line((RED, "refused"), &format!(": {problems}. Nothing was written."), width)
}

/// Styles the rendered problems of a manifest and wraps their long sentences. Keeps the lines
/// between a place and its help, which quote the manifest.
pub(crate) fn manifest(rendered: &str, width: usize) -> String {
    let line = |line: &str| match line.split_once(": ") {
        Some((head, body)) if head.starts_with("error[") => {
            paragraph(&format!("{RED}{head}{RED:#}:"), &format!("{head}:"), body, width)
        }
        Some(("  help", body)) => {
            paragraph(&format!("  {BOLD}help{BOLD:#}:"), "  help:", body, width)
        }
        _ => match line.strip_prefix("  at  ") {
            Some(place) => format!("  {DIM}at{DIM:#}  {place}\n"),
            None => format!("{line}\n"),
        },
    };
    rendered.lines().map(line).collect::<String>() + "\n"
}

/// Formats the error that ended a run, with its hints.
pub(crate) fn failure(failure: &Failure, width: usize) -> String {
    let mut text = paragraph(&format!("{RED}error{RED:#}:"), "error:", &failure.message, width);
    for hint in failure.help() {
        text += &laid_out(&format!("  {BOLD}help{BOLD:#}:"), "  help:", &hint, width);
    }
    text
}

/// Says that all targets are up to date or were skipped; empty if there are no targets.
fn agreed(plan: &Plan) -> String {
    match (plan.count(Action::NoOp), plan.left_alone) {
        (0, 0) => String::new(),
        (all, 0) => all_up_to_date(all),
        (unchanged, skipped) => format!(" {unchanged} unchanged, {skipped} skipped."),
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

/// Formats each change as a block, for a narrow terminal.
fn blocks(changes: &[Change], manner: ValueLabels, width: usize) -> String {
    changes.iter().map(|change| block(change, manner, width)).collect::<Vec<_>>().concat()
}

fn block(change: &Change, manner: ValueLabels, width: usize) -> String {
    let (glyph, style) = (manner.glyph)(change.action);
    let names = manner.before.width().max(manner.after.width());
    let room = width.saturating_sub(6 + names + GAP);
    let mut text = format!("  {style}{glyph} {}{style:#}\n", change.address);
    let flow = format!("{}: {}", printable(&change.flow_name, 100), change.reason);
    for line in wrap(&flow, width.saturating_sub(6)) {
        let _ = writeln!(text, "      {line}");
    }
    if change.action != Action::NoOp {
        for (name, value) in [(manner.before, &change.before), (manner.after, &change.after)] {
            let (name, value) = (fit(name, names), one_line(value.as_ref(), room));
            let _ = writeln!(text, "      {DIM}{name}{DIM:#}  {value}");
        }
    }
    text + &details(change, width)
}

/// Formats a line for each part in which two URLs differ and that is not shown yet.
fn details(change: &Change, width: usize) -> String {
    let parts = wording::parts(change);
    let mut text = String::new();
    for line in parts.iter().flat_map(|part| wrap(part, width.saturating_sub(6))) {
        let _ = writeln!(text, "      {DIM}{line}{DIM:#}");
    }
    text
}

fn one_line(value: Option<&ValueView>, width: usize) -> String {
    match value {
        Some(ValueView::Url(view)) => one_line_url(view, width),
        other => ValueView::describe(other),
    }
}

fn one_line_url(view: &UrlView, width: usize) -> String {
    let head = format!("{}  {}", view.kind, view.fingerprint);
    let room = width.saturating_sub(head.width() + GAP);
    if room < LEAST_HOST {
        return head;
    }
    format!("{head}  {}", shorten_middle(&view.host, room))
}

/// The widths of the columns of a table.
struct Columns {
    address: usize,
    flow: usize,
    value: usize,
}

impl Columns {
    /// Returns the width of the table.
    fn width(&self) -> usize {
        4 + self.address + self.flow + 2 * self.value + 3 * GAP
    }

    /// Returns the column widths, if there is room for a table that shows every address whole.
    fn fitting(changes: &[Change], width: usize) -> Option<Self> {
        let columns = Self::from_changes(changes, width);
        let whole = |change: &Change| change.address.width() <= columns.address;
        (width >= TABLE_WIDTH && changes.iter().all(whole)).then_some(columns)
    }

    /// Gives the addresses what they need, and the values what is left.
    fn from_changes(changes: &[Change], width: usize) -> Self {
        let longest = |text: fn(&Change) -> &str| {
            changes.iter().map(|change| text(change).width()).max().unwrap_or(0)
        };
        let flow = longest(|change| &change.flow_name).clamp(4, 24);
        let (widest, narrowest) = VALUE_WIDTHS;
        let room = width.saturating_sub(4 + flow + 3 * GAP);
        let address =
            longest(|change| &change.address).clamp(20, room.saturating_sub(2 * narrowest).max(20));
        let value = (room.saturating_sub(address) / 2).clamp(narrowest, widest);
        Self { address, flow, value }
    }
}

/// Formats a table with two lines for each change, for a wide terminal.
fn table(changes: &[Change], manner: ValueLabels, columns: &Columns) -> String {
    let (address, flow) = (fit("target", columns.address), fit("flow", columns.flow));
    let (before, after) = (fit(manner.before, columns.value), manner.after);
    let mut text = format!("{DIM}    {address}  {flow}  {before}  {after}{DIM:#}\n");
    for change in changes {
        text += &row(change, manner, columns);
    }
    text
}

fn row(change: &Change, manner: ValueLabels, columns: &Columns) -> String {
    let (glyph, style) = (manner.glyph)(change.action);
    let target = fit(&change.address, columns.address);
    let name = fit(&printable(&change.flow_name, 100), columns.flow);
    let before = two_lines(change.before.as_ref(), columns.value);
    let after = two_lines(change.after.as_ref(), columns.value);
    let head = format!("  {style}{glyph} {target}{style:#}  {name}");
    if change.action == Action::NoOp {
        return format!("{head}  {}\n", change.reason);
    }
    let reason = fit(&change.reason, columns.address + GAP + columns.flow);
    let lines = format!(
        "{head}  {}  {}\n    {DIM}{reason}{DIM:#}  {}  {}\n",
        fit(&before[0], columns.value),
        after[0],
        fit(&before[1], columns.value),
        after[1],
    );
    lines + &details(change, columns.width())
}

fn two_lines(value: Option<&ValueView>, width: usize) -> [String; 2] {
    match value {
        Some(ValueView::Url(view)) => two_lines_url(view, width),
        other => [ValueView::describe(other), String::new()],
    }
}

fn two_lines_url(view: &UrlView, width: usize) -> [String; 2] {
    [format!("{} {}", view.kind, view.fingerprint), shorten_middle(&view.host, width)]
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
