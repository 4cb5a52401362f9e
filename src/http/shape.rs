//! Describes the body of an answer without any value or name that an environment has of its own.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The names of members that the documented answers have. Every other name may be one of an
/// environment, and is not kept. Nor are the names of tokens and codes: a file that has them looks
/// like one with secrets.
const NAMES: &[&str] = &[
    "@odata.context",
    "@odata.count",
    "@odata.etag",
    "@odata.nextLink",
    "AttributeType",
    "Attributes",
    "category",
    "claims",
    "clientdata",
    "code",
    "Columns",
    "createdon",
    "defaultvalue",
    "details",
    "EntityKeyIndexStatus",
    "EntitySetName",
    "environmentid",
    "environmentvariabledefinition_environmentvariablevalue",
    "environmentvariabledefinitionid",
    "environmentvariablevalueid",
    "error",
    "error_codes",
    "error_description",
    "expires_in",
    "expires_on",
    "ext_expires_in",
    "id",
    "innererror",
    "interval",
    "issuer",
    "IsValidForCreate",
    "IsValidForRead",
    "IsValidForUpdate",
    "KeyAttributes",
    "Keys",
    "LogicalName",
    "MaxLength",
    "message",
    "method",
    "name",
    "namespace",
    "properties",
    "queries",
    "resourceid",
    "response",
    "schemaname",
    "scope",
    "state",
    "statecode",
    "suberror",
    "TableType",
    "target",
    "token_endpoint",
    "token_type",
    "type",
    "value",
    "verification_uri",
    "verification_url",
    "workflowEntityId",
    "workflowid",
];

/// The codes of OAuth (<https://www.rfc-editor.org/rfc/rfc6749#section-5.2>,
/// <https://www.rfc-editor.org/rfc/rfc8628#section-3.5>).
const OAUTH_CODES: &[&str] = &[
    "access_denied",
    "authorization_declined",
    "authorization_pending",
    "bad_verification_code",
    "consent_required",
    "expired_token",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_resource",
    "invalid_scope",
    "login_required",
    "server_error",
    "slow_down",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// The deepest member that is described, and the most shapes of a list.
const MOST: usize = 12;

/// A body without its values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct BodyShape {
    /// The kinds of its members, in the form of the body; none if it is no JSON.
    pub(super) members: Vec<Value>,
    /// The codes of its errors.
    pub(super) codes: BTreeSet<String>,
    /// The statuses of its parts, if it is a batch.
    pub(super) statuses: Vec<u16>,
}

impl BodyShape {
    /// Describes a body: a JSON text, or the answer to a batch.
    pub(super) fn of(body: &[u8]) -> Self {
        let mut shape = Self::default();
        if let Ok(value) = serde_json::from_slice(body) {
            shape.add(&value);
            return shape;
        }
        for line in String::from_utf8_lossy(body).lines() {
            let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
            shape.statuses.extend(status.and_then(|status| status.parse::<u16>().ok()));
            if let Some(Ok(value)) = line.starts_with('{').then(|| serde_json::from_str(line)) {
                shape.add(&value);
            }
        }
        shape
    }

    fn add(&mut self, value: &Value) {
        self.add_codes(value);
        let members = describe(value, 0);
        if !self.members.contains(&members) && self.members.len() < MOST {
            self.members.push(members);
        }
    }

    /// Adds the codes of the errors in a value.
    fn add_codes(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member {
                        Value::String(code) if is_code(name, code) => {
                            self.codes.insert(code.clone());
                        }
                        Value::Array(numbers) if name == "error_codes" => {
                            let numbers = numbers.iter().filter_map(Value::as_u64);
                            self.codes.extend(numbers.map(|number| format!("AADSTS{number}")));
                        }
                        _ => self.add_codes(member),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| self.add_codes(value)),
            _ => (),
        }
    }
}

