//! Change sets: writes that succeed or fail together
//! (<https://learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api>).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::error::read_service_error;
use super::multipart::CONTENT_ID;
use super::{DataverseApi, multipart, odata_headers};
use crate::http::{Answer, Body, Method, Request, Safety};
use crate::model::{EntityTag, RowId, Service, ServiceError};

/// The most operations of one batch.
pub const MOST_OPERATIONS: usize = 1_000;

/// What the answer to a change set is.
const EXPECTED: &str = "the parts of a batch";

/// What tells the boundaries of one batch from everything in it.
#[derive(Clone, Copy, Debug)]
pub struct BatchId(uuid::Uuid);

/// One write of a change set. Its columns may hold secrets, so it is never printed.
pub enum Operation {
    /// A new row.
    Create {
        /// The table's name in addresses.
        entity_set: String,
        /// What the row holds.
        columns: Map<String, Value>,
    },
    /// Other columns of a row that is still of that version.
    Update {
        /// The table's name in addresses.
        entity_set: String,
        /// The row.
        id: RowId,
        /// The version.
        guard: EntityTag,
        /// What the row will hold.
        columns: Map<String, Value>,
    },
    /// The end of a row that is still of that version.
    Delete {
        /// The table's name in addresses.
        entity_set: String,
        /// The row.
        id: RowId,
        /// The version.
        guard: EntityTag,
    },
}

/// What the service says of a change set.
#[derive(Debug, PartialEq, Eq)]
pub enum ChangeSetAnswer {
    /// Every write is in.
    Committed(Receipt),
    /// No write is in.
    Refused(ChangeSetRefusal),
    /// The answer does not tell.
    Unclear(String),
}

/// The service's word that every write of a change set is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The id by which the service's operators find the request.
    pub request_id: Option<String>,
    /// The rows that were written, by the places of their writes, as far as the service tells them.
    pub rows: BTreeMap<usize, RowId>,
}

/// The service's word that no write of a change set is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSetRefusal {
    /// What it says.
    pub error: ServiceError,
    /// What it refuses.
    pub part: RefusedPart,
}

/// What of a change set the service refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedPart {
    /// The request as a whole.
    Whole,
    /// One of the writes, and it does not tell which.
    Untold,
    /// The write at this place, from 0.
    Write(usize),
}

impl BatchId {
    /// Makes an id that nobody can foresee, so that no value can hold a boundary.
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4())
    }
}

impl Operation {
    /// Formats the operation as a part of a change set: an HTTP request.
    fn format_part(&self, root: &str) -> String {
        match self {
            Self::Create { entity_set, columns } => {
                format!("POST {root}/{entity_set} HTTP/1.1\r\n{}", format_columns(columns))
            }
            Self::Update { entity_set, id, guard, columns } => format!(
                "PATCH {root}/{entity_set}({id}) HTTP/1.1\r\nIf-Match: {}\r\n{}",
                guard.as_str(),
                format_columns(columns)
            ),
            Self::Delete { entity_set, id, guard } => format!(
                "DELETE {root}/{entity_set}({id}) HTTP/1.1\r\nIf-Match: {}\r\n\r\n\r\n",
                guard.as_str()
            ),
        }
    }
}

/// Formats the rest of a request, which says what a row is to hold.
fn format_columns(columns: &Map<String, Value>) -> String {
    let body = serde_json::to_string(columns).unwrap_or_default();
    let length = body.len();
    format!(
        "Content-Type: application/json; type=entry\r\nContent-Length: {length}\r\n\r\n{body}\r\n"
    )
}

/// Returns the request that sends a change set, at most [`MOST_OPERATIONS`].
pub fn change_set(api: &DataverseApi, id: BatchId, operations: &[Operation]) -> Request {
    let url = api.tail_url("$batch");
    let mut request = Request::query(Service::Dataverse, Method::POST, url, "/$batch");
    request.safety = Safety::Write;
    request.body = Body::Bytes {
        content_type: format!("multipart/mixed; boundary=batch_{}", id.0),
        bytes: format_batch(api, id, operations).into_bytes(),
    };
    odata_headers(request)
}

