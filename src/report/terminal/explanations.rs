//! Formats the meaning of codes for a terminal.

use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::layout::{pad, wrap};
use crate::report::explain::{Explanation, Group};

/// The indent of every line except titles.
const INDENT: &str = "  ";

const BOLD: Style = Style::new().bold();

/// Formats the explanation of a code.
pub(crate) fn explanation(explanation: &Explanation, width: usize) -> String {
    let parts: Vec<(&str, &str)> =
        explanation.parts.iter().map(|(word, text)| (*word, text.as_str())).collect();
    section(&explanation.title, &parts, width)
}

/// Formats the meaning of every code.
pub(crate) fn index(groups: &[Group], width: usize) -> String {
    let sections = groups.iter().map(|group| {
        let codes: Vec<(&str, &str)> =
            group.codes.iter().map(|(code, meaning)| (code.as_str(), meaning.as_str())).collect();
        section(group.title, &codes, width)
    });
    sections.collect::<Vec<_>>().join("\n")
}

/// Formats a title, and below it each word with its text in two columns.
fn section(title: &str, lines: &[(&str, &str)], width: usize) -> String {
    let mut section = format!("{BOLD}{title}{BOLD:#}\n\n");
    let column = lines.iter().map(|(word, _)| word.width()).max().unwrap_or(0) + INDENT.len();
    for (word, text) in lines {
        let room = width.saturating_sub(column + INDENT.len());
        for (number, line) in wrap(text, room).iter().enumerate() {
            let word = if number == 0 { word } else { "" };
            let _ = writeln!(section, "{INDENT}{}{line}", pad(word, column));
        }
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_in_a_column_and_texts_beside_them() {
        let parts = vec![("means", "one two three four".to_owned()), ("do", "five".to_owned())];
        let shown = explanation(&Explanation { title: "exit code 5".to_owned(), parts }, 20);
        let plain = anstream::adapter::strip_str(&shown).to_string();
        insta::assert_snapshot!(plain, @r"
        exit code 5

          means  one two
                 three four
          do     five
        ");
    }
}
