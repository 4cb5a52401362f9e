//! What became of a change set is read out of an answer in parts.
//!
//! An input is a line `STATUS OPERATIONS CONTENT-TYPE`, and the body after it.

use flowbind::http::Answer;
use flowbind::model::ServiceError;
use flowbind::services::dataverse::{ChangeSetAnswer, MOST_OPERATIONS, read_change_set};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::assert_shown;
use super::error_body::service_error;

/// Holds for every answer.
pub fn holds(bytes: &[u8]) {
    let Some((answer, operations)) = input(bytes) else { return };
    match read_change_set(&answer, operations) {
        ChangeSetAnswer::Committed(_) => committed(&answer, operations),
        ChangeSetAnswer::Refused(refused) => refusal(&answer, &refused.error),
        ChangeSetAnswer::Unclear(why) => assert_shown(&why, 1_000),
    }
}

/// The answer, and of how many operations it is to be.
fn input(bytes: &[u8]) -> Option<(Answer, usize)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let mut words = bytes[..end].trim_ascii_end().splitn(3, |byte| *byte == b' ');
    let mut number = || str::from_utf8(words.next()?).ok()?.parse::<u16>().ok();
    let (status, operations) = (number()?, usize::from(number()?));
    let content_type = HeaderValue::from_bytes(words.next()?).ok()?;
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type)]);
    let body = bytes[end + 1..].to_vec();
    let usual = (100..1000).contains(&status) && (1..=MOST_OPERATIONS).contains(&operations);
    usual.then_some((Answer::new(status, headers, body), operations))
}

/// Every write has an answer of its own that says so, and there is none more.
fn committed(answer: &Answer, operations: usize) {
    assert!(answer.is_success());
    let body = String::from_utf8_lossy(&answer.body);
    assert!(body.matches("HTTP/1.").count() >= operations);
    // Behind the last boundary there may be blanks (RFC 2046 section 5.1.1).
    assert!(body.lines().any(|line| line.trim_end().ends_with("--")));
    for other in [operations - 1, operations + 1] {
        assert!(!matches!(read_change_set(answer, other), ChangeSetAnswer::Committed(_)));
    }
}

/// A refusal has a status of one, from a part or from the whole.
fn refusal(answer: &Answer, refused: &ServiceError) {
    assert!(refused.status >= 400);
    let body = String::from_utf8_lossy(&answer.body);
    assert!(refused.status == answer.status || body.contains(&refused.status.to_string()));
    service_error(refused);
}
