//! Operations of a batch, one after the other, to one multipart answer.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{Method, StatusCode};

use super::super::super::guid::Guid;
use super::super::super::message::{Answer, Call};
use super::super::super::site::Site;
use super::super::super::state::Database;
use super::super::super::tenant::tables::TableKind;
use super::super::context::References;
use super::super::fault::Fault;
use super::super::operate;
use super::super::prefer::Preferences;
use super::parse::{Operation, Part, parts};

/// The most operations of a batch.
const MOST: usize = 1000;
/// The longest address of an operation, in characters.
const LONGEST_ADDRESS: usize = 65_536;

/// Answers a batch.
pub(crate) fn run(site: &Site, database: &mut Database, call: &Call) -> Result<Answer, Fault> {
    let parts = read(site, call)?;
    note(site, &parts);
    let go_on = Preferences::of(call).continue_on_error;
    let mut answers = Vec::new();
    let mut status = StatusCode::OK;
    for part in &parts {
        let (answer, failed) = carry_out(site, database, call, part);
        answers.push(answer);
        if let Some(failed) = failed.filter(|_| !go_on) {
            status = failed;
            break;
        }
    }
    let boundary = format!("batchresponse_{}", Guid::random());
    let body = multipart(&boundary, &answers);
    Ok(Answer::text(status, &format!("multipart/mixed; boundary={boundary}"), body)
        .with("odata-version", "4.0"))
}

/// Notes the operations, where requests are noted.
fn note(site: &Site, parts: &[Part]) {
    let Some(record) = &site.record else { return };
    let operations = parts.iter().flat_map(|part| match part {
        Part::Single(operation) => std::slice::from_ref(operation),
        Part::ChangeSet(operations) => operations,
    });
    for operation in operations {
        record.note_inner(&operation.method, &operation.address);
    }
}

fn read(site: &Site, call: &Call) -> Result<Vec<Part>, Fault> {
    if call.method != Method::POST {
        return Err(Fault::method(format!(
            "The requested resource does not support http method '{}'.",
            call.method
        )));
    }
    let content_type = call.header("content-type").unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("multipart/mixed") {
        return Err(Fault::payload(
            "The content type of a batch must be 'multipart/mixed' with a boundary.",
        ));
    }
    let parts =
        parts(content_type, &call.body, site.tenant.file.switches.dataverse.batch_line_breaks)?;
    let count: usize =
        parts.iter().map(|part| if let Part::ChangeSet(all) = part { all.len() } else { 1 }).sum();
    if count > MOST {
        return Err(Fault::address(format!(
            "The current batch message contains too many parts. A maximum number of '{MOST}' query operations and change sets are allowed in a batch message."
        )));
    }
    Ok(parts)
}

/// One part of the answer, as text.
struct PartAnswer {
    content_type: String,
    content_id: Option<String>,
    body: String,
}

fn carry_out(
    site: &Site,
    database: &mut Database,
    call: &Call,
    part: &Part,
) -> (PartAnswer, Option<StatusCode>) {
    match part {
        Part::Single(operation) => {
            let result = attempt(site, database, call, operation, &mut References::new());
            let failed = result.as_ref().err().map(|fault| fault.status);
            let answer = result.unwrap_or_else(|fault| fault.answer());
            (inner(&answer, operation.content_id.clone()), failed)
        }
        Part::ChangeSet(operations) => change_set(site, database, call, operations),
    }
}

/// Carries out all operations or none; where an elastic table is among them, those before the one that fails.
fn change_set(
    site: &Site,
    database: &mut Database,
    call: &Call,
    operations: &[Operation],
) -> (PartAnswer, Option<StatusCode>) {
    let before = database.clone();
    let mut references = References::new();
    let mut answers = Vec::new();
    for operation in operations {
        let result = admissible(operation, &references)
            .and_then(|()| attempt(site, database, call, operation, &mut references));
        match result {
            Ok(answer) => answers.push(inner(&answer, operation.content_id.clone())),
            Err(fault) => {
                if !is_elastic(site, &references) {
                    *database = before;
                }
                return (failed_set(site, operation, &fault), Some(fault.status));
            }
        }
    }
    (nested(&answers), None)
}

/// Tells whether a row that was written is one of an elastic table, which has no transactions.
fn is_elastic(site: &Site, references: &References) -> bool {
    let mut tables = references.values().filter_map(|(name, _)| site.schema.table(name));
    tables.any(|table| table.kind == TableKind::Elastic)
}

