//! The spacing of a file of deployment settings, so that new entries look like existing ones, and
//! the slots of its text that are replaced.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;

use crate::plan::json_children::{offset, quoted};

/// The members of an object, each value as written.
pub(super) type Members<'text> = Vec<(Cow<'text, str>, &'text RawValue)>;

/// A part of a text that is replaced, and what is written around the replacement.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// The range of bytes that is replaced; empty if the slot only inserts.
    pub(super) range: Range<usize>,
    before: String,
    after: String,
}

impl Slot {
    /// Makes a slot that replaces the value.
    pub(super) fn replacing(
        text: &str,
        raw: &RawValue,
        before: impl Into<String>,
        after: impl Into<String>,
    ) -> Self {
        let range = offset(text, raw.get())..value_end(text, raw);
        Self { range, before: before.into(), after: after.into() }
    }

    /// Makes an empty slot right after the value, which stays.
    pub(super) fn after_value(
        text: &str,
        raw: &RawValue,
        before: String,
        after: impl Into<String>,
    ) -> Self {
        let end = value_end(text, raw);
        Self { range: end..end, before, after: after.into() }
    }

    /// Returns the text with every slot filled. The slots must be in the order of the text.
    pub(super) fn fill_slots(text: &str, fillings: &[(&Self, String)]) -> String {
        let (mut filled, mut from) = (String::with_capacity(text.len()), 0);
        for (Self { range, before, after }, filling) in fillings {
            filled.extend([&text[from..range.start], before, filling, after]);
            from = range.end;
        }
        filled + &text[from..]
    }
}

/// The spacing of entries.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Before an entry.
    pub(super) entry: String,
    /// Before the first member of an entry.
    member: String,
    /// Between the comma and the next member.
    between: String,
    /// The colon between a name and its value, with its white space.
    colon: String,
    /// Before the brace that ends an entry.
    close: String,
    /// Before the bracket that ends the list.
    pub(super) end: String,
}

impl Layout {
    /// Copies the spacing of an existing entry in its list.
    pub(super) fn from_entry(
        text: &str,
        list: &RawValue,
        entry: &RawValue,
        members: &Members<'_>,
    ) -> Self {
        let member = leading_space(entry).to_owned();
        let between = space_after_comma(text, members).unwrap_or(&member).to_owned();
        let inner = entry.get().trim_end_matches('}');
        Self {
            entry: leading_space(list).to_owned(),
            between,
            colon: colon(text, members).to_owned(),
            close: inner[inner.trim_end().len()..].to_owned(),
            end: String::new(),
            member,
        }
    }

    /// Derives the spacing of entries from the spacing of the root object.
    pub(super) fn from_root(text: &str, root: &RawValue, members: &Members<'_>) -> Self {
        let opening = if members.is_empty() { "\n  " } else { leading_space(root) };
        let (line, unit) = match opening.rfind('\n') {
            Some(end) => (opening[..=end].trim_start_matches(' '), &opening[end + 1..]),
            None => ("", ""),
        };
        let depth = |depth: usize| format!("{line}{}", unit.repeat(depth));
        Self {
            entry: depth(2),
            member: depth(3),
            between: depth(3),
            colon: colon(text, members).to_owned(),
            close: depth(2),
            end: depth(1),
        }
    }

    /// Returns the comma and white space between two entries.
    pub(super) fn between_entries(&self) -> String {
        format!(",{}", self.entry)
    }

    /// Formats an entry with the name and value of a variable.
    pub(super) fn render(&self, name: &str, value: &str) -> String {
        let Self { member, between, colon, close, .. } = self;
        let (name, value) = (quoted(name), quoted(value));
        format!("{{{member}\"SchemaName\"{colon}{name},{between}\"Value\"{colon}{value}{close}}}")
    }
}

/// Returns the colon between the name and the value of the first member, with its white space.
pub(super) fn colon<'text>(text: &'text str, members: &Members<'_>) -> &'text str {
    let Some((_, value)) = members.first() else { return ": " };
    let before = &text[..offset(text, value.get())];
    let name = before.trim_end().trim_end_matches(':').trim_end();
    &before[name.len()..]
}

/// Returns the white space after the bracket or brace that begins a value.
pub(super) fn leading_space(raw: &RawValue) -> &str {
    let inner = raw.get().get(1..).unwrap_or_default();
    &inner[..inner.len() - inner.trim_start().len()]
}

/// Returns the white space between the comma after the first member and the second member.
pub(super) fn space_after_comma<'text>(
    text: &'text str,
    members: &Members<'_>,
) -> Option<&'text str> {
    let (_, first) = members.first().filter(|_| members.len() > 1)?;
    let after = text[value_end(text, first)..].trim_start().strip_prefix(',')?;
    Some(&after[..after.len() - after.trim_start().len()])
}

/// Returns the offset at which a value ends in the text.
fn value_end(text: &str, raw: &RawValue) -> usize {
    offset(text, raw.get()) + raw.get().len()
}
