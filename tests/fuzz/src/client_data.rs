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

/// The reason is a place or the encoding, and nothing of the text.
fn is_told(why: &str) {
    assert_shown(why, 100);
    if why == "it is UTF-16 that was stored as if it were UTF-8" {
        return;
    }
    let digits = why.trim_start_matches("it is not the JSON of a flow (line ");
    let place = digits.trim_end_matches(')').replace(", column ", "");
    assert!(place.bytes().all(|byte| byte.is_ascii_digit()), "{why}");
}
