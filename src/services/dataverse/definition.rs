//! A flow's definition, as the column `clientdata` holds it: JSON within a JSON string.
//!
//! It may be large; only the triggers are kept
//! (<https://learn.microsoft.com/power-automate/manage-flows-with-code>).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::missing_in_json;

/// What a flow's definition says of its triggers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowDefinition {
    /// The triggers by their keys.
    Triggers(BTreeMap<String, FlowTrigger>),
    /// The definition could not be read, and why.
    Unreadable(String),
}

/// What starts a flow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FlowTrigger {
    /// Such as `Request` or `Recurrence`.
    #[serde(rename = "type", default)]
    pub trigger_type: String,
    /// Such as `Http` or `Button`.
    pub kind: Option<String>,
}

#[derive(Deserialize)]
struct ClientData {
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    definition: StoredDefinition,
}

#[derive(Deserialize)]
struct StoredDefinition {
    #[serde(default)]
    triggers: BTreeMap<String, FlowTrigger>,
}

impl FlowDefinition {
    /// Reads the text of the column.
    pub fn from_client_data(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match serde_json::from_str::<ClientData>(text) {
            Ok(data) => Self::Triggers(data.properties.definition.triggers),
            // A file in UTF-16 that was stored byte by byte begins with a letter and a NUL.
            Err(_) if text.chars().take(2).any(|one| one == '\0') => {
                Self::Unreadable("it is UTF-16 that was stored as if it were UTF-8".to_owned())
            }
            Err(error) => Self::Unreadable(format!(
                "{} (line {}, column {})",
                why_unreadable(text, &error),
                error.line(),
                error.column(),
            )),
        }
    }
}

/// Returns what a text lacks to be the definition of a flow.
fn why_unreadable(text: &str, error: &serde_json::Error) -> String {
    let Ok(whole) = serde_json::from_str::<Value>(text) else {
        let missing = missing_in_json(text, error);
        let missing = missing.map_or_else(String::new, |missing| format!(": {missing}"));
        return format!("it is not JSON{missing}");
    };
    if whole.pointer("/definition/triggers").is_some() {
        return "its `definition` is not under `properties`: it has the shape of a Logic App, not of a cloud flow".to_owned();
    }
    let parts = ["/properties", "/properties/definition"];
    let is_missing = |part: &&&str| !whole.pointer(part).is_some_and(Value::is_object);
    match parts.iter().find(is_missing) {
        Some(part) => {
            format!("it has no object `{}`", part.trim_start_matches('/').replace('/', "."))
        }
        None => "its `properties.definition.triggers` are not triggers by their names".to_owned(),
    }
}

impl<'de> Deserialize<'de> for FlowDefinition {
    /// Reads the definition while its row is read, so that its text is not kept.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<Cow<'de, str>>::deserialize(deserializer)?;
        Ok(text.map_or_else(
            || Self::Unreadable("it is empty".to_owned()),
            |text| Self::from_client_data(&text),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_triggers_are_kept() {
        let text = r#"{"properties":{"connectionReferences":{"a":[1]},"definition":{"triggers":{"manual":{"type":"Request","kind":"Http","inputs":{"schema":{}}}},"actions":{"x":{}}}},"schemaVersion":"1.0.0.0"}"#;
        let trigger = FlowTrigger { trigger_type: "Request".into(), kind: Some("Http".into()) };
        let triggers = BTreeMap::from([("manual".to_owned(), trigger)]);
        assert_eq!(FlowDefinition::from_client_data(text), FlowDefinition::Triggers(triggers));
    }

    #[test]
    fn a_text_that_is_no_flow_says_where_it_stops_being_one_and_not_what_it_says() {
        let FlowDefinition::Unreadable(why) =
            FlowDefinition::from_client_data(r#"{"properties":"hush"}"#)
        else {
            panic!()
        };
        assert!(why.contains("line 1") && !why.contains("hush"));
    }

    #[test]
    fn utf16_is_called_by_its_name() {
        let text: String = "{\"properties\":{}}".chars().flat_map(|one| [one, '\0']).collect();
        let FlowDefinition::Unreadable(why) = FlowDefinition::from_client_data(&text) else {
            panic!()
        };
        assert_eq!(why, "it is UTF-16 that was stored as if it were UTF-8");
    }

    #[test]
    fn what_is_missing_in_a_definition_is_told() {
        for (text, missing) in [
            (
                r#"{"definition":{"triggers":{},"actions":{}},"kind":"Stateful"}"#,
                "the shape of a Logic App",
            ),
            (r#"{"properties":{}}"#, "it has no object `properties.definition`"),
            ("[]", "it has no object `properties`"),
            (
                r#"{"properties":{"definition":{"triggers":[1]}}}"#,
                "`properties.definition.triggers` are not",
            ),
            (r#"{"properties": // why"#, "it is not JSON: JSON has no comments"),
        ] {
            let FlowDefinition::Unreadable(why) = FlowDefinition::from_client_data(text) else {
                panic!("{text}")
            };
            assert!(why.contains(missing), "{why}");
        }
    }
}