/// Refuses what may not stand in a change set.
fn admissible(operation: &Operation, references: &References) -> Result<(), Fault> {
    if operation.method == Method::GET {
        return Err(Fault::address(
            "A GET request was found in a change set. Change sets may only contain requests that change data.",
        ));
    }
    match &operation.content_id {
        None => Err(Fault::address("Content-ID header not present in a change set operation.")),
        Some(id) if references.contains_key(id) => Err(Fault::address(format!(
            "The content ID '{id}' was found more than once in the same change set."
        ))),
        Some(_) => Ok(()),
    }
}

fn attempt(
    site: &Site,
    database: &mut Database,
    outer: &Call,
    operation: &Operation,
    references: &mut References,
) -> Result<Answer, Fault> {
    if operation.address.len() > LONGEST_ADDRESS {
        return Err(Fault::new(
            StatusCode::URI_TOO_LONG,
            "0x8006088a",
            "The request URI is too long.",
        ));
    }
    let (path, query) = address(&operation.address);
    let call = Call {
        method: operation.method.clone(),
        path,
        query,
        headers: operation.headers.clone(),
        body: Bytes::clone(&operation.body),
        origin: outer.origin.clone(),
    };
    if super::super::below_base(&call.path).is_some_and(|rest| rest.eq_ignore_ascii_case("$batch"))
    {
        return Err(Fault::address("A batch operation may not contain another batch."));
    }
    let (answer, written) = operate(site, database, &call, references)?;
    if let (Some(written), Some(id)) = (written, &operation.content_id) {
        references.insert(id.clone(), (written.table, written.id));
    }
    Ok(answer)
}

/// Splits the address of an operation, which is absolute, relative to the host, or relative to the service.
fn address(text: &str) -> (String, String) {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |index| &rest[index..]),
        None => path,
    };
    let path = if path.starts_with("/api/data/") {
        path.to_owned()
    } else {
        format!("/api/data/v9.2/{}", path.trim_start_matches('/'))
    };
    (path, query.to_owned())
}

fn failed_set(site: &Site, operation: &Operation, fault: &Fault) -> PartAnswer {
    use super::super::super::tenant::switches::FailedChangeSet;
    let part = inner(&fault.answer(), operation.content_id.clone());
    match site.tenant.file.switches.dataverse.failed_change_set {
        FailedChangeSet::Nested => nested(&[part]),
        FailedChangeSet::Flat => PartAnswer { content_id: None, ..part },
    }
}

fn nested(answers: &[PartAnswer]) -> PartAnswer {
    let boundary = format!("changesetresponse_{}", Guid::random());
    let body = multipart(&boundary, answers);
    PartAnswer {
        content_type: format!("multipart/mixed; boundary={boundary}"),
        content_id: None,
        body,
    }
}

/// Prints an answer as it stands inside a part.
fn inner(answer: &Answer, content_id: Option<String>) -> PartAnswer {
    let reason = answer.status.canonical_reason().unwrap_or("Unknown");
    let mut body = format!("HTTP/1.1 {} {reason}\r\n", answer.status.as_u16());
    for (name, value) in &answer.headers {
        let _ =
            write!(body, "{}: {}\r\n", spelled(name.as_str()), value.to_str().unwrap_or_default());
    }
    body.push_str("\r\n");
    body.push_str(&String::from_utf8_lossy(&answer.body));
    PartAnswer { content_type: "application/http".to_owned(), content_id, body }
}

/// Spells a header name as the service does.
fn spelled(name: &str) -> &str {
    match name {
        "content-type" => "Content-Type",
        "odata-version" => "OData-Version",
        "odata-entityid" => "OData-EntityId",
        "location" => "Location",
        "etag" => "ETag",
        "preference-applied" => "Preference-Applied",
        "retry-after" => "Retry-After",
        other => other,
    }
}

fn multipart(boundary: &str, parts: &[PartAnswer]) -> String {
    let mut text = String::new();
    for part in parts {
        let _ = write!(text, "--{boundary}\r\nContent-Type: {}\r\n", part.content_type);
        if part.content_type == "application/http" {
            text.push_str("Content-Transfer-Encoding: binary\r\n");
        }
        if let Some(id) = &part.content_id {
            let _ = write!(text, "Content-ID: {id}\r\n");
        }
        let _ = write!(text, "\r\n{}\r\n", part.body);
    }
    let _ = write!(text, "--{boundary}--\r\n");
    text
}
