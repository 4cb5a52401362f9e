//! The words of `OData` expressions (<https://docs.oasis-open.org/odata/odata/v4.0/odata-v4.0-part2-url-conventions.html>).

use serde_json::{Value, json};

use super::super::guid::Guid;
use super::fault::Fault;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `,`.
    Comma,
    /// `=`.
    Equals,
    /// A name, number, GUID, date or parameter alias.
    Bare(String),
    /// Text in quotes, unescaped; with the type name that stood before it, if one did.
    Text(String),
    /// A JSON array, as it stands.
    Array(String),
}

/// Splits text into words.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut rest = text;
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        let (token, length) = next(first, rest)?;
        found.push(token);
        rest = &rest[length..];
    }
    Ok(found)
}

fn next(first: char, rest: &str) -> Result<(Token, usize), Fault> {
    match first {
        '(' => Ok((Token::Open, 1)),
        ')' => Ok((Token::Close, 1)),
        ',' => Ok((Token::Comma, 1)),
        '=' => Ok((Token::Equals, 1)),
        '\'' => quoted(rest),
        '[' => array(rest),
        _ if bare(first) => word(rest),
        other => Err(syntax(&format!("unexpected character '{other}'"), rest)),
    }
}

fn word(rest: &str) -> Result<(Token, usize), Fault> {
    let length = rest.find(|letter| !bare(letter)).unwrap_or(rest.len());
    // `Namespace.Type'Member'` is one literal.
    if rest[length..].starts_with('\'') {
        let (text, more) = quoted(&rest[length..])?;
        return Ok((text, length + more));
    }
    Ok((Token::Bare(rest[..length].to_owned()), length))
}

fn bare(letter: char) -> bool {
    letter.is_alphanumeric() || "_.@/-+:*$".contains(letter)
}

/// Reads `'it''s'` and tells how long it was.
fn quoted(rest: &str) -> Result<(Token, usize), Fault> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((index, letter)) = letters.next() {
        if letter != '\'' {
            text.push(letter);
        } else if letters.next_if(|(_, next)| *next == '\'').is_some() {
            text.push('\'');
        } else {
            return Ok((Token::Text(text), index + 1));
        }
    }
    Err(syntax("there is an unterminated string literal", rest))
}

fn array(rest: &str) -> Result<(Token, usize), Fault> {
    let mut quote = None;
    for (index, letter) in rest.char_indices() {
        match (quote, letter) {
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, ']') => return Ok((Token::Array(rest[..=index].to_owned()), index + 1)),
            _ => {}
        }
    }
    Err(syntax("there is an unterminated array", rest))
}

/// Refuses an expression.
pub(crate) fn syntax(what: &str, text: &str) -> Fault {
    Fault::address(format!("Syntax error: {what} in '{text}'."))
}

/// Reads a bare word as a literal: null, a boolean, a number, a GUID or a date.
pub(crate) fn literal(word: &str) -> Option<Value> {
    match word {
        "null" => return Some(Value::Null),
        "true" => return Some(json!(true)),
        "false" => return Some(json!(false)),
        _ => {}
    }
    if let Ok(number) = word.parse::<i64>() {
        return Some(json!(number));
    }
    if word.len() == 36
        && let Ok(guid) = word.parse::<Guid>()
    {
        return Some(json!(guid.to_string()));
    }
    if date(word) {
        return Some(json!(without_fraction(word)));
    }
    let numeric = word.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-');
    word.parse::<f64>()
        .ok()
        .filter(|number| numeric && number.is_finite())
        .map(|number| json!(number))
}

/// Drops the fraction of a second, so that moments compare as text.
pub(crate) fn without_fraction(moment: &str) -> String {
    match moment.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => moment.to_owned(),
    }
}

fn date(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 10
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && word.is_char_boundary(10)
        && word[..10].chars().filter(char::is_ascii_digit).count() == 8
        && (bytes.len() == 10 || bytes[10] == b'T')
}

/// Reads the elements of an array, in JSON or with single quotes.
pub(crate) fn elements(array: &str) -> Result<Vec<Value>, Fault> {
    if let Ok(values) = serde_json::from_str::<Vec<Value>>(array) {
        return Ok(values);
    }
    let inner = array.trim_start_matches('[').trim_end_matches(']');
    let words = tokens(inner)?.into_iter().filter(|token| *token != Token::Comma);
    words
        .map(|token| {
            value(&token).ok_or_else(|| syntax("an array element is not a literal", array))
        })
        .collect()
}

/// Reads one word as a literal.
pub(crate) fn value(token: &Token) -> Option<Value> {
    match token {
        Token::Text(text) => Some(json!(text)),
        Token::Bare(word) => literal(word),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled_inside_text() {
        assert_eq!(
            tokens("name eq 'O''Brien'").unwrap().last(),
            Some(&Token::Text("O'Brien".to_owned()))
        );
    }

    #[test]
    fn enumeration_members_are_text() {
        assert_eq!(tokens("A.B'Default'").unwrap(), [Token::Text("Default".to_owned())]);
    }

    #[test]
    fn open_text_is_refused() {
        assert!(tokens("name eq 'x").is_err());
    }

    #[test]
    fn words_that_look_alike_are_told_apart() {
        assert_eq!(literal("2026-01-02"), Some(json!("2026-01-02")));
        assert_eq!(literal("5"), Some(json!(5)));
        assert_eq!(literal("-1.5"), Some(json!(-1.5)));
        assert_eq!(literal("name"), None);
        assert_eq!(literal("infinity"), None);
    }

    #[test]
    fn arrays_take_both_kinds_of_quotes() {
        assert_eq!(elements("[\"a\",\"b\"]").unwrap(), [json!("a"), json!("b")]);
        assert_eq!(elements("['a','b']").unwrap(), [json!("a"), json!("b")]);
    }
}
