//! Placeholders: what stands for a value, which values fit, and an example of each.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A text in its pieces: what stands as it is, and the names of placeholders.
#[derive(Clone, Copy)]
enum Piece<'t> {
    Text(&'t str),
    Name(&'t str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut parts = text.split("{{");
    let mut found = vec![Piece::Text(parts.next().unwrap_or_default())];
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or_else(|| panic!("open: {text}"));
        found.extend([Piece::Name(name), Piece::Text(rest)]);
    }
    found
}

/// The names of the placeholders in a text.
pub(crate) fn names(text: &str) -> Vec<&str> {
    let name = |piece| if let Piece::Name(name) = piece { Some(name) } else { None };
    pieces(text).into_iter().filter_map(name).collect()
}

/// Puts values in the place of placeholders.
pub(crate) fn filled(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let put = |piece| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Name(name) => value(name).unwrap_or_else(|| format!("{{{{{name}}}}}")),
    };
    pieces(text).into_iter().map(put).collect()
}

/// Whether a text fits a template.
pub(crate) fn fits(template: &str, text: &str) -> bool {
    rest_fits(&pieces(template), text)
}

fn rest_fits(pieces: &[Piece<'_>], text: &str) -> bool {
    match pieces {
        [] => text.is_empty(),
        [Piece::Text(wanted), more @ ..] => {
            text.strip_prefix(wanted).is_some_and(|rest| rest_fits(more, rest))
        }
        [Piece::Name(name), more @ ..] => {
            let ends = (1..=text.len()).filter(|end| text.is_char_boundary(*end));
            ends.into_iter().any(|end| is_a(name, &text[..end]) && rest_fits(more, &text[end..]))
        }
    }
}

/// Whether a text is an example of what the placeholder stands for.
fn is_a(name: &str, text: &str) -> bool {
    let all = |length, fits: fn(char) -> bool| text.len() == length && text.chars().all(fits);
    match name {
        "guid" => uuid::Uuid::parse_str(text).is_ok() && text.len() == 36,
        "hex" => all(32, |c| c.is_ascii_hexdigit()),
        "signature" => all(43, |c| c.is_ascii_alphanumeric() || c == '-' || c == '_'),
        "number" => text.parse::<u64>().is_ok(),
        "definition" => is_definition(text),
        "jwt" => text.split('.').count() == 3,
        "text" => true,
        other => panic!("no placeholder of an answer is called `{other}`"),
    }
}

/// The column `clientdata` of a flow that an HTTP request starts.
const DEFINITION: &str = r#"{"properties":{"connectionReferences":{},"definition":{"triggers":{"manual":{"type":"Request","kind":"Http","inputs":{"triggerAuthenticationType":"Tenant","method":"POST"}}},"actions":{}}},"schemaVersion":"1.0.0.0"}"#;

/// Whether a text is such a column: JSON with everything that [`DEFINITION`] has at its outside.
fn is_definition(text: &str) -> bool {
    let Ok(data) = serde_json::from_str::<Value>(text) else { return false };
    let triggers = &data["properties"]["definition"]["triggers"];
    data["properties"]["connectionReferences"].is_object()
        && triggers["manual"]["type"] == "Request"
        && triggers["manual"]["kind"] == "Http"
}

/// An example for the client. The environment is wherever the test has it.
pub(crate) fn example(name: &str, environment: &str) -> Option<String> {
    let text = match name {
        "environment" => environment.to_owned(),
        "guid" => "0c1d2e3f-4a5b-4c6d-8e7f-901a2b3c4d5e".to_owned(),
        "hex" => "0123456789abcdef0123456789abcdef".to_owned(),
        "signature" => "made-up-made-up-made-up-made-up-made-up-123".to_owned(),
        "number" => "4711".to_owned(),
        "jwt" => token(),
        "definition" => DEFINITION.to_owned(),
        "text" => "made-up".to_owned(),
        _ => return None,
    };
    Some(text)
}

/// A token of a person that nobody signed.
fn token() -> String {
    let claims =
        json!({"aud": "made-up", "scp": "user_impersonation", "upn": "sandy@contoso.example"});
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2VhbA", part(json!({"alg": "none"})), part(claims))
}