/// Formats the batch with its one change set, lines ended by CRLF throughout (RFC 2046 section
/// 4.1.1).
fn format_batch(api: &DataverseApi, id: BatchId, operations: &[Operation]) -> String {
    let id = id.0;
    let parts = operations.iter().enumerate().map(|(index, operation)| {
        let head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary";
        let number = index + 1;
        let operation = operation.format_part(&api.root);
        format!("--changeset_{id}\r\n{head}\r\nContent-ID: {number}\r\n\r\n{operation}")
    });
    let parts: Vec<String> = parts.collect();
    let head = format!("Content-Type: multipart/mixed; boundary=changeset_{id}");
    let parts = parts.concat();
    format!("--batch_{id}\r\n{head}\r\n\r\n{parts}--changeset_{id}--\r\n\r\n--batch_{id}--\r\n")
}

/// Reads what became of a change set of that many operations.
pub fn read_change_set(answer: &Answer, operations: usize) -> ChangeSetAnswer {
    let content_type = answer.header("content-type").unwrap_or_default();
    if !multipart::is_multipart(content_type) {
        return read_plain(answer);
    }
    let Some(parts) = multipart::read_parts(content_type, &answer.body) else {
        return unclear_answer(answer, EXPECTED, "parts that are not well formed");
    };
    let done = parts.iter().filter(|part| part.is_success()).count();
    match parts.as_slice() {
        // A change set that failed has one answer for all of its writes.
        [failed] if (400..600).contains(&failed.status) => {
            ChangeSetAnswer::Refused(read_refusal(failed, answer, operations))
        }
        all if !(answer.is_success() && done == operations && all.len() == operations) => {
            let found = format!("{} parts, {done} of them of success", all.len());
            unclear_answer(answer, &format!("an answer to each of {operations} writes"), &found)
        }
        all if answers_each_write_once(all) => {
            ChangeSetAnswer::Committed(read_receipt(all, answer))
        }
        _ => unclear_answer(
            answer,
            EXPECTED,
            "parts whose `Content-ID`s are not those of the writes",
        ),
    }
}

/// Checks whether the parts answer each write exactly once, in any order. Returns true if no part
/// has a `Content-ID`, since there is nothing to compare.
fn answers_each_write_once(parts: &[Answer]) -> bool {
    let told: BTreeSet<usize> = parts.iter().filter_map(content_id).collect();
    let silent = parts.iter().all(|part| !part.headers.contains_key(CONTENT_ID));
    silent || told.into_iter().eq(1..=parts.len())
}

/// Returns the number of the write that a part answers, from 1, if the part tells it.
fn content_id(part: &Answer) -> Option<usize> {
    part.header(CONTENT_ID.as_str())?.trim().parse().ok()
}

/// Returns the place of the write that a part answers. One of a single write needs no number.
fn write_index(part: &Answer, operations: usize) -> Option<usize> {
    let alone = (operations == 1).then_some(1);
    let number = if part.headers.contains_key(CONTENT_ID) { content_id(part) } else { alone };
    number.filter(|number| (1..=operations).contains(number)).map(|number| number - 1)
}

/// Reads which rows were written.
fn read_receipt(parts: &[Answer], whole: &Answer) -> Receipt {
    let row = |part: &Answer| Some((write_index(part, parts.len())?, entity_id(part)?));
    Receipt { request_id: whole.request_id(), rows: parts.iter().filter_map(row).collect() }
}

/// Returns the id of the row that a part is about: its address ends in it, between parentheses
/// (<https://docs.oasis-open.org/odata/odata/v4.0/os/part1-protocol/odata-v4.0-os-part1-protocol.html#_Toc372793637>).
fn entity_id(part: &Answer) -> Option<RowId> {
    let address = part.header("odata-entityid")?.trim();
    let (_, id) = address.strip_suffix(')')?.rsplit_once('(')?;
    id.parse().ok()
}

/// Reads the refusal of a change set of so many operations.
fn read_refusal(failed: &Answer, whole: &Answer, operations: usize) -> ChangeSetRefusal {
    let part = write_index(failed, operations).map_or(RefusedPart::Untold, RefusedPart::Write);
    ChangeSetRefusal { error: read_failed_part(failed, whole), part }
}

/// Returns the result for an answer that does not say whether the writes were carried out.
fn unclear_answer(answer: &Answer, expected: &str, found: &str) -> ChangeSetAnswer {
    let service = Service::Dataverse;
    let id = answer.request_id().map(|id| format!(" (request {id})")).unwrap_or_default();
    ChangeSetAnswer::Unclear(format!("{service} did not answer with {expected}: {found}{id}"))
}

