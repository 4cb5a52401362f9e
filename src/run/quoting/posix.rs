//! Words for `sh`, and for `bash` and `zsh` where a character is hidden.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::model::is_hidden;

/// Quotes a word, and escapes characters that could control a terminal.
pub(super) fn quote(word: &str) -> String {
    if word.chars().any(is_hidden) {
        return in_numbers(word);
    }
    shlex::try_quote(word).unwrap_or(Cow::Borrowed(word)).into_owned()
}

/// Quotes a word, with its hidden characters as octal numbers
/// (<https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_04>).
fn in_numbers(word: &str) -> String {
    let mut text = "$'".to_owned();
    for character in word.chars() {
        if is_hidden(character) {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(text, "\\{byte:03o}");
            }
        } else {
            text.push_str(if matches!(character, '\\' | '\'') { "\\" } else { "" });
            text.push(character);
        }
    }
    text + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_to_a_shell() {
        for (word, quoted) in [
            ("a.toml", "a.toml"),
            ("a b", "'a b'"),
            ("a;b", "'a;b'"),
            ("a\u{1b}'\u{202e}1", r"$'a\033\'\342\200\2561'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
    }
}