/// Checks whether a member is the code of an error, and nothing that an environment could name.
fn is_code(name: &str, code: &str) -> bool {
    let is_hex = |digits: &str| digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let is_word = code.starts_with(|c: char| c.is_ascii_uppercase())
        && code.len() <= 64
        && code.bytes().all(|b| b.is_ascii_alphabetic());
    match name {
        "code" => is_word || code.strip_prefix("0x").is_some_and(is_hex),
        "error" => OAUTH_CODES.contains(&code),
        _ => false,
    }
}

/// Describes a value by its kind, and an object by the kinds of its members.
fn describe(value: &Value, depth: usize) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("true or false"),
        Value::Number(_) => json!("number"),
        Value::String(text) if text.is_empty() => json!("empty text"),
        Value::String(_) => json!("text"),
        _ if depth == MOST => json!("..."),
        Value::Array(list) => json!({"list of": distinct(list, depth), "length": list.len()}),
        Value::Object(members) => object(members, depth),
    }
}

fn object(members: &Map<String, Value>, depth: usize) -> Value {
    let (known, others): (Vec<_>, Vec<_>) =
        members.iter().partition(|(name, _)| NAMES.contains(&name.as_str()));
    let described = |(name, value): (&String, &Value)| (name.clone(), describe(value, depth + 1));
    let mut shape: Map<String, Value> = known.into_iter().map(described).collect();
    if !others.is_empty() {
        let values = distinct(others.iter().map(|(_, value)| *value), depth);
        shape.insert("other members".to_owned(), json!({"of": values, "count": others.len()}));
    }
    shape.into()
}

/// Describes each kind of value once.
fn distinct<'value>(values: impl IntoIterator<Item = &'value Value>, depth: usize) -> Vec<Value> {
    let mut shapes = Vec::new();
    for value in values {
        let shape = describe(value, depth + 1);
        if shapes.len() < MOST && !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_described_without_its_values_and_without_names_of_an_environment() {
        let body = br#"{"@odata.context": "https://contoso.example/$metadata", "value": [
            {"name": "Orders", "statecode": 1, "contoso_secret": "x", "contoso_note": null},
            {"name": "", "statecode": 1}
        ]}"#;
        let shape = BodyShape::of(body);
        assert!(shape.codes.is_empty() && shape.statuses.is_empty());
        let row = json!({
            "name": "text", "statecode": "number",
            "other members": {"of": ["text", "null"], "count": 2},
        });
        let empty = json!({"name": "empty text", "statecode": "number"});
        assert_eq!(
            shape.members,
            [json!({"@odata.context": "text", "value": {"list of": [row, empty], "length": 2}})]
        );
    }

    #[test]
    fn the_codes_of_errors_are_kept_and_nothing_that_could_be_a_name() {
        let codes = |text: &str| Vec::from_iter(BodyShape::of(text.as_bytes()).codes);
        assert_eq!(codes(r#"{"error": {"code": "0x80040265", "message": "m"}}"#), ["0x80040265"]);
        assert_eq!(codes(r#"{"error": {"code": "WorkflowNotFound"}}"#), ["WorkflowNotFound"]);
        assert_eq!(
            codes(r#"{"error": "invalid_grant", "error_codes": [70008]}"#),
            ["AADSTS70008", "invalid_grant"]
        );
        for text in [
            r#"{"error": {"code": "contoso_Url"}}"#,
            r#"{"error": "made-up-secret"}"#,
            r#"{"code": "A09E4A0D-3A1C-F011-998A-7C1E5275CFE9"}"#,
            r#"{"name": "Orders"}"#,
        ] {
            assert_eq!(codes(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_batch_is_described_by_the_statuses_and_errors_of_its_parts() {
        let body = b"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 412 Precondition Failed\r\n\r\n{\"error\":{\"code\":\"0x80060882\",\"message\":\"m\"}}\r\n--b--";
        let shape = BodyShape::of(body);
        assert_eq!(shape.statuses, [412]);
        assert_eq!(Vec::from_iter(shape.codes), ["0x80060882"]);
        assert_eq!(shape.members, [json!({"error": {"code": "text", "message": "text"}})]);
        assert_eq!(BodyShape::of(b"<html>contoso</html>"), BodyShape::default());
    }
}
