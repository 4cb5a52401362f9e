//! Parses the text as TOML, and reports syntax errors.

use toml::de::{DeTable, Error};

use super::findings::Findings;
use super::show::quoted;
use crate::model::Code;

/// The parser's message for a key that is there already.
const DUPLICATE: &str = "duplicate key";

/// The beginnings of the parser's messages, each with a hint.
const HINTS: &[(&str, &str)] = &[
    ("string values must be quoted", "put the value in quotes, such as `name = \"Order intake\"`"),
    ("key with no value", "write `key = value`, a table as `[name]`, a comment after `#`"),
    ("missing value", "write a value after the `=`"),
    (
        "unexpected key or value",
        "put each key on a line of its own, and a value with spaces in quotes",
    ),
    ("missing assignment", "write `=` between the key and its value"),
    ("missing comma", "put a comma between the two, or close what was opened before"),
    ("unclosed", "close what was opened before"),
    ("missing escaped value", "write a backslash as `\\\\`, or put the text in single quotes"),
    (
        "invalid basic string",
        "end the text with a quote on the same line, and write control characters as `\\u001B`",
    ),
    ("invalid literal string", "end the text with a quote on the same line"),
    ("invalid unquoted key", "write keys with letters, digits, `-` and `_`, or put them in quotes"),
    ("carriage return", "end lines with LF or CRLF, as every editor can save them"),
];

/// The hint for every other message.
const OTHER_HINT: &str = "see https://toml.io/en/v1.0.0 for how TOML is written";

/// Parses the text, and reports everything that is not TOML. Returns the table if duplicate keys
/// are the only errors, so that they do not hide other problems.
pub(super) fn parse<'t>(text: &'t str, findings: &Findings<'_>) -> Option<DeTable<'t>> {
    let (table, mut errors) = DeTable::parse_recoverable(text);
    let trusted = errors.iter().all(|error| error.message() == DUPLICATE);
    // One slip makes the parser stumble several times at one place; its first word is the best.
    errors.sort_by_key(place);
    errors.dedup_by_key(|error| place(error));
    for error in &errors {
        report_error(error, text, findings);
    }
    trusted.then(|| table.into_inner())
}

/// Returns the offset of the parser's error.
fn place(error: &Error) -> usize {
    error.span().map_or(0, |span| span.start)
}

/// Reports one error of the parser.
fn report_error(error: &Error, text: &str, findings: &Findings<'_>) {
    let span = error.span().unwrap_or_default();
    let (message, hint) = if error.message() == DUPLICATE {
        duplicate(text, text.get(span.clone()).unwrap_or_default(), span.start)
    } else {
        let message = format!("this is not TOML: {}", error.message());
        (message, hint(error.message()))
    };
    findings.add(span.start, Code::ManifestNotToml, message, hint);
}

/// Returns what to type after the parser's message.
fn hint(message: &str) -> &'static str {
    let known = HINTS.iter().find(|(start, _)| message.starts_with(start));
    known.map_or(OTHER_HINT, |(_, hint)| hint)
}

/// Returns the message and the hint for a duplicate key or table header.
fn duplicate(text: &str, key: &str, start: usize) -> (String, &'static str) {
    if key == "target" {
        let message = "this flow has both `target` and `[[flow.target]]`, or one of them twice";
        return (
            message.to_owned(),
            "write `target = \"NAME\"` once for one environment variable, or else a `[[flow.target]]` for each place",
        );
    }
    let before = text.get(..start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    if line.trim_start().starts_with('[') {
        let message = format!("the table {} appears twice", quoted(key));
        let hint = "write its keys under the first one; a table of a list has two brackets on each side, such as `[[flow]]`";
        return (message, hint);
    }
    let message = format!("the key {} appears twice in this table", quoted(key));
    (message, "keep one of the two")
}
