//! The part of a line that is shown around a place.

use unicode_width::UnicodeWidthStr;

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
    /// The number of terminal columns before the place.
    pub(super) mark: usize,
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
    let covered = covered_range(line, near, end + NEAR_CHARACTERS);
    let before = display_text(&covered[start - near..index - near], start > 0, false);
    let after = display_text(&covered[index - near..end - near], false, end < length);
    Excerpt { mark: before.width(), text: before + &after }
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

    #[test]
    fn a_tab_and_a_wide_character_move_the_mark_as_far_as_they_are_wide() {
        let excerpt = excerpt("\t漢 = 1", 2);
        assert_eq!(excerpt.text, "    漢 = 1");
        assert_eq!(excerpt.mark, 6);
    }

    #[test]
    fn a_control_character_moves_the_mark_as_far_as_its_number_is_long() {
        let excerpt = excerpt("\u{1b}x", 1);
        assert_eq!(excerpt.text, r"\u{1b}x");
        assert_eq!(excerpt.mark, 6);
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides_of_the_place() {
        let line = "x".repeat(1000);
        let middle = excerpt(&line, 500);
        assert_eq!(middle.text, format!("…{}…", "x".repeat(100)));
        assert_eq!(middle.mark, 51);
        assert_eq!(excerpt(&line, 9).text, format!("{}…", "x".repeat(100)));
        assert_eq!(excerpt(&line, 999).mark, 100);
        assert_eq!(excerpt(&line[..100], 50).text, line[..100]);
    }

    #[test]
    fn a_secret_that_a_manifest_does_not_have_is_not_shown() {
        let line = "client-secret = 'short one' # mine";
        assert_eq!(excerpt(line, 0).text, "client-secret = '***** ***' * ****");
    }

    #[test]
    fn a_place_behind_the_end_is_the_end() {
        assert_eq!(excerpt("abc  ", 9).mark, 3);
    }
}
