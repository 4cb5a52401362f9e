//! Makes text of a service safe to print.

/// The text without characters that could move the cursor, reorder or hide what is shown, in
/// one line and no longer than `most` characters.
pub fn printable(text: &str, most: usize) -> String {
    let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = spaced.chars().filter(|c| !c.is_control() && !is_format(*c));
    shown.take(most).collect()
}

/// Whether the character shows nothing and changes how others are shown.
fn is_format(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_cannot_move_reorder_or_hide() {
        let text = "open \u{1b}[2Jthe\r\npage \u{202e}moc.live\u{200b} now";
        assert_eq!(printable(text, 100), "open [2Jthe page moc.live now");
        assert_eq!(printable("abcdef", 3), "abc");
    }
}
