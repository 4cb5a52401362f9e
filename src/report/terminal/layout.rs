//! Fits text into columns of a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Pads a text to exactly this width, or cuts its end.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let cut = shorten_end(text, width);
    let padding = width.saturating_sub(cut.width());
    format!("{cut}{}", " ".repeat(padding))
}

/// Cuts the end of a text that is wider than this width.
pub(crate) fn shorten_end(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    format!("{}…", head(text, width.saturating_sub(1)))
}

/// Cuts the middle of a text that is wider than this width, since both ends of a host matter.
pub(crate) fn shorten_middle(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let front = room.min(8).min(room / 2);
    let reversed: String = text.chars().rev().collect();
    let back: String = head(&reversed, room - front).chars().rev().collect();
    format!("{}…{back}", head(text, front))
}

/// Breaks a text into lines at spaces. No line is wider than this width, unless a single word is.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().map_or(0, |line| line.width());
        if last > 0 && last + 1 + word.width() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            let space = if line.is_empty() { "" } else { " " };
            line.push_str(space);
            line.push_str(word);
        }
    }
    lines
}

/// Formats a number with its noun.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Returns the beginning of a text that fits into this width.
fn head(text: &str, width: usize) -> String {
    let mut room = width;
    let fits = |c: &char| {
        let wide = c.width().unwrap_or(0);
        let fits = wide <= room;
        room = room.saturating_sub(wide);
        fits
    };
    text.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_padded_or_cut_to_its_column() {
        assert_eq!(fit("ab", 4), "ab  ");
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("日本語", 4), "日… ");
    }

    #[test]
    fn a_host_keeps_both_of_its_ends() {
        assert_eq!(shorten_middle("0123456789.environment.api", 18), "01234567…nment.api");
        assert_eq!(shorten_middle("short", 18), "short");
    }

    #[test]
    fn a_sentence_is_broken_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a-very-long-word x", 5), ["a-very-long-word", "x"]);
    }
}
