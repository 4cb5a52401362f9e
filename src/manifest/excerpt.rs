//! The part of a line that is shown around a place.

use std::ops::Range;

use super::show::{cover_secrets, printable_character};

/// The maximum number of characters of a line that are shown.
const MOST_CHARACTERS: usize = 100;

/// The number of characters on each side of those that are searched for a secret that reaches into
/// them.
const NEAR_CHARACTERS: usize = 2000;

/// The spaces that replace a tab.
const TAB: &str = "    ";

/// The keys that somebody may think a manifest has, and whose values must not be shown.
const SECRET_WORDS: &[&str] = &["secret", "password", "token", "certificate"];

/// The mark that replaces the characters that are not shown.
const CUT: &str = "…";

/// A part of a line as it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// The part.
    pub(super) text: String,
    /// The bytes of the whole key or value at the place, within the part.
    pub(super) marked: Range<usize>,
}

/// Cuts out the part of a line around the character at `index`.
pub(super) fn excerpt(line: &str, index: usize) -> Excerpt {
    let line = line.trim_end();
    let length = line.chars().count();
    let index = index.min(length);
    let last = length.saturating_sub(MOST_CHARACTERS);
    let start = index.saturating_sub(MOST_CHARACTERS / 2).min(last);
    let end = length.min(start + MOST_CHARACTERS);
    let near = start.saturating_sub(NEAR_CHARACTERS);
    let until = (index + token_length(line, index)).min(end);
    let covered = covered_range(line, near, end + NEAR_CHARACTERS);
    // What is covered may be shorter than what it covers.
    let part = |from: usize, to: usize| {
        let last = covered.len();
        &covered[(from - near).min(last)..(to - near).min(last)]
    };
    let before = display_text(part(start, index), start > 0, false);
    let marked = display_text(part(index, until), false, false);
    let after = display_text(part(until, end), false, end < length);
    let range = before.len()..before.len() + marked.len();
    Excerpt { text: before + &marked + &after, marked: range }
}

/// Returns the number of characters of the key or value that begins at the character `index`: a text
/// with its quotes, a table or a list with its brackets, or a word.
fn token_length(line: &str, index: usize) -> usize {
    let rest = line.chars().skip(index);
    match rest.clone().next() {
        Some(quote @ ('"' | '\'')) => {
            let mut is_escaped = false;
            let end = rest.skip(1).position(|character| {
                let ends = character == quote && !is_escaped;
                is_escaped = quote == '"' && character == '\\' && !is_escaped;
                ends
            });
            end.map_or(1, |end| end + 2)
        }
        Some('[' | '{') => {
            let mut depth = 0_usize;
            let end = rest.clone().position(|character| {
                match character {
                    '[' | '{' => depth += 1,
                    ']' | '}' => depth -= 1,
                    _ => (),
                }
                depth == 0
            });
            end.map_or_else(|| rest.count(), |end| end + 1)
        }
        _ => rest.take_while(|c| !c.is_whitespace() && !"=,]}#".contains(*c)).count(),
    }
}

/// Returns a range of the line's characters, with its secrets covered.
fn covered_range(line: &str, start: usize, end: usize) -> Vec<char> {
    let near: String = line.chars().skip(start).take(end - start).collect();
    let Some(value) = secret_value(line) else {
        return cover_secrets(&near).chars().collect();
    };
    let plain = |c: char| c.is_whitespace() || "\"'".contains(c);
    let characters = near.chars().zip(start..);
    characters.map(|(c, index)| if index < value || plain(c) { c } else { '*' }).collect()
}

/// Returns the index at which the line's value begins, if its key suggests a secret.
fn secret_value(line: &str) -> Option<usize> {
    let (key, _) = line.split_once('=')?;
    let letters = key.to_lowercase();
    let secret = SECRET_WORDS.iter().any(|word| letters.contains(word));
    secret.then(|| key.chars().count() + 1)
}

/// Formats the characters for display, with an ellipsis where the line is cut.
fn display_text(characters: &[char], cut_before: bool, cut_after: bool) -> String {
    let text = characters.iter().map(|character| match character {
        '\t' => TAB.to_owned(),
        other => printable_character(*other),
    });
    let cut = |cut: bool| if cut { CUT } else { "" };
    format!("{}{}{}", cut(cut_before), text.collect::<String>(), cut(cut_after))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that is marked, and the number of terminal columns before it.
    fn marked(excerpt: &Excerpt) -> (&str, usize) {
        let before = &excerpt.text[..excerpt.marked.start];
        (&excerpt.text[excerpt.marked.clone()], unicode_width::UnicodeWidthStr::width(before))
    }

    #[test]
    fn the_whole_key_or_value_is_marked() {
        for (line, index, wanted) in [
            ("name = \"an \\\" intake\" # mine", 7, "\"an \\\" intake\""),
            ("name = 'a'", 0, "name"),
            ("name = 12", 7, "12"),
            ("name = { a = [1] }, 2", 7, "{ a = [1] }"),
            ("[[flow]]", 0, "[[flow]]"),
            ("name = \"open", 7, "\""),
        ] {
            assert_eq!(marked(&excerpt(line, index)).0, wanted, "{line}");
        }
    }

    #[test]
    fn a_tab_and_a_wide_character_move_the_mark_as_far_as_they_are_wide() {
        let excerpt = excerpt("\t漢 = 1", 2);
        assert_eq!(excerpt.text, "    漢 = 1");
        assert_eq!(marked(&excerpt).1, 6);
    }

    #[test]
    fn a_control_character_moves_the_mark_as_far_as_its_number_is_long() {
        let excerpt = excerpt("\u{1b}x", 1);
        assert_eq!(excerpt.text, r"\u{1b}x");
        assert_eq!(marked(&excerpt).1, 6);
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides_of_the_place() {
        let line = "x".repeat(1000);
        let middle = excerpt(&line, 500);
        assert_eq!(middle.text, format!("…{}…", "x".repeat(100)));
        assert_eq!(marked(&middle).1, 51);
        assert_eq!(excerpt(&line, 9).text, format!("{}…", "x".repeat(100)));
        assert_eq!(marked(&excerpt(&line, 999)), ("x", 100));
        assert_eq!(excerpt(&line[..100], 50).text, line[..100]);
    }

    #[test]
    fn a_secret_that_a_manifest_does_not_have_is_not_shown() {
        let line = "client-secret = 'short one' # mine";
        assert_eq!(excerpt(line, 0).text, "client-secret = '***** ***' * ****");
    }

    #[test]
    fn a_place_behind_the_end_is_the_end() {
        assert_eq!(marked(&excerpt("abc  ", 9)), ("", 3));
    }
}
