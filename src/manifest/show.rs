//! Makes text from a manifest safe to show: printable, shortened, its secrets covered.

use crate::model::{is_hidden, is_name};

/// The maximum number of characters of a value that a message repeats.
const MOST_QUOTED: usize = 60;

/// The minimum number of characters of a token; a GUID has 36, a client secret of Entra 40.
const SHORTEST_TOKEN: usize = 40;

/// The characters that end a word of a URL within a line.
const ENDS: &[char] = &['"', '\'', '`', '<', '>', '#', '\\'];

/// Returns the character, or its escape if it is hidden.
pub(super) fn printable_character(character: char) -> String {
    if is_hidden(character) {
        character.escape_unicode().to_string()
    } else {
        character.to_string()
    }
}

/// Escapes the hidden characters of a text.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(printable_character).collect()
}

/// Quotes a value for a message: in backticks, printable, shortened, its secrets covered.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(MOST_QUOTED).collect();
    let rest = if short.len() < text.len() { "…" } else { "" };
    format!("`{}{rest}`", printable(&cover_secrets(&short)))
}

/// Replaces secrets with stars, one per character: signatures of callback URLs, credentials before
/// a host, and whatever looks like a token.
pub(super) fn cover_secrets(text: &str) -> String {
    cover_ranges(text, |characters, start| {
        secret_end(characters, start).max(token_end(characters, start))
    })
}

/// Checks that a text that reports will print has neither a signature nor credentials.
pub(super) fn without_secrets(text: &str) -> Result<(), String> {
    if cover_ranges(text, secret_end) == text {
        return Ok(());
    }
    Err("holds a signature or credentials, which reports would print".into())
}

/// Replaces with stars every range from a character to the end that `end` returns for it.
fn cover_ranges(text: &str, end: impl Fn(&[char], usize) -> usize) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for start in 0..characters.len() {
        let end = end(&characters, start);
        characters[start..end].fill('*');
    }
    characters.into_iter().collect()
}

/// Returns the end of the token that begins at `start`, or `start` if none begins there. A token is
/// long and mixes digits, capitals and small letters, as client secrets and access tokens do, and
/// is neither an id nor a name.
fn token_end(characters: &[char], start: usize) -> usize {
    let encoding = |c: &char| c.is_ascii_alphanumeric() || "-_.~+%".contains(*c);
    if characters[..start].last().is_some_and(encoding) {
        return start;
    }
    let run = characters[start..].iter().take_while(|c| encoding(c)).count();
    let run = &characters[start..start + run];
    let has = |kind: fn(&char) -> bool| run.iter().any(kind);
    let mixed =
        has(char::is_ascii_digit) && has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
    let is_token =
        mixed && run.len() >= SHORTEST_TOKEN && !is_name(&run.iter().collect::<String>());
    if is_token { start + run.len() } else { start }
}

/// Returns the end of the secret that begins at `start`, or `start` if none begins there.
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

/// Returns true if the characters end with the text, ignoring case.
fn ends_with(characters: &[char], text: &str) -> bool {
    let tail = characters.iter().rev().map(char::to_ascii_lowercase);
    characters.len() >= text.len() && tail.zip(text.chars().rev()).all(|(one, other)| one == other)
}

/// Returns the index of the first character that ends a word or is in `also`.
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
            cover_secrets("\"https://a.example/x?sv=1&sig=made-up&sp=2\" # sig=x"),
            "\"https://a.example/x?sv=1&sig=*******&sp=2\" # sig=*"
        );
        assert_eq!(cover_secrets("SIG=made-up"), "SIG=*******");
        assert_eq!(cover_secrets("design=plain"), "design=plain");
    }

    #[test]
    fn a_client_secret_is_covered_and_a_guid_or_a_long_name_is_not() {
        let secret = format!("aB3~{}", "x.Y_7-".repeat(6));
        assert_eq!(cover_secrets(&format!("\"{secret}\"")), format!("\"{}\"", "*".repeat(40)));
        for text in ["A09e4a0d-3a1c-f011-998a-7c1e5275cfe9", &"contoso_Endpoint".repeat(4)] {
            assert_eq!(cover_secrets(text), text);
        }
        for text in [
            "Default-7d1f0c2e-9a53-4b8e-8f4e-2f6d0a1b3c4d",
            "When_an_HTTP_request_is_received_2026_11_30_v2",
        ] {
            assert_eq!(cover_secrets(text), text);
        }
    }

    #[test]
    fn what_is_refused_for_being_secret_is_a_signature_or_a_credential() {
        assert!(without_secrets("https://a.example/?sig=made-up").is_err());
        assert!(without_secrets("https://user:word@a.example").is_err());
        assert!(without_secrets(&"aB3".repeat(20)).is_ok());
    }

    #[test]
    fn credentials_before_a_host_are_covered_and_the_host_is_not() {
        assert_eq!(
            cover_secrets("'https://user:w@rd@contoso.example/a@b'"),
            "'https://*********@contoso.example/a@b'"
        );
        assert_eq!(cover_secrets("https://contoso.example"), "https://contoso.example");
    }
}
