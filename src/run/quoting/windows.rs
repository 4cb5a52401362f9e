//! Words for PowerShell and cmd.
//!
//! Double quotes are the ones that both know. What has a backslash is quoted, too, for the `bash`
//! of Git. `$`, backticks and curly quotes are written for PowerShell, since cmd reads them as they
//! are and has no way to tell PowerShell so; nothing keeps cmd from expanding `%NAME%`.

use std::fmt::Write as _;

use crate::model::is_hidden;

/// Quotes a word, and escapes characters that could control a terminal.
pub(super) fn quote(word: &str) -> String {
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let mut text = "\"".to_owned();
    for character in word.chars() {
        if is_hidden(character) {
            let _ = write!(text, "$([char]::ConvertFromUtf32(0x{:x}))", u32::from(character));
        } else {
            text.push_str(if is_special(character) { "`" } else { "" });
            text.push(character);
        }
    }
    // A program takes a backslash before a quote for that of the quote.
    let backslashes = word.len() - word.trim_end_matches('\\').len();
    text + &"\\".repeat(backslashes) + "\""
}

/// Checks whether every shell reads the character as it is.
fn is_plain(character: char) -> bool {
    matches!(character, '-' | '_' | '.' | '/' | ':' | '=' | '+')
        || (character.is_alphanumeric() && !is_hidden(character))
}

/// Checks whether the character has a meaning between the double quotes of PowerShell.
fn is_special(character: char) -> bool {
    matches!(character, '$' | '`' | '"' | '\u{201c}'..='\u{201e}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_to_both_shells() {
        for (word, quoted) in [
            ("a.toml", "a.toml"),
            ("https://contoso.crm4.dynamics.com", "https://contoso.crm4.dynamics.com"),
            ("Grüße-日本.toml", "Grüße-日本.toml"),
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("O'Brien & co;x,y", r#""O'Brien & co;x,y""#),
            (r"C:\Users\me\a.toml", r#""C:\Users\me\a.toml""#),
            (r"\\server\share\a b", r#""\\server\share\a b""#),
            (r"\\?\C:\a", r#""\\?\C:\a""#),
            (r"plain:C:\a b\", r#""plain:C:\a b\\""#),
            ("$HOME`x“", "\"`$HOME``x`“\""),
            ("a\u{202e}b", r#""a$([char]::ConvertFromUtf32(0x202e))b""#),
        ] {
            assert_eq!(quote(word), quoted, "{word}");
        }
    }
}
