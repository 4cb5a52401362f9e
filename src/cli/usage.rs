//! The text of what is wrong with a command line.

use std::cmp::Reverse;
use std::env;

use crate::model::{escape_hidden, is_hidden};

/// What the names of this program's variables begin with.
const PREFIX: &str = "FLOWBIND_";

/// Formats what is wrong with the command line, or the help that was asked for. What was typed, or
/// stands in a variable, is on one line: a line break in it would begin a line of its own.
pub fn usage_text(error: &clap::Error) -> String {
    on_one_line(&error.render().ansi().to_string(), &given())
}

/// Lists the words of the command line and the values of this program's variables.
fn given() -> Vec<String> {
    let words = env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let is_own = |name: &str| name.starts_with(PREFIX);
    let variables = env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_own));
    words.chain(variables.map(|(_, value)| value.to_string_lossy().into_owned())).collect()
}

/// Escapes the hidden characters of these texts, and of the values in them, wherever a message
/// quotes them.
fn on_one_line(message: &str, given: &[String]) -> String {
    let mut quoted: Vec<&str> = given.iter().flat_map(|text| parts(text)).collect();
    quoted.retain(|text| text.contains(is_hidden) && message.contains(text));
    quoted.sort_by_key(|text| Reverse(text.len()));
    quoted.iter().fold(message.to_owned(), |shown, text| shown.replace(text, &escape_hidden(text)))
}

/// Returns a word with what it may be taken apart to: `--name=value` and `-nvalue`.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    let short = word.strip_prefix('-').and_then(|rest| rest.get(1..)).unwrap_or("");
    [word, name, value, short].into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_has_no_line_of_its_own() {
        for word in ["--format=a\n::error::b", "-fa\n::error::b", "a\n::error::b"] {
            let message = "error: invalid value 'a\n::error::b' for '--format'\n";
            let shown = on_one_line(message, &[word.to_owned()]);
            assert_eq!(shown, "error: invalid value 'a ::error::b' for '--format'\n", "{word}");
        }
    }
}
