//! The part of a line that is shown around a place.

use unicode_width::UnicodeWidthStr;

use super::show::{cover, printable_character};

/// How many characters of a line are shown.
const MOST_CHARACTERS: usize = 100;

/// What a tab is shown as.
const TAB: &str = "    ";

/// What stands for the characters that are not shown.
const CUT: &str = "…";

/// A part of a line as it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// The part.
    pub(super) text: String,
    /// How many columns of the terminal lie before the place.
    pub(super) mark: usize,
}

/// The part of a line around the character at `index`.
pub(super) fn excerpt(line: &str, index: usize) -> Excerpt {
    let characters: Vec<char> = cover(line.trim_end()).chars().collect();
    let index = index.min(characters.len());
    let last = characters.len().saturating_sub(MOST_CHARACTERS);
    let start = index.saturating_sub(MOST_CHARACTERS / 2).min(last);
    let end = characters.len().min(start + MOST_CHARACTERS);
    let before = shown(&characters[start..index], start > 0, false);
    let after = shown(&characters[index..end], false, end < characters.len());
    Excerpt { mark: before.width(), text: before + &after }
}

/// The characters as they are shown, with what stands for those cut off.
fn shown(characters: &[char], cut_before: bool, cut_after: bool) -> String {
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
    fn a_place_behind_the_end_is_the_end() {
        assert_eq!(excerpt("abc  ", 9).mark, 3);
    }
}
