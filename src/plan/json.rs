//! Writes members of a JSON text and leaves every other byte as it is.
//!
//! Parsing and printing the whole text again would lose its spacing, the spelling of its
//! numbers and the order of its members, and somebody else owns those.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use serde_json::value::RawValue;

use super::contents::Contents;
use super::json_children::{Children, children_of, offset, position, quoted};
use crate::model::{JsonPointer, missing_in_json, printable};

/// The most characters of a place that are shown.
pub(super) const MOST_SHOWN: usize = 120;

/// Why a pointer does not fit a text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum PointerMismatch {
    /// The text is not JSON.
    #[error("is not JSON{} (line {line}, column {column})", because(*.missing))]
    NotJson {
        /// Where the text stops being JSON, counted from 1.
        line: usize,
        /// The column of that place.
        column: usize,
        /// What is missing there, if that is known.
        missing: Option<&'static str>,
    },
    /// Something on the way is neither an object nor an array.
    #[error("{}", describe_other(.0))]
    NotContainer(String),
    /// An array on the way has no such element.
    #[error("holds an array at `{0}` without the element that the pointer names")]
    NoElement(String),
}

/// A JSON text whose members are read and written one after the other. What each costs does not
/// grow with the text: what was looked into once is not read again.
pub(crate) struct Document<'text> {
    text: &'text str,
    place: Range<usize>,
    root: Node<'text>,
}

/// A value, as far as it was looked into.
enum Node<'text> {
    /// It was not looked into.
    Written(&'text RawValue),
    /// It is an object or an array.
    Open(Container<'text>),
    /// It is a string that was written in the place of what was there.
    String(String),
    /// It was removed: a member of an object is left out, an element of an array becomes null.
    Removed,
}

/// An object or an array as it is written, and its values, some of which may be others by now.
struct Container<'text> {
    text: &'text str,
    values: Vec<Value<'text>>,
    /// Where among the values each name is; none for an array.
    names: Option<HashMap<Cow<'text, str>, usize>>,
}

/// A value in its container.
struct Value<'text> {
    /// The bytes of the container's text that it takes the place of.
    place: Range<usize>,
    /// What stands before it if it is new: a comma, its name and a colon.
    lead: String,
    node: Node<'text>,
}

/// Where a pointer leads.
enum Reached<'document, 'text, 'tokens> {
    /// To this value.
    Value(&'document mut Node<'text>),
    /// Nowhere: this object has no member of the first name, and the others lie within that.
    Missing(&'document mut Container<'text>, &'tokens str, &'tokens [String]),
}

impl<'text> Document<'text> {
    /// Reads a JSON text.
    pub(crate) fn new(text: &'text str) -> Result<Self, PointerMismatch> {
        let root: &RawValue =
            serde_json::from_str(text).map_err(|error| not_json(text, text, &error))?;
        Ok(Self { text, place: place(text, root), root: Node::Written(root) })
    }

    /// Returns the value that the pointer leads to: a text without its quotes, anything else as
    /// written.
    pub(crate) fn member(
        &mut self,
        pointer: &JsonPointer,
    ) -> Result<Option<String>, PointerMismatch> {
        match self.reach(pointer)? {
            Reached::Missing(..) => Ok(None),
            Reached::Value(node) => Ok(node.unquoted()),
        }
    }

    /// Returns the contents at the pointer that a string in their place would remove.
    pub(super) fn contents(
        &mut self,
        pointer: &JsonPointer,
    ) -> Result<Option<Contents>, PointerMismatch> {
        match self.reach(pointer)? {
            Reached::Missing(..) => Ok(None),
            Reached::Value(node) => Ok(node.contents()),
        }
    }

    /// Puts a string at the place of the pointer, and adds missing members on the way.
    pub(super) fn write(
        &mut self,
        pointer: &JsonPointer,
        value: &str,
    ) -> Result<(), PointerMismatch> {
        let string = Node::String(value.to_owned());
        match self.reach(pointer)? {
            Reached::Value(node) => *node = string,
            Reached::Missing(object, name, inner) => object.add(name, nested(inner, string)),
        }
        Ok(())
    }

    /// Removes the member that the pointer leads to. An element of an array becomes null, so that the
    /// others keep their places.
    pub(super) fn remove(&mut self, pointer: &JsonPointer) -> Result<(), PointerMismatch> {
        if let Reached::Value(node) = self.reach(pointer)? {
            *node = Node::Removed;
        }
        Ok(())
    }

