//! Answers in parts (RFC 2046 section 5.1), where a part is an answer or has parts itself.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::http::Answer;

/// The header that tells which request of a batch a part answers.
pub(super) const CONTENT_ID: HeaderName = HeaderName::from_static("content-id");

/// The most headers of a part.
const MOST_HEADERS: usize = 64;

/// How deep parts may lie within parts: a batch, a change set in it, an answer in that.
const MOST_DEPTH: usize = 3;

/// Reads the answers in a body of parts, in their order. Returns none if the body is not well
/// formed.
pub(super) fn read_parts(content_type: &str, body: &[u8]) -> Option<Vec<Answer>> {
    let mut found = Vec::new();
    collect_answers(content_type, body, MOST_DEPTH, &mut found)?;
    Some(found)
}

/// Returns true if a content type announces parts.
pub(super) fn is_multipart(content_type: &str) -> bool {
    content_type.trim_start().to_ascii_lowercase().starts_with("multipart/mixed")
}

fn collect_answers(
    content_type: &str,
    body: &[u8],
    depth: usize,
    found: &mut Vec<Answer>,
) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    for part in split_parts(body, find_boundary(content_type)?)? {
        let (headers, body) = split_headers(part)?;
        let content_type = headers.get("content-type")?.to_str().ok()?;
        if is_multipart(content_type) {
            collect_answers(content_type, body, depth, found)?;
        } else {
            found.push(with_content_id(parse_answer(body)?, &headers));
        }
    }
    Some(())
}

/// Adds the id of its part to an answer, by which it belongs to a request.
fn with_content_id(mut answer: Answer, part: &HeaderMap) -> Answer {
    if let Some(id) = part.get(CONTENT_ID) {
        answer.headers.insert(CONTENT_ID, id.clone());
    }
    answer
}

/// Finds the boundary that a content type names, with or without quotes.
fn find_boundary(content_type: &str) -> Option<&str> {
    let mut parameters = content_type.split(';').skip(1).map(str::trim);
    let value = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then_some(value.trim())
    })?;
    let value = value.trim_matches('"');
    (!value.is_empty()).then_some(value)
}

/// Splits a body into the parts between the boundaries; the last boundary ends in two hyphens.
fn split_parts<'body>(body: &'body [u8], boundary: &str) -> Option<Vec<&'body [u8]>> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut start = None;
    let mut place = 0;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        let end = text.strip_suffix(b"--").is_some_and(|text| text == delimiter.as_bytes());
        if end || text == delimiter.as_bytes() {
            parts.extend(start.map(|start: usize| &body[start..place]));
            start = Some(place + line.len());
        }
        if end {
            return Some(parts);
        }
        place += line.len();
    }
    None
}

/// Splits a part into its headers and what follows them.
fn split_headers(part: &[u8]) -> Option<(HeaderMap, &[u8])> {
    let mut buffer = [httparse::EMPTY_HEADER; MOST_HEADERS];
    match httparse::parse_headers(part, &mut buffer).ok()? {
        httparse::Status::Complete((length, headers)) => {
            Some((header_map(headers), &part[length..]))
        }
        httparse::Status::Partial => None,
    }
}

/// Parses an answer that is written out as in a connection.
fn parse_answer(text: &[u8]) -> Option<Answer> {
    let mut buffer = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut buffer);
    let length = match response.parse(text).ok()? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return None,
    };
    let headers = header_map(response.headers);
    Some(Answer::new(response.code?, headers, text[length..].trim_ascii().to_vec()))
}

fn header_map(headers: &[httparse::Header<'_>]) -> HeaderMap {
    let pairs = headers.iter().filter_map(|header| {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(header.value).ok()?))
    });
    pairs.collect()
}
