//! Reads the error that a service answers with, whatever its shape.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::http::Answer;
use crate::model::{Service, ServiceError, printable};

/// The most characters of a service's sentence that are shown.
const MOST_CHARACTERS: usize = 600;

/// Why an answer is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The service answered with an error.
    #[error("{0}")]
    Refused(ServiceError),
    /// The service answered something that this program cannot read.
    #[error("{service} did not answer with {expected}: {found}{}", request_suffix(.request_id.as_ref()))]
    Unexpected {
        /// Who answered.
        service: Service,
        /// What was expected.
        expected: &'static str,
        /// What came instead.
        found: String,
        /// The id by which the service's operators find the request.
        request_id: Option<String>,
    },
}

/// The documented shape: `{"error":{"code":"...","message":"..."}}`.
#[derive(Deserialize)]
struct Documented {
    error: DocumentedError,
}

#[derive(Deserialize)]
struct DocumentedError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

/// The shape of older services and gateways: `{"Message":"..."}`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Older {
    #[serde(alias = "message")]
    message: String,
    #[serde(default)]
    error_code: Option<serde_json::Value>,
}

/// Reads the error out of an answer, where something else was expected.
pub fn read_service_error(service: Service, answer: &Answer, expected: &str) -> ServiceError {
    let words = documented_words(answer).or_else(|| older_words(answer));
    let documented = words.is_some();
    let described = || format!("{}, where {expected} was expected", answer.describe_unexpected());
    let (code, message) = words.unwrap_or_default();
    ServiceError {
        service,
        status: answer.status,
        code: printable(&to_hexadecimal(&code), 80),
        message: printable(&message, MOST_CHARACTERS),
        request_id: answer.request_id(),
        documented,
        instead: (!documented).then(described),
        cut_short: answer.cut_short.map(Box::new),
    }
}

/// Reads the code and the sentence of the documented shape.
fn documented_words(answer: &Answer) -> Option<(String, String)> {
    let error = answer.json::<Documented>().ok()?.error;
    Some((error.code.unwrap_or_default(), error.message.unwrap_or_default()))
}

/// Reads the code and the sentence of the older shape.
fn older_words(answer: &Answer) -> Option<(String, String)> {
    let body = answer.json::<Older>().ok()?;
    let code = body.error_code.map(|code| code.to_string().trim_matches('"').to_owned());
    Some((code.unwrap_or_default(), body.message))
}

impl ApiError {
    /// Describes an answer that is something else than expected.
    pub fn unexpected(
        service: Service,
        answer: &Answer,
        found: impl Into<String>,
        expected: &'static str,
    ) -> Self {
        let request_id = answer.request_id();
        Self::Unexpected { service, expected, found: found.into(), request_id }
    }
}

/// Reads the body of a successful answer.
///
/// # Errors
/// The service's error, or what is wrong with the body.
pub(super) fn read_body<T: DeserializeOwned>(
    service: Service,
    answer: &Answer,
    expected: &'static str,
) -> Result<T, ApiError> {
    if !answer.is_success() {
        return Err(ApiError::Refused(read_service_error(service, answer, expected)));
    }
    answer
        .json()
        .map_err(|error| ApiError::unexpected(service, answer, error.to_string(), expected))
}

/// Converts a code to hexadecimal: older services give Dataverse's codes as signed decimals.
fn to_hexadecimal(code: &str) -> String {
    match code.parse::<i32>() {
        Ok(number) if number < 0 => format!("{number:#010x}"),
        _ => code.to_owned(),
    }
}

/// Formats a request's id to stand behind a sentence.
fn request_suffix(id: Option<&String>) -> String {
    id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> ServiceError {
        let answer = Answer::new(403, http::HeaderMap::default(), body.into());
        read_service_error(Service::Dataverse, &answer, "a page of rows")
    }

    #[test]
    fn the_documented_and_the_older_shape_are_read() {
        let documented = error(r#"{"error":{"code":"0x80040220","message":"no"}}"#);
        assert_eq!((documented.code.as_str(), documented.message.as_str()), ("0x80040220", "no"));
        let older = error(r#"{"Message":"no","ErrorCode":-2147220960}"#);
        assert_eq!((older.code.as_str(), older.message.as_str()), ("0x80040220", "no"));
    }

    #[test]
    fn a_page_of_a_gateway_is_an_error_without_words() {
        let error = error("<html>no</html>");
        assert!(!error.documented && error.message.is_empty());
        assert_eq!(
            error.to_string(),
            "Dataverse answered 403 with a body that is not JSON, where a page of rows was expected"
        );
    }
}
