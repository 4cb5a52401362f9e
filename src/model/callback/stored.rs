//! URLs in stored texts, read the way people and their programs leave them: with a line break,
//! blanks or quotes around them, or with `&amp;` for `&`. What is stored is never changed by this.

use std::fmt;

use super::CallbackUrl;
use crate::model::printable::is_hidden;

/// What stands for `&` in HTML and XML, and in JSON that was escaped twice.
const AMPERSANDS: [&str; 4] = ["&amp;", "&#38;", "&#x26;", "\\u0026"];

/// How many times an `&` may be escaped.
const MOST_ESCAPES: usize = 3;

/// A line break or a blank in percent-encoding.
const ENCODED_BLANKS: [&str; 4] = ["%0a", "%0d", "%09", "%20"];

/// A URL that a stored text holds, and what the text has besides it.
#[derive(Clone, Debug)]
pub struct StoredUrl {
    /// The URL without the oddities.
    pub url: CallbackUrl,
    /// The oddities of the text, each kind once; none if the text is the URL.
    pub oddities: Oddities,
}

/// The kinds of oddities that a text with a URL has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oddities(Vec<Oddity>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Oddity {
    LineBreak,
    Blank,
    Invisible,
    Quotes,
    Ampersand,
}

impl StoredUrl {
    /// Reads a text as a URL, also if it has oddities. Returns none if it is no URL even so.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut oddities = Oddities::default();
        let text = oddities.strip_ends(text);
        if !text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http")) {
            return None;
        }
        let text = oddities.drop_hidden(text);
        let text = oddities.replace_ampersands(text);
        Some(Self { url: text.parse().ok()?, oddities })
    }
}

impl Oddities {
    /// Returns true if the text is the URL and nothing else.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn note(&mut self, oddity: Oddity) {
        if !self.0.contains(&oddity) {
            self.0.push(oddity);
        }
    }

    /// Removes blanks, line breaks, invisible characters and quotes from both ends.
    fn strip_ends<'text>(&mut self, text: &'text str) -> &'text str {
        let mut rest = text;
        while let Some((oddity, inner)) = outermost(rest) {
            self.note(oddity);
            rest = inner;
        }
        rest
    }

    /// Removes invisible characters, and line breaks if the text has one URL only.
    fn drop_hidden(&mut self, text: &str) -> String {
        let is_one = text.matches("://").count() == 1;
        let mut kept = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '\n' | '\r' if is_one => self.note(Oddity::LineBreak),
                hidden if is_hidden(hidden) && !hidden.is_control() => self.note(Oddity::Invisible),
                plain => kept.push(plain),
            }
        }
        kept
    }

    /// Replaces each escaped `&`, also one that was escaped several times.
    fn replace_ampersands(&mut self, mut text: String) -> String {
        for _ in 0..MOST_ESCAPES {
            let escaped = AMPERSANDS.into_iter().filter(|escaped| text.contains(escaped));
            for escaped in escaped.collect::<Vec<_>>() {
                self.note(Oddity::Ampersand);
                text = text.replace(escaped, "&");
            }
        }
        text
    }
}

/// Returns the oddity at one end of a text, and the text without it.
fn outermost(text: &str) -> Option<(Oddity, &str)> {
    let (mut first, mut last) = (text.chars(), text.chars());
    if let Some(oddity) = first.next().and_then(outside) {
        return Some((oddity, first.as_str()));
    }
    if let Some(oddity) = last.next_back().and_then(outside) {
        return Some((oddity, last.as_str()));
    }
    without_encoded_blank(text).map(|before| (Oddity::Blank, before))
}

/// Returns the oddity that a character is at the end of a text; none if it may be part of a URL.
fn outside(character: char) -> Option<Oddity> {
    match character {
        '\n' | '\r' => Some(Oddity::LineBreak),
        blank if blank.is_whitespace() => Some(Oddity::Blank),
        '"' | '\'' | '`' | '<' | '>' | '\u{2018}'..='\u{201f}' => Some(Oddity::Quotes),
        hidden if is_hidden(hidden) && !hidden.is_control() => Some(Oddity::Invisible),
        _ => None,
    }
}

/// Returns the text before a blank in percent-encoding, if the text ends with one.
fn without_encoded_blank(text: &str) -> Option<&str> {
    let (before, end) = text.split_at_checked(text.len().checked_sub(3)?)?;
    ENCODED_BLANKS.iter().any(|blank| end.eq_ignore_ascii_case(blank)).then_some(before)
}

impl fmt::Display for Oddity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::LineBreak => "a line break",
            Self::Blank => "a blank",
            Self::Invisible => "an invisible character",
            Self::Quotes => "quotes",
            Self::Ampersand => "`&amp;` for `&`",
        })
    }
}

impl fmt::Display for Oddities {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, oddity) in self.0.iter().enumerate() {
            let separator = match place {
                0 => "",
                last if last + 1 == self.0.len() => " and ",
                _ => ", ",
            };
            write!(formatter, "{separator}{oddity}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://flow.example:443/workflows/0f/triggers/manual/paths/invoke?api-version=1&sp=%2Frun&sig=made-up";

    fn read(text: &str) -> (String, String) {
        let stored = StoredUrl::from_text(text).unwrap();
        (stored.url.expose().to_owned(), stored.oddities.to_string())
    }

    #[test]
    fn a_url_is_read_out_of_what_stands_around_it_or_in_it() {
        for (text, odd) in [
            (URL.to_owned(), ""),
            (format!("{URL}\n"), "a line break"),
            (format!("{URL}\r\n"), "a line break"),
            (format!(" \t{URL}\u{a0}"), "a blank"),
            (format!("\u{feff}{URL}"), "an invisible character"),
            (URL.replace("/workflows", "\u{200b}/workflows"), "an invisible character"),
            (URL.replace("/workflows", "\r\n/workflows"), "a line break"),
            (format!("\"{URL}\"\n"), "quotes and a line break"),
            (format!("<{URL}>"), "quotes"),
            (format!("{URL}%0A"), "a blank"),
            (URL.replace('&', "&amp;"), "`&amp;` for `&`"),
            (URL.replace('&', "&amp;amp;"), "`&amp;` for `&`"),
            (URL.replace('&', "\\u0026"), "`&amp;` for `&`"),
            (
                format!(" {URL}\n").replace('&', "&#38;"),
                "a blank, a line break and `&amp;` for `&`",
            ),
        ] {
            assert_eq!(read(&text), (URL.to_owned(), odd.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn a_text_that_is_more_than_a_url_is_none() {
        for text in
            ["", "\n", "TODO", "see https://flow.example", &format!("{URL}\n{URL}"), "{\"a\": 1}"]
        {
            assert!(StoredUrl::from_text(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn reading_a_url_again_finds_nothing_odd() {
        let odd = format!("'\n{}' ", URL.replace('&', "&amp;&amp;"));
        let once = StoredUrl::from_text(&odd).unwrap();
        assert!(StoredUrl::from_text(once.url.expose()).unwrap().oddities.is_empty());
        assert!(!format!("{once:?}").contains("made-up"));
    }
}