/// Reads the error in a part, with the id of the whole answer where the part has none of its own.
fn read_failed_part(part: &Answer, whole: &Answer) -> ServiceError {
    let error = read_service_error(Service::Dataverse, part, "the reason of a refusal");
    let request_id = error.request_id.clone().or_else(|| whole.request_id());
    ServiceError { request_id, ..error }
}

/// Reads an answer without parts: a refusal of the batch as a whole if the service itself says so.
/// A gateway's page may come after the service has written.
fn read_plain(answer: &Answer) -> ChangeSetAnswer {
    let error = read_service_error(Service::Dataverse, answer, EXPECTED);
    match answer.status {
        // Neither is a request without a token executed, nor one that is turned away.
        401 | 429 => refuse_whole_request(error),
        400..=407 | 409..=499 if error.documented => refuse_whole_request(error),
        status => {
            let found = format!("status {status} with {}", answer.describe_unexpected());
            unclear_answer(answer, EXPECTED, &found)
        }
    }
}

/// Wraps an error as the refusal of the whole request.
fn refuse_whole_request(error: ServiceError) -> ChangeSetAnswer {
    ChangeSetAnswer::Refused(ChangeSetRefusal { error, part: RefusedPart::Whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "multipart/mixed; boundary=batchresponse_1";

    fn answer(status: u16, content_type: &str, body: &str) -> Answer {
        let headers = [(http::header::CONTENT_TYPE, content_type.parse().unwrap())];
        let body = body.replace('\n', "\r\n").into_bytes();
        Answer::new(status, headers.into_iter().collect(), body)
    }

    fn columns(value: &str) -> Map<String, Value> {
        Map::from_iter([("value".to_owned(), Value::from(value))])
    }

    #[test]
    fn a_change_set_is_written_with_ids_lengths_guards_and_crlf() {
        let api = DataverseApi::new(&"https://contoso.crm4.dynamics.com".parse().unwrap());
        let id = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9".parse().unwrap();
        let operations = [
            Operation::Create { entity_set: "contoso_endpoints".into(), columns: columns("é") },
            Operation::Update {
                entity_set: "contoso_endpoints".into(),
                id,
                guard: EntityTag::new("W/\"7\"").unwrap(),
                columns: columns("y"),
            },
            Operation::Delete {
                entity_set: "contoso_endpoints".into(),
                id,
                guard: EntityTag::new("W/\"8\"").unwrap(),
            },
        ];
        let text = format_batch(&api, BatchId(uuid::Uuid::nil()), &operations);
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        insta::assert_snapshot!(text.replace("\r\n", "\n").replace("00000000-0000-0000-0000-000000000000", "0"), @r#"
        --batch_0
        Content-Type: multipart/mixed; boundary=changeset_0

        --changeset_0
        Content-Type: application/http
        Content-Transfer-Encoding: binary
        Content-ID: 1

        POST https://contoso.crm4.dynamics.com/api/data/v9.2/contoso_endpoints HTTP/1.1
        Content-Type: application/json; type=entry
        Content-Length: 14

        {"value":"é"}
        --changeset_0
        Content-Type: application/http
        Content-Transfer-Encoding: binary
        Content-ID: 2

        PATCH https://contoso.crm4.dynamics.com/api/data/v9.2/contoso_endpoints(a09e4a0d-3a1c-f011-998a-7c1e5275cfe9) HTTP/1.1
        If-Match: W/"7"
        Content-Type: application/json; type=entry
        Content-Length: 13

        {"value":"y"}
        --changeset_0
        Content-Type: application/http
        Content-Transfer-Encoding: binary
        Content-ID: 3

        DELETE https://contoso.crm4.dynamics.com/api/data/v9.2/contoso_endpoints(a09e4a0d-3a1c-f011-998a-7c1e5275cfe9) HTTP/1.1
        If-Match: W/"8"


        --changeset_0--

        --batch_0--
        "#);
    }

    #[test]
    fn a_change_set_is_committed_only_if_every_write_says_so() {
        let part = "--changesetresponse_2\nContent-Type: application/http\nContent-Transfer-Encoding: binary\nContent-ID: 1\n\nHTTP/1.1 204 No Content\nOData-Version: 4.0\n\n\n";
        let body = format!(
            "--batchresponse_1\nContent-Type: multipart/mixed; boundary=changesetresponse_2\n\n{part}--changesetresponse_2--\n--batchresponse_1--\n"
        );
        assert_eq!(
            read_change_set(&answer(200, ANSWER, &body), 1),
            ChangeSetAnswer::Committed(Receipt::default())
        );
        assert!(matches!(
            read_change_set(&answer(200, ANSWER, &body), 2),
            ChangeSetAnswer::Unclear(_)
        ));
        let cut = &body[..body.len() - 25];
        assert!(matches!(
            read_change_set(&answer(200, ANSWER, cut), 1),
            ChangeSetAnswer::Unclear(_)
        ));
    }

    #[test]
    fn a_failed_change_set_is_understood_flat_or_nested_and_whatever_the_outer_status() {
        let failed = "Content-Type: application/http\nContent-Transfer-Encoding: binary\n\nHTTP/1.1 412 Precondition Failed\nREQ_ID: 5\nContent-Type: application/json; odata.metadata=minimal\n\n{\"error\":{\"code\":\"0x80060882\",\"message\":\"The version differs.\"}}\n";
        let flat = format!("--batchresponse_1\n{failed}--batchresponse_1--\n");
        let nested = format!(
            "--batchresponse_1\nContent-Type: multipart/mixed; boundary=\"c_2\"\n\n--c_2\n{failed}--c_2--\n--batchresponse_1--\n"
        );
        for (status, body) in [(412, &flat), (200, &nested), (400, &nested)] {
            let read = read_change_set(&answer(status, ANSWER, body), 2);
            let ChangeSetAnswer::Refused(refusal) = read else { panic!() };
            assert!(refusal.error.is_version_mismatch() && refusal.error.status == 412);
            assert_eq!(refusal.part, RefusedPart::Untold);
        }
    }

    #[test]
    fn the_write_that_is_refused_is_known_by_its_id_where_the_part_has_one_of_ours() {
        let failed = |id: &str| {
            format!(
                "--batchresponse_1\nContent-Type: multipart/mixed; boundary=c_2\n\n--c_2\nContent-Type: application/http\n{id}\nHTTP/1.1 400 Bad Request\n\n{{}}\n--c_2--\n--batchresponse_1--\n"
            )
        };
        let part = |id: &str, operations| {
            let read = read_change_set(&answer(400, ANSWER, &failed(id)), operations);
            let ChangeSetAnswer::Refused(refusal) = read else { panic!("{read:?}") };
            refusal.part
        };
        assert_eq!(part("Content-ID: 3\n", 3), RefusedPart::Write(2));
        assert_eq!(part("content-id:  1 \n", 3), RefusedPart::Write(0));
        for id in ["", "Content-ID: 0\n", "Content-ID: 4\n", "Content-ID: x\n", "Content-ID: -1\n"]
        {
            assert_eq!(part(id, 3), RefusedPart::Untold, "{id}");
        }
        assert_eq!(part("", 1), RefusedPart::Write(0));
        assert_eq!(part("Content-ID: 9\n", 1), RefusedPart::Untold);
        let whole = answer(403, "application/json", r#"{"error":{"code":"x","message":"no"}}"#);
        let ChangeSetAnswer::Refused(refusal) = read_change_set(&whole, 1) else { panic!() };
        assert_eq!(refusal.part, RefusedPart::Whole);
    }

    #[test]
    fn the_ids_of_the_rows_are_read_out_of_their_parts() {
        let id = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9";
        let address = format!("OData-EntityId: https://x.example/api/data/v9.2/rows({id})\n");
        let body = TWO.replacen("204 No Content\n", &format!("204 No Content\n{address}"), 1);
        let swapped =
            body.replace("ID: 1", "ID: 0").replace("ID: 2", "ID: 1").replace("ID: 0", "ID: 2");
        for (body, place) in [(&body, 0), (&swapped, 1)] {
            let read = read_change_set(&answer(200, ANSWER, body), 2);
            let ChangeSetAnswer::Committed(receipt) = read else { panic!("{read:?}") };
            assert_eq!(receipt.rows, BTreeMap::from([(place, id.parse().unwrap())]));
        }
        let silent = body.replace("Content-ID: 1\n", "").replace("Content-ID: 2\n", "");
        let read = read_change_set(&answer(200, ANSWER, &silent), 2);
        assert_eq!(read, ChangeSetAnswer::Committed(Receipt::default()));
    }

    #[test]
    fn an_answer_in_which_some_writes_are_in_is_no_refusal() {
        let part = |status: &str| {
            format!(
                "--batchresponse_1\nContent-Type: application/http\n\nHTTP/1.1 {status}\nContent-Type: application/json\n\n{{}}\n"
            )
        };
        let body =
            format!("{}{}--batchresponse_1--\n", part("204 No Content"), part("400 Bad Request"));
        let read = read_change_set(&answer(400, ANSWER, &body), 2);
        assert!(matches!(read, ChangeSetAnswer::Unclear(_)));
    }

    /// The answer to a change set of two writes.
    const TWO: &str = "--batchresponse_1\nContent-Type: multipart/mixed; boundary=c_2\n\n--c_2\nContent-Type: application/http\nContent-ID: 1\n\nHTTP/1.1 204 No Content\n\n--c_2\nContent-Type: application/http\nContent-ID: 2\n\nHTTP/1.1 204 No Content\n\n--c_2--\n--batchresponse_1--\n";

    #[test]
    fn parts_are_matched_by_their_ids_and_not_by_their_order() {
        let read = |body: &str| read_change_set(&answer(200, ANSWER, body), 2);
        assert_eq!(read(TWO), ChangeSetAnswer::Committed(Receipt::default()));
        let swapped =
            TWO.replace("ID: 1", "ID: 0").replace("ID: 2", "ID: 1").replace("ID: 0", "ID: 2");
        assert_eq!(read(&swapped), ChangeSetAnswer::Committed(Receipt::default()));
        let silent = TWO.replace("Content-ID: 1\n", "").replace("Content-ID: 2\n", "");
        assert_eq!(read(&silent), ChangeSetAnswer::Committed(Receipt::default()));
    }

    #[test]
    fn a_broken_answer_to_a_change_set_is_never_taken_for_a_yes_and_says_what_was_expected() {
        let one =
            "--c_2\nContent-Type: application/http\nContent-ID: 2\n\nHTTP/1.1 204 No Content\n\n";
        let broken = [
            TWO.replacen("ID: 2", "ID: 1", 1),
            TWO.replacen("ID: 2", "ID: 3", 1),
            TWO.replacen("ID: 2", "ID: x", 1),
            TWO.replacen("Content-ID: 2\n", "", 1),
            TWO.replacen(one, "", 1),
            TWO.replacen(one, &one.repeat(2), 1),
            TWO.replace("--batchresponse_1--\n", ""),
            TWO.replace("--c_2--\n", ""),
            TWO.replace("--c_2", "--c_3"),
            TWO.replace("boundary=c_2", "boundary="),
            TWO.replace("boundary=c_2", "boundary=batchresponse_1"),
            TWO.replacen("204 No Content", "999 What", 1),
            TWO.replacen("204 No Content", "100 Continue", 1),
            TWO.replacen(one, "", 1).replace("204 No Content", "999 What"),
            TWO.replacen("HTTP/1.1 204 No Content", "made-up", 1),
            TWO.replacen("application/http", "multipart/mixed; boundary=c_2", 1),
            String::new(),
            "--batchresponse_1--\n".to_owned(),
            "x".repeat(100_000),
        ];
        for body in broken {
            let mut answer = answer(200, ANSWER, &body);
            answer.headers.insert("x-ms-service-request-id", "r-7".parse().unwrap());
            let read = read_change_set(&answer, 2);
            let ChangeSetAnswer::Unclear(said) = &read else { panic!("{read:?}: {body}") };
            assert!(said.starts_with("Dataverse did not answer with "), "{said}");
            assert!(said.ends_with(" (request r-7)"), "{said}");
        }
    }

    #[test]
    fn a_batch_that_was_refused_as_a_whole_is_no_riddle_and_a_broken_server_is() {
        let refused =
            answer(400, "application/json", r#"{"error":{"code":"0x80060888","message":"no"}}"#);
        assert!(matches!(read_change_set(&refused, 1), ChangeSetAnswer::Refused(_)));
        for status in [200, 302, 403, 408, 500, 502, 503] {
            assert!(matches!(
                read_change_set(&answer(status, "text/html", "<html>"), 1),
                ChangeSetAnswer::Unclear(_)
            ));
        }
    }
}
