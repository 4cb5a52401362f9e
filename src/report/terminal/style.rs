//! The styles of texts on a terminal.

use anstyle::{AnsiColor, Style};

use super::layout::wrap;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Formats the last line, with its first word highlighted.
pub(crate) fn last_line((style, word): (Style, &str), rest: &str, width: usize) -> String {
    let lines = wrap(&format!("{word}{rest}"), width).join("\n");
    format!("{}\n", lines.replacen(word, &format!("{style}{word}{style:#}"), 1))
}
