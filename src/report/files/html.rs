//! A run as one HTML page for the record of a release: it needs no other file, no script and no
//! network, and its policy allows none.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::markup::Markup;
use crate::discover::probe::Probed;
use crate::model::{Failure, ManifestPosition, Problem, UrlView, escape_hidden};
use crate::plan::{Change, ValueView};
use crate::report::run::is_change;
use crate::report::wording::{
    NONE_TO_PROBE, answer, consequence, headline, moment, pieces, place, reason_text, safe_text,
    seconds, sign, totals, values, verdict,
};
use crate::report::{Outcome, Run, VERSION};

/// The style of the page on a screen, light and dark, and on paper.
const STYLE: &str = include_str!("page.css");

/// The explanation of a fingerprint, for readers of the page years later.
const FINGERPRINT: &str = "A URL is shown by its kind, its fingerprint and its host. The fingerprint is the first \
     12 hex digits of the SHA-256 of the stored URL. This page contains no secret.";

/// Writes the run as an HTML page.
pub(crate) fn write(run: &Run<'_>, mut to: impl Write) -> io::Result<()> {
    let page = Markup::lines([head(run), body(run)]);
    let html = Markup::element("html", &[("lang", "en")], Markup::lines([page]));
    writeln!(to, "<!DOCTYPE html>\n{html}")
}

fn head(run: &Run<'_>) -> Markup {
    let environment =
        run.environment.map(|environment| format!(" · {}", safe_text(environment.name)));
    let title = format!(
        "{}{} · flowbind {}",
        headline(run),
        environment.unwrap_or_default(),
        run.command.as_str()
    );
    let policy = policy();
    let meta = |attributes: &[(&str, &str)]| Markup::void("meta", attributes);
    let parts = Markup::lines([
        meta(&[("charset", "utf-8")]),
        meta(&[("http-equiv", "Content-Security-Policy"), ("content", &policy)]),
        meta(&[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]),
        meta(&[("name", "referrer"), ("content", "no-referrer")]),
        Markup::element("title", &[], Markup::text(&title)),
        Markup::element("style", &[], Markup::verbatim(STYLE)),
    ]);
    Markup::element("head", &[], parts)
}

/// Allows this page's own style and nothing else.
fn policy() -> String {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
}

fn body(run: &Run<'_>) -> Markup {
    let problems: Vec<&Problem> = run.problems().collect();
    let warnings: Vec<&Problem> = run.warnings().collect();
    let main = Markup::lines([
        page_header(run),
        counts(run, problems.len(), warnings.len()),
        error(run.failure),
        notes("Problems", "error", &problems, run.source),
        notes("Warnings", "warning", &warnings, run.source),
        changes(run),
        run.probes().map_or_else(Markup::default, probes),
        facts(run),
        Markup::element("footer", &[], Markup::text(FINGERPRINT)),
    ]);
    Markup::element("body", &[], Markup::element("main", &[], main))
}

/// Renders the header: the outcome of the run, and the environment.
fn page_header(run: &Run<'_>) -> Markup {
    let mark = classed(
        "span",
        "mark",
        Markup::text(outcome_symbol(run.outcome)),
        &[("aria-hidden", "true")],
    );
    let title = Markup::all([mark, Markup::text(headline(run))]);
    let tool = format!("flowbind {} · {}", run.command.as_str(), moment(run.started));
    let parts = Markup::lines([
        paragraph("tool", Markup::text(&tool)),
        classed("h1", run.outcome.as_str(), title, &[]),
        paragraph("place", where_it_ran(run)),
    ]);
    Markup::element("header", &[], parts)
}

/// Returns the symbol for an outcome, shown beside the words.
fn outcome_symbol(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Agreed | Outcome::Applied | Outcome::Exported => "✓",
        Outcome::Planned | Outcome::Drifted => "~",
        Outcome::Refused | Outcome::NotReady => "×",
        Outcome::Unknown => "?",
    }
}

fn where_it_ran(run: &Run<'_>) -> Markup {
    let consequence = prose(&consequence(run));
    let Some(environment) = run.environment else { return consequence };
    let name = Markup::element("strong", &[], Markup::text(&safe_text(environment.name)));
    let url = code(&environment.url.to_string());
    Markup::all([name, Markup::text(" "), url, Markup::text(" — "), consequence])
}

