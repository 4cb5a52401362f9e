//! Elements of XML and HTML, well-formed by construction: a text is escaped when it becomes a node.

use std::fmt::{self, Write as _};

use crate::model;

/// The maximum bytes of a part after appending a text.
const MOST_JOINED: usize = 1 << 14;

/// Escaped markup as a list of parts. An outer element takes over the parts and does not copy them
/// into one long text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Markup(Vec<String>);

impl Markup {
    /// Creates a text node; the text is escaped.
    pub(crate) fn text(text: &str) -> Self {
        Self::from_escaped(escaped(text))
    }

    /// Creates an element with attributes and content.
    pub(crate) fn element(name: &str, attributes: &[(&str, &str)], content: Self) -> Self {
        let begin = Self::from_escaped(format!("{}>", start_tag(name, attributes)));
        Self::all([begin, content, Self::from_escaped(format!("</{name}>"))])
    }

    /// Creates a self-closing element with attributes and no content.
    pub(crate) fn empty(name: &str, attributes: &[(&str, &str)]) -> Self {
        Self::from_escaped(format!("{}/>", start_tag(name, attributes)))
    }

    /// Creates an HTML element with attributes that is never closed.
    pub(crate) fn void(name: &str, attributes: &[(&str, &str)]) -> Self {
        Self::from_escaped(format!("{}>", start_tag(name, attributes)))
    }

    /// Creates a node from this program's own text, such as a style sheet, without escaping.
    pub(crate) fn verbatim(text: &'static str) -> Self {
        Self::from_escaped(text.to_owned())
    }

    /// Joins nodes.
    pub(crate) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        parts.into_iter().flat_map(|part| part.0).for_each(|text| all.add(text));
        all
    }

    /// Joins nodes that are not empty, each on its own line.
    pub(crate) fn lines(parts: impl IntoIterator<Item = Self>) -> Self {
        let parts = parts.into_iter().filter(|part| !part.0.is_empty());
        Self::all(parts.flat_map(|part| [part, Self::from_escaped("\n".to_owned())]))
    }

    fn from_escaped(text: String) -> Self {
        let mut markup = Self::default();
        markup.add(text);
        markup
    }

    /// Adds a text at the end.
    fn add(&mut self, text: String) {
        match self.0.last_mut() {
            _ if text.is_empty() => (),
            Some(last) if last.len() + text.len() <= MOST_JOINED => last.push_str(&text),
            _ => self.0.push(text),
        }
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|text| formatter.write_str(text))
    }
}

/// Formats the start tag of an element with its attributes, without the closing `>`.
fn start_tag(name: &str, attributes: &[(&str, &str)]) -> String {
    let mut text = format!("<{name}");
    for (name, value) in attributes {
        // Writing to a `String` cannot fail.
        let _ = write!(text, " {name}=\"{}\"", escaped(value));
    }
    text
}

/// Escapes reserved characters as entities, and replaces the characters that XML 1.0 forbids
/// (<https://www.w3.org/TR/xml/#charsets>).
fn escaped(text: &str) -> String {
    let allowed = |character| match character {
        '\t' | '\n' | '\r' => character,
        '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        plain => plain,
    };
    model::escape_markup(&text.chars().map(allowed).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_markup_wherever_it_stands() {
        let hostile = "</a>\"'&\u{1b}\u{fffe}\u{0}";
        let node = Markup::element("a", &[("b", hostile)], Markup::text(hostile));
        let same = "&lt;/a&gt;&quot;&#39;&amp;\u{fffd}\u{fffd}\u{fffd}";
        assert_eq!(node.to_string(), format!("<a b=\"{same}\">{same}</a>"));
        assert_eq!(Markup::empty("a", &[("b", "<")]).to_string(), "<a b=\"&lt;\"/>");
    }
}
