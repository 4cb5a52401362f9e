//! Checks that a journal changes only those members of a JSON text that its addresses name: a
//! forged journal could change others.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ColumnChange;
use crate::model::{JsonPointer, StoredText};

/// The path to a value that has no members, as the names along it.
pub(super) type Way = Vec<String>;

impl ColumnChange {
    /// Checks whether only these members of a JSON text change. An empty text may become any text.
    pub(super) fn is_only_at(&self, pointers: &[&JsonPointer]) -> bool {
        let before = self.before.as_ref().map_or("", StoredText::expose);
        if before.trim().is_empty() {
            return true;
        }
        let after = self.after.as_ref().map_or("", StoredText::expose);
        let (Some(before), Some(after)) = (leaves(before), leaves(after)) else {
            return false;
        };
        let differs = |way: &&Way| before.get(*way) != after.get(*way);
        let mut differing = before.keys().chain(after.keys()).filter(differs);
        differing.all(|way| pointers.iter().any(|pointer| is_on_the_way(way, pointer)))
    }
}

/// Checks whether one of the two places lies within the other.
fn is_on_the_way(way: &Way, pointer: &JsonPointer) -> bool {
    let tokens = pointer.tokens();
    way.starts_with(tokens) || tokens.starts_with(way)
}

/// Lists the values of a JSON text that have no members or elements, by their paths.
pub(super) fn leaves(text: &str) -> Option<BTreeMap<Way, Value>> {
    let mut found = BTreeMap::new();
    gather(&serde_json::from_str(text).ok()?, &mut Vec::new(), &mut found);
    Some(found)
}

fn gather(value: &Value, way: &mut Way, found: &mut BTreeMap<Way, Value>) {
    let mut step = |name: String, inner: &Value| {
        way.push(name);
        gather(inner, way, found);
        way.pop();
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(name, inner)| step(name.clone(), inner));
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(index, inner)| step(index.to_string(), inner));
        }
        leaf => drop(found.insert(way.clone(), leaf.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_only_at(before: Option<&str>, after: &str, pointers: &[&str]) -> bool {
        let pointers: Vec<JsonPointer> =
            pointers.iter().map(|text| text.parse().unwrap()).collect();
        let change = ColumnChange {
            before: before.map(StoredText::new),
            after: Some(StoredText::new(after)),
        };
        change.is_only_at(&pointers.iter().collect::<Vec<_>>())
    }

    #[test]
    fn members_that_are_not_named_do_not_change() {
        assert!(is_only_at(Some(r#"{"a":1,"b":2}"#), r#"{"b": 2, "a": "x"}"#, &["/a"]));
        assert!(is_only_at(Some("{}"), r#"{"c":{"d":"x"}}"#, &["/c/d"]));
        assert!(is_only_at(None, r#"{"a":"x"}"#, &["/a"]));
        assert!(is_only_at(Some(r#"{"a":{"old":1}}"#), r#"{"a":"x"}"#, &["/a"]));
        assert!(!is_only_at(Some(r#"{"a":1,"b":3}"#), r#"{"b":2,"a":"x"}"#, &["/a"]));
        assert!(!is_only_at(Some(r#"{"a":1,"c":3}"#), r#"{"a":"x"}"#, &["/a"]));
        assert!(!is_only_at(Some("no JSON"), r#"{"a":"x"}"#, &["/a"]));
    }
}
