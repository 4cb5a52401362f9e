//! Notes the names that are never masked: names in the manifest, and names that a person may have to
//! copy from a message. Only names that would otherwise be masked are kept.

use std::ops::RangeInclusive;

use super::unmasked_names::UnmaskedNames;
use super::{Definition, Desired, Observed, Reading, Selector, Target, escape_hidden, printable};

/// The fewest characters of the start of a JSON Web Token.
const SHORTEST_TOKEN: usize = 24;

/// The fewest characters of a client secret of Entra, which also holds a tilde.
const SHORTEST_CLIENT_SECRET: usize = 34;

/// The lengths of a signature in base64, with and without padding.
const SIGNATURE_LENGTHS: RangeInclusive<usize> = 43..=44;

/// Notes a name, so that it is shown whole. A name that has the form of a secret is left out.
pub fn note_name(name: &str) {
    let shown = escape_hidden(name);
    if !printable::is_masked(&shown) || is_secret(&shown) {
        return;
    }
    UnmaskedNames::add([name.to_owned(), shown]);
}

/// Notes every name in the manifest.
pub fn note_desired_names(desired: &Desired) {
    for flow in &desired.flows {
        flow.name.iter().for_each(|name| note_name(name));
        flow.trigger.iter().for_each(|trigger| note_name(trigger.as_str()));
    }
    for binding in &desired.bindings {
        note_name(&binding.target.address());
        match &binding.target {
            Target::Variable { schema_name, pointer } => {
                note_name(schema_name.as_str());
                if let Some(pointer) = pointer {
                    note_name(&pointer.to_string());
                }
            }
            Target::Column { record, column, .. } => {
                note_name(&record.to_string());
                note_name(record.table.as_str());
                note_name(column.as_str());
                note_selector(&record.selector);
            }
        }
    }
}

/// Notes the names of flows, triggers, variables, tables and columns that messages offer.
pub fn note_observed_names(observed: &Observed) {
    for flow in &observed.flows {
        let Reading::Found(workflow) = &flow.workflow else { continue };
        note_name(&workflow.name);
        if let Definition::Triggers(triggers) = &workflow.definition {
            for trigger in triggers {
                note_name(trigger.name.as_str());
            }
        }
    }
    let known = &observed.targets.known;
    known.flows_by_resource_id.values().for_each(|(_, name)| note_name(name));
    let columns = known.columns.values().flatten();
    known.variables.iter().chain(&known.tables).chain(columns).for_each(|name| note_name(name));
}

fn note_selector(selector: &Selector) {
    let Selector::Columns(columns) = selector else { return };
    for (column, value) in columns {
        note_name(column.as_str());
        note_name(&value.to_string());
    }
}

/// Returns whether a name has the form of a secret: a token, a signature, a client secret, or a URL
/// that holds one.
fn is_secret(name: &str) -> bool {
    let in_run = |c: char| c.is_ascii_alphanumeric() || "-_~.+%".contains(c);
    name.split(|c| !in_run(c)).any(is_secret_run)
        || name.contains(['?', '&', '%']) && printable::has_marker(name)
        || has_signature(&name.to_ascii_lowercase())
}

fn is_secret_run(run: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| run.bytes().any(|byte| kind(&byte));
    let mixed =
        has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let is_token = run.starts_with("eyJ") && run.len() >= SHORTEST_TOKEN;
    let is_signature = SIGNATURE_LENGTHS.contains(&run.len()) && !printable::is_name(run);
    let is_client_secret = run.contains('~') && run.len() >= SHORTEST_CLIENT_SECRET;
    is_token || mixed && (is_signature || is_client_secret)
}

/// Returns whether a text in lower case holds `sig=` as a whole word, or a bearer token.
fn has_signature(text: &str) -> bool {
    let before = text.split_once("sig=").map(|(before, _)| before);
    let is_word = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    before.is_some_and(is_word) || text.contains("bearer ")
}

#[cfg(test)]
mod tests {
    use super::super::printable::printable;
    use super::*;

    #[test]
    fn a_name_of_the_manifest_is_shown_whole_whatever_it_looks_like() {
        for name in [
            "contoso_q7R2t9XbLm4Kz8Wc1Vn5Yp3D",
            "X7f9Kq2LmN4pR8sT1vW3yZ5aB6cD7",
            "Token: Refresh nightly",
            "contoso_ApiToken",
            "record/contoso_endpoint[contoso_token=Orders7]/contoso_url",
            "record/contoso_endpoint[contoso_name=q7R2t9XbLm4Kz8Wc1Vn5Yp3D]/contoso_url",
            "0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            note_name(name);
            for text in [
                name.to_owned(),
                format!("the flow `{name}` is off"),
                format!("{name}: Holds nothing"),
                format!("trigger = \"{name}\"."),
                format!("both {name}, and ({name})"),
            ] {
                assert_eq!(printable(&text, 400), text);
            }
        }
        let path = "/flows/X7f9Kq2LmN4pR8sT1vW3yZ5aB6cD7/triggers";
        assert_eq!(printable(path, 400), path);
    }

    #[test]
    fn a_secret_that_stands_in_the_place_of_a_name_is_masked() {
        for secret in [
            "https://a.example/x?sig=made-up",
            "sig=made-up",
            "Bearer made-up",
            "eyJhbGciOiJub25lIn0eyJhbGciOiJub25l",
            "q7R2t9XbLm4Kz8Wc1Vn5Yp3Dq7R2t9XbLm4Kz8Wc1Vn",
            "contoso?token=made-up",
        ] {
            note_name(secret);
            let shown = printable(&format!("got {secret} back"), 400);
            assert!(shown.contains("****"), "{shown}");
        }
    }

    #[test]
    fn a_known_name_within_a_longer_run_reveals_none_of_it() {
        let name = "w7R2t9XbLm4Kz8Wc1Vn5Yp3D";
        note_name(name);
        for text in [format!("{name}x7"), format!("x7{name}"), format!("{name}+{name}")] {
            assert_eq!(printable(&text, 400), "****");
        }
        note_name("contoso_OtherToken");
        assert_eq!(printable("contoso_OtherToken=made-up", 400), "contoso_OtherToken=****");
    }
}
