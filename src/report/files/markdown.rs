//! A run as Markdown: the summary of a job, readable as it stands in GitHub and Azure DevOps.
//!
//! No images, and no HTML but for `<details>`: tables and lists as both know them
//! (<https://github.github.com/gfm/>,
//! <https://learn.microsoft.com/azure/devops/project/wiki/markdown-guidance>).

use std::fmt::Write as _;

use crate::discover::probe::Probed;
use crate::model::{Failure, Problem, UrlView};
use crate::plan::{Change, ValueView};
use crate::report::run::is_change;
use crate::report::wording::{
    NONE_TO_PROBE, answer, consequence, headline, moment, pieces, place, reason_text, safe_text,
    seconds, sign, total, values, verdict,
};
use crate::report::{Run, VERSION};

/// Renders the run as a Markdown document.
pub(crate) fn document(run: &Run<'_>) -> String {
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

/// Summarizes the run in one line.
fn summary(run: &Run<'_>) -> String {
    let environment = run.environment.map(|environment| {
        let url = environment.url.to_string();
        let name = Some(environment.name).filter(|name| *name != url);
        let name = name.map_or_else(String::new, |name| format!("**{}** ", escape_text(name)));
        format!("{name}{}: ", code(&url))
    });
    // A file has variables, of which several targets may be members.
    let plan = run.plan.ok().filter(|_| run.command.exported_file().is_none());
    let counts = plan.map(|plan| format!("{}. ", total(run, plan)));
    let words = [environment, counts].into_iter().flatten().collect::<String>();
    words + &prose(&consequence(run))
}

/// Renders the error that ended the run early.
fn error(failure: &Failure) -> String {
    let mut text = format!("### Error\n\n{}\n\n", prose(&failure.message));
    let help: Vec<String> = failure.help().collect();
    for hint in &help {
        let _ = writeln!(text, "- {}", prose(hint));
    }
    if help.is_empty() { text } else { text + "\n" }
}

/// Renders the table of changes, and below it, folded, the targets that are up to date; empty if there
/// are none.
fn changes(run: &Run<'_>) -> String {
    let changes = run.changes();
    if changes.is_empty() {
        return String::new();
    }
    let (differ, agree): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| is_change(change));
    let differ = if differ.is_empty() { String::new() } else { change_table(run, &differ) };
    let folded = if agree.is_empty() {
        String::new()
    } else {
        let (number, table) = (agree.len(), change_table(run, &agree));
        let word = verdict(run, agree[0]);
        format!("<details><summary>{number} {word}</summary>\n\n{table}</details>\n\n")
    };
    let title = if run.command.is_check() { "Targets" } else { "Changes" };
    format!("### {title}\n\n{differ}{folded}")
}

/// Renders changes as a table.
fn change_table(run: &Run<'_>, changes: &[&Change]) -> String {
    let [before, after] = values(run);
    let head = format!(
        "| | Target | Flow | Reason | {before} | {after} |\n| :-- | :-- | :-- | :-- | :-- | :-- |\n"
    );
    let rows = changes.iter().map(|one| change(run, one));
    format!("{head}{}\n", rows.collect::<String>())
}

/// Renders a change as a row of the table.
fn change(run: &Run<'_>, change: &Change) -> String {
    let cells = [
        format!("{} {}", code(sign(run, change)), verdict(run, change)),
        cell(&code(&change.address)),
        escape_text(&change.flow_name),
        escape_text(&reason_text(change)),
        value(change.before.as_ref()),
        value(change.after.as_ref()),
    ];
    format!("| {} |\n", cells.join(" | "))
}

/// Renders a value as a cell of the table.
fn value(value: Option<&ValueView>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(ValueView::Url(view)) => url(view),
        Some(ValueView::Elsewhere { host }) => format!("a URL on {}", cell(&code(host))),
        Some(other) => escape_text(&other.to_string()),
    }
}

/// Renders a URL as a cell of the table.
fn url(view: &UrlView) -> String {
    let fingerprint = code(&view.fingerprint.to_string());
    format!("{} {fingerprint} on {}", view.kind, cell(&code(&view.host)))
}

/// Renders the table of probes: each URL that a target holds, and its answer.
fn probes(probes: &[Probed]) -> String {
    if probes.is_empty() {
        return format!("### Probes\n\n{NONE_TO_PROBE}\n\n");
    }
    let head = "### Probes\n\n| Result | Target | URL | Answer |\n| :-- | :-- | :-- | :-- |\n";
    format!("{head}{}\n", probes.iter().map(probe).collect::<String>())
}

/// Renders a probe as a row of the table.
fn probe(probed: &Probed) -> String {
    let targets = probed.targets.iter().map(|(address, _)| cell(&code(address)));
    let cells = [
        probed.result.as_str().to_owned(),
        targets.collect::<Vec<_>>().join(", "),
        url(&probed.view),
        escape_text(answer(probed)),
    ];
    format!("| {} |\n", cells.join(" | "))
}

/// Renders a list of problems or warnings; empty if there are none.
fn notes(title: &str, notes: &[&Problem], file: &str) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let notes: String = notes.iter().map(|problem| note(problem, file)).collect();
    format!("### {title}\n\n{notes}\n")
}

/// Renders a problem or a warning with its place and its remedy.
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