    /// Returns the whole text, with all values that were written.
    pub(super) fn text(&self) -> String {
        let Self { text, place, root } = self;
        let mut whole = text[..place.start].to_owned();
        root.render(&mut whole);
        whole + &text[place.end..]
    }

    /// Follows the pointer as far as the text goes.
    fn reach<'tokens>(
        &mut self,
        pointer: &'tokens JsonPointer,
    ) -> Result<Reached<'_, 'text, 'tokens>, PointerMismatch> {
        let (tokens, text) = (pointer.tokens(), self.text);
        let mut node = &mut self.root;
        for (depth, token) in tokens.iter().enumerate() {
            let here = || printable(&format!("/{}", tokens[..depth].join("/")), MOST_SHOWN);
            let container =
                node.open(text)?.ok_or_else(|| PointerMismatch::NotContainer(here()))?;
            match container.index(token) {
                Some(index) => node = &mut container.values[index].node,
                None if container.names.is_none() => {
                    return Err(PointerMismatch::NoElement(here()));
                }
                None => return Ok(Reached::Missing(container, token, &tokens[depth + 1..])),
            }
        }
        Ok(Reached::Value(node))
    }
}

impl<'text> Node<'text> {
    /// Parses the node, if it is an object or an array. `text` is the whole text, for errors.
    fn open(&mut self, text: &str) -> Result<Option<&mut Container<'text>>, PointerMismatch> {
        if let Self::Written(raw) = *self {
            let children = children_of(raw).map_err(|error| not_json(text, raw.get(), &error));
            *self = match children? {
                Children::Members(members) => Self::Open(Container::object(raw.get(), members)),
                Children::Elements(elements) => Self::Open(Container::array(raw.get(), elements)),
                Children::Neither => return Ok(None),
            };
        }
        match self {
            Self::Open(container) => Ok(Some(container)),
            Self::Written(_) | Self::String(_) | Self::Removed => Ok(None),
        }
    }

    /// Returns a text without its quotes, anything else as written; none if it is null.
    fn unquoted(&self) -> Option<String> {
        match self {
            Self::Removed => None,
            Self::String(text) => Some(text.clone()),
            Self::Written(raw) if raw.get() == "null" => None,
            Self::Written(raw) => {
                Some(serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned()))
            }
            Self::Open(container) => {
                let mut text = String::new();
                container.render(&mut text);
                Some(text)
            }
        }
    }

    /// Returns the contents of the value that a string in its place would remove.
    fn contents(&self) -> Option<Contents> {
        match self {
            Self::String(_) | Self::Removed => None,
            Self::Written(raw) => Contents::of_member(raw),
            Self::Open(Container { values, .. }) if values.is_empty() => None,
            Self::Open(Container { values, names: Some(_), .. }) => {
                Some(Contents::Object(values.len()))
            }
            Self::Open(Container { values, names: None, .. }) => {
                Some(Contents::Array(values.len()))
            }
        }
    }

    fn render(&self, text: &mut String) {
        match self {
            Self::Written(raw) => text.push_str(raw.get()),
            Self::Open(container) => container.render(text),
            Self::String(string) => text.push_str(&quoted(string)),
            Self::Removed => text.push_str("null"),
        }
    }
}

