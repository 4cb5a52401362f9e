//! The one door of all output: text of a manifest, a service, an option or a variable cannot steer
//! a terminal or a runner, whatever its way here was.

use std::borrow::Cow;

use crate::model::{cover_secrets, escape_hidden, is_hidden};
use crate::report::pipeline::runner::without_commands;

/// The styles of this program. Every other terminal sequence is shown and not obeyed.
const STYLES: [&str; 8] = [
    "\u{1b}[0m",
    "\u{1b}[1m",
    "\u{1b}[2m",
    "\u{1b}[4m",
    "\u{1b}[31m",
    "\u{1b}[32m",
    "\u{1b}[33m",
    "\u{1b}[36m",
];

/// The beginning and the end of a link's address (OSC 8), which stands before its text.
const LINK: (&str, &str) = ("\u{1b}]8;;", "\u{1b}\\");

/// Formats an address as a link that a terminal opens. Its text is the address.
pub(crate) fn link(address: &str) -> String {
    let (begin, end) = LINK;
    format!("{begin}{address}{end}{address}{begin}{end}")
}

/// Makes a text of any number of lines safe to print: hidden characters are shown as numbers, and
/// no line is a runner command. Secrets that this process knows are covered. Line breaks, the styles of
/// this program and links to the address that they show stay.
pub(crate) fn safe_text(text: &str) -> Cow<'_, str> {
    map(cover_secrets(text), visible_text)
}

/// Makes JSON safe to print without changing its values, but for runner commands and secrets: hidden
/// characters become escapes of JSON.
pub(crate) fn safe_json(text: &str) -> Cow<'_, str> {
    map(cover_secrets(text), visible_json)
}

/// Makes a line of a log safe to print. A line break within it is a blank.
pub(crate) fn safe_line(line: &str) -> String {
    let text = escape_hidden(&cover_secrets(line.trim_end_matches('\n')));
    format!("{}\n", without_commands(&text))
}

/// Applies a function to a text.
fn map(text: Cow<'_, str>, change: fn(&str) -> Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => change(text),
        Cow::Owned(text) => Cow::Owned(change(&text).into_owned()),
    }
}

/// Shows the hidden characters of a text as numbers.
fn visible_text(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return without_commands(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find(is_unsafe) {
        let (before, found) = rest.split_at(place);
        shown += before;
        let style = STYLES.iter().find(|style| found.starts_with(**style));
        let kept = style.map(|style| style.len()).or_else(|| link_length(found));
        let length = kept.unwrap_or_else(|| first_length(found));
        match kept {
            Some(length) => shown += &found[..length],
            None => shown.extend(found[..length].chars().flat_map(char::escape_unicode)),
        }
        rest = &found[length..];
    }
    shown += rest;
    Cow::Owned(without_commands(&shown).into_owned())
}

/// Writes the hidden characters of JSON as its escapes.
fn visible_json(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return without_commands(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            let units = character.encode_utf16(&mut [0; 2]).to_vec();
            shown.extend(units.into_iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(without_commands(&shown).into_owned())
}

/// Returns the length of the link at the beginning of a text, if its text is the address that it
/// leads to, so that it hides nothing.
fn link_length(text: &str) -> Option<usize> {
    let (begin, end) = LINK;
    let (address, _) = text.strip_prefix(begin)?.split_once(end)?;
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    let whole = link(address);
    (is_web && address.chars().all(|c| c.is_ascii_graphic()) && text.starts_with(&whole))
        .then_some(whole.len())
}

/// Checks whether a character is hidden and does not shape the text.
fn is_unsafe(character: char) -> bool {
    is_hidden(character) && !matches!(character, '\n' | '\t')
}

/// Returns the number of bytes of the first character.
fn first_length(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that could steer a terminal or a runner, or be invisible.
    const HOSTILE: &str = "a\u{1b}[2J\u{9b}31m\r\u{7}\u{202e}\u{2066}\u{3164}\u{2800}\u{200b}\u{e0041}##vso[task.x]\n ::error::y";

    #[test]
    fn a_text_keeps_its_lines_and_styles_and_nothing_else_that_steers() {
        let shown = safe_text(HOSTILE);
        assert_eq!(
            shown,
            "a\\u{1b}[2J\\u{9b}31m\\u{d}\\u{7}\\u{202e}\\u{2066}\\u{3164}\\u{2800}\\u{200b}\\u{e0041}## vso[task.x]\n : :error::y"
        );
        let own = "\u{1b}[1m\u{1b}[31merror\u{1b}[0m: made up\n";
        assert_eq!(safe_text(own), own);
        assert_eq!(safe_text("\u{1b}[8mhidden\u{1b}[0m"), "\\u{1b}[8mhidden\u{1b}[0m");
    }

    #[test]
    fn a_link_stays_if_it_shows_where_it_leads() {
        let own = format!("open {} now", link("https://microsoft.com/devicelogin"));
        assert_eq!(safe_text(&own), own);
        for hostile in [
            own.replacen("microsoft.com", "evil.example", 1),
            link("javascript:x"),
            link("https://x\u{7}y"),
            link("https://x\u{202e}y"),
        ] {
            assert!(!safe_text(&hostile).contains('\u{1b}'), "{hostile:?}");
        }
    }

    #[test]
    fn a_document_keeps_its_values() {
        let document = serde_json::json!({ "name": "a\u{202e}\u{3164}\u{e0041}\u{9b}b" });
        let text = format!("{document:#}");
        let shown = safe_json(&text);
        assert!(!shown.contains(is_unsafe), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), document);
    }

    #[test]
    fn an_event_of_the_log_is_one_line() {
        assert_eq!(safe_line("INFO a\n::error::b\u{202e}\n"), "INFO a ::error::b\\u{202e}\n");
        assert_eq!(safe_line("::error::b\n"), ": :error::b\n");
    }
}
