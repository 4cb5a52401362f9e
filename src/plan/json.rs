//! Writes one member of a JSON text and leaves every other byte as it is.
//!
//! Parsing and printing the whole text again would lose its spacing, the spelling of its
//! numbers and the order of its members, and somebody else owns those.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::domain::{JsonPointer, printable};

/// The most characters of a place that are shown.
const MOST_SHOWN: usize = 120;

/// Why a pointer does not fit a text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum PointerMismatch {
    /// The text is not JSON.
    #[error("is not JSON (line {line}, column {column})")]
    NotJson {
        /// Where the text stops being JSON, counted from 1.
        line: usize,
        /// The column of that place.
        column: usize,
    },
    /// Something on the way is neither an object nor an array.
    #[error("holds something else than an object at `{0}`")]
    NotContainer(String),
    /// An array on the way has no such element.
    #[error("holds an array at `{0}` without the element that the pointer names")]
    NoElement(String),
}

/// Where a pointer leads in a text.
enum Place<'text> {
    /// To this value.
    Value(&'text RawValue),
    /// Nowhere: these members are missing in this object.
    Missing { object: &'text RawValue, empty: bool, tokens: &'text [String] },
}

/// What an object or an array holds.
pub(crate) enum Children<'text> {
    /// The members of an object, in its order.
    Members(Vec<(Cow<'text, str>, &'text RawValue)>),
    /// The elements of an array.
    Elements(Vec<&'text RawValue>),
    /// It is neither of the two.
    Neither,
}

/// The value that the pointer leads to: a text without its quotes, anything else as written.
pub(super) fn member(text: &str, pointer: &JsonPointer) -> Result<Option<String>, PointerMismatch> {
    match locate(text, pointer)? {
        Place::Missing { .. } => Ok(None),
        Place::Value(raw) if raw.get() == "null" => Ok(None),
        Place::Value(raw) => {
            let unquoted = serde_json::from_str::<String>(raw.get());
            Ok(Some(unquoted.unwrap_or_else(|_| raw.get().to_owned())))
        }
    }
}

/// The text with a string where the pointer leads; members on the way are made as needed.
pub(super) fn with_member(
    text: &str,
    pointer: &JsonPointer,
    value: &str,
) -> Result<String, PointerMismatch> {
    match locate(text, pointer)? {
        Place::Value(raw) => Ok(splice(text, offset(text, raw), raw.get().len(), &quoted(value))),
        Place::Missing { object, empty, tokens } => {
            let inner = object.get().strip_suffix('}').unwrap_or_default().trim_end();
            let comma = if empty { "" } else { "," };
            let place = offset(text, object) + inner.len();
            Ok(splice(text, place, 0, &format!("{comma}{}", nested(tokens, value))))
        }
    }
}

/// Follows the pointer as far as the text goes.
fn locate<'text>(
    text: &'text str,
    pointer: &'text JsonPointer,
) -> Result<Place<'text>, PointerMismatch> {
    let mut raw: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    let tokens = pointer.tokens();
    for (depth, token) in tokens.iter().enumerate() {
        let here = || printable(&format!("/{}", tokens[..depth].join("/")), MOST_SHOWN);
        match children(raw)? {
            Children::Neither => return Err(PointerMismatch::NotContainer(here())),
            Children::Elements(elements) => {
                let index = array_index(token);
                let element = index.and_then(|index| elements.get(index).copied());
                raw = element.ok_or_else(|| PointerMismatch::NoElement(here()))?;
            }
            Children::Members(members) => {
                // Of members with one name the last counts, as for most readers (RFC 8259 section 4).
                let Some((_, value)) = members.iter().rfind(|(name, _)| name == token) else {
                    let (object, empty) = (raw, members.is_empty());
                    return Ok(Place::Missing { object, empty, tokens: &tokens[depth..] });
                };
                raw = value;
            }
        }
    }
    Ok(Place::Value(raw))
}

/// An array index of RFC 6901 section 4: digits without a leading zero.
fn array_index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    token.parse().ok().filter(|_| canonical)
}

fn children(raw: &RawValue) -> Result<Children<'_>, PointerMismatch> {
    children_of(raw).map_err(|error| not_json(&error))
}

/// What the value holds, each part as written.
pub(crate) fn children_of(raw: &RawValue) -> Result<Children<'_>, serde_json::Error> {
    serde_json::from_str(raw.get())
}

