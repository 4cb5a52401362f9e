//! The spelling of OData queries: literals and percent-encoding.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is encoded in the structure of a query: what a URL cannot have, and what has a meaning
/// of its own in a query.
const STRUCTURE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'`');

/// What is encoded within a text literal: everything but RFC 3986's unreserved characters.
const TEXT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as an OData literal, encoded: quotes around it, quotes within it doubled.
pub(super) struct Literal<'text>(pub(super) &'text str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doubled = self.0.replace('\'', "''");
        write!(formatter, "'{}'", utf8_percent_encode(&doubled, TEXT))
    }
}

/// Encodes the structure of a query.
pub(super) fn encode_query(text: &str) -> String {
    utf8_percent_encode(text, STRUCTURE).to_string()
}

/// Returns a list of texts as a parameter of a function, encoded.
pub(super) fn json_list(values: &[String]) -> String {
    let list = serde_json::Value::from(values).to_string();
    utf8_percent_encode(&list, TEXT).to_string().replace("%2C", ",")
}

/// Returns a filter for rows whose column holds one of the values
/// (<https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/in>).
pub(super) fn in_list(column: &str, values: &[String]) -> String {
    let list = json_list(values);
    let function = "Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)";
    format!("$filter={function}&@p1={}&@p2={list}", Literal(column))
}
