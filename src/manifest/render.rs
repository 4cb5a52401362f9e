//! Problems as text, each with the line that it is about.

use std::fmt::Write;

use super::excerpt::excerpt;
use super::show::printable;
use super::text::without_mark;
use crate::model::{ManifestPosition, Problem};

/// The most problems that are shown; more would scroll the first ones away.
const MOST_SHOWN: usize = 100;

/// Formats the problems as `error[code]: message`, each followed by its place `file:line:column`,
/// by its line with a mark under the place, and by what to do. Control characters are escaped, and
/// signatures and credentials in a line are covered.
pub fn render_problems(file_name: &str, bytes: &[u8], problems: &[Problem]) -> String {
    let file_name = printable(file_name);
    let lines: Vec<&[u8]> = without_mark(bytes).split(|byte| *byte == b'\n').collect();
    let shown = problems.iter().take(MOST_SHOWN);
    let mut blocks: Vec<String> = shown.map(|problem| block(&file_name, &lines, problem)).collect();
    if problems.len() > MOST_SHOWN {
        blocks.push(format!("... and {} more problems\n", problems.len() - MOST_SHOWN));
    }
    blocks.join("\n")
}

/// Formats one problem.
fn block(file_name: &str, lines: &[&[u8]], problem: &Problem) -> String {
    let place =
        problem.site.map_or_else(String::new, |site| format!(":{}:{}", site.line, site.column));
    let message = printable(&problem.message);
    let mut text = format!("error[{}]: {message}\n  at    {file_name}{place}\n", problem.code);
    if let Some(site) = problem.site {
        text.push_str(&marked_line(lines, site));
    }
    if !problem.hint.is_empty() {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  help: {}", printable(&problem.hint));
    }
    text
}

/// Formats the line with a mark under the place, or returns nothing if the line is empty or
/// missing.
fn marked_line(lines: &[&[u8]], site: ManifestPosition) -> String {
    let line = lines.get(site.line.saturating_sub(1)).copied();
    let line = String::from_utf8_lossy(line.unwrap_or_default());
    let line = line.strip_suffix('\r').unwrap_or(&line);
    if line.trim().is_empty() {
        return String::new();
    }
    let excerpt = excerpt(line, site.column.saturating_sub(1));
    let number = site.line.to_string();
    let margin = " ".repeat(number.len());
    let indent = " ".repeat(excerpt.mark);
    format!("  {margin} |\n  {number} | {}\n  {margin} | {indent}^\n", excerpt.text)
}