/// Renders the numbers of changes, problems and warnings.
fn counts(run: &Run<'_>, problems: usize, warnings: usize) -> Markup {
    let changes = run.plan.ok().map(|plan| totals(run, plan));
    let notes = [(problems, "problems"), (warnings, "warnings")];
    let counts = changes.unwrap_or_default().into_iter().chain(notes).map(|(number, word)| {
        let class = if number == 0 { "none" } else { "some" };
        classed("div", class, pair(word, Markup::text(&number.to_string())), &[])
    });
    classed("dl", "tally", Markup::all(counts), &[])
}

/// Renders the error that ended the run early; empty if there is none.
fn error(failure: Option<&Failure>) -> Markup {
    let Some(failure) = failure else { return Markup::default() };
    let message = Markup::element("p", &[], prose(&failure.message));
    let hints = failure.help().map(|hint| help(&hint));
    let item = Markup::all([message].into_iter().chain(hints));
    section("Error", list("error", [Markup::element("li", &[], item)]))
}

/// Renders a list of problems or warnings; empty if there are none.
fn notes(title: &str, class: &str, notes: &[&Problem], file: &str) -> Markup {
    if notes.is_empty() {
        return Markup::default();
    }
    section(title, list(class, notes.iter().map(|problem| note(problem, file))))
}

/// Renders a problem or a warning with its place and its remedy.
fn note(problem: &Problem, file: &str) -> Markup {
    let place = place(problem, file);
    let places = [problem.address.as_deref(), place.as_deref()].into_iter().flatten();
    let places = places.flat_map(|place| [Markup::text(" "), code(&safe_text(place))]);
    let kind = classed("span", "code", Markup::text(problem.code.as_str()), &[]);
    let parts = [
        Markup::element("p", &[], Markup::all([kind].into_iter().chain(places))),
        Markup::element("p", &[], prose(&problem.message)),
        if problem.hint.is_empty() { Markup::default() } else { help(&problem.hint) },
    ];
    Markup::element("li", &[], Markup::all(parts))
}

/// Renders a hint for fixing a problem.
fn help(hint: &str) -> Markup {
    let word = Markup::element("strong", &[], Markup::text("Help: "));
    paragraph("help", Markup::all([word, prose(hint)]))
}

/// Renders the table of changes, and below it, folded, the targets that are up to date; empty if there
/// are none.
fn changes(run: &Run<'_>) -> Markup {
    let changes = run.changes();
    if changes.is_empty() {
        return Markup::default();
    }
    let (differ, agree): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| is_change(change));
    let differ = if differ.is_empty() { Markup::default() } else { change_table(run, &differ) };
    let folded = agree.first().map_or_else(Markup::default, |first| {
        let summary = Markup::text(&format!("{} {}", agree.len(), verdict(run, first)));
        let summary = Markup::element("summary", &[], summary);
        Markup::element("details", &[], Markup::all([summary, change_table(run, &agree)]))
    });
    section("Targets", Markup::all([differ, folded]))
}

/// Renders changes as a table.
fn change_table(run: &Run<'_>, changes: &[&Change]) -> Markup {
    let [before, after] = values(run);
    let found = if run.command.is_check() { "Result" } else { "Action" };
    table([found, "Target", before, after], changes.iter().map(|one| change(run, one)))
}

/// Renders a table with these columns and rows.
fn table(columns: [&str; 4], rows: impl Iterator<Item = Markup>) -> Markup {
    let column = |name: &str| Markup::element("th", &[("scope", "col")], Markup::text(name));
    let columns = Markup::element("tr", &[], Markup::all(columns.map(column)));
    let head = Markup::element("thead", &[], columns);
    let body = Markup::element("tbody", &[], Markup::lines(rows));
    Markup::element("table", &[], Markup::all([head, body]))
}

/// Renders a change as a row of the table.
fn change(run: &Run<'_>, change: &Change) -> Markup {
    let hidden = [("aria-hidden", "true")];
    let sign = classed("code", "sign", Markup::text(sign(run, change)), &hidden);
    let action = Markup::all([sign, Markup::text(verdict(run, change))]);
    let [before, after] = values(run);
    let about = format!("{}: {}", safe_text(&change.flow_name), safe_text(&reason_text(change)));
    let target = Markup::all([code(&safe_text(&change.address)), more(Markup::text(&about))]);
    let cells = Markup::all([
        classed("td", &format!("action {}", change.action.as_str()), action, &[]),
        Markup::element("th", &[("scope", "row")], target),
        value(before, change.before.as_ref()),
        value(after, change.after.as_ref()),
    ]);
    Markup::element("tr", &[], cells)
}

