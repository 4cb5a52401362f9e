//! Paths of the Web API: `set(key)/property`, functions and actions.

use serde_json::Value;

use super::super::message::decoded;
use super::fault::Fault;
use super::token::{Token, tokens, value};

/// One part of a path: a name, and what stands in parentheses after it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segment {
    /// The name.
    pub(crate) name: String,
    /// What stands in parentheses; absent without them.
    pub(crate) arguments: Option<Vec<Argument>>,
}

/// One argument in parentheses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Argument {
    /// The name, absent when the value stands alone.
    pub(crate) name: Option<String>,
    /// The value; a parameter alias stays text that begins with `@`.
    pub(crate) value: Value,
}

/// Splits what stands after `/api/data/v9.x/` into segments.
pub(crate) fn segments(path: &str) -> Result<Vec<Segment>, Fault> {
    let mut found = Vec::new();
    let (mut depth, mut quoted, mut start) = (0_u32, false, 0);
    for (index, letter) in path.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            '/' if depth == 0 && !quoted => {
                found.push(&path[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    found.push(&path[start..]);
    found.iter().filter(|part| !part.is_empty()).map(|part| segment(&decoded(part))).collect()
}

fn segment(text: &str) -> Result<Segment, Fault> {
    let Some((name, rest)) = text.split_once('(') else {
        return Ok(Segment { name: text.to_owned(), arguments: None });
    };
    let inner = rest
        .strip_suffix(')')
        .ok_or_else(|| Fault::address(format!("Bad Request - Error in query syntax: '{text}'.")))?;
    Ok(Segment { name: name.to_owned(), arguments: Some(arguments(inner)?) })
}

fn arguments(text: &str) -> Result<Vec<Argument>, Fault> {
    let words = tokens(text)?;
    if words.is_empty() {
        return Ok(Vec::new());
    }
    words.split(|token| *token == Token::Comma).map(|words| argument(words, text)).collect()
}

fn argument(words: &[Token], text: &str) -> Result<Argument, Fault> {
    let wrong = || Fault::address(format!("Bad Request - Error in query syntax: '({text})'."));
    let (name, word) = match words {
        [word] => (None, word),
        [Token::Bare(name), Token::Equals, word] => (Some(name.clone()), word),
        _ => return Err(wrong()),
    };
    let value = match word {
        Token::Bare(alias) if alias.starts_with('@') => Some(Value::from(alias.as_str())),
        other => value(other),
    };
    Ok(Argument { name, value: value.ok_or_else(wrong)? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_may_hold_quotes_slashes_and_encoded_characters() {
        let found =
            segments("contoso_endpoints(contoso_name='O''Brien%2Fx')/contoso_url/$value").unwrap();
        assert_eq!(found.len(), 3);
        let argument = &found[0].arguments.as_ref().unwrap()[0];
        assert_eq!(argument.name.as_deref(), Some("contoso_name"));
        assert_eq!(argument.value, json!("O'Brien/x"));
    }

    #[test]
    fn functions_have_empty_parentheses_or_none() {
        assert_eq!(segments("WhoAmI()").unwrap()[0].arguments, Some(vec![]));
        assert_eq!(segments("WhoAmI").unwrap()[0].arguments, None);
    }
}
