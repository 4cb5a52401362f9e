//! What a service says when it does not do what it was asked.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::domain::{Service, printable};
use crate::http::{Answer, CutShort};

/// The most characters of a service's sentence that are shown.
const MOST_CHARACTERS: usize = 600;

/// A service's refusal, in its own words made safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Who refused.
    pub service: Service,
    /// The status.
    pub status: u16,
    /// The service's code, such as `0x80040220`; empty if it gave none.
    pub code: String,
    /// The service's sentence.
    pub message: String,
    /// The id by which the service's operators find the request.
    pub request_id: Option<String>,
    /// Whether it came in a shape that the services use, and not as a page of a gateway.
    pub documented: bool,
    /// What came in the place of such a shape, and what was expected.
    pub instead: Option<String>,
    /// Why the request was not sent once more, where that is for want of time alone.
    pub cut_short: Option<Box<CutShort>>,
}

/// Why an answer is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The service refused.
    #[error("{0}")]
    Fault(Fault),
    /// The service answered something that this program cannot read.
    #[error("{service} did not answer with {expected}: {found}{}", request(.request_id.as_ref()))]
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

impl Fault {
    /// Reads a refusal out of an answer, whatever its shape, where something was expected.
    pub fn of(service: Service, answer: &Answer, expected: &str) -> Self {
        let documented = answer.json::<Documented>().ok().map(|body| {
            (body.error.code.unwrap_or_default(), body.error.message.unwrap_or_default())
        });
        let older = || {
            let body = answer.json::<Older>().ok()?;
            let code = body.error_code.map(|code| code.to_string().trim_matches('"').to_owned());
            Some((code.unwrap_or_default(), body.message))
        };
        let words = documented.or_else(older);
        let documented = words.is_some();
        let described = || format!("{}, where {expected} was expected", answer.described());
        let (code, message) = words.unwrap_or_default();
        Self {
            service,
            status: answer.status,
            code: printable(&hexadecimal(&code), 80),
            message: printable(&message, MOST_CHARACTERS),
            request_id: answer.request_id(),
            documented,
            instead: (!documented).then(described),
            cut_short: answer.cut_short.map(Box::new),
        }
    }

    /// Whether the service's code is this one; Dataverse's hex digits are compared without case.
    pub fn is(&self, code: &str) -> bool {
        self.code.eq_ignore_ascii_case(code)
    }

    /// The privilege that the sentence names, such as `prvReadWorkflow`.
    pub fn privilege(&self) -> Option<String> {
        let words = self.message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let mut named = words.filter(|word| word.len() > 6 && word.starts_with("prv"));
        named.next().map(str::to_owned)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} answered {}", self.service, self.status)?;
        if !self.code.is_empty() {
            write!(formatter, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(formatter, ": {}", self.message)?;
        }
        if let Some(instead) = &self.instead {
            write!(formatter, " with {instead}")?;
        }
        formatter.write_str(&request(self.request_id.as_ref()))?;
        self.cut_short.as_ref().map_or(Ok(()), |cut_short| write!(formatter, "; {cut_short}"))
    }
}

impl ApiError {
    /// An answer that is something else than expected.
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

/// The body of a successful answer.
///
/// # Errors
/// The service's refusal, or what is wrong with the body.
pub(super) fn body<T: DeserializeOwned>(
    service: Service,
    answer: &Answer,
    expected: &'static str,
) -> Result<T, ApiError> {
    if !answer.is_success() {
        return Err(ApiError::Fault(Fault::of(service, answer, expected)));
    }
    answer
        .json()
        .map_err(|error| ApiError::unexpected(service, answer, error.to_string(), expected))
}

/// Older services give Dataverse's codes as signed decimals.
fn hexadecimal(code: &str) -> String {
    match code.parse::<i32>() {
        Ok(number) if number < 0 => format!("{number:#010x}"),
        _ => code.to_owned(),
    }
}

fn request(id: Option<&String>) -> String {
    id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(body: &str) -> Fault {
        let answer = Answer::new(403, http::HeaderMap::default(), body.into());
        Fault::of(Service::Dataverse, &answer, "a page of rows")
    }

    #[test]
    fn the_documented_and_the_older_shape_are_read() {
        let documented = fault(r#"{"error":{"code":"0x80040220","message":"no"}}"#);
        assert_eq!((documented.code.as_str(), documented.message.as_str()), ("0x80040220", "no"));
        let older = fault(r#"{"Message":"no","ErrorCode":-2147220960}"#);
        assert!(older.is("0x80040220") && older.message == "no");
    }

    #[test]
    fn a_page_of_a_gateway_is_a_fault_without_words() {
        let fault = fault("<html>no</html>");
        assert!(!fault.documented && fault.message.is_empty());
        assert_eq!(
            fault.to_string(),
            "Dataverse answered 403 with a body that is not JSON, where a page of rows was expected"
        );
    }

    #[test]
    fn the_privilege_that_is_missing_is_named() {
        let message = "Principal user (Id=1, type=8) is missing prvReadworkflow privilege (Id=88)";
        let fault = fault(&format!(r#"{{"error":{{"code":"0x80040220","message":"{message}"}}}}"#));
        assert_eq!(fault.privilege().as_deref(), Some("prvReadworkflow"));
        let custom = message.replace("workflow", "contoso_endpoint");
        let custom = self::fault(&format!(r#"{{"error":{{"code":"","message":"{custom}"}}}}"#));
        assert_eq!(custom.privilege().as_deref(), Some("prvReadcontoso_endpoint"));
    }
}
