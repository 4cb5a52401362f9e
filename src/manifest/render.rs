//! Problems as text, each with the line that it is about.

use std::collections::BTreeSet;

use annotate_snippets::renderer::Renderer;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Snippet};
use anstyle::{AnsiColor, Style};

use super::excerpt::{Excerpt, excerpt};
use super::show::printable;
use super::text::without_mark;
use crate::model::{ManifestPosition, Problem, wrap};

/// The most problems that are shown; more would scroll the first ones away.
const MOST_SHOWN: usize = 100;

/// The width of a text without colour.
const PLAIN_WIDTH: usize = 100;

/// Formats the problems as compilers do: each with its place `file:line:column`, with its line, in
/// which the key or value is marked, and with what to do. Control characters are escaped, and
/// signatures and credentials in a line are covered.
pub fn render_problems(file_name: &str, bytes: &[u8], problems: &[Problem]) -> String {
    render(&Renderer::plain(), PLAIN_WIDTH, file_name, bytes, problems)
}

/// Formats the problems as [`render_problems`] does, with colours, for a terminal of this width.
pub(crate) fn style_problems(
    width: usize,
    file_name: &str,
    bytes: &[u8],
    problems: &[Problem],
) -> String {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let red = AnsiColor::Red.on_default().bold();
    let renderer = Renderer::styled().error(red).help(bold).note(bold).emphasis(bold).line_num(dim);
    render(&renderer, width, file_name, bytes, problems)
}

fn render(
    renderer: &Renderer,
    width: usize,
    file_name: &str,
    bytes: &[u8],
    problems: &[Problem],
) -> String {
    let renderer = renderer.clone().term_width(width);
    let file_name = printable(file_name);
    let lines: Vec<&[u8]> = without_mark(bytes).split(|byte| *byte == b'\n').collect();
    let shown = problems.iter().take(MOST_SHOWN);
    let mut blocks: Vec<String> =
        shown.map(|problem| block(&renderer, width, &file_name, &lines, problem)).collect();
    if problems.len() > MOST_SHOWN {
        blocks.push(format!("... and {} more problems\n", problems.len() - MOST_SHOWN));
    }
    let codes: BTreeSet<&str> = problems.iter().map(|problem| problem.code.as_str()).collect();
    if let [code] = codes.into_iter().collect::<Vec<_>>()[..] {
        blocks.push(format!("`flowbind explain {code}` says more.\n"));
    } else if !problems.is_empty() {
        blocks.push("`flowbind explain CODE` says more about a code in brackets.\n".to_owned());
    }
    blocks.join("\n")
}

/// Formats one problem.
fn block(
    renderer: &Renderer,
    width: usize,
    file_name: &str,
    lines: &[&[u8]],
    problem: &Problem,
) -> String {
    let code = problem.code.as_str();
    let wrapped =
        |text: &str, taken: usize| wrap(&printable(text), width.saturating_sub(taken)).join("\n");
    let title = wrapped(&problem.message, "error[]: ".len() + code.len());
    let help = wrapped(&problem.hint, "      = help: ".len());
    let mut group = Group::with_title(Level::ERROR.primary_title(title).id(code));
    let excerpt = problem.site.and_then(|site| Some((site, excerpt_at(lines, site)?)));
    // A snippet tells its place by itself, unless it is not the whole line as it stands.
    let is_whole = excerpt.as_ref().is_some_and(|(site, Excerpt { text, marked })| {
        text[..marked.start].chars().count() + 1 == site.column
    });
    if !is_whole {
        let origin = Origin::path(file_name);
        group = group.element(match problem.site {
            Some(site) => origin.line(site.line).char_column(site.column),
            None => origin,
        });
    }
    if let Some((site, Excerpt { text, marked })) = excerpt {
        let mark = AnnotationKind::Primary.span(marked);
        let snippet = Snippet::source(text).line_start(site.line).annotation(mark);
        group = group.element(if is_whole { snippet.path(file_name) } else { snippet });
    }
    if !help.is_empty() {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group]) + "\n"
}

/// Returns the line of a place as it is shown; nothing if the line is empty or missing.
fn excerpt_at(lines: &[&[u8]], site: ManifestPosition) -> Option<Excerpt> {
    let line = lines.get(site.line.saturating_sub(1)).copied();
    let line = String::from_utf8_lossy(line.unwrap_or_default());
    let line = line.strip_suffix('\r').unwrap_or(&line);
    (!line.trim().is_empty()).then(|| excerpt(line, site.column.saturating_sub(1)))
}