/// Renders the facts of the run: when, by whom and how it was made.
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

/// Renders a sentence of this program, with the names between backticks as code.
fn prose(text: &str) -> String {
    let text = safe_text(text);
    let mut prose = String::new();
    for (is_code, piece) in pieces(&text) {
        let piece = if is_code { code(piece) } else { escape_text(piece) };
        // Two spans of code that touch would be read as another.
        if prose.ends_with('`') && piece.starts_with('`') {
            prose.push(' ');
        }
        prose += &piece;
    }
    prose
}

/// Escapes a text so that it contains no markup, link or mention.
fn escape_text(text: &str) -> String {
    safe_text(text).split_inclusive([' ', '|']).map(escape_word).collect()
}

/// Escapes a word and the text around it. Turns a word into code if it would become a link or a
/// mention, since no backslash keeps GitHub and Azure DevOps from making one.
fn escape_word(text: &str) -> String {
    let core = text.trim_matches(|character| "(),.;:?\"'| ".contains(character));
    match text.split_once(core).filter(|_| is_live(core)) {
        Some((before, after)) => escaped(before) + &code(core) + &escaped(after),
        None => escaped(text),
    }
}

/// Escapes the markup in a text: any ASCII punctuation may follow a backslash
/// (<https://github.github.com/gfm/#backslash-escapes>).
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if "\\`*_{}[]<>|~&$#".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Checks if a word would become a link, a mention or a reference
/// (<https://github.github.com/gfm/#autolinks-extension->,
/// <https://docs.github.com/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls>).
fn is_live(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let numbered = |mark: &str| {
        word.match_indices(mark)
            .any(|(place, _)| word[place + mark.len()..].starts_with(|c: char| c.is_ascii_digit()))
    };
    word.contains('@')
        || word.contains("://")
        || ["#", "!", "gh-"].into_iter().any(numbered)
        || has_host(&word)
}

/// Checks if a word has a dot between parts that could be the name of a host.
fn has_host(word: &str) -> bool {
    word.match_indices('.').any(|(place, _)| {
        let (before, after) = (&word[..place], &word[place + 1..]);
        before.ends_with(char::is_alphanumeric)
            && after.chars().take_while(|character| character.is_alphabetic()).count() > 1
    })
}

/// Formats a text as code, between more backticks than the text has in a row.
fn code(text: &str) -> String {
    let text = safe_text(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space =
        if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Escapes the bars in code for a cell of a table, where even code needs a backslash
/// (<https://github.github.com/gfm/#example-200>).
fn cell(code: &str) -> String {
    code.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What GitHub and Azure DevOps look for links and mentions in: all but code, as
    /// <https://spec.commonmark.org/0.31.2/#code-spans> tells it.
    fn outside_code(text: &str) -> String {
        let (mut outside, mut rest) = (String::new(), text);
        while let Some(character) = rest.chars().next() {
            let ticks = rest.chars().take_while(|c| *c == '`').count();
            let fence = "`".repeat(ticks);
            let end = |body: &str| {
                let runs = body.match_indices(&fence).map(|(place, _)| place);
                let ends = |place: &usize| {
                    let after = &body[place + ticks..];
                    !body[..*place].ends_with('`') && !after.starts_with('`')
                };
                runs.into_iter().find(ends)
            };
            if character == '\\' {
                let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
                outside += &rest[1..=escaped];
                rest = &rest[1 + escaped..];
            } else if let Some(end) = end(&rest[ticks..]).filter(|_| ticks > 0) {
                outside.push('`');
                rest = &rest[ticks + end + ticks..];
            } else {
                let length = character.len_utf8().max(ticks);
                outside += &rest[..length];
                rest = &rest[length..];
            }
        }
        outside
    }

    #[test]
    fn what_would_be_live_is_code() {
        for (text, wanted) in [
            ("see (https://evil.example/x), or not", "see (`https://evil.example/x`), or not"),
            ("ask @admin: now", "ask `@admin`: now"),
            ("www.evil.example|HTTPS://x", "`www.evil.example`\\|`HTTPS://x`"),
            ("megan@contoso.example.", "`megan@contoso.example`."),
            ("Order #12, !34 and GH-5", "Order `#12`, `!34` and `GH-5`"),
            ("# v9.2, e.g. 0.1.0 * a#b", "\\# v9.2, e.g. 0.1.0 \\* a\\#b"),
            ("evil.example/`x`", "`` evil.example/`x` ``"),
        ] {
            assert_eq!(escape_text(text), wanted, "{text}");
        }
        assert_eq!(prose("at https://x.example`y` @a"), "at `https://x.example` `y` `@a`");
    }

    proptest! {
        #[test]
        fn nothing_is_live_outside_of_code(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "https://evil.example", "@admin", "www.", "evil.example", "#1", "`", "``", "|",
                    "\\", " ", ":", "//", "(", ")", ".", "<", "a", "*", "!",
                ]),
                0..12,
            ),
        ) {
            let text = parts.concat();
            for outside in [outside_code(&escape_text(&text)), outside_code(&prose(&text))] {
                for live in ["https://", "@", "evil.example", "#1"] {
                    prop_assert!(!outside.contains(live), "{text} -> {outside}");
                }
            }
        }
    }
}