impl<'text> Container<'text> {
    fn object(text: &'text str, members: Vec<(Cow<'text, str>, &'text RawValue)>) -> Self {
        let (names, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
        // Of members with one name the last counts, as for most readers (RFC 8259 section 4).
        let names = names.into_iter().enumerate().map(|(index, name)| (name, index)).collect();
        Self { names: Some(names), ..Self::array(text, values) }
    }

    fn array(text: &'text str, elements: Vec<&'text RawValue>) -> Self {
        let value =
            |raw| Value { place: place(text, raw), lead: String::new(), node: Node::Written(raw) };
        Self { text, values: elements.into_iter().map(value).collect(), names: None }
    }

    /// Returns the index of the value that a token of a pointer names.
    fn index(&self, token: &str) -> Option<usize> {
        match &self.names {
            Some(names) => names.get(token).copied(),
            None => array_index(token).filter(|index| *index < self.values.len()),
        }
    }

    /// Adds a member after all others.
    fn add(&mut self, name: &str, node: Node<'text>) {
        let comma = if self.values.is_empty() { "" } else { "," };
        let end = self.text.strip_suffix('}').unwrap_or_default().trim_end().len();
        if let Some(names) = &mut self.names {
            names.insert(Cow::Owned(name.to_owned()), self.values.len());
        }
        let lead = format!("{comma}{}:", quoted(name));
        self.values.push(Value { place: end..end, lead, node });
    }

    fn render(&self, text: &mut String) {
        let is_removed =
            |value: &Value<'_>| self.names.is_some() && matches!(value.node, Node::Removed);
        let (mut done, mut is_first) = (0, true);
        for value in &self.values {
            let Value { place, lead, node } = value;
            let before = &self.text[done..place.start];
            done = place.end;
            if is_removed(value) {
                continue;
            }
            // Members before the first one that stays are gone, and so is the comma after them.
            let is_after_removed = is_first && !before.starts_with('{') && self.names.is_some();
            let (before, lead) = if is_after_removed {
                text.push('{');
                (
                    before.split_once(',').map_or(before, |(_, rest)| rest),
                    lead.trim_start_matches(','),
                )
            } else {
                (before, lead.as_str())
            };
            text.push_str(before);
            text.push_str(lead);
            node.render(text);
            is_first = false;
        }
        if is_first && done > 0 {
            text.push_str(&self.text[..1]);
        }
        text.push_str(&self.text[done..]);
    }
}

/// Wraps a value in one object for each of the names, outermost first.
fn nested<'text>(names: &[String], value: Node<'text>) -> Node<'text> {
    names.iter().rev().fold(value, |inner, name| {
        let mut object = Container::object("{}", Vec::new());
        object.add(name, inner);
        Node::Open(object)
    })
}

/// Parses an array index of RFC 6901 section 4: digits without a leading zero.
fn array_index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    token.parse().ok().filter(|_| canonical)
}

fn not_json(text: &str, part: &str, error: &serde_json::Error) -> PointerMismatch {
    let (line, column) = position(text, part, error);
    PointerMismatch::NotJson { line, column, missing: missing_in_json(part, error) }
}

fn because(missing: Option<&str>) -> String {
    missing.map_or_else(String::new, |missing| format!(": {missing}"))
}

/// Describes a value without members; `/` is the whole text.
fn describe_other(place: &str) -> String {
    match place {
        "/" => "is JSON, but neither an object nor an array".to_owned(),
        place => format!("holds something other than an object at `{place}`"),
    }
}

