//! Query options (`$select`, `$filter`, `$expand`, ...) as one value.

use super::super::message::decoded;
use super::fault::Fault;
use super::filter::{self, Aliases, Condition};

/// The options of a query, or of one expanded navigation property.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// The properties wanted; all when absent.
    pub(crate) select: Option<Vec<String>>,
    /// What rows must fulfil.
    pub(crate) filter: Option<Condition>,
    /// What rows are ordered by, and whether downwards.
    pub(crate) order: Vec<(Vec<String>, bool)>,
    /// How many rows at most.
    pub(crate) top: Option<usize>,
    /// Whether to tell how many there are.
    pub(crate) count: bool,
    /// The navigation properties to follow.
    pub(crate) expand: Vec<Expand>,
    /// Where an earlier page ended.
    pub(crate) skip_token: Option<usize>,
}

/// A navigation property to follow.
#[derive(Debug, Clone)]
pub(crate) struct Expand {
    /// Its name.
    pub(crate) name: String,
    /// What is wanted of it.
    pub(crate) options: Options,
}

/// Reads the options of a request.
pub(crate) fn parse(parameters: &[(String, String)]) -> Result<Options, Fault> {
    let aliases = aliases(parameters);
    let mut options = Options::default();
    for (name, value) in parameters.iter().filter(|(name, _)| name.starts_with('$')) {
        options.set(name, value, &aliases)?;
    }
    match parameters
        .iter()
        .find(|(name, _)| name == "fetchXml" || name == "savedQuery" || name == "userQuery")
    {
        Some((name, _)) => Err(Fault::new(
            http::StatusCode::NOT_IMPLEMENTED,
            "0x80060888",
            format!("The sandbox does not model {name}."),
        )),
        None => Ok(options),
    }
}

/// Collects the parameter aliases of a request.
pub(crate) fn aliases(parameters: &[(String, String)]) -> Aliases {
    let named = parameters
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix('@')?.to_owned(), value.clone())));
    named.collect()
}

impl Options {
    fn set(&mut self, name: &str, value: &str, aliases: &Aliases) -> Result<(), Fault> {
        match name {
            "$select" => self.select = Some(names(value)),
            "$filter" => self.filter = Some(filter::parse(value, aliases)?),
            "$orderby" => self.order = orders(value)?,
            "$top" => self.top = Some(number(name, value)?),
            "$count" => self.count = value.eq_ignore_ascii_case("true"),
            "$expand" => self.expand = expands(value, aliases)?,
            "$skiptoken" => self.skip_token = Some(position(value)?),
            _ => {
                return Err(Fault::address(format!(
                    "The query parameter {name} is not supported."
                )));
            }
        }
        Ok(())
    }
}

fn names(value: &str) -> Vec<String> {
    value.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn number(name: &str, value: &str) -> Result<usize, Fault> {
    let number = value.trim().parse::<usize>().ok().filter(|number| *number > 0 || name != "$top");
    number.ok_or_else(|| {
        Fault::address(format!("Invalid value '{value}' for {name} query option found."))
    })
}

fn orders(value: &str) -> Result<Vec<(Vec<String>, bool)>, Fault> {
    value.split(',').map(order).collect()
}

fn order(text: &str) -> Result<(Vec<String>, bool), Fault> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let path = |word: &str| word.split('/').map(str::to_owned).collect();
    match words.as_slice() {
        [word] | [word, "asc"] => Ok((path(word), false)),
        [word, "desc"] => Ok((path(word), true)),
        _ => Err(super::token::syntax("an order is a property and `asc` or `desc`", text)),
    }
}

fn expands(value: &str, aliases: &Aliases) -> Result<Vec<Expand>, Fault> {
    split(value, ',')
        .iter()
        .filter(|part| !part.trim().is_empty())
        .map(|part| expand(part.trim(), aliases))
        .collect()
}

fn expand(text: &str, aliases: &Aliases) -> Result<Expand, Fault> {
    let Some((name, rest)) = text.split_once('(') else {
        return Ok(Expand { name: text.to_owned(), options: Options::default() });
    };
    let inner = rest
        .trim_end()
        .strip_suffix(')')
        .ok_or_else(|| super::token::syntax("a parenthesis is missing", text))?;
    let mut options = Options::default();
    for part in split(inner, ';') {
        let (option, value) = part
            .split_once('=')
            .ok_or_else(|| super::token::syntax("an option has no value", text))?;
        options.set(option.trim(), value, aliases)?;
    }
    Ok(Expand { name: name.trim().to_owned(), options })
}

/// Splits at a separator outside parentheses and quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut quoted, mut start) = (0_u32, false, 0);
    let mut parts = Vec::new();
    for (index, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ if letter == separator && depth == 0 && !quoted => {
                parts.push(&text[start..index]);
                start = index + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Prints the opaque cookie that says where a page ended.
pub(crate) fn cookie(page: usize, position: usize) -> String {
    format!("<cookie pagenumber=\"{page}\" pagingcookie=\"{position:x}\" istracking=\"False\" />")
}

/// Reads the position from a cookie.
fn position(cookie: &str) -> Result<usize, Fault> {
    let text = decoded(cookie);
    let hex = text
        .split_once("pagingcookie=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(hex, _)| hex);
    let position = hex.and_then(|hex| usize::from_str_radix(hex, 16).ok());
    position.ok_or_else(|| Fault::address("Malformed XML in the $skiptoken query option."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansions_nest() {
        let parameters =
            [("$expand".to_owned(), "a($select=b,c;$expand=d($filter=e eq 'x;y,)')),f".to_owned())];
        let options = parse(&parameters).unwrap();
        assert_eq!(options.expand.len(), 2);
        let inner = &options.expand[0].options;
        assert_eq!(inner.select.as_deref(), Some(&["b".to_owned(), "c".to_owned()][..]));
        assert!(inner.expand[0].options.filter.is_some());
    }

    #[test]
    fn option_names_are_case_sensitive_and_skip_is_unknown() {
        for name in ["$Select", "$skip", "$search"] {
            assert!(parse(&[(name.to_owned(), "1".to_owned())]).is_err(), "{name}");
        }
    }

    #[test]
    fn a_cookie_leads_back_to_its_position() {
        assert_eq!(position(&cookie(2, 26)).unwrap(), 26);
        assert!(position("x").is_err());
    }
}
