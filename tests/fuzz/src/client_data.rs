//! The triggers of a flow are read out of the column `clientdata`.

use std::collections::BTreeMap;

use flowbind::services::dataverse::{FlowDefinition, FlowTrigger};
use serde_json::Value;

use super::assert_shown;

/// Holds for every text.
pub fn holds(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let definition = FlowDefinition::from_client_data(text);
    let column = Value::from(text).to_string();
    let in_row: FlowDefinition = serde_json::from_str(&column).expect("a text is a column");
    assert_eq!(in_row, definition);
    match &definition {
        FlowDefinition::Triggers(triggers) => as_written(text, triggers),
        FlowDefinition::Unreadable(why) => is_told(why),
    }
}

/// What was read is what stands there.
fn as_written(text: &str, triggers: &BTreeMap<String, FlowTrigger>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // A number that is too large for the general reader may stand beside the triggers.
    let Ok(whole) = serde_json::from_str::<Value>(text) else { return };
    let written = whole.pointer("/properties/definition/triggers");
    assert_eq!(written.and_then(Value::as_object).map_or(0, serde_json::Map::len), triggers.len());
    for (name, trigger) in triggers {
        let written = &whole["properties"]["definition"]["triggers"][name];
        let of = |key: &str| written.get(key).and_then(Value::as_str);
        assert_eq!(of("type").unwrap_or_default(), trigger.trigger_type);
        assert_eq!(of("kind"), trigger.kind.as_deref());
    }
}

/// What a JSON text lacks to be the definition of a flow.
const SENTENCES: [&str; 4] = [
    "its `definition` is not under `properties`: it has the shape of a Logic App, not of a cloud flow",
    "it has no object `properties`",
    "it has no object `properties.definition`",
    "its `properties.definition.triggers` are not triggers by their names",
];

/// What a text lacks to be JSON.
const SYNTAX: [&str; 14] = [
    "",
    "its end is missing",
    "JSON has no comments",
    "JSON has straight double quotes only",
    "a name in double quotes is missing",
    "a value is missing",
    "a text needs double quotes",
    "a comma has no value after it",
    "something stands after its end",
    "a comma or `}` is missing",
    "a comma or `]` is missing",
    "a colon is missing",
    "a line break or another control character stands in a text",
    "a backslash stands before a character that needs none",
];

/// The reason is a sentence of this program, with a place, and nothing of the text.
fn is_told(why: &str) {
    assert_shown(why, 160);
    if why == "it is UTF-16 that was stored as if it were UTF-8" {
        return;
    }
    let (sentence, place) = why.rsplit_once(" (line ").expect("it has a place");
    let place = place.trim_end_matches(')').replace(", column ", "");
    assert!(place.bytes().all(|byte| byte.is_ascii_digit()), "{why}");
    let syntax = sentence.strip_prefix("it is not JSON").map(|rest| rest.trim_start_matches(": "));
    let known = SENTENCES.contains(&sentence) || syntax.is_some_and(|rest| SYNTAX.contains(&rest));
    assert!(known, "{why}");
}