/// Returns the range of bytes that a value takes in the text that holds it.
fn place(text: &str, raw: &RawValue) -> Range<usize> {
    let start = offset(text, raw.get());
    start..start + raw.get().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, pointer: &str) -> Result<String, PointerMismatch> {
        let mut document = Document::new(text)?;
        document.write(&pointer.parse().unwrap(), "new")?;
        Ok(document.text())
    }

    #[test]
    fn a_member_is_replaced_and_every_other_byte_stays() {
        let text = "{ \"a\" : 1.10,\n  \"b\": {\"c\": \"old\", \"d\": 1e400},\t\"a2\":[ ] }";
        let expected = text.replace("\"old\"", "\"new\"");
        assert_eq!(written(text, "/b/c").unwrap(), expected);
    }

    #[test]
    fn a_member_is_removed_and_every_other_byte_stays() {
        let removed = |text: &str, pointers: &[&str]| {
            let mut document = Document::new(text).unwrap();
            for pointer in pointers {
                document.remove(&pointer.parse().unwrap()).unwrap();
            }
            document.text()
        };
        let text = "{ \"a\" : 1.10,\n  \"b\": {\"c\": \"x\", \"d\": 1e400},\t\"e\":[ 1, 2 ] }";
        for (pointers, expected) in [
            (&["/a"][..], "{\n  \"b\": {\"c\": \"x\", \"d\": 1e400},\t\"e\":[ 1, 2 ] }"),
            (&["/b"], "{ \"a\" : 1.10,\t\"e\":[ 1, 2 ] }"),
            (&["/e"], "{ \"a\" : 1.10,\n  \"b\": {\"c\": \"x\", \"d\": 1e400} }"),
            (&["/b/c"], "{ \"a\" : 1.10,\n  \"b\": { \"d\": 1e400},\t\"e\":[ 1, 2 ] }"),
            (&["/a", "/b"], "{\t\"e\":[ 1, 2 ] }"),
            (&["/b", "/e"], "{ \"a\" : 1.10 }"),
            (&["/a", "/b", "/e"], "{ }"),
            (
                &["/e/0"],
                "{ \"a\" : 1.10,\n  \"b\": {\"c\": \"x\", \"d\": 1e400},\t\"e\":[ null, 2 ] }",
            ),
            (&["/x", "/b/x/y"], text),
        ] {
            assert_eq!(removed(text, pointers), expected, "{pointers:?}");
        }
        let mut document = Document::new(r#"{"a":"x"}"#).unwrap();
        document.write(&"/b".parse().unwrap(), "new").unwrap();
        document.remove(&"/a".parse().unwrap()).unwrap();
        assert_eq!(document.text(), r#"{"b":"new"}"#);
    }

    #[test]
    fn a_missing_member_comes_last_and_missing_objects_are_made() {
        assert_eq!(written("{}", "/a/b").unwrap(), r#"{"a":{"b":"new"}}"#);
        assert_eq!(written("{\n  \"a\": {}\n}", "/b").unwrap(), "{\n  \"a\": {},\"b\":\"new\"\n}");
        assert_eq!(written(r#"{"a":{}}"#, "/a/b").unwrap(), r#"{"a":{"b":"new"}}"#);
    }

    #[test]
    fn members_that_are_written_together_stand_as_if_written_one_after_the_other() {
        let pointers = ["/n/x", "/a/1", "/n/y/z", "/b", "/n/y/w", "/c/d"];
        for text in ["{\"a\":[ 1,2 ] ,\n\"c\" :{ }\n}", r#" {"a":[0,1],"a":[0,{"k":1e400}]} "#] {
            let mut document = Document::new(text).unwrap();
            let mut one_by_one = text.to_owned();
            for pointer in pointers {
                document.write(&pointer.parse().unwrap(), "new").unwrap();
                one_by_one = written(&one_by_one, pointer).unwrap();
            }
            assert_eq!(document.text(), one_by_one);
        }
    }

    #[test]
    fn what_was_written_is_read_and_nothing_lies_within_it() {
        let mut document = Document::new("{}").unwrap();
        document.write(&"/a/b".parse().unwrap(), "n\"ew").unwrap();
        assert_eq!(document.member(&"/a/b".parse().unwrap()), Ok(Some("n\"ew".into())));
        assert_eq!(document.member(&"/a".parse().unwrap()), Ok(Some(r#"{"b":"n\"ew"}"#.into())));
        assert_eq!(
            document.write(&"/a/b/c".parse().unwrap(), "new"),
            Err(PointerMismatch::NotContainer("/a/b".into()))
        );
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
        let read =
            |text: &str| Document::new(text).unwrap().member(&"/a".parse().unwrap()).unwrap();
        assert_eq!(read(r#"{"a":"x\ny"}"#), Some("x\ny".into()));
        assert_eq!(read(r#"{"a":{"b":1}}"#), Some(r#"{"b":1}"#.into()));
        assert_eq!((read("{}"), read(r#"{"a":null}"#)), (None, None));
    }

    #[test]
    fn a_text_that_nests_without_end_does_no_harm_and_is_refused_if_it_is_not_json() {
        let open = "[".repeat(100_000);
        assert!(matches!(written(&open, "/0"), Err(PointerMismatch::NotJson { .. })));
        let deep = open.clone() + &"]".repeat(100_000);
        assert_eq!(written(&deep, "/0/0/0").unwrap(), r#"[[["new"]]]"#);
        let wide = format!("{{\"deep\":{deep},\"a\":1}}");
        assert_eq!(written(&wide, "/a").unwrap(), wide.replace('1', "\"new\""));
    }

    #[test]
    fn what_no_type_can_hold_is_json_all_the_same() {
        for value in ["1e400", r#""\ud800""#] {
            assert_eq!(
                written(&format!("{{\"a\":{value}}}"), "/a/b"),
                Err(PointerMismatch::NotContainer("/a".into()))
            );
        }
    }

    #[test]
    fn an_error_is_told_by_its_place_in_the_whole_text() {
        let name = r#"{"\ud800":1}"#;
        let place = |text: &str| match written(text, "/a/b") {
            Err(PointerMismatch::NotJson { line, column, .. }) => (line, column),
            other => panic!("{other:?}"),
        };
        let (line, column) = place(name);
        assert_eq!(line, 1);
        assert_eq!(place(&format!("{{\n\"x\":1,\n\"a\":{name}}}")), (3, 4 + column));
        assert_eq!(place(&format!("{{\"a\":\n{{\n{}}}", &name[1..])), (3, column - 1));
    }
}
