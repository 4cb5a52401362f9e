//! Finds the contents of a text that would be lost if a URL replaced it.
//!
//! A text that is one word or sentence, such as `TODO`, is a placeholder: a URL may take its place.
//! A text with parts, such as JSON, is read by somebody who needs all of them.

use std::fmt;

use serde_json::value::RawValue;

use super::json_children::{Children, children_of};

/// Contents that a URL in their place would remove. No part of them is ever printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    /// A JSON object with this number of members.
    Object(usize),
    /// A JSON array with this number of elements.
    Array(usize),
    /// A JSON number.
    Number,
    /// `true` or `false` in JSON.
    Boolean,
    /// XML.
    Xml,
    /// Several lines: the number of those that are not empty.
    Lines(usize),
    /// Several URLs: their number.
    Urls(usize),
    /// Several settings, each a name and a value: their number.
    Settings(usize),
}

impl Contents {
    /// Returns what a whole text holds besides a URL; none if a URL may take its place.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}').trim();
        json(text).or_else(|| xml(text)).or_else(|| lines(text)).or_else(|| list(text))
    }

    /// Returns what a member of a JSON text is instead of text, as the member is written. Nothing is
    /// lost with null, an empty object or an empty array.
    pub(super) fn of_member(raw: &RawValue) -> Option<Self> {
        match raw.get().as_bytes() {
            [b'{' | b'[', ..] => container(raw),
            [b'"' | b'n', ..] => None,
            [b't' | b'f', ..] => Some(Self::Boolean),
            _ => Some(Self::Number),
        }
    }
}

/// Returns the JSON object or array that a text is, unless that is empty.
fn json(text: &str) -> Option<Contents> {
    container(serde_json::from_str(text).ok()?)
}

/// Returns the object or array that a JSON value is, unless that is empty.
fn container(raw: &RawValue) -> Option<Contents> {
    let contents = match children_of(raw) {
        Ok(Children::Members(members)) => (members.len(), Contents::Object as fn(usize) -> _),
        Ok(Children::Elements(elements)) => (elements.len(), Contents::Array as fn(usize) -> _),
        Ok(Children::Neither) => return None,
        // It is JSON with a name that no type of this program holds.
        Err(_) => (1, Contents::Object as fn(usize) -> _),
    };
    let (count, contents) = contents;
    (count > 0).then(|| contents(count))
}

/// Detects XML. A placeholder such as `<URL>` is none, since it has no element that ends.
fn xml(text: &str) -> Option<Contents> {
    let ends = text.contains("</") || text.contains("/>");
    (text.starts_with('<') && text.ends_with('>') && ends).then_some(Contents::Xml)
}

/// Returns the lines of a text with several.
fn lines(text: &str) -> Option<Contents> {
    let count = text.lines().filter(|line| !line.trim().is_empty()).count();
    (count > 1).then_some(Contents::Lines(count))
}

/// Returns the URLs or settings of a text with several.
fn list(text: &str) -> Option<Contents> {
    let separators = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|');
    let urls = text.split(separators).filter(|part| is_url(part)).count();
    if urls > 1 {
        return Some(Contents::Urls(urls));
    }
    // A URL may have parameters between semicolons (RFC 3986 section 3.3).
    if is_url(text) {
        return None;
    }
    let is_setting = |part: &&str| part.split_once('=').is_some_and(|(name, _)| is_name(name));
    let settings = text.split(';').filter(is_setting).count();
    (settings > 1).then_some(Contents::Settings(settings))
}

/// Checks whether a text begins like a URL.
fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// Checks whether a text can be the name of a setting.
fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.');
    !text.trim().is_empty() && text.chars().all(is_part)
}

impl fmt::Display for Contents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = |count: usize| if count == 1 { "" } else { "s" };
        match *self {
            Self::Object(count) => {
                write!(formatter, "a JSON object with {count} member{}", several(count))
            }
            Self::Array(count) => {
                write!(formatter, "a JSON array with {count} element{}", several(count))
            }
            Self::Number => formatter.write_str("a number"),
            Self::Boolean => formatter.write_str("true or false"),
            Self::Xml => formatter.write_str("XML"),
            Self::Lines(count) => write!(formatter, "{count} lines"),
            Self::Urls(count) => write!(formatter, "{count} URLs"),
            Self::Settings(count) => write!(formatter, "{count} settings"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_a_url_or_nothing_may_be_replaced() {
        for text in [
            "",
            " \n ",
            "TODO",
            "set by the pipeline, see the wiki",
            "<URL of the flow>",
            "30",
            "true",
            "null",
            "{}",
            "[ ]",
            "{not json",
            "\"quoted\"",
            "https://example.com/a?b=1;c=2",
            "https://example.com/a;b=1;c=2",
            "https://example.com/a\n",
        ] {
            assert_eq!(Contents::of_text(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_text_with_parts_is_told_by_their_kind_and_number() {
        for (text, contents) in [
            (" {\"url\": \"https://a.example\", \"timeout\": 1e400}\n", Contents::Object(2)),
            ("\u{feff}[\"https://a.example\"]", Contents::Array(1)),
            ("{\"\\ud800\": 1}", Contents::Object(1)),
            ("<settings><setting name=\"a\"/></settings>", Contents::Xml),
            ("https://a.example\r\n\r\nhttps://b.example", Contents::Lines(2)),
            ("https://a.example, https://b.example", Contents::Urls(2)),
            ("Endpoint=https://a.example;Key=made-up", Contents::Settings(2)),
        ] {
            assert_eq!(Contents::of_text(text), Some(contents), "{text:?}");
        }
    }

    #[test]
    fn a_member_that_is_no_text_is_told_unless_it_is_empty() {
        let of = |text: &str| Contents::of_member(serde_json::from_str(text).unwrap());
        for text in ["null", "\"\"", "\"TODO\"", "{ }", "[]", "\"30\"", "\"\\ud800\""] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(of("-1e400"), Some(Contents::Number));
        assert_eq!(of("false"), Some(Contents::Boolean));
        assert_eq!(of("{\"a\":{}}"), Some(Contents::Object(1)));
        assert_eq!(of("[[]]"), Some(Contents::Array(1)));
    }
}
