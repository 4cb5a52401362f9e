//! Whether an answer fits a documented one.

use serde_json::Value;

use crate::exchange::Message;
use crate::multipart::parts;
use crate::template::fits;

/// Tells each difference between a documented answer and another.
pub(crate) fn differences(wanted: &Message, found: &Message) -> Vec<String> {
    let mut wrong = Vec::new();
    if wanted.line != found.line {
        wrong.push(format!("{} instead of {}", found.line, wanted.line));
    }
    for (name, value) in &wanted.headers {
        let there = found.header(name).unwrap_or_default();
        if !fits(&format!("{{{{text}}}}{value}{{{{text}}}}"), &format!(" {there} ")) {
            wrong.push(format!("{name}: `{there}` instead of `{value}`"));
        }
    }
    if wanted.is_multipart() {
        wrong.extend(in_parts(wanted, found));
    } else {
        wrong.extend(in_body(&wanted.body, &found.body));
    }
    wrong
}

fn in_parts(wanted: &Message, found: &Message) -> Vec<String> {
    if !found.is_multipart() {
        return vec!["it has no parts".to_owned()];
    }
    let (wanted, found) = (parts(wanted), parts(found));
    if wanted.len() != found.len() {
        return vec![format!("{} parts instead of {}", found.len(), wanted.len())];
    }
    let pairs = wanted.iter().zip(&found).enumerate();
    let one = |(index, (wanted, found)): (usize, (&Message, &Message))| {
        let wrong = differences(wanted, found);
        wrong.into_iter().map(move |text| format!("part {}: {text}", index + 1))
    };
    pairs.flat_map(one).collect()
}

fn in_body(wanted: &str, found: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    match (serde_json::from_str(wanted), serde_json::from_str(found)) {
        (Ok(wanted), Ok(found)) => compare("", &wanted, &found, &mut wrong),
        _ if wanted.trim() == found.trim() => {}
        _ => wrong.push(format!("the body is `{found}`")),
    }
    wrong
}

fn compare(place: &str, wanted: &Value, found: &Value, wrong: &mut Vec<String>) {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            for (name, value) in wanted {
                match found.get(name) {
                    Some(there) => compare(&format!("{place}/{name}"), value, there, wrong),
                    None => wrong.push(format!("{place}/{name} is not there")),
                }
            }
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                compare(&format!("{place}/{index}"), wanted, found, wrong);
            }
        }
        (Value::String(wanted), Value::Number(_)) if wanted == "{{number}}" => {}
        (Value::String(wanted), Value::Array(_)) if wanted == "{{list}}" => {}
        (Value::String(wanted), Value::String(found)) if fits(wanted, found) => {}
        (wanted, found) if wanted == found => {}
        (wanted, found) => wrong.push(format!("{place} is {found} instead of {wanted}")),
    }
}