/// Renders a value as a cell of the table.
fn value(label: &str, value: Option<&ValueView>) -> Markup {
    let shown = match value {
        Some(ValueView::Url(view)) => url(view),
        other => Markup::text(&ValueView::describe(other)),
    };
    classed("td", "value", shown, &[("data-label", label)])
}

/// Renders the table of probes: each URL that a target holds, and its answer.
fn probes(probes: &[Probed]) -> Markup {
    if probes.is_empty() {
        return section("Probes", Markup::element("p", &[], Markup::text(NONE_TO_PROBE)));
    }
    section("Probes", table(["Result", "Target", "URL", "Answer"], probes.iter().map(probe)))
}

/// Renders a probe as a row of the table.
fn probe(probed: &Probed) -> Markup {
    let target = |(address, _): &(String, ManifestPosition)| {
        Markup::element("div", &[], code(&safe_text(address)))
    };
    let targets = Markup::all(probed.targets.iter().map(target));
    let answer = Markup::text(&safe_text(answer(probed)));
    let cells = Markup::all([
        classed("td", "action", Markup::text(probed.result.as_str()), &[]),
        Markup::element("th", &[("scope", "row")], targets),
        classed("td", "value", url(&probed.view), &[("data-label", "URL")]),
        classed("td", "answer", answer, &[("data-label", "Answer")]),
    ]);
    Markup::element("tr", &[], cells)
}

fn url(view: &UrlView) -> Markup {
    let kind = Markup::text(&format!("{} ", view.kind));
    Markup::all([kind, code(&view.fingerprint.to_string()), more(code(&safe_text(&view.host)))])
}

/// Renders the facts of the run: when, by whom and how it was made.
fn facts(run: &Run<'_>) -> Markup {
    let requests = run.requests;
    let triggers = run.probes().map(|_| format!(", {} to triggers", requests.trigger));
    let requests = format!(
        "{} to Entra, {} to Dataverse, {} to Flow{}",
        requests.entra,
        requests.dataverse,
        requests.flow,
        triggers.unwrap_or_default()
    );
    let environment = run.environment;
    let id = environment.and_then(|environment| environment.id).map(ToString::to_string);
    let host = environment.and_then(|environment| environment.flow_host);
    let facts = [
        ("Started", Some(moment(run.started))),
        ("Duration", Some(format!("{} s", seconds(run.duration)))),
        ("Signed in as", run.user.map(safe_text)),
        (
            if run.command.input() == "journal" { "Journal" } else { "Manifest" },
            Some(escape_hidden(run.source)),
        ),
        ("Environment id", id),
        ("Flow API", host.map(safe_text)),
        ("Requests", Some(requests)),
        ("Program", Some(format!("flowbind {VERSION}"))),
    ];
    let facts = facts.into_iter().filter_map(|(name, text)| {
        Some(Markup::element("div", &[], pair(name, Markup::text(&text?))))
    });
    section("Run", classed("dl", "facts", Markup::all(facts), &[]))
}

fn section(title: &str, content: Markup) -> Markup {
    let title = Markup::element("h2", &[], Markup::text(title));
    Markup::element("section", &[], Markup::all([title, content]))
}

fn list(class: &str, items: impl IntoIterator<Item = Markup>) -> Markup {
    classed("ul", &format!("notes {class}"), Markup::all(items), &[])
}

/// Renders a name with its value.
fn pair(name: &str, content: Markup) -> Markup {
    let name = Markup::element("dt", &[], Markup::text(name));
    Markup::all([name, Markup::element("dd", &[], content)])
}

/// Renders a sentence of this program, with the names between backticks as code.
fn prose(text: &str) -> Markup {
    let text = safe_text(text);
    let piece = |(is_code, text)| if is_code { code(text) } else { Markup::text(text) };
    Markup::all(pieces(&text).map(piece))
}

fn paragraph(class: &str, content: Markup) -> Markup {
    classed("p", class, content, &[])
}

/// Renders content in a smaller style below other content.
fn more(content: Markup) -> Markup {
    classed("span", "more", content, &[])
}

/// Renders a name as code, with a possible line break after each part of the name.
fn code(text: &str) -> Markup {
    let mut parts = Vec::new();
    for part in text.split_inclusive(['/', '.', ']']) {
        parts.extend([Markup::text(part), Markup::void("wbr", &[])]);
    }
    parts.pop();
    Markup::element("code", &[], Markup::all(parts))
}

fn classed(name: &str, class: &str, content: Markup, more: &[(&str, &str)]) -> Markup {
    Markup::element(name, &[&[("class", class)], more].concat(), content)
}