fn not_json(error: &serde_json::Error) -> PointerMismatch {
    PointerMismatch::NotJson { line: error.line(), column: error.column() }
}

/// How many bytes of the text stand before the value, which is a part of it.
pub(crate) fn offset(text: &str, raw: &RawValue) -> usize {
    raw.get().as_ptr() as usize - text.as_ptr() as usize
}

/// The text with something else in the place of so many of its bytes.
pub(crate) fn splice(text: &str, place: usize, length: usize, insert: &str) -> String {
    [&text[..place], insert, &text[place + length..]].concat()
}

/// A text as JSON writes it.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `"a":{"b":"value"}` for the tokens `a` and `b`.
fn nested(tokens: &[String], value: &str) -> String {
    let names: Vec<String> = tokens.iter().map(|token| quoted(token)).collect();
    let braces = "}".repeat(tokens.len().saturating_sub(1));
    format!("{}:{}{braces}", names.join(":{"), quoted(value))
}

impl<'de> Deserialize<'de> for Children<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChildrenVisitor)
    }
}

struct ChildrenVisitor;

/// A name of a member, borrowed where it has no escape.
#[derive(serde::Deserialize)]
struct Name<'text>(#[serde(borrow)] Cow<'text, str>);

impl<'de> Visitor<'de> for ChildrenVisitor {
    type Value = Children<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Children::Members(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Children::Elements(elements))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Children::Neither)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Children::Neither)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Children::Neither)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Children::Neither)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Children::Neither)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Children::Neither)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, pointer: &str) -> Result<String, PointerMismatch> {
        with_member(text, &pointer.parse().unwrap(), "new")
    }

    #[test]
    fn a_member_is_replaced_and_every_other_byte_stays() {
        let text = "{ \"a\" : 1.10,\n  \"b\": {\"c\": \"old\", \"d\": 1e400},\t\"a2\":[ ] }";
        let expected = text.replace("\"old\"", "\"new\"");
        assert_eq!(written(text, "/b/c").unwrap(), expected);
    }

    #[test]
    fn a_missing_member_comes_last_and_missing_objects_are_made() {
        assert_eq!(written("{}", "/a/b").unwrap(), r#"{"a":{"b":"new"}}"#);
        assert_eq!(written("{\n  \"a\": {}\n}", "/b").unwrap(), "{\n  \"a\": {},\"b\":\"new\"\n}");
        assert_eq!(written(r#"{"a":{}}"#, "/a/b").unwrap(), r#"{"a":{"b":"new"}}"#);
    }

    #[test]
    fn names_are_compared_unescaped() {
        assert_eq!(written(r#"{"\u0061/b":"old"}"#, "/a~1b").unwrap(), r#"{"\u0061/b":"new"}"#);
    }

    #[test]
    fn an_element_of_an_array_is_replaced_only_if_it_is_there() {
        assert_eq!(written(r#"{"a":["x","y"]}"#, "/a/1").unwrap(), r#"{"a":["x","new"]}"#);
        for pointer in ["/a/2", "/a/-", "/a/01", "/a/x"] {
            assert_eq!(
                written(r#"{"a":["x","y"]}"#, pointer),
                Err(PointerMismatch::NoElement("/a".into()))
            );
        }
    }

    #[test]
    fn a_value_of_another_shape_is_left_alone() {
        assert!(matches!(
            written("https://example.com", "/a"),
            Err(PointerMismatch::NotJson { line: 1, .. })
        ));
        assert_eq!(
            written(r#"{"a":"text"}"#, "/a/b"),
            Err(PointerMismatch::NotContainer("/a".into()))
        );
        assert_eq!(written("7", "/a"), Err(PointerMismatch::NotContainer("/".into())));
    }

    #[test]
    fn a_member_is_read_without_its_quotes() {
        let read = |text: &str| member(text, &"/a".parse().unwrap()).unwrap();
        assert_eq!(read(r#"{"a":"x\ny"}"#), Some("x\ny".into()));
        assert_eq!(read(r#"{"a":{"b":1}}"#), Some(r#"{"b":1}"#.into()));
        assert_eq!((read("{}"), read(r#"{"a":null}"#)), (None, None));
    }

    #[test]
    fn a_text_that_nests_without_end_is_refused_and_does_no_harm() {
        let deep = "[".repeat(100_000);
        assert!(matches!(written(&deep, "/0"), Err(PointerMismatch::NotJson { .. })));
    }
}
