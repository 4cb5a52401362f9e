//! How text from a manifest is shown: nothing invisible, nothing endless, nothing secret.

/// The most characters of a value that a message repeats.
const MOST_QUOTED: usize = 60;

/// What ends a word of a URL within a line.
const ENDS: &[char] = &['"', '\'', '`', '<', '>', '#', '\\'];

/// Whether a character has no shape of its own, or changes how its neighbours are read:
/// control characters, invisible ones, and those that turn the direction of text.
pub(super) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The character, or its number if it is hidden.
pub(super) fn printable_character(character: char) -> String {
    if is_hidden(character) {
        character.escape_unicode().to_string()
    } else {
        character.to_string()
    }
}

/// The text with the numbers of its hidden characters in their place.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(printable_character).collect()
}

/// A value as a message repeats it: in backticks, printable, bounded, its secrets covered.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(MOST_QUOTED).collect();
    let rest = if short.len() < text.len() { "…" } else { "" };
    format!("`{}{rest}`", printable(&cover(&short)))
}

/// The text with stars over what it should not have had: signatures of callback URLs and
/// credentials before a host. As many characters as before.
pub(super) fn cover(text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for start in 0..characters.len() {
        let end = secret_end(&characters, start);
        characters[start..end].fill('*');
    }
    characters.into_iter().collect()
}

/// Checks that a text, which reports will print, has nothing to cover.
pub(super) fn without_secrets(text: &str) -> Result<(), String> {
    if cover(text) == text {
        return Ok(());
    }
    Err("holds a signature or credentials, which reports would print".into())
}

/// Where the secret that begins at `start` ends; `start` itself if none begins there.
fn secret_end(characters: &[char], start: usize) -> usize {
    let before = &characters[start.saturating_sub(4)..start];
    if ends_with(before, "sig=") {
        return word_end(characters, start, &['&']);
    }
    if ends_with(before, "://") {
        let authority = word_end(characters, start, &['/', '?']);
        let at = characters[start..authority].iter().rposition(|c| *c == '@');
        return at.map_or(start, |at| start + at);
    }
    start
}

/// Whether the characters end in that text, without regard to case.
fn ends_with(characters: &[char], text: &str) -> bool {
    let tail = characters.iter().rev().map(char::to_ascii_lowercase);
    characters.len() >= text.len() && tail.zip(text.chars().rev()).all(|(one, other)| one == other)
}

/// The place of the first character that ends a word, or that is one of `also`.
fn word_end(characters: &[char], start: usize, also: &[char]) -> usize {
    let ends = |c: &char| c.is_whitespace() || ENDS.contains(c) || also.contains(c);
    let length = characters[start..].iter().position(ends);
    length.map_or(characters.len(), |length| start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_or_turn_the_text_is_shown_as_its_number() {
        assert_eq!(
            printable("a\u{1b}[2Jb\u{202e}c\td\u{feff}é漢"),
            r"a\u{1b}[2Jb\u{202e}c\u{9}d\u{feff}é漢"
        );
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(quoted(&"x".repeat(61)), format!("`{}…`", "x".repeat(60)));
        assert_eq!(quoted(&"x".repeat(60)), format!("`{}`", "x".repeat(60)));
    }

    #[test]
    fn a_signature_is_covered_up_to_its_end() {
        assert_eq!(
            cover("\"https://a.example/x?sv=1&sig=made-up&sp=2\" # sig=x"),
            "\"https://a.example/x?sv=1&sig=*******&sp=2\" # sig=*"
        );
        assert_eq!(cover("SIG=made-up"), "SIG=*******");
        assert_eq!(cover("design=plain"), "design=plain");
    }

    #[test]
    fn credentials_before_a_host_are_covered_and_the_host_is_not() {
        assert_eq!(
            cover("'https://user:w@rd@contoso.example/a@b'"),
            "'https://*********@contoso.example/a@b'"
        );
        assert_eq!(cover("https://contoso.example"), "https://contoso.example");
    }
}
