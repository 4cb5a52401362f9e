//! Describes the manifest as a JSON Schema, with which editors complete and check a manifest.
//!
//! Built from the same tables as the parser. It accepts every manifest that
//! [`super::Manifest::parse`] accepts; what it cannot check, such as two targets with one address,
//! the parser checks.

use serde_json::{Map, Value, json};

use super::VERSION;
use super::schema::{Form, Key, NAME_PATTERN, ROOT, Schema, TableCase};

/// The language of the schema: the one that editors of TOML know
/// (<https://json-schema.org/draft-07>).
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// Builds the JSON Schema of a manifest.
pub fn json_schema() -> Value {
    let Value::Object(root) = table(&ROOT) else { return Value::Null };
    let mut schema = Map::new();
    schema.insert("$schema".into(), DRAFT.into());
    schema.insert("title".into(), "A manifest of flowbind".into());
    schema.extend(root);
    schema.into()
}

/// Builds the schema of a table.
fn table(schema: &Schema) -> Value {
    let keys = schema.keys.iter().map(|key| (key.name.to_owned(), key_schema(key)));
    let mut table = json!({
        "type": "object",
        "additionalProperties": false,
        "required": schema.needs,
        "properties": keys.collect::<Map<_, _>>(),
    });
    if !schema.cases.is_empty() {
        table["oneOf"] = schema.cases.iter().map(case).collect();
    }
    table
}

/// Builds the schema of a list of tables.
fn list(schema: &Schema) -> Value {
    json!({"type": "array", "minItems": 1, "items": table(schema)})
}

/// Builds the schema of one alternative of a table.
fn case(case: &TableCase) -> Value {
    let excluded: Vec<Value> = case.excludes.iter().map(|key| json!({"required": [key]})).collect();
    json!({"required": case.needs, "not": {"anyOf": excluded}})
}

/// Builds the schema of a key's value, described by the key's help.
fn key_schema(key: &Key) -> Value {
    let mut shape = match key.form {
        Form::Text => json!({"type": "string"}),
        Form::Pattern(pattern) => json!({"type": "string", "pattern": pattern}),
        Form::Choice(words) => json!({"enum": words()}),
        Form::Version => json!({"const": VERSION}),
        Form::True => json!({"const": true}),
        Form::Table(schema) => table(schema),
        Form::Tables(schema) => json!({"type": "object", "additionalProperties": table(schema)}),
        Form::List(schema) => list(schema),
        Form::NameOrList(schema) => {
            json!({"oneOf": [{"type": "string", "pattern": NAME_PATTERN}, list(schema)]})
        }
        Form::Columns => json!({
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": ["string", "integer", "boolean"]},
        }),
    };
    shape["description"] = key.help.into();
    shape
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    #[test]
    fn every_key_of_every_table_is_there_with_what_to_type() {
        let text = json_schema().to_string();
        for key in schema::ALL.iter().flat_map(|schema| schema.keys) {
            let help = Value::from(key.help).to_string();
            assert!(text.contains(&format!("\"{}\":{{", key.name)), "{}", key.name);
            assert!(text.contains(&format!("\"description\":{help}")), "{}", key.name);
        }
    }

    #[test]
    fn needs_and_cases_name_keys_of_their_table() {
        for schema in schema::ALL {
            let cases = schema.cases.iter().flat_map(|case| case.needs.iter().chain(case.excludes));
            for name in schema.needs.iter().chain(cases) {
                assert!(schema.key(name).is_some(), "{name} of {}", schema.header);
            }
        }
    }

    #[test]
    fn a_choice_has_the_words_of_the_parser() {
        let schema = json_schema();
        let policy = &schema["properties"]["policy"]["properties"];
        assert_eq!(policy["signed-urls"]["enum"], json!(["refuse", "warn", "allow"]));
        assert_eq!(schema["properties"]["version"]["const"], json!(1));
    }
}
