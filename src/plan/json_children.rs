//! Reads one level of a JSON text, and leaves every value as it is written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What an object or an array holds.
pub(crate) enum Children<'text> {
    /// The members of an object, in its order.
    Members(Vec<(Cow<'text, str>, &'text RawValue)>),
    /// The elements of an array.
    Elements(Vec<&'text RawValue>),
    /// It is neither of the two.
    Neither,
}

/// Returns the members or elements of a value, each as written. A number or a text that fits no
/// type of this program has none either.
pub(crate) fn children_of(raw: &RawValue) -> Result<Children<'_>, serde_json::Error> {
    match raw.get().as_bytes() {
        [b'{' | b'[', ..] => serde_json::from_str(raw.get()),
        _ => Ok(Children::Neither),
    }
}

/// Returns the line and the column, in the whole text, of an error that was met in a part of the
/// text.
pub(crate) fn position(text: &str, part: &str, error: &serde_json::Error) -> (usize, usize) {
    let before = &text[..offset(text, part)];
    let last = before.rfind('\n').map_or(before, |end| &before[end + 1..]);
    let indent = if error.line() == 1 { last.len() } else { 0 };
    (before.matches('\n').count() + error.line(), indent + error.column())
}

/// Returns the number of bytes of the text before a part of it.
pub(crate) fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// Formats a text as a JSON string, with its quotes.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
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
        formatter.write_str("an object or an array")
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
}
